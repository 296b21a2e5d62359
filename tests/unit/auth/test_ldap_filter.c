/* Tests of auth/ldap_filter: what is a filter, and where one stops being one. */
#include "auth/ldap_filter.h"
#include "base/error.h"
#include "suites.h"

START_TEST(test_good)
{
    static const char *const filters[] = {
        "(uid=alice)",
        "(objectClass=*)",
        "(cn=a*b*c)",
        "(cn=\\2a\\28\\29\\5c\\00)",
        "(cn=)",
        "(a>=1)",
        "(a<=1)",
        "(a~=x)",
        "(&(a=b)(!(c=d))(|(e=f)(g=h)))",
        "(& (a=b) (c=d) )",
        "(&)",
        "(cn;lang-de=x)",
        "(2.5.4.3=x)",
        "(member:1.2.840.113556.1.4.1941:=cn=u,dc=x)",
        "(cn:dn:caseIgnoreMatch:=x)",
        "(cn:=x)",
        "(:caseExactMatch:=x)",
        "(:dn:2.4.6:=x)",
        "(cn=J\xc3\xbcrgen)",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(filters); i++) {
        g_autoptr(GError) error = NULL;
        ck_assert_msg(hg_ldap_filter_check(filters[i], &error), "%s: %s", filters[i],
                      error != NULL ? error->message : "");
    }
}
END_TEST

static void check_bad(const char *text, const char *why)
{
    g_autoptr(GError) error = NULL;
    ck_assert_msg(!hg_ldap_filter_check(text, &error), "%s", text);
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_INVALID));
    ck_assert_msg(strstr(error->message, why) != NULL, "%s: %s", text, error->message);
}

START_TEST(test_bad)
{
    check_bad("", "expected '(' at character 1");
    check_bad("uid=alice", "expected '(' at character 1");
    check_bad("(uid=alice", "expected ')' at character 11");
    check_bad("(uid=alice))", "nothing behind the last ')' at character 12");
    check_bad("(uid=alice)x", "nothing behind");
    check_bad("(=x)", "the name of an attribute at character 2");
    check_bad("(a b=x)", "'='");
    check_bad("(a)", "'='");
    check_bad("()", "the name of an attribute");
    check_bad("(!)", "'('");
    check_bad("(!(a=b)(c=d))", "')'");
    check_bad("(&(a=b)c)", "')'");
    check_bad("(a=(b))", "')'");
    check_bad("(a=\\2)", "two hexadecimal digits");
    check_bad("(a=\\", "two hexadecimal digits");
    check_bad("(a>=x*)", "no '*'");
    check_bad("(:=x)", "an attribute or a matching rule");
    check_bad("(a::=x)", "matching rule");
    check_bad("(a:b=x)", "':='");
    check_bad("(cn=\xc3\xbc", "at character 6");
    check_bad("(cn=\xff)", "UTF-8");
}
END_TEST

START_TEST(test_bounds)
{
    g_autofree char *open = g_strnfill(3 * HG_LDAP_FILTER_MAX_DEPTH, '!');
    GString *deep = g_string_new(NULL);
    for (int i = 0; i < HG_LDAP_FILTER_MAX_DEPTH - 1; i++)
        g_string_append(deep, "(!");
    g_string_append(deep, "(a=b)");
    for (int i = 0; i < HG_LDAP_FILTER_MAX_DEPTH - 1; i++)
        g_string_append_c(deep, ')');
    ck_assert(hg_ldap_filter_check(deep->str, NULL));
    g_string_prepend(deep, "(!");
    g_string_append_c(deep, ')');
    check_bad(deep->str, "at most 32");
    check_bad(open, "'('");
    g_string_free(deep, TRUE);
    g_autofree char *filling = g_strnfill(HG_LDAP_FILTER_MAX_BYTES, 'x');
    g_autofree char *filter = g_strdup_printf("(a=%s)", filling);
    check_bad(filter, "longer than 8192 bytes");
}
END_TEST

Suite *ldap_filter_suite(void)
{
    Suite *suite = suite_create("auth/ldap_filter");
    TCase *tcase = tcase_create("ldap_filter");
    tcase_add_test(tcase, test_good);
    tcase_add_test(tcase, test_bad);
    tcase_add_test(tcase, test_bounds);
    suite_add_tcase(suite, tcase);
    return suite;
}
