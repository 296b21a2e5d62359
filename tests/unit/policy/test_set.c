/* Tests of policy/set: which tables a policy is about. */
#include "policy/set.h"
#include "suites.h"
#include "world.h"

/* "yes", "limits" (in another catalog), "no" */
static const char *covers(const char *tables, const char *key)
{
    gboolean elsewhere;
    g_autoptr(HgSchemas) schemas = world_schemas();
    g_autoptr(HgPolicy) policy = world_policy("p", tables);
    if (!hg_policy_covers(policy, hg_schemas_find(schemas, key), &elsewhere))
        return "no";
    return elsewhere ? "limits" : "yes";
}

START_TEST(tables)
{
    ck_assert_str_eq(covers("hr.emp", "spark_catalog.hr.emp"), "yes");
    ck_assert_str_eq(covers("HR.Emp", "spark_catalog.hr.emp"), "yes");
    ck_assert_str_eq(covers("hr.*", "spark_catalog.hr.emp"), "yes");
    ck_assert_str_eq(covers("h*.e*p", "spark_catalog.hr.emp"), "yes");
    ck_assert_str_eq(covers("*", "lake.hr.emp"), "yes");
    ck_assert_str_eq(covers("hr.emp", "lake.hr.emp"), "limits");
    ck_assert_str_eq(covers("hr.emp,lake.hr.*", "lake.hr.emp"), "yes");
    ck_assert_str_eq(covers("spark_catalog.hr.emp", "lake.hr.emp"), "no");
    ck_assert_str_eq(covers("hr.em", "spark_catalog.hr.emp"), "no");
}
END_TEST

START_TEST(patterns)
{
    static const char *const wrong[] = {"emp", "", "a.b.c.d", "a..b", "hr.`emp`", "hr.e mp"};
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(HgPolicy) policy = hg_policy_new("p", 1);
        char *const list[] = {(char *)wrong[i], NULL};
        ck_assert(!hg_policy_set_tables(policy, list, &error));
        ck_assert_ptr_nonnull(error);
    }
}
END_TEST

START_TEST(sets)
{
    g_autoptr(HgSchemas) schemas = world_schemas();
    g_autoptr(HgPolicySet) set = hg_policy_set_new("v1", TRUE);
    HgPolicy *policy = world_policy("p", "hr.emp");
    world_filter(policy, "dept IN (SELECT region FROM hr.map)", "hr.map");
    hg_policy_set_take(set, policy);
    ck_assert_str_eq(hg_policy_set_version(set), "v1");
    ck_assert(hg_policy_set_protects(set, hg_schemas_find(schemas, "spark_catalog.hr.emp")));
    ck_assert(!hg_policy_set_protects(set, hg_schemas_find(schemas, "spark_catalog.pub.t")));
    ck_assert(hg_policy_set_reads(set, hg_schemas_find(schemas, "spark_catalog.hr.map")));
    ck_assert(!hg_policy_set_reads(set, hg_schemas_find(schemas, "spark_catalog.hr.emp")));
    ck_assert(!hg_policy_set_uses_time_zone(set));
    char *const views[] = {(char *)"hr.v", NULL};
    ck_assert(hg_policy_set_trust(set, views, NULL));
    ck_assert(hg_policy_set_trusts(set, hg_schemas_find(schemas, "spark_catalog.hr.v")));
    ck_assert(!hg_policy_set_trusts(set, hg_schemas_find(schemas, "spark_catalog.hr.emp")));
}
END_TEST

Suite *set_suite(void)
{
    Suite *suite = suite_create("set");
    TCase *cases = tcase_create("sets");
    tcase_add_test(cases, tables);
    tcase_add_test(cases, patterns);
    tcase_add_test(cases, sets);
    suite_add_tcase(suite, cases);
    return suite;
}
