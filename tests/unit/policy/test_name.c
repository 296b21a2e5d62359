/* Tests of policy/name: folding, wildcards, literals. */
#include "policy/name.h"
#include "suites.h"

static void check_fold(const char *name, const char *expected)
{
    g_autofree char *folded = hg_policy_fold(name);
    ck_assert_str_eq(folded, expected);
}

START_TEST(folds)
{
    check_fold("Emp", "emp");
    check_fold("t\u212a", "tk"); /* the Kelvin sign */
    check_fold("\u00c9t\u00e9", "\u00e9t\u00e9");
    check_fold("", "");
}
END_TEST

START_TEST(globs)
{
    ck_assert(hg_policy_glob("*", ""));
    ck_assert(hg_policy_glob("a*c", "abc"));
    ck_assert(hg_policy_glob("a*b*c", "a__b_b__c"));
    ck_assert(!hg_policy_glob("my*test", "mytestx")); /* what follows a star counts */
    ck_assert(!hg_policy_glob("a", "ab"));
    ck_assert(!hg_policy_glob("ab", "a"));
    ck_assert(!hg_policy_glob("A*", "abc"));
    char *const list[] = {(char *)"x", (char *)"e*", NULL};
    ck_assert(hg_policy_glob_any(list, "emp"));
    ck_assert(!hg_policy_glob_any(list, "temp"));
    ck_assert(!hg_policy_glob_any(NULL, "emp"));
}
END_TEST

static void check_literal(const char *value, const char *expected)
{
    g_autoptr(GString) out = g_string_new(NULL);
    hg_policy_append_literal(out, value);
    ck_assert_str_eq(out->str, expected);
}

START_TEST(literals)
{
    check_literal("it", "'it'");
    check_literal("x' OR '1'='1", "'x\\' OR \\'1\\'=\\'1'");
    check_literal("a\\", "'a\\\\'");
    check_literal("${x}\n", "'\\044{x}\\012'");
}
END_TEST

START_TEST(places)
{
    guint line, column;
    hg_policy_locate((const guint8 *)"a\n\u00e9b", 4, &line, &column);
    ck_assert_uint_eq(line, 2);
    ck_assert_uint_eq(column, 2);
}
END_TEST

Suite *name_suite(void)
{
    Suite *suite = suite_create("name");
    TCase *tests = tcase_create("names");
    tcase_add_test(tests, folds);
    tcase_add_test(tests, globs);
    tcase_add_test(tests, literals);
    tcase_add_test(tests, places);
    suite_add_tcase(suite, tests);
    return suite;
}
