/* What the workers share, and the acceptor's thread: see gateway.h. Owns directory, budget, job
 * threads, workers and acceptor. */
#include "proxy/gateway.h"

#include "base/error.h"
#include "net/acceptor.h"
#include "proxy/rate.h"
#include "proxy/worker.h"
#include "wire/sasl.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define REFUSED_LINES 100 /* log lines a second about refused requests */

struct HgGateway {
    const HgProxyOptions *options;
    HgPool *const *pools; /* options->n_pools */
    HgAuthenticator *authenticator;
    HgLog *log;
    HgDirectory *directory;
    HgQuota *quota;
    HgQuota *address_quota; /* NULL: no limit */
    HgRate *rate;           /* the acceptor's; NULL: no limit */
    HgRouting *routing;
    HgBudget budget;
    HgJobs *jobs;
    GPtrArray *workers;
    HgLoop *accept_loop;
    HgAcceptor *acceptor;
    pthread_t accept_thread;
    gboolean accepting; /* the thread has been started */
    atomic_bool stopping;
    HgLogLimit refused_limit;
    HgLogLimit full_limit;
    HgLogLimit rate_limit;
    HgLogLimit request_limit;
};

/* ---- accepting ---- */

/* Tells a client in SASL's words why it is turned away; as far as the socket's buffer goes. */
static void turn_away(const HgGateway *gateway, guint listener, int take_fd, const char *text)
{
    hg_metrics_add(hg_metrics_shared(gateway->options->metrics), HG_METRIC_CONNECTIONS_REFUSED, 0,
                   1);
    if (gateway->options->listeners[listener].sasl) {
        HgBuffer frame;
        hg_buffer_init(&frame, NULL);
        if (hg_sasl_write_frame(&frame, HG_SASL_ERROR, hg_slice_from_string(text)))
            (void)!send(take_fd, hg_buffer_data(&frame), hg_buffer_size(&frame),
                        MSG_NOSIGNAL | MSG_DONTWAIT);
        hg_buffer_clear(&frame);
    }
    close(take_fd);
}

/* TRUE when the socket's address makes more connections than it may. Balancers speak for many. */
static gboolean is_too_fast(HgGateway *gateway, guint listener, int fd)
{
    HgAddress address = {.size = sizeof address.storage};
    if (gateway->rate == NULL ||
        getpeername(fd, (struct sockaddr *)&address.storage, &address.size) != 0)
        return FALSE;
    HgPeerAddress peer = hg_peer_address_from_socket(&address);
    if (hg_networks_have(gateway->options->listeners[listener].balancers, &peer) ||
        hg_rate_take(gateway->rate, &peer, hg_loop_now(gateway->accept_loop)))
        return FALSE;
    hg_log_limited(gateway->log, &gateway->rate_limit, HG_LOG_WARN, "client_refused",
                   hg_log_text("why", "limits: connection_rate is reached"),
                   hg_log_peer("client", &peer));
    return TRUE;
}

static void on_accepted(void *owner, guint listener, int take_fd)
{
    HgGateway *gateway = owner;
    if (is_too_fast(gateway, listener, take_fd)) {
        turn_away(gateway, listener, take_fd,
                  "hivegate: your address makes connections too fast (limits: connection_rate); "
                  "keep them, or try again in a few seconds.");
        return;
    }
    HgWorker *best = NULL;
    guint total = 0;
    for (guint i = 0; i < gateway->workers->len; i++) {
        HgWorker *worker = g_ptr_array_index(gateway->workers, i);
        total += hg_worker_load(worker);
        if (best == NULL || hg_worker_load(worker) < hg_worker_load(best))
            best = worker;
    }
    if (gateway->options->connections > 0 && total >= gateway->options->connections) {
        hg_log_limited(gateway->log, &gateway->full_limit, HG_LOG_WARN, "client_refused",
                       hg_log_text("why", "limits: connections is reached"),
                       hg_log_uint("connections", total));
        turn_away(gateway, listener, take_fd,
                  "hivegate has too many client connections (limits: connections); try again.");
        return;
    }
    if (!hg_worker_give(best, listener, take_fd))
        close(take_fd);
}

