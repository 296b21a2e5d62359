/* Sessions and operations: see session.h. A session holds references to its principal; an operation
 * holds one to its session; the session's list of operations holds none (the directory does). Any
 * thread; the list and the reason of a loss are under the session's lock. */
#include "proxy/session.h"

#include "hs2/reply.h"
#include "proxy/recorder.h"
#include "proxy/statement_trace.h"

#include <pthread.h>
#include <stdatomic.h>

/* Without a call for so long (ms), nobody waits for a session's statements. */
#define FORSAKEN 10000

struct HgOperation {
    atomic_uint references;
    atomic_int state; /* HgOperationState */
    atomic_bool fetched;
    atomic_bool end_taken;
    atomic_bool cancel_taken;
    _Atomic(const char *) kill_text;
    gint32 type;
    gint64 began_us;
    char *statement; /* its beginning; NULL */
    _Atomic(HgStatementRecord *) record;
    HgStatementTrace *trace;
    HgSession *session;
    HgOperationPolicy policy; /* with references to the version and the tables */
    HgHandle handle;
    HgHandle backend;
    HgOperation *next; /* in the session's list; both under its lock */
    HgOperation *previous;
    gboolean linked;
};

struct HgSession {
    atomic_uint references;
    atomic_int state;
    HgHandle handle;
    HgHandle backend;
    HgEndpoint *endpoint;
    HgPrincipal *principal;
    char *effective_user;
    char *asked_user; /* NULL: as the effective one */
    guint64 home;
    HgWorker *worker;     /* NULL: ends with its home */
    atomic_bool in_quota; /* by itself, as it has a worker and no home lease */
    atomic_uint calls;
    atomic_llong used_at; /* ms of the monotonic clock */
    HgDialect dialect;
    HgSessionOrigin origin;
    HgSessionPolicy *policy; /* NULL: none are configured */
    pthread_mutex_t lock;
    HgOperation *operations;
    char *lost_why;
    char *database;
    HgTraceContext *trace; /* NULL: none */
    atomic_bool counted;   /* on the endpoint */
};

HgSession *hg_session_new(HgPrincipal *principal, const char *effective_user, HgEndpoint *endpoint,
                          const HgHandle *backend, guint64 home)
{
    HgSession *session = g_new0(HgSession, 1);
    atomic_init(&session->references, 1);
    atomic_init(&session->state, HG_SESSION_OPEN);
    atomic_init(&session->counted, TRUE);
    hg_handle_random(&session->handle);
    session->backend = *backend;
    session->endpoint = hg_endpoint_ref(endpoint);
    session->principal = hg_principal_ref(principal);
    session->effective_user = g_strdup(effective_user);
    session->home = home;
    atomic_init(&session->used_at, g_get_monotonic_time() / 1000);
    pthread_mutex_init(&session->lock, NULL);
    return session;
}

HgSession *hg_session_ref(HgSession *session)
{
    atomic_fetch_add_explicit(&session->references, 1, memory_order_relaxed);
    return session;
}

static void give_back(HgSession *session)
{
    if (atomic_exchange(&session->counted, FALSE))
        hg_endpoint_release(session->endpoint);
}

void hg_session_unref(HgSession *session)
{
    if (session == NULL ||
        atomic_fetch_sub_explicit(&session->references, 1, memory_order_acq_rel) != 1)
        return;
    give_back(session);
    hg_endpoint_unref(session->endpoint);
    hg_principal_unref(session->principal);
    hg_session_policy_free(session->policy);
    pthread_mutex_destroy(&session->lock);
    g_free(session->effective_user);
    g_free(session->asked_user);
    g_free(session->lost_why);
    g_free(session->database);
    g_free(session->trace);
    g_free(session);
}

const HgHandle *hg_session_handle(const HgSession *session)
{
    return &session->handle;
}

const HgHandle *hg_session_backend_handle(const HgSession *session)
{
    return &session->backend;
}

HgEndpoint *hg_session_endpoint(const HgSession *session)
{
    return session->endpoint;
}

