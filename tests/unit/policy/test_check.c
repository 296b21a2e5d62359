/* Tests of policy/check: what doesn't fit the tables is said. */
#include "policy/check.h"
#include "suites.h"
#include "world.h"

static void add_line(const HgPolicy *policy, const char *what, gpointer data)
{
    g_string_append_printf(data, "%s: %s\n", policy->name, what);
}

START_TEST(problems)
{
    g_autoptr(HgSchemas) schemas = world_schemas();
    g_autoptr(HgPolicySet) set = hg_policy_set_new("v", TRUE);
    g_autoptr(GString) said = g_string_new(NULL);
    HgPolicy *good = world_policy("good", "hr.emp");
    world_filter(good, "dept = {attr.dept}", NULL);
    world_mask(good, "ssn", "MASK");
    hg_policy_set_take(set, good);
    HgPolicy *bad = world_policy("bad", "hr.orders");
    world_filter(bad, "dept = 'x'", NULL);
    world_mask(bad, "amount", "MASK");
    world_mask(bad, "gone", "MASK_NULL");
    hg_policy_set_take(set, bad);
    hg_policy_set_take(set, world_policy("far", "hr.nope"));
    ck_assert_uint_eq(hg_policy_set_check(set, schemas, add_line, said), 5);
    ck_assert_str_eq(said->str,
                     "good: lake.hr.emp: lake.hr.emp has no column ssn\n"
                     "bad: spark_catalog.hr.orders: there is no column dept\n"
                     "bad: spark_catalog.hr.orders: spark_catalog.hr.orders has no column gone\n"
                     "bad: spark_catalog.hr.orders: the mask of amount doesn't fit its type and "
                     "makes it NULL; say MASK_NULL or {sql: ...}\n"
                     "far: none of its tables is known\n");
}
END_TEST

Suite *check_suite(void)
{
    Suite *suite = suite_create("check");
    TCase *tests = tcase_create("checks");
    tcase_add_test(tests, problems);
    suite_add_tcase(suite, tests);
    return suite;
}
