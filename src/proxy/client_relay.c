/* Leases and replies. A reply goes back as it arrives: its handle is overwritten in place, backend
 * handles inside error texts are replaced, the rest is untouched. */
#include "proxy/admission.h"
#include "proxy/client_audit.h"
#include "proxy/client_trace.h"

#include "proxy/client_policy.h"
#include "proxy/closer.h"
#include "proxy/orphan.h"
#include "proxy/resident.h"
#include "wire/sasl.h"

static HgFlow on_reply(void *owner, HgReplyPiece *piece);
static void on_lost(void *owner, HgLoss loss, const char *detail);
static const HgBackendEvents lease_events = {on_reply, on_lost};

static HgDirectory *directory_of(HgClient *client)
{
    return hg_gateway_directory(hg_worker_gateway(client->worker));
}

/* Gives back the place in the quota that a home lease stands for. */
static void count_out(Lease *lease)
{
    if (!lease->counted_out)
        hg_admission_give(hg_worker_gateway(lease->client->worker),
                          hg_session_effective_user(lease->session),
                          &hg_session_origin(lease->session)->address);
    lease->counted_out = TRUE;
}

static void free_lease(Lease *lease)
{
    if (lease->home)
        count_out(lease);
    else if (hg_session_worker(lease->session) != NULL)
        hg_session_end_call(lease->session);
    hg_session_unref(lease->session);
    g_free(lease);
}

static void unlink_home(Lease *lease)
{
    for (Lease **link = &lease->client->leases; *link != NULL; link = &(*link)->next) {
        if (*link != lease)
            continue;
        *link = lease->next;
        return;
    }
}

void hg_client_add_home(HgClient *client, HgSession *session, HgBackend *take_backend)
{
    Lease *lease = g_new0(Lease, 1);
    lease->client = client;
    lease->session = hg_session_ref(session);
    lease->backend = take_backend;
    lease->home = TRUE;
    lease->next = client->leases;
    client->leases = lease;
    hg_backend_set_owner(take_backend, &lease_events, lease);
}

/* The home lease, with a new connection in place of one that went without taking the session along.
 */
static Lease *with_connection(Lease *lease)
{
    if (lease->backend == NULL && hg_session_state(lease->session) == HG_SESSION_OPEN)
        lease->backend = hg_worker_take_backend(
            lease->client->worker, hg_session_endpoint(lease->session),
            hg_session_effective_user(lease->session), &lease_events, lease, &lease->kept);
    return lease->backend != NULL ? lease : NULL;
}

Lease *hg_client_lease(HgClient *client, HgSession *session)
{
    if (hg_session_home(session) == client->id) {
        for (Lease *lease = client->leases; lease != NULL; lease = lease->next)
            if (lease->session == session)
                return with_connection(lease);
        return NULL;
    }
    Lease *lease = g_new0(Lease, 1);
    lease->client = client;
    lease->session = hg_session_ref(session);
    if (hg_session_worker(session) != NULL)
        hg_session_begin_call(session);
    lease->backend =
        hg_residents_borrow(hg_worker_residents(client->worker), session, &lease_events, lease);
    lease->lent = lease->backend != NULL;
    if (lease->lent)
        return lease;
    lease->backend = hg_worker_take_backend(client->worker, hg_session_endpoint(session),
                                            hg_session_effective_user(session), &lease_events,
                                            lease, &lease->kept);
    return lease;
}

/* ---- the end of a call ---- */

/* A session is over: nobody finds it any more. Returns the operations that it had. */
static GPtrArray *forget_session(HgClient *client, HgSession *session, const char *why)
{
    gboolean open = hg_session_state(session) == HG_SESSION_OPEN;
    gboolean ended = hg_session_end(session);
    if (open && ended) /* of one that was lost the end is on record */
        hg_recorder_note_session_over(hg_client_recorder(client), session, why);
    if (ended)
        hg_log(hg_client_log(client), HG_LOG_INFO, "session_closed",
               HG_CLIENT_ADDRESS_FIELDS(client),
               hg_log_text("user", hg_principal_name(hg_session_principal(session))),
               hg_log_text("endpoint", hg_endpoint_name(hg_session_endpoint(session))),
               hg_log_text("why", why));
    hg_residents_forget(session);
    return hg_directory_remove_session(directory_of(client), session);
}

