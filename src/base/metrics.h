/* The registry: cells that are counted in as things happen, and their text for Prometheus.
 *
 * Each worker has a shard of cells of its own, on cache lines of its own, which it alone writes:
 * counting is a relaxed load and store, without a lock or a locked instruction. All other threads
 * share one more shard, by atomic additions. Whoever reads sums the shards up. */
#pragma once

#include "base/metric_rows.h"

#include <stdatomic.h>

typedef struct HgMetrics HgMetrics;

/* One thread's cells. Open only for the inlines below. */
typedef struct {
    const guint32 *first; /* of each metric: its first cell */
    _Atomic guint64 *cells;
    gboolean shared; /* by several threads */
} HgMetricsShard;

/* A registry with `shards` shards and the shared one. `listeners`, ending with NULL, are the values
 * of the label of that name; only read during the call. */
HgMetrics *hg_metrics_new(guint shards, const char *const *listeners);

/* Frees it; nobody may count any more. NULL is fine. */
void hg_metrics_free(HgMetrics *metrics);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgMetrics, hg_metrics_free)

/* A shard, for the one thread that is to write it. */
HgMetricsShard *hg_metrics_shard(HgMetrics *metrics, guint index);

/* The shard for all others. */
HgMetricsShard *hg_metrics_shared(HgMetrics *metrics);

static inline void hg_metrics_bump(HgMetricsShard *shard, guint32 cell, guint64 n)
{
    _Atomic guint64 *at = &shard->cells[cell];
    if (shard->shared)
        atomic_fetch_add_explicit(at, n, memory_order_relaxed);
    else
        atomic_store_explicit(at, atomic_load_explicit(at, memory_order_relaxed) + n,
                              memory_order_relaxed);
}

/* Adds to a recorded counter or gauge. `series` is the index of the label's value; of two labels,
 * first * values of the second + second. `shard` may be NULL: nobody counts. */
static inline void hg_metrics_add(HgMetricsShard *shard, HgMetric metric, guint series, gint64 n)
{
    if (shard != NULL)
        hg_metrics_bump(shard, shard->first[metric] + series, (guint64)n);
}

/* Adds a time to a recorded histogram. `shard` may be NULL. */
void hg_metrics_observe(HgMetricsShard *shard, HgMetric metric, guint series, guint64 nanoseconds);

/* The clock for such times: monotonic nanoseconds. */
guint64 hg_metrics_now(void);

/* The sum of a counter's or gauge's cells over all shards; of a histogram's, how many times there
 * are. Any thread. */
gint64 hg_metrics_read(HgMetrics *metrics, HgMetric metric, guint series);

/* Writing the text: for each SAMPLED metric the sampler is asked, and writes each of its series by
 * hg_metrics_sample(). `values` are those of the row's labels, in order. */
typedef struct HgMetricsText HgMetricsText;
typedef void (*HgMetricsSampler)(HgMetricsText *text, HgMetric metric, void *data);
void hg_metrics_sample(HgMetricsText *text, HgMetric metric, const char *const *values,
                       double value);

/* All metrics in Prometheus' text format 0.0.4; g_free. Any thread. */
char *hg_metrics_text(HgMetrics *metrics, HgMetricsSampler sampler, void *data);

/* The reference of all metrics, for docs/metrics.md; g_free. */
char *hg_metrics_markdown(void);
