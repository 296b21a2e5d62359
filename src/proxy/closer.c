/* Closing a session behind a client that has left: see closer.h. A closer owns the connection it
 * works on, and the session's busy one, until it is done. Worker's thread only. */
#include "proxy/closer.h"

#include "base/container.h"
#include "hs2/answer.h"
#include "net/timer.h"
#include "proxy/worker.h"

#define PATIENCE     10000 /* ms for all of it */
#define CANCELS_MOST 64    /* statements cancelled by name; closing the session ends the others */

typedef enum {
    CLOSER_CANCELLING, /* CancelOperation is sent for one statement after the other */
    CLOSER_CLOSING,    /* CloseSession is sent: its answer is the end */
} CloserState;

typedef struct {
    HgWorker *worker;
    HgSession *session;
    HgBackend *backend; /* the calls go here */
    HgBackend *busy;    /* the session's own connection, when a call is stuck on it */
    GPtrArray *operations;
    guint next; /* operation to look at next */
    guint cancelled;
    gint32 seqid;
    CloserState state;
    gboolean kept; /* `backend` came from the cache: it may have gone stale there */
    gboolean only_cancels;
    HgTimer timer;
} Closer;

static HgFlow on_reply(void *owner, HgReplyPiece *piece);
static void on_lost(void *owner, HgLoss loss, const char *detail);
static const HgBackendEvents closer_events = {on_reply, on_lost};

static void log_end(const Closer *closer, gboolean closed, const char *why)
{
    HgLog *log = hg_gateway_log(hg_worker_gateway(closer->worker));
    HgEndpoint *endpoint = hg_session_endpoint(closer->session);
    if (closed) {
        hg_log(log, HG_LOG_DEBUG,
               closer->only_cancels ? "statement_cancelled" : "session_ended_for_client",
               hg_log_text("endpoint", hg_endpoint_name(endpoint)),
               hg_log_text("user", hg_session_effective_user(closer->session)),
               hg_log_uint("cancelled", closer->cancelled));
    } else {
        hg_log(log, HG_LOG_WARN,
               closer->only_cancels ? "statement_not_cancelled" : "session_not_closed",
               hg_log_text("endpoint", hg_endpoint_name(endpoint)),
               hg_log_text("user", hg_session_effective_user(closer->session)),
               hg_log_text("why", why));
    }
}

static void finish(Closer *closer, gboolean closed, const char *why)
{
    HgWorker *worker = closer->worker;
    log_end(closer, closed, why);
    hg_timer_stop(hg_worker_loop(worker), &closer->timer);
    if (closed && hg_backend_is_free(closer->backend))
        hg_backend_cache_put(hg_worker_backend_cache(worker), closer->backend);
    else
        hg_backend_close(closer->backend);
    hg_backend_close(closer->busy);
    g_ptr_array_unref(closer->operations);
    hg_session_unref(closer->session);
    g_free(closer);
    hg_worker_closer_ended(worker);
}

static HgOperation *next_to_cancel(Closer *closer)
{
    while (closer->next < closer->operations->len && closer->cancelled < CANCELS_MOST) {
        HgOperation *operation = g_ptr_array_index(closer->operations, closer->next++);
        HgOperationState state = hg_operation_state(operation);
        if (state == HG_OPERATION_RUNNING || state == HG_OPERATION_KILLED)
            return operation;
    }
    return NULL;
}

static void step(Closer *closer)
{
    HgBuffer message;
    hg_buffer_init(&message, NULL); /* small and ours: the ceiling must not keep sessions alive */
    HgOperation *operation = next_to_cancel(closer);
    HgMethodId method;
    gboolean written;
    if (operation != NULL) {
        closer->cancelled++;
        method = HG_METHOD_CANCEL_OPERATION;
        written = hg_call_cancel_operation(&message, ++closer->seqid,
                                           hg_operation_backend_handle(operation),
                                           hg_operation_type(operation));
    } else if (closer->only_cancels) {
        hg_buffer_clear(&message);
        finish(closer, TRUE, NULL);
        return;
    } else {
        closer->state = CLOSER_CLOSING;
        method = HG_METHOD_CLOSE_SESSION;
        written = hg_call_close_session(&message, ++closer->seqid,
                                        hg_session_backend_handle(closer->session));
    }
    gboolean sent =
        written && hg_backend_call(closer->backend, hg_method_get(method), closer->seqid,
                                   hg_buffer_data(&message), hg_buffer_size(&message), FALSE);
    hg_buffer_clear(&message);
    if (!sent)
        finish(closer, FALSE, HG_AT_CEILING);
}

