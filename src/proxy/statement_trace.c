/* The spans of one statement: see statement_trace.h. Owns the spans that haven't ended. */
#include "proxy/statement_trace.h"

#include <pthread.h>

struct HgStatementTrace {
    HgTracer *tracer;
    pthread_mutex_t lock; /* of all that follows */
    HgTraceSpan *statement;
    HgTraceSpan *held;    /* NULL: nothing holds it */
    HgTraceSpan *execute; /* NULL: not under way */
    gboolean done;
    HgTraceSpan *fetch; /* NULL: nothing was fetched */
    gint64 fetch_end_us;
    gint64 rows;
    gboolean rows_known;
    gint64 bytes;
};

static gint64 now_us(void)
{
    return g_get_real_time();
}

HgStatementTrace *hg_statement_trace_new(HgTracer *tracer, HgTraceSpan *take_span)
{
    if (take_span == NULL)
        return NULL;
    HgStatementTrace *trace = g_new0(HgStatementTrace, 1);
    trace->tracer = tracer;
    trace->statement = take_span;
    trace->rows_known = TRUE;
    pthread_mutex_init(&trace->lock, NULL);
    return trace;
}

static HgTraceSpan *child(const HgStatementTrace *trace, const char *name, HgTraceSpanKind kind,
                          gint64 start_us)
{
    return hg_trace_span_new(name, kind, hg_trace_span_context(trace->statement), start_us);
}

static void end(HgStatementTrace *trace, HgTraceSpan **span, gint64 end_us)
{
    hg_tracer_end(trace->tracer, g_steal_pointer(span), end_us);
}

static void end_fetch(HgStatementTrace *trace)
{
    if (trace->rows_known)
        hg_trace_span_number(trace->fetch, "db.response.returned_rows", trace->rows);
    hg_trace_span_number(trace->fetch, "hivegate.bytes", trace->bytes);
    end(trace, &trace->fetch, trace->fetch_end_us);
}

void hg_statement_trace_free(HgStatementTrace *trace)
{
    if (trace == NULL)
        return;
    gint64 now = now_us();
    end(trace, &trace->held, now);
    end(trace, &trace->execute, now);
    end_fetch(trace);
    end(trace, &trace->statement, now);
    pthread_mutex_destroy(&trace->lock);
    g_free(trace);
}

void hg_statement_trace_hold(HgStatementTrace *trace, const char *name)
{
    if (trace == NULL)
        return;
    pthread_mutex_lock(&trace->lock);
    end(trace, &trace->held, now_us());
    trace->held = child(trace, name, HG_TRACE_SPAN_INTERNAL, now_us());
    pthread_mutex_unlock(&trace->lock);
}

void hg_statement_trace_release(HgStatementTrace *trace)
{
    if (trace == NULL)
        return;
    pthread_mutex_lock(&trace->lock);
    end(trace, &trace->held, now_us());
    pthread_mutex_unlock(&trace->lock);
}

void hg_statement_trace_execute(HgStatementTrace *trace, const char *endpoint)
{
    if (trace == NULL)
        return;
    pthread_mutex_lock(&trace->lock);
    end(trace, &trace->held, now_us());
    trace->execute = child(trace, "execute", HG_TRACE_SPAN_CLIENT, now_us());
    hg_trace_span_text(trace->execute, "server.address", endpoint);
    pthread_mutex_unlock(&trace->lock);
}

void hg_statement_trace_done(HgStatementTrace *trace, gboolean failed, const char *sql_state,
                             const char *message)
{
    if (trace == NULL)
        return;
    pthread_mutex_lock(&trace->lock);
    if (!trace->done && failed) {
        hg_trace_span_fail(trace->statement, message);
        hg_trace_span_fail(trace->execute, message);
        hg_trace_span_text(trace->statement, "db.response.status_code", sql_state);
    }
    trace->done = TRUE;
    end(trace, &trace->held, now_us());
    end(trace, &trace->execute, now_us());
    pthread_mutex_unlock(&trace->lock);
}

void hg_statement_trace_fetch(HgStatementTrace *trace, gint64 took_us, gint64 rows)
{
    if (trace == NULL)
        return;
    pthread_mutex_lock(&trace->lock);
    gint64 now = now_us();
    if (trace->fetch == NULL)
        trace->fetch = child(trace, "fetch", HG_TRACE_SPAN_INTERNAL, now - took_us);
    trace->fetch_end_us = now;
    trace->rows_known = trace->rows_known && rows >= 0;
    trace->rows += rows;
    pthread_mutex_unlock(&trace->lock);
}

void hg_statement_trace_bytes(HgStatementTrace *trace, gsize bytes)
{
    if (trace == NULL)
        return;
    pthread_mutex_lock(&trace->lock);
    trace->bytes += (gint64)bytes;
    trace->fetch_end_us = now_us();
    pthread_mutex_unlock(&trace->lock);
}
