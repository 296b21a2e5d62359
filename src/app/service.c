/* Running the gateway: see service.h. Main thread only: it starts everything, waits for signals,
 * and ends everything. */
#include "app/service.h"

#include "app/administration.h"
#include "app/auditing.h"
#include "app/authentication.h"
#include "app/config_show.h"
#include "app/enforcement.h"
#include "app/pools.h"
#include "app/reload.h"
#include "app/tls_settings.h"
#include "app/tracing.h"
#include "net/socket.h"
#include "proxy/gateway.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define OWN_DESCRIPTORS 64    /* loops, logs, listeners, files */
#define LOOK_EVERY      20    /* seconds between looks at the files of certificates */
#define RELOAD_WITHIN   30000 /* ms that who asks for a reload waits for its outcome */

/* ---- from configuration to options ---- */

static HgTcpOptions tcp_options(const HgTcpSideConfig *side)
{
    return (HgTcpOptions){.keepalive_idle = (guint)(side->keepalive_idle_ms / 1000),
                          .keepalive_interval = (guint)(side->keepalive_interval_ms / 1000),
                          .keepalive_count = side->keepalive_count,
                          .user_timeout = (guint)(side->user_timeout_ms / 1000)};
}

/* Raises the descriptor limit as far as it goes, and says how many clients fit under it: each may
 * need a connection to an endpoint. */
static guint connections_that_fit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    (void)!setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > G_MAXINT32)
        return 0;
    return limit.rlim_cur > 2 * OWN_DESCRIPTORS ? (guint)(limit.rlim_cur - OWN_DESCRIPTORS) / 2 : 1;
}

static HgListenerOptions listener_options(const HgListenerConfig *listener, HgTls *tls)
{
    gboolean http = listener->transport == HG_CONFIG_TRANSPORT_HTTP;
    return (HgListenerOptions){
        .name = listener->name,
        .http = http,
        .sasl = !http && listener->sasl == HG_CONFIG_SASL_PLAIN,
        .http_path = listener->http.path,
        .tls = tls,
        .balancers = {listener->proxy_protocol.from, listener->proxy_protocol.n_from},
        .trusted_proxies = {listener->http.trusted_proxies, listener->http.n_trusted_proxies},
        .needs_xsrf_header = listener->http.xsrf_header};
}

/* `listeners` and `defaults` have room for all of the configuration's, and outlive the options. */
static HgProxyOptions proxy_options(const HgConfig *config, const HgTlsSettings *tls,
                                    const HgImpersonation *impersonation,
                                    HgListenerOptions *listeners, HgSessionDefaults *defaults)
{
    for (guint i = 0; i < config->session_variables.n_defaults; i++) {
        const HgVariableDefaultsConfig *entry = &config->session_variables.defaults[i];
        defaults[i] = (HgSessionDefaults){entry->users, entry->groups, entry->set};
    }
    guint chains = 1; /* behind the common one: see app/authentication.h */
    for (guint i = 0; i < config->n_listeners; i++) {
        listeners[i] = listener_options(&config->listeners[i], hg_tls_settings_listener(tls, i));
        listeners[i].chain = config->listeners[i].chain != NULL ? chains++ : 0;
    }
    guint fit = connections_that_fit();
    const HgLimitsConfig *limits = &config->limits;
    guint sessions = limits->sessions != 0 ? limits->sessions : fit;
    return (HgProxyOptions){
        .workers = config->workers,
        .memory = (gsize)limits->memory,
        .connections = limits->connections != 0 ? limits->connections : fit,
        .sessions = sessions,
        .sessions_per_user =
            limits->sessions_per_user != 0 ? limits->sessions_per_user : (sessions + 1) / 2,
        .sessions_per_address = limits->sessions_per_address,
        .connection_rate = limits->connection_rate,
        .statement_size = (guint)limits->statement_size,
        .run_time = (guint)limits->run_time_ms,
        .message_size = (guint)limits->message_size,
        .login_timeout = (guint)limits->login_timeout_ms,
        .request_timeout = (guint)limits->request_timeout_ms,
        .http_idle = (guint)limits->http_idle_ms,
        .session_idle = (guint)MIN(limits->session_idle_ms, G_MAXINT32),
        .shutdown_timeout = (guint)config->shutdown_timeout_ms,
        .job_threads = config->jobs.threads,
        .job_queue = config->jobs.queue,
        .impersonation = impersonation,
        .defaults = defaults,
        .n_defaults = config->session_variables.n_defaults,
        .variables_allow = config->session_variables.allow,
        .variables_deny = config->session_variables.deny,
        .token_expiry = config->authentication.token_expiry,
        .client_tcp = tcp_options(&config->tcp.clients),
        .endpoint_tcp = tcp_options(&config->tcp.endpoints),
        .listeners = listeners,
        .n_listeners = config->n_listeners,
    };
}

