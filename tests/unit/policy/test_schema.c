/* Tests of policy/schema: tables and columns by their folded names. */
#include "policy/schema.h"
#include "suites.h"
#include "world.h"

START_TEST(finds)
{
    g_autoptr(HgSchemas) schemas = world_schemas();
    const HgTable *table = hg_schemas_find(schemas, "spark_catalog.hr.emp");
    ck_assert_ptr_nonnull(table);
    ck_assert_int_eq(hg_table_column(table, "ssn"), 2);
    ck_assert_int_eq(hg_table_column(table, "nope"), -1);
    ck_assert_ptr_null(hg_schemas_find(schemas, "spark_catalog.hr.nope"));
    ck_assert(hg_schemas_has_catalog(schemas, "lake"));
    ck_assert(!hg_schemas_has_catalog(schemas, "spark_catalog.hr"));
    ck_assert(hg_schemas_has_database(schemas, "spark_catalog", "pub"));
    ck_assert(!hg_schemas_has_database(schemas, "lake", "pub"));
    ck_assert_uint_eq(hg_schemas_count(schemas), 7);
}
END_TEST

START_TEST(refuses)
{
    g_autoptr(HgSchemas) schemas = world_schemas();
    g_autoptr(GError) error = NULL;
    static const char *const names[] = {"emp", "a.b.c.d", "a..b", "", "HR.EMP"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        ck_assert_ptr_null(hg_schemas_add(schemas, names[i], &error));
        ck_assert_ptr_nonnull(error);
        g_clear_error(&error);
    }
    HgTable *table = hg_schemas_add(schemas, "x.y", NULL);
    ck_assert(hg_schemas_add_column(table, "a", "int", NULL));
    ck_assert(!hg_schemas_add_column(table, "A", "int", &error));
    ck_assert_uint_eq(table->columns->len, 1);
}
END_TEST

Suite *schema_suite(void)
{
    Suite *suite = suite_create("schema");
    TCase *tests = tcase_create("schemas");
    tcase_add_test(tests, finds);
    tcase_add_test(tests, refuses);
    suite_add_tcase(suite, tests);
    return suite;
}
