/* Runs the unit tests of the proxy layer: sessions, operations and the directory that finds them,
 * with threads. The connections themselves are tested from outside, by tests/faults. CK_FORK=no
 * runs them in this process, for a debugger. */
#include "proxy/directory.h"
#include "proxy/quota.h"
#include "suites.h"

#include <pthread.h>
#include <stdatomic.h>

static HgPool *pool;
static HgDirectory *directory;
static HgPrincipal *alice;

static void setup(void)
{
    pool = hg_pool_new("main", NULL);
    hg_pool_add(pool, "127.0.0.1", "1", 1);
    directory = hg_directory_new();
    alice = hg_principal_new("users", "alice", NULL, NULL);
}

static void teardown(void)
{
    hg_directory_free(directory);
    hg_principal_unref(alice);
    g_autoptr(GPtrArray) endpoints = hg_pool_endpoints(pool);
    ck_assert_uint_eq(hg_endpoint_sessions(g_ptr_array_index(endpoints, 0)), 0);
    ck_assert_uint_eq(hg_endpoint_operations(g_ptr_array_index(endpoints, 0)), 0);
    g_clear_pointer(&endpoints, g_ptr_array_unref);
    hg_pool_free(pool);
}

static HgSession *make_session(void)
{
    HgHandle backend;
    hg_handle_random(&backend);
    HgSession *session =
        hg_session_new(alice, "alice", hg_pool_choose(pool, "alice", NULL, 0), &backend, 7);
    ck_assert(hg_handle_equal(hg_session_backend_handle(session), &backend));
    ck_assert(!hg_handle_equal(hg_session_handle(session), &backend));
    hg_directory_add_session(directory, session);
    return session;
}

static HgOperation *make_operation(HgSession *session, gint32 type)
{
    HgHandle backend;
    hg_handle_random(&backend);
    HgOperation *operation = hg_operation_new(session, &backend, type, 1234, NULL);
    hg_directory_add_operation(directory, operation);
    return operation;
}

START_TEST(test_found_only_with_both_halves)
{
    g_autoptr(HgSession) session = make_session();
    HgHandle handle = *hg_session_handle(session);
    g_autoptr(HgSession) found = hg_directory_find_session(directory, &handle);
    ck_assert_ptr_eq(found, session);
    ck_assert_ptr_null(hg_directory_find_operation(directory, &handle));
    handle.secret[15] ^= 1;
    ck_assert_ptr_null(hg_directory_find_session(directory, &handle));
    handle.secret[15] ^= 1;
    handle.guid[9] ^= 1;
    ck_assert_ptr_null(hg_directory_find_session(directory, &handle));
    ck_assert_ptr_null(hg_directory_find_session(directory, hg_session_backend_handle(session)));
    ck_assert_str_eq(hg_session_effective_user(session), "alice");
    ck_assert_uint_eq(hg_session_home(session), 7);
}
END_TEST

/* Who opened it may go on naming the user as they did, or as the directory does. */
START_TEST(test_whom_a_session_runs_as)
{
    g_autoptr(HgSession) session = make_session();
    ck_assert(hg_session_runs_as(session, "alice"));
    ck_assert(!hg_session_runs_as(session, "ALICE"));
    ck_assert(!hg_session_runs_as(session, ""));
    hg_session_set_asked_user(session, "ALICE");
    ck_assert(hg_session_runs_as(session, "alice"));
    ck_assert(hg_session_runs_as(session, "ALICE"));
    ck_assert(!hg_session_runs_as(session, "Alice"));
    hg_session_end(session);
    g_autoptr(GPtrArray) left = hg_directory_remove_session(directory, session);
    ck_assert_uint_eq(left->len, 0);
}
END_TEST

START_TEST(test_operations_go_with_their_session)
{
    g_autoptr(HgSession) session = make_session();
    g_autoptr(HgOperation) statement = make_operation(session, 0);
    g_autoptr(HgOperation) metadata = make_operation(session, 4);
    ck_assert_uint_eq(hg_session_statements(session), 1);
    ck_assert_uint_eq(hg_directory_size(directory), 3);
    hg_directory_remove_operation(directory, metadata);
    hg_directory_remove_operation(directory, metadata);
    ck_assert_uint_eq(hg_directory_size(directory), 2);
    hg_session_end(session);
    g_autoptr(GPtrArray) left = hg_directory_remove_session(directory, session);
    ck_assert_uint_eq(left->len, 1);
    ck_assert_ptr_eq(g_ptr_array_index(left, 0), statement);
    ck_assert_uint_eq(hg_directory_size(directory), 0);
    ck_assert_uint_eq(hg_session_statements(session), 0);
    g_autoptr(GPtrArray) again = hg_directory_remove_session(directory, session);
    ck_assert_uint_eq(again->len, 0);
}
END_TEST

