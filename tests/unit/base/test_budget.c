/* Tests of base/budget: its ceiling to the byte, and many threads at it at once. */
#include "base/budget.h"
#include "suites.h"

#include <pthread.h>

#define THREADS 4
#define ROUNDS  500000

START_TEST(test_ceiling_to_the_byte)
{
    HgBudget budget;
    hg_budget_init(&budget, 100);
    ck_assert(hg_budget_take(&budget, 0));
    ck_assert(hg_budget_take(&budget, 60));
    ck_assert(!hg_budget_take(&budget, 41));
    ck_assert_uint_eq(hg_budget_used(&budget), 60);
    ck_assert(hg_budget_take(&budget, 40));
    ck_assert(!hg_budget_take(&budget, 1));
    ck_assert(hg_budget_take(&budget, 0));
    ck_assert_uint_eq(hg_budget_used(&budget), 100);
    hg_budget_give(&budget, 1);
    ck_assert(hg_budget_take(&budget, 1));
    hg_budget_give(&budget, 100);
    ck_assert_uint_eq(hg_budget_used(&budget), 0);
}
END_TEST

START_TEST(test_sizes_that_would_wrap)
{
    HgBudget budget;
    hg_budget_init(&budget, 100);
    ck_assert(hg_budget_take(&budget, 10));
    ck_assert(!hg_budget_take(&budget, G_MAXSIZE));
    ck_assert(!hg_budget_take(&budget, G_MAXSIZE - 5));
    ck_assert_uint_eq(hg_budget_used(&budget), 10);
}
END_TEST

START_TEST(test_no_ceiling_and_no_budget)
{
    HgBudget budget;
    hg_budget_init(&budget, 0);
    ck_assert(hg_budget_take(&budget, (gsize)1 << 40));
    ck_assert_uint_eq(hg_budget_used(&budget), (gsize)1 << 40);
    hg_budget_give(&budget, (gsize)1 << 40);
    ck_assert(hg_budget_take(NULL, G_MAXSIZE));
    hg_budget_give(NULL, G_MAXSIZE);
}
END_TEST

typedef struct {
    HgBudget *budget;
    pthread_barrier_t *start;
    gsize bytes;   /* what this thread takes each time */
    guint refused; /* how often it didn't get them */
    guint over;    /* how often more than the ceiling was in use */
} Taker;

static void *take_and_give(void *data)
{
    Taker *taker = data;
    pthread_barrier_wait(taker->start);
    for (guint i = 0; i < ROUNDS; i++) {
        if (!hg_budget_take(taker->budget, taker->bytes)) {
            taker->refused++;
            continue;
        }
        taker->over += hg_budget_used(taker->budget) > taker->budget->ceiling;
        hg_budget_give(taker->budget, taker->bytes);
    }
    return NULL;
}

static void run_takers(Taker *takers)
{
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (guint i = 0; i < THREADS; i++)
        takers[i].start = &start;
    for (guint i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_give, &takers[i]), 0);
    for (guint i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    pthread_barrier_destroy(&start);
}

START_TEST(test_threads_never_pass_the_ceiling)
{
    HgBudget budget;
    hg_budget_init(&budget, 250);
    Taker takers[THREADS];
    for (guint i = 0; i < THREADS; i++)
        takers[i] = (Taker){.budget = &budget, .bytes = 100};
    run_takers(takers);
    for (guint i = 0; i < THREADS; i++)
        ck_assert_uint_eq(takers[i].over, 0);
    ck_assert_uint_eq(hg_budget_used(&budget), 0);
}
END_TEST

START_TEST(test_a_refused_take_costs_nobody_else)
{
    HgBudget budget;
    hg_budget_init(&budget, 1000);
    Taker takers[THREADS];
    for (guint i = 0; i < THREADS; i++)
        takers[i] = (Taker){.budget = &budget, .bytes = i % 2 == 0 ? 5000 : 10};
    run_takers(takers);
    for (guint i = 0; i < THREADS; i++)
        ck_assert_uint_eq(takers[i].refused, i % 2 == 0 ? ROUNDS : 0);
    ck_assert_uint_eq(hg_budget_used(&budget), 0);
}
END_TEST

Suite *budget_suite(void)
{
    Suite *suite = suite_create("base/budget");
    TCase *tcase = tcase_create("budget");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, test_ceiling_to_the_byte);
    tcase_add_test(tcase, test_sizes_that_would_wrap);
    tcase_add_test(tcase, test_no_ceiling_and_no_budget);
    tcase_add_test(tcase, test_threads_never_pass_the_ceiling);
    tcase_add_test(tcase, test_a_refused_take_costs_nobody_else);
    suite_add_tcase(suite, tcase);
    return suite;
}
