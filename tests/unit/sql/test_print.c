/* Tests of sql/print and sql/splice: what is written, and that it reads the same. */
#include "read.h"
#include "sql/print.h"
#include "sql/splice.h"
#include "suites.h"

#include <string.h>

static void check(const char *text, const char *expected)
{
    g_autoptr(HgSqlTree) tree = read_tree(text, HG_SQL_SPARK_40);
    g_autofree char *printed = hg_sql_print(tree);
    ck_assert_str_eq(printed, expected);
    g_autoptr(HgSqlTree) again = read_tree(printed, HG_SQL_SPARK_40);
    g_autofree char *twice = hg_sql_print(again);
    ck_assert_str_eq(twice, expected);
}

START_TEST(prints)
{
    check("select a , b.c -- x\n from T /* y */ where d='e'", "SELECT a, b.c FROM T WHERE d = 'e'");
    check("\u017felect /*+ BROADCAST(t) */ 1", "SELECT /*+ BROADCAST ( t ) */ 1");
    check("SELECT r'\\d''', \"x\" `y`", "SELECT '\\\\d' '', \"x\" `y`");
    check("set a =  it's -- x\n y ;", "SET a =  it's -- x\n y ;");
    check("SELECT '${\n}'", "SELECT '$\\{\\n}'");
    check("SELECT 'a\nb\\'c', - - 1.5", "SELECT 'a\\nb\\'c', - - 1.5");
}
END_TEST

START_TEST(names)
{
    GString *out = g_string_new(NULL);
    hg_sql_print_name(out, "a`b");
    ck_assert_str_eq(out->str, "`a``b`");
    g_string_free(out, TRUE);
}
END_TEST

START_TEST(splices)
{
    g_autoptr(HgSqlSplice) splice = hg_sql_splice_new(hg_slice_from_string("SELECT a FROM b"));
    ck_assert(hg_sql_splice_replace(splice, 14, 15, "(x)"));
    ck_assert(hg_sql_splice_replace(splice, 7, 8, "c"));
    ck_assert(hg_sql_splice_replace(splice, 7, 7, "1, "));
    ck_assert(hg_sql_splice_replace(splice, 7, 7, "2, "));
    ck_assert(hg_sql_splice_replace(splice, 15, 15, ";"));
    ck_assert(!hg_sql_splice_replace(splice, 6, 8, "no"));
    ck_assert(!hg_sql_splice_replace(splice, 7, 8, "no"));
    ck_assert(!hg_sql_splice_replace(splice, 3, 99, "no"));
    ck_assert(!hg_sql_splice_replace(splice, 5, 4, "no"));
    gsize size;
    g_autofree char *text = hg_sql_splice_text(splice, &size);
    ck_assert_str_eq(text, "SELECT 1, 2, c FROM (x);");
    ck_assert_uint_eq(size, strlen(text));
}
END_TEST

Suite *print_suite(void)
{
    Suite *suite = suite_create("print");
    TCase *tcase = tcase_create("print");
    tcase_add_test(tcase, prints);
    tcase_add_test(tcase, names);
    tcase_add_test(tcase, splices);
    suite_add_tcase(suite, tcase);
    return suite;
}
