/* Drives a source of discovery, or an announcement in ZooKeeper.
 *
 *   discovery-driver CONFIG
 *
 * CONFIG is a JSON object: "kind" (static, dns, kubernetes, zookeeper, announcement) and what the
 * kind's Hg…Config has, under the same names; "endpoints" is a list for static. Each set and each
 * change of standing that the listener hears of is a line of JSON on standard output, with the wall
 * clock in "at" (seconds). A line on standard input asks: "look" gives the last set and the
 * standing as other threads see them; the end of the input stops the source and frees it, and the
 * last line says how many ms that took. */
#include "discovery/dns_source.h"
#include "discovery/kubernetes_source.h"
#include "discovery/static_source.h"
#include "discovery/zookeeper_announcement.h"
#include "discovery/zookeeper_source.h"

#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    pthread_mutex_t output;
    HgSource *source;                      /* NULL with an announcement */
    HgZookeeperAnnouncement *announcement; /* NULL with a source */
} Driver;

static G_NORETURN void fail(const char *what)
{
    fprintf(stderr, "discovery-driver: %s\n", what);
    exit(2);
}

/* ---- lines ---- */

static void say(Driver *driver, json_t *take_line)
{
    json_object_set_new(take_line, "at",
                        json_real((double)g_get_real_time() / (double)G_USEC_PER_SEC));
    char *text = json_dumps(take_line, JSON_COMPACT);
    pthread_mutex_lock(&driver->output);
    puts(text);
    fflush(stdout);
    pthread_mutex_unlock(&driver->output);
    free(text);
    json_decref(take_line);
}

static json_t *describe_set(HgEndpointSet *set)
{
    json_t *list = set != NULL ? json_array() : json_null();
    for (guint i = 0; set != NULL && i < hg_endpoint_set_count(set); i++) {
        const HgEndpointInfo *info = hg_endpoint_set_get(set, i);
        json_array_append_new(
            list,
            json_pack("{s:s, s:i, s:s?, s:s?, s:s?, s:s?, s:i, s:i, s:b, s:b, s:b}", "host",
                      info->host, "port", (int)info->port, "other_host", info->other_host, "name",
                      info->name, "instance", info->instance, "zone", info->zone, "weight",
                      (int)info->weight, "priority", (int)info->priority, "ready", info->ready,
                      "serving", info->serving, "terminating", info->terminating));
    }
    return list;
}

static json_t *describe_standing(const HgStanding *standing)
{
    static const char *const kinds[] = {"starting", "fresh", "stale"};
    return json_pack("{s:s, s:s?, s:I}", "kind", kinds[standing->kind], "problem",
                     standing->problem, "since_us", (json_int_t)standing->since_us);
}

static void on_changed(void *data, HgEndpointSet *set)
{
    say(data, json_pack("{s:o}", "set", describe_set(set)));
}

static void on_standing(void *data, const HgStanding *standing)
{
    say(data, json_pack("{s:o}", "standing", describe_standing(standing)));
}

static void look(Driver *driver)
{
    g_auto(HgStanding) standing = {0};
    g_autoptr(HgEndpointSet) set = NULL;
    if (driver->source != NULL) {
        hg_source_standing(driver->source, &standing);
        set = hg_source_set(driver->source);
    } else {
        hg_zookeeper_announcement_standing(driver->announcement, &standing);
    }
    say(driver, json_pack("{s:{s:o, s:o}}", "look", "set", describe_set(set), "standing",
                          describe_standing(&standing)));
}

/* ---- configuration ---- */

static const char *text(const json_t *config, const char *name)
{
    return json_string_value(json_object_get(config, name));
}

/* Sets a number only when it is there. */
static void number(const json_t *config, const char *name, gint64 *out)
{
    const json_t *value = json_object_get(config, name);
    if (value != NULL)
        *out = json_integer_value(value);
}

static HgFamily family(const json_t *config)
{
    const char *name = text(config, "family");
    return g_strcmp0(name, "ipv4") == 0   ? HG_FAMILY_IPV4
           : g_strcmp0(name, "ipv6") == 0 ? HG_FAMILY_IPV6
                                          : HG_FAMILY_ANY;
}

static gboolean make_static(const json_t *config, HgSource **out, GError **error)
{
    const json_t *list = json_object_get(config, "endpoints");
    gsize count = json_array_size(list);
    g_autofree HgStaticEndpoint *endpoints = g_new0(HgStaticEndpoint, count + 1);
    for (gsize i = 0; i < count; i++) {
        const json_t *one = json_array_get(list, i);
        gint64 port = 0, weight = 1;
        number(one, "port", &port);
        number(one, "weight", &weight);
        endpoints[i] =
            (HgStaticEndpoint){text(one, "host"), (guint16)port, (guint)weight, text(one, "zone")};
    }
    return hg_static_source_new(endpoints, count, out, error);
}

static gboolean make_dns(const json_t *config, HgSource **out, GError **error)
{
    HgDnsConfig dns;
    gint64 port = 0;
    hg_dns_config_init(&dns);
    number(config, "port", &port);
    dns.name = text(config, "name");
    dns.servers = text(config, "servers");
    dns.mode = g_strcmp0(text(config, "mode"), "srv") == 0 ? HG_DNS_SERVICE : HG_DNS_ADDRESSES;
    dns.port = (guint16)port;
    dns.family = family(config);
    number(config, "try_timeout_ms", &dns.try_timeout_ms);
    number(config, "timeout_ms", &dns.timeout_ms);
    number(config, "ttl_least_ms", &dns.ttl_least_ms);
    number(config, "ttl_most_ms", &dns.ttl_most_ms);
    number(config, "retry_first_ms", &dns.retry_first_ms);
    number(config, "retry_most_ms", &dns.retry_most_ms);
    return hg_dns_source_new(&dns, out, error);
}

