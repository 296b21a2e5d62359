/* The keeper of time limits: see keeper.h. Owns a note about each endpoint that is being drained,
 * with a reference to it. Worker's thread only, but for check_waits(), which runs on each worker.
 */
#include "proxy/keeper.h"

#include "base/container.h"
#include "net/timer.h"
#include "proxy/client.h"
#include "proxy/control.h"
#include "proxy/kill.h"
#include "proxy/worker.h"

#define LOOK_EVERY  500  /* ms */
#define AGAIN_AFTER 5000 /* ms until sessions that are still there are ended again */

#define DRAINED_WHY  "its server is being taken out of service"
#define RUN_TIME_WHY "a statement ran longer than statements may (limits: run_time)"
#define RUN_TIME_TEXT                                                                              \
    "hivegate: this statement ran longer than statements may (limits: run_time) and was "          \
    "cancelled; ask for less, or ask in parts."

/* An endpoint that is being drained. */
typedef struct {
    HgEndpoint *endpoint;
    guint64 due;    /* ms of the loop's clock: when its sessions are ended (next); 0: never */
    guint look;     /* the last one in which it was seen */
    gboolean empty; /* that was said */
} Draining;

struct HgKeeper {
    HgWorker *worker;
    GHashTable *draining; /* HgEndpoint -> Draining */
    guint look;
    HgTimer timer;
};

static HgGateway *gateway_of(const HgKeeper *keeper)
{
    return hg_worker_gateway(keeper->worker);
}

/* ---- endpoints that are being drained ---- */

static void free_draining(gpointer data)
{
    Draining *draining = data;
    hg_endpoint_unref(draining->endpoint);
    g_free(draining);
}

static void say_empty(HgKeeper *keeper, Draining *draining)
{
    const HgEndpoint *endpoint = draining->endpoint;
    if (draining->empty)
        return;
    draining->empty = TRUE;
    hg_log(hg_gateway_log(gateway_of(keeper)), HG_LOG_INFO, "endpoint_empty",
           hg_log_text("pool", hg_pool_name(hg_endpoint_pool(endpoint))),
           hg_log_text("endpoint", hg_endpoint_name(endpoint)),
           hg_log_text("state", hg_endpoint_state_name(hg_endpoint_state(endpoint))));
}

static void end_sessions(HgKeeper *keeper, const Draining *draining)
{
    HgGateway *gateway = gateway_of(keeper);
    g_autoptr(GPtrArray) sessions = hg_directory_sessions(hg_gateway_directory(gateway));
    for (guint i = 0; i < sessions->len; i++) {
        HgSession *session = g_ptr_array_index(sessions, i);
        if (hg_session_endpoint(session) == draining->endpoint &&
            hg_session_state(session) == HG_SESSION_OPEN)
            hg_kill_session_because(gateway, session, DRAINED_WHY);
    }
}

static guint64 due_from(const HgEndpoint *endpoint, guint64 now)
{
    guint patience = hg_pool_options(endpoint)->drain_timeout;
    return patience > 0 ? now + patience : 0;
}

static Draining *note_of(HgKeeper *keeper, HgEndpoint *endpoint, guint64 now)
{
    Draining *draining = g_hash_table_lookup(keeper->draining, endpoint);
    if (draining != NULL)
        return draining;
    draining = g_new0(Draining, 1);
    draining->endpoint = hg_endpoint_ref(endpoint);
    draining->due = due_from(endpoint, now);
    g_hash_table_insert(keeper->draining, endpoint, draining);
    return draining;
}

static void look_at(HgKeeper *keeper, HgEndpoint *endpoint, guint64 now)
{
    Draining *draining = note_of(keeper, endpoint, now);
    draining->look = keeper->look;
    if (hg_endpoint_sessions(endpoint) == 0) {
        say_empty(keeper, draining);
        draining->due =
            due_from(endpoint, now); /* whoever comes after an undraining has all of it */
        return;
    }
    draining->empty = FALSE;
    if (draining->due != 0 && now >= draining->due) {
        draining->due = now + AGAIN_AFTER;
        end_sessions(keeper, draining);
    }
}

