/* Closing what a call makes behind a client that has given it up: see orphan.h. An orphan owns its
 * connection until it is done. Worker's thread only. */
#include "proxy/orphan.h"

#include "base/container.h"
#include "hs2/answer.h"
#include "net/timer.h"

#define PATIENCE 10000 /* ms for all of it */

typedef struct {
    HgWorker *worker;
    HgBackend *backend;
    gboolean closing; /* the closing call is sent: its answer is the end */
    HgTimer timer;
} Orphan;

static gboolean waits_for_session(const Orphan *orphan)
{
    HgMethodId method = hg_backend_method(orphan->backend)->id;
    return method == HG_METHOD_OPEN_SESSION || method == HG_METHOD_CLOSE_SESSION;
}

/* `why` says why something may be left behind; NULL: nothing is. */
static void finish(Orphan *orphan, const char *why)
{
    HgWorker *worker = orphan->worker;
    if (why != NULL)
        hg_log(hg_gateway_log(hg_worker_gateway(worker)), HG_LOG_WARN,
               waits_for_session(orphan) ? "session_not_closed" : "operation_not_closed",
               hg_log_text("endpoint", hg_endpoint_name(hg_backend_endpoint(orphan->backend))),
               hg_log_text("user", hg_backend_user(orphan->backend)), hg_log_text("why", why));
    hg_timer_stop(hg_worker_loop(worker), &orphan->timer);
    hg_backend_close(orphan->backend);
    g_free(orphan);
    hg_worker_closer_ended(worker);
}

gboolean hg_orphan_close(HgBackend *backend, const HgReplyPiece *piece, gboolean *sent)
{
    const HgReplyHead *head = piece->head;
    if (!piece->first || !head->has_handle || head->exception ||
        head->status_code == HG_STATUS_ERROR)
        return FALSE;
    gboolean is_session = hg_backend_method(backend)->gives == HG_GIVES_SESSION;
    HgHandle handle;
    HgBuffer message;
    hg_reply_get_handle(head, piece->bytes, &handle);
    hg_buffer_init(&message, NULL); /* small and ours: the ceiling must not keep sessions alive */
    gboolean written = is_session
                           ? hg_call_close_session(&message, 1, &handle)
                           : hg_call_close_operation(&message, 1, &handle, head->operation_type);
    HgMethodId method = is_session ? HG_METHOD_CLOSE_SESSION : HG_METHOD_CLOSE_OPERATION;
    *sent = written && hg_backend_call(backend, hg_method_get(method), 1, hg_buffer_data(&message),
                                       hg_buffer_size(&message), FALSE);
    hg_buffer_clear(&message);
    return TRUE;
}

static HgFlow on_reply(void *owner, HgReplyPiece *piece)
{
    Orphan *orphan = owner;
    gboolean sent = FALSE;
    if (!piece->last)
        return HG_FLOW_GO;
    if (orphan->closing || !hg_orphan_close(orphan->backend, piece, &sent))
        finish(orphan, NULL);
    else if (!sent)
        finish(orphan, HG_AT_CEILING);
    else
        orphan->closing = TRUE;
    return HG_FLOW_GO;
}

static void on_lost(void *owner, HgLoss loss, const char *detail)
{
    finish(owner, detail);
}

static const HgBackendEvents orphan_events = {on_reply, on_lost};

static void on_timeout(HgTimer *timer)
{
    finish(HG_CONTAINER_OF(timer, Orphan, timer), "the endpoint didn't answer in time");
}

void hg_orphan_start(HgWorker *worker, HgBackend *take_backend)
{
    Orphan *orphan = g_new0(Orphan, 1);
    orphan->worker = worker;
    orphan->backend = take_backend;
    hg_timer_init(&orphan->timer, on_timeout);
    hg_timer_start(hg_worker_loop(worker), &orphan->timer, PATIENCE);
    hg_worker_closer_started(worker);
    hg_backend_set_owner(take_backend, &orphan_events, orphan);
}