static gboolean make_kubernetes(const json_t *config, HgSource **out, GError **error)
{
    HgKubernetesConfig kubernetes;
    gint64 port = 0, page = 0;
    hg_kubernetes_config_init(&kubernetes);
    page = kubernetes.page;
    number(config, "port_number", &port);
    number(config, "page", &page);
    kubernetes.server = text(config, "server");
    kubernetes.ca_file = text(config, "ca_file");
    kubernetes.token_file = text(config, "token_file");
    kubernetes.namespace = text(config, "namespace");
    kubernetes.service = text(config, "service");
    kubernetes.port_name = text(config, "port_name");
    kubernetes.port_number = (guint16)port;
    kubernetes.page = (guint)page;
    kubernetes.family = family(config);
    number(config, "connect_timeout_ms", &kubernetes.connect_timeout_ms);
    number(config, "request_timeout_ms", &kubernetes.request_timeout_ms);
    number(config, "watch_ms", &kubernetes.watch_ms);
    number(config, "retry_first_ms", &kubernetes.retry_first_ms);
    number(config, "retry_most_ms", &kubernetes.retry_most_ms);
    return hg_kubernetes_source_new(&kubernetes, out, error);
}

static gboolean make_zookeeper(const json_t *config, HgSource **out, GError **error)
{
    HgZookeeperSourceConfig zookeeper;
    hg_zookeeper_source_config_init(&zookeeper);
    zookeeper.zookeeper.hosts = text(config, "hosts");
    zookeeper.zookeeper.login = text(config, "login");
    zookeeper.namespace = text(config, "namespace");
    number(config, "timeout_ms", &zookeeper.zookeeper.timeout_ms);
    number(config, "retry_first_ms", &zookeeper.retry_first_ms);
    number(config, "retry_most_ms", &zookeeper.retry_most_ms);
    return hg_zookeeper_source_new(&zookeeper, out, error);
}

static gboolean make_announcement(const json_t *config, HgZookeeperAnnouncement **out,
                                  GError **error)
{
    HgZookeeperAnnouncementConfig made;
    gint64 port = 0;
    hg_zookeeper_announcement_config_init(&made);
    number(config, "port", &port);
    made.zookeeper.hosts = text(config, "hosts");
    made.zookeeper.login = text(config, "login");
    made.namespace = text(config, "namespace");
    made.publication = (HgZookeeperPublication){
        .host = text(config, "host"),
        .port = (guint16)port,
        .version = text(config, "version"),
        .http_path = text(config, "http_path"),
        .authentication = text(config, "authentication"),
        .tls = json_is_true(json_object_get(config, "tls")),
    };
    number(config, "timeout_ms", &made.zookeeper.timeout_ms);
    number(config, "retry_first_ms", &made.retry_first_ms);
    number(config, "retry_most_ms", &made.retry_most_ms);
    return hg_zookeeper_announcement_new(&made, out, error);
}

/* ---- running ---- */

static gboolean make(Driver *driver, const json_t *config, GError **error)
{
    const char *kind = text(config, "kind");
    if (g_strcmp0(kind, "static") == 0)
        return make_static(config, &driver->source, error);
    if (g_strcmp0(kind, "dns") == 0)
        return make_dns(config, &driver->source, error);
    if (g_strcmp0(kind, "kubernetes") == 0)
        return make_kubernetes(config, &driver->source, error);
    if (g_strcmp0(kind, "zookeeper") == 0)
        return make_zookeeper(config, &driver->source, error);
    if (g_strcmp0(kind, "announcement") == 0)
        return make_announcement(config, &driver->announcement, error);
    fail("no such kind");
}

static gboolean start(Driver *driver, GError **error)
{
    HgSourceListener listener = {on_changed, on_standing, driver};
    return driver->source != NULL
               ? hg_source_start(driver->source, &listener, error)
               : hg_zookeeper_announcement_start(driver->announcement, on_standing, driver, error);
}

static void finish(Driver *driver)
{
    gint64 begun = g_get_monotonic_time();
    hg_source_free(driver->source);
    hg_zookeeper_announcement_free(driver->announcement);
    say(driver,
        json_pack("{s:f}", "stopped_ms", (double)(g_get_monotonic_time() - begun) / 1000.0));
}

int main(int argc, char **argv)
{
    Driver driver = {.output = PTHREAD_MUTEX_INITIALIZER};
    g_autoptr(GError) error = NULL;
    char *line = NULL;
    size_t space = 0;
    signal(SIGPIPE, SIG_IGN);
    if (argc != 2)
        fail("usage: discovery-driver CONFIG");
    json_t *config = json_loads(argv[1], 0, NULL);
    if (config == NULL)
        fail("CONFIG isn't JSON");
    if (!make(&driver, config, &error) || !start(&driver, &error))
        fail(error->message);
    json_decref(config);
    while (getline(&line, &space, stdin) > 0)
        if (strcmp(line, "look\n") == 0)
            look(&driver);
    free(line);
    finish(&driver);
    return 0;
}