/* Forgets one that takes sessions again, or is gone with its last session. */
static gboolean is_over(gpointer endpoint, gpointer value, gpointer data)
{
    HgKeeper *keeper = data;
    Draining *draining = value;
    if (draining->look == keeper->look)
        return FALSE;
    if (hg_endpoint_is_leaving(endpoint) && hg_endpoint_sessions(endpoint) == 0)
        say_empty(keeper, draining);
    return TRUE;
}

static void look_at_endpoints(HgKeeper *keeper, guint64 now)
{
    HgGateway *gateway = gateway_of(keeper);
    keeper->look++;
    for (guint i = 0; i < hg_gateway_pools(gateway); i++) {
        g_autoptr(GPtrArray) leaving = hg_pool_leaving(hg_gateway_pool_at(gateway, i));
        for (guint k = 0; k < leaving->len; k++)
            look_at(keeper, g_ptr_array_index(leaving, k), now);
    }
    g_hash_table_foreach_remove(keeper->draining, is_over, keeper);
}

/* ---- statements ---- */

/* Statements that have no handle yet can only be ended with their session. */
static void check_waits(HgWorker *worker, void *data)
{
    const gint64 *oldest = data;
    g_autoptr(GList) clients = hg_worker_clients(worker);
    for (GList *link = clients; link != NULL; link = link->next) {
        HgClientWait wait;
        if (!hg_client_waits(link->data, &wait))
            continue;
        if (wait.statement != NULL && wait.began_us < *oldest)
            hg_kill_session_because(hg_worker_gateway(worker), wait.session, RUN_TIME_WHY);
        hg_client_wait_clear(&wait);
    }
}

static void look_at_statements(HgKeeper *keeper)
{
    HgGateway *gateway = gateway_of(keeper);
    guint run_time = hg_gateway_options(gateway)->run_time;
    if (run_time == 0)
        return;
    gint64 oldest = g_get_monotonic_time() - (gint64)run_time * 1000;
    g_autoptr(GPtrArray) operations = hg_directory_operations(hg_gateway_directory(gateway));
    for (guint i = 0; i < operations->len; i++) {
        HgOperation *operation = g_ptr_array_index(operations, i);
        if (hg_operation_statement(operation) != NULL && !hg_operation_has_ended(operation) &&
            hg_operation_began_us(operation) < oldest)
            (void)hg_kill_operation_because(gateway, operation, RUN_TIME_TEXT, RUN_TIME_WHY);
    }
    (void)hg_control_ask(gateway, check_waits, g_memdup2(&oldest, sizeof oldest), g_free, 0);
}

/* ---- the whole ---- */

static void on_timer(HgTimer *timer)
{
    HgKeeper *keeper = HG_CONTAINER_OF(timer, HgKeeper, timer);
    HgLoop *loop = hg_worker_loop(keeper->worker);
    look_at_endpoints(keeper, hg_loop_now(loop));
    look_at_statements(keeper);
    hg_timer_start(loop, timer, LOOK_EVERY);
}

HgKeeper *hg_keeper_new(HgWorker *worker)
{
    HgKeeper *keeper = g_new0(HgKeeper, 1);
    keeper->worker = worker;
    keeper->draining = g_hash_table_new_full(NULL, NULL, NULL, free_draining);
    hg_timer_init(&keeper->timer, on_timer);
    return keeper;
}

void hg_keeper_start(HgKeeper *keeper)
{
    hg_timer_start(hg_worker_loop(keeper->worker), &keeper->timer, LOOK_EVERY);
}

void hg_keeper_stop(HgKeeper *keeper)
{
    hg_timer_stop(hg_worker_loop(keeper->worker), &keeper->timer);
}

void hg_keeper_free(HgKeeper *keeper)
{
    if (keeper == NULL)
        return;
    g_hash_table_unref(keeper->draining);
    g_free(keeper);
}