HgPrincipal *hg_session_principal(const HgSession *session)
{
    return session->principal;
}

const char *hg_session_effective_user(const HgSession *session)
{
    return session->effective_user;
}

void hg_session_set_asked_user(HgSession *session, const char *asked_user)
{
    session->asked_user = g_strdup(asked_user);
}

gboolean hg_session_runs_as(const HgSession *session, const char *name)
{
    return strcmp(session->effective_user, name) == 0 || g_strcmp0(session->asked_user, name) == 0;
}

guint64 hg_session_home(const HgSession *session)
{
    return session->home;
}

void hg_session_set_worker(HgSession *session, HgWorker *worker)
{
    session->worker = worker;
    atomic_store_explicit(&session->in_quota, TRUE, memory_order_release);
}

gboolean hg_session_count_out(HgSession *session)
{
    return atomic_exchange_explicit(&session->in_quota, FALSE, memory_order_acq_rel);
}

HgWorker *hg_session_worker(const HgSession *session)
{
    return session->worker;
}

static gint64 now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

void hg_session_begin_call(HgSession *session)
{
    atomic_fetch_add_explicit(&session->calls, 1, memory_order_relaxed);
}

void hg_session_end_call(HgSession *session)
{
    atomic_store_explicit(&session->used_at, now_ms(), memory_order_relaxed);
    atomic_fetch_sub_explicit(&session->calls, 1, memory_order_release);
}

gboolean hg_session_is_busy(const HgSession *session)
{
    return atomic_load_explicit(&session->calls, memory_order_acquire) > 0;
}

gint64 hg_session_idle_ms(const HgSession *session)
{
    if (hg_session_is_busy(session))
        return 0;
    return now_ms() - atomic_load_explicit(&session->used_at, memory_order_relaxed);
}

void hg_session_set_origin(HgSession *session, const HgSessionOrigin *origin)
{
    session->origin = *origin;
}

const HgSessionOrigin *hg_session_origin(const HgSession *session)
{
    return &session->origin;
}

void hg_session_set_dialect(HgSession *session, HgDialect dialect)
{
    session->dialect = dialect;
}

const HgDialect *hg_session_dialect(const HgSession *session)
{
    return &session->dialect;
}

void hg_session_set_trace(HgSession *session, const HgTraceContext *trace)
{
    session->trace = g_memdup2(trace, sizeof *trace);
}

const HgTraceContext *hg_session_trace(const HgSession *session)
{
    return session->trace;
}

char *hg_session_dup_database(HgSession *session)
{
    pthread_mutex_lock(&session->lock);
    char *copy = g_strdup(session->database);
    pthread_mutex_unlock(&session->lock);
    return copy;
}

void hg_session_set_database(HgSession *session, const char *database)
{
    pthread_mutex_lock(&session->lock);
    g_free(session->database);
    session->database = g_strdup(database);
    pthread_mutex_unlock(&session->lock);
}

void hg_session_set_policy(HgSession *session, HgSessionPolicy *take_policy)
{
    session->policy = take_policy;
}

HgSessionPolicy *hg_session_policy(const HgSession *session)
{
    return session->policy;
}

HgSessionState hg_session_state(const HgSession *session)
{
    return (HgSessionState)atomic_load_explicit(&session->state, memory_order_acquire);
}

gboolean hg_session_lose(HgSession *session, const char *why)
{
    pthread_mutex_lock(&session->lock);
    int expected = HG_SESSION_OPEN;
    gboolean lost = atomic_compare_exchange_strong(&session->state, &expected, HG_SESSION_LOST);
    if (lost)
        session->lost_why = g_strdup(why);
    pthread_mutex_unlock(&session->lock);
    if (lost)
        give_back(session);
    return lost;
}

gboolean hg_session_end(HgSession *session)
{
    int before = atomic_exchange_explicit(&session->state, HG_SESSION_CLOSED, memory_order_acq_rel);
    give_back(session);
    return before != HG_SESSION_CLOSED;
}

