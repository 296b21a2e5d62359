/* The policies of balancing: how even they are, whom they prefer, how a new endpoint starts. */
#include "kit.h"
#include "suites.h"

#include <string.h>

/* Sessions come and go at random: one more or one less, `steps` times after `fill` came. */
static void come_and_go(HgPool *pool, guint fill, guint steps)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(8);
    g_autoptr(GPtrArray) open = g_ptr_array_new();
    for (guint i = 0; i < fill + steps; i++) {
        g_autofree char *user = g_strdup_printf("user%d", g_rand_int_range(random, 0, 1000));
        if (i < fill || open->len == 0 || g_rand_boolean(random)) {
            g_ptr_array_add(open, hg_pool_choose(pool, user, NULL, 0));
        } else {
            guint index = (guint)g_rand_int_range(random, 0, (gint32)open->len);
            hg_endpoint_release(g_ptr_array_remove_index_fast(open, index));
        }
    }
}

START_TEST(test_least_sessions_is_even)
{
    HgPool *pool = kit_pool(HG_BALANCING_LEAST_SESSIONS, 100);
    come_and_go(pool, 3000, 20000);
    ck_assert_double_le(kit_unevenness(pool), 1.1);
    kit_free(pool);
}
END_TEST

START_TEST(test_weights)
{
    HgPool *pool = hg_pool_new("weighted", NULL);
    hg_pool_add(pool, "a", "1", 1);
    hg_pool_add(pool, "b", "1", 3);
    hg_pool_add(pool, "c", "1", 0);
    for (guint i = 0; i < 400; i++)
        hg_pool_choose(pool, "u", NULL, 0);
    ck_assert_uint_eq(hg_endpoint_sessions(kit_endpoint(pool, 0)), 100);
    ck_assert_uint_eq(hg_endpoint_sessions(kit_endpoint(pool, 1)), 300);
    ck_assert_uint_eq(hg_endpoint_sessions(kit_endpoint(pool, 2)), 0);
    kit_free(pool);
}
END_TEST

START_TEST(test_priorities)
{
    static const guint priorities[] = {20, 10, 10};
    HgPool *pool = hg_pool_new("priorities", NULL);
    GPtrArray *infos = hg_endpoint_infos_new();
    for (guint i = 0; i < 3; i++) {
        g_autofree char *host = g_strdup_printf("h%u", i);
        HgEndpointInfo *info = hg_endpoint_info_new(host, 1, NULL);
        info->priority = priorities[i];
        info->weight = 0; /* of all: equal shares */
        g_ptr_array_add(infos, info);
    }
    g_autoptr(HgEndpointSet) set = NULL;
    guint added;
    guint gone;
    ck_assert(hg_endpoint_set_new(infos, &set, NULL));
    hg_pool_set(pool, set, 0, &added, &gone);
    for (guint i = 0; i < 10; i++)
        hg_pool_choose(pool, "u", NULL, 0);
    ck_assert_uint_eq(hg_endpoint_sessions(kit_endpoint(pool, 0)), 0);
    ck_assert_uint_eq(hg_endpoint_sessions(kit_endpoint(pool, 1)), 5);
    hg_endpoint_drain(kit_endpoint(pool, 1), TRUE);
    hg_endpoint_drain(kit_endpoint(pool, 2), TRUE);
    ck_assert_ptr_eq(hg_pool_choose(pool, "u", NULL, 0), kit_endpoint(pool, 0));
    kit_free(pool);
}
END_TEST

START_TEST(test_least_operations)
{
    HgPool *pool = kit_pool(HG_BALANCING_LEAST_OPERATIONS, 3);
    for (guint i = 0; i < 2; i++)
        hg_endpoint_operation_began(kit_endpoint(pool, i));
    for (guint i = 0; i < 20; i++)
        ck_assert_ptr_eq(hg_pool_choose(pool, "u", NULL, 0), kit_endpoint(pool, 2));
    hg_endpoint_operation_ended(kit_endpoint(pool, 1));
    ck_assert_ptr_eq(hg_pool_choose(pool, "u", NULL, 0), kit_endpoint(pool, 1));
    kit_free(pool);
}
END_TEST

START_TEST(test_latency)
{
    HgPool *pool = kit_pool(HG_BALANCING_LATENCY, 10);
    for (guint i = 0; i < 10; i++)
        hg_endpoint_note_latency(kit_endpoint(pool, i), i == 3 ? 50000 : 5000, 0);
    come_and_go(pool, 1000, 0);
    guint slow = hg_endpoint_sessions(kit_endpoint(pool, 3));
    ck_assert_uint_lt(slow, 40); /* a tenth as good as the others, whose mean is 110 */
    ck_assert_double_le(kit_unevenness(pool), 1.5);
    for (guint i = 0; i < 40; i++)
        hg_endpoint_note_latency(kit_endpoint(pool, 3), 5000, 1);
    ck_assert_uint_le(hg_endpoint_latency_us(kit_endpoint(pool, 3)), 5100);
    kit_free(pool);
}
END_TEST

