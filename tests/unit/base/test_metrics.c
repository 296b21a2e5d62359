/* Tests of base/metrics: cells, series and shards, many threads at the shared one, and the text. */
#include "base/metrics.h"
#include "suites.h"

#include <pthread.h>
#include <string.h>

#define THREADS 4
#define ROUNDS  100000

static const char *const listeners[] = {"thrift", "we\"b\\", NULL};

static void no_samples(HgMetricsText *text, HgMetric metric, void *data)
{
}

static void some_samples(HgMetricsText *text, HgMetric metric, void *data)
{
    static const char *const endpoint[] = {"main", "spark-1:10000", "up"};
    if (metric == HG_METRIC_ENDPOINT_STATE)
        hg_metrics_sample(text, metric, endpoint, 1);
    if (metric == HG_METRIC_BUFFER_BYTES)
        hg_metrics_sample(text, metric, NULL, 123456789012345.0);
}

static gboolean has_line(const char *text, const char *line)
{
    g_autofree char *whole = g_strdup_printf("\n%s\n", line);
    return strstr(text, whole) != NULL;
}

START_TEST(test_shards_add_up)
{
    g_autoptr(HgMetrics) metrics = hg_metrics_new(2, listeners);
    hg_metrics_add(hg_metrics_shard(metrics, 0), HG_METRIC_CONNECTIONS, 1, 3);
    hg_metrics_add(hg_metrics_shard(metrics, 1), HG_METRIC_CONNECTIONS, 1, 4);
    hg_metrics_add(hg_metrics_shared(metrics), HG_METRIC_CONNECTIONS, 1, 5);
    hg_metrics_add(hg_metrics_shard(metrics, 1), HG_METRIC_CONNECTIONS, 1, -10); /* may go below */
    hg_metrics_add(NULL, HG_METRIC_CONNECTIONS, 1, 100);
    ck_assert_int_eq(hg_metrics_read(metrics, HG_METRIC_CONNECTIONS, 0), 0);
    ck_assert_int_eq(hg_metrics_read(metrics, HG_METRIC_CONNECTIONS, 1), 2);
    ck_assert_int_eq(hg_metrics_read(metrics, HG_METRIC_CONNECTIONS_ACCEPTED, 0), 0);
}
END_TEST

START_TEST(test_shards_share_no_line)
{
    g_autoptr(HgMetrics) metrics = hg_metrics_new(1, listeners);
    guintptr one = (guintptr)hg_metrics_shard(metrics, 0)->cells;
    guintptr two = (guintptr)hg_metrics_shared(metrics)->cells;
    ck_assert_uint_eq(one % 64, 0);
    ck_assert_uint_eq(two % 64, 0);
    ck_assert_uint_ne(one, two);
}
END_TEST

START_TEST(test_buckets_are_inclusive)
{
    g_autoptr(HgMetrics) metrics = hg_metrics_new(1, listeners);
    HgMetricsShard *shard = hg_metrics_shard(metrics, 0);
    static const guint64 times[] = {0, 5000, 5001, 10000, 100 * 1000000ull, 100 * 1000000ull + 1};
    for (guint i = 0; i < G_N_ELEMENTS(times); i++)
        hg_metrics_observe(shard, HG_METRIC_CALL_ADDED_SECONDS, 0, times[i]);
    ck_assert_int_eq(hg_metrics_read(metrics, HG_METRIC_CALL_ADDED_SECONDS, 0), 6);
    g_autofree char *text = hg_metrics_text(metrics, no_samples, NULL);
    ck_assert(has_line(text, "hivegate_call_added_seconds_bucket{le=\"5e-06\"} 2"));
    ck_assert(has_line(text, "hivegate_call_added_seconds_bucket{le=\"1e-05\"} 4"));
    ck_assert(has_line(text, "hivegate_call_added_seconds_bucket{le=\"0.025\"} 4"));
    ck_assert(has_line(text, "hivegate_call_added_seconds_bucket{le=\"0.1\"} 5"));
    ck_assert(has_line(text, "hivegate_call_added_seconds_bucket{le=\"+Inf\"} 6"));
    ck_assert(has_line(text, "hivegate_call_added_seconds_count 6"));
    ck_assert(has_line(text, "hivegate_call_added_seconds_sum 0.200020002"));
}
END_TEST

