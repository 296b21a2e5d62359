/* The rules of discovery, balancing, routing and announcement: see config_check.h. One thread. */
#include "app/config_check.h"

#include "base/text.h"
#include "discovery/zookeeper_session.h"

#include <string.h>

#define WEIGHT_MAX 1000

static HgMark place(const HgYaml *map, const char *key)
{
    const HgYaml *value = hg_yaml_get(map, key);
    return hg_yaml_mark(value != NULL ? value : map);
}

/* ---- where endpoints come from ---- */

static const struct {
    HgConfigDiscovery kind;
    const char *key; /* the section (or list) that the kind needs, and the others don't take */
} kinds[] = {
    {HG_CONFIG_DISCOVERY_STATIC, "endpoints"},
    {HG_CONFIG_DISCOVERY_DNS, "dns"},
    {HG_CONFIG_DISCOVERY_KUBERNETES, "kubernetes"},
    {HG_CONFIG_DISCOVERY_ZOOKEEPER, "zookeeper"},
};

void hg_config_check_discovery(const HgPoolConfig *pool, const HgYaml *map, guint index,
                               HgDiagnostics *diagnostics)
{
    const char *name =
        pool->discovery == HG_CONFIG_DISCOVERY_STATIC ? "static" : kinds[pool->discovery].key;
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        gboolean needed = kinds[i].kind == pool->discovery;
        gboolean there = hg_yaml_get(map, kinds[i].key) != NULL;
        if (needed && !there && i == 0)
            hg_diagnostics_error(diagnostics, hg_yaml_mark(map),
                                 "pools[%u].endpoints is missing; expected a list of HOST:PORT",
                                 index);
        else if (needed && !there)
            hg_diagnostics_error(diagnostics, place(map, "discovery"),
                                 "pools[%u].%s is missing; expected it because of discovery: %s",
                                 index, kinds[i].key, name);
        else if (!needed && there)
            hg_diagnostics_error(diagnostics, place(map, kinds[i].key),
                                 "pools[%u].%s is of no use with discovery: %s; expected "
                                 "discovery: %s, or no %s",
                                 index, kinds[i].key, name, i == 0 ? "static" : kinds[i].key,
                                 kinds[i].key);
    }
    g_autoptr(GError) error = NULL;
    if (pool->zookeeper.hosts != NULL && !hg_zookeeper_check_hosts(pool->zookeeper.hosts, &error))
        hg_diagnostics_error(diagnostics, place(hg_yaml_get(map, "zookeeper"), "hosts"),
                             "pools[%u].zookeeper.hosts: %s", index, error->message);
}

/* ---- balancing ---- */

static char *endpoint_name(const HgEndpointConfig *endpoint)
{
    if (endpoint->host[0] == '/')
        return g_strconcat("unix:", endpoint->host, NULL);
    return g_strdup_printf(strchr(endpoint->host, ':') != NULL ? "[%s]:%s" : "%s:%s",
                           endpoint->host, endpoint->port);
}

guint hg_config_weight(const HgPoolBalancingConfig *balancing, const char *host, const char *port)
{
    HgEndpointConfig endpoint = {host, port};
    g_autofree char *name = endpoint_name(&endpoint);
    gint64 weight = 1;
    for (guint i = 0; i < balancing->n_weights; i++)
        if (strcmp(balancing->weights[2 * i], name) == 0)
            (void)hg_text_parse_integer(balancing->weights[2 * i + 1], &weight, NULL);
    return (guint)weight;
}

static gboolean is_listed(const HgPoolConfig *pool, const char *name)
{
    for (guint i = 0; i < pool->n_endpoints; i++) {
        g_autofree char *other = endpoint_name(&pool->endpoints[i]);
        if (strcmp(other, name) == 0)
            return TRUE;
    }
    return FALSE;
}

void hg_config_check_balancing(const HgPoolConfig *pool, const HgYaml *map, guint index,
                               HgDiagnostics *diagnostics)
{
    const HgPoolBalancingConfig *balancing = &pool->balancing;
    const HgYaml *section = hg_yaml_get(map, "balancing");
    for (guint i = 0; i < balancing->n_weights; i++) {
        const char *name = balancing->weights[2 * i];
        const char *text = balancing->weights[2 * i + 1];
        gint64 weight = 0;
        if (!is_listed(pool, name))
            hg_diagnostics_error(diagnostics, place(section, "weights"),
                                 "pools[%u].balancing.weights: %s is not among the endpoints; "
                                 "expected one of them, as it stands there",
                                 index, name);
        if (!hg_text_parse_integer(text, &weight, NULL) || weight < 1 || weight > WEIGHT_MAX)
            hg_diagnostics_error(diagnostics, place(section, "weights"),
                                 "pools[%u].balancing.weights: %s of %s; expected a whole number "
                                 "from 1 to %d",
                                 index, text, name, WEIGHT_MAX);
    }
}

/* ---- routing ---- */

static gboolean is_pool(const HgConfig *config, const char *name)
{
    for (guint i = 0; i < config->n_pools; i++)
        if (g_strcmp0(config->pools[i].name, name) == 0)
            return TRUE;
    return FALSE;
}

static void check_pool_name(const HgConfig *config, const char *name, const HgYaml *map,
                            const char *key, guint index, HgDiagnostics *diagnostics)
{
    if (name != NULL && !is_pool(config, name))
        hg_diagnostics_error(diagnostics, place(map, key),
                             "routing[%u].%s: there is no pool %s; expected the name of one", index,
                             key, name);
}