static HgMetrics *make_metrics(const HgConfig *config)
{
    g_autofree const char **listeners = g_new0(const char *, config->n_listeners + 1);
    for (guint i = 0; i < config->n_listeners; i++)
        listeners[i] = config->listeners[i].name;
    return hg_metrics_new(config->workers, listeners);
}

/* ---- listening ---- */

static void announce(HgLog *log, const HgListenerConfig *listener, int fd)
{
    HgAddress address = {.size = sizeof address.storage};
    if (getsockname(fd, (struct sockaddr *)&address.storage, &address.size) != 0)
        address = listener->bind;
    g_autofree char *text = hg_address_format(&address);
    hg_log(log, HG_LOG_INFO, "listening", hg_log_text("listener", listener->name),
           hg_log_text("address", text));
}

/* Opens all listening sockets, or none. */
static gboolean listen_all(const HgConfig *config, HgLog *log, int *fds, GError **error)
{
    for (guint i = 0; i < config->n_listeners; i++) {
        fds[i] = hg_socket_listen(&config->listeners[i].bind, config->listeners[i].mode, error);
        if (fds[i] < 0) {
            g_prefix_error(error, "listener %s: ", config->listeners[i].name);
            while (i-- > 0)
                close(fds[i]);
            return FALSE;
        }
        announce(log, &config->listeners[i], fds[i]);
    }
    return TRUE;
}

static void remove_sockets(const HgConfig *config)
{
    for (guint i = 0; i < config->n_listeners; i++) {
        const char *path = hg_address_path(&config->listeners[i].bind);
        if (path != NULL)
            unlink(path);
    }
}

/* ---- signals ---- */

static void watched_signals(sigset_t *out)
{
    sigemptyset(out);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGINT);
    sigaddset(out, SIGHUP);
}

/* Returns when the process is asked to end. Certificates are renewed by others, who often can't
 * send a signal: their files are looked at every now and then. */
static void wait_for_end(HgReload *reload, HgTlsSettings *tls, HgAuditing *auditing, HgLog *log)
{
    sigset_t signals;
    watched_signals(&signals);
    for (;;) {
        struct timespec patience = {.tv_sec = LOOK_EVERY};
        int number = sigtimedwait(&signals, NULL, &patience);
        if (number == SIGTERM || number == SIGINT) {
            hg_log(log, HG_LOG_INFO, "stopping",
                   hg_log_text("signal", number == SIGTERM ? "TERM" : "INT"));
            return;
        }
        if (number == SIGHUP)
            hg_reload_run(reload);
        else
            hg_tls_settings_reload(tls, FALSE, log);
        hg_auditing_look(auditing);
    }
}

/* hivegate says that it isn't ready, and still takes clients, until balancers have seen that. A
 * second signal is for those who can't wait. */
static void wait_before_end(gint64 ms, HgLog *log)
{
    sigset_t signals;
    gint64 until = g_get_monotonic_time() + ms * 1000;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    for (gint64 left; (left = until - g_get_monotonic_time()) > 0;) {
        struct timespec patience = {.tv_sec = left / G_USEC_PER_SEC,
                                    .tv_nsec = left % G_USEC_PER_SEC * 1000};
        if (sigtimedwait(&signals, NULL, &patience) > 0)
            return;
    }
    if (ms > 0)
        hg_log(log, HG_LOG_INFO, "no_new_clients");
}

/* What serve() works with; borrowed. */
typedef struct {
    const HgConfig *config;
    HgGateway *gateway;
    HgReload *reload;
    HgTlsSettings *tls;
    HgAuditing *auditing; /* NULL: none */
    HgPools *pools;
    const char *version;
    HgLog *log;
} Running;

static char *show_config(void *data)
{
    const Running *running = data;
    HgPolicies *policies = hg_gateway_options(running->gateway)->policies;
    if (policies == NULL)
        return hg_config_show(running->config, NULL);
    g_autoptr(HgPolicyVersion) current = hg_policies_current(policies);
    return hg_config_show(running->config, hg_policy_set_version(hg_policy_version_set(current)));
}

static gboolean reload_files(void *data, GError **error)
{
    const Running *running = data;
    return hg_reload_ask(running->reload, RELOAD_WITHIN, error);
}

static guint count_endpoints(HgGateway *gateway)
{
    guint count = 0;
    for (guint i = 0; i < hg_gateway_pools(gateway); i++)
        count += hg_pool_size(hg_gateway_pool_at(gateway, i));
    return count;
}