/* Gives the lease of a finished call back. A connection on which the server has thrown isn't used
 * again: Spark leaves unread bytes on it and drops it at the next call (measured, 3.5.3 and 4.0.1).
 */
static void return_lease(HgClient *client, Lease *lease, gboolean session_closed,
                         gboolean exception)
{
    if (lease->home && !session_closed)
        return;
    if (lease->home)
        unlink_home(lease);
    if (lease->lent)
        hg_residents_return(hg_worker_residents(client->worker), lease->session, lease->backend);
    else if (exception)
        hg_backend_close(lease->backend);
    else if (lease->backend != NULL)
        hg_backend_cache_put(hg_worker_backend_cache(client->worker), lease->backend);
    free_lease(lease);
}

/* What a successful CloseSession or CloseOperation has closed is forgotten before the client hears
 * of it: it may go on over another connection, with another worker. */
static void forget_closed(HgClient *client)
{
    ClientCall *call = &client->call;
    if (!call->close_succeeded)
        return;
    if (call->operation != NULL)
        hg_directory_remove_operation(directory_of(client), call->operation);
    if (call->method->id != HG_METHOD_CLOSE_SESSION)
        return;
    g_ptr_array_unref(forget_session(client, call->lease->session, "the client closed it"));
    if (call->lease->home) /* before the client hears of it: it may open the next one at once */
        count_out(call->lease);
}

static void finish_call(HgClient *client)
{
    ClientCall call = client->call;
    client->call = (ClientCall){0};
    if (call.added > 0)
        hg_metrics_observe(client->metrics, HG_METRIC_CALL_ADDED_SECONDS, 0, call.added);
    gboolean session_closed = call.close_succeeded && call.method->id == HG_METHOD_CLOSE_SESSION;
    return_lease(client, call.lease, session_closed, call.exception);
    hg_operation_unref(call.operation);
    g_free(call.statement);
    hg_client_audit_given_up(client, HG_AUDIT_STATEMENT_UNKNOWN, "its answer names no operation");
    hg_client_policy_clear(client);
    hg_client_trace_given_up(client, "its answer names no operation");
    hg_client_done(client);
}

/* ---- forwarding ---- */

void hg_client_forward(HgClient *client, guint8 *message, gsize size)
{
    hg_client_set_state(client, CLIENT_CALLING);
    ClientCall *call = &client->call;
    gboolean whole =
        call->method->gives != HG_GIVES_NOTHING || (client->policy.guarded && !call->fetches_rows);
    if (hg_backend_call(call->lease->backend, call->method, call->seqid, message, size, whole)) {
        hg_client_audit_forwarded(client);
        hg_client_trace_forwarded(client);
        if (client->ready_at != 0) {
            call->added = hg_metrics_now() - client->ready_at;
            hg_backend_measure(call->lease->backend);
            client->ready_at = 0;
        }
        return;
    }
    if (!call->lease->home && !call->lease->lent) {
        hg_backend_close(call->lease->backend);
        call->lease->backend = NULL;
    }
    hg_client_audit_given_up(client, HG_AUDIT_STATEMENT_UNKNOWN, HG_AT_CEILING);
    hg_client_trace_given_up(client, HG_AT_CEILING);
    hg_client_answer_error(client, call->method, call->seqid, "53200",
                           HG_AT_CEILING "; try again.");
    if (client->state == CLIENT_CALLING)
        finish_call(client);
}

/* ---- replies ---- */

static void end_operation(HgClient *client, HgOperation *operation, HgOperationState state)
{
    if (hg_operation_end(operation, state))
        hg_metrics_add(client->metrics, HG_METRIC_OPERATIONS_ENDED, state - HG_OPERATION_FINISHED,
                       1);
}

