/* The rows of what pools have beyond how their endpoints speak (discovery, balancing), of `routing`
 * and of `announcement`: see options.h. Static data; any thread. */
#include "app/config.h"
#include "app/options_rows.h"

G_STATIC_ASSERT(sizeof(HgFamily) == sizeof(int) && sizeof(HgDnsMode) == sizeof(int) &&
                sizeof(HgBalancing) == sizeof(int) && sizeof(HgRouteClient) == sizeof(int));

static const HgOptionChoice families[] = {
    {"any", HG_FAMILY_ANY, "IPv4 where there is some, else IPv6", FALSE},
    {"ipv4", HG_FAMILY_IPV4, "IPv4 only", FALSE},
    {"ipv6", HG_FAMILY_IPV6, "IPv6 only", FALSE},
    {0},
};

static const HgOptionChoice records[] = {
    {"addresses", HG_DNS_ADDRESSES, "A and AAAA records, with `port`", FALSE},
    {"service", HG_DNS_SERVICE, "SRV records, which have ports, weights and priorities", FALSE},
    {0},
};

static const HgOptionChoice policies[] = {
    {"least-sessions", HG_BALANCING_LEAST_SESSIONS, "the fewest sessions for its weight", FALSE},
    {"least-operations", HG_BALANCING_LEAST_OPERATIONS,
     "the fewest running statements for its weight; among equals, sessions", FALSE},
    {"latency", HG_BALANCING_LATENCY,
     "of two at random, the one with less latency (a moving mean) times sessions", FALSE},
    {"affinity", HG_BALANCING_AFFINITY,
     "a user's sessions go to one endpoint unless it has too many; weights don't count", FALSE},
    {0},
};

static const HgOptionChoice clients[] = {
    {"any", HG_ROUTE_CLIENT_ANY, "any client", FALSE},
    {"hive", HG_ROUTE_CLIENT_HIVE, "clients that speak as Hive's do", FALSE},
    {"databricks", HG_ROUTE_CLIENT_DATABRICKS, "clients of Databricks' family", FALSE},
    {0},
};

/* ---- discovery ---- */

static const HgOption dns_rows[] = {
    {.name = "name",
     STRING(HgPoolDnsConfig, name, HG_OPTION_TEXT),
     .required = TRUE,
     .text = "The name to ask for, such as that of a headless Service. The search domains of "
             "/etc/resolv.conf complete it, unless it ends with a dot."},
    {.name = "records",
     CHOICE(HgPoolDnsConfig, records, HgDnsMode, records),
     .fallback = "addresses",
     .text = "What to ask for."},
    {.name = "port",
     COUNT(HgPoolDnsConfig, port),
     .fallback = "10000",
     .min = 1,
     .max = 65535,
     .text = "The endpoints' port, with `records: addresses`."},
    {.name = "family",
     CHOICE(HgPoolDnsConfig, family, HgFamily, families),
     .fallback = "any",
     .text = "Which addresses are taken."},
    {.name = "servers",
     STRING(HgPoolDnsConfig, servers, HG_OPTION_TEXT),
     .text =
         "Name servers, as `192.0.2.53` or `192.0.2.53:53,[2001:db8::53]:53`. Without it, those "
         "of /etc/resolv.conf."},
};

static const HgOption kubernetes_rows[] = {
    {.name = "service",
     STRING(HgPoolKubernetesConfig, service, HG_OPTION_NAME),
     .required = TRUE,
     .text = "The Service whose EndpointSlices are watched. hivegate's service account needs list "
             "and watch on `endpointslices` (discovery.k8s.io) in its namespace."},
    {.name = "namespace",
     STRING(HgPoolKubernetesConfig, namespace, HG_OPTION_NAME),
     .text = "The Service's namespace. Without it, that of hivegate's pod."},
    {.name = "port_name",
     STRING(HgPoolKubernetesConfig, port_name, HG_OPTION_NAME),
     .text = "The name of the Service's port. Needed when it has several."},
    {.name = "port",
     COUNT(HgPoolKubernetesConfig, port),
     .fallback = "0",
     .min = 0,
     .max = 65535,
     .text = "The pod's port, instead of a name. 0: any."},
    {.name = "family",
     CHOICE(HgPoolKubernetesConfig, family, HgFamily, families),
     .fallback = "any",
     .text = "Which addresses are taken."},
    {.name = "server",
     STRING(HgPoolKubernetesConfig, server, HG_OPTION_TEXT),
     .text = "The API server, as https://host:port. Without it, that of the cluster hivegate runs "
             "in, with the service account's authority and token."},
    {.name = "ca_file",
     STRING(HgPoolKubernetesConfig, ca_file, HG_OPTION_PATH),
     .text = "Its authority, in PEM."},
    {.name = "token_file",
     STRING(HgPoolKubernetesConfig, token_file, HG_OPTION_PATH),
     .text = "hivegate's token; read again as it rotates."},
};

