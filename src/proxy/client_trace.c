/* Tracing what clients do: see client_trace.h. Owns nothing: a statement's trace is its client's,
 * then its operation's. */
#include "proxy/client_trace.h"

#include "hs2/reply_error.h"
#include "proxy/client_http.h"
#include "sql/redact.h"

static HgTracer *tracer_of(HgClient *client)
{
    return hg_client_options(client)->tracer;
}

/* The trace that the present request belongs to; NULL: none. */
static const HgTraceContext *of_request(const HgClient *client)
{
    return client->http != NULL && client->http->is_traced ? &client->http->trace : NULL;
}

void hg_client_trace_head(HgClient *client, HgSlice fields)
{
    HgSlice value;
    if (tracer_of(client) == NULL)
        return;
    client->http->is_traced = hg_http_find_field(fields, "traceparent", &value) == 1 &&
                              hg_trace_context_parse(value, &client->http->trace);
}

static void note_client(HgClient *client, HgTraceSpan *span, const char *user)
{
    char address[HG_PEER_ADDRESS_TEXT_MAX];
    if (span == NULL)
        return;
    hg_peer_address_print(hg_client_address(client), address);
    hg_trace_span_text(span, "client.address", address);
    hg_trace_span_text(span, "enduser.id", user);
    hg_trace_span_text(span, "hivegate.listener", client->listener->name);
}

/* ---- logins and sessions ---- */

void hg_client_trace_login(HgClient *client, const char *name, const char *why)
{
    if (tracer_of(client) == NULL)
        return;
    gint64 now = g_get_real_time();
    gint64 took =
        client->login_began != 0 ? (gint64)((hg_metrics_now() - client->login_began) / 1000) : 0;
    HgTraceSpan *span = hg_tracer_begin(tracer_of(client), "login", HG_TRACE_SPAN_SERVER,
                                        of_request(client), now - took);
    note_client(client, span, name);
    if (why != NULL)
        hg_trace_span_fail(span, why);
    hg_tracer_end(tracer_of(client), span, now);
}

/* What a session belongs to: its own variable says it best, as it was meant for the session. */
static const HgTraceContext *find_parent(const HgClient *client, const char *traceparent,
                                         HgTraceContext *own)
{
    if (traceparent != NULL && hg_trace_context_parse(hg_slice_from_string(traceparent), own))
        return own;
    return of_request(client);
}

void hg_client_trace_open(HgClient *client, guint64 took_ns, const char *user,
                          const char *traceparent, HgSession *session, const char *why)
{
    HgTraceContext own;
    if (tracer_of(client) == NULL)
        return;
    const HgTraceContext *parent = find_parent(client, traceparent, &own);
    gint64 now = g_get_real_time();
    HgTraceSpan *span = hg_tracer_begin(tracer_of(client), "open", HG_TRACE_SPAN_SERVER, parent,
                                        now - (gint64)(took_ns / 1000));
    note_client(client, span, user);
    if (session != NULL)
        hg_trace_span_text(span, "server.address", hg_endpoint_name(hg_session_endpoint(session)));
    else
        hg_trace_span_fail(span, why);
    if (session != NULL && parent == &own)
        hg_session_set_trace(session, parent);
    hg_tracer_end(tracer_of(client), span, now);
}

/* ---- statements ---- */

static void note_text(HgClient *client, HgTraceSpan *span, HgSlice statement)
{
    g_autofree char *hidden = NULL;
    g_autofree char *text = NULL;
    if (span == NULL || hg_client_options(client)->trace_redaction == NULL)
        return;
    if (!hg_sql_redact(hg_client_options(client)->trace_redaction, statement, &hidden))
        text = hg_slice_dup_string(statement);
    hg_trace_span_text(span, "db.query.text", hidden != NULL ? hidden : text);
}