/* A statement or metadata call has begun: the client gets a handle of ours. Returns a reference. */
static HgOperation *adopt_operation(HgClient *client, HgReplyPiece *piece)
{
    HgSession *session = client->call.lease->session;
    HgHandle theirs;
    hg_reply_get_handle(piece->head, piece->bytes, &theirs);
    HgOperation *operation =
        hg_operation_new(session, &theirs, piece->head->operation_type, client->call.began_us,
                         g_steal_pointer(&client->call.statement));
    if (client->call.runs_at_once)
        end_operation(client, operation, HG_OPERATION_FINISHED);
    hg_reply_set_handle(piece->head, piece->bytes, hg_operation_handle(operation));
    hg_client_policy_adopt(client, operation);
    return operation;
}

/* Others may find it from now on. */
static void publish_operation(HgClient *client, HgOperation *operation)
{
    hg_directory_add_operation(directory_of(client), operation);
    if (hg_session_state(hg_operation_session(operation)) == HG_SESSION_CLOSED)
        hg_directory_remove_operation(directory_of(client), operation); /* while the reply came */
}

static gboolean is_error(const HgReplyHead *head)
{
    return head->exception || head->status_code == HG_STATUS_ERROR ||
           head->operation_state == HG_STATE_ERROR;
}

/* The operation as its client has just been told; HG_OPERATION_RUNNING for all that isn't final. */
static HgOperationState state_of(gint32 operation_state)
{
    switch (operation_state) {
    case HG_STATE_FINISHED:
        return HG_OPERATION_FINISHED;
    case HG_STATE_CANCELED:
        return HG_OPERATION_CANCELED;
    case HG_STATE_CLOSED:
        return HG_OPERATION_CLOSED;
    case HG_STATE_ERROR:
        return HG_OPERATION_ERROR;
    case HG_STATE_TIMEDOUT:
        return HG_OPERATION_TIMEDOUT;
    default:
        return HG_OPERATION_RUNNING;
    }
}

/* Rows were fetched: what they are of has finished. */
static void note_rows(HgClient *client, HgOperation *operation)
{
    gint64 began_us = 0;
    end_operation(client, operation, HG_OPERATION_FINISHED);
    if (hg_operation_take_first_fetch(operation, &began_us))
        hg_metrics_observe(client->metrics, HG_METRIC_FIRST_ROW_SECONDS, 0,
                           (guint64)(g_get_monotonic_time() - began_us) * 1000);
}

/* Looks at the head of a reply and does what follows from it. TRUE when the reply is to be held. */
static gboolean note_head(HgClient *client, HgReplyPiece *piece)
{
    ClientCall *call = &client->call;
    const HgReplyHead *head = piece->head;
    g_autoptr(HgOperation) begun = NULL;
    call->exception = head->exception;
    if (is_error(head)) {
        HgSession *session = call->lease->session;
        hg_reply_replace_text(piece->bytes, piece->size, hg_session_backend_handle(session),
                              hg_session_handle(session));
        if (call->operation != NULL)
            hg_reply_replace_text(piece->bytes, piece->size,
                                  hg_operation_backend_handle(call->operation),
                                  hg_operation_handle(call->operation));
    } else if (call->method->gives == HG_GIVES_OPERATION && head->has_handle) {
        begun = adopt_operation(client, piece);
    }
    gboolean waits = hg_client_audit_reply(client, piece, begun);
    hg_client_trace_reply(client, piece, begun);
    if (begun != NULL)
        publish_operation(client, begun);
    hg_client_count_call(client, call->method, is_error(head) ? HG_CALL_ERROR : HG_CALL_SUCCESS);
    HgOperationState state = state_of(head->operation_state);
    if (call->operation != NULL && state != HG_OPERATION_RUNNING)
        end_operation(client, call->operation, state);
    if (call->operation != NULL && call->fetches_rows && !is_error(head))
        note_rows(client, call->operation);
    if (call->method->id == HG_METHOD_CLOSE_SESSION ||
        call->method->id == HG_METHOD_CLOSE_OPERATION)
        call->close_succeeded =
            !head->exception && (head->status_code == HG_STATUS_SUCCESS ||
                                 head->status_code == HG_STATUS_SUCCESS_WITH_INFO);
    return waits;
}

