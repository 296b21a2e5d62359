/* The spans of one statement, from the request to its last fetch.
 *
 * `statement` is the whole of it; below it `policy`, `audit`, … for what held it before it went
 * out, `execute` for the endpoint's part, `fetch` from the first to the last fetch of rows. It goes
 * from its client to its operation, and may then be used by any thread. Every function takes NULL
 * and does nothing: most statements aren't traced. */
#pragma once

#include "trace/tracer.h"

typedef struct HgStatementTrace HgStatementTrace;

/* Takes the span of the whole statement, which has begun; NULL for NULL. The tracer is borrowed. */
HgStatementTrace *hg_statement_trace_new(HgTracer *tracer, HgTraceSpan *take_span);

/* Ends whatever hasn't ended. NULL is fine. */
void hg_statement_trace_free(HgStatementTrace *trace);

/* Something holds the statement from now on, under that name (static); and lets it go. */
void hg_statement_trace_hold(HgStatementTrace *trace, const char *name);
void hg_statement_trace_release(HgStatementTrace *trace);

/* It is on its way to that endpoint. */
void hg_statement_trace_execute(HgStatementTrace *trace, const char *endpoint);

/* The endpoint has done with it: `failed` with an SQL state and a message, which may be NULL. The
 * first end counts. */
void hg_statement_trace_done(HgStatementTrace *trace, gboolean failed, const char *sql_state,
                             const char *message);

/* A fetch that took so many microseconds until now has begun to bring rows (-1: not known). */
void hg_statement_trace_fetch(HgStatementTrace *trace, gint64 took_us, gint64 rows);

/* So many bytes of a fetch go to the client. */
void hg_statement_trace_bytes(HgStatementTrace *trace, gsize bytes);
