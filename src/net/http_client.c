/* The HTTP client over libcurl: see http_client.h. Owns its easy handles, each with its connection;
 * a handle is lent to one request at a time. */
#include "net/http_client.h"

#include "base/error.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define CA_CACHE_SECONDS 60L
#define ANSWER_FIRST     4096

struct HgHttpClient {
    char *ca_file;
    char *proxy;
    gint64 connect_timeout_ms;
    gint64 timeout_ms;
    gsize answer_max;
    guint places; /* handles there may be */
    atomic_bool cancelled;
    pthread_mutex_t lock;
    pthread_cond_t returned; /* a handle came back */
    GPtrArray *idle;         /* of CURL, under the lock */
    guint lent;              /* under the lock */
};

/* What the callbacks of one request work on. */
typedef struct {
    HgHttpClient *client;
    GByteArray *body;
    gboolean too_long;
} Reading;

gboolean hg_http_client_new(const HgHttpClientConfig *config, HgHttpClient **out, GError **error)
{
    /* counted by libcurl under a lock of its own, where it says that it is thread-safe */
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    if ((version->features & CURL_VERSION_THREADSAFE) == 0 ||
        (version->features & CURL_VERSION_ASYNCHDNS) == 0 ||
        curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        g_set_error(error, HG_ERROR, HG_ERROR_FAILED,
                    "libcurl %s can't be used by several threads; install one that was built with "
                    "threads",
                    version->version);
        return FALSE;
    }
    HgHttpClient *client = g_new0(HgHttpClient, 1);
    pthread_condattr_t monotonic;
    client->ca_file = g_strdup(config->ca_file);
    client->proxy = g_strdup(config->proxy != NULL ? config->proxy : "");
    client->connect_timeout_ms = config->connect_timeout_ms;
    client->timeout_ms = config->timeout_ms;
    client->answer_max = config->answer_max;
    client->places = MAX(config->requests, 1);
    client->idle = g_ptr_array_new();
    atomic_init(&client->cancelled, FALSE);
    pthread_mutex_init(&client->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&client->returned, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = client;
    return TRUE;
}

void hg_http_client_free(HgHttpClient *client)
{
    if (client == NULL)
        return;
    g_assert(client->lent == 0);
    for (guint i = 0; i < client->idle->len; i++)
        curl_easy_cleanup(g_ptr_array_index(client->idle, i));
    g_ptr_array_unref(client->idle);
    pthread_cond_destroy(&client->returned);
    pthread_mutex_destroy(&client->lock);
    g_free(client->ca_file);
    g_free(client->proxy);
    g_free(client);
    curl_global_cleanup();
}

void hg_http_client_cancel(HgHttpClient *client)
{
    pthread_mutex_lock(&client->lock);
    atomic_store(&client->cancelled, TRUE);
    pthread_cond_broadcast(&client->returned);
    pthread_mutex_unlock(&client->lock);
}

void hg_http_answer_free(HgHttpAnswer *answer)
{
    if (answer == NULL)
        return;
    if (answer->body.size > 0)
        explicit_bzero((gpointer)answer->body.data, answer->body.size);
    g_free((gpointer)answer->body.data);
    g_free(answer->content_type);
    g_free(answer);
}

static struct timespec timespec_of(gint64 us)
{
    return (struct timespec){.tv_sec = us / G_USEC_PER_SEC, .tv_nsec = us % G_USEC_PER_SEC * 1000};
}

/* A handle for one request; NULL when none came free until `deadline_us`. */
static CURL *borrow(HgHttpClient *client, gint64 deadline_us)
{
    struct timespec until = timespec_of(deadline_us);
    CURL *handle = NULL;
    int waited = 0;
    pthread_mutex_lock(&client->lock);
    while (client->lent == client->places && waited == 0 && !atomic_load(&client->cancelled))
        waited = pthread_cond_timedwait(&client->returned, &client->lock, &until);
    if (client->lent < client->places && !atomic_load(&client->cancelled)) {
        client->lent++;
        handle = client->idle->len > 0
                     ? g_ptr_array_remove_index_fast(client->idle, client->idle->len - 1)
                     : curl_easy_init();
        if (handle == NULL)
            client->lent--;
    }
    pthread_mutex_unlock(&client->lock);
    return handle;
}

static void give_back(HgHttpClient *client, CURL *handle)
{
    curl_easy_reset(handle); /* keeps its connections */
    pthread_mutex_lock(&client->lock);
    client->lent--;
    g_ptr_array_add(client->idle, handle);
    pthread_cond_signal(&client->returned);
    pthread_mutex_unlock(&client->lock);
}

static size_t on_body(char *bytes, size_t one, size_t size, void *data)
{
    Reading *reading = data;
    if (size > reading->client->answer_max - reading->body->len) {
        reading->too_long = TRUE;
        return 0;
    }
    g_byte_array_append(reading->body, (const guint8 *)bytes, (guint)size);
    return size;
}

static int on_progress(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const Reading *reading = data;
    return atomic_load(&reading->client->cancelled);
}

/* The request's headers as libcurl wants them; *take_list has to be freed by free_headers(). */
static struct curl_slist *make_headers(const HgHttpRequest *request)
{
    struct curl_slist *list = NULL;
    for (gsize i = 0; request->headers != NULL && request->headers[i] != NULL; i++)
        list = curl_slist_append(list, request->headers[i]);
    if (request->content_type != NULL) {
        g_autofree char *line = g_strconcat("Content-Type: ", request->content_type, NULL);
        list = curl_slist_append(list, line);
    }
    return curl_slist_append(list, "Expect:"); /* no pause for "100 Continue" */
}

/* Wipes them too: there may be a token in them. */
static void free_headers(struct curl_slist *list)
{
    for (struct curl_slist *at = list; at != NULL; at = at->next)
        explicit_bzero(at->data, strlen(at->data));
    curl_slist_free_all(list);
}

static void set_connection(HgHttpClient *client, CURL *handle, gint64 left_ms)
{
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L); /* a name server that hangs is left behind */
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_PROXY, client->proxy);
    curl_easy_setopt(handle, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(handle, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_SECONDS);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)left_ms);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)MIN(client->connect_timeout_ms, left_ms));
    if (client->ca_file != NULL) {
        curl_easy_setopt(handle, CURLOPT_CAINFO, client->ca_file);
        curl_easy_setopt(handle, CURLOPT_CAPATH, NULL); /* these authorities, and no others */
    }
}