static void announce_policies(HgPolicies *policies, HgLog *log)
{
    if (policies == NULL)
        return;
    g_autoptr(HgPolicyVersion) current = hg_policies_current(policies);
    const HgPolicySet *set = hg_policy_version_set(current);
    hg_log(log, HG_LOG_INFO, "policies_loaded", hg_log_text("version", hg_policy_set_version(set)),
           hg_log_uint("policies", hg_policy_set_count(set)));
}

/* Opens the admin server and serves until the end: the gateway is stopped then. FALSE with *error
 * when the admin server can't be opened. */
static gboolean serve(Running *running, GError **error)
{
    const HgProxyOptions *options = hg_gateway_options(running->gateway);
    HgAdmin *admin = NULL;
    HgAdminOptions admin_options = {.gateway = running->gateway,
                                    .metrics = options->metrics,
                                    .log = running->log,
                                    .version = running->version,
                                    .show_config = show_config,
                                    .reload = reload_files,
                                    .app = running};
    gboolean opened = hg_administration_new(running->config, &admin_options, &admin, error) &&
                      hg_pools_announce(running->pools, running->version, error);
    if (opened) {
        hg_log(running->log, HG_LOG_INFO, "ready", hg_log_uint("workers", options->workers),
               hg_log_uint("connections", options->connections),
               hg_log_uint("endpoints", count_endpoints(running->gateway)));
        announce_policies(options->policies, running->log);
        hg_tls_settings_warn(running->tls, running->log);
        wait_for_end(running->reload, running->tls, running->auditing, running->log);
        hg_gateway_leave(running->gateway);
    }
    hg_pools_withdraw(running->pools);
    if (opened)
        wait_before_end(running->config->shutdown_wait_ms, running->log);
    hg_gateway_stop(running->gateway);
    hg_admin_free(admin);
    hg_administration_clean(running->config);
    return opened;
}

gboolean hg_service_run(const HgConfig *config, const char *version, HgLog *log, GError **error)
{
    sigset_t signals;
    watched_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before any thread starts: they inherit it */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a full log file is an error of its write, not the end */

    g_autofree HgListenerOptions *listeners = g_new0(HgListenerOptions, config->n_listeners);
    g_autoptr(HgTlsSettings) tls = hg_tls_settings_new(config, error);
    if (tls == NULL)
        return FALSE;
    g_autoptr(HgImpersonation) impersonation = NULL;
    if (!hg_config_impersonation(config, &impersonation, error))
        return FALSE;
    g_autofree HgSessionDefaults *defaults =
        g_new0(HgSessionDefaults, config->session_variables.n_defaults);
    g_autoptr(HgPools) pools = hg_pools_new(config, tls, log, error);
    if (pools == NULL)
        return FALSE;
    g_autoptr(HgMetrics) metrics = make_metrics(config);
    HgProxyOptions options = proxy_options(config, tls, impersonation, listeners, defaults);
    options.metrics = metrics;
    hg_pools_fill(pools, &options);
    g_autoptr(HgPolicies) policies = NULL;
    if (!hg_enforcement_new(config, &policies, error))
        return FALSE;
    options.policies = policies;
    g_autoptr(HgAuthenticator) authenticator = NULL;
    if (!hg_authentication_new(config, &authenticator, error))
        return FALSE;
    hg_authenticator_count_in(authenticator, hg_metrics_shared(metrics));
    g_autoptr(HgAuditing) auditing = NULL; /* ends behind the gateway */
    if (!hg_auditing_new(config, version, log, &auditing, error))
        return FALSE;
    options.recorder = hg_auditing_recorder(auditing);
    g_autoptr(HgTracing) tracing = NULL;
    if (!hg_tracing_new(config, version, log, &tracing, error))
        return FALSE;
    options.tracer = hg_tracing_tracer(tracing);
    options.trace_redaction = hg_tracing_redaction(tracing);
    g_autofree int *fds = g_new0(int, config->n_listeners);
    if (!hg_pools_start(pools, error) || !listen_all(config, log, fds, error))
        return FALSE;
    HgGateway *gateway =
        hg_gateway_new(&options, hg_pools_list(pools), authenticator, log, fds, error);
    gboolean served = FALSE;
    if (gateway != NULL) {
        g_autoptr(HgReload) reload =
            hg_reload_new(config, authenticator, policies, tls, hg_pools_passwords(pools), metrics,
                          auditing, log);
        Running running = {config, gateway, reload, tls, auditing, pools, version, log};
        served = serve(&running, error);
        hg_gateway_free(gateway);
        if (served)
            hg_log(log, HG_LOG_INFO, "stopped");
    }
    remove_sockets(config);
    return served;
}
