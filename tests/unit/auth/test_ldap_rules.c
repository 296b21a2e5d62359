/* Tests of auth/ldap_check, ldap_rules and ldap_server: which configurations are refused, and what
 * the others are made into. */
#include "auth/ldap_rules.h"
#include "auth/ldap_server.h"
#include "base/error.h"
#include "suites.h"

static const char *const urls[] = {"ldaps://ldap.example.org", NULL};
static const char *const plain_urls[] = {"ldap://ldap.example.org", NULL};
static const char *const base[] = {"ou=people,dc=example,dc=org", NULL};

/* The least that is a configuration, as app/options would read it. */
static HgLdapConfig least(void)
{
    return (HgLdapConfig){
        .urls = urls,
        .n_urls = 1,
        .base = base,
        .n_base = 1,
        .user_attribute = "uid",
        .groups = {.attribute = "memberOf",
                   .object_class = "groupOfNames",
                   .member = "member",
                   .name = "cn"},
    };
}

static void collect(const char *option, const char *text, void *data)
{
    g_string_append_printf(data, "%s: %s\n", option, text);
}

static void check_problem(const HgLdapConfig *config, const char *expected)
{
    g_autoptr(GString) all = g_string_new(NULL);
    hg_ldap_config_check(config, collect, all);
    if (expected == NULL)
        ck_assert_str_eq(all->str, "");
    else
        ck_assert_msg(strstr(all->str, expected) != NULL, "%s is not in:\n%s", expected, all->str);
    g_autoptr(HgLdapRules) rules = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert_int_eq(hg_ldap_rules_new(config, &rules, &error), expected == NULL);
    ck_assert_int_eq(error != NULL, expected != NULL);
}

#define PROBLEM(member, value, expected)                                                           \
    do {                                                                                           \
        HgLdapConfig changed = least();                                                            \
        changed.member = value;                                                                    \
        check_problem(&changed, expected);                                                         \
    } while (0)

START_TEST(test_urls)
{
    HgLdapConfig config = least();
    check_problem(&config, NULL);
    PROBLEM(n_urls, 0, "urls: it is missing");
    PROBLEM(urls, plain_urls, "urls: passwords would go to ldap://ldap.example.org:389");
    PROBLEM(start_tls, TRUE, "start_tls: ldaps:// is TLS from the beginning");
    config.urls = plain_urls;
    config.start_tls = TRUE;
    check_problem(&config, NULL);
    config.plaintext = TRUE;
    check_problem(&config, "plaintext: it contradicts start_tls");
    config.start_tls = FALSE;
    check_problem(&config, NULL);
    config.tls.ca_file = "ca.pem";
    check_problem(&config, "tls: no connection has TLS");
    static const char *const local[] = {"ldap://127.0.0.1:3890", "ldap://localhost", "ldap://[::1]",
                                        NULL};
    config = least();
    config.urls = local;
    config.n_urls = 3;
    check_problem(&config, NULL);
    static const char *const wrong[] = {"http://x", NULL};
    PROBLEM(urls, wrong, "is no LDAP URL");
}
END_TEST

START_TEST(test_accounts_and_tls)
{
    PROBLEM(bind_dn, "cn=gate,dc=x", "password_file: it is missing");
    PROBLEM(password_file, "p", "password_file: nobody's password");
    PROBLEM(tls.certificate_file, "c", "tls: certificate_file and key_file belong together");
    HgLdapConfig config = least();
    config.tls.verify = HG_LDAP_VERIFY_NONE;
    check_problem(&config, NULL);
    config.tls.ca_file = "ca.pem";
    check_problem(&config, "tls.ca_file: it is of no use with verify: none");
    config = least();
    config.bind_dn = "cn=gate,,dc=x";
    config.password_file = "p";
    check_problem(&config, "bind_dn: \"cn=gate,,dc=x\" is no DN");
    config.bind_dn = "gate@example.org";
    check_problem(&config, NULL);
}
END_TEST

static void check_pattern(const char *pattern, gboolean with_base, const char *expected)
{
    const char *const patterns[] = {pattern, NULL};
    HgLdapConfig config = least();
    config.user_patterns = patterns;
    config.n_user_patterns = 1;
    config.n_base = with_base ? 1 : 0;
    check_problem(&config, expected);
}

START_TEST(test_users)
{
    static const char *const no_dn[] = {"people", NULL};
    PROBLEM(n_base, 0, "base: it is missing");
    PROBLEM(base, no_dn, "base: \"people\" is no DN");
    PROBLEM(user_filter, "(uid=x)", "user_filter: it finds the same for everybody");
    PROBLEM(user_filter, "uid={user}", "user_filter: it is no LDAP filter");
    PROBLEM(user_filter, "(uid=%s)", "user_filter: %s is Hive's way");
    PROBLEM(user_filter, "(&(objectClass=person)(uid={user}))", NULL);
    PROBLEM(user_attribute, "uid)(x=*", "user_attribute: ");
    PROBLEM(domain, "@x", "domain: expected a domain");
    PROBLEM(allow_filter, "(x", "allow_filter: it is no LDAP filter");
    check_pattern("uid={user},dc=x", FALSE, NULL);
    check_pattern("uid=user,dc=x", FALSE, "is the same for everybody");
    check_pattern("uid={user},dc", FALSE, "is no DN");
    check_pattern("{user}@example.org", FALSE, "base: it is missing; expected where users are");
    check_pattern("{user}@example.org", TRUE, NULL);
    check_pattern("uid=%s,dc=x", FALSE, "user_patterns: %s is Hive's way");
}
END_TEST