static void set_request(CURL *handle, const HgHttpRequest *request, struct curl_slist *headers)
{
    curl_easy_setopt(handle, CURLOPT_URL, request->url);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "hivegate");
    if (request->body.data != NULL) {
        curl_easy_setopt(handle, CURLOPT_POST, 1L);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request->body.data);
    }
    if (request->user != NULL) {
        curl_easy_setopt(handle, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(handle, CURLOPT_USERNAME, request->user);
        curl_easy_setopt(handle, CURLOPT_PASSWORD, request->password);
    }
}

/* The URL without what may be secret: scheme, host and port. */
static char *shown(const char *url)
{
    CURLU *parts = curl_url();
    char *host = NULL, *scheme = NULL, *port = NULL;
    char *text = NULL;
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
        text = g_strdup_printf("%s://%s:%s", scheme, host, port);
    curl_free(host);
    curl_free(scheme);
    curl_free(port);
    curl_url_cleanup(parts);
    return text != NULL ? text : g_strdup("the URL");
}

static void set_failure(const Reading *reading, CURLcode code, const char *detail, const char *url,
                        GError **error)
{
    const HgHttpClient *client = reading->client;
    g_autofree char *host = shown(url);
    if (reading->too_long)
        g_set_error(error, HG_ERROR, HG_ERROR_LIMIT,
                    "%s sent an answer of more than %" G_GSIZE_FORMAT " bytes", host,
                    client->answer_max);
    else if (atomic_load(&client->cancelled))
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE,
                    "%s wasn't waited for: hivegate is "
                    "ending, or its settings changed",
                    host);
    else
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "%s: %s", host,
                    *detail != '\0' ? detail : curl_easy_strerror(code));
}

/* What came, as the caller's. */
static HgHttpAnswer *make_answer(CURL *handle, GByteArray *take_body)
{
    HgHttpAnswer *answer = g_new0(HgHttpAnswer, 1);
    long status = 0;
    const char *type = NULL;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(handle, CURLINFO_CONTENT_TYPE, &type);
    gsize size = take_body->len;
    g_byte_array_append(take_body, (const guint8 *)"", 1);
    answer->status = (guint)status;
    answer->content_type = g_strdup(type);
    answer->body = hg_slice(g_byte_array_free(take_body, FALSE), size);
    return answer;
}

