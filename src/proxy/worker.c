/* One worker thread and its books: see worker.h. Owns the loop, the scratch memory, the cache of
 * idle backend connections, and, through them, its client connections. */
#include "proxy/worker.h"

#include "base/container.h"
#include "base/error.h"
#include "net/timer.h"
#include "proxy/client.h"
#include "proxy/keeper.h"
#include "proxy/prober.h"
#include "proxy/resident.h"
#include "proxy/schema_fetch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define DRAIN_TICK    250 /* ms between looks at what still runs */
#define ID_BITS       48  /* of a client's id that are the worker's to count */
#define MEASURE_EVERY 16  /* calls, of which one is measured: a look at the clock isn't free */

struct HgWorker {
    HgGateway *gateway;
    HgLoop *loop;
    pthread_t thread;
    gboolean started;
    HgBackendContext context;
    guint8 *scratch;
    HgBackendCache *cache;
    HgResidents *residents;
    HgSchemaFetches *fetches; /* NULL: no policies are configured */
    HgKeeper *keeper;         /* of the first worker; NULL: it is another's */
    HgProber *prober;    /* of the first worker; NULL: it is another's, or there are no probes */
    GHashTable *clients; /* id -> HgClient */
    guint64 next_id;
    atomic_uint load;
    guint closers;
    guint resident_sessions;
    guint measure_turn;
    gboolean draining;
    guint64 drain_until; /* by the loop's clock */
    guint work_left;     /* of all sessions over HTTP, at the last look */
    HgTimer drain_timer;
};

static void *run(void *data)
{
    HgWorker *worker = data;
    if (worker->keeper != NULL)
        hg_keeper_start(worker->keeper);
    if (worker->prober != NULL)
        hg_prober_start(worker->prober);
    hg_loop_run(worker->loop);
    return NULL;
}

static void on_drain_timer(HgTimer *timer);

static gboolean has_probes(const HgProxyOptions *options)
{
    for (guint i = 0; i < options->n_pools; i++)
        if (options->pools[i].probe_interval > 0)
            return TRUE;
    return FALSE;
}

HgWorker *hg_worker_new(HgGateway *gateway, guint index, GError **error)
{
    HgWorker *worker = g_new0(HgWorker, 1);
    worker->gateway = gateway;
    worker->loop = hg_loop_new(error);
    if (worker->loop == NULL) {
        g_free(worker);
        return NULL;
    }
    worker->scratch = g_malloc0(HG_SCRATCH_SIZE); /* touched now, so that memory use is steady */
    worker->context = (HgBackendContext){
        .loop = worker->loop,
        .scratch = worker->scratch,
        .budget = hg_gateway_budget(gateway),
        .options = hg_gateway_options(gateway),
        .metrics = hg_metrics_shard(hg_gateway_options(gateway)->metrics, index)};
    worker->cache = hg_backend_cache_new(&worker->context);
    worker->residents = hg_residents_new(worker);
    if (worker->context.options->policies != NULL)
        worker->fetches = hg_schema_fetches_new(worker);
    if (index == 0)
        worker->keeper = hg_keeper_new(worker);
    if (index == 0 && has_probes(hg_gateway_options(gateway)))
        worker->prober = hg_prober_new(worker);
    worker->clients = g_hash_table_new(g_int64_hash, g_int64_equal);
    /* ids of different workers never meet: a session's home is known by it */
    worker->next_id = (guint64)index << ID_BITS;
    atomic_init(&worker->load, 0);
    hg_timer_init(&worker->drain_timer, on_drain_timer);
    int rc = pthread_create(&worker->thread, NULL, run, worker);
    if (rc != 0) {
        hg_error_set_errno(error, rc, "can't start a worker thread");
        hg_worker_free(worker);
        return NULL;
    }
    worker->started = TRUE;
    g_autofree char *name = g_strdup_printf("worker-%u", index); /* for top -H and the like */
    pthread_setname_np(worker->thread, name);
    return worker;
}

