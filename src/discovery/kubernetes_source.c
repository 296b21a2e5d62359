/* The source `kubernetes`: see kubernetes_source.h. Owns the slices as last heard of, by name, and
 * the resourceVersion that they are of. All but the constructor runs on the source's thread. */
#include "discovery/kubernetes_source.h"

#include "base/error.h"
#include "base/text.h"
#include "discovery/backoff.h"
#include "discovery/kubernetes_client.h"
#include "discovery/source_private.h"

#include <string.h>

#define ACCOUNT      "/var/run/secrets/kubernetes.io/serviceaccount/"
#define SLICES_MAX   4096
#define PAGES_MAX    256
#define VERSION_MAX  256                  /* bytes of a resourceVersion */
#define CONTINUE_MAX 4096                 /* bytes of a continuation */
#define GRACE_MS     10000                /* for the end of a watch to arrive */
#define SHORT_US     (1 * G_USEC_PER_SEC) /* a watch that ends sooner is followed by a wait */

typedef struct {
    HgKubernetesClientConfig client_config;
    char *path; /* of the list, with "?labelSelector=" and so on */
    char *service;
    HgSlicePort port;
    gint64 watch_ms;
    guint page;
    HgBackoff backoff;
    HgSource *source;
    HgKubernetesClient *client;
    GHashTable *slices;  /* name -> HgEndpointSlice */
    char *version;       /* NULL: to be listed anew */
    gboolean list_whole; /* the last list expired between its pages */
} Kubernetes;

/* ---- the slices ---- */

static void free_slice(gpointer slice)
{
    hg_endpoint_slice_free(slice);
}

static gint compare_slices(gconstpointer a, gconstpointer b)
{
    return strcmp(hg_endpoint_slice_name(*(HgEndpointSlice *const *)a),
                  hg_endpoint_slice_name(*(HgEndpointSlice *const *)b));
}

/* Tells what the slices say now. */
static gboolean publish(Kubernetes *self, GError **error)
{
    g_autoptr(GPtrArray) slices = g_ptr_array_new();
    GPtrArray *infos = NULL;
    g_autofree char *remark = NULL;
    GHashTableIter at;
    gpointer slice = NULL;
    g_hash_table_iter_init(&at, self->slices);
    while (g_hash_table_iter_next(&at, NULL, &slice))
        g_ptr_array_add(slices, slice);
    g_ptr_array_sort(slices, compare_slices);
    if (!hg_endpoint_slices_merge(slices, &self->port, &infos, &remark, error))
        return FALSE;
    if (slices->len == 0)
        remark = g_strdup_printf("there is no EndpointSlice of the Service %s", self->service);
    HgEndpointSet *set = NULL;
    if (!hg_endpoint_set_new(infos, &set, error))
        return FALSE;
    hg_source_publish(self->source, set, remark);
    return TRUE;
}

/* A text of bounded size out of an object's metadata; NULL: it isn't there, or too long. */
static const char *metadata(const json_t *object, const char *name, gsize most)
{
    const json_t *value = json_object_get(json_object_get(object, "metadata"), name);
    gsize size = json_string_length(value);
    return size > 0 && size <= most ? json_string_value(value) : NULL;
}

static gboolean put_slice(GHashTable *slices, const json_t *object, GError **error)
{
    HgEndpointSlice *slice = NULL;
    if (!hg_endpoint_slice_read(object, &slice, error))
        return FALSE;
    g_hash_table_replace(slices, g_strdup(hg_endpoint_slice_name(slice)), slice);
    if (g_hash_table_size(slices) <= SLICES_MAX)
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_LIMIT,
                "the Service has more EndpointSlices than the %d that hivegate takes", SLICES_MAX);
    return FALSE;
}

/* ---- the list ---- */

