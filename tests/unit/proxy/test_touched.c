/* Tests of proxy/touched: the tables of statements. */
#include "proxy/touched.h"
#include "suites.h"

static void check(const char *statement, const char *database, const char *read,
                  const char *written, const char *use)
{
    g_auto(HgTouched) touched;
    if (!hg_touched_read(hg_slice_from_string(statement), database, &touched)) {
        ck_assert_msg(read == NULL, "%s can't be told", statement);
        ck_assert_ptr_null(touched.read);
        return;
    }
    ck_assert_msg(read != NULL, "%s can be told", statement);
    g_autofree char *reads = g_strjoinv(" ", (char **)touched.read->pdata);
    g_autofree char *writes = g_strjoinv(" ", (char **)touched.written->pdata);
    ck_assert_str_eq(reads, read);
    ck_assert_str_eq(writes, written);
    ck_assert_msg(g_strcmp0(touched.use, use) == 0, "%s uses %s", statement, touched.use);
}

START_TEST(test_tables)
{
    check("SELECT * FROM Orders o JOIN sales.`It em` USING (id) JOIN orders", "shop",
          "shop.orders sales.it em", "", NULL);
    check("WITH c AS (SELECT 1 FROM t) SELECT * FROM c", "d", "d.t", "", NULL);
    check("INSERT INTO a.t SELECT * FROM b", NULL, "b", "a.t", NULL);
    check("UPDATE t SET x = (SELECT max(y) FROM u)", "d", "d.t d.u", "d.t", NULL);
    check("CREATE TABLE n AS SELECT 1 FROM o", "d", "d.o", "d.n", NULL);
    check("DROP TABLE x", "d", "", "d.x", NULL);
    check("DESCRIBE x", "d", "d.x", "", NULL);
    check("INSERT INTO t SELECT * FROM t, u, T, d.U", "d", "d.t d.u", "d.t", NULL);
    check("SELECT 1", "d", "", "", NULL);
    check("USE other", "d", "", "", "other");
    check("SET a=b", "d", "", "", NULL);
}
END_TEST

START_TEST(test_what_cant_be_told)
{
    g_autoptr(GString) large = g_string_new("SELECT 1");
    check("SELEC 1", "d", NULL, NULL, NULL);
    check("EXECUTE IMMEDIATE 'DROP TABLE t'", "d", NULL, NULL, NULL);
    check("SELECT * FROM IDENTIFIER(:x)", "d", NULL, NULL, NULL);
    check("SELECT * FROM ${t}", "d", NULL, NULL, NULL);
    while (large->len <= HG_TOUCHED_MOST)
        g_string_append(large, ", 1");
    check(large->str, "d", NULL, NULL, NULL);
}
END_TEST

Suite *touched_suite(void)
{
    Suite *suite = suite_create("proxy/touched");
    TCase *tests = tcase_create("touched");
    tcase_add_test(tests, test_tables);
    tcase_add_test(tests, test_what_cant_be_told);
    suite_add_tcase(suite, tests);
    return suite;
}
