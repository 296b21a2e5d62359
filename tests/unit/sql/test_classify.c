/* Tests of sql/classify and sql/statement: the kind by the first words is the kind that parsing
 * finds. */
#include "read.h"
#include "sql/classify.h"
#include "suites.h"

static const struct {
    const char *text;
    const char *name;
    HgSqlEffect effect;
} cases[] = {
    {"SELECT 1", "query", HG_SQL_EFFECT_READ},
    {"/* x */ (TABLE t)", "query", HG_SQL_EFFECT_READ},
    {"WITH x AS (SELECT insert FROM t) SELECT * FROM x", "query", HG_SQL_EFFECT_READ},
    {"WITH x AS (SELECT 1) INSERT INTO t TABLE x", "insert", HG_SQL_EFFECT_WRITE},
    {"WITH x AS (SELECT /*+ b */* FROM y) INSERT INTO t TABLE x", "insert", HG_SQL_EFFECT_WRITE},
    {"FROM t INSERT OVERWRITE u SELECT 1", "insert", HG_SQL_EFFECT_WRITE},
    {"FROM t SELECT 1", "query", HG_SQL_EFFECT_READ},
    {"INSERT OVERWRITE LOCAL DIRECTORY '/x' USING csv SELECT 1", "insert-directory",
     HG_SQL_EFFECT_WRITE},
    {"MERGE INTO t USING s ON true", "merge", HG_SQL_EFFECT_WRITE},
    {"CREATE TABLE t (a INT)", "create-table", HG_SQL_EFFECT_WRITE},
    {"CREATE OR REPLACE TEMP VIEW v AS SELECT 1", "create-temporary-view", HG_SQL_EFFECT_SESSION},
    {"CREATE TEMPORARY FUNCTION f AS 'x'", "create-temporary-function", HG_SQL_EFFECT_SESSION},
    {"DROP VIEW v", "drop-view", HG_SQL_EFFECT_SESSION},
    {"DROP DATABASE d", "drop-namespace", HG_SQL_EFFECT_WRITE},
    {"SET a = 1", "set", HG_SQL_EFFECT_SESSION},
    {"SET CATALOG c", "use", HG_SQL_EFFECT_SESSION},
    {"RESET", "reset", HG_SQL_EFFECT_SESSION},
    {"USE d", "use", HG_SQL_EFFECT_SESSION},
    {"ADD JAR /x", "add-resource", HG_SQL_EFFECT_SESSION},
    {"CACHE TABLE t", "cache", HG_SQL_EFFECT_SESSION},
    {"EXPLAIN SELECT 1", "explain", HG_SQL_EFFECT_READ},
    {"SHOW TABLES", "show", HG_SQL_EFFECT_READ},
    {"EXECUTE IMMEDIATE 'x'", "execute-immediate", HG_SQL_EFFECT_UNKNOWN},
    {"CALL p()", "call", HG_SQL_EFFECT_UNKNOWN},
    {"BEGIN SELECT 1; END", "script", HG_SQL_EFFECT_UNKNOWN},
};

START_TEST(agrees_with_the_parser)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        HgSqlEffect effect;
        HgSqlStatementKind kind =
            hg_sql_classify(hg_slice_from_string(cases[i].text), HG_SQL_SPARK_40, &effect);
        ck_assert_str_eq(hg_sql_statement_name(kind), cases[i].name);
        ck_assert_int_eq(effect, cases[i].effect);
        g_autoptr(HgSqlTree) tree = read_tree(cases[i].text, HG_SQL_SPARK_40);
        ck_assert_uint_eq(hg_sql_tree_root(tree)->detail, kind);
    }
}
END_TEST

START_TEST(knows_what_it_doesnt_know)
{
    static const char *const texts[] = {
        "", "foo", "GRANT x", "CREATE ROLE r", "ALTER INDEX i", "'x'", "SELECT 1 -- ${x}"};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        HgSqlEffect effect;
        ck_assert_int_eq(hg_sql_classify(hg_slice_from_string(texts[i]), HG_SQL_SPARK_35, &effect),
                         HG_SQL_STATEMENT_UNKNOWN);
        ck_assert_int_eq(effect, HG_SQL_EFFECT_UNKNOWN);
    }
}
END_TEST

START_TEST(every_kind_has_a_name)
{
    for (int kind = 0; kind < HG_SQL_STATEMENT_COUNT; kind++)
        ck_assert_ptr_nonnull(hg_sql_statement_name((HgSqlStatementKind)kind));
    ck_assert_str_eq(hg_sql_statement_name(HG_SQL_STATEMENT_COUNT), "unknown");
}
END_TEST

Suite *classify_suite(void)
{
    Suite *suite = suite_create("classify");
    TCase *tcase = tcase_create("classify");
    tcase_add_test(tcase, agrees_with_the_parser);
    tcase_add_test(tcase, knows_what_it_doesnt_know);
    tcase_add_test(tcase, every_kind_has_a_name);
    suite_add_tcase(suite, tcase);
    return suite;
}