static gboolean take_page(GHashTable *slices, const json_t *page, char **version, char **next,
                          GError **error)
{
    const json_t *items = json_object_get(page, "items");
    const char *read = metadata(page, "resourceVersion", VERSION_MAX);
    if (read == NULL || (items != NULL && !json_is_null(items) && !json_is_array(items))) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "the API server sent what isn't a list with a resourceVersion");
        return FALSE;
    }
    for (gsize i = 0; i < json_array_size(items); i++)
        if (!put_slice(slices, json_array_get(items, i), error))
            return FALSE;
    g_free(*version);
    *version = g_strdup(read);
    g_free(*next);
    *next = g_strdup(metadata(page, "continue", CONTINUE_MAX));
    return TRUE;
}

static char *page_path(const Kubernetes *self, const char *next)
{
    GString *path = g_string_new(self->path);
    if (self->page > 0 && !self->list_whole)
        g_string_append_printf(path, "&limit=%u", self->page);
    if (next != NULL) {
        g_autofree char *escaped = g_uri_escape_string(next, NULL, FALSE);
        g_string_append_printf(path, "&continue=%s", escaped);
    }
    return g_string_free(path, FALSE);
}

/* Reads all pages into a new table. */
static HgKubernetesOutcome read_pages(Kubernetes *self, GHashTable *slices, char **version,
                                      GError **error)
{
    g_autofree char *next = NULL;
    for (guint pages = 0; pages < PAGES_MAX; pages++) {
        g_autofree char *path = page_path(self, next);
        json_auto_t *page = NULL;
        gboolean is_later = next != NULL;
        HgKubernetesOutcome outcome = hg_kubernetes_get(self->client, path, &page, error);
        if (outcome == HG_KUBERNETES_EXPIRED)
            self->list_whole = is_later;
        if (outcome != HG_KUBERNETES_DONE)
            return outcome;
        if (!take_page(slices, page, version, &next, error))
            return HG_KUBERNETES_INVALID;
        if (next == NULL) {
            self->list_whole = FALSE;
            return HG_KUBERNETES_DONE;
        }
    }
    g_set_error(error, HG_ERROR, HG_ERROR_LIMIT, "the API server's list has no end");
    return HG_KUBERNETES_INVALID;
}

static HgKubernetesOutcome list(Kubernetes *self, GError **error)
{
    g_autoptr(GHashTable) slices =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_slice);
    g_autofree char *version = NULL;
    HgKubernetesOutcome outcome = read_pages(self, slices, &version, error);
    if (outcome != HG_KUBERNETES_DONE)
        return outcome;
    g_hash_table_unref(self->slices);
    self->slices = g_steal_pointer(&slices);
    if (!publish(self, error))
        return HG_KUBERNETES_INVALID;
    self->version = g_steal_pointer(&version);
    return HG_KUBERNETES_DONE;
}

/* ---- the watch ---- */

static void on_opened(void *data)
{
    Kubernetes *self = data;
    g_autoptr(GError) error = NULL;
    /* the slices are those of the version that is watched from, so they are up to date again */
    if (!publish(self, &error))
        hg_source_fail(self->source, error->message);
}

static gboolean on_event(void *data, const char *type, const json_t *object, GError **error)
{
    Kubernetes *self = data;
    const char *version = metadata(object, "resourceVersion", VERSION_MAX);
    const char *name = metadata(object, "name", G_MAXSIZE);
    gboolean is_put = strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0;
    gboolean is_deleted = strcmp(type, "DELETED") == 0;
    if (version == NULL || (is_deleted && name == NULL) ||
        !(is_put || is_deleted || strcmp(type, "BOOKMARK") == 0)) {
        g_autofree char *shown = hg_text_quote(hg_slice_from_string(type));
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "the API server sent an event of type %s that makes no sense", shown);
        return FALSE;
    }
    if (is_put && !put_slice(self->slices, object, error))
        return FALSE;
    if (is_deleted)
        g_hash_table_remove(self->slices, name);
    if ((is_put || is_deleted) && !publish(self, error))
        return FALSE;
    g_free(self->version);
    self->version = g_strdup(version);
    return TRUE;
}

