/* What to do with each request: answer it here, or forward it under a lease. A handle is good only
 * for the principal who owns its session; any other gets what the server itself says to an unknown
 * one. */
#include "proxy/client_audit.h"
#include "proxy/client_trace.h"

#include "hs2/answer.h"
#include "hs2/writer.h"
#include "proxy/resident.h"

#define STATEMENT_SHOWN 500u /* bytes of a statement that are kept to be shown */

void hg_client_answer_error(HgClient *client, const HgMethod *method, gint32 seqid,
                            const char *sql_state, const char *message)
{
    hg_client_count_call(client, method, hg_client_outcome(sql_state));
    HgBuffer answer;
    hg_buffer_init(&answer, NULL);
    if (hg_answer_error(&answer, method, seqid, sql_state, message))
        hg_client_answer(client, &answer);
    hg_buffer_clear(&answer);
}

static void answer_exception(HgClient *client, const HgRequest *request, HgExceptionType type,
                             const char *message)
{
    hg_client_count_call(client, request->method, HG_CALL_REFUSED);
    HgBuffer answer;
    hg_buffer_init(&answer, NULL);
    if (hg_answer_exception(&answer, request->head.name, request->head.seqid, type, message))
        hg_client_answer(client, &answer);
    hg_buffer_clear(&answer);
}

static void answer_invalid_handle(HgClient *client, const HgRequest *request,
                                  const HgHandle *handle)
{
    hg_client_count_call(client, request->method, HG_CALL_REFUSED);
    HgBuffer answer;
    hg_buffer_init(&answer, NULL);
    if (hg_answer_invalid_handle(&answer, request->method, request->head.seqid, handle,
                                 request->operation_type))
        hg_client_answer(client, &answer);
    hg_buffer_clear(&answer);
}

void hg_client_log_refused(HgClient *client, const char *why)
{
    hg_log_limited(hg_client_log(client),
                   hg_gateway_request_limit(hg_worker_gateway(client->worker)), HG_LOG_INFO,
                   "request_refused", HG_CLIENT_ADDRESS_FIELDS(client),
                   hg_log_text("user", hg_client_user(client)), hg_log_text("why", why));
}

/* A refused request: the message ended where it should, so the connection goes on. */
static void answer_refused(HgClient *client, const HgRequest *request)
{
    hg_client_log_refused(client, request->why);
    g_autofree char *text = g_strconcat("hivegate: ", request->why, NULL);
    answer_exception(client, request,
                     request->head.type == HG_MESSAGE_CALL ||
                             request->head.type == HG_MESSAGE_ONEWAY
                         ? HG_EXCEPTION_PROTOCOL_ERROR
                         : HG_EXCEPTION_INVALID_MESSAGE_TYPE,
                     text);
}

static gboolean owns(const HgClient *client, const HgSession *session)
{
    return client->identity.principal != NULL &&
           hg_principal_equal(hg_session_principal(session), client->identity.principal);
}

/* TRUE for a session that was closed by another connection just now: it is still being taken out of
 * the directory, and nobody knows it any more. */
static gboolean is_closed(const HgSession *session)
{
    return hg_session_state(session) == HG_SESSION_CLOSED;
}

/* What a call on a lost session gets. Closing what is gone succeeds: a client can clean up. */
static void answer_lost(HgClient *client, const HgMethod *method, gint32 seqid, HgSession *session,
                        HgOperation *operation)
{
    HgDirectory *directory = hg_gateway_directory(hg_worker_gateway(client->worker));
    if (method->id == HG_METHOD_CLOSE_SESSION || method->id == HG_METHOD_CLOSE_OPERATION) {
        HgBuffer answer;
        hg_client_count_call(client, method, HG_CALL_SUCCESS);
        if (method->id == HG_METHOD_CLOSE_SESSION) {
            g_ptr_array_unref(hg_directory_remove_session(directory, session));
            hg_residents_forget(session);
        } else if (operation != NULL) {
            hg_directory_remove_operation(directory, operation);
        }
        hg_buffer_init(&answer, NULL);
        if (hg_answer_success(&answer, method, seqid))
            hg_client_answer(client, &answer);
        hg_buffer_clear(&answer);
        return;
    }
    g_autofree char *why = hg_session_lost_why(session);
    g_autofree char *text =
        g_strdup_printf("hivegate: this session is lost: %s. Connect again to go on.",
                        why != NULL ? why : "it was closed");
    hg_client_answer_error(client, method, seqid, "08S01", text);
}

/* A request with a bare Thrift head of the old kind can't go to a server that reads strictly:
 * writes it with a strict one to `out`. FALSE at the memory ceiling. */
static gboolean make_strict(const HgRequest *request, const guint8 *message, HgBuffer *out)
{
    HgWriter writer = hg_writer(out);
    hg_writer_head(&writer, HG_MESSAGE_CALL, request->head.name, request->head.seqid);
    hg_writer_bytes(&writer,
                    hg_slice(message + request->head.size, request->size - request->head.size));
    return hg_writer_finish(&writer);
}

