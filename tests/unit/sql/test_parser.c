/* Tests of sql/parser and the parse_* files: what is read, what is refused and where, and the caps.
 */
#include "read.h"
#include "sql/statement.h"
#include "suites.h"

#include "base/error.h"

#include <string.h>

static void check(const char *text, const char *expected)
{
    g_autofree char *old = references_of(text, HG_SQL_SPARK_35);
    g_autofree char *new = references_of(text, HG_SQL_SPARK_40);
    ck_assert_str_eq(old, expected);
    ck_assert_str_eq(new, expected);
}

static void check_4(const char *text, const char *expected)
{
    g_autofree char *found = references_of(text, HG_SQL_SPARK_40);
    ck_assert_str_eq(found, expected);
    g_autofree char *refusal = refusal_of(text, HG_SQL_SPARK_35);
    ck_assert_ptr_nonnull(refusal);
}

START_TEST(queries)
{
    check("SELECT a, t.b FROM t", "read t");
    check("FROM a SELECT b", "read a");
    check("(TABLE a) UNION (VALUES (1)) ORDER BY 1", "read a");
    check("SELECT ((SELECT 1 FROM a) UNION TABLE b)", "read a, read b");
    check("SELECT * FROM ((SELECT 1 FROM a) x JOIN b)", "read a, read b");
    check("SELECT f(x) FROM range(1), LATERAL (TABLE u)", "function f, function range, read u");
    check("SELECT a from FROM b", "read b");
    check("SELECT * FROM select", "read select");
}
END_TEST

START_TEST(words_as_names)
{
    check("SELECT date, left, case FROM table", "read table");
    check("SELECT a limit FROM b limit", "read b");
    check("SELECT a FROM b limit LIMIT 5", "read b");
    check("SELECT a FROM values JOIN b", "read values, read b");
    check("SELECT a limit 1", "");
    check("SELECT 1 FROM a where WHERE x", "read a");
    check("SELECT interval - 1, interval 1 day", "");
    check("SELECT map(1, 2), reduce FROM map", "function map, read map");
}
END_TEST

START_TEST(expressions)
{
    check("SELECT a BETWEEN 1 AND 2 OR NOT b IN (TABLE c) AND d LIKE ALL ('x', 'y')", "read c");
    check("SELECT substring(a FROM 1 FOR 2), trim(BOTH 'x' FROM y), position('a' IN b)",
          "function substring, function trim, function position");
    check("SELECT sum(x) FILTER (WHERE y) OVER (PARTITION BY z ORDER BY w ROWS BETWEEN 1 PRECEDING "
          "AND CURRENT ROW)",
          "function sum");
    check("SELECT transform(xs, (x, i) -> x + i)[0].a, cast(a AS ARRAY<MAP<INT, STRUCT<a: INT>>>)",
          "function transform, function cast");
    check("SELECT CASE WHEN a THEN (SELECT 1 FROM b) ELSE date '2020-01-01' END", "read b");
}
END_TEST

START_TEST(only_new)
{
    check_4("FROM a |> WHERE x |> UNION ALL TABLE b", "read a, read b");
    check_4("SELECT a::int, b COLLATE utf8_binary, * EXCEPT (c) FROM t", "read t");
    check_4("BEGIN IF (SELECT true FROM a) THEN SELECT 1 FROM b; END IF; END", "read a, read b");
    check_4("DECLARE v INT DEFAULT (SELECT 1 FROM a)", "variable v, read a");
}
END_TEST

