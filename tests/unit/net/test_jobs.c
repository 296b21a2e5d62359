/* Tests of net/jobs: every job runs once, a full queue refuses at once, and freeing cancels what
 * waits. */
#include "harness/loops.h"
#include "net/jobs.h"
#include "suites.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_uint ran;
static atomic_uint cancelled;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void setup(void)
{
    atomic_store(&ran, 0);
    atomic_store(&cancelled, 0);
}

static void count(void *data, gboolean is_cancelled)
{
    atomic_fetch_add(is_cancelled ? &cancelled : &ran, 1);
}

/* Runs only while the gate is open. */
static void wait_at_gate(void *data, gboolean is_cancelled)
{
    atomic_uint *arrived = data;
    if (arrived != NULL)
        atomic_fetch_add(arrived, 1);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    count(NULL, is_cancelled);
}

static void *submit_many(void *data)
{
    for (guint i = 0; i < 2000; i++)
        while (!hg_jobs_submit(data, count, NULL))
            g_usleep(100);
    return NULL;
}

START_TEST(test_every_job_runs_once)
{
    HgJobs *jobs = hg_jobs_new(3, 16, NULL);
    pthread_t threads[4];
    for (guint i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, submit_many, jobs);
    for (guint i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    WAIT_UNTIL(atomic_load(&ran) == 8000);
    hg_jobs_free(jobs);
    ck_assert_uint_eq(atomic_load(&ran), 8000);
    ck_assert_uint_eq(atomic_load(&cancelled), 0);
}
END_TEST

START_TEST(test_a_full_queue_refuses)
{
    atomic_uint arrived = 0;
    HgJobs *jobs = hg_jobs_new(1, 3, NULL);
    pthread_mutex_lock(&gate);
    ck_assert(hg_jobs_submit(jobs, wait_at_gate, &arrived));
    WAIT_UNTIL(atomic_load(&arrived) == 1);
    for (guint i = 0; i < 3; i++)
        ck_assert(hg_jobs_submit(jobs, count, NULL));
    ck_assert(!hg_jobs_submit(jobs, count, NULL));
    ck_assert(!hg_jobs_submit(jobs, count, NULL));
    pthread_mutex_unlock(&gate);
    WAIT_UNTIL(atomic_load(&ran) == 4);
    ck_assert(hg_jobs_submit(jobs, count, NULL));
    WAIT_UNTIL(atomic_load(&ran) == 5);
    hg_jobs_free(jobs);
}
END_TEST

static void *free_jobs(void *data)
{
    hg_jobs_free(data);
    return NULL;
}

START_TEST(test_freeing_cancels_what_waits)
{
    atomic_uint arrived = 0;
    HgJobs *jobs = hg_jobs_new(1, 8, NULL);
    pthread_mutex_lock(&gate);
    ck_assert(hg_jobs_submit(jobs, wait_at_gate, &arrived));
    WAIT_UNTIL(atomic_load(&arrived) == 1);
    for (guint i = 0; i < 5; i++)
        ck_assert(hg_jobs_submit(jobs, count, NULL));
    pthread_t freer;
    pthread_create(&freer, NULL, free_jobs, jobs);
    g_usleep(20000); /* it has most likely told the threads to end */
    pthread_mutex_unlock(&gate);
    pthread_join(freer, NULL);
    ck_assert_uint_eq(atomic_load(&ran) + atomic_load(&cancelled), 6);
    ck_assert_uint_ge(atomic_load(&ran), 1);
    hg_jobs_free(NULL);
}
END_TEST

Suite *jobs_suite(void)
{
    Suite *suite = suite_create("net/jobs");
    TCase *tests = tcase_create("jobs");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_every_job_runs_once);
    tcase_add_test(tests, test_a_full_queue_refuses);
    tcase_add_test(tests, test_freeing_cancels_what_waits);
    suite_add_tcase(suite, tests);
    return suite;
}
