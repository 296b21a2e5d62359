/* The sessions that live with a worker: see resident.h. Each owns the session's backend connection
 * while it isn't lent, and its place in the quota. */
#include "proxy/resident.h"

#include "base/container.h"
#include "net/timer.h"
#include "proxy/admission.h"
#include "proxy/closer.h"
#include "proxy/orphan.h"
#include "proxy/recorder.h"

#define LOST_KEPT (15 * 60 * 1000) /* ms that a lost session is known, to say what became of it */

typedef struct {
    HgResidents *residents;
    HgSession *session;
    HgBackend *backend; /* NULL while it is lent, and once it is lost */
    gboolean lent;
    HgTimer timer; /* looks whether the session is idle */
} Resident;

struct HgResidents {
    HgWorker *worker;
    GHashTable *all; /* HgSession -> Resident */
};

static HgFlow on_reply(void *owner, HgReplyPiece *piece);
static void on_lost(void *owner, HgLoss loss, const char *detail);
static void note_loss(Resident *resident);
static const HgBackendEvents resident_events = {on_reply, on_lost};

HgResidents *hg_residents_new(HgWorker *worker)
{
    HgResidents *residents = g_new0(HgResidents, 1);
    residents->worker = worker;
    residents->all = g_hash_table_new(NULL, NULL);
    return residents;
}

void hg_residents_free(HgResidents *residents)
{
    if (residents == NULL)
        return;
    g_assert(g_hash_table_size(residents->all) == 0);
    g_hash_table_destroy(residents->all);
    g_free(residents);
}

static HgRecorder *recorder_of(const Resident *resident)
{
    return hg_gateway_options(hg_worker_gateway(resident->residents->worker))->recorder;
}

static void log_end(Resident *resident, HgLogLevel level, const char *event, const char *why)
{
    HgSession *session = resident->session;
    hg_log(hg_gateway_log(hg_worker_gateway(resident->residents->worker)), level, event,
           hg_log_text("user", hg_principal_name(hg_session_principal(session))),
           hg_log_text("endpoint", hg_endpoint_name(hg_session_endpoint(session))),
           hg_log_text("why", why));
}

/* Gives the session's place in the quota back, once: when it is closed, or lost, as its client may
 * never close it then. Any worker's thread. */
static void count_out(HgSession *session)
{
    HgGateway *gateway = hg_worker_gateway(hg_session_worker(session));
    if (hg_session_count_out(session))
        hg_admission_give(gateway, hg_session_effective_user(session),
                          &hg_session_origin(session)->address);
}

/* Takes it out of the books, without its connection. */
static void free_resident(Resident *resident)
{
    HgResidents *residents = resident->residents;
    g_assert(resident->backend == NULL);
    g_hash_table_remove(residents->all, resident->session);
    hg_timer_stop(hg_worker_loop(residents->worker), &resident->timer);
    count_out(resident->session);
    hg_session_unref(resident->session);
    g_free(resident);
    hg_worker_resident_ended(residents->worker);
}

/* Closes the session on its endpoint. */
static void end_session(Resident *resident, const char *why)
{
    HgWorker *worker = resident->residents->worker;
    HgSession *session = resident->session;
    gboolean open = hg_session_state(session) == HG_SESSION_OPEN;
    gboolean ended = hg_session_end(session);
    if (open && ended) /* of one that was lost the end is on record */
        hg_recorder_note_session_over(recorder_of(resident), session, why);
    if (ended)
        log_end(resident, HG_LOG_INFO, "session_closed", why);
    HgDirectory *directory = hg_gateway_directory(hg_worker_gateway(worker));
    GPtrArray *operations = hg_directory_remove_session(directory, session);
    HgBackend *backend = g_steal_pointer(&resident->backend);
    if (open)
        hg_closer_start(worker, session, backend, operations);
    else
        g_ptr_array_unref(operations);
    if (!open)
        hg_backend_close(backend);
    free_resident(resident);
}

/* ---- while the connection is here ---- */

/* The answer to a call whose client has left: nobody will ever name an operation that it has
 * begun. */
static HgFlow on_reply(void *owner, HgReplyPiece *piece)
{
    Resident *resident = owner;
    gboolean sent = FALSE;
    if (hg_orphan_close(resident->backend, piece, &sent) && !sent)
        log_end(resident, HG_LOG_WARN, "operation_not_closed", HG_AT_CEILING);
    return HG_FLOW_GO;
}

/* The connection is gone, and the session with it: the server closes it. What the client asks of it
 * from now on gets the reason, until it closes the session or that has been idle for long. */
static void lose(Resident *resident, const char *detail)
{
    const char *endpoint = hg_endpoint_name(hg_session_endpoint(resident->session));
    g_autofree char *why = g_strdup_printf("endpoint %s: %s", endpoint, detail);
    if (!hg_session_lose(resident->session, why))
        return;
    hg_recorder_note_ends(resident->session, HG_AUDIT_STATEMENT_UNKNOWN, why);
    hg_recorder_note_session_over(recorder_of(resident), resident->session, why);
    log_end(resident, HG_LOG_WARN, "session_lost", detail);
}

static void on_lost(void *owner, HgLoss loss, const char *detail)
{
    Resident *resident = owner;
    gboolean lost = hg_backend_holds_session(resident->backend);
    hg_backend_close(resident->backend);
    resident->backend = NULL;
    if (lost) {
        lose(resident, detail);
        note_loss(resident);
    }
}

/* ---- idle sessions ---- */

