/* Streamed GETs over libcurl's multi interface: see http_stream.h. Owns both handles and so the
 * kept connection. */
#include "discovery/http_stream.h"

#include "base/error.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define CA_CACHE_SECONDS 60L
#define POLL_MOST_MS     60000
#define RETRY_AFTER_MAX  60 /* seconds that a server may ask to be left alone */
#define ALIVE_IDLE       10 /* seconds without a byte before TCP asks whether the peer is there */
#define ALIVE_EVERY      5  /* seconds between such questions */
#define ALIVE_COUNT      3  /* of them without an answer */
#define UNACKED_MS       25000 /* how long sent bytes may stay without an acknowledgement */

struct HgHttpStream {
    HgControl *control;
    char *ca_file;
    gint64 connect_timeout_ms;
    CURLM *multi;
    CURL *easy;
    gint64 retry_after_ms;
};

/* One request, for the callbacks. */
typedef struct {
    CURL *easy;
    HgHttpReader *reader;
    gboolean told; /* the head was */
    GError *error; /* what the reader found */
} Exchange;

gboolean hg_http_stream_new(HgControl *control, const char *ca_file, gint64 connect_timeout_ms,
                            HgHttpStream **out, GError **error)
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
    HgHttpStream *stream = g_new0(HgHttpStream, 1);
    stream->control = control;
    stream->ca_file = g_strdup(ca_file);
    stream->connect_timeout_ms = connect_timeout_ms;
    stream->multi = curl_multi_init();
    stream->easy = curl_easy_init();
    if (stream->multi == NULL || stream->easy == NULL) {
        hg_http_stream_free(stream);
        g_set_error(error, HG_ERROR, HG_ERROR_FAILED, "libcurl can't be initialised");
        return FALSE;
    }
    *out = stream;
    return TRUE;
}

void hg_http_stream_free(HgHttpStream *stream)
{
    if (stream == NULL)
        return;
    curl_easy_cleanup(stream->easy);
    curl_multi_cleanup(stream->multi);
    g_free(stream->ca_file);
    g_free(stream);
    curl_global_cleanup();
}

gint64 hg_http_stream_retry_after(const HgHttpStream *stream)
{
    return stream->retry_after_ms;
}

static guint status_of(CURL *easy)
{
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return (guint)status;
}

static size_t on_header(char *bytes, size_t one, size_t size, void *data)
{
    Exchange *exchange = data;
    guint status = status_of(exchange->easy);
    gboolean at_end = size <= 2 && (*bytes == '\r' || *bytes == '\n');
    if (at_end && status >= 200 && !exchange->told) {
        exchange->told = TRUE;
        if (exchange->reader->head != NULL)
            exchange->reader->head(exchange->reader->data, status);
    }
    return size;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *data)
{
    Exchange *exchange = data;
    HgHttpReader *reader = exchange->reader;
    guint status = status_of(exchange->easy);
    return reader->body(reader->data, status, hg_slice(bytes, size), &exchange->error) ? size : 0;
}

static void set_option(int fd, int level, int option, int value)
{
    /* each only helps to notice a dead peer early */
    if (setsockopt(fd, level, option, &value, sizeof value) != 0)
        return;
}

static int on_socket(void *data, curl_socket_t fd, curlsocktype purpose)
{
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, ALIVE_IDLE);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, ALIVE_EVERY);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, ALIVE_COUNT);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKED_MS);
    return CURL_SOCKOPT_OK;
}

static void set_connection(HgHttpStream *stream)
{
    CURL *easy = stream->easy;
    curl_easy_reset(easy); /* keeps its connections */
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a name server that hangs is left behind */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_SECONDS);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)stream->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "hivegate");
    if (stream->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, stream->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* these authorities, and no others */
    }
}

/* "https://host:port" of the URL. */
static char *shown(const char *url)
{
    const char *host = strstr(url, "://");
    gsize size = host != NULL ? (gsize)(host + 3 - url) + strcspn(host + 3, "/?") : strlen(url);
    return g_strndup(url, size);
}

static void set_failure(GError **error, const char *url, const char *problem)
{
    g_autofree char *host = shown(url);
    g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "%s: %s", host, problem);
}