static gboolean perform(HgHttpClient *client, CURL *handle, const HgHttpRequest *request,
                        HgHttpAnswer **out, GError **error)
{
    char detail[CURL_ERROR_SIZE] = "";
    Reading reading = {.client = client, .body = g_byte_array_sized_new(ANSWER_FIRST)};
    struct curl_slist *headers = make_headers(request);
    set_request(handle, request, headers);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &reading);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &reading);
    CURLcode code = curl_easy_perform(handle);
    free_headers(headers);
    if (code == CURLE_OK) {
        *out = make_answer(handle, reading.body);
        return TRUE;
    }
    set_failure(&reading, code, detail, request->url, error);
    g_byte_array_unref(reading.body);
    return FALSE;
}

gboolean hg_http_client_send(HgHttpClient *client, const HgHttpRequest *request, HgHttpAnswer **out,
                             GError **error)
{
    gint64 deadline_us = g_get_monotonic_time() + client->timeout_ms * 1000;
    gboolean is_https = FALSE, is_loopback = FALSE;
    if (!hg_http_url_check(request->url, &is_https, &is_loopback, NULL, error))
        return FALSE;
    CURL *handle = borrow(client, deadline_us);
    if (handle == NULL) {
        g_autofree char *host = shown(request->url);
        g_set_error(error, HG_ERROR, HG_ERROR_LIMIT,
                    "%s wasn't asked: %u requests are under way already", host, client->places);
        return FALSE;
    }
    gint64 left_ms = MAX((deadline_us - g_get_monotonic_time()) / 1000, 1);
    set_connection(client, handle, left_ms);
    gboolean ok = perform(client, handle, request, out, error);
    give_back(client, handle);
    return ok;
}

/* TRUE for localhost and the addresses that never leave this machine. */
static gboolean never_leaves(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (g_ascii_strcasecmp(host, "localhost") == 0)
        return TRUE;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* The part as the caller's (curl_free), or NULL. */
static char *part(CURLU *url, CURLUPart which)
{
    char *text = NULL;
    return curl_url_get(url, which, &text, 0) == CURLUE_OK ? text : NULL;
}

static const char *wrong_url(CURLU *parts, const char *url)
{
    static const struct {
        CURLUPart part;
        const char *wrong;
    } unwanted[] = {
        {CURLUPART_USER, "holds a user name"},
        {CURLUPART_PASSWORD, "holds a password"},
        {CURLUPART_FRAGMENT, "holds a '#'"},
    };
    if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK)
        return "isn't one";
    for (gsize i = 0; i < G_N_ELEMENTS(unwanted); i++) {
        char *text = part(parts, unwanted[i].part);
        curl_free(text);
        if (text != NULL)
            return unwanted[i].wrong;
    }
    return NULL;
}

gboolean hg_http_url_check(const char *url, gboolean *is_https, gboolean *is_loopback, char **host,
                           GError **error)
{
    CURLU *parts = curl_url();
    const char *wrong = wrong_url(parts, url);
    char *scheme = part(parts, CURLUPART_SCHEME);
    char *name = part(parts, CURLUPART_HOST);
    if (wrong == NULL &&
        (name == NULL || (g_strcmp0(scheme, "https") != 0 && g_strcmp0(scheme, "http") != 0)))
        wrong = "isn't one of http or https";
    if (wrong == NULL) {
        gsize size = strlen(name);
        g_autofree char *bare =
            *name == '[' && size > 2 ? g_strndup(name + 1, size - 2) : g_strdup(name);
        *is_https = strcmp(scheme, "https") == 0;
        *is_loopback = never_leaves(bare);
        if (host != NULL)
            *host = g_steal_pointer(&bare);
    } else {
        g_autofree char *quoted = hg_text_quote(hg_slice_from_string(url));
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s %s; expected a URL such as https://host.example.org/path", quoted, wrong);
    }
    curl_free(scheme);
    curl_free(name);
    curl_url_cleanup(parts);
    return wrong == NULL;
}
