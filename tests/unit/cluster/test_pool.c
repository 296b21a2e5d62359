/* Pools whose endpoints are listed: the choice, failures, draining, readiness. */
#include "kit.h"
#include "suites.h"

#include <pthread.h>
#include <string.h>

static HgPool *pool;

static void setup(void)
{
    pool = hg_pool_new("main", NULL);
    hg_pool_add(pool, "10.0.0.1", "10000", 1);
    hg_pool_add(pool, "spark-2", "10001", 1);
    hg_pool_add(pool, "fe80::1", "10002", 1);
}

static void teardown(void)
{
    kit_free(pool);
}

START_TEST(test_names)
{
    hg_pool_add(pool, "/run/spark.sock", "", 1);
    static const char *const names[] = {"10.0.0.1:10000", "spark-2:10001", "[fe80::1]:10002",
                                        "unix:/run/spark.sock"};
    ck_assert_str_eq(hg_pool_name(pool), "main");
    ck_assert_uint_eq(hg_pool_size(pool), G_N_ELEMENTS(names));
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        ck_assert_str_eq(hg_endpoint_name(kit_endpoint(pool, i)), names[i]);
    ck_assert_str_eq(hg_endpoint_host(kit_endpoint(pool, 2)), "fe80::1");
    ck_assert_str_eq(hg_endpoint_port(kit_endpoint(pool, 2)), "10002");
    hg_pool_free(NULL);
}
END_TEST

START_TEST(test_least_sessions)
{
    for (guint i = 0; i < 30; i++)
        hg_pool_choose(pool, "u", NULL, 0);
    for (guint i = 0; i < 3; i++)
        ck_assert_uint_eq(hg_endpoint_sessions(kit_endpoint(pool, i)), 10);
    hg_endpoint_release(kit_endpoint(pool, 1));
    hg_endpoint_release(kit_endpoint(pool, 1));
    ck_assert_ptr_eq(hg_pool_choose(pool, "u", NULL, 0), kit_endpoint(pool, 1));
    ck_assert_ptr_eq(hg_pool_choose(pool, "u", NULL, 0), kit_endpoint(pool, 1));
}
END_TEST

START_TEST(test_tried_ones_are_left_out)
{
    g_autoptr(GPtrArray) tried = g_ptr_array_new();
    for (guint i = 0; i < 3; i++) {
        HgEndpoint *endpoint = hg_pool_choose(pool, "u", tried, 0);
        ck_assert_ptr_nonnull(endpoint);
        ck_assert(!g_ptr_array_find(tried, endpoint, NULL));
        g_ptr_array_add(tried, endpoint);
        hg_endpoint_release(endpoint);
    }
    ck_assert_ptr_null(hg_pool_choose(pool, "u", tried, 0));
    for (guint i = 0; i < 3; i++)
        ck_assert_uint_eq(hg_endpoint_sessions(kit_endpoint(pool, i)), 0);
}
END_TEST

START_TEST(test_drained_ones_are_left_out)
{
    HgEndpoint *first = kit_endpoint(pool, 0);
    ck_assert(hg_endpoint_drain(first, TRUE));
    ck_assert(!hg_endpoint_drain(first, TRUE));
    for (guint i = 0; i < 10; i++)
        ck_assert_ptr_ne(hg_pool_choose(pool, "u", NULL, 0), first);
    ck_assert_uint_eq(hg_endpoint_sessions(first), 0);
    ck_assert(hg_endpoint_drain(first, FALSE));
    ck_assert_ptr_eq(hg_pool_choose(pool, "u", NULL, 0),
                     first); /* the one with the fewest sessions */
    for (guint i = 0; i < 3; i++)
        hg_endpoint_drain(kit_endpoint(pool, i), TRUE);
    ck_assert_ptr_null(hg_pool_choose(pool, "u", NULL, 0));
}
END_TEST