gboolean hg_config_read_minute(const char *text, guint *minute)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);
    gint64 hours = 0;
    gint64 minutes = 0;
    if (g_strv_length(parts) != 2 || strlen(parts[1]) != 2 ||
        !hg_text_parse_integer(parts[0], &hours, NULL) ||
        !hg_text_parse_integer(parts[1], &minutes, NULL))
        return FALSE;
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return FALSE;
    *minute = (guint)(hours * 60 + minutes);
    return TRUE;
}

static void check_times(const HgRouteConfig *rule, const HgYaml *map, guint index,
                        HgDiagnostics *diagnostics)
{
    guint minutes[2] = {0, 0};
    if (rule->n_between != 2)
        return;
    for (guint i = 0; i < 2; i++)
        if (!hg_config_read_minute(rule->between[i], &minutes[i])) {
            hg_diagnostics_error(diagnostics, place(map, "between"),
                                 "routing[%u].between: %s is no time; expected one such as 06:30",
                                 index, rule->between[i]);
            return;
        }
    if (minutes[0] == minutes[1])
        hg_diagnostics_error(diagnostics, place(map, "between"),
                             "routing[%u].between: both times are the same; expected a from and an "
                             "until that differ, or no between for the whole day",
                             index);
}

static void check_listeners(const HgConfig *config, const HgRouteConfig *rule, const HgYaml *map,
                            guint index, HgDiagnostics *diagnostics)
{
    for (guint i = 0; i < rule->n_listeners; i++) {
        gboolean known = FALSE;
        for (guint k = 0; k < config->n_listeners && !known; k++)
            known = g_strcmp0(config->listeners[k].name, rule->listeners[i]) == 0;
        if (!known)
            hg_diagnostics_error(diagnostics, place(map, "listeners"),
                                 "routing[%u].listeners: there is no listener %s; expected the "
                                 "name of one",
                                 index, rule->listeners[i]);
    }
}

/* A pool that no rule leads to is of no use, and mostly a mistake. */
static void warn_unused(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics)
{
    for (guint i = 0; i < config->n_pools; i++) {
        const char *name = config->pools[i].name;
        gboolean used = FALSE;
        for (guint k = 0; k < config->n_routing && !used; k++)
            used = g_strcmp0(config->routing[k].pool, name) == 0 ||
                   g_strcmp0(config->routing[k].fallback, name) == 0;
        if (!used && name != NULL)
            hg_diagnostics_warn(diagnostics,
                                hg_yaml_mark(hg_yaml_nth(hg_yaml_get(root, "pools"), i)),
                                "no rule of routing leads to pool %s", name);
    }
}

void hg_config_check_routing(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics)
{
    const HgYaml *list = hg_yaml_get(root, "routing");
    for (guint i = 0; i < config->n_routing; i++) {
        const HgRouteConfig *rule = &config->routing[i];
        const HgYaml *map = hg_yaml_nth(list, i);
        check_pool_name(config, rule->pool, map, "pool", i, diagnostics);
        check_pool_name(config, rule->fallback, map, "fallback", i, diagnostics);
        if (rule->fallback != NULL && g_strcmp0(rule->pool, rule->fallback) == 0)
            hg_diagnostics_error(diagnostics, place(map, "fallback"),
                                 "routing[%u].fallback is the pool itself; expected another one",
                                 i);
        check_times(rule, map, i, diagnostics);
        check_listeners(config, rule, map, i, diagnostics);
    }
    if (config->n_pools > 1 && list == NULL)
        hg_diagnostics_error(diagnostics, hg_yaml_mark(hg_yaml_nth(hg_yaml_get(root, "pools"), 1)),
                             "there are %u pools, and no rules that say which session goes to "
                             "which; expected routing, whose last rule may be just a pool",
                             config->n_pools);
    else if (list != NULL)
        warn_unused(config, root, diagnostics);
}

/* ---- announcement ---- */

void hg_config_check_announcement(const HgConfig *config, const HgYaml *root,
                                  HgDiagnostics *diagnostics)
{
    const HgAnnouncementConfig *announcement = &config->announcement;
    const HgYaml *map = hg_yaml_get(root, "announcement");
    g_autoptr(GError) error = NULL;
    gboolean known = FALSE;
    if (map == NULL)
        return;
    if (announcement->hosts != NULL && !hg_zookeeper_check_hosts(announcement->hosts, &error))
        hg_diagnostics_error(diagnostics, place(map, "hosts"), "announcement.hosts: %s",
                             error->message);
    for (guint i = 0; i < config->n_listeners && !known; i++) {
        const HgListenerConfig *listener = &config->listeners[i];
        known = g_strcmp0(listener->name, announcement->listener) == 0;
        if (known && announcement->port == 0 && listener->bind.size > 0 &&
            hg_address_port(&listener->bind) == 0)
            hg_diagnostics_error(diagnostics, place(map, "listener"),
                                 "announcement.listener: %s has no port that is known before; "
                                 "expected announcement.port, or a listener with one",
                                 announcement->listener);
    }
    if (!known && announcement->listener != NULL)
        hg_diagnostics_error(diagnostics, place(map, "listener"),
                             "announcement.listener: there is no listener %s; expected the name of "
                             "one",
                             announcement->listener);
}
