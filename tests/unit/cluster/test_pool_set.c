/* Pools whose endpoints come and go: who stays the same, who is gone, whose address has another. */
#include "discovery/static_source.h"
#include "kit.h"
#include "suites.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static HgPool *pool;

static void setup(void)
{
    pool = hg_pool_new("main", NULL);
}

static void teardown(void)
{
    kit_free(pool);
}

static const char *state_of(const HgEndpoint *endpoint)
{
    return hg_endpoint_state_name(hg_endpoint_state(endpoint));
}

START_TEST(test_empty)
{
    const char *why = NULL;
    ck_assert_ptr_null(hg_pool_choose(pool, "u", NULL, 0));
    ck_assert(!hg_pool_is_ready(pool, 0, &why));
    ck_assert_ptr_nonnull(why);
    kit_set(pool, 0, (const char *const[]){NULL});
    ck_assert_ptr_null(hg_pool_choose(pool, "u", NULL, 0));
    ck_assert_uint_eq(hg_pool_size(pool), 0);
}
END_TEST

START_TEST(test_who_is_named_again_stays)
{
    kit_set(pool, 0, (const char *const[]){"a=1", "b=2", NULL});
    HgEndpoint *a = kit_endpoint(pool, 0);
    for (guint i = 0; i < 4; i++)
        hg_pool_choose(pool, "u", NULL, 0);
    kit_set(pool, 1, (const char *const[]){"a=1", "b=2", "c=3", NULL});
    ck_assert_ptr_eq(kit_endpoint(pool, 0), a);
    ck_assert_uint_eq(hg_endpoint_sessions(a), 2);
    ck_assert_uint_eq(hg_pool_size(pool), 3);
    ck_assert_ptr_eq(hg_pool_choose(pool, "u", NULL, 1), kit_endpoint(pool, 2));
}
END_TEST

START_TEST(test_who_is_gone_keeps_its_sessions)
{
    kit_set(pool, 0, (const char *const[]){"a", NULL});
    g_autoptr(HgEndpoint) a = hg_endpoint_ref(hg_pool_choose(pool, "u", NULL, 0));
    kit_set(pool, 1, (const char *const[]){"b", NULL});
    ck_assert_str_eq(state_of(a), "gone");
    ck_assert(!hg_endpoint_is_replaced(a));
    ck_assert_uint_eq(hg_pool_size(pool), 1);
    ck_assert_ptr_eq(kit_endpoint(pool, 1), a); /* it is still shown */
    for (guint i = 0; i < 5; i++)
        ck_assert_ptr_ne(hg_pool_choose(pool, "u", NULL, 1), a);
    hg_endpoint_failed(a, 1); /* nobody minds */
    hg_endpoint_succeeded(a);
    hg_endpoint_release(a);
    g_autoptr(GPtrArray) all = hg_pool_endpoints(pool);
    ck_assert_uint_eq(all->len, 1);
}
END_TEST

/* One that was gone and is named again is the one that it was: its sessions still count. */
START_TEST(test_who_comes_back_is_the_same)
{
    kit_set(pool, 0, (const char *const[]){"a=1", "b=2", NULL});
    HgEndpoint *first = hg_pool_choose(pool, "u", NULL, 0);
    HgEndpoint *second = hg_pool_choose(pool, "u", NULL, 0);
    kit_set(pool, 1, (const char *const[]){"b=2", NULL});
    kit_set(pool, 2, (const char *const[]){"a=1", "b=2", NULL});
    ck_assert(kit_endpoint(pool, 0) == first || kit_endpoint(pool, 0) == second);
    ck_assert_uint_eq(hg_endpoint_sessions(kit_endpoint(pool, 0)), 1);
    ck_assert_str_eq(state_of(kit_endpoint(pool, 0)), "untried");
    hg_endpoint_release(first);
    hg_endpoint_release(second);
    ck_assert_uint_eq(hg_endpoint_sessions(kit_endpoint(pool, 0)), 0);
}
END_TEST

START_TEST(test_an_address_of_another_instance)
{
    kit_set(pool, 0, (const char *const[]){"a=1", NULL});
    g_autoptr(HgEndpoint) old = hg_endpoint_ref(hg_pool_choose(pool, "u", NULL, 0));
    kit_set(pool, 1, (const char *const[]){"a=2", NULL});
    HgEndpoint *young = kit_endpoint(pool, 0);
    ck_assert_ptr_ne(old, young);
    ck_assert(hg_endpoint_is_replaced(old));
    ck_assert(!hg_endpoint_is_replaced(young));
    ck_assert_str_eq(state_of(old), "replaced");
    ck_assert_uint_eq(hg_endpoint_sessions(young), 0);
    kit_set(pool, 2, (const char *const[]){NULL});
    ck_assert(hg_endpoint_is_replaced(old)); /* who knows what is there now */
    hg_endpoint_release(old);
}
END_TEST

/* The address is given away later, when only a closer still holds the old one. */
START_TEST(test_an_address_that_is_reused_later)
{
    kit_set(pool, 0, (const char *const[]){"a=1", "b=2", NULL});
    g_autoptr(HgEndpoint) old = hg_endpoint_ref(kit_endpoint(pool, 0));
    kit_set(pool, 1, (const char *const[]){"b=2", NULL});
    ck_assert_str_eq(state_of(old), "gone");
    kit_set(pool, 2, (const char *const[]){"b=2", "c=4", NULL});
    ck_assert(!hg_endpoint_is_replaced(old));
    kit_set(pool, 3, (const char *const[]){"a=5", "b=2", NULL});
    ck_assert(hg_endpoint_is_replaced(old));
}
END_TEST

