/* Tests of sql/scope and sql/walk: what a name means where it stands. */
#include "read.h"
#include "sql/scope.h"
#include "sql/walk.h"
#include "suites.h"

static void check(const char *text, const char *expected)
{
    g_autofree char *found = references_of(text, HG_SQL_SPARK_40);
    ck_assert_str_eq(found, expected);
}

START_TEST(ctes)
{
    check("WITH a AS (TABLE a) TABLE a", "read a, cte a");
    check("WITH a AS (SELECT 1), b AS (TABLE A) SELECT * FROM b, db.a", "cte A, cte b, read db.a");
    check("WITH a AS (SELECT 1) SELECT (WITH a AS (TABLE a) TABLE a) FROM a",
          "cte a, cte a, cte a");
    check("SELECT * FROM (WITH a AS (SELECT 1) TABLE a) x, a", "cte a, read a");
    check("WITH RECURSIVE r AS (TABLE r) TABLE r", "cte r, cte r");
    check("WITH a AS (SELECT 1) INSERT INTO a TABLE a", "write a, cte a");
    check("WITH `\u017f` AS (SELECT 1) TABLE s", "cte s");
}
END_TEST

START_TEST(dynamic_names)
{
    check("SELECT * FROM IDENTIFIER('db.t')", "read db.t");
    check("SELECT * FROM IDENTIFIER(('d.' '`t t`') || \"2\")", "read ?");
    check("SELECT * FROM IDENTIFIER(('d.' 't') || \"2\")", "read d.t2");
    check("DROP TABLE IDENTIFIER('`a b`.select')", "object a b.select");
    check("SELECT IDENTIFIER('a' || 'b')(c), IDENTIFIER(TABLE_ID)",
          "function ab, function IDENTIFIER");
    check("SELECT * FROM IDENTIFIER('d' || t)", "read ?");
    check("SELECT * FROM IDENTIFIER('a /*')", "read ?");
    check("SELECT * FROM IDENTIFIER('a.')", "read ?");
    check("SELECT * FROM IDENTIFIER('\\144t')", "read ?");
}
END_TEST

START_TEST(apart)
{
    check("SHOW COLUMNS FROM t FROM db", "object db.t");
    check("SHOW COLUMNS IN t IN c.`d e`", "object c.d e.t");
    check("SHOW COLUMNS FROM db.t FROM db", "object db.t");
    check("SHOW TABLES FROM db", "namespace db");
}
END_TEST

START_TEST(quoted_parts)
{
    check("SELECT * FROM `a``b`.`c.d`", "read a`b.c.d");
}
END_TEST

static HgSqlWalk count(const HgSqlNode *node, gpointer data)
{
    guint *counts = data;
    counts[node->kind]++;
    if (node->kind == HG_SQL_NODE_FROM)
        return HG_SQL_WALK_PRUNE;
    return node->kind == HG_SQL_NODE_PARAMETER ? HG_SQL_WALK_ABORT : HG_SQL_WALK_CONTINUE;
}

START_TEST(walks)
{
    guint counts[HG_SQL_NODE_COUNT] = {0};
    g_autoptr(HgSqlTree) tree = read_tree("SELECT f(a), b FROM t WHERE c", HG_SQL_SPARK_35);
    ck_assert(hg_sql_walk(hg_sql_tree_root(tree), count, NULL, counts));
    ck_assert_uint_eq(counts[HG_SQL_NODE_COLUMN], 3);
    ck_assert_uint_eq(counts[HG_SQL_NODE_RELATION], 0);
    g_autoptr(HgSqlTree) other = read_tree("SELECT a, ?, b", HG_SQL_SPARK_35);
    ck_assert(!hg_sql_walk(hg_sql_tree_root(other), count, NULL, counts));
    ck_assert_uint_eq(counts[HG_SQL_NODE_COLUMN], 4);
}
END_TEST

Suite *scope_suite(void)
{
    Suite *suite = suite_create("scope");
    TCase *tcase = tcase_create("scope");
    tcase_add_test(tcase, ctes);
    tcase_add_test(tcase, dynamic_names);
    tcase_add_test(tcase, apart);
    tcase_add_test(tcase, quoted_parts);
    tcase_add_test(tcase, walks);
    suite_add_tcase(suite, tcase);
    return suite;
}