/* In front of a piece there is room for what a dialect adds and for a frame's length. */
G_STATIC_ASSERT(HG_DIALECT_GROWTH + HG_FRAME_HEAD_SIZE <= HG_BUFFER_HEADROOM);

void hg_client_speak(const HgSession *session, const HgMethod *method, HgReplyPiece *piece)
{
    guint grown = hg_dialect_edit(hg_session_dialect(session), method, piece->head, piece->bytes);
    piece->bytes -= grown;
    piece->size += grown;
    if (piece->total >= 0)
        piece->total += grown;
}

const char *hg_client_killed_text(const HgOperation *operation)
{
    const char *text = hg_operation_kill_text(operation);
    return text != NULL ? text : "hivegate: an administrator has cancelled this statement.";
}

gboolean hg_client_is_killed(const HgOperation *operation, const HgMethod *method)
{
    return hg_operation_state(operation) == HG_OPERATION_KILLED &&
           method->id != HG_METHOD_CLOSE_OPERATION && method->id != HG_METHOD_CANCEL_OPERATION;
}

/* The whole answer to a call of an operation that was killed meanwhile: the client hears why
 * instead. */
static void answer_killed(HgClient *client, const HgReplyPiece *piece)
{
    client->call.exception = piece->head->exception;
    hg_client_answer_error(client, client->call.method, client->call.seqid, "57014",
                           hg_client_killed_text(client->call.operation));
    if (client->state == CLIENT_CALLING)
        finish_call(client);
}

static HgFlow on_reply(void *owner, HgReplyPiece *piece)
{
    Lease *lease = owner;
    HgClient *client = lease->client;
    gboolean last = piece->last;
    gboolean waits = FALSE;
    HgBuffer clean;
    hg_buffer_init(&clean, NULL);
    hg_client_enter(client);
    if (piece->first && last && client->call.operation != NULL &&
        hg_client_is_killed(client->call.operation, client->call.method)) {
        answer_killed(client, piece);
        hg_client_leave(client);
        return HG_FLOW_GO;
    }
    guint64 ready_at = client->call.added > 0 ? hg_backend_take_ready_at(lease->backend) : 0;
    if (client->call.fetches_rows)
        hg_client_audit_rows(client, piece);
    if (piece->first) {
        waits = note_head(client, piece);
        if (!hg_client_policy_note(client, piece, &clean)) {
            client->end_reason = "its answer is an error too long to be looked through";
            hg_client_end(client);
            hg_client_leave(client);
            return HG_FLOW_GO;
        }
        if (!client->policy.withheld)
            hg_client_speak(lease->session, client->call.method, piece);
        if (!last && !waits)
            hg_client_set_state(client, CLIENT_REPLYING);
    }
    if (client->call.fetches_rows) /* behind the head, which begins the fetch */
        hg_client_trace_rows(client, piece);
    if (last)
        forget_closed(client);
    if (waits) {
        HgFlow held = hg_client_hold_reply(client, piece);
        hg_buffer_clear(&clean);
        hg_client_leave(client);
        return held;
    }
    HgFlow flow = client->transport->write_piece(client, piece);
    hg_buffer_clear(&clean);
    if (ready_at != 0)
        client->call.added += hg_metrics_now() - ready_at;
    if (last && client->state != CLIENT_CLOSED)
        finish_call(client);
    hg_client_leave(client);
    return flow;
}

void hg_client_release_reply(HgClient *client)
{
    HgBuffer bytes;
    hg_client_enter(client);
    HgReplyPiece piece = hg_client_take_held(client, &bytes);
    if (!piece.last)
        hg_client_set_state(client, CLIENT_REPLYING);
    HgFlow flow = client->transport->write_piece(client, &piece);
    hg_buffer_clear(&bytes);
    if (client->state != CLIENT_CLOSED && piece.last)
        finish_call(client);
    else if (flow == HG_FLOW_GO)
        hg_client_resume_reply(client);
    hg_client_leave(client);
}

