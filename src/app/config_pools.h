/* The parts of the configuration about where endpoints come from, which one is chosen, which pool a
 * session goes to, and how hivegate announces itself: values of the snapshot (app/config.h). */
#pragma once

#include "cluster/pool.h"
#include "discovery/dns_source.h"
#include "proxy/routing.h"

typedef struct {
    const char *name; /* NULL: the section isn't there */
    HgDnsMode records;
    guint port;
    HgFamily family;
    const char *servers; /* NULL: those of /etc/resolv.conf */
} HgPoolDnsConfig;

typedef struct {
    const char *service;   /* NULL: the section isn't there */
    const char *namespace; /* NULL: that of hivegate's pod */
    const char *port_name;
    guint port; /* 0: any */
    HgFamily family;
    const char *server; /* NULL: the cluster hivegate runs in */
    const char *ca_file;
    const char *token_file;
} HgPoolKubernetesConfig;

typedef struct {
    const char *hosts; /* NULL: the section isn't there */
    const char *namespace;
    const char *login_file; /* NULL: no login */
    gint64 session_timeout_ms;
} HgPoolZookeeperConfig;

typedef struct {
    HgBalancing policy;
    const char *const *weights; /* endpoints and weights in turns */
    guint n_weights;
    gint64 slow_start_ms;
    guint ejected_most; /* percent */
    guint above_mean;   /* percent */
} HgPoolBalancingConfig;

typedef struct {
    gint64 interval_ms; /* 0: no probes */
    gint64 timeout_ms;
    const char *user; /* with login: as-user */
} HgPoolHealthConfig;

/* One rule; lists end with NULL, and are NULL when they aren't there. */
typedef struct {
    const char *const *users;
    guint n_users;
    const char *const *groups;
    guint n_groups;
    const char *const *databases;
    guint n_databases;
    const char *const *listeners;
    guint n_listeners;
    const char *const *asks_for;
    guint n_asks_for;
    HgRouteClient client;
    const char *const *between; /* two times "hh:mm" */
    guint n_between;
    guint share; /* percent */
    const char *pool;
    const char *fallback; /* NULL: none */
} HgRouteConfig;

typedef struct {
    const char *hosts; /* NULL: the section isn't there */
    const char *namespace;
    const char *login_file;
    gint64 session_timeout_ms;
    const char *listener;
    const char *host;
    guint port; /* 0: the listener's */
} HgAnnouncementConfig;

/* The weight of a listed endpoint. */
guint hg_config_weight(const HgPoolBalancingConfig *balancing, const char *host, const char *port);

/* Reads "hh:mm"; FALSE when it isn't. */
gboolean hg_config_read_minute(const char *text, guint *minute);