static HgFlow on_reply(void *owner, HgReplyPiece *piece)
{
    Closer *closer = owner;
    gint32 status = piece->first ? piece->head->status_code : HG_STATUS_SUCCESS;
    if (!piece->last)
        return HG_FLOW_GO;
    if (closer->state == CLOSER_CANCELLING)
        step(closer);
    else
        finish(closer, status == HG_STATUS_SUCCESS || status == HG_STATUS_SUCCESS_WITH_INFO,
               "the endpoint refused CloseSession");
    return HG_FLOW_GO;
}

static void on_lost(void *owner, HgLoss loss, const char *detail)
{
    Closer *closer = owner;
    if (!closer->kept) {
        finish(closer, FALSE, detail);
        return;
    }
    closer->kept = FALSE;
    hg_backend_close(closer->backend);
    closer->backend = hg_backend_new(
        hg_worker_backend_context(closer->worker), hg_session_endpoint(closer->session),
        hg_worker_login_name(hg_session_endpoint(closer->session),
                             hg_session_effective_user(closer->session)),
        &closer_events, closer);
    step(closer);
}

static void on_timeout(HgTimer *timer)
{
    finish(HG_CONTAINER_OF(timer, Closer, timer), FALSE, "the endpoint didn't answer in time");
}

/* The stuck connection: whatever it still says is of no interest. */
static HgFlow on_busy_reply(void *owner, HgReplyPiece *piece)
{
    return HG_FLOW_GO;
}

static void on_busy_lost(void *owner, HgLoss loss, const char *detail)
{
    Closer *closer = owner;
    hg_backend_close(closer->busy);
    closer->busy = NULL;
}

static const HgBackendEvents busy_events = {on_busy_reply, on_busy_lost};

static Closer *closer_new(HgWorker *worker, HgSession *session, GPtrArray *take_operations)
{
    Closer *closer = g_new0(Closer, 1);
    closer->worker = worker;
    closer->session = hg_session_ref(session);
    closer->operations = take_operations;
    hg_timer_init(&closer->timer, on_timeout);
    hg_timer_start(hg_worker_loop(worker), &closer->timer, PATIENCE);
    hg_worker_closer_started(worker);
    return closer;
}

/* The calls go over another connection than the session's own. */
static void take_other_backend(Closer *closer)
{
    closer->backend = hg_worker_take_backend(closer->worker, hg_session_endpoint(closer->session),
                                             hg_session_effective_user(closer->session),
                                             &closer_events, closer, &closer->kept);
}

void hg_closer_cancel(HgWorker *worker, HgSession *session, GPtrArray *take_operations)
{
    Closer *closer = closer_new(worker, session, take_operations);
    closer->only_cancels = TRUE;
    take_other_backend(closer);
    step(closer);
}

void hg_closer_start(HgWorker *worker, HgSession *session, HgBackend *take_backend,
                     GPtrArray *take_operations)
{
    Closer *closer = closer_new(worker, session, take_operations);
    if (take_backend != NULL && hg_backend_is_free(take_backend)) {
        hg_backend_set_owner(take_backend, &closer_events, closer);
        closer->backend = take_backend;
    } else {
        closer->busy = take_backend;
        if (take_backend != NULL) {
            hg_backend_set_owner(take_backend, &busy_events, closer);
            hg_backend_resume(take_backend);
        }
        take_other_backend(closer);
    }
    step(closer);
}