START_TEST(test_states_and_the_endpoint_count)
{
    g_autoptr(HgSession) session = make_session();
    HgEndpoint *endpoint = hg_session_endpoint(session);
    ck_assert_uint_eq(hg_endpoint_sessions(endpoint), 1);
    ck_assert_int_eq(hg_session_state(session), HG_SESSION_OPEN);
    ck_assert(hg_session_lose(session, "the cable"));
    ck_assert(!hg_session_lose(session, "again"));
    ck_assert_int_eq(hg_session_state(session), HG_SESSION_LOST);
    ck_assert_uint_eq(hg_endpoint_sessions(endpoint), 0);
    g_autofree char *why = hg_session_lost_why(session);
    ck_assert_str_eq(why, "the cable");
    hg_session_end(session);
    hg_session_end(session);
    ck_assert_int_eq(hg_session_state(session), HG_SESSION_CLOSED);
    ck_assert_uint_eq(hg_endpoint_sessions(endpoint), 0);
    ck_assert(!hg_session_lose(session, "too late"));
}
END_TEST

START_TEST(test_an_operation_keeps_its_session)
{
    HgSession *session = make_session();
    HgOperation *operation = make_operation(session, 0);
    ck_assert(!hg_operation_has_ended(operation));
    ck_assert(hg_operation_end(operation, HG_OPERATION_CANCELED));
    ck_assert(!hg_operation_end(operation, HG_OPERATION_FINISHED));
    ck_assert_int_eq(hg_operation_state(operation), HG_OPERATION_CANCELED);
    ck_assert(hg_operation_has_ended(operation));
    ck_assert(hg_operation_take_cancel(operation));
    ck_assert(!hg_operation_take_cancel(operation));
    ck_assert(hg_operation_take_end(operation));
    ck_assert(!hg_operation_take_end(operation));
    g_ptr_array_unref(hg_directory_remove_session(directory, session));
    hg_session_unref(session);
    ck_assert_str_eq(hg_session_effective_user(hg_operation_session(operation)), "alice");
    ck_assert_int_eq(hg_operation_type(operation), 0);
    hg_operation_unref(operation);
    hg_operation_unref(NULL);
    hg_session_unref(NULL);
}
END_TEST

/* ---- threads ---- */

static HgSession *shared;
static atomic_bool over;

static void *use(void *data)
{
    const HgHandle handle = *hg_session_handle(shared);
    while (!atomic_load(&over)) {
        g_autoptr(HgSession) session = hg_directory_find_session(directory, &handle);
        if (session == NULL)
            continue;
        g_autoptr(HgOperation) operation = make_operation(session, 0);
        if (hg_session_state(session) == HG_SESSION_CLOSED)
            hg_directory_remove_operation(directory, operation);
        g_autoptr(HgOperation) found =
            hg_directory_find_operation(directory, hg_operation_handle(operation));
        hg_directory_remove_operation(directory, operation);
    }
    return NULL;
}

START_TEST(test_removal_while_others_use_it)
{
    for (guint round = 0; round < 30; round++) {
        atomic_store(&over, FALSE);
        shared = make_session();
        pthread_t threads[3];
        for (guint i = 0; i < 3; i++)
            pthread_create(&threads[i], NULL, use, NULL);
        g_usleep(2000);
        hg_session_end(shared);
        g_ptr_array_unref(hg_directory_remove_session(directory, shared));
        g_usleep(500);
        atomic_store(&over, TRUE);
        for (guint i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
        ck_assert_uint_eq(hg_directory_size(directory), 0);
        hg_session_unref(shared);
    }
}
END_TEST

START_TEST(test_quota)
{
    HgQuota *quota = hg_quota_new(3, 2);
    ck_assert_int_eq(hg_quota_take(quota, "alice"), HG_QUOTA_TAKEN);
    ck_assert_int_eq(hg_quota_take(quota, "alice"), HG_QUOTA_TAKEN);
    ck_assert_int_eq(hg_quota_take(quota, "alice"), HG_QUOTA_USER_FULL);
    ck_assert_int_eq(hg_quota_take(quota, "bob"), HG_QUOTA_TAKEN);
    ck_assert_int_eq(hg_quota_take(quota, "bob"), HG_QUOTA_FULL);
    ck_assert_int_eq(hg_quota_take(quota, "alice"), HG_QUOTA_USER_FULL);
    hg_quota_give(quota, "alice");
    ck_assert_int_eq(hg_quota_take(quota, "bob"), HG_QUOTA_TAKEN);
    ck_assert_uint_eq(hg_quota_used(quota), 3);
    hg_quota_give(quota, "bob");
    hg_quota_give(quota, "bob");
    hg_quota_give(quota, "alice");
    ck_assert_uint_eq(hg_quota_used(quota), 0);
    hg_quota_free(quota);
    quota = hg_quota_new(0, 0);
    for (guint i = 0; i < 1000; i++)
        ck_assert_int_eq(hg_quota_take(quota, "alice"), HG_QUOTA_TAKEN);
    hg_quota_free(quota);
    hg_quota_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proxy/session and proxy/directory");
    TCase *tests = tcase_create("session");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_found_only_with_both_halves);
    tcase_add_test(tests, test_whom_a_session_runs_as);
    tcase_add_test(tests, test_operations_go_with_their_session);
    tcase_add_test(tests, test_states_and_the_endpoint_count);
    tcase_add_test(tests, test_an_operation_keeps_its_session);
    tcase_add_test(tests, test_removal_while_others_use_it);
    tcase_add_test(tests, test_quota);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_add_suite(runner, rate_suite());
    srunner_add_suite(runner, touched_suite());
    srunner_add_suite(runner, clean_error_suite());
    srunner_add_suite(runner, schema_cache_suite());
    srunner_add_suite(runner, session_policy_suite());
    srunner_add_suite(runner, described_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