/* Over HTTP each request may say whom it acts as: somebody else than the session was opened for
 * would believe that it runs as them. TRUE when the client was told. */
static gboolean refuse_other(HgClient *client, const HgRequest *request, const HgSession *session)
{
    const char *other = hg_client_http_acts_as(client);
    if (other == NULL || hg_session_runs_as(session, other))
        return FALSE;
    g_autofree char *text =
        g_strdup_printf("hivegate: this session runs as %s, and doAs names somebody else; open a "
                        "session for them.",
                        hg_session_effective_user(session));
    hg_client_answer_error(client, request->method, request->head.seqid, "42501", text);
    return TRUE;
}

/* The beginning of a statement, for people; it is valid UTF-8 and is cut between characters. */
static char *beginning_of(const char *text, gsize whole)
{
    gsize size = MIN(whole, STATEMENT_SHOWN);
    while (size > 0 && size < whole && (text[size] & 0xC0) == 0x80)
        size--;
    return g_strndup(text, size);
}

/* What the call is, as far as it is counted and shown. */
static void note_kind(ClientCall *call, const ClientAsk *ask)
{
    const HgRequest *request = ask->request;
    call->fetches_rows = request->method->id == HG_METHOD_FETCH_RESULTS && request->fetch_type == 0;
    if (request->method->gives != HG_GIVES_OPERATION)
        return;
    call->began_us = g_get_monotonic_time();
    call->runs_at_once = request->method->id != HG_METHOD_EXECUTE_STATEMENT || !request->run_async;
    if (request->method->id == HG_METHOD_EXECUTE_STATEMENT)
        call->statement = ask->sent != NULL
                              ? beginning_of(ask->sent, strlen(ask->sent))
                              : beginning_of((const char *)ask->message + request->statement.offset,
                                             request->statement.size);
}

/* Forwards a request that has passed the gates. */
static void forward_passed(HgClient *client, const ClientAsk *ask)
{
    const HgRequest *request = ask->request;
    HgSession *session = ask->session;
    HgOperation *operation = ask->operation;
    guint8 *message = ask->message;
    Lease *lease =
        hg_session_state(session) == HG_SESSION_OPEN ? hg_client_lease(client, session) : NULL;
    if (lease == NULL) {
        answer_lost(client, request->method, request->head.seqid, session, operation);
        return;
    }
    client->call = (ClientCall){.method = request->method,
                                .seqid = request->head.seqid,
                                .operation = operation != NULL ? hg_operation_ref(operation) : NULL,
                                .lease = lease};
    note_kind(&client->call, ask);
    if (client->call.fetches_rows &&
        (hg_client_recorder(client) != NULL || hg_client_options(client)->tracer != NULL))
        client->call.began_us = g_get_monotonic_time();
    hg_client_hold_cancel(client); /* of what is forwarded now: the next request may be held */
    hg_request_set_handle(request, message,
                          operation != NULL ? hg_operation_backend_handle(operation)
                                            : hg_session_backend_handle(session));
    if (request->head.strict) {
        hg_client_forward(client, message, request->size);
        return;
    }
    HgBuffer strict;
    hg_buffer_init(&strict, hg_gateway_budget(hg_worker_gateway(client->worker)));
    if (make_strict(request, message, &strict))
        hg_client_forward(client, hg_buffer_data(&strict), hg_buffer_size(&strict));
    else
        hg_client_drop(client);
    hg_buffer_clear(&strict);
}

/* Forwards a request on a session, or on an operation of it, as far as the gates let it. */
static void forward(HgClient *client, const HgRequest *request, guint8 *message, HgSession *session,
                    HgOperation *operation)
{
    ClientAsk ask = {
        .request = request, .message = message, .session = session, .operation = operation};
    if (refuse_other(client, request, session))
        return;
    hg_buffer_init(&ask.new_message, NULL);
    hg_client_trace_asked(client, request, message, session);
    if (hg_client_pass_gates(client, &ask))
        forward_passed(client, &ask);
    hg_client_ask_clear(&ask);
}

static void answer_info(HgClient *client, const HgRequest *request, const HgSession *session)
{
    hg_client_count_call(client, request->method, HG_CALL_SUCCESS);
    HgBuffer answer;
    hg_buffer_init(&answer, NULL);
    if (hg_answer_info(&answer, request->head.seqid, request->info_type,
                       hg_session_effective_user(session)))
        hg_client_answer(client, &answer);
    hg_buffer_clear(&answer);
}

static const char stopping_text[] =
    "hivegate: this gateway is stopping and takes no new work. Connect again to go on.";

/* TRUE when the token of the client's login has expired, and that ends what it asks for. */
static gboolean is_expired(HgClient *client, HgTokenExpiry last)
{
    gint64 until = client->identity.good_until;
    return until != 0 && hg_client_options(client)->token_expiry <= last &&
           g_get_real_time() / G_USEC_PER_SEC >= until;
}

static const char expired_text[] =
    "hivegate: the token that you logged in with has expired; connect again with a new one.";

