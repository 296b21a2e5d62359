/* The cells of all metrics: see metrics.h. Owns the shards; the text is in metrics_text.c. */
#include "base/metrics.h"

#include "base/metrics_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE 64 /* bytes of a cache line */

static guint count_of(const char *const *values)
{
    return values != NULL ? g_strv_length((char **)values) : 1;
}

const char *const *hg_metrics_values(const HgMetrics *metrics, const HgMetricRow *row, guint label)
{
    const HgMetricLabel *at = &row->labels[label];
    return at->values != NULL ? at->values : (const char *const *)metrics->listeners;
}

guint hg_metrics_series(const HgMetrics *metrics, const HgMetricRow *row)
{
    guint series = 1;
    for (guint i = 0; i < HG_METRIC_LABELS && row->labels[i].name != NULL; i++)
        series *= count_of(hg_metrics_values(metrics, row, i));
    return series;
}

guint hg_metrics_bounds(const HgMetricRow *row)
{
    guint count = 0;
    while (row->bounds[count] != 0)
        count++;
    return count;
}

/* Cells of one series: of a histogram, those of its bounds, the one above, and the sum. */
guint hg_metrics_width(const HgMetricRow *row)
{
    return row->kind == HG_METRIC_HISTOGRAM ? hg_metrics_bounds(row) + 2 : 1;
}

static _Atomic guint64 *make_cells(const HgMetrics *metrics)
{
    /* one line more behind the last cell: nobody else's data shares a line with it */
    gsize bytes = (metrics->cells * sizeof(guint64) + 2 * LINE - 1) / LINE * LINE;
    void *cells = aligned_alloc(LINE, bytes);
    if (cells == NULL)
        g_error("no memory for metrics");
    memset(cells, 0, bytes);
    return cells;
}

HgMetrics *hg_metrics_new(guint shards, const char *const *listeners)
{
    HgMetrics *metrics = g_new0(HgMetrics, 1);
    metrics->listeners = g_strdupv((char **)listeners);
    for (guint i = 0; i < HG_METRIC_COUNT; i++) {
        const HgMetricRow *row = hg_metric_row(i);
        metrics->first[i] = metrics->cells;
        if (row->source == HG_METRIC_RECORDED)
            metrics->cells += hg_metrics_series(metrics, row) * hg_metrics_width(row);
    }
    metrics->n_shards = shards + 1;
    metrics->shards = g_new0(HgMetricsShard, metrics->n_shards);
    for (guint i = 0; i < metrics->n_shards; i++)
        metrics->shards[i] = (HgMetricsShard){metrics->first, make_cells(metrics), i == shards};
    return metrics;
}

void hg_metrics_free(HgMetrics *metrics)
{
    if (metrics == NULL)
        return;
    for (guint i = 0; i < metrics->n_shards; i++)
        free(metrics->shards[i].cells);
    g_free(metrics->shards);
    g_strfreev(metrics->listeners);
    g_free(metrics);
}

HgMetricsShard *hg_metrics_shard(HgMetrics *metrics, guint index)
{
    g_assert(index < metrics->n_shards - 1);
    return &metrics->shards[index];
}

HgMetricsShard *hg_metrics_shared(HgMetrics *metrics)
{
    return &metrics->shards[metrics->n_shards - 1];
}

void hg_metrics_observe(HgMetricsShard *shard, HgMetric metric, guint series, guint64 nanoseconds)
{
    const HgMetricRow *row = hg_metric_row(metric);
    if (shard == NULL)
        return;
    guint bounds = hg_metrics_bounds(row);
    guint32 first = shard->first[metric] + series * (bounds + 2);
    guint bucket = 0;
    while (bucket < bounds && nanoseconds > row->bounds[bucket])
        bucket++;
    hg_metrics_bump(shard, first + bucket, 1);
    hg_metrics_bump(shard, first + bounds + 1, nanoseconds);
}

guint64 hg_metrics_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (guint64)now.tv_sec * 1000000000u + (guint64)now.tv_nsec;
}

guint64 hg_metrics_cell(HgMetrics *metrics, guint32 cell)
{
    guint64 sum = 0;
    for (guint i = 0; i < metrics->n_shards; i++)
        sum += atomic_load_explicit(&metrics->shards[i].cells[cell], memory_order_relaxed);
    return sum;
}

gint64 hg_metrics_read(HgMetrics *metrics, HgMetric metric, guint series)
{
    const HgMetricRow *row = hg_metric_row(metric);
    g_assert(row->source == HG_METRIC_RECORDED);
    guint32 first = metrics->first[metric] + series * hg_metrics_width(row);
    if (row->kind != HG_METRIC_HISTOGRAM)
        return (gint64)hg_metrics_cell(metrics, first);
    gint64 count = 0;
    for (guint i = 0; i <= hg_metrics_bounds(row); i++)
        count += (gint64)hg_metrics_cell(metrics, first + i);
    return count;
}
