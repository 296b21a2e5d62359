/* Asks the API server of Kubernetes: one document, or a watch.
 *
 * From "Kubernetes API Concepts" of its documentation: a watch is an answer of status 200 whose
 * body is one JSON object {"type", "object"} per line, for as long as timeoutSeconds says; an error
 * after its beginning comes as type ERROR with a Status object, whose code 410 means that the
 * version asked for is too old. From "Bound service account tokens": the token's file is replaced
 * as the token rotates (about every hour), so it is read for every request. On a control thread. */
#pragma once

#include "discovery/control.h"

#include <jansson.h>

typedef struct HgKubernetesClient HgKubernetesClient;

typedef struct {
    const char *server;     /* https://host:port; http only to this machine (kubectl proxy) */
    const char *ca_file;    /* PEM; NULL: the system's authorities */
    const char *token_file; /* NULL: no token */
    gint64 connect_timeout_ms;
    gint64 request_timeout_ms; /* for a document; for the head of a watch; for each of its lines */
} HgKubernetesClientConfig;

typedef enum {
    HG_KUBERNETES_DONE,    /* the document is there; the watch ended in order */
    HG_KUBERNETES_EXPIRED, /* the version or the continuation is too old: list anew */
    HG_KUBERNETES_BROKEN,  /* the server can't be reached, refuses or broke off: try again */
    HG_KUBERNETES_INVALID, /* what it sent makes no sense: list anew */
} HgKubernetesOutcome;

/* What hears of a watch. */
typedef struct {
    void (*opened)(void *data); /* the server has taken the watch */
    /* An event but ERROR: its type and object (borrowed). FALSE with an error: it makes no sense.
     */
    gboolean (*event)(void *data, const char *type, const json_t *object, GError **error);
    void *data;
} HgKubernetesWatcher;

/* FALSE with HG_ERROR_INVALID when the server's URL won't do. Reads no file yet. */
gboolean hg_kubernetes_client_new(HgControl *control, const HgKubernetesClientConfig *config,
                                  HgKubernetesClient **out, GError **error);

/* Frees it. NULL does nothing. */
void hg_kubernetes_client_free(HgKubernetesClient *client);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgKubernetesClient, hg_kubernetes_client_free)

/* Fails as hg_kubernetes_client_new() does. Pure. */
gboolean hg_kubernetes_check_server(const char *url, GError **error);

/* The document at a path with its query; json_decref() it. Any outcome but DONE has an error. */
HgKubernetesOutcome hg_kubernetes_get(HgKubernetesClient *client, const char *path, json_t **out,
                                      GError **error);

/* Watches the path until the server ends that, at the latest after `ms`. Any outcome but DONE has
 * an error. */
HgKubernetesOutcome hg_kubernetes_watch(HgKubernetesClient *client, const char *path, gint64 ms,
                                        const HgKubernetesWatcher *watcher, GError **error);

/* How long the last answer asked to be left alone, in ms; 0: it didn't. */
gint64 hg_kubernetes_retry_after(const HgKubernetesClient *client);