char *hg_session_lost_why(HgSession *session)
{
    pthread_mutex_lock(&session->lock);
    char *why = g_strdup(session->lost_why);
    pthread_mutex_unlock(&session->lock);
    return why;
}

HgOperation *hg_operation_new(HgSession *session, const HgHandle *backend, gint32 type,
                              gint64 began_us, char *take_statement)
{
    HgOperation *operation = g_new0(HgOperation, 1);
    atomic_init(&operation->references, 1);
    atomic_init(&operation->state, HG_OPERATION_RUNNING);
    operation->type = type;
    operation->began_us = began_us;
    operation->statement = take_statement;
    operation->session = hg_session_ref(session);
    operation->backend = *backend;
    hg_handle_random(&operation->handle);
    if (type == HG_OPERATION_EXECUTE_STATEMENT)
        hg_endpoint_operation_began(session->endpoint);
    pthread_mutex_lock(&session->lock);
    operation->next = session->operations;
    if (operation->next != NULL)
        operation->next->previous = operation;
    session->operations = operation;
    operation->linked = TRUE;
    pthread_mutex_unlock(&session->lock);
    return operation;
}

HgOperation *hg_operation_ref(HgOperation *operation)
{
    atomic_fetch_add_explicit(&operation->references, 1, memory_order_relaxed);
    return operation;
}

void hg_operation_unref(HgOperation *operation)
{
    if (operation == NULL ||
        atomic_fetch_sub_explicit(&operation->references, 1, memory_order_acq_rel) != 1)
        return;
    (void)hg_operation_end(operation, HG_OPERATION_CLOSED); /* so that it isn't counted any more */
    hg_operation_unlink(operation);
    hg_statement_record_free(hg_operation_record(operation));
    hg_statement_trace_free(operation->trace);
    hg_session_unref(operation->session);
    hg_policy_version_unref(operation->policy.version);
    g_clear_pointer(&operation->policy.tables, g_ptr_array_unref);
    g_free(operation->statement);
    g_free(operation);
}

const HgHandle *hg_operation_handle(const HgOperation *operation)
{
    return &operation->handle;
}

const HgHandle *hg_operation_backend_handle(const HgOperation *operation)
{
    return &operation->backend;
}

HgSession *hg_operation_session(const HgOperation *operation)
{
    return operation->session;
}

gint32 hg_operation_type(const HgOperation *operation)
{
    return operation->type;
}

gboolean hg_operation_end(HgOperation *operation, HgOperationState state)
{
    int running = HG_OPERATION_RUNNING;
    if (hg_operation_has_ended(operation)) /* the usual case of a fetch: no locked instruction */
        return FALSE;
    gboolean ended = atomic_compare_exchange_strong(&operation->state, &running, (int)state);
    if (ended && operation->type == HG_OPERATION_EXECUTE_STATEMENT)
        hg_endpoint_operation_ended(operation->session->endpoint);
    return ended;
}

HgOperationState hg_operation_state(const HgOperation *operation)
{
    return (HgOperationState)atomic_load_explicit(&operation->state, memory_order_relaxed);
}

gboolean hg_operation_has_ended(const HgOperation *operation)
{
    return hg_operation_state(operation) != HG_OPERATION_RUNNING;
}

void hg_operation_set_kill_text(HgOperation *operation, const char *text)
{
    atomic_store_explicit(&operation->kill_text, text, memory_order_relaxed);
}

const char *hg_operation_kill_text(const HgOperation *operation)
{
    return atomic_load_explicit(&operation->kill_text, memory_order_relaxed);
}

gint64 hg_operation_began_us(const HgOperation *operation)
{
    return operation->began_us;
}

const char *hg_operation_statement(const HgOperation *operation)
{
    return operation->statement;
}

void hg_operation_set_record(HgOperation *operation, HgStatementRecord *take_record)
{
    atomic_store_explicit(&operation->record, take_record, memory_order_release);
}

void hg_operation_set_trace(HgOperation *operation, HgStatementTrace *take_trace)
{
    operation->trace = take_trace;
}

HgStatementTrace *hg_operation_trace(const HgOperation *operation)
{
    return operation->trace;
}