void hg_client_trace_asked(HgClient *client, const HgRequest *request, const guint8 *message,
                           HgSession *session)
{
    char id[HG_HANDLE_TEXT_SIZE];
    HgTracer *tracer = tracer_of(client);
    if (tracer == NULL || client->trace != NULL || client->hold != NULL || /* asked before */
        request->method->id != HG_METHOD_EXECUTE_STATEMENT)
        return;
    const HgTraceContext *parent = of_request(client);
    HgTraceSpan *span =
        hg_tracer_begin(tracer, "statement", HG_TRACE_SPAN_SERVER,
                        parent != NULL ? parent : hg_session_trace(session), g_get_real_time());
    if (span == NULL)
        return;
    g_autofree char *database = hg_session_dup_database(session);
    hg_handle_text(hg_session_handle(session), id);
    note_client(client, span, hg_session_effective_user(session));
    hg_trace_span_text(span, "db.system.name", "hive");
    hg_trace_span_text(span, "db.namespace", database);
    hg_trace_span_text(span, "session.id", id);
    note_text(client, span, hg_slice(message + request->statement.offset, request->statement.size));
    client->trace = hg_statement_trace_new(tracer, span);
}

void hg_client_trace_forwarded(HgClient *client)
{
    if (client->trace != NULL)
        hg_statement_trace_execute(
            client->trace, hg_endpoint_name(hg_session_endpoint(client->call.lease->session)));
}

static gboolean is_error(const HgReplyHead *head)
{
    return head->exception || head->status_code == HG_STATUS_ERROR ||
           head->operation_state == HG_STATE_ERROR;
}

static gboolean is_final(gint32 operation_state)
{
    return operation_state == HG_STATE_FINISHED || operation_state == HG_STATE_CANCELED ||
           operation_state == HG_STATE_CLOSED || operation_state == HG_STATE_ERROR ||
           operation_state == HG_STATE_TIMEDOUT;
}

static void done(HgClient *client, HgStatementTrace *trace, const HgReplyPiece *piece)
{
    if (!is_error(piece->head)) {
        hg_statement_trace_done(trace, FALSE, NULL, NULL);
        return;
    }
    HgReplyError error =
        hg_reply_read_error(piece->head, client->call.method, hg_slice(piece->bytes, piece->size));
    g_autofree char *sql_state = hg_slice_dup_string(error.sql_state);
    g_autofree char *message = hg_client_options(client)->trace_redaction != NULL
                                   ? hg_slice_dup_string(error.message)
                                   : NULL;
    hg_statement_trace_done(trace, TRUE, *sql_state != '\0' ? sql_state : NULL, message);
}

static void on_executed(HgClient *client, const HgReplyPiece *piece, HgOperation *begun)
{
    HgStatementTrace *trace = g_steal_pointer(&client->trace);
    if (begun == NULL || client->call.runs_at_once)
        done(client, trace, piece);
    if (begun != NULL)
        hg_operation_set_trace(begun, trace);
    else
        hg_statement_trace_free(trace);
}

void hg_client_trace_reply(HgClient *client, const HgReplyPiece *piece, HgOperation *begun)
{
    const ClientCall *call = &client->call;
    if (call->method->id == HG_METHOD_EXECUTE_STATEMENT) {
        if (client->trace != NULL)
            on_executed(client, piece, begun);
        return;
    }
    HgStatementTrace *trace = call->operation != NULL ? hg_operation_trace(call->operation) : NULL;
    if (trace == NULL)
        return;
    if (call->fetches_rows && !is_error(piece->head)) {
        hg_statement_trace_done(trace, FALSE, NULL, NULL);
        hg_statement_trace_fetch(trace, g_get_monotonic_time() - call->began_us, piece->head->rows);
    } else if (call->method->id == HG_METHOD_GET_OPERATION_STATUS &&
               is_final(piece->head->operation_state)) {
        done(client, trace, piece);
    }
}

void hg_client_trace_rows(HgClient *client, const HgReplyPiece *piece)
{
    if (client->call.operation != NULL)
        hg_statement_trace_bytes(hg_operation_trace(client->call.operation), piece->size);
}

void hg_client_trace_given_up(HgClient *client, const char *why)
{
    HgStatementTrace *trace = g_steal_pointer(&client->trace);
    hg_statement_trace_done(trace, TRUE, NULL, why);
    hg_statement_trace_free(trace);
}