#define ZOOKEEPER_ROWS(type)                                                                       \
    {.name = "hosts",                                                                              \
     STRING(type, hosts, HG_OPTION_TEXT),                                                          \
     .required = TRUE,                                                                             \
     .text = "The ensemble: `zk1:2181,zk2:2181,zk3:2181`."},                                       \
        {.name = "namespace",                                                                      \
         STRING(type, namespace, HG_OPTION_TEXT),                                                  \
         .fallback = "hiveserver2",                                                                \
         .text = "The namespace: `hive.server2.zookeeper.namespace`."},                            \
        {.name = "login_file",                                                                     \
         STRING(type, login_file, HG_OPTION_PATH),                                                 \
         .text = "A file with one line, `user:password`, for the scheme digest."},                 \
    {                                                                                              \
        .name = "session_timeout", DURATION(type, session_timeout_ms), .fallback = "30s",          \
        .min = SECONDS(1), .max = MINUTES(10),                                                     \
        .text = "How long ZooKeeper waits for a silent hivegate before it takes it for dead."      \
    }

static const HgOption zookeeper_rows[] = {
    ZOOKEEPER_ROWS(HgPoolZookeeperConfig),
};

/* ---- balancing ---- */

static const HgOption balancing_rows[] = {
    {.name = "policy",
     CHOICE(HgPoolBalancingConfig, policy, HgBalancing, policies),
     .fallback = "least-sessions",
     .text = "Which endpoint a new session goes to."},
    {.name = "weights",
     LIST(HgPoolBalancingConfig, weights, HG_OPTION_PAIRS),
     .min = 1,
     .max = 10000,
     .text = "Weights of listed endpoints, as `{\"spark-1:10000\": 2}`; others have 1. SRV records "
             "have their own."},
    {.name = "slow_start",
     DURATION(HgPoolBalancingConfig, slow_start_ms),
     .fallback = "0s",
     .min = 0,
     .max = HOURS(1),
     .text = "How long an endpoint that has just been found takes fewer sessions than the others: "
             "a tenth at first. 0: not at all."},
    {.name = "ejected_most",
     COUNT(HgPoolBalancingConfig, ejected_most),
     .fallback = "80",
     .min = 0,
     .max = 100,
     .text =
         "The share of the endpoints, in percent, that may be kept out because they failed; one "
         "always may. Those kept out are still tried when nothing else is left."},
    {.name = "above_mean",
     COUNT(HgPoolBalancingConfig, above_mean),
     .fallback = "25",
     .min = 0,
     .max = 10000,
     .text = "With `affinity`: by how many percent an endpoint's sessions may lie above the mean."},
};

/* ---- health ---- */

static const HgOption health_rows[] = {
    {.name = "interval",
     DURATION(HgPoolHealthConfig, interval_ms),
     .fallback = "0s",
     .min = 0,
     .max = HOURS(1),
     .text =
         "Time between probes of an endpoint. A probe keeps one session there, and asks GetInfo "
         "on it; 10s is a good value. 0: there are no probes."},
    {.name = "timeout",
     DURATION(HgPoolHealthConfig, timeout_ms),
     .fallback = "5s",
     .min = 100,
     .max = MINUTES(5),
     .text = "How long a probe's GetInfo may take before the endpoint is taken for dead."},
    {.name = "user",
     STRING(HgPoolHealthConfig, user, HG_OPTION_TEXT),
     .fallback = "hivegate",
     .text = "Whom the probe's session runs as, with `login: as-user`."},
};