START_TEST(test_states)
{
    HgEndpoint *endpoint = kit_endpoint(pool, 0);
    ck_assert_str_eq(hg_endpoint_state_name(hg_endpoint_state(endpoint)), "untried");
    hg_endpoint_succeeded(endpoint);
    ck_assert_str_eq(hg_endpoint_state_name(hg_endpoint_state(endpoint)), "up");
    hg_endpoint_failed(endpoint, 0);
    hg_endpoint_failed(endpoint, 0);
    ck_assert_str_eq(hg_endpoint_state_name(hg_endpoint_state(endpoint)), "down");
    hg_endpoint_drain(endpoint, TRUE);
    ck_assert_str_eq(hg_endpoint_state_name(hg_endpoint_state(endpoint)), "drained");
    hg_endpoint_drain(endpoint, FALSE);
    hg_endpoint_succeeded(endpoint);
    ck_assert_str_eq(hg_endpoint_state_name(hg_endpoint_state(endpoint)), "up");
    ck_assert_uint_eq(hg_endpoint_failures(endpoint), 2);
}
END_TEST

START_TEST(test_ready_or_why_not)
{
    const char *why = "something";
    ck_assert(hg_pool_is_ready(pool, 100, &why));
    ck_assert_ptr_null(why);
    ck_assert(hg_pool_pause(pool, TRUE));
    ck_assert(!hg_pool_pause(pool, TRUE));
    ck_assert(!hg_pool_is_ready(pool, 100, &why));
    ck_assert_ptr_nonnull(strstr(why, "paused"));
    ck_assert(hg_pool_pause(pool, FALSE));
    hg_endpoint_drain(kit_endpoint(pool, 0), TRUE);
    ck_assert(hg_pool_is_ready(pool, 100, NULL));
    hg_endpoint_failed(kit_endpoint(pool, 1), 0);
    hg_endpoint_failed(kit_endpoint(pool, 2), 0);
    ck_assert(!hg_pool_is_ready(pool, 100, &why));
    ck_assert_ptr_nonnull(strstr(why, "just failed"));
    ck_assert(hg_pool_is_ready(pool, 5000, &why)); /* they may be tried again */
    hg_endpoint_drain(kit_endpoint(pool, 1), TRUE);
    hg_endpoint_drain(kit_endpoint(pool, 2), TRUE);
    ck_assert(!hg_pool_is_ready(pool, 100, &why));
    ck_assert_ptr_nonnull(strstr(why, "drained"));
}
END_TEST

/* How long an endpoint is set back when it has failed `times` times in a row. */
static guint64 set_back_after(guint times)
{
    HgPool *two = hg_pool_new("two", NULL);
    hg_pool_add(two, "a", "1", 1);
    hg_pool_add(two, "b", "2", 1);
    HgEndpoint *bad = kit_endpoint(two, 0);
    for (guint i = 0; i < times; i++)
        ck_assert_int_eq(hg_endpoint_failed(bad, 1000), i == 0);
    guint64 now = 1000;
    for (;; now += 50) { /* the other one has more sessions each time, so a good `bad` is chosen */
        HgEndpoint *chosen = hg_pool_choose(two, "u", NULL, now);
        if (chosen == bad)
            break;
    }
    kit_free(two);
    return now - 1000;
}

START_TEST(test_set_back_grows_and_is_bounded)
{
    guint64 once = set_back_after(1), thrice = set_back_after(3), often = set_back_after(60);
    ck_assert_uint_ge(once, 500);
    ck_assert_uint_gt(thrice, once);
    ck_assert_uint_gt(often, thrice);
    ck_assert_uint_le(often, 10050);
}
END_TEST

START_TEST(test_set_back_is_tried_when_nothing_else_is_left)
{
    g_autoptr(GPtrArray) tried = g_ptr_array_new();
    g_ptr_array_add(tried, kit_endpoint(pool, 0));
    g_ptr_array_add(tried, kit_endpoint(pool, 1));
    hg_endpoint_failed(kit_endpoint(pool, 2), 0);
    ck_assert_ptr_eq(hg_pool_choose(pool, "u", tried, 1), kit_endpoint(pool, 2));
}
END_TEST

START_TEST(test_success_ends_the_set_back)
{
    HgEndpoint *endpoint = kit_endpoint(pool, 0);
    ck_assert(!hg_endpoint_succeeded(endpoint));
    ck_assert(hg_endpoint_failed(endpoint, 0));
    for (guint i = 0; i < 6; i++)
        ck_assert_ptr_ne(hg_pool_choose(pool, "u", NULL, 1), endpoint);
    ck_assert(hg_endpoint_succeeded(endpoint));
    ck_assert(!hg_endpoint_succeeded(endpoint));
    ck_assert_ptr_eq(hg_pool_choose(pool, "u", NULL, 1), endpoint);
    ck_assert(hg_endpoint_failed(endpoint, 0));
}
END_TEST

