/* Pools from the configuration: see pools.h. Owns pools, passwords, rules and the announcement.
 * What sources have to say goes into the log from their own threads. */
#include "app/pools.h"

#include "base/error.h"
#include "discovery/dns_source.h"
#include "discovery/kubernetes_source.h"
#include "discovery/zookeeper_announcement.h"
#include "discovery/zookeeper_source.h"

#include <string.h>

struct HgPools {
    const HgConfig *config;
    HgLog *log;
    HgPool **list;
    HgPoolOptions *options;
    HgSecretBox **passwords;
    HgSource **sources; /* until the pool has them */
    HgRoute *routes;
    HgZookeeperAnnouncement *announcement; /* NULL: none */
};

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
                           .open_timeout = (guint)pool->open_timeout_ms,
                           .drain_timeout = (guint)pool->drain_timeout_ms,
                           .probe_interval = (guint)pool->health.interval_ms,
                           .probe_timeout = (guint)pool->health.timeout_ms,
                           .probe_user = pool->health.user};
}

static HgPool *make_pool(const HgPoolConfig *config, const HgPoolOptions *options)
{
    HgPoolSettings settings = {.balancing = config->balancing.policy,
                               .ejected_most = config->balancing.ejected_most,
                               .slow_start = (guint)config->balancing.slow_start_ms,
                               .sessions_most = config->sessions,
                               .affinity_above = config->balancing.above_mean};
    HgPool *pool = hg_pool_new(config->name, &settings);
    hg_pool_set_data(pool, options);
    for (guint i = 0; i < config->n_endpoints; i++) {
        const HgEndpointConfig *endpoint = &config->endpoints[i];
        hg_pool_add(pool, endpoint->host, endpoint->port,
                    hg_config_weight(&config->balancing, endpoint->host, endpoint->port));
    }
    return pool;
}

/* ---- sources ---- */

static gboolean make_dns(const HgPoolDnsConfig *config, HgSource **out, GError **error)
{
    HgDnsConfig dns;
    hg_dns_config_init(&dns);
    dns.name = config->name;
    dns.mode = config->records;
    dns.port = (guint16)config->port;
    dns.family = config->family;
    dns.servers = config->servers;
    return hg_dns_source_new(&dns, out, error);
}

static gboolean make_kubernetes(const HgPoolKubernetesConfig *config, HgSource **out,
                                GError **error)
{
    HgKubernetesConfig kubernetes;
    hg_kubernetes_config_init(&kubernetes);
    kubernetes.server = config->server;
    kubernetes.ca_file = config->ca_file;
    kubernetes.token_file = config->token_file;
    kubernetes.namespace = config->namespace;
    kubernetes.service = config->service;
    kubernetes.port_name = config->port_name;
    kubernetes.port_number = (guint16)config->port;
    kubernetes.family = config->family;
    return hg_kubernetes_source_new(&kubernetes, out, error);
}

/* The login in the file; *out is NULL when there is no file. */
static gboolean read_login(const char *path, HgSecret **out, GError **error)
{
    HgFileExposure exposure;
    return path == NULL || hg_secret_load_file(path, out, &exposure, error);
}

static HgZookeeperConfig zookeeper_config(const char *hosts, gint64 timeout_ms,
                                          const HgSecret *login)
{
    return (HgZookeeperConfig){.hosts = hosts,
                               .timeout_ms = timeout_ms,
                               .login = login != NULL ? (const char *)hg_secret_slice(login).data
                                                      : NULL};
}

static gboolean make_zookeeper(const HgPoolZookeeperConfig *config, HgSource **out, GError **error)
{
    HgZookeeperSourceConfig zookeeper;
    g_autoptr(HgSecret) login = NULL;
    if (!read_login(config->login_file, &login, error))
        return FALSE;
    hg_zookeeper_source_config_init(&zookeeper);
    zookeeper.zookeeper = zookeeper_config(config->hosts, config->session_timeout_ms, login);
    zookeeper.namespace = config->namespace;
    return hg_zookeeper_source_new(&zookeeper, out, error);
}