void hg_client_resume_reply(HgClient *client)
{
    if (client->state == CLIENT_REPLYING && client->call.lease->backend != NULL)
        hg_backend_resume(client->call.lease->backend);
}

/* ---- losing a connection ---- */

/* A home connection is gone, and the session with it: the server closes it. */
static void lose_session(HgClient *client, Lease *lease, const char *detail)
{
    const char *endpoint = hg_endpoint_name(hg_session_endpoint(lease->session));
    g_autofree char *why = g_strdup_printf("endpoint %s: %s", endpoint, detail);
    if (hg_session_lose(lease->session, why)) {
        hg_recorder_note_ends(lease->session, HG_AUDIT_STATEMENT_UNKNOWN, why);
        hg_recorder_note_session_over(hg_client_recorder(client), lease->session, why);
        hg_log(hg_client_log(client), HG_LOG_WARN, "session_lost", HG_CLIENT_ADDRESS_FIELDS(client),
               hg_log_text("user", hg_principal_name(hg_session_principal(lease->session))),
               hg_log_text("endpoint", endpoint), hg_log_text("why", detail));
    }
}

/* TRUE when nothing of the answer to the call has gone out, and not all of it is there. */
static gboolean is_unanswered(const HgClient *client)
{
    return client->state == CLIENT_CALLING || hg_client_held_wants_more(client);
}

/* The client gets this error as the answer to its call. */
static void answer_instead(HgClient *client, const char *sql_state, const char *text)
{
    hg_client_hold_cancel(client);
    hg_client_answer_error(client, client->call.method, client->call.seqid, sql_state, text);
    if (client->state == CLIENT_CALLING || client->state == CLIENT_REPLY_HELD)
        finish_call(client);
}

static void on_lost(void *owner, HgLoss loss, const char *detail)
{
    Lease *lease = owner;
    HgClient *client = lease->client;
    gboolean lost = (lease->home || lease->lent) && hg_backend_holds_session(lease->backend);
    hg_client_enter(client);
    hg_backend_close(lease->backend);
    lease->backend = NULL;
    if (lost)
        lose_session(client, lease, detail);
    if (client->call.lease == lease && is_unanswered(client)) {
        g_autofree char *text = g_strdup_printf(
            lost ? "hivegate: this session is lost: endpoint %s: %s. Connect again to go on."
                 : "hivegate: endpoint %s could not be asked: %s. Try again.",
            hg_endpoint_name(hg_session_endpoint(lease->session)), detail);
        hg_client_audit_lost(client, loss, detail);
        hg_client_trace_given_up(client, detail);
        answer_instead(client, "08S01", text);
    } else if ((client->call.lease == lease && client->state == CLIENT_REPLYING) ||
               loss == HG_LOSS_REPLY) {
        if (client->call.lease == lease)
            hg_client_count_call(client, client->call.method, HG_CALL_UNAVAILABLE);
        hg_client_end(client); /* half a reply went out: only the end of the connection is honest */
    }
    hg_client_leave(client);
}

/* ---- the end ---- */

static void end_home(HgClient *client, Lease *lease)
{
    HgSession *session = lease->session;
    gboolean open = hg_session_state(session) == HG_SESSION_OPEN;
    const char *why = client->end_reason != NULL ? client->end_reason : "the client left";
    GPtrArray *operations = forget_session(client, session, why);
    if (!open) { /* lost, or closed over another connection */
        hg_backend_close(lease->backend);
        g_ptr_array_unref(operations);
    } else {
        hg_closer_start(client->worker, session, lease->backend, operations);
    }
    free_lease(lease);
}

/* Lets go of another connection than the session's own, on which a call may be under way: the
 * session goes on, but nobody will ever name an operation that this call begins. */
static void let_go(HgClient *client, HgBackend *backend)
{
    if (backend != NULL && hg_backend_is_asked(backend) &&
        hg_backend_method(backend)->gives == HG_GIVES_OPERATION)
        hg_orphan_start(client->worker, backend);
    else
        hg_backend_close(backend);
}