static HgKubernetesOutcome watch(Kubernetes *self, GError **error)
{
    const HgKubernetesWatcher watcher = {on_opened, on_event, self};
    g_autofree char *version = g_uri_escape_string(self->version, NULL, FALSE);
    g_autofree char *path = g_strdup_printf(
        "%s&watch=1&allowWatchBookmarks=true&resourceVersion=%s&timeoutSeconds=%" G_GINT64_FORMAT,
        self->path, version, MAX(self->watch_ms / 1000, 1));
    return hg_kubernetes_watch(self->client, path, self->watch_ms + GRACE_MS, &watcher, error);
}

/* ---- the thread ---- */

/* What follows an outcome; a wait unless all is well. FALSE once it shall stop. */
static gboolean go_on(Kubernetes *self, HgKubernetesOutcome outcome, gboolean is_watch,
                      gboolean was_short, const GError *error)
{
    HgControl *control = hg_source_control(self->source);
    if (hg_control_is_stopping(control))
        return FALSE;
    if (outcome == HG_KUBERNETES_BROKEN || outcome == HG_KUBERNETES_INVALID ||
        (outcome == HG_KUBERNETES_EXPIRED && !is_watch))
        hg_source_fail(self->source, error->message);
    /* a watch that only lost its connection goes on where it was */
    if (outcome == HG_KUBERNETES_EXPIRED || outcome == HG_KUBERNETES_INVALID)
        g_clear_pointer(&self->version, g_free);
    if (is_watch && !was_short)
        hg_backoff_reset(&self->backoff);
    if (outcome == HG_KUBERNETES_DONE && !(is_watch && was_short))
        return TRUE;
    gint64 asked =
        is_watch && outcome == HG_KUBERNETES_DONE ? 0 : hg_kubernetes_retry_after(self->client);
    gint64 wait = hg_backoff_next(&self->backoff);
    return hg_control_pause(control, MAX(wait, asked));
}

static void run(HgSource *source, void *data)
{
    Kubernetes *self = data;
    g_autoptr(GError) problem = NULL;
    self->source = source;
    if (!hg_kubernetes_client_new(hg_source_control(source), &self->client_config, &self->client,
                                  &problem)) {
        hg_source_fail(source, problem->message);
        return;
    }
    gboolean more = TRUE;
    while (more) {
        g_autoptr(GError) error = NULL;
        gboolean is_watch = self->version != NULL;
        gint64 begun = g_get_monotonic_time();
        HgKubernetesOutcome outcome = is_watch ? watch(self, &error) : list(self, &error);
        gboolean was_short = g_get_monotonic_time() - begun < SHORT_US;
        more = go_on(self, outcome, is_watch, was_short, error);
    }
    g_clear_pointer(&self->client, hg_kubernetes_client_free);
}

/* ---- making it ---- */

static void free_self(void *data)
{
    Kubernetes *self = data;
    g_free((char *)self->client_config.server);
    g_free((char *)self->client_config.ca_file);
    g_free((char *)self->client_config.token_file);
    g_free((char *)self->port.name);
    g_free(self->path);
    g_free(self->service);
    g_free(self->version);
    g_hash_table_unref(self->slices);
    g_free(self);
}

void hg_kubernetes_config_init(HgKubernetesConfig *config)
{
    *config = (HgKubernetesConfig){
        .connect_timeout_ms = 5000,
        .request_timeout_ms = 10000,
        .watch_ms = 300000,
        .retry_first_ms = 200,
        .retry_most_ms = 10000,
        .page = 250,
    };
}

