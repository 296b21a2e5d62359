/* Tests of app/options_ldap and app/config_check_ldap: values, defaults, errors with their places.
 */
#include "app/config.h"
#include "app/config_read.h"
#include "app/config_yaml.h"
#include "app/options_rows.h"
#include "suites.h"

#include <string.h>

#define BEFORE                                                                                     \
    "listeners: [{name: a, bind: '127.0.0.1:10000'}]\n"                                            \
    "pools: [{name: p, endpoints: ['h:1']}]\n"                                                     \
    "authentication:\n"                                                                            \
    "  chain: [ldap]\n"
#define LEAST BEFORE "  ldap:\n    urls: ['ldaps://d']\n    base: ['dc=x']\n"

/* Reads what stands below authentication.ldap; its texts belong to the array. */
static GPtrArray *read_section(const char *text, HgLdapConfig *out)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("c.yaml");
    g_autoptr(HgYaml) root = hg_yaml_parse(hg_slice_from_string(text), diagnostics);
    GPtrArray *owned = g_ptr_array_new_with_free_func(g_free);
    HgConfigReader reader = {"/etc", diagnostics, owned};
    ck_assert_ptr_nonnull(root);
    hg_config_read(&reader, hg_option_ldap_section(), root, "", out);
    g_autofree char *wrong = hg_diagnostics_text(diagnostics);
    ck_assert_str_eq(wrong, "");
    return owned;
}

static HgConfig *parse(const char *text, char **wrong)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("c.yaml");
    HgConfig *config = hg_config_parse("c.yaml", hg_slice_from_string(text), diagnostics);
    *wrong = hg_diagnostics_text(diagnostics);
    return config;
}

START_TEST(test_defaults)
{
    HgLdapConfig config = {0};
    const HgLdapConfig *ldap = &config;
    g_autoptr(GPtrArray) owned = read_section("urls: ['ldaps://d']\nbase: ['dc=x']\n", &config);
    ck_assert_uint_eq(ldap->n_urls, 1);
    ck_assert_str_eq(ldap->urls[0], "ldaps://d");
    ck_assert_ptr_null(ldap->urls[1]);
    ck_assert_str_eq(ldap->base[0], "dc=x");
    ck_assert(!ldap->start_tls && !ldap->plaintext);
    ck_assert_int_eq(ldap->tls.verify, HG_LDAP_VERIFY_FULL);
    ck_assert_int_eq(ldap->tls.min_version, HG_TLS_1_2);
    ck_assert_ptr_null(ldap->bind_dn);
    ck_assert_ptr_null(ldap->user_filter);
    ck_assert_ptr_null(ldap->domain);
    ck_assert_str_eq(ldap->user_attribute, "uid");
    ck_assert_int_eq(ldap->groups.from, HG_LDAP_GROUPS_NONE);
    ck_assert_str_eq(ldap->groups.attribute, "memberOf");
    ck_assert_str_eq(ldap->groups.object_class, "groupOfNames");
    ck_assert_str_eq(ldap->groups.member, "member");
    ck_assert_str_eq(ldap->groups.name, "cn");
    ck_assert_uint_eq(ldap->connections, 8);
    ck_assert_int_eq(ldap->connect_timeout_ms, 3000);
    ck_assert_int_eq(ldap->request_timeout_ms, 5000);
    ck_assert_int_eq(ldap->timeout_ms, 15000);
}
END_TEST

