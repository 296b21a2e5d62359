/* Runs the unit tests of the cluster layer. CK_FORK=no runs them in this process, for a debugger.
 */
#include "cluster/pool.h"

#include <check.h>
#include <pthread.h>
#include <string.h>

static HgPool *pool;

static void setup(void)
{
    pool = hg_pool_new("main");
    hg_pool_add(pool, "10.0.0.1", "10000");
    hg_pool_add(pool, "spark-2", "10001");
    hg_pool_add(pool, "fe80::1", "10002");
}

static void teardown(void)
{
    hg_pool_free(pool);
}

START_TEST(test_names)
{
    hg_pool_add(pool, "/run/spark.sock", "");
    static const char *const names[] = {"10.0.0.1:10000", "spark-2:10001", "[fe80::1]:10002",
                                        "unix:/run/spark.sock"};
    ck_assert_str_eq(hg_pool_name(pool), "main");
    ck_assert_uint_eq(hg_pool_size(pool), G_N_ELEMENTS(names));
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        ck_assert_str_eq(hg_endpoint_name(hg_pool_endpoint(pool, i)), names[i]);
    ck_assert_str_eq(hg_endpoint_host(hg_pool_endpoint(pool, 2)), "fe80::1");
    ck_assert_str_eq(hg_endpoint_port(hg_pool_endpoint(pool, 2)), "10002");
    hg_pool_free(NULL);
}
END_TEST

START_TEST(test_least_sessions)
{
    for (guint i = 0; i < 30; i++)
        hg_pool_choose(pool, 0, 0);
    for (guint i = 0; i < 3; i++)
        ck_assert_uint_eq(hg_endpoint_sessions(hg_pool_endpoint(pool, i)), 10);
    hg_endpoint_release(hg_pool_endpoint(pool, 1));
    hg_endpoint_release(hg_pool_endpoint(pool, 1));
    ck_assert_ptr_eq(hg_pool_choose(pool, 0, 0), hg_pool_endpoint(pool, 1));
    ck_assert_ptr_eq(hg_pool_choose(pool, 0, 0), hg_pool_endpoint(pool, 1));
}
END_TEST

START_TEST(test_tried_ones_are_left_out)
{
    guint64 tried = 0;
    for (guint i = 0; i < 3; i++) {
        HgEndpoint *endpoint = hg_pool_choose(pool, tried, 0);
        ck_assert_ptr_nonnull(endpoint);
        ck_assert((tried & hg_endpoint_bit(endpoint)) == 0);
        tried |= hg_endpoint_bit(endpoint);
        hg_endpoint_release(endpoint);
    }
    ck_assert_ptr_null(hg_pool_choose(pool, tried, 0));
    for (guint i = 0; i < 3; i++)
        ck_assert_uint_eq(hg_endpoint_sessions(hg_pool_endpoint(pool, i)), 0);
}
END_TEST

START_TEST(test_drained_ones_are_left_out)
{
    HgEndpoint *first = hg_pool_endpoint(pool, 0);
    ck_assert(hg_endpoint_drain(first, TRUE));
    ck_assert(!hg_endpoint_drain(first, TRUE));
    for (guint i = 0; i < 10; i++)
        ck_assert_ptr_ne(hg_pool_choose(pool, 0, 0), first);
    ck_assert_uint_eq(hg_endpoint_sessions(first), 0);
    ck_assert(hg_endpoint_drain(first, FALSE));
    ck_assert_ptr_eq(hg_pool_choose(pool, 0, 0), first); /* the one with the fewest sessions */
    for (guint i = 0; i < 3; i++)
        hg_endpoint_drain(hg_pool_endpoint(pool, i), TRUE);
    ck_assert_ptr_null(hg_pool_choose(pool, 0, 0));
}
END_TEST

START_TEST(test_states)
{
    HgEndpoint *endpoint = hg_pool_endpoint(pool, 0);
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
    hg_endpoint_drain(hg_pool_endpoint(pool, 0), TRUE);
    ck_assert(hg_pool_is_ready(pool, 100, NULL));
    hg_endpoint_failed(hg_pool_endpoint(pool, 1), 0);
    hg_endpoint_failed(hg_pool_endpoint(pool, 2), 0);
    ck_assert(!hg_pool_is_ready(pool, 100, &why));
    ck_assert_ptr_nonnull(strstr(why, "just failed"));
    ck_assert(hg_pool_is_ready(pool, 5000, &why)); /* they may be tried again */
    hg_endpoint_drain(hg_pool_endpoint(pool, 1), TRUE);
    hg_endpoint_drain(hg_pool_endpoint(pool, 2), TRUE);
    ck_assert(!hg_pool_is_ready(pool, 100, &why));
    ck_assert_ptr_nonnull(strstr(why, "drained"));
}
END_TEST

/* How long an endpoint is set back when it has failed `times` times in a row. */
static guint64 set_back_after(guint times)
{
    HgPool *two = hg_pool_new("two");
    hg_pool_add(two, "a", "1");
    hg_pool_add(two, "b", "2");
    HgEndpoint *bad = hg_pool_endpoint(two, 0);
    for (guint i = 0; i < times; i++)
        ck_assert_int_eq(hg_endpoint_failed(bad, 1000), i == 0);
    guint64 now = 1000;
    for (;; now += 50) { /* the other one has more sessions each time, so a good `bad` is chosen */
        HgEndpoint *chosen = hg_pool_choose(two, 0, now);
        if (chosen == bad)
            break;
    }
    hg_pool_free(two);
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
    guint64 tried =
        hg_endpoint_bit(hg_pool_endpoint(pool, 0)) | hg_endpoint_bit(hg_pool_endpoint(pool, 1));
    hg_endpoint_failed(hg_pool_endpoint(pool, 2), 0);
    ck_assert_ptr_eq(hg_pool_choose(pool, tried, 1), hg_pool_endpoint(pool, 2));
}
END_TEST

START_TEST(test_success_ends_the_set_back)
{
    HgEndpoint *endpoint = hg_pool_endpoint(pool, 0);
    ck_assert(!hg_endpoint_succeeded(endpoint));
    ck_assert(hg_endpoint_failed(endpoint, 0));
    for (guint i = 0; i < 6; i++)
        ck_assert_ptr_ne(hg_pool_choose(pool, 0, 1), endpoint);
    ck_assert(hg_endpoint_succeeded(endpoint));
    ck_assert(!hg_endpoint_succeeded(endpoint));
    ck_assert_ptr_eq(hg_pool_choose(pool, 0, 1), endpoint);
    ck_assert(hg_endpoint_failed(endpoint, 0));
}
END_TEST

static void *come_and_go(void *data)
{
    for (guint i = 0; i < 20000; i++)
        hg_endpoint_release(hg_pool_choose(pool, 0, 0));
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
        ck_assert_uint_eq(hg_endpoint_sessions(hg_pool_endpoint(pool, i)), 0);
}
END_TEST

int main(void)
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
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