static void on_refused(void *owner, guint listener, int errnum)
{
    HgGateway *gateway = owner;
    hg_metrics_add(hg_metrics_shared(gateway->options->metrics), HG_METRIC_CONNECTIONS_REFUSED, 0,
                   1);
    hg_log_limited(gateway->log, &gateway->refused_limit, HG_LOG_ERROR, "client_refused",
                   hg_log_text("listener", gateway->options->listeners[listener].name),
                   hg_log_text("why", g_strerror(errnum)));
}

static const HgAcceptorEvents acceptor_events = {on_accepted, on_refused};

static void *run_acceptor(void *data)
{
    HgGateway *gateway = data;
    hg_loop_run(gateway->accept_loop);
    return NULL;
}

static gboolean start_accepting(HgGateway *gateway, GError **error)
{
    int rc = pthread_create(&gateway->accept_thread, NULL, run_acceptor, gateway);
    if (rc != 0) {
        hg_error_set_errno(error, rc, "can't start the acceptor's thread");
        return FALSE;
    }
    gateway->accepting = TRUE;
    return TRUE;
}

/* ---- start ---- */

static gboolean start_workers(HgGateway *gateway, GError **error)
{
    for (guint i = 0; i < gateway->options->workers; i++) {
        HgWorker *worker = hg_worker_new(gateway, i, error);
        if (worker == NULL)
            return FALSE;
        g_ptr_array_add(gateway->workers, worker);
    }
    return TRUE;
}

HgGateway *hg_gateway_new(const HgProxyOptions *options, HgPool *const *pools,
                          HgAuthenticator *authenticator, HgLog *log, const int *take_fds,
                          GError **error)
{
    HgGateway *gateway = g_new0(HgGateway, 1);
    gateway->options = options;
    gateway->pools = pools;
    gateway->authenticator = authenticator;
    gateway->log = log;
    gateway->directory = hg_directory_new();
    gateway->quota = hg_quota_new(options->sessions, options->sessions_per_user);
    if (options->sessions_per_address > 0)
        gateway->address_quota = hg_quota_new(0, options->sessions_per_address);
    if (options->connection_rate > 0)
        gateway->rate = hg_rate_new(options->connection_rate);
    gateway->routing = hg_routing_new(options->routes, options->n_routes);
    gateway->workers = g_ptr_array_new();
    hg_budget_init(&gateway->budget, options->memory);
    hg_log_limit_init(&gateway->refused_limit, 1);
    hg_log_limit_init(&gateway->full_limit, 1);
    hg_log_limit_init(&gateway->rate_limit, 1);
    hg_log_limit_init(&gateway->request_limit, REFUSED_LINES);
    gateway->jobs = hg_jobs_new(options->job_threads, options->job_queue, error);
    gateway->accept_loop = gateway->jobs != NULL ? hg_loop_new(error) : NULL;
    if (gateway->accept_loop == NULL) {
        for (guint i = 0; i < options->n_listeners; i++)
            close(take_fds[i]);
        hg_gateway_free(gateway);
        return NULL;
    }
    gateway->acceptor = hg_acceptor_new(gateway->accept_loop, &acceptor_events, gateway);
    for (guint i = 0; i < options->n_listeners; i++)
        hg_acceptor_add(gateway->acceptor, take_fds[i]);
    if (!start_workers(gateway, error) || !start_accepting(gateway, error)) {
        hg_gateway_stop(gateway);
        hg_gateway_free(gateway);
        return NULL;
    }
    return gateway;
}

/* ---- end ---- */

typedef struct {
    HgTask task;
    HgGateway *gateway;
} StopAccepting;

static void stop_accepting(HgTask *task)
{
    HgGateway *gateway = ((StopAccepting *)(void *)task)->gateway;
    g_free(task);
    g_clear_pointer(&gateway->acceptor, hg_acceptor_close);
    hg_loop_stop(gateway->accept_loop);
}

void hg_gateway_leave(HgGateway *gateway)
{
    atomic_store(&gateway->stopping, TRUE);
}