START_TEST(test_groups)
{
    HgLdapConfig config = least();
    config.groups.filter = "(member={dn})";
    check_problem(&config, "groups.filter: nobody searches for groups");
    config.groups.from = HG_LDAP_GROUPS_SEARCH;
    check_problem(&config, NULL);
    config.groups.filter = "(objectClass=group)";
    check_problem(&config, "groups.filter: it finds the same for everybody");
    config.groups.filter = "(member:1.2.840.113556.1.4.1941:={dn})";
    check_problem(&config, NULL);
    PROBLEM(n_allow_groups, 1, "allow_groups: nobody's groups are known");
    PROBLEM(groups.name, "c n", "groups.name: \"c n\" names no attribute");
    static const char *const patterns[] = {"uid={user},dc=x", NULL};
    config.n_base = 0;
    config.user_patterns = patterns;
    config.n_user_patterns = 1;
    check_problem(&config, "groups.base: it is missing");
}
END_TEST

static void check_strip(const char *domain, const char *name, const char *expected)
{
    HgLdapConfig config = least();
    g_autoptr(HgLdapRules) rules = NULL;
    HgSlice user;
    config.domain = domain;
    ck_assert(hg_ldap_rules_new(&config, &rules, NULL));
    gboolean ok = hg_ldap_rules_strip(rules, hg_slice_from_string(name), &user);
    ck_assert_int_eq(ok, expected != NULL);
    if (expected != NULL)
        ck_assert(hg_slice_equal_string(user, expected));
}

START_TEST(test_strip)
{
    check_strip(NULL, "a@x", "a@x");
    check_strip("x", "a", "a");
    check_strip("x", "a@X", "a");
    check_strip("x", "a@b@x", "a@b");
    check_strip("x", "a@y", NULL);
    check_strip("x", "a@xx", NULL);
    check_strip("x", "@x", NULL);
    check_strip("x", "a@", NULL);
}
END_TEST

START_TEST(test_rules)
{
    HgLdapConfig config = least();
    g_autoptr(HgLdapRules) rules = NULL;
    config.groups.from = HG_LDAP_GROUPS_SEARCH;
    ck_assert(hg_ldap_rules_new(&config, &rules, NULL));
    g_autofree char *find = hg_ldap_template_expand(rules->find, hg_slice_from_string("a*"), NULL);
    ck_assert_str_eq(find, "(uid=a\\2a)");
    g_autofree char *groups =
        hg_ldap_template_expand(rules->groups, hg_slice_from_string("a"), "cn=a");
    ck_assert_str_eq(groups, "(&(objectClass=groupOfNames)(|(member=cn=a)(member=a)))");
    ck_assert_ptr_null(rules->confirm);
    ck_assert_str_eq(rules->wanted[0], "uid");
    ck_assert_ptr_null(rules->wanted[1]);
    ck_assert_ptr_ne(rules->config.base[0], base[0]); /* a copy */
}
END_TEST

static void check_server(const char *url, const char *host, const char *port, gboolean ldaps)
{
    g_auto(HgLdapServer) server = {0};
    ck_assert_msg(hg_ldap_server_parse(url, &server, NULL), "%s", url);
    ck_assert_str_eq(server.host, host);
    ck_assert_str_eq(server.port, port);
    ck_assert_int_eq(server.ldaps, ldaps);
}

static void check_no_server(const char *url, const char *why)
{
    g_auto(HgLdapServer) server = {0};
    g_autoptr(GError) error = NULL;
    ck_assert_msg(!hg_ldap_server_parse(url, &server, &error), "%s", url);
    ck_assert_msg(strstr(error->message, why) != NULL, "%s", error->message);
}

START_TEST(test_servers)
{
    check_server("ldap://h", "h", "389", FALSE);
    check_server("ldaps://h/", "h", "636", TRUE);
    check_server("LDAP://h:1389", "h", "1389", FALSE);
    check_server("ldap://[::1]:1", "::1", "1", FALSE);
    check_no_server("h:389", "no LDAP URL");
    check_no_server("ldapi:///x", "no LDAP URL");
    check_no_server("ldap://", "names no host");
    check_no_server("ldap://h:0", "the port 0");
    check_no_server("ldap://h:99999", "no URL");
    check_no_server("ldap://u:p@h", "holds a user");
    check_no_server("ldap://h/dc=x", "more than the server");
    check_no_server("ldap://h??sub", "more than the server");
    check_no_server("", "no URL");
}
END_TEST

Suite *ldap_rules_suite(void)
{
    Suite *suite = suite_create("auth/ldap_rules");
    TCase *tcase = tcase_create("ldap_rules");
    tcase_add_test(tcase, test_urls);
    tcase_add_test(tcase, test_accounts_and_tls);
    tcase_add_test(tcase, test_users);
    tcase_add_test(tcase, test_groups);
    tcase_add_test(tcase, test_strip);
    tcase_add_test(tcase, test_rules);
    tcase_add_test(tcase, test_servers);
    suite_add_tcase(suite, tcase);
    return suite;
}