/* ---- an administrator ends it ---- */

static Lease *find_home(HgClient *client, const HgSession *session)
{
    Lease *lease = client->leases;
    while (lease != NULL && lease->session != session)
        lease = lease->next;
    return lease;
}

/* The call under way is on a session that is lost now. */
static void stop_call(HgClient *client, const char *why)
{
    ClientCall *call = &client->call;
    if (client->state == CLIENT_REPLYING) { /* half a reply went out */
        client->end_reason = why;
        hg_client_end(client);
        return;
    }
    if (!call->lease->home && !call->lease->lent)
        let_go(client, g_steal_pointer(&call->lease->backend));
    g_autofree char *text =
        g_strdup_printf("hivegate: this session is lost: %s. Connect again to go on.", why);
    hg_client_audit_given_up(client, HG_AUDIT_STATEMENT_CANCELLED, why);
    hg_client_trace_given_up(client, why);
    answer_instead(client, "08S01", text);
}

gboolean hg_client_kill_session(HgClient *client, HgSession *session, const char *why)
{
    gboolean killed = FALSE;
    Lease *home = find_home(client, session);
    hg_client_enter(client);
    if (home != NULL && hg_session_lose(session, why)) {
        killed = TRUE;
        hg_recorder_note_ends(session, HG_AUDIT_STATEMENT_CANCELLED, why);
        hg_recorder_note_session_over(hg_client_recorder(client), session, why);
        hg_log(hg_client_log(client), HG_LOG_INFO, "session_killed",
               HG_CLIENT_ADDRESS_FIELDS(client),
               hg_log_text("user", hg_principal_name(hg_session_principal(session))),
               hg_log_text("endpoint", hg_endpoint_name(hg_session_endpoint(session))),
               hg_log_text("why", why));
        hg_closer_start(client->worker, session, g_steal_pointer(&home->backend),
                        hg_session_operations(session));
    }
    if (client->call.lease != NULL && client->call.lease->session == session)
        stop_call(client, why);
    hg_client_leave(client);
    return killed;
}

gboolean hg_client_waits(HgClient *client, HgClientWait *out)
{
    const ClientCall *call = &client->call;
    if (call->lease == NULL || call->method->gives != HG_GIVES_OPERATION)
        return FALSE;
    *out = (HgClientWait){hg_session_ref(call->lease->session), call->began_us,
                          g_strdup(call->statement), call->method->name};
    return TRUE;
}

void hg_client_wait_clear(HgClientWait *wait)
{
    hg_session_unref(wait->session);
    g_free(wait->statement);
}

/* ---- the end of all ---- */

void hg_client_end_leases(HgClient *client)
{
    ClientCall call = client->call;
    client->call = (ClientCall){0};
    const char *why = client->end_reason != NULL ? client->end_reason : "the client left";
    /* with its home the session is closed, and the statement cancelled; else it may run to its end
     */
    gboolean ends = call.lease != NULL && call.lease->home;
    hg_client_audit_given_up(client,
                             ends ? HG_AUDIT_STATEMENT_CANCELLED : HG_AUDIT_STATEMENT_UNKNOWN, why);
    hg_client_trace_given_up(client, why);
    if (call.lease != NULL && call.lease->lent) {
        hg_residents_return(hg_worker_residents(client->worker), call.lease->session,
                            call.lease->backend);
        free_lease(call.lease);
    } else if (call.lease != NULL && !call.lease->home) {
        let_go(client, call.lease->backend);
        free_lease(call.lease);
    }
    hg_client_policy_clear(client);
    hg_operation_unref(call.operation);
    g_free(call.statement);
    while (client->leases != NULL) {
        Lease *lease = client->leases;
        client->leases = lease->next;
        end_home(client, lease);
    }
}

guint hg_client_statements(HgClient *client)
{
    guint count = 0;
    for (Lease *lease = client->leases; lease != NULL; lease = lease->next)
        count += hg_session_statements(lease->session);
    return count;
}