START_TEST(test_everything)
{
    HgLdapConfig config = {0};
    const HgLdapConfig *ldap = &config;
    g_autoptr(GPtrArray) owned =
        read_section("urls: ['ldap://a', 'ldap://b:1389']\n"
                     "start_tls: true\n"
                     "tls: {ca_file: ca.pem, certificate_file: c.pem, key_file: c.key, "
                     "min_version: 1.3}\n"
                     "bind_dn: cn=gate,dc=x\n"
                     "password_file: p.txt\n"
                     "base: ['ou=a,dc=x', 'ou=b,dc=x']\n"
                     "user_patterns: ['uid={user},ou=a,dc=x']\n"
                     "user_filter: (&(objectClass=person)(uid={user}))\n"
                     "user_attribute: cn\n"
                     "domain: example.org\n"
                     "groups: {from: search, base: [ou=g], class: posixGroup, member: memberUid}\n"
                     "attributes: [mail, departmentNumber]\n"
                     "allow_users: [alice]\n"
                     "allow_groups: [\"Domain Users\"]\n"
                     "allow_filter: (cn=x)\n"
                     "connections: 3\n",
                     &config);
    ck_assert(ldap->start_tls);
    ck_assert_str_eq(ldap->urls[1], "ldap://b:1389");
    ck_assert_str_eq(ldap->tls.ca_file, "/etc/ca.pem");
    ck_assert_str_eq(ldap->password_file, "/etc/p.txt");
    ck_assert_int_eq(ldap->tls.min_version, HG_TLS_1_3);
    ck_assert_str_eq(ldap->user_patterns[0], "uid={user},ou=a,dc=x");
    ck_assert_str_eq(ldap->groups.base[0], "ou=g");
    ck_assert_str_eq(ldap->groups.object_class, "posixGroup");
    ck_assert_str_eq(ldap->attributes[1], "departmentNumber");
    ck_assert_str_eq(ldap->allow_groups[0], "Domain Users");
    ck_assert_uint_eq(ldap->connections, 3);
}
END_TEST

static void check_wrong(const char *text, const char *expected)
{
    g_autofree char *wrong = NULL;
    g_autoptr(HgConfig) config = parse(text, &wrong);
    ck_assert_ptr_null(config);
    ck_assert_msg(strstr(wrong, expected) != NULL, "%s is not in:\n%s", expected, wrong);
}

START_TEST(test_errors)
{
    check_wrong(BEFORE, "c.yaml:4:10: authentication.ldap is missing");
    check_wrong(BEFORE "  ldap: {base: ['dc=x']}\n", "authentication.ldap.urls is missing");
    check_wrong(BEFORE "  ldap: {urls: ['ldap://d'], base: ['dc=x']}\n",
                "c.yaml:5:16: authentication.ldap.urls: passwords would go to ldap://d:389");
    check_wrong(LEAST "    password: secret\n", "secrets are not read from this file");
    check_wrong(LEAST "    bind_dn: cn=x\n",
                "c.yaml:6:5: authentication.ldap.password_file: it is missing");
    check_wrong(LEAST "    groups: {from: search, filter: x}\n",
                "c.yaml:8:36: authentication.ldap.groups.filter: it is no LDAP filter");
    check_wrong(
        LEAST "    timeout: 30s\n",
        "c.yaml:8:14: authentication.ldap.timeout (30s) is above limits.login_timeout (20s)");
    check_wrong(LEAST "    start_tls: maybe\n", "expected one of true, false");
    check_wrong(LEAST "    user_patterns: uid\n", "a single value is here");
}
END_TEST

START_TEST(test_of_no_use)
{
    check_wrong("listeners: [{name: a, bind: '127.0.0.1:10000'}]\n"
                "pools: [{name: p, endpoints: ['h:1']}]\n"
                "authentication:\n"
                "  chain: [users]\n"
                "  users: {file: u}\n"
                "  ldap: {urls: ['ldaps://d'], base: ['dc=x']}\n",
                "c.yaml:6:9: authentication.ldap is of no use");
}
END_TEST

Suite *config_ldap_suite(void)
{
    Suite *suite = suite_create("app/config_ldap");
    TCase *tcase = tcase_create("config_ldap");
    tcase_add_test(tcase, test_defaults);
    tcase_add_test(tcase, test_everything);
    tcase_add_test(tcase, test_errors);
    tcase_add_test(tcase, test_of_no_use);
    suite_add_tcase(suite, tcase);
    return suite;
}