/* ---- routing ---- */

static const HgOption routing_rows[] = {
    {.name = "users",
     LIST(HgRouteConfig, users, HG_OPTION_TEXTS),
     .min = 1,
     .max = 10000,
     .text = "Users whom the session runs as. With `groups` either will do."},
    {.name = "groups",
     LIST(HgRouteConfig, groups, HG_OPTION_TEXTS),
     .min = 1,
     .max = 10000,
     .text = "Groups of that user."},
    {.name = "databases",
     LIST(HgRouteConfig, databases, HG_OPTION_TEXTS),
     .min = 1,
     .max = 10000,
     .text = "Databases that are asked for when the session is opened (the one in a JDBC URL)."},
    {.name = "listeners",
     LIST(HgRouteConfig, listeners, HG_OPTION_NAMES),
     .min = 1,
     .max = 64,
     .text = "Listeners that the client came by."},
    {.name = "client",
     CHOICE(HgRouteConfig, client, HgRouteClient, clients),
     .fallback = "any",
     .text = "The kind of client."},
    {.name = "asks_for",
     LIST(HgRouteConfig, asks_for, HG_OPTION_NAMES),
     .min = 1,
     .max = 1000,
     .text =
         "Values of the session variable `hivegate.pool`. Sessions that have it meet only rules "
         "with this condition, and those that don't have it only rules without."},
    {.name = "between",
     LIST(HgRouteConfig, between, HG_OPTION_TEXTS),
     .min = 2,
     .max = 2,
     .text = "Two times of the local day, as `[\"22:00\", \"06:00\"]`: from the first up to the "
             "second."},
    {.name = "share",
     COUNT(HgRouteConfig, share),
     .fallback = "100",
     .min = 1,
     .max = 100,
     .text = "Of the sessions that meet all other conditions, so many percent; the others go on to "
             "the next rule."},
    {.name = "pool",
     STRING(HgRouteConfig, pool, HG_OPTION_NAME),
     .required = TRUE,
     .text = "The pool that they go to."},
    {.name = "fallback",
     STRING(HgRouteConfig, fallback, HG_OPTION_NAME),
     .text = "The pool that they go to while that one takes no sessions. Without it they get an "
             "error then."},
};

/* ---- announcement ---- */

static const HgOption announcement_rows[] = {
    ZOOKEEPER_ROWS(HgAnnouncementConfig),
    {.name = "listener",
     STRING(HgAnnouncementConfig, listener, HG_OPTION_NAME),
     .required = TRUE,
     .text = "The listener that clients shall come by."},
    {.name = "host",
     STRING(HgAnnouncementConfig, host, HG_OPTION_TEXT),
     .required = TRUE,
     .text = "The name or address under which clients reach it."},
    {.name = "port",
     COUNT(HgAnnouncementConfig, port),
     .fallback = "0",
     .min = 0,
     .max = 65535,
     .text = "The port under which they reach it. 0: the listener's own."},
};

const HgSection *hg_option_pool_dns_section(void)
{
    static const HgSection section = DESCRIBE(HgPoolDnsConfig, dns_rows);
    return &section;
}

const HgSection *hg_option_pool_kubernetes_section(void)
{
    static const HgSection section = DESCRIBE(HgPoolKubernetesConfig, kubernetes_rows);
    return &section;
}

const HgSection *hg_option_pool_zookeeper_section(void)
{
    static const HgSection section = DESCRIBE(HgPoolZookeeperConfig, zookeeper_rows);
    return &section;
}

const HgSection *hg_option_pool_balancing_section(void)
{
    static const HgSection section = DESCRIBE(HgPoolBalancingConfig, balancing_rows);
    return &section;
}

const HgSection *hg_option_pool_health_section(void)
{
    static const HgSection section = DESCRIBE(HgPoolHealthConfig, health_rows);
    return &section;
}

const HgSection *hg_option_routing_section(void)
{
    static const HgSection section = DESCRIBE(HgRouteConfig, routing_rows);
    return &section;
}

const HgSection *hg_option_announcement_section(void)
{
    static const HgSection section = DESCRIBE(HgAnnouncementConfig, announcement_rows);
    return &section;
}
