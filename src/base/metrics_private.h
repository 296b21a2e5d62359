/* The inside of the registry, for metrics.c and metrics_text.c only. */
#pragma once

#include "base/metrics.h"

struct HgMetrics {
    HgMetricsShard *shards; /* the last one is shared */
    guint n_shards;
    guint32 first[HG_METRIC_COUNT];
    guint32 cells; /* of one shard */
    char **listeners;
};

/* The values of a RECORDED row's label; borrowed. */
const char *const *hg_metrics_values(const HgMetrics *metrics, const HgMetricRow *row, guint label);

/* Series of a RECORDED row, cells of one series, and bounds of a histogram. */
guint hg_metrics_series(const HgMetrics *metrics, const HgMetricRow *row);
guint hg_metrics_width(const HgMetricRow *row);
guint hg_metrics_bounds(const HgMetricRow *row);

/* A cell's sum over all shards. */
guint64 hg_metrics_cell(HgMetrics *metrics, guint32 cell);