START_TEST(test_latency_of_one_that_is_drained)
{
    HgPool *pool = kit_pool(HG_BALANCING_LATENCY, 2);
    hg_endpoint_drain(kit_endpoint(pool, 0), TRUE);
    for (guint i = 0; i < 50; i++)
        ck_assert_ptr_eq(hg_pool_choose(pool, "u", NULL, 0), kit_endpoint(pool, 1));
    kit_free(pool);
}
END_TEST

START_TEST(test_affinity)
{
    HgPool *pool = kit_pool(HG_BALANCING_AFFINITY, 10);
    come_and_go(pool, 2000, 4000); /* so that there is a mean */
    HgEndpoint *home = NULL;
    for (guint i = 0; i < 10; i++) {
        HgEndpoint *chosen = hg_pool_choose(pool, "alice", NULL, 0);
        ck_assert(home == NULL || chosen == home);
        home = chosen;
        hg_endpoint_release(chosen);
    }
    hg_endpoint_failed(home, 0);
    HgEndpoint *other = hg_pool_choose(pool, "alice", NULL, 1);
    ck_assert_ptr_ne(other, home);
    hg_endpoint_release(other);
    hg_endpoint_succeeded(home);
    other = hg_pool_choose(pool, "alice", NULL, 2);
    ck_assert_ptr_eq(other, home);
    kit_free(pool);
}
END_TEST

/* One user opens all sessions: no endpoint gets more than its share above the mean. */
START_TEST(test_affinity_is_bounded)
{
    HgPool *pool = kit_pool(HG_BALANCING_AFFINITY, 10);
    for (guint i = 0; i < 1000; i++)
        hg_pool_choose(pool, "alice", NULL, 0);
    ck_assert_double_le(kit_unevenness(pool), 1.27);
    ck_assert_double_ge(kit_unevenness(pool), 1.2);
    kit_free(pool);
}
END_TEST

START_TEST(test_affinity_of_many_users_moves_few)
{
    HgPool *pool = kit_pool(HG_BALANCING_AFFINITY, 10);
    HgEndpoint *before[500];
    guint moved = 0;
    guint at_home = 0;
    for (guint i = 0; i < 500; i++) {
        g_autofree char *user = g_strdup_printf("user%u", i);
        before[i] = hg_pool_choose(pool, user, NULL, 0);
        hg_endpoint_release(before[i]);
    }
    hg_endpoint_drain(kit_endpoint(pool, 4), TRUE);
    for (guint i = 0; i < 500; i++) {
        g_autofree char *user = g_strdup_printf("user%u", i);
        HgEndpoint *after = hg_pool_choose(pool, user, NULL, 0);
        hg_endpoint_release(after);
        at_home += before[i] == kit_endpoint(pool, 4);
        moved += after != before[i];
    }
    ck_assert_uint_eq(moved, at_home);
    ck_assert_uint_gt(at_home, 20);
    kit_free(pool);
}
END_TEST

START_TEST(test_slow_start)
{
    HgPoolSettings settings;
    hg_pool_settings_init(&settings);
    settings.slow_start = 10000;
    HgPool *pool = hg_pool_new("slow", &settings);
    kit_set(pool, 0, (const char *const[]){"a", "b", NULL});
    ck_assert_str_eq(hg_endpoint_state_name(hg_endpoint_state(kit_endpoint(pool, 0))), "untried");
    for (guint i = 0; i < 40; i++)
        hg_pool_choose(pool, "u", NULL, 0);
    kit_set(pool, 1000, (const char *const[]){"a", "b", "c", NULL});
    HgEndpoint *young = kit_endpoint(pool, 2);
    ck_assert_str_eq(hg_endpoint_state_name(hg_endpoint_state(young)), "starting");
    for (guint i = 0; i < 20; i++)
        hg_pool_choose(pool, "u", NULL, 1000);
    guint at_first = hg_endpoint_sessions(young);
    ck_assert_uint_ge(at_first, 1);
    ck_assert_uint_le(at_first, 4);
    for (guint i = 0; i < 20; i++)
        hg_pool_choose(pool, "u", NULL, 6000);
    guint later = hg_endpoint_sessions(young);
    ck_assert_uint_gt(later, at_first + 5);
    for (guint i = 0; i < 40; i++)
        hg_pool_choose(pool, "u", NULL, 12000);
    ck_assert_double_le(kit_unevenness(pool), 1.1);
    ck_assert_str_ne(hg_endpoint_state_name(hg_endpoint_state(young)), "starting");
    kit_free(pool);
}
END_TEST

Suite *choice_suite(void)
{
    Suite *suite = suite_create("cluster/choice");
    TCase *tests = tcase_create("choice");
    tcase_add_test(tests, test_least_sessions_is_even);
    tcase_add_test(tests, test_weights);
    tcase_add_test(tests, test_priorities);
    tcase_add_test(tests, test_least_operations);
    tcase_add_test(tests, test_latency);
    tcase_add_test(tests, test_latency_of_one_that_is_drained);
    tcase_add_test(tests, test_affinity);
    tcase_add_test(tests, test_affinity_is_bounded);
    tcase_add_test(tests, test_affinity_of_many_users_moves_few);
    tcase_add_test(tests, test_slow_start);
    suite_add_tcase(suite, tests);
    return suite;
}
