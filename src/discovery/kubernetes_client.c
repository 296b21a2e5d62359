/* The client of Kubernetes' API server: see kubernetes_client.h. Owns the HTTP stream and, while a
 * request runs, the bytes of a document or of a line that isn't whole yet. */
#include "discovery/kubernetes_client.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "discovery/http_stream.h"
#include "net/http_client.h"

#include <string.h>

#define DOCUMENT_MAX (32 * 1024 * 1024)
#define EVENT_MAX    (4 * 1024 * 1024) /* etcd takes objects up to 1.5 MB */
#define REFUSAL_MAX  (64 * 1024)       /* of an answer that isn't 200 */
#define MESSAGE_MAX  300               /* of a server's message in an error */
#define TOKEN_MAX    (64 * 1024)
#define GONE         410

struct HgKubernetesClient {
    char *server; /* without a slash at its end */
    char *token_file;
    gint64 request_timeout_us;
    HgHttpStream *http;
};

/* One request. */
typedef struct {
    HgHttpReader reader;
    GByteArray *bytes;                  /* the document, the refusal, or the line so far */
    const HgKubernetesWatcher *watcher; /* NULL: a document */
    gint64 timeout_us;                  /* for a line */
    gint64 end_us;                      /* when the whole must be over */
    gboolean expired;
    gboolean broken; /* an ERROR event, or a refusal */
} Request;

gboolean hg_kubernetes_check_server(const char *url, GError **error)
{
    gboolean is_https = FALSE, is_loopback = FALSE;
    if (!hg_http_url_check(url, &is_https, &is_loopback, NULL, error))
        return FALSE;
    if (is_https || is_loopback)
        return TRUE;
    g_set_error(
        error, HG_ERROR, HG_ERROR_INVALID,
        "the API server's URL is plain http to another machine, where anybody between could "
        "take the token and name endpoints of their own; expected https");
    return FALSE;
}

gboolean hg_kubernetes_client_new(HgControl *control, const HgKubernetesClientConfig *config,
                                  HgKubernetesClient **out, GError **error)
{
    HgHttpStream *http = NULL;
    if (!hg_kubernetes_check_server(config->server, error) ||
        !hg_http_stream_new(control, config->ca_file, config->connect_timeout_ms, &http, error))
        return FALSE;
    HgKubernetesClient *client = g_new0(HgKubernetesClient, 1);
    gsize size = strlen(config->server);
    while (size > 0 && config->server[size - 1] == '/')
        size--;
    client->server = g_strndup(config->server, size);
    client->token_file = g_strdup(config->token_file);
    client->request_timeout_us = config->request_timeout_ms * 1000;
    client->http = http;
    *out = client;
    return TRUE;
}

void hg_kubernetes_client_free(HgKubernetesClient *client)
{
    if (client == NULL)
        return;
    hg_http_stream_free(client->http);
    g_free(client->server);
    g_free(client->token_file);
    g_free(client);
}

gint64 hg_kubernetes_retry_after(const HgKubernetesClient *client)
{
    return hg_http_stream_retry_after(client->http);
}

/* The token as it is in the file now, without blanks at its end. *secret owns its bytes. */
static gboolean read_token(const HgKubernetesClient *client, HgSecret **secret, HgSlice *token,
                           GError **error)
{
    HgFileExposure exposure = HG_FILE_PRIVATE;
    *token = hg_slice(NULL, 0);
    if (client->token_file == NULL)
        return TRUE;
    if (!hg_secret_read_file(client->token_file, TOKEN_MAX, secret, &exposure, error))
        return FALSE;
    HgSlice bytes = hg_secret_slice(*secret);
    while (bytes.size > 0 && g_ascii_isspace(bytes.data[bytes.size - 1]))
        bytes.size--;
    gboolean ok = bytes.size > 0;
    for (gsize i = 0; i < bytes.size; i++)
        ok = ok && g_ascii_isgraph(bytes.data[i]);
    if (!ok) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s: expected one token and nothing else",
                    client->token_file);
        return FALSE;
    }
    *token = bytes;
    return TRUE;
}

