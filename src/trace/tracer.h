/* The tracer: which spans are recorded, and how they get to a collector.
 *
 * Spans that have ended wait in a queue of bounded length; a thread of the tracer's own sends them
 * in batches by OTLP over HTTP (JSON). Nobody ever waits for it: when the collector is away or slow
 * the queue fills up, and what comes then is dropped and counted. */
#pragma once

#include "base/log.h"
#include "trace/span.h"

typedef struct HgTracer HgTracer;

typedef struct {
    const char *url;            /* http or https: http://localhost:4318/v1/traces */
    const char *const *headers; /* "Name: value" each, ending with NULL; NULL: none. Borrowed
                                   for as long as the tracer lives */
    const char *ca_file;        /* PEM; NULL: the system's authorities */
    guint one_in;               /* of the traces that begin here one in so many is recorded;
                                   0: none */
    gboolean follow;            /* a client's context decides about its own trace */
    guint queue;                /* spans that may wait */
    gint64 interval_ms;         /* between batches that aren't full */
    gint64 timeout_ms;          /* of one request */
    const char *version;        /* hivegate's */
    HgLog *log;                 /* borrowed; NULL: none */
} HgTracerConfig;

/* Starts it; `config` is only read during the call but for what is borrowed. Main thread. */
gboolean hg_tracer_new(const HgTracerConfig *config, HgTracer **out, GError **error);

/* Sends what waits, for one request's time at most, and ends. No other thread may use it any more.
 * NULL does nothing. */
void hg_tracer_free(HgTracer *tracer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgTracer, hg_tracer_free)

/* Begins a trace's first span here: as a child of what a client has sent (`parent`, may be NULL),
 * or of nothing. NULL when it isn't recorded, or without a tracer. Any thread. */
HgTraceSpan *hg_tracer_begin(HgTracer *tracer, const char *name, HgTraceSpanKind kind,
                             const HgTraceContext *parent, gint64 start_us);

/* Ends a span and takes it; NULL is fine. Never blocks. Any thread. */
void hg_tracer_end(HgTracer *tracer, HgTraceSpan *take_span, gint64 end_us);

/* What has become of spans so far. */
typedef struct {
    guint64 exported; /* the collector has them */
    guint64 dropped;  /* there was no room, or no collector at the end */
    guint64 rejected; /* the collector didn't want them */
    guint waiting;
} HgTracerCounts;

/* Any thread. */
void hg_tracer_count(HgTracer *tracer, HgTracerCounts *out);
