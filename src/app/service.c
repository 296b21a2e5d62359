/* Running the gateway: see service.h. Main thread only: it starts everything, waits for signals,
 * and ends everything. */
#include "app/service.h"

#include "app/authentication.h"
#include "app/tls_settings.h"
#include "net/socket.h"
#include "proxy/gateway.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define OWN_DESCRIPTORS 64 /* loops, logs, listeners, files */
#define LOOK_EVERY      20 /* seconds between looks at the files of certificates */

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

static HgPoolOptions pool_options(const HgPoolConfig *pool, HgTls *tls, HgSecretBox *password)
{
    gboolean http = pool->transport == HG_CONFIG_TRANSPORT_HTTP;
    return (HgPoolOptions){.http = http,
                           .sasl = !http && pool->sasl == HG_CONFIG_SASL_PLAIN,
                           .http_path = pool->http.path,
                           .tls = tls,
                           .server_name = pool->tls.server_name,
                           .login = pool->login == HG_CONFIG_LOGIN_SERVICE ? HG_LOGIN_SERVICE
                                                                           : HG_LOGIN_AS_USER,
                           .user = pool->user,
                           .password = password,
                           .connect_timeout = (guint)pool->connect_timeout_ms,
                           .login_timeout = (guint)pool->login_timeout_ms,
                           .open_timeout = (guint)pool->open_timeout_ms};
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
                                    const HgImpersonation *impersonation, HgSecretBox *password,
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
        .pool = pool_options(&config->pools[0], hg_tls_settings_pool(tls, 0), password),
    };
}

static HgPool *make_pool(const HgPoolConfig *config)
{
    HgPool *pool = hg_pool_new(config->name);
    for (guint i = 0; i < config->n_endpoints; i++)
        hg_pool_add(pool, config->endpoints[i].host, config->endpoints[i].port);
    return pool;
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

/* What a signal to reload has to do with. */
typedef struct {
    const HgConfig *config;
    HgAuthenticator *authenticator;
    HgTlsSettings *tls;
    HgSecret *cookie_key;  /* the one in use; NULL: a random one */
    HgSecretBox *password; /* of the pool */
    HgLog *log;
} Running;

/* Another key in the file signs cookies from now on. */
static void reload_cookie_key(Running *running)
{
    const char *path = running->config->authentication.cookie.key_file;
    g_autoptr(GError) error = NULL;
    g_autoptr(HgSecret) key = NULL;
    if (path == NULL)
        return;
    gboolean read = hg_authentication_read_cookie_key(path, &key, NULL, &error);
    if (read && hg_slice_equal(hg_secret_slice(key), hg_secret_slice(running->cookie_key)))
        return;
    if (read &&
        hg_authenticator_set_cookie_key(running->authenticator, hg_secret_slice(key), &error)) {
        hg_secret_unref(running->cookie_key);
        running->cookie_key = g_steal_pointer(&key);
        hg_log(running->log, HG_LOG_INFO, "cookie_key_reloaded");
        return;
    }
    hg_log(running->log, HG_LOG_ERROR, "cookie_key_not_reloaded",
           hg_log_text("why", error->message));
}

/* New logins at the endpoints, and over HTTP all requests, carry another password from now on. */
static void reload_password(const Running *running)
{
    const HgPoolConfig *pool = &running->config->pools[0];
    HgFileExposure exposure = HG_FILE_PRIVATE;
    g_autoptr(GError) error = NULL;
    g_autoptr(HgSecret) password = NULL;
    if (pool->password_file == NULL)
        return;
    if (!hg_secret_load_file(pool->password_file, &password, &exposure, &error))
        hg_log(running->log, HG_LOG_ERROR, "pool_password_not_reloaded",
               hg_log_text("pool", pool->name), hg_log_text("why", error->message));
    else if (hg_secret_box_put(running->password, password))
        hg_log(running->log, HG_LOG_INFO, "pool_password_reloaded",
               hg_log_text("pool", pool->name));
}

static void reload_users(HgAuthenticator *authenticator, HgLog *log)
{
    g_autoptr(GError) error = NULL;
    if (hg_authenticator_reload(authenticator, &error))
        hg_log(log, HG_LOG_INFO, "users_reloaded");
    else
        hg_log(log, HG_LOG_ERROR, "users_not_reloaded", hg_log_text("why", error->message));
}

static void watched_signals(sigset_t *out)
{
    sigemptyset(out);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGINT);
    sigaddset(out, SIGHUP);
}

/* Returns when the process is asked to end. Certificates are renewed by others, who often can't
 * send a signal: their files are looked at every now and then. */
static void wait_for_end(Running *running)
{
    sigset_t signals;
    watched_signals(&signals);
    for (;;) {
        struct timespec patience = {.tv_sec = LOOK_EVERY};
        int number = sigtimedwait(&signals, NULL, &patience);
        if (number == SIGTERM || number == SIGINT) {
            hg_log(running->log, HG_LOG_INFO, "stopping",
                   hg_log_text("signal", number == SIGTERM ? "TERM" : "INT"));
            return;
        }
        hg_tls_settings_reload(running->tls, number == SIGHUP, running->log);
        if (number != SIGHUP)
            continue;
        reload_cookie_key(running);
        reload_password(running);
        reload_users(running->authenticator, running->log);
    }
}

gboolean hg_service_run(const HgConfig *config, HgLog *log, GError **error)
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
    g_autoptr(HgSecretBox) password = hg_secret_box_new(config->pools[0].password);
    HgProxyOptions options =
        proxy_options(config, tls, impersonation, password, listeners, defaults);
    g_autoptr(HgAuthenticator) authenticator = NULL;
    if (!hg_authentication_new(config, &authenticator, error))
        return FALSE;
    g_autofree int *fds = g_new0(int, config->n_listeners);
    if (!listen_all(config, log, fds, error))
        return FALSE;
    HgPool *pool = make_pool(&config->pools[0]);
    HgGateway *gateway = hg_gateway_new(&options, pool, authenticator, log, fds, error);
    if (gateway != NULL) {
        hg_log(log, HG_LOG_INFO, "ready", hg_log_uint("workers", options.workers),
               hg_log_uint("connections", options.connections),
               hg_log_uint("endpoints", hg_pool_size(pool)));
        hg_tls_settings_warn(tls, log);
        Running running = {config, authenticator, tls, NULL, password, log};
        if (config->authentication.cookie.key != NULL)
            running.cookie_key = hg_secret_ref(config->authentication.cookie.key);
        wait_for_end(&running);
        hg_secret_unref(running.cookie_key);
        hg_gateway_stop(gateway);
        hg_gateway_free(gateway);
        hg_log(log, HG_LOG_INFO, "stopped");
    }
    remove_sockets(config);
    hg_pool_free(pool);
    return gateway != NULL;
}