/* ---- what the server refuses ---- */

/* The message of a Status object, quoted; or of whatever it is. */
static char *message_of(const json_t *status)
{
    const char *message = json_string_value(json_object_get(status, "message"));
    if (message == NULL)
        return g_strdup("without a message");
    g_autofree char *valid = g_utf8_make_valid(message, MIN((gssize)strlen(message), MESSAGE_MAX));
    GString *text = g_string_new(NULL);
    HgSlice rest = hg_slice_from_string(valid);
    char one[HG_TEXT_ESCAPE_MAX];
    while (rest.size > 0) {
        gboolean is_quote = *rest.data == '"';
        gsize size = hg_text_escape_next(&rest, one);
        g_string_append_len(text, is_quote ? "\"" : one, is_quote ? 1 : (gssize)size);
    }
    return g_string_free(text, FALSE);
}

static const char *advice(guint status)
{
    return status == 401   ? "; the token may be wrong or too old"
           : status == 403 ? "; hivegate's service account needs list and watch on endpointslices "
                             "of discovery.k8s.io in that namespace"
           : status == 404 ? "; it may not be an API server, or one before Kubernetes 1.21"
                           : "";
}

static void set_refusal(Request *request, const HgKubernetesClient *client, guint status,
                        GError **error)
{
    json_auto_t *object =
        json_loadb((const char *)request->bytes->data, request->bytes->len, 0, NULL);
    g_autofree char *message = message_of(object);
    request->expired = status == GONE;
    g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "%s answered with HTTP status %u: %s%s",
                client->server, status, message, advice(status));
}

/* ---- lines of a watch ---- */

/* An event of type ERROR. */
static void set_error_event(Request *request, const json_t *status, GError **error)
{
    g_autofree char *message = message_of(status);
    json_int_t code = json_integer_value(json_object_get(status, "code"));
    request->expired = code == GONE;
    request->broken = TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE,
                "the API server ended the watch with the error %" JSON_INTEGER_FORMAT ": %s", code,
                message);
}

static gboolean take_line(Request *request, HgSlice line, GError **error)
{
    json_error_t problem;
    json_auto_t *event =
        json_loadb((const char *)line.data, line.size, JSON_REJECT_DUPLICATES, &problem);
    const char *type = json_string_value(json_object_get(event, "type"));
    const json_t *object = json_object_get(event, "object");
    if (type == NULL || !json_is_object(object)) {
        g_autofree char *shown = hg_text_quote(line);
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "the API server sent a line that is no event of a watch: %s", shown);
        return FALSE;
    }
    if (strcmp(type, "ERROR") == 0) {
        set_error_event(request, object, error);
        return FALSE;
    }
    return request->watcher->event(request->watcher->data, type, object, error);
}

static gboolean too_long(GError **error, const char *what, gsize most)
{
    g_set_error(error, HG_ERROR, HG_ERROR_LIMIT,
                "the API server sent %s of more than %" G_GSIZE_FORMAT " bytes", what, most);
    return FALSE;
}

/* Takes whole lines out of what came; the rest waits, but not for ever. */
static gboolean take_lines(Request *request, HgSlice bytes, GError **error)
{
    while (bytes.size > 0) {
        const guint8 *end = memchr(bytes.data, '\n', bytes.size);
        gsize size = end != NULL ? (gsize)(end - bytes.data) : bytes.size;
        if (size > EVENT_MAX - request->bytes->len)
            return too_long(error, "an event", EVENT_MAX);
        if (request->bytes->len == 0)
            request->reader.until_us =
                MIN(request->end_us, g_get_monotonic_time() + request->timeout_us);
        g_byte_array_append(request->bytes, bytes.data, (guint)size);
        if (end == NULL)
            return TRUE;
        bytes = hg_slice(end + 1, bytes.size - size - 1);
        gboolean ok =
            request->bytes->len == 0 ||
            take_line(request, hg_slice(request->bytes->data, request->bytes->len), error);
        g_byte_array_set_size(request->bytes, 0);
        request->reader.until_us = request->end_us;
        if (!ok)
            return FALSE;
    }
    return TRUE;
}

