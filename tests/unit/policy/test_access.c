/* Tests of policy/access, policy/access_columns and policy/subject: how policies combine. */
#include "suites.h"
#include "world.h"

#include <string.h>

typedef struct {
    HgSchemas *schemas;
    HgPolicySet *set;
} World;

static World begin(gboolean default_allow)
{
    return (World){world_schemas(), hg_policy_set_new("v", default_allow)};
}

static void end(World *world)
{
    hg_policy_set_free(world->set);
    hg_schemas_free(world->schemas);
}

/* The derived table for bob, with the nonce 7; "" when he sees the table as it is. */
static char *derived(const World *world, const char *key)
{
    static const char *const attributes[] = {"dept", "it", NULL};
    HgIdentity identity = {.user = "bob", .attributes = attributes};
    g_autoptr(HgSubject) subject = hg_subject_new(world->set, world->schemas, &identity, 1000);
    const HgTableAccess *access = hg_subject_access(subject, hg_schemas_find(world->schemas, key));
    if (access->broken != NULL)
        return g_strdup_printf("broken: %s", access->broken);
    if (!access->limited)
        return g_strdup("");
    GString *out = g_string_new(NULL);
    hg_access_append(access, out, "7", "", "");
    return g_string_free(out, FALSE);
}

/* The condition on the rows of hr.map. */
static void check_filter(const World *world, const char *expected)
{
    g_autofree char *found = derived(world, "spark_catalog.hr.map");
    g_autofree char *whole =
        g_strdup_printf("(SELECT `region`, `usr` FROM (SELECT p_7.`region`, p_7.`usr`, "
                        "monotonically_increasing_id() AS b_7 FROM `spark_catalog`.`hr`.`map` AS "
                        "p_7%s) WHERE b_7 >= 0)",
                        expected);
    ck_assert_str_eq(found, whole);
}

static void add_filter(World *world, const char *text, gboolean restrictive)
{
    HgPolicy *policy = world_policy("f", "hr.map");
    world_filter(policy, text, NULL);
    policy->restrictive = restrictive;
    hg_policy_set_take(world->set, policy);
}

START_TEST(filters)
{
    World world = begin(TRUE);
    add_filter(&world, "region = 'a'", FALSE);
    check_filter(&world, " WHERE ((p_7.`region` = 'a'))");
    add_filter(&world, "region = {attr.none}", FALSE);
    check_filter(&world, " WHERE ((p_7.`region` = 'a') OR (FALSE))");
    add_filter(&world, "usr = 'x'", TRUE);
    check_filter(&world, " WHERE ((p_7.`region` = 'a') OR (FALSE)) AND ((p_7.`usr` = 'x'))");
    end(&world);
    world = begin(TRUE);
    add_filter(&world, "usr = 'x'", TRUE); /* nothing permits a row */
    check_filter(&world, " WHERE (FALSE) AND ((p_7.`usr` = 'x'))");
    end(&world);
}
END_TEST

static void check_info(const World *world, const char *expected)
{
    g_autofree char *found = derived(world, "spark_catalog.hr.info");
    g_autofree char *whole =
        *expected == '\0' || strncmp(expected, "broken", 6) == 0
            ? g_strdup(expected)
            : g_strdup_printf("(SELECT `id`, `card`, `list` FROM (SELECT %s, "
                              "monotonically_increasing_id() AS b_7 FROM "
                              "`spark_catalog`.`hr`.`info` AS p_7) WHERE b_7 >= 0)",
                              expected);
    ck_assert_str_eq(found, whole);
}

START_TEST(masks)
{
    World world = begin(TRUE);
    HgPolicy *policy = world_policy("m", "hr.info");
    world_mask(policy, "id", "{col} + 1");
    hg_policy_set_take(world.set, policy);
    check_info(&world, "CAST(p_7.`id` + 1 AS int) AS `id`, p_7.`card`, p_7.`list`");
    HgPolicy *first = world_policy("n", "hr.info");
    world_mask(first, "ID", "MASK_NONE");
    first->priority = 1; /* more important, though it comes later */
    hg_policy_set_take(world.set, first);
    check_info(&world, "");
    end(&world);
}
END_TEST

START_TEST(fields)
{
    World world = begin(TRUE);
    HgPolicy *policy = world_policy("m", "hr.info");
    world_mask(policy, "card.holder.mail", "MASK_NULL");
    world_mask(policy, "list.x", "MASK");
    hg_policy_set_take(world.set, policy);
    check_info(&world,
               "p_7.`id`, CASE WHEN p_7.`card` IS NULL THEN NULL ELSE named_struct('no', "
               "p_7.`card`.`no`, 'holder', CASE WHEN p_7.`card`.`holder` IS NULL THEN NULL ELSE "
               "named_struct('name', p_7.`card`.`holder`.`name`, 'mail', CAST(NULL AS string)) "
               "END) END AS `card`, CAST(NULL AS array<string>) AS `list`");
    HgPolicy *wrong = world_policy("w", "hr.info");
    world_mask(wrong, "card.nope", "MASK");
    hg_policy_set_take(world.set, wrong);
    check_info(&world, "broken: policy w: card.nope has no field nope");
    end(&world);
}
END_TEST