/* *out stays NULL for a pool whose endpoints are listed. */
static gboolean make_source(const HgPoolConfig *config, HgSource **out, GError **error)
{
    gboolean made = TRUE;
    switch (config->discovery) {
    case HG_CONFIG_DISCOVERY_STATIC:
        break;
    case HG_CONFIG_DISCOVERY_DNS:
        made = make_dns(&config->dns, out, error);
        break;
    case HG_CONFIG_DISCOVERY_KUBERNETES:
        made = make_kubernetes(&config->kubernetes, out, error);
        break;
    case HG_CONFIG_DISCOVERY_ZOOKEEPER:
        made = make_zookeeper(&config->zookeeper, out, error);
        break;
    }
    if (!made)
        g_prefix_error(error, "pool %s: ", config->name);
    return made;
}

static void on_changed(void *data, HgPool *pool, guint added, guint gone)
{
    hg_log((HgLog *)data, HG_LOG_INFO, "endpoints_changed", hg_log_text("pool", hg_pool_name(pool)),
           hg_log_uint("endpoints", hg_pool_size(pool)), hg_log_uint("added", added),
           hg_log_uint("gone", gone));
}

static void on_standing(void *data, HgPool *pool, const HgStanding *standing)
{
    if (standing->kind == HG_STANDING_STALE)
        hg_log((HgLog *)data, HG_LOG_WARN, "discovery_failed",
               hg_log_text("pool", hg_pool_name(pool)), hg_log_text("source", hg_pool_source(pool)),
               hg_log_uint("endpoints", hg_pool_size(pool)), hg_log_text("why", standing->problem));
    else if (standing->kind == HG_STANDING_FRESH)
        hg_log((HgLog *)data, HG_LOG_INFO, "discovery_works",
               hg_log_text("pool", hg_pool_name(pool)), hg_log_text("source", hg_pool_source(pool)),
               hg_log_text("left_out", standing->problem));
}

gboolean hg_pools_start(HgPools *pools, GError **error)
{
    HgPoolListener listener = {on_changed, on_standing, pools->log};
    for (guint i = 0; i < pools->config->n_pools; i++)
        if (pools->sources[i] != NULL &&
            !hg_pool_follow(pools->list[i], g_steal_pointer(&pools->sources[i]), &listener, error))
            return FALSE;
    return TRUE;
}

/* ---- routing ---- */

static guint pool_index(const HgConfig *config, const char *name)
{
    for (guint i = 0; name != NULL && i < config->n_pools; i++)
        if (strcmp(config->pools[i].name, name) == 0)
            return i;
    return HG_ROUTE_NO_POOL;
}

static HgRoute make_route(const HgConfig *config, const HgRouteConfig *rule)
{
    HgRoute route = {.users = rule->users,
                     .groups = rule->groups,
                     .databases = rule->databases,
                     .listeners = rule->listeners,
                     .asks_for = rule->asks_for,
                     .client = rule->client,
                     .share = rule->share,
                     .from = HG_ROUTE_ANY_TIME,
                     .pool = pool_index(config, rule->pool),
                     .fallback = pool_index(config, rule->fallback)};
    if (rule->n_between == 2) {
        (void)hg_config_read_minute(rule->between[0], &route.from);
        (void)hg_config_read_minute(rule->between[1], &route.until);
    }
    return route;
}

/* ---- announcement ---- */

static const HgListenerConfig *announced_listener(const HgConfig *config)
{
    for (guint i = 0; i < config->n_listeners; i++)
        if (strcmp(config->listeners[i].name, config->announcement.listener) == 0)
            return &config->listeners[i];
    g_return_val_if_reached(NULL); /* the configuration was checked */
}

