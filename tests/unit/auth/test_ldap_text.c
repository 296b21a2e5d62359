/* Tests of auth/ldap_text and auth/ldap_entry: escaping, templates, DNs, values. */
#include "auth/ldap_entry.h"
#include "auth/ldap_text.h"
#include "base/error.h"
#include "suites.h"

static void check_escape(char *(*escape)(HgSlice), HgSlice value, const char *expected)
{
    g_autofree char *got = escape(value);
    ck_assert_str_eq(got, expected);
}

#define ESCAPE(escape, literal, expected)                                                          \
    check_escape(escape, hg_slice(literal, sizeof(literal) - 1), expected)

START_TEST(test_escape_dn)
{
    ESCAPE(hg_ldap_escape_dn, "alice", "alice");
    ESCAPE(hg_ldap_escape_dn, "", "");
    ESCAPE(hg_ldap_escape_dn, "a,b+c\"d\\e<f>g;h=i", "a\\2cb\\2bc\\22d\\5ce\\3cf\\3eg\\3bh\\3di");
    ESCAPE(hg_ldap_escape_dn, "#a#", "\\23a#");
    ESCAPE(hg_ldap_escape_dn, " a b ", "\\20a b\\20");
    ESCAPE(hg_ldap_escape_dn, "  ", "\\20\\20");
    ESCAPE(hg_ldap_escape_dn, " #", "\\20#");
    ESCAPE(hg_ldap_escape_dn, "a\0b\n\x7f", "a\\00b\\0a\\7f");
    ESCAPE(hg_ldap_escape_dn, "J\xc3\xbcrgen (*)", "J\xc3\xbcrgen (*)");
}
END_TEST

START_TEST(test_escape_filter)
{
    ESCAPE(hg_ldap_escape_filter, "alice", "alice");
    ESCAPE(hg_ldap_escape_filter, "*)(uid=*)\\", "\\2a\\29\\28uid=\\2a\\29\\5c");
    ESCAPE(hg_ldap_escape_filter, "a\0b\r", "a\\00b\\0d");
    ESCAPE(hg_ldap_escape_filter, " a,b ", " a,b ");
    ESCAPE(hg_ldap_escape_filter, "J\xc3\xbcrgen", "J\xc3\xbcrgen");
}
END_TEST

static void check_expansion(HgLdapTemplateKind kind, const char *text, const char *user,
                            const char *dn, const char *expected)
{
    g_autoptr(HgLdapTemplate) template = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert_msg(hg_ldap_template_new(kind, text, &template, &error), "%s: %s", text,
                  error != NULL ? error->message : "");
    g_autofree char *got = hg_ldap_template_expand(template, hg_slice_from_string(user), dn);
    ck_assert_str_eq(got, expected);
    ck_assert_int_eq(hg_ldap_template_has_user(template), strstr(text, "{user}") != NULL);
    ck_assert_int_eq(hg_ldap_template_has_dn(template), strstr(text, "{dn}") != NULL);
}

START_TEST(test_templates)
{
    check_expansion(HG_LDAP_TEMPLATE_DN, "uid={user},dc=x", "a,b", NULL, "uid=a\\2cb,dc=x");
    check_expansion(HG_LDAP_TEMPLATE_NAME, "{user}@x", "a,b*", NULL, "a,b*@x");
    check_expansion(HG_LDAP_TEMPLATE_FILTER, "(|(uid={user})(cn={user}))", "a*", NULL,
                    "(|(uid=a\\2a)(cn=a\\2a))");
    check_expansion(HG_LDAP_TEMPLATE_FILTER, "(member={dn})", "", "cn=a\\2cb (x),dc=y",
                    "(member=cn=a\\5c2cb \\28x\\29,dc=y)");
    check_expansion(HG_LDAP_TEMPLATE_FILTER, "(a=\\7buser}{user})", "{dn}", "no",
                    "(a=\\7buser}{dn})");
    check_expansion(HG_LDAP_TEMPLATE_FILTER, "(a=b)", "x", NULL, "(a=b)");
    check_expansion(HG_LDAP_TEMPLATE_FILTER, "", "x", NULL, "");
}
END_TEST

static void check_refused(HgLdapTemplateKind kind, const char *text, const char *why)
{
    g_autoptr(HgLdapTemplate) template = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_ldap_template_new(kind, text, &template, &error));
    ck_assert_ptr_null(template);
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_INVALID));
    ck_assert_msg(strstr(error->message, why) != NULL, "%s", error->message);
}

START_TEST(test_bad_templates)
{
    check_refused(HG_LDAP_TEMPLATE_DN, "uid=%s,dc=x", "Hive's way");
    check_refused(HG_LDAP_TEMPLATE_FILTER, "(uid={0})",
                  "\"{0}\" means nothing here; expected "
                  "{user} or {dn} instead of Hive's numbers");
    check_refused(HG_LDAP_TEMPLATE_DN, "uid={name},dc=x", "expected {user} (");
    check_refused(HG_LDAP_TEMPLATE_DN, "uid={dn},dc=x", "\"{dn}\" means nothing");
    check_refused(HG_LDAP_TEMPLATE_FILTER, "(uid={user)", "\"{user\"");
    check_refused(HG_LDAP_TEMPLATE_FILTER, "{", "means nothing");
}
END_TEST

START_TEST(test_pattern_kind)
{
    ck_assert_int_eq(hg_ldap_pattern_kind("uid={user},dc=x"), HG_LDAP_TEMPLATE_DN);
    ck_assert_int_eq(hg_ldap_pattern_kind("{user}@x"), HG_LDAP_TEMPLATE_NAME);
    ck_assert_int_eq(hg_ldap_pattern_kind("X\\{user}"), HG_LDAP_TEMPLATE_NAME);
}
END_TEST