/* How long nothing may be asked of the session, in ms; 0: for ever. */
static guint idle_limit(const Resident *resident)
{
    guint limit = hg_gateway_options(hg_worker_gateway(resident->residents->worker))->session_idle;
    if (hg_session_state(resident->session) == HG_SESSION_OPEN)
        return limit;
    return limit > 0 ? MIN(limit, LOST_KEPT) : LOST_KEPT;
}

/* The session is lost, here or by whom its connection was lent to. */
static void note_loss(Resident *resident)
{
    count_out(resident->session);
    hg_timer_start(hg_worker_loop(resident->residents->worker), &resident->timer,
                   idle_limit(resident));
}

static void on_timer(HgTimer *timer)
{
    Resident *resident = HG_CONTAINER_OF(timer, Resident, timer);
    HgLoop *loop = hg_worker_loop(resident->residents->worker);
    guint limit = idle_limit(resident);
    gint64 idle = hg_session_idle_ms(resident->session);
    if (idle >= limit && !resident->lent)
        end_session(resident, "nothing was asked of it for long (limits: session_idle)");
    else
        hg_timer_start(loop, timer, idle >= limit ? limit : limit - (guint)idle);
}

/* ---- what the worker's clients ask ---- */

void hg_residents_add(HgResidents *residents, HgSession *session, HgBackend *take_backend)
{
    Resident *resident = g_new0(Resident, 1);
    resident->residents = residents;
    resident->session = hg_session_ref(session);
    resident->backend = take_backend;
    hg_backend_set_owner(take_backend, &resident_events, resident);
    hg_timer_init(&resident->timer, on_timer);
    if (idle_limit(resident) > 0)
        hg_timer_start(hg_worker_loop(residents->worker), &resident->timer, idle_limit(resident));
    g_hash_table_insert(residents->all, session, resident);
    hg_worker_resident_began(residents->worker);
}

HgBackend *hg_residents_borrow(HgResidents *residents, HgSession *session,
                               const HgBackendEvents *events, void *owner)
{
    Resident *resident = g_hash_table_lookup(residents->all, session);
    if (resident == NULL || resident->backend == NULL || !hg_backend_is_free(resident->backend))
        return NULL;
    resident->lent = TRUE;
    HgBackend *backend = g_steal_pointer(&resident->backend);
    hg_backend_set_owner(backend, events, owner);
    return backend;
}

void hg_residents_return(HgResidents *residents, HgSession *session, HgBackend *take_backend)
{
    Resident *resident = g_hash_table_lookup(residents->all, session);
    if (resident == NULL) { /* it was forgotten meanwhile */
        hg_backend_close(take_backend);
        return;
    }
    resident->lent = FALSE;
    resident->backend = take_backend;
    if (take_backend == NULL) { /* whoever had it has lost it */
        if (hg_session_state(session) == HG_SESSION_LOST)
            note_loss(resident);
        return;
    }
    if (hg_session_state(session) == HG_SESSION_LOST) { /* it was killed meanwhile */
        resident->backend = NULL;
        hg_backend_close(take_backend);
        note_loss(resident);
        return;
    }
    hg_backend_set_owner(take_backend, &resident_events, resident);
    hg_backend_resume(take_backend);
}

gboolean hg_residents_kill(HgResidents *residents, HgSession *session, const char *why)
{
    Resident *resident = g_hash_table_lookup(residents->all, session);
    if (resident == NULL || !hg_session_lose(session, why))
        return FALSE;
    hg_recorder_note_ends(session, HG_AUDIT_STATEMENT_CANCELLED, why);
    hg_recorder_note_session_over(recorder_of(resident), session, why);
    log_end(resident, HG_LOG_INFO, "session_killed", why);
    hg_closer_start(residents->worker, session, g_steal_pointer(&resident->backend),
                    hg_session_operations(session));
    note_loss(resident);
    return TRUE;
}

static void forget(HgResidents *residents, HgSession *session)
{
    Resident *resident = g_hash_table_lookup(residents->all, session);
    if (resident == NULL)
        return;
    HgBackend *backend = g_steal_pointer(&resident->backend);
    if (backend != NULL && hg_backend_is_free(backend))
        hg_backend_cache_put(hg_worker_backend_cache(residents->worker), backend);
    else
        hg_backend_close(backend);
    free_resident(resident);
}

typedef struct {
    HgTask task;
    HgSession *session;
} Forget;

static void run_forget(HgTask *task)
{
    Forget *order = (Forget *)(void *)task;
    forget(hg_worker_residents(hg_session_worker(order->session)), order->session);
    hg_session_unref(order->session);
    g_free(order);
}

void hg_residents_forget(HgSession *session)
{
    HgWorker *worker = hg_session_worker(session);
    if (worker == NULL)
        return;
    count_out(session); /* at once: its client may open the next one before the worker looks */
    Forget *order = g_new0(Forget, 1);
    order->task.run = run_forget;
    order->session = hg_session_ref(session);
    if (hg_loop_post(hg_worker_loop(worker), &order->task))
        return;
    hg_session_unref(session); /* the worker has ended: so have its residents */
    g_free(order);
}

guint hg_residents_work(HgResidents *residents)
{
    GHashTableIter iter;
    gpointer session;
    guint count = 0;
    g_hash_table_iter_init(&iter, residents->all);
    while (g_hash_table_iter_next(&iter, &session, NULL))
        count += hg_session_work(session);
    return count;
}

void hg_residents_end(HgResidents *residents, const char *why)
{
    GList *all = g_hash_table_get_values(residents->all);
    for (GList *link = all; link != NULL; link = link->next)
        end_session(link->data, why);
    g_list_free(all);
}