/* The API server as "Accessing the Kubernetes API from a Pod" says; NULL after an error. */
static char *server_of_cluster(GError **error)
{
    const char *host = g_getenv("KUBERNETES_SERVICE_HOST");
    const char *port = g_getenv("KUBERNETES_SERVICE_PORT");
    if (host == NULL || port == NULL || *host == '\0' || *port == '\0') {
        g_set_error(error, HG_ERROR, HG_ERROR_NOT_FOUND,
                    "hivegate doesn't run in a cluster of Kubernetes (no KUBERNETES_SERVICE_HOST "
                    "and _PORT in its environment); name the API server");
        return NULL;
    }
    return strchr(host, ':') != NULL ? g_strdup_printf("https://[%s]:%s", host, port)
                                     : g_strdup_printf("https://%s:%s", host, port);
}

/* A name of a Service or namespace: a label of RFC 1123. */
static gboolean check_name(const char *what, const char *name, GError **error)
{
    gsize size = name != NULL ? strlen(name) : 0;
    gboolean ok = size >= 1 && size <= 63;
    for (gsize i = 0; i < size; i++)
        ok = ok && (g_ascii_islower(name[i]) || g_ascii_isdigit(name[i]) ||
                    (name[i] == '-' && i > 0 && i + 1 < size));
    if (!ok) {
        g_autofree char *shown = hg_text_quote(hg_slice_from_string(name));
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s %s isn't one; expected up to 63 of a-z, 0-9 and '-'", what, shown);
    }
    return ok;
}

static char *read_namespace(GError **error)
{
    char *text = NULL;
    if (!g_file_get_contents(ACCOUNT "namespace", &text, NULL, NULL)) {
        g_set_error(error, HG_ERROR, HG_ERROR_NOT_FOUND,
                    "there is no " ACCOUNT "namespace; name the Service's namespace");
        return NULL;
    }
    return g_strstrip(text);
}

static gboolean set_server(Kubernetes *self, const HgKubernetesConfig *config, GError **error)
{
    gboolean inside = config->server == NULL;
    HgKubernetesClientConfig *to = &self->client_config;
    to->server = inside ? server_of_cluster(error) : g_strdup(config->server);
    to->ca_file = g_strdup(config->ca_file == NULL && inside ? ACCOUNT "ca.crt" : config->ca_file);
    to->token_file =
        g_strdup(config->token_file == NULL && inside ? ACCOUNT "token" : config->token_file);
    to->connect_timeout_ms = config->connect_timeout_ms;
    to->request_timeout_ms = config->request_timeout_ms;
    return to->server != NULL && hg_kubernetes_check_server(to->server, error);
}

static gboolean set_path(Kubernetes *self, const HgKubernetesConfig *config, GError **error)
{
    g_autofree char *space =
        config->namespace != NULL ? g_strdup(config->namespace) : read_namespace(error);
    if (space == NULL || !check_name("the namespace", space, error) ||
        !check_name("the Service", config->service, error))
        return FALSE;
    /* the label that the EndpointSlice controller sets: kubernetes.io/service-name */
    self->path = g_strdup_printf("/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices"
                                 "?labelSelector=kubernetes.io%%2Fservice-name%%3D%s",
                                 space, config->service);
    self->service = g_strdup_printf("%s/%s", space, config->service);
    return TRUE;
}

gboolean hg_kubernetes_source_new(const HgKubernetesConfig *config, HgSource **out, GError **error)
{
    static const HgSourceKind kind = {"kubernetes", run, free_self};
    Kubernetes *self = g_new0(Kubernetes, 1);
    self->slices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_slice);
    self->port.name = g_strdup(config->port_name);
    self->port.number = config->port_number;
    self->port.family = config->family;
    self->watch_ms = MAX(config->watch_ms, 1000);
    self->page = config->page;
    self->backoff = (HgBackoff){config->retry_first_ms, config->retry_most_ms, 0};
    if (!set_server(self, config, error) || !set_path(self, config, error)) {
        free_self(self);
        return FALSE;
    }
    return hg_source_new(&kind, self, out, error);
}