/* Refuses what would begin an operation. */
static void refuse_new(HgClient *client, const HgRequest *request, const guint8 *message,
                       HgSession *session, const char *sql_state, const char *text)
{
    HgSlice sent = hg_slice(message + request->statement.offset, request->statement.size);
    /* one that was held is on record, and so will its end be */
    if (request->method->id == HG_METHOD_EXECUTE_STATEMENT && client->record == NULL)
        hg_client_audit_refusal(client, session, sent, sql_state, text);
    hg_client_answer_error(client, request->method, request->head.seqid, sql_state, text);
}

/* What was held has passed already, and may have been rewritten since. */
static gboolean is_too_long(HgClient *client, const HgRequest *request)
{
    guint most = hg_client_options(client)->statement_size;
    return most > 0 && client->hold == NULL && request->method->id == HG_METHOD_EXECUTE_STATEMENT &&
           request->statement.size > most;
}

static void refuse_too_long(HgClient *client, const HgRequest *request, const guint8 *message,
                            HgSession *session)
{
    g_autofree char *text = g_strdup_printf(
        "hivegate: the statement has %zu bytes, and may have %u (limits: statement_size); shorten "
        "it, or put its values into a table.",
        (gsize)request->statement.size, hg_client_options(client)->statement_size);
    refuse_new(client, request, message, session, "54000", text);
}

static void serve_session_call(HgClient *client, const HgRequest *request, guint8 *message,
                               const HgHandle *handle)
{
    HgDirectory *directory = hg_gateway_directory(hg_worker_gateway(client->worker));
    g_autoptr(HgSession) session = hg_directory_find_session(directory, handle);
    if (session == NULL || !owns(client, session) || is_closed(session))
        answer_invalid_handle(client, request, handle);
    else if (request->method->id == HG_METHOD_GET_INFO && !hg_info_is_forwarded(request->info_type))
        answer_info(client, request, session);
    else if (request->method->gives == HG_GIVES_OPERATION && hg_worker_is_draining(client->worker))
        refuse_new(client, request, message, session, "08S01", stopping_text);
    else if (is_too_long(client, request))
        refuse_too_long(client, request, message, session);
    else if (request->method->gives == HG_GIVES_OPERATION &&
             is_expired(client, HG_TOKEN_EXPIRY_STATEMENTS))
        refuse_new(client, request, message, session, "28000", expired_text);
    else
        forward(client, request, message, session, NULL);
}

static void serve_operation_call(HgClient *client, const HgRequest *request, guint8 *message,
                                 const HgHandle *handle)
{
    HgDirectory *directory = hg_gateway_directory(hg_worker_gateway(client->worker));
    g_autoptr(HgOperation) operation = hg_directory_find_operation(directory, handle);
    /* Spark counts the type into the handle's identity (measured, 3.5.3) */
    if (operation == NULL || hg_operation_type(operation) != request->operation_type ||
        !owns(client, hg_operation_session(operation)) ||
        is_closed(hg_operation_session(operation)))
        answer_invalid_handle(client, request, handle);
    else if (hg_client_is_killed(operation, request->method))
        hg_client_answer_error(client, request->method, request->head.seqid, "57014",
                               hg_client_killed_text(operation));
    else
        forward(client, request, message, hg_operation_session(operation), operation);
}

static void serve_open(HgClient *client, const HgRequest *request, guint8 *message)
{
    if (hg_worker_is_draining(client->worker))
        hg_client_answer_error(client, request->method, request->head.seqid, "08S01",
                               stopping_text);
    else if (client->transport->logs_in_raw)
        hg_client_login_raw(client, request, message);
    else if (is_expired(client, HG_TOKEN_EXPIRY_SESSIONS))
        hg_client_answer_error(client, request->method, request->head.seqid, "28000", expired_text);
    else
        hg_client_open(client, request, hg_slice(message, request->size));
}

void hg_client_serve(HgClient *client, const HgRequest *request, guint8 *message)
{
    /* else the timer is the login's deadline, or that of a client which sends no more */
    if (client->identity.principal != NULL && !client->input_ended) {
        hg_timer_stop(hg_worker_loop(client->worker), &client->timer);
        client->patience = PATIENCE_NONE;
    }
    if (request->why[0] != '\0') {
        answer_refused(client, request);
        return;
    }
    if (request->method == NULL) {
        g_autofree char *name = hg_slice_dup_string(request->head.name);
        g_autofree char *text = g_strdup_printf("Invalid method name: '%s'", name);
        answer_exception(client, request, HG_EXCEPTION_UNKNOWN_METHOD, text);
        return;
    }
    if (request->method->takes == HG_TAKES_NOTHING) {
        serve_open(client, request, message);
        return;
    }
    HgHandle handle = {{0}, {0}};
    if (!request->has_handle) { /* there, but not of the right size */
        answer_invalid_handle(client, request, NULL);
        return;
    }
    hg_request_get_handle(request, message, &handle);
    if (request->method->takes == HG_TAKES_SESSION)
        serve_session_call(client, request, message, &handle);
    else
        serve_operation_call(client, request, message, &handle);
}