static void *come_and_go(void *data)
{
    for (guint i = 0; i < 20000; i++)
        hg_endpoint_release(hg_pool_choose(pool, "u", NULL, 0));
    return NULL;
}

START_TEST(test_counts_survive_threads)
{
    pthread_t threads[4];
    for (guint i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, come_and_go, NULL);
    for (guint i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (guint i = 0; i < 3; i++)
        ck_assert_uint_eq(hg_endpoint_sessions(kit_endpoint(pool, i)), 0);
}
END_TEST

/* One session tries an endpoint that had failed; the others keep away until it has answered. */
START_TEST(test_one_session_tries_again)
{
    HgEndpoint *bad = kit_endpoint(pool, 0);
    hg_endpoint_failed(bad, 0);
    for (guint i = 0; i < 4; i++)
        ck_assert_ptr_ne(hg_pool_choose(pool, "u", NULL, 400), bad);
    guint tries = 0;
    for (guint i = 0; i < 20; i++)
        tries += hg_pool_choose(pool, "u", NULL, 600) == bad;
    ck_assert_uint_eq(tries, 1);
    hg_endpoint_succeeded(bad);
    for (guint i = 0; i < 20; i++)
        tries += hg_pool_choose(pool, "u", NULL, 600) == bad;
    ck_assert_uint_gt(tries, 10); /* it catches up */
}
END_TEST

/* Beyond its share of the pool, an endpoint that failed stays in the choice. */
START_TEST(test_only_a_share_is_ejected)
{
    HgPoolSettings settings;
    hg_pool_settings_init(&settings);
    settings.ejected_most = 50;
    HgPool *four = hg_pool_new("four", &settings);
    for (const char *host = "a\0b\0c\0d\0"; *host != '\0'; host += 2)
        hg_pool_add(four, host, "1", 1);
    for (guint i = 0; i < 3; i++)
        hg_endpoint_failed(kit_endpoint(four, i), 0);
    for (guint i = 0; i < 10; i++)
        hg_pool_choose(four, "u", NULL, 1);
    ck_assert_uint_eq(hg_endpoint_sessions(kit_endpoint(four, 0)), 0);
    ck_assert_uint_eq(hg_endpoint_sessions(kit_endpoint(four, 1)), 0);
    ck_assert_uint_gt(hg_endpoint_sessions(kit_endpoint(four, 2)), 0);
    ck_assert_str_eq(hg_endpoint_state_name(hg_endpoint_state(kit_endpoint(four, 2))), "down");
    hg_endpoint_succeeded(kit_endpoint(four, 0));
    hg_endpoint_failed(kit_endpoint(four, 3), 1); /* there is room for another one now */
    ck_assert_ptr_ne(hg_pool_choose(four, "u", NULL, 1), kit_endpoint(four, 3));
    kit_free(four);
}
END_TEST

START_TEST(test_statements_are_counted)
{
    HgEndpoint *endpoint = kit_endpoint(pool, 0);
    hg_endpoint_operation_began(endpoint);
    hg_endpoint_operation_began(endpoint);
    hg_endpoint_operation_ended(endpoint);
    ck_assert_uint_eq(hg_endpoint_operations(endpoint), 1);
    hg_endpoint_operation_ended(endpoint);
    ck_assert_uint_eq(hg_endpoint_operations(endpoint), 0);
}
END_TEST

Suite *pool_suite(void)
{
    Suite *suite = suite_create("cluster/pool");
    TCase *tests = tcase_create("pool");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_names);
    tcase_add_test(tests, test_least_sessions);
    tcase_add_test(tests, test_tried_ones_are_left_out);
    tcase_add_test(tests, test_drained_ones_are_left_out);
    tcase_add_test(tests, test_states);
    tcase_add_test(tests, test_ready_or_why_not);
    tcase_add_test(tests, test_set_back_grows_and_is_bounded);
    tcase_add_test(tests, test_set_back_is_tried_when_nothing_else_is_left);
    tcase_add_test(tests, test_success_ends_the_set_back);
    tcase_add_test(tests, test_counts_survive_threads);
    tcase_add_test(tests, test_one_session_tries_again);
    tcase_add_test(tests, test_only_a_share_is_ejected);
    tcase_add_test(tests, test_statements_are_counted);
    suite_add_tcase(suite, tests);
    return suite;
}
