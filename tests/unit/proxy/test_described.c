/* Tests of proxy/described: tables and views are told from each other by what DESCRIBE prints. */
#include "proxy/described.h"
#include "suites.h"

#include <string.h>

/* `rows`: name, type, name, type, ..., NULL. "table", "view" or "none". */
static const char *read_rows(const char *const *rows, gboolean own, guint columns)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GPtrArray) types = g_ptr_array_new();
    gboolean is_view = FALSE;
    for (gsize i = 0; rows[i] != NULL; i += 2) {
        g_ptr_array_add(names, (char *)rows[i]);
        g_ptr_array_add(types, (char *)rows[i + 1]);
    }
    g_autoptr(GPtrArray) found = hg_described_read(names, types, own, &is_view);
    if (found == NULL)
        return "none";
    ck_assert_uint_eq(found->len, 2 * columns);
    for (guint i = 0; i < found->len; i++)
        ck_assert_str_eq(found->pdata[i], rows[i]);
    return is_view ? "view" : "table";
}

#define ID  "id", "bigint"
#define GAP "", ""

START_TEST(test_with_a_type)
{
    const char *const managed[] = {ID,        GAP, "# Detailed Table Information", "", "Type",
                                   "MANAGED", NULL};
    const char *const external[] = {ID, "s", "string", GAP, "Type", "EXTERNAL", NULL};
    const char *const view[] = {
        ID, GAP, "# Detailed Table Information", "", "Type", "VIEW", "View Text", "SELECT 1", NULL};
    const char *const partition[] = {
        "Type", "string", GAP, "# Partition Information",      "", "# col_name", "data_type",
        "Type", "string", GAP, "# Detailed Table Information", "", "Type",       "MANAGED",
        NULL};
    ck_assert_str_eq(read_rows(managed, TRUE, 1), "table");
    ck_assert_str_eq(read_rows(managed, FALSE, 1), "table");
    ck_assert_str_eq(read_rows(external, TRUE, 2), "table");
    ck_assert_str_eq(read_rows(view, TRUE, 1), "view");
    ck_assert_str_eq(read_rows(view, FALSE, 1), "view");
    ck_assert_str_eq(read_rows(partition, TRUE, 1), "table");
}
END_TEST

START_TEST(test_without_a_type)
{
    const char *const table[] = {
        ID, GAP, "# Detailed Table Information", "", "Name", "lake.hr.emp", NULL};
    const char *const iceberg[] = {ID,
                                   GAP,
                                   "# Detailed View Information",
                                   "",
                                   "Comment",
                                   "",
                                   "View Catalog and Namespace",
                                   "lake.hr",
                                   "View Query Output Columns",
                                   "[id]",
                                   "View Properties",
                                   "['a' = 'b']",
                                   NULL};
    const char *const mixed[] = {ID,         GAP, "# Detailed Table Information", "", "View Text",
                                 "SELECT 1", NULL};
    const char *const bare[] = {ID, GAP, "Name", "lake.hr.emp", NULL};
    /* a column's name says nothing */
    const char *const named[] = {"# Detailed Table Information", "int", "View x", "int", NULL};
    ck_assert_str_eq(read_rows(table, FALSE, 1), "table");
    ck_assert_str_eq(read_rows(table, TRUE, 1), "view");
    ck_assert_str_eq(read_rows(iceberg, FALSE, 1), "view");
    ck_assert_str_eq(read_rows(mixed, FALSE, 1), "view");
    ck_assert_str_eq(read_rows(bare, FALSE, 1), "view");
    ck_assert_str_eq(read_rows(named, FALSE, 2), "view");
}
END_TEST

START_TEST(test_no_description)
{
    const char *const nothing[] = {NULL};
    const char *const headings[] = {GAP, "# Detailed Table Information", "", NULL};
    ck_assert_str_eq(read_rows(nothing, FALSE, 0), "none");
    ck_assert_str_eq(read_rows(headings, FALSE, 0), "none");
}
END_TEST

Suite *described_suite(void)
{
    Suite *suite = suite_create("proxy/described");
    TCase *tests = tcase_create("described");
    tcase_add_test(tests, test_with_a_type);
    tcase_add_test(tests, test_without_a_type);
    tcase_add_test(tests, test_no_description);
    suite_add_tcase(suite, tests);
    return suite;
}