/* How long to wait for something to happen, in ms. */
static int patience(const HgHttpReader *reader, gint64 now)
{
    if (reader->until_us == 0)
        return POLL_MOST_MS;
    return (int)CLAMP((reader->until_us - now) / 1000 + 1, 0, POLL_MOST_MS);
}

/* Works until the request has ended. A text: why it was given up; NULL: it ended by itself, with
 * *code. */
static const char *work(HgHttpStream *stream, const Exchange *exchange, CURLcode *code)
{
    struct curl_waitfd wake = {.fd = hg_control_fd(stream->control), .events = CURL_WAIT_POLLIN};
    for (;;) {
        int running = 0;
        if (curl_multi_perform(stream->multi, &running) != CURLM_OK)
            return "libcurl failed";
        CURLMsg *message;
        int left = 0;
        while ((message = curl_multi_info_read(stream->multi, &left)) != NULL) {
            if (message->msg == CURLMSG_DONE) {
                *code = message->data.result;
                return NULL;
            }
        }
        if (hg_control_is_stopping(stream->control))
            return "it isn't waited for any more";
        gint64 now = g_get_monotonic_time();
        if (exchange->reader->until_us != 0 && now >= exchange->reader->until_us)
            return exchange->told ? "it began to answer, but stopped in the middle"
                                  : "it didn't answer in time";
        hg_control_drain(stream->control);
        curl_multi_poll(stream->multi, &wake, 1, patience(exchange->reader, now), NULL);
    }
}

static struct curl_slist *make_headers(HgSlice bearer)
{
    struct curl_slist *list = curl_slist_append(NULL, "Accept: application/json");
    if (bearer.size == 0)
        return list;
    g_autofree char *line =
        g_strdup_printf("Authorization: Bearer %.*s", (int)bearer.size, (const char *)bearer.data);
    list = curl_slist_append(list, line);
    explicit_bzero(line, strlen(line));
    return list;
}

static void free_headers(struct curl_slist *list)
{
    for (struct curl_slist *at = list; at != NULL; at = at->next)
        explicit_bzero(at->data, strlen(at->data));
    curl_slist_free_all(list);
}

static gboolean outcome(Exchange *exchange, CURLcode code, const char *given_up, const char *detail,
                        const char *url, GError **error)
{
    if (exchange->error != NULL) {
        g_propagate_error(error, exchange->error);
        return FALSE;
    }
    if (given_up == NULL && code == CURLE_OK)
        return TRUE;
    set_failure(error, url,
                given_up != NULL  ? given_up
                : *detail != '\0' ? detail
                                  : curl_easy_strerror(code));
    return FALSE;
}

gboolean hg_http_stream_get(HgHttpStream *stream, const char *url, HgSlice bearer,
                            HgHttpReader *reader, guint *status, GError **error)
{
    char detail[CURL_ERROR_SIZE] = "";
    Exchange exchange = {.easy = stream->easy, .reader = reader};
    CURLcode code = CURLE_OK;
    curl_off_t retry_after = 0;
    struct curl_slist *headers = make_headers(bearer);
    set_connection(stream);
    curl_easy_setopt(stream->easy, CURLOPT_URL, url);
    curl_easy_setopt(stream->easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(stream->easy, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(stream->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(stream->easy, CURLOPT_HEADERDATA, &exchange);
    curl_easy_setopt(stream->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(stream->easy, CURLOPT_WRITEDATA, &exchange);
    curl_multi_add_handle(stream->multi, stream->easy);
    const char *given_up = work(stream, &exchange, &code);
    *status = status_of(stream->easy);
    curl_easy_getinfo(stream->easy, CURLINFO_RETRY_AFTER, &retry_after);
    stream->retry_after_ms = CLAMP(retry_after, 0, RETRY_AFTER_MAX) * 1000;
    curl_multi_remove_handle(stream->multi, stream->easy);
    curl_easy_reset(stream->easy); /* forgets `detail` and `exchange` */
    free_headers(headers);
    return outcome(&exchange, code, given_up, detail, url, error);
}