void hg_worker_join(HgWorker *worker)
{
    if (worker->started)
        pthread_join(worker->thread, NULL);
    worker->started = FALSE;
}

void hg_worker_free(HgWorker *worker)
{
    if (worker == NULL)
        return;
    hg_worker_join(worker);
    hg_backend_cache_free(worker->cache);
    hg_residents_free(worker->residents);
    hg_schema_fetches_free(worker->fetches);
    hg_prober_free(worker->prober);
    hg_keeper_free(worker->keeper);
    hg_loop_free(worker->loop);
    g_hash_table_destroy(worker->clients);
    g_free(worker->scratch);
    g_free(worker);
}

/* ---- clients ---- */

typedef struct {
    HgTask task;
    HgWorker *worker;
    guint listener;
    int fd;
} Gift;

static void receive(HgTask *task)
{
    Gift *gift = (Gift *)(void *)task;
    if (gift->worker->draining) {
        close(gift->fd);
        atomic_fetch_sub_explicit(&gift->worker->load, 1, memory_order_relaxed);
    } else {
        hg_client_start(gift->worker, gift->listener, gift->fd);
    }
    g_free(gift);
}

gboolean hg_worker_give(HgWorker *worker, guint listener, int take_fd)
{
    Gift *gift = g_new0(Gift, 1);
    gift->task.run = receive;
    gift->worker = worker;
    gift->listener = listener;
    gift->fd = take_fd;
    atomic_fetch_add_explicit(&worker->load, 1, memory_order_relaxed);
    if (hg_loop_post(worker->loop, &gift->task))
        return TRUE;
    atomic_fetch_sub_explicit(&worker->load, 1, memory_order_relaxed);
    g_free(gift);
    return FALSE;
}

guint hg_worker_load(const HgWorker *worker)
{
    return atomic_load_explicit(&worker->load, memory_order_relaxed);
}

void hg_worker_add_client(HgWorker *worker, HgClient *client, guint64 *id)
{
    *id = ++worker->next_id;
    g_hash_table_insert(worker->clients, id, client);
}

HgClient *hg_worker_find_client(HgWorker *worker, guint64 id)
{
    return g_hash_table_lookup(worker->clients, &id);
}

GList *hg_worker_clients(HgWorker *worker)
{
    return g_hash_table_get_values(worker->clients);
}

guint hg_worker_of_client(guint64 id)
{
    return (guint)(id >> ID_BITS);
}

/* ---- the end ---- */

/* Stops the loop when nothing is left to wait for: no client, no session of its own, and none that
 * is being closed (closers have a time limit of their own). */
static void maybe_stop(HgWorker *worker)
{
    if (!worker->draining || worker->closers > 0 || worker->resident_sessions > 0 ||
        g_hash_table_size(worker->clients) > 0)
        return;
    hg_timer_stop(worker->loop, &worker->drain_timer);
    g_clear_pointer(&worker->cache, hg_backend_cache_free);
    hg_loop_stop(worker->loop);
}

void hg_worker_remove_client(HgWorker *worker, guint64 id)
{
    g_hash_table_remove(worker->clients, &id);
    atomic_fetch_sub_explicit(&worker->load, 1, memory_order_relaxed);
    maybe_stop(worker);
}

static void for_each_client(HgWorker *worker, void (*what)(HgClient *client))
{
    GList *clients = hg_worker_clients(worker);
    for (GList *link = clients; link != NULL; link = link->next)
        what(link->data);
    g_list_free(clients);
}

/* What ends while the worker is stopping: clients without work, and, when no statement of them runs
 * any more, the sessions that live here. */
static void drain_more(HgWorker *worker)
{
    worker->work_left = hg_directory_resident_work(hg_gateway_directory(worker->gateway));
    if (hg_residents_work(worker->residents) == 0)
        hg_residents_end(worker->residents, "hivegate is stopping");
    for_each_client(worker, hg_client_drain);
}

