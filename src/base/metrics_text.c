/* Metrics as text: Prometheus' exposition format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/), and the page docs/metrics.md.
 * Any thread. */
#include "base/metrics_private.h"

#include <string.h>

struct HgMetricsText {
    GString *out;
};

/* ---- pieces ---- */

/* A label's value: backslash, quote and line end are escaped. */
static void append_value(GString *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"')
            g_string_append_c(out, '\\');
        if (*value == '\n')
            g_string_append(out, "\\n");
        else
            g_string_append_c(out, *value);
    }
}

/* {a="x",b="y"}, with `le` behind them when there is one; nothing without labels. */
static void append_labels(GString *out, const HgMetricRow *row, const char *const *values,
                          const char *le)
{
    gboolean any = FALSE;
    for (guint i = 0; i < HG_METRIC_LABELS && row->labels[i].name != NULL; i++) {
        g_string_append_printf(out, "%s%s=\"", any ? "," : "{", row->labels[i].name);
        append_value(out, values[i]);
        g_string_append_c(out, '"');
        any = TRUE;
    }
    if (le != NULL) {
        g_string_append_printf(out, "%sle=\"%s\"", any ? "," : "{", le);
        any = TRUE;
    }
    if (any)
        g_string_append_c(out, '}');
}

static const char *print_double(char *out, double value)
{
    return g_ascii_formatd(out, G_ASCII_DTOSTR_BUF_SIZE, "%.15g", value);
}

void hg_metrics_sample(HgMetricsText *text, HgMetric metric, const char *const *values,
                       double value)
{
    const HgMetricRow *row = hg_metric_row(metric);
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(text->out, row->name);
    append_labels(text->out, row, values, NULL);
    g_string_append_printf(text->out, " %s\n", print_double(number, value));
}

/* ---- rows ---- */

/* The values of the labels of a series. */
static void find_values(const HgMetrics *metrics, const HgMetricRow *row, guint series,
                        const char *out[HG_METRIC_LABELS])
{
    for (guint i = HG_METRIC_LABELS; i-- > 0;) {
        if (row->labels[i].name == NULL)
            continue;
        const char *const *values = hg_metrics_values(metrics, row, i);
        guint count = g_strv_length((char **)values);
        out[i] = values[series % count];
        series /= count;
    }
}

static void write_histogram(HgMetrics *metrics, HgMetric metric, guint series, GString *out)
{
    const HgMetricRow *row = hg_metric_row(metric);
    const char *values[HG_METRIC_LABELS] = {NULL};
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    guint bounds = hg_metrics_bounds(row);
    guint32 first = metrics->first[metric] + series * (bounds + 2);
    guint64 count = 0;
    if (row->labels[0].name != NULL && hg_metrics_read(metrics, metric, series) == 0)
        return; /* combinations that never were would be most of the page */
    find_values(metrics, row, series, values);
    for (guint i = 0; i <= bounds; i++) {
        count += hg_metrics_cell(metrics, first + i);
        g_string_append_printf(out, "%s_bucket", row->name);
        append_labels(out, row, values,
                      i < bounds ? print_double(number, (double)row->bounds[i] / 1e9) : "+Inf");
        g_string_append_printf(out, " %" G_GUINT64_FORMAT "\n", count);
    }
    g_string_append_printf(out, "%s_sum", row->name);
    append_labels(out, row, values, NULL);
    double sum = (double)hg_metrics_cell(metrics, first + bounds + 1) / 1e9;
    g_string_append_printf(out, " %s\n%s_count", print_double(number, sum), row->name);
    append_labels(out, row, values, NULL);
    g_string_append_printf(out, " %" G_GUINT64_FORMAT "\n", count);
}

static void write_recorded(HgMetrics *metrics, HgMetric metric, HgMetricsText *text)
{
    const HgMetricRow *row = hg_metric_row(metric);
    guint count = hg_metrics_series(metrics, row);
    for (guint series = 0; series < count; series++) {
        const char *values[HG_METRIC_LABELS] = {NULL};
        if (row->kind == HG_METRIC_HISTOGRAM) {
            write_histogram(metrics, metric, series, text->out);
            continue;
        }
        find_values(metrics, row, series, values);
        hg_metrics_sample(text, metric, values, (double)hg_metrics_read(metrics, metric, series));
    }
}

static const char *kind_name(HgMetricKind kind)
{
    switch (kind) {
    case HG_METRIC_COUNTER:
        return "counter";
    case HG_METRIC_GAUGE:
        return "gauge";
    case HG_METRIC_HISTOGRAM:
        return "histogram";
    }
    g_return_val_if_reached("");
}

char *hg_metrics_text(HgMetrics *metrics, HgMetricsSampler sampler, void *data)
{
    HgMetricsText text = {g_string_new(NULL)};
    for (guint i = 0; i < HG_METRIC_COUNT; i++) {
        const HgMetricRow *row = hg_metric_row(i);
        g_string_append_printf(text.out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help,
                               row->name, kind_name(row->kind));
        if (row->source == HG_METRIC_RECORDED)
            write_recorded(metrics, i, &text);
        else
            sampler(&text, i, data);
    }
    return g_string_free(text.out, FALSE);
}

/* ---- the reference ---- */

static void describe_labels(GString *out, const HgMetricRow *row)
{
    for (guint i = 0; i < HG_METRIC_LABELS && row->labels[i].name != NULL; i++) {
        g_string_append_printf(out, "%s`%s`", i > 0 ? "; " : "", row->labels[i].name);
        if (row->labels[i].values == NULL)
            continue;
        g_autofree char *values = g_strjoinv(", ", (char **)row->labels[i].values);
        g_string_append_printf(out, ": %s", values);
    }
}

static void describe(GString *out, const HgMetricRow *row)
{
    g_string_append_printf(out, "## `%s`\n\n%s", row->name, kind_name(row->kind));
    if (row->kind == HG_METRIC_HISTOGRAM) {
        char number[G_ASCII_DTOSTR_BUF_SIZE];
        guint bounds = hg_metrics_bounds(row);
        g_string_append_printf(out, " from %s", print_double(number, (double)row->bounds[0] / 1e9));
        g_string_append_printf(out, " to %s seconds",
                               print_double(number, (double)row->bounds[bounds - 1] / 1e9));
    }
    if (row->labels[0].name != NULL) {
        g_string_append(out, "; labels: ");
        describe_labels(out, row);
    }
    g_string_append_printf(out, "\n\n%s\n\n", row->help);
}

char *hg_metrics_markdown(void)
{
    GString *out = g_string_new(
        "# Metrics\n\n"
        "Generated by `hivegate --help-metrics-markdown`. `/metrics` shows them in Prometheus' "
        "text format;\nsee [operations](operations.md) for where. Histograms are in seconds; one "
        "with labels shows the\ncombinations that have occurred.\n\n");
    for (guint i = 0; i < HG_METRIC_COUNT; i++)
        describe(out, hg_metric_row(i));
    g_string_truncate(out, out->len - 1);
    return g_string_free(out, FALSE);
}