static HgZookeeperPublication publication(const HgConfig *config, const char *version)
{
    const HgListenerConfig *listener = announced_listener(config);
    gboolean http = listener->transport == HG_CONFIG_TRANSPORT_HTTP;
    guint port = config->announcement.port;
    return (HgZookeeperPublication){
        .host = config->announcement.host,
        .port = port != 0 ? (guint16)port : hg_address_port(&listener->bind),
        .version = version,
        .http_path = http ? listener->http.path : NULL,
        /* drivers only look whether it is NOSASL */
        .authentication = !http && listener->sasl == HG_CONFIG_SASL_NONE ? "NOSASL" : "LDAP",
        .tls = listener->tls.n_certificates > 0};
}

static void on_announced(void *data, const HgStanding *standing)
{
    if (standing->kind == HG_STANDING_FRESH)
        hg_log((HgLog *)data, HG_LOG_INFO, "announced");
    else if (standing->kind == HG_STANDING_STALE)
        hg_log((HgLog *)data, HG_LOG_WARN, "not_announced", hg_log_text("why", standing->problem));
}

gboolean hg_pools_announce(HgPools *pools, const char *version, GError **error)
{
    const HgAnnouncementConfig *config = &pools->config->announcement;
    HgZookeeperAnnouncementConfig made;
    g_autoptr(HgSecret) login = NULL;
    if (config->hosts == NULL)
        return TRUE;
    if (!read_login(config->login_file, &login, error))
        return FALSE;
    hg_zookeeper_announcement_config_init(&made);
    made.zookeeper = zookeeper_config(config->hosts, config->session_timeout_ms, login);
    made.namespace = config->namespace;
    made.publication = publication(pools->config, version);
    if (hg_zookeeper_announcement_new(&made, &pools->announcement, error) &&
        hg_zookeeper_announcement_start(pools->announcement, on_announced, pools->log, error))
        return TRUE;
    g_prefix_error(error, "announcement: ");
    return FALSE;
}

void hg_pools_withdraw(HgPools *pools)
{
    g_clear_pointer(&pools->announcement, hg_zookeeper_announcement_free);
}

/* ---- the whole ---- */

HgPools *hg_pools_new(const HgConfig *config, const HgTlsSettings *tls, HgLog *log, GError **error)
{
    HgPools *pools = g_new0(HgPools, 1);
    pools->config = config;
    pools->log = log;
    pools->list = g_new0(HgPool *, config->n_pools + 1);
    pools->options = g_new0(HgPoolOptions, config->n_pools);
    pools->passwords = g_new0(HgSecretBox *, config->n_pools + 1);
    pools->sources = g_new0(HgSource *, config->n_pools + 1);
    pools->routes = g_new0(HgRoute, config->n_routing + 1);
    for (guint i = 0; i < config->n_routing; i++)
        pools->routes[i] = make_route(config, &config->routing[i]);
    for (guint i = 0; i < config->n_pools; i++) {
        const HgPoolConfig *pool = &config->pools[i];
        pools->passwords[i] = hg_secret_box_new(pool->password);
        pools->options[i] = pool_options(pool, hg_tls_settings_pool(tls, i), pools->passwords[i]);
        pools->list[i] = make_pool(pool, &pools->options[i]);
        if (!make_source(pool, &pools->sources[i], error)) {
            hg_pools_free(pools);
            return NULL;
        }
    }
    return pools;
}

void hg_pools_free(HgPools *pools)
{
    if (pools == NULL)
        return;
    hg_pools_withdraw(pools);
    for (guint i = 0; i < pools->config->n_pools; i++) {
        hg_source_free(pools->sources[i]);
        hg_pool_free(pools->list[i]);
        hg_secret_box_free(pools->passwords[i]);
    }
    g_free(pools->list);
    g_free(pools->options);
    g_free(pools->passwords);
    g_free(pools->sources);
    g_free(pools->routes);
    g_free(pools);
}

void hg_pools_fill(const HgPools *pools, HgProxyOptions *options)
{
    options->pools = pools->options;
    options->n_pools = pools->config->n_pools;
    options->routes = pools->routes;
    options->n_routes = pools->config->n_routing;
}

HgPool *const *hg_pools_list(const HgPools *pools)
{
    return pools->list;
}

HgSecretBox *const *hg_pools_passwords(const HgPools *pools)
{
    return pools->passwords;
}