START_TEST(refusals)
{
    static const char *const cases[][2] = {
        {"SELECT a BETWEEN FROM t", "line 1, column 23: expected AND behind BETWEEN's first value"},
        {"SELECT\n 1 +", "line 2, column 5: the statement ends in an expression"},
        {"SELECT 1; SELECT 2", "line 1, column 11: this isn't understood here"},
        {"SELECT 'a", "line 1, column 8: expected an expression"},
        {"", "line 1, column 1: there is no statement"},
        {"GRANT x", "line 1, column 1: there is no statement that begins like this"},
        {"SELECT /* x", "line 1, column 12: nothing closes a comment"},
        {"CREATE TABLE t (a", "line 1, column 18: expected a type"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *found = refusal_of(cases[i][0], HG_SQL_SPARK_35);
        ck_assert_str_eq(found, cases[i][1]);
    }
    g_autofree char *utf8 = refusal_of("SELECT '\xff'", HG_SQL_SPARK_40);
    ck_assert_str_eq(utf8, "line 1, column 9: NUL, or bytes that are no UTF-8");
}
END_TEST

/* `count` times `open`, `middle`, `count` times `close`. */
static char *nested(const char *open, const char *middle, const char *close, guint count)
{
    GString *text = g_string_new("SELECT ");
    for (guint i = 0; i < count; i++)
        g_string_append(text, open);
    g_string_append(text, middle);
    for (guint i = 0; i < count; i++)
        g_string_append(text, close);
    return g_string_free(text, FALSE);
}

START_TEST(depth)
{
    static const char *const pairs[][2] = {
        {"(", ")"},
        {"(SELECT ", ")"},
        {"f(", ")"},
        {"a[", "]"},
        {"CASE WHEN ", " THEN 1 END"},
        {"x -> ", ""},
        {"EXISTS(SELECT ", ")"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autofree char *fine = nested(pairs[i][0], "1", pairs[i][1], 200);
        hg_sql_tree_free(read_tree(fine, HG_SQL_SPARK_35));
        g_autofree char *deep = nested(pairs[i][0], "1", pairs[i][1], 100000);
        g_autoptr(GError) error = NULL;
        HgSqlOptions options = {0};
        ck_assert_ptr_null(hg_sql_parse(hg_slice_from_string(deep), &options, &error));
        ck_assert_msg(g_error_matches(error, HG_ERROR, HG_ERROR_LIMIT), "%s", error->message);
    }
}
END_TEST

START_TEST(long_and_flat)
{
    GString *text = g_string_new("SELECT NOT - - 1");
    for (guint i = 0; i < 200000; i++)
        g_string_append(text, " + NOT a AND (b)");
    g_string_append(text, " FROM t");
    g_autoptr(HgSqlTree) tree = read_tree(text->str, HG_SQL_SPARK_35);
    ck_assert_uint_eq(hg_sql_tree_root(tree)->detail, HG_SQL_STATEMENT_QUERY);
    g_string_free(text, TRUE);
}
END_TEST

START_TEST(variables)
{
    static const char *const refused[] = {"SELECT ${a}", "SELECT '${env:a}'", "TABLE /* ${}} */ t",
                                          "TABLE t -- $ ${ ${${b}", "SET a=${hivevar:b}"};
    static const char *const fine[] = {"SELECT '${}'", "SELECT '${ a}'",
                                       "SELECT '${a b}', '$', '{}'", "TABLE t -- ${a",
                                       "SELECT '$', \"${\""};
    HgSqlOptions kept = {.engine = HG_SQL_SPARK_40, .keeps_variables = TRUE};
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *found = refusal_of(refused[i], HG_SQL_SPARK_40);
        ck_assert_ptr_nonnull(strstr(found, "Spark puts something else in for ${...}"));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(fine); i++)
        hg_sql_tree_free(read_tree(fine[i], HG_SQL_SPARK_35));
    g_autoptr(HgSqlTree) tree = hg_sql_parse(hg_slice_from_string(refused[1]), &kept, NULL);
    ck_assert_ptr_nonnull(tree);
}
END_TEST

START_TEST(settings)
{
    HgSqlOptions options = {.engine = HG_SQL_SPARK_35, .double_quoted_names = TRUE};
    g_autoptr(HgSqlTree) tree =
        hg_sql_parse(hg_slice_from_string("SELECT \"a\" FROM \"t\""), &options, NULL);
    ck_assert_ptr_nonnull(tree);
    options = (HgSqlOptions){.engine = HG_SQL_SPARK_35, .reserved_words = TRUE};
    ck_assert_ptr_null(hg_sql_parse(hg_slice_from_string("SELECT 1 FROM select"), &options, NULL));
}
END_TEST

Suite *parser_suite(void)
{
    Suite *suite = suite_create("parser");
    TCase *tcase = tcase_create("parser");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, queries);
    tcase_add_test(tcase, words_as_names);
    tcase_add_test(tcase, expressions);
    tcase_add_test(tcase, only_new);
    tcase_add_test(tcase, refusals);
    tcase_add_test(tcase, depth);
    tcase_add_test(tcase, long_and_flat);
    tcase_add_test(tcase, variables);
    tcase_add_test(tcase, settings);
    suite_add_tcase(suite, tcase);
    return suite;
}