START_TEST(test_two_labels)
{
    g_autoptr(HgMetrics) metrics = hg_metrics_new(1, listeners);
    HgMetricsShard *shard = hg_metrics_shard(metrics, 0);
    hg_metrics_add(shard, HG_METRIC_CALLS, 17 * HG_CALL_OUTCOMES + HG_CALL_ERROR, 7);
    hg_metrics_add(shard, HG_METRIC_CALLS,
                   HG_CALL_METHOD_OTHER * HG_CALL_OUTCOMES + HG_CALL_UNAVAILABLE, 8);
    hg_metrics_observe(shard, HG_METRIC_LOGIN_SECONDS,
                       HG_PROOF_COOKIE * HG_LOGIN_OUTCOMES + HG_OUTCOME_DENIED, 1);
    g_autofree char *text = hg_metrics_text(metrics, no_samples, NULL);
    ck_assert(has_line(text, "hivegate_calls_total{method=\"FetchResults\",outcome=\"error\"} 7"));
    ck_assert(
        has_line(text, "hivegate_calls_total{method=\"FetchResults\",outcome=\"success\"} 0"));
    ck_assert(has_line(text, "hivegate_calls_total{method=\"other\",outcome=\"unavailable\"} 8"));
    ck_assert(
        has_line(text, "hivegate_login_seconds_count{method=\"cookie\",outcome=\"denied\"} 1"));
    ck_assert_ptr_null(strstr(text, "method=\"cookie\",outcome=\"accepted\""));
}
END_TEST

START_TEST(test_text)
{
    g_autoptr(HgMetrics) metrics = hg_metrics_new(1, listeners);
    g_autofree char *text = hg_metrics_text(metrics, some_samples, NULL);
    ck_assert(g_str_has_prefix(text, "# HELP hivegate_connections Client connections now"));
    ck_assert(has_line(text, "# TYPE hivegate_connections gauge"));
    ck_assert(has_line(text, "# TYPE hivegate_calls_total counter"));
    ck_assert(has_line(text, "# TYPE hivegate_open_seconds histogram"));
    ck_assert(has_line(text, "hivegate_connections{listener=\"we\\\"b\\\\\"} 0"));
    ck_assert(has_line(text, "hivegate_endpoint_state{pool=\"main\",endpoint=\"spark-1:10000\","
                             "state=\"up\"} 1"));
    ck_assert(has_line(text, "hivegate_buffer_bytes 123456789012345"));
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
}
END_TEST

/* Every row is there, has a help text, and follows the conventions on names. */
START_TEST(test_rows)
{
    g_autofree char *page = hg_metrics_markdown();
    for (guint i = 0; i < HG_METRIC_COUNT; i++) {
        const HgMetricRow *row = hg_metric_row(i);
        ck_assert_ptr_nonnull(row->name);
        ck_assert_ptr_nonnull(row->help);
        ck_assert_int_eq(row->help[strlen(row->help) - 1], '.');
        ck_assert_ptr_null(strpbrk(row->help, "\n\\"));
        ck_assert(g_str_has_prefix(row->name, "hivegate_") ||
                  g_str_has_prefix(row->name, "process_"));
        ck_assert_int_eq(g_str_has_suffix(row->name, "_total"), row->kind == HG_METRIC_COUNTER);
        ck_assert_int_eq(row->bounds != NULL, row->kind == HG_METRIC_HISTOGRAM);
        for (guint k = 0; row->bounds != NULL && row->bounds[k] != 0 && row->bounds[k + 1] != 0;
             k++)
            ck_assert_uint_lt(row->bounds[k], row->bounds[k + 1]);
        for (guint k = 0; k < i; k++)
            ck_assert_str_ne(row->name, hg_metric_row(k)->name);
        ck_assert_ptr_nonnull(strstr(page, row->name));
    }
}
END_TEST

static void *count_much(void *data)
{
    for (guint i = 0; i < ROUNDS; i++)
        hg_metrics_add(data, HG_METRIC_RELOADS, 1, 1);
    return NULL;
}

START_TEST(test_threads_lose_nothing)
{
    g_autoptr(HgMetrics) metrics = hg_metrics_new(0, listeners);
    pthread_t threads[THREADS];
    for (guint i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_much, hg_metrics_shared(metrics)),
                         0);
    for (guint i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_eq(hg_metrics_read(metrics, HG_METRIC_RELOADS, 1), THREADS * ROUNDS);
    hg_metrics_free(NULL);
}
END_TEST

Suite *metrics_suite(void)
{
    Suite *suite = suite_create("base/metrics");
    TCase *tcase = tcase_create("metrics");
    tcase_add_test(tcase, test_shards_add_up);
    tcase_add_test(tcase, test_shards_share_no_line);
    tcase_add_test(tcase, test_buckets_are_inclusive);
    tcase_add_test(tcase, test_two_labels);
    tcase_add_test(tcase, test_text);
    tcase_add_test(tcase, test_rows);
    tcase_add_test(tcase, test_threads_lose_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