START_TEST(test_unready_and_terminating)
{
    const char *why = NULL;
    kit_set(pool, 0, (const char *const[]){"!a", "?b", "c", NULL});
    ck_assert_str_eq(state_of(kit_endpoint(pool, 0)), "draining");
    ck_assert_str_eq(state_of(kit_endpoint(pool, 1)), "unready");
    for (guint i = 0; i < 5; i++)
        ck_assert_ptr_eq(hg_pool_choose(pool, "u", NULL, 0), kit_endpoint(pool, 2));
    kit_set(pool, 1, (const char *const[]){"!a", "?b", NULL});
    ck_assert_ptr_null(hg_pool_choose(pool, "u", NULL, 1));
    ck_assert(!hg_pool_is_ready(pool, 1, &why));
    ck_assert_ptr_nonnull(strstr(why, "ready"));
    kit_set(pool, 2, (const char *const[]){"!a", "b", NULL});
    ck_assert_ptr_eq(hg_pool_choose(pool, "u", NULL, 2), kit_endpoint(pool, 1));
}
END_TEST

/* An ejected endpoint that goes gives its place among the ejected back. */
START_TEST(test_ejected_and_gone)
{
    kit_set(pool, 0, (const char *const[]){"a", "b", NULL});
    hg_endpoint_failed(kit_endpoint(pool, 0), 0);
    kit_set(pool, 1, (const char *const[]){"b", "c", NULL});
    hg_endpoint_failed(kit_endpoint(pool, 0), 1);
    for (guint i = 0; i < 5; i++)
        ck_assert_ptr_eq(hg_pool_choose(pool, "u", NULL, 2), kit_endpoint(pool, 1));
}
END_TEST

static atomic_uint changes;

static void on_changed(void *data, HgPool *changed, guint added, guint gone)
{
    ck_assert_ptr_eq(data, &changes);
    ck_assert_uint_eq(added, 2);
    ck_assert_uint_eq(gone, 0);
    atomic_fetch_add(&changes, 1);
}

START_TEST(test_following_a_source)
{
    HgStaticEndpoint two[] = {{"10.0.0.1", 10000, 1, NULL}, {"10.0.0.2", 10000, 3, NULL}};
    HgPoolListener listener = {.changed = on_changed, .data = &changes};
    HgSource *source = NULL;
    g_auto(HgStanding) standing = {0};
    ck_assert_str_eq(hg_pool_source(pool), "static");
    ck_assert(hg_static_source_new(two, 2, &source, NULL));
    ck_assert(hg_pool_follow(pool, source, &listener, NULL));
    while (atomic_load(&changes) == 0)
        g_usleep(1000);
    ck_assert_str_eq(hg_pool_source(pool), "static");
    ck_assert_uint_eq(hg_pool_size(pool), 2);
    hg_pool_unfollow(pool);
    hg_pool_standing(pool, &standing);
    ck_assert_int_eq(standing.kind, HG_STANDING_FRESH);
    ck_assert_uint_eq(hg_pool_size(pool), 2);
}
END_TEST

static void *open_and_close(void *data)
{
    for (guint i = 0; i < 20000; i++) {
        HgEndpoint *endpoint = hg_pool_choose(pool, "u", NULL, i);
        if (endpoint == NULL)
            continue;
        if (i % 7 == 0)
            hg_endpoint_failed(endpoint, i);
        else
            hg_endpoint_succeeded(endpoint);
        hg_endpoint_release(endpoint);
    }
    return NULL;
}

START_TEST(test_sets_and_choices_at_once)
{
    pthread_t threads[2];
    kit_set(pool, 0, (const char *const[]){"a=1", "b=2", "c=3", NULL});
    for (guint i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, open_and_close, NULL);
    for (guint i = 0; i < 500; i++) {
        kit_set(pool, i, (const char *const[]){"a=4", "?b=2", "d=5", NULL});
        kit_set(pool, i, (const char *const[]){"a=1", "b=2", "c=3", NULL});
    }
    for (guint i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    g_autoptr(GPtrArray) all = hg_pool_endpoints(pool);
    ck_assert_uint_eq(all->len, 3);
    for (guint i = 0; i < 3; i++)
        ck_assert_uint_eq(hg_endpoint_sessions(g_ptr_array_index(all, i)), 0);
}
END_TEST

Suite *pool_set_suite(void)
{
    Suite *suite = suite_create("cluster/pool_set");
    TCase *tests = tcase_create("pool_set");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_empty);
    tcase_add_test(tests, test_who_is_named_again_stays);
    tcase_add_test(tests, test_who_is_gone_keeps_its_sessions);
    tcase_add_test(tests, test_who_comes_back_is_the_same);
    tcase_add_test(tests, test_an_address_of_another_instance);
    tcase_add_test(tests, test_an_address_that_is_reused_later);
    tcase_add_test(tests, test_unready_and_terminating);
    tcase_add_test(tests, test_ejected_and_gone);
    tcase_add_test(tests, test_following_a_source);
    tcase_add_test(tests, test_sets_and_choices_at_once);
    suite_add_tcase(suite, tests);
    return suite;
}