static void on_drain_timer(HgTimer *timer)
{
    HgWorker *worker = HG_CONTAINER_OF(timer, HgWorker, drain_timer);
    worker->closers++; /* so that the loop isn't stopped in the middle of this */
    if (hg_loop_now(worker->loop) < worker->drain_until) {
        hg_timer_start(worker->loop, &worker->drain_timer, DRAIN_TICK);
        drain_more(worker);
    } else {
        hg_log(hg_gateway_log(worker->gateway), HG_LOG_WARN, "shutdown_timeout",
               hg_log_uint("clients", g_hash_table_size(worker->clients)));
        for_each_client(worker, hg_client_end);
        hg_residents_end(worker->residents, "hivegate is stopping");
    }
    hg_worker_closer_ended(worker);
}

typedef struct {
    HgTask task;
    HgWorker *worker;
} Drain;

static void drain(HgTask *task)
{
    Drain *order = (Drain *)(void *)task;
    HgWorker *worker = order->worker;
    g_free(order);
    guint patience = hg_gateway_options(worker->gateway)->shutdown_timeout;
    worker->draining = TRUE;
    worker->drain_until = hg_loop_now(worker->loop) + patience;
    hg_timer_start(worker->loop, &worker->drain_timer, MIN(DRAIN_TICK, patience));
    worker->closers++;
    if (worker->keeper != NULL)
        hg_keeper_stop(worker->keeper);
    if (worker->prober != NULL)
        hg_prober_stop(worker->prober);
    drain_more(worker);
    hg_worker_closer_ended(worker);
}

void hg_worker_drain(HgWorker *worker)
{
    Drain *order = g_new0(Drain, 1);
    order->task.run = drain;
    order->worker = worker;
    if (!hg_loop_post(worker->loop, &order->task))
        g_free(order);
}

HgSchemaFetches *hg_worker_schema_fetches(HgWorker *worker)
{
    return worker->fetches;
}

HgResidents *hg_worker_residents(HgWorker *worker)
{
    return worker->residents;
}

void hg_worker_resident_began(HgWorker *worker)
{
    worker->resident_sessions++;
}

void hg_worker_resident_ended(HgWorker *worker)
{
    worker->resident_sessions--;
    maybe_stop(worker);
}

void hg_worker_closer_started(HgWorker *worker)
{
    worker->closers++;
}

void hg_worker_closer_ended(HgWorker *worker)
{
    worker->closers--;
    maybe_stop(worker);
}

/* ---- what lives here asks ---- */

HgGateway *hg_worker_gateway(HgWorker *worker)
{
    return worker->gateway;
}

HgLoop *hg_worker_loop(HgWorker *worker)
{
    return worker->loop;
}

const HgBackendContext *hg_worker_backend_context(HgWorker *worker)
{
    return &worker->context;
}

HgBackendCache *hg_worker_backend_cache(HgWorker *worker)
{
    return worker->cache;
}

HgMetricsShard *hg_worker_metrics(HgWorker *worker)
{
    return worker->context.metrics;
}

gboolean hg_worker_measures(HgWorker *worker)
{
    return worker->measure_turn++ % MEASURE_EVERY == 0;
}

gboolean hg_worker_is_draining(const HgWorker *worker)
{
    return worker->draining;
}

guint hg_worker_work_left(const HgWorker *worker)
{
    return worker->work_left;
}

const char *hg_worker_login_name(const HgEndpoint *endpoint, const char *effective_user)
{
    const HgPoolOptions *pool = hg_pool_options(endpoint);
    return pool->login == HG_LOGIN_SERVICE ? pool->user : effective_user;
}

HgBackend *hg_worker_take_backend(HgWorker *worker, HgEndpoint *endpoint,
                                  const char *effective_user, const HgBackendEvents *events,
                                  void *owner, gboolean *kept)
{
    const char *name = hg_worker_login_name(endpoint, effective_user);
    HgBackend *backend = hg_backend_cache_take(worker->cache, endpoint, name, events, owner);
    *kept = backend != NULL;
    return backend != NULL ? backend
                           : hg_backend_new(&worker->context, endpoint, name, events, owner);
}