HgStatementRecord *hg_operation_record(const HgOperation *operation)
{
    return atomic_load_explicit(&operation->record, memory_order_acquire);
}

void hg_operation_set_policy(HgOperation *operation, const HgOperationPolicy *policy)
{
    operation->policy = *policy;
    if (policy->version != NULL)
        hg_policy_version_ref(policy->version);
    if (policy->tables != NULL)
        g_ptr_array_ref(policy->tables);
}

const HgOperationPolicy *hg_operation_policy(const HgOperation *operation)
{
    return &operation->policy;
}

/* TRUE for whoever comes first. */
static gboolean take(atomic_bool *taken)
{
    return !atomic_load_explicit(taken, memory_order_relaxed) &&
           !atomic_exchange_explicit(taken, TRUE, memory_order_relaxed);
}

gboolean hg_operation_take_end(HgOperation *operation)
{
    return take(&operation->end_taken);
}

gboolean hg_operation_take_cancel(HgOperation *operation)
{
    return take(&operation->cancel_taken);
}

gboolean hg_operation_take_first_fetch(HgOperation *operation, gint64 *began_us)
{
    if (operation->type != HG_OPERATION_EXECUTE_STATEMENT ||
        atomic_load_explicit(&operation->fetched, memory_order_relaxed) ||
        atomic_exchange_explicit(&operation->fetched, TRUE, memory_order_relaxed))
        return FALSE;
    *began_us = operation->began_us;
    return TRUE;
}

/* With the session's lock held. */
static void unlink_locked(HgOperation *operation)
{
    if (!operation->linked)
        return;
    if (operation->previous != NULL)
        operation->previous->next = operation->next;
    else
        operation->session->operations = operation->next;
    if (operation->next != NULL)
        operation->next->previous = operation->previous;
    operation->next = operation->previous = NULL;
    operation->linked = FALSE;
}

void hg_operation_unlink(HgOperation *operation)
{
    pthread_mutex_lock(&operation->session->lock);
    unlink_locked(operation);
    pthread_mutex_unlock(&operation->session->lock);
}

/* References an operation of the list, with its lock held. One whose last reference is going just
 * now has unlinked itself under this lock, or waits for it: then its count is 0 and it must not be
 * revived, and this is FALSE. */
static gboolean ref_listed(HgOperation *operation)
{
    guint count = atomic_load(&operation->references);
    while (count != 0 && !atomic_compare_exchange_weak(&operation->references, &count, count + 1))
        ;
    return count != 0;
}

GPtrArray *hg_session_operations(HgSession *session)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)hg_operation_unref);
    pthread_mutex_lock(&session->lock);
    for (HgOperation *operation = session->operations; operation != NULL;
         operation = operation->next)
        if (ref_listed(operation))
            g_ptr_array_add(all, operation);
    pthread_mutex_unlock(&session->lock);
    return all;
}

GPtrArray *hg_session_take_operations(HgSession *session)
{
    GPtrArray *taken = g_ptr_array_new_with_free_func((GDestroyNotify)hg_operation_unref);
    pthread_mutex_lock(&session->lock);
    while (session->operations != NULL) {
        HgOperation *operation = session->operations;
        gboolean lives = ref_listed(operation);
        unlink_locked(operation);
        if (lives)
            g_ptr_array_add(taken, operation);
    }
    pthread_mutex_unlock(&session->lock);
    return taken;
}

guint hg_session_statements(HgSession *session)
{
    guint count = 0;
    pthread_mutex_lock(&session->lock);
    for (HgOperation *operation = session->operations; operation != NULL;
         operation = operation->next)
        count += operation->type == HG_OPERATION_EXECUTE_STATEMENT;
    pthread_mutex_unlock(&session->lock);
    return count;
}

guint hg_session_work(HgSession *session)
{
    if (hg_session_state(session) != HG_SESSION_OPEN || hg_session_idle_ms(session) > FORSAKEN)
        return 0;
    return hg_session_statements(session) + (hg_session_is_busy(session) ? 1 : 0);
}
