/* Killing sessions and statements: see kill.h. What belongs to a worker is done by that worker, by
 * letter; each letter holds references to what it is about. */
#include "proxy/kill.h"

#include "proxy/client.h"
#include "proxy/closer.h"
#include "proxy/control.h"
#include "proxy/recorder.h"
#include "proxy/resident.h"

#include <stdatomic.h>

#define WHY "an administrator ended it"

/* ---- sessions ---- */

typedef struct {
    atomic_uint references; /* the asker's and the question's */
    HgSession *session;
    const char *why;
    atomic_bool done;
} SessionOrder;

static void unref_order(gpointer data)
{
    SessionOrder *order = data;
    if (atomic_fetch_sub_explicit(&order->references, 1, memory_order_acq_rel) != 1)
        return;
    hg_session_unref(order->session);
    g_free(order);
}

/* On each worker: the one that the session lives with ends it, and all end their clients' calls on
 * it. */
static void kill_here(HgWorker *worker, void *data)
{
    SessionOrder *order = data;
    gboolean done = FALSE;
    g_autoptr(GList) clients = hg_worker_clients(worker);
    for (GList *link = clients; link != NULL; link = link->next)
        done = hg_client_kill_session(link->data, order->session, order->why) || done;
    /* behind the clients: a connection that was lent for a call is back now */
    done = hg_residents_kill(hg_worker_residents(worker), order->session, order->why) || done;
    if (done)
        atomic_store(&order->done, TRUE);
}

static SessionOrder *order_new(HgSession *session, const char *why, guint references)
{
    SessionOrder *order = g_new0(SessionOrder, 1);
    atomic_init(&order->references, references);
    atomic_init(&order->done, FALSE);
    order->session = hg_session_ref(session);
    order->why = why;
    return order;
}

void hg_kill_session_because(HgGateway *gateway, HgSession *session, const char *why)
{
    (void)hg_control_ask(gateway, kill_here, order_new(session, why, 1), unref_order, 0);
}

HgKill hg_kill_session(HgGateway *gateway, HgSession *session, guint timeout)
{
    SessionOrder *order = order_new(session, WHY, 2);
    gboolean all = hg_control_ask(gateway, kill_here, order, unref_order, timeout);
    gboolean done = atomic_load(&order->done);
    unref_order(order);
    if (done)
        return HG_KILL_DONE;
    return all ? HG_KILL_TOO_LATE : HG_KILL_NO_ANSWER;
}

/* ---- statements ---- */

typedef struct {
    HgTask task;
    HgWorker *worker;
    HgOperation *operation;
} CancelOrder;

static void cancel_here(HgTask *task)
{
    CancelOrder *order = (CancelOrder *)(void *)task;
    HgSession *session = hg_operation_session(order->operation);
    GPtrArray *operations = g_ptr_array_new_with_free_func((GDestroyNotify)hg_operation_unref);
    g_ptr_array_add(operations, order->operation);
    /* else whoever has ended the session cancels it, and the worker may be at its end */
    if (hg_session_state(session) == HG_SESSION_OPEN)
        hg_closer_cancel(order->worker, session, operations);
    else
        g_ptr_array_unref(operations);
    g_free(order);
}

/* The worker with which the session lives, or on which its client is. */
static HgWorker *worker_of(HgGateway *gateway, const HgSession *session)
{
    HgWorker *worker = hg_session_worker(session);
    return worker != NULL
               ? worker
               : hg_gateway_worker(gateway, hg_worker_of_client(hg_session_home(session)));
}

HgKill hg_kill_operation(HgGateway *gateway, HgOperation *operation)
{
    return hg_kill_operation_because(gateway, operation, NULL, "an administrator cancelled it");
}

HgKill hg_kill_operation_because(HgGateway *gateway, HgOperation *operation, const char *text,
                                 const char *why)
{
    HgSession *session = hg_operation_session(operation);
    if (hg_operation_has_ended(operation))
        return HG_KILL_TOO_LATE;
    hg_operation_set_kill_text(operation, text);
    if (hg_session_state(session) != HG_SESSION_OPEN ||
        !hg_operation_end(operation, HG_OPERATION_KILLED))
        return HG_KILL_TOO_LATE;
    if (hg_operation_record(operation) != NULL)
        hg_statement_record_note_end(
            hg_operation_record(operation),
            &(HgStatementEnd){.kind = HG_AUDIT_STATEMENT_CANCELLED,
                              .reason = why,
                              .operation = hg_operation_handle(operation)});
    hg_metrics_add(hg_metrics_shared(hg_gateway_options(gateway)->metrics),
                   HG_METRIC_OPERATIONS_ENDED, HG_OPERATION_KILLED - HG_OPERATION_FINISHED, 1);
    CancelOrder *order = g_new0(CancelOrder, 1);
    order->task.run = cancel_here;
    order->worker = worker_of(gateway, session);
    order->operation = hg_operation_ref(operation);
    if (hg_loop_post(hg_worker_loop(order->worker), &order->task))
        return HG_KILL_DONE;
    hg_operation_unref(operation); /* the worker has ended, and the session with it */
    g_free(order);
    return HG_KILL_TOO_LATE;
}