static void check_normal(const char *dn, const char *expected)
{
    g_autofree char *got = hg_ldap_dn_normal(dn);
    ck_assert_pstr_eq(got, expected);
}

START_TEST(test_dn_normal)
{
    check_normal("CN=A  b,DC=X", "cn=a b,dc=x");
    check_normal("cn = A B , dc = X", "cn=a b,dc=x");
    check_normal("cn=a\\,b,dc=x", "cn=a\\2cb,dc=x");
    check_normal("cn=\"a,b\",dc=x", NULL); /* quotes were LDAPv2's */
    check_normal("uid=a+cn=b,dc=x", "cn=b+uid=a,dc=x");
    check_normal("cn=\xc3\x9c,dc=x", "cn=\xc3\xbc,dc=x");
    check_normal("", NULL);
    check_normal("alice", NULL);
    check_normal("cn=a,,dc=x", NULL);
}
END_TEST

START_TEST(test_dn_under)
{
    ck_assert(hg_ldap_dn_under("cn=a,dc=x", "dc=x"));
    ck_assert(hg_ldap_dn_under("dc=x", "dc=x"));
    ck_assert(!hg_ldap_dn_under("dc=x", "cn=a,dc=x"));
    ck_assert(!hg_ldap_dn_under("cn=a,adc=x", "dc=x"));
    ck_assert(!hg_ldap_dn_under("cn=a,dc=y", "dc=x"));
    g_autofree char *tricky = hg_ldap_dn_normal("cn=a\\,ou=groups\\,dc=x,dc=y");
    ck_assert(!hg_ldap_dn_under(tricky, "ou=groups,dc=x"));
}
END_TEST

static void check_value(const char *dn, const char *attribute, const char *expected)
{
    g_autofree char *got = hg_ldap_dn_value(dn, attribute);
    ck_assert_pstr_eq(got, expected);
}

START_TEST(test_dn_value)
{
    check_value("CN=BI Team,DC=x", "cn", "BI Team");
    check_value("cn=a\\, b,dc=x", "CN", "a, b");
    check_value("ou=x+cn=y,dc=z", "cn", "y");
    check_value("ou=x,cn=y", "cn", NULL);
    check_value("cn=a\\00b,dc=x", "cn", NULL);
    check_value("cn=#0401ff,dc=x", "cn", NULL);
    check_value("cn=,dc=x", "cn", "");
    check_value("no dn", "cn", NULL);
    check_value("", "cn", NULL);
}
END_TEST

START_TEST(test_attribute_names)
{
    static const char *const good[] = {"uid", "sAMAccountName", "x-1", "2.5.4.3"};
    static const char *const bad[] = {"", "-a", "a b", "a=b", "a)(b", "2.5.x", "a.b", "\xc3\xbc"};
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        ck_assert_msg(hg_ldap_is_attribute(good[i]), "%s", good[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        ck_assert_msg(!hg_ldap_is_attribute(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(test_lists)
{
    static const char *const list[] = {"Alice", "J\xc3\x9cRGEN", NULL};
    ck_assert(hg_ldap_list_has(list, "aLICE"));
    ck_assert(hg_ldap_list_has(list, "j\xc3\xbcrgen"));
    ck_assert(!hg_ldap_list_has(list, "alic"));
    ck_assert(!hg_ldap_list_has(NULL, "alice"));
}
END_TEST

static void check_values(const HgLdapEntry *entry, const char *name, guint count)
{
    g_autoptr(GPtrArray) values = hg_ldap_entry_values(entry, name);
    ck_assert_uint_eq(values->len, count);
}

START_TEST(test_entry)
{
    g_autoptr(HgLdapEntry) entry = hg_ldap_entry_new("cn=a");
    hg_ldap_entry_add(entry, "mail", "a@x", 3);
    hg_ldap_entry_add(entry, "MAIL;lang-de", "b@x", 3);
    hg_ldap_entry_add(entry, "mail", "\xff", 1);
    hg_ldap_entry_add(entry, "mail", "a\0b", 3);
    hg_ldap_entry_add(entry, "mailbox", "c", 1);
    hg_ldap_entry_add(entry, "memberOf;range=0-1499", "cn=g", 4);
    check_values(entry, "Mail", 2);
    check_values(entry, "mailbox", 1);
    check_values(entry, "cn", 0);
    check_values(entry, "memberof", 1);
    ck_assert(hg_ldap_entry_is_partial(entry, "MEMBEROF"));
    ck_assert(!hg_ldap_entry_is_partial(entry, "mail"));
    ck_assert(!hg_ldap_entry_is_partial(entry, "member"));
}
END_TEST

Suite *ldap_text_suite(void)
{
    Suite *suite = suite_create("auth/ldap_text");
    TCase *tcase = tcase_create("ldap_text");
    tcase_add_test(tcase, test_escape_dn);
    tcase_add_test(tcase, test_escape_filter);
    tcase_add_test(tcase, test_templates);
    tcase_add_test(tcase, test_bad_templates);
    tcase_add_test(tcase, test_pattern_kind);
    tcase_add_test(tcase, test_dn_normal);
    tcase_add_test(tcase, test_dn_under);
    tcase_add_test(tcase, test_dn_value);
    tcase_add_test(tcase, test_attribute_names);
    tcase_add_test(tcase, test_lists);
    tcase_add_test(tcase, test_entry);
    suite_add_tcase(suite, tcase);
    return suite;
}
