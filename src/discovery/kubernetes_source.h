/* The source `kubernetes`: the EndpointSlices of one Service, listed and then watched.
 *
 * Needs of its service account: list and watch on endpointslices (discovery.k8s.io) in the
 * Service's namespace. It lists in pages, watches from the list's resourceVersion with bookmarks,
 * takes a new watch where the old one ended, and lists anew when the version has expired. A Service
 * without endpoints is an empty set; an API server that is away leaves the last set in use. */
#pragma once

#include "discovery/endpoint_slice.h"
#include "discovery/source.h"

typedef struct {
    const char *server;     /* https://host:port; NULL: the cluster that hivegate runs in, with the
                               service account's files for those that are NULL below */
    const char *ca_file;    /* PEM; NULL: see above, else the system's authorities */
    const char *token_file; /* NULL: see above, else no token */
    const char *namespace;  /* of the Service; NULL: that of hivegate's pod */
    const char *service;
    const char *port_name; /* of the Service's port; NULL: any */
    guint16 port_number;   /* of the pod; 0: any. The choice must leave one port per slice */
    HgFamily family;
    gint64 connect_timeout_ms;
    gint64 request_timeout_ms; /* an answer, the beginning of a watch, one event */
    gint64 watch_ms;           /* how long a watch is asked to last; from 1000 */
    gint64 retry_first_ms;     /* after the first failure; doubled by each further one */
    gint64 retry_most_ms;
    guint page; /* slices per page of a list; 0: all at once */
} HgKubernetesConfig;

/* Sets all but the names to their defaults: 5 s to connect, 10 s to answer, watches of 5 min, 200
 * ms to 10 s between tries, 250 slices per page. */
void hg_kubernetes_config_init(HgKubernetesConfig *config);

/* The source; `config` is copied. Reads the environment and, when the namespace isn't given, a
 * small file: before other threads change the environment. HG_ERROR_INVALID says which value won't
 * do; HG_ERROR_NOT_FOUND, that hivegate doesn't run in a cluster. */
gboolean hg_kubernetes_source_new(const HgKubernetesConfig *config, HgSource **out, GError **error);