void hg_gateway_stop(HgGateway *gateway)
{
    atomic_store(&gateway->stopping, TRUE);
    if (gateway->accepting) {
        StopAccepting *order = g_new0(StopAccepting, 1);
        order->task.run = stop_accepting;
        order->gateway = gateway;
        if (!hg_loop_post(gateway->accept_loop, &order->task))
            g_free(order);
        pthread_join(gateway->accept_thread, NULL);
        gateway->accepting = FALSE;
        hg_log_limit_report(gateway->log, &gateway->refused_limit, HG_LOG_ERROR, "client_refused");
        hg_log_limit_report(gateway->log, &gateway->full_limit, HG_LOG_WARN, "client_refused");
    }
    for (guint i = 0; i < gateway->workers->len; i++)
        hg_worker_drain(g_ptr_array_index(gateway->workers, i));
    for (guint i = 0; i < gateway->workers->len; i++)
        hg_worker_join(g_ptr_array_index(gateway->workers, i));
    hg_log_limit_report(gateway->log, &gateway->refused_limit, HG_LOG_ERROR, "client_refused");
    hg_log_limit_report(gateway->log, &gateway->full_limit, HG_LOG_WARN, "client_refused");
    hg_log_limit_report(gateway->log, &gateway->rate_limit, HG_LOG_WARN, "client_refused");
    hg_log_limit_report(gateway->log, &gateway->request_limit, HG_LOG_INFO, "request_refused");
}

void hg_gateway_free(HgGateway *gateway)
{
    if (gateway == NULL)
        return;
    hg_jobs_free(gateway->jobs); /* before the loops to which jobs post */
    hg_acceptor_close(gateway->acceptor);
    hg_loop_free(gateway->accept_loop);
    for (guint i = 0; i < gateway->workers->len; i++)
        hg_worker_free(g_ptr_array_index(gateway->workers, i));
    g_ptr_array_free(gateway->workers, TRUE);
    hg_directory_free(gateway->directory);
    hg_quota_free(gateway->quota);
    hg_quota_free(gateway->address_quota);
    hg_rate_free(gateway->rate);
    hg_routing_free(gateway->routing);
    g_free(gateway);
}

const HgProxyOptions *hg_gateway_options(const HgGateway *gateway)
{
    return gateway->options;
}

guint hg_gateway_workers(const HgGateway *gateway)
{
    return gateway->workers->len;
}

HgWorker *hg_gateway_worker(HgGateway *gateway, guint index)
{
    return g_ptr_array_index(gateway->workers, index);
}

gboolean hg_gateway_is_stopping(const HgGateway *gateway)
{
    return atomic_load(&gateway->stopping);
}

HgPool *hg_gateway_pool(HgGateway *gateway)
{
    return gateway->pools[0];
}

guint hg_gateway_pools(const HgGateway *gateway)
{
    return gateway->options->n_pools;
}

HgPool *hg_gateway_pool_at(const HgGateway *gateway, guint index)
{
    return gateway->pools[index];
}

HgPool *hg_gateway_find_pool(const HgGateway *gateway, const char *name)
{
    for (guint i = 0; i < hg_gateway_pools(gateway); i++)
        if (strcmp(hg_pool_name(gateway->pools[i]), name) == 0)
            return gateway->pools[i];
    return NULL;
}

HgAuthenticator *hg_gateway_authenticator(HgGateway *gateway)
{
    return gateway->authenticator;
}

HgDirectory *hg_gateway_directory(HgGateway *gateway)
{
    return gateway->directory;
}

HgJobs *hg_gateway_jobs(HgGateway *gateway)
{
    return gateway->jobs;
}

HgQuota *hg_gateway_quota(HgGateway *gateway)
{
    return gateway->quota;
}

HgQuota *hg_gateway_address_quota(HgGateway *gateway)
{
    return gateway->address_quota;
}

HgRouting *hg_gateway_routing(HgGateway *gateway)
{
    return gateway->routing;
}

HgBudget *hg_gateway_budget(HgGateway *gateway)
{
    return &gateway->budget;
}

HgLog *hg_gateway_log(HgGateway *gateway)
{
    return gateway->log;
}

HgLogLimit *hg_gateway_request_limit(HgGateway *gateway)
{
    return &gateway->request_limit;
}