START_TEST(columns)
{
    World world = begin(TRUE);
    HgPolicy *policy = world_policy("c", "hr.map,hr.orders,hr.v");
    char *const deny[] = {(char *)"region", NULL};
    policy->columns_deny = g_strdupv((char **)deny);
    hg_policy_set_take(world.set, policy);
    g_autofree char *map = derived(&world, "spark_catalog.hr.map");
    ck_assert(g_str_has_prefix(map, "(SELECT `usr` FROM (SELECT p_7.`usr`, mono"));
    /* a column that is named and gone: nobody sees the table */
    g_autofree char *view = derived(&world, "spark_catalog.hr.v");
    ck_assert_str_eq(view, "broken: policy c: spark_catalog.hr.v has no column region");
    HgPolicy *wide = world_policy("w", "pub.*");
    wide->columns_deny = g_strdupv((char **)deny);
    hg_policy_set_take(world.set, wide);
    g_autofree char *other = derived(&world, "spark_catalog.pub.t");
    ck_assert_str_eq(other, ""); /* a wildcard may meet tables without it */
    end(&world);
}
END_TEST

static guint actions(const World *world, const char *user, const char *const *groups, gint64 now)
{
    HgIdentity identity = {.user = user, .groups = groups};
    g_autoptr(HgSubject) subject = hg_subject_new(world->set, world->schemas, &identity, now);
    return hg_subject_access(subject, hg_schemas_find(world->schemas, "spark_catalog.hr.emp"))
        ->actions;
}

START_TEST(subjects)
{
    static const char *const staff[] = {"staff", NULL};
    char *const groups[] = {(char *)"st*", NULL}, *const users[] = {(char *)"eve", NULL};
    World world = begin(FALSE);
    HgPolicy *policy = world_policy("a", "hr.emp");
    policy->everyone = FALSE;
    policy->subjects.groups = g_strdupv((char **)groups);
    policy->except.users = g_strdupv((char **)users);
    policy->allow = HG_ACTION_SELECT | HG_ACTION_INSERT;
    policy->valid_until = 2000;
    hg_policy_set_take(world.set, policy);
    HgPolicy *deny = world_policy("d", "hr.*");
    deny->deny = HG_ACTION_INSERT;
    hg_policy_set_take(world.set, deny);
    ck_assert_uint_eq(actions(&world, "bob", staff, 1000), HG_ACTION_SELECT);
    ck_assert_uint_eq(actions(&world, "bob", NULL, 1000), 0);
    ck_assert_uint_eq(actions(&world, "eve", staff, 1000), 0);
    ck_assert_uint_eq(actions(&world, "bob", staff, 2001), 0);
    end(&world);
}
END_TEST

#define UNCERTAIN "policy a: the user's groups or attributes, on which it depends, aren't known"

START_TEST(unknown_groups)
{
    char *const groups[] = {(char *)"staff", NULL};
    World world = begin(TRUE);
    HgPolicy *policy = world_policy("a", "hr.emp");
    world_filter(policy, "dept = 'x'", NULL);
    policy->everyone = FALSE;
    policy->subjects.groups = g_strdupv((char **)groups);
    hg_policy_set_take(world.set, policy);
    HgIdentity identity = {.user = "bob", .groups_unknown = TRUE};
    g_autoptr(HgSubject) subject = hg_subject_new(world.set, world.schemas, &identity, 0);
    ck_assert(hg_subject_is_covered(subject));
    const HgTableAccess *access =
        hg_subject_access(subject, hg_schemas_find(world.schemas, "spark_catalog.hr.emp"));
    ck_assert_str_eq(access->broken, UNCERTAIN);
    hg_subject_free(g_steal_pointer(&subject));
    end(&world);
}
END_TEST

/* A policy for attributes, or for all but some, breaks its tables when they aren't known. */
START_TEST(unknown_attributes)
{
    char *const pairs[] = {(char *)"dept", (char *)"it", NULL};
    static const char *const none[] = {NULL};
    for (guint i = 0; i < 2; i++) {
        World world = begin(TRUE);
        HgPolicy *policy = world_policy("a", "hr.emp");
        world_filter(policy, "dept = 'x'", NULL);
        policy->everyone = i == 1;
        *(i == 1 ? &policy->except : &policy->subjects) =
            (HgSubjects){.attributes = g_strdupv((char **)pairs)};
        hg_policy_set_take(world.set, policy);
        HgIdentity unknown = {.user = "bob", .attributes_unknown = TRUE};
        HgIdentity known = {.user = "bob", .attributes = none};
        g_autoptr(HgSubject) subject = hg_subject_new(world.set, world.schemas, &unknown, 0);
        const HgTable *emp = hg_schemas_find(world.schemas, "spark_catalog.hr.emp");
        ck_assert(hg_subject_is_covered(subject));
        ck_assert_str_eq(hg_subject_access(subject, emp)->broken, UNCERTAIN);
        hg_subject_free(subject);
        subject = hg_subject_new(world.set, world.schemas, &known, 0);
        ck_assert(hg_subject_is_covered(subject) == (i == 1));
        ck_assert_ptr_null(hg_subject_access(subject, emp)->broken);
        hg_subject_free(g_steal_pointer(&subject));
        end(&world);
    }
}
END_TEST

Suite *access_suite(void)
{
    Suite *suite = suite_create("access");
    TCase *tests = tcase_create("accesses");
    tcase_add_test(tests, filters);
    tcase_add_test(tests, masks);
    tcase_add_test(tests, fields);
    tcase_add_test(tests, columns);
    tcase_add_test(tests, subjects);
    tcase_add_test(tests, unknown_groups);
    tcase_add_test(tests, unknown_attributes);
    suite_add_tcase(suite, tests);
    return suite;
}