static gboolean on_body(void *data, guint status, HgSlice bytes, GError **error)
{
    Request *request = data;
    if (status == 200 && request->watcher != NULL)
        return take_lines(request, bytes, error);
    gsize most = status == 200 ? DOCUMENT_MAX : REFUSAL_MAX;
    if (bytes.size > most - request->bytes->len)
        return too_long(error, status == 200 ? "an answer" : "an error message", most);
    g_byte_array_append(request->bytes, bytes.data, (guint)bytes.size);
    return TRUE;
}

static void on_head(void *data, guint status)
{
    Request *request = data;
    if (status != 200 || request->watcher == NULL)
        return;
    request->reader.until_us = request->end_us;
    request->watcher->opened(request->watcher->data);
}

/* ---- requests ---- */

static HgKubernetesOutcome judge(const Request *request, const GError *error)
{
    if (request->expired)
        return HG_KUBERNETES_EXPIRED;
    if (request->broken || error->code == HG_ERROR_UNAVAILABLE || error->code == HG_ERROR_IO)
        return HG_KUBERNETES_BROKEN;
    return HG_KUBERNETES_INVALID;
}

/* Makes the request; DONE only when the answer came whole with status 200. */
static HgKubernetesOutcome send_request(HgKubernetesClient *client, const char *path,
                                        Request *request, GError **error)
{
    g_autoptr(HgSecret) secret = NULL;
    g_autoptr(GError) problem = NULL;
    HgSlice token;
    guint status = 0;
    if (!read_token(client, &secret, &token, error))
        return HG_KUBERNETES_BROKEN;
    g_autofree char *url = g_strconcat(client->server, path, NULL);
    request->reader.head = on_head;
    request->reader.body = on_body;
    request->reader.data = request;
    if (hg_http_stream_get(client->http, url, token, &request->reader, &status, &problem)) {
        if (status == 200)
            return HG_KUBERNETES_DONE;
        set_refusal(request, client, status, &problem);
    }
    HgKubernetesOutcome outcome = judge(request, problem);
    g_propagate_error(error, g_steal_pointer(&problem));
    return outcome;
}

HgKubernetesOutcome hg_kubernetes_get(HgKubernetesClient *client, const char *path, json_t **out,
                                      GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    Request request = {.bytes = bytes};
    request.reader.until_us = g_get_monotonic_time() + client->request_timeout_us;
    HgKubernetesOutcome outcome = send_request(client, path, &request, error);
    if (outcome != HG_KUBERNETES_DONE)
        return outcome;
    json_error_t problem;
    json_t *document =
        json_loadb((const char *)bytes->data, bytes->len, JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(document)) {
        json_decref(document);
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s sent what isn't a JSON object; is it an API server of Kubernetes?",
                    client->server);
        return HG_KUBERNETES_INVALID;
    }
    *out = document;
    return HG_KUBERNETES_DONE;
}

HgKubernetesOutcome hg_kubernetes_watch(HgKubernetesClient *client, const char *path, gint64 ms,
                                        const HgKubernetesWatcher *watcher, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    gint64 now = g_get_monotonic_time();
    Request request = {
        .bytes = bytes,
        .watcher = watcher,
        .timeout_us = client->request_timeout_us,
        .end_us = now + ms * 1000,
    };
    request.reader.until_us = MIN(now + client->request_timeout_us, request.end_us);
    HgKubernetesOutcome outcome = send_request(client, path, &request, error);
    if (outcome == HG_KUBERNETES_DONE && bytes->len > 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE,
                    "%s ended the watch in the middle of an event", client->server);
        return HG_KUBERNETES_BROKEN;
    }
    return outcome;
}
