/* HTTP towards an endpoint: each call is a POST with one Thrift message as its body, and so is the
 * response. A body in chunks is decoded in place, in front of what came behind it. Name and
 * password travel with each request; a session isn't tied to a connection. */
#include "proxy/backend_private.h"

#include "wire/http_text.h"

#define SHOWN_MOST 200 /* bytes of an error's body that are shown */

static void drop_request(BackendHttp *http)
{
    hg_secret_unref(http->password);
    explicit_bzero(http->request, http->request_size);
    g_free(http->request);
}

/* Makes the head of requests with the pool's present password. */
static void make_request(const HgBackend *backend, BackendHttp *http)
{
    const HgPoolOptions *pool = hg_pool_options(backend->endpoint);
    const char *host = hg_endpoint_host(backend->endpoint);
    const char *given = pool->server_name != NULL ? pool->server_name : host;
    gboolean bare = strchr(given, ':') != NULL; /* an IPv6 address */
    http->password = hg_secret_box_get(pool->password);
    const char *password = (const char *)hg_secret_slice(http->password).data;
    g_autofree char *login = g_strconcat(backend->user, ":", password, NULL);
    g_autofree char *encoded = g_base64_encode((const guchar *)login, strlen(login));
    http->request = g_strdup_printf(
        "POST /%s HTTP/1.1\r\nHost: %s%s%s:%s\r\nAuthorization: Basic %s\r\n"
        "Content-Type: application/x-thrift\r\nAccept: application/x-thrift\r\n"
        "X-XSRF-HEADER: true\r\nUser-Agent: hivegate\r\nContent-Length: ",
        pool->http_path, bare ? "[" : "", *given == '/' ? "localhost" : given, bare ? "]" : "",
        *given == '/' ? "0" : hg_endpoint_port(backend->endpoint), encoded);
    http->request_size = strlen(http->request);
    explicit_bzero(login, strlen(login));
    explicit_bzero(encoded, strlen(encoded));
}

BackendHttp *hg_backend_http_new(const HgBackend *backend)
{
    BackendHttp *http = g_new0(BackendHttp, 1);
    make_request(backend, http);
    return http;
}

void hg_backend_http_free(BackendHttp *http)
{
    if (http == NULL)
        return;
    drop_request(http);
    g_free(http);
}

/* Sessions outlive the password that they were opened with. */
static void renew_request(const HgBackend *backend)
{
    BackendHttp *http = backend->http;
    g_autoptr(HgSecret) present = hg_secret_box_get(hg_pool_options(backend->endpoint)->password);
    if (present == http->password)
        return;
    drop_request(http);
    make_request(backend, http);
}

static gboolean frame_request(HgBackend *backend, guint8 *message, gsize size, HgSlice *rest)
{
    BackendHttp *http = backend->http;
    renew_request(backend);
    char length[HG_HTTP_NUMBER_MAX + sizeof "\r\n\r\n"];
    const char *end = stpcpy(length + hg_http_write_number(length, size), "\r\n\r\n");
    HgSlice rest_of_head = hg_slice(length, (gsize)(end - length));
    HgBuffer *out = &backend->out;
    if (!hg_buffer_reserve(out, http->request_size + rest_of_head.size + size, (gsize)G_MAXINT32))
        return FALSE;
    gboolean taken =
        hg_buffer_append(out, hg_slice(http->request, http->request_size), G_MAXINT32) &&
        hg_buffer_append(out, rest_of_head, G_MAXINT32) &&
        hg_buffer_append(out, hg_slice(message, size), G_MAXINT32);
    g_assert(taken); /* there is room */
    http->scan = (HgHttpScan){0};
    http->chunks = (HgHttpChunks){0};
    http->in_body = http->over = http->whole = FALSE;
    http->decoded = 0;
    *rest = hg_slice(NULL, 0);
    return TRUE;
}

/* ---- responses ---- */

/* A text of the endpoint's as one line. Free with g_free. */
static char *make_line(HgSlice text)
{
    char *line = g_utf8_make_valid((const char *)text.data, (gssize)text.size);
    g_strstrip(line);
    for (char *at = line; *at != '\0'; at++)
        if (g_ascii_iscntrl(*at))
            *at = ' ';
    return line;
}

/* A response that isn't 200: what it says is all there is to say. The window begins with its body,
 * as far as that has come. */
static void lose_by_status(HgBackend *backend, const HgHttpResponse *response, Window *window)
{
    HgHttpChunks chunks = {0};
    gsize used = 0, size = window->size;
    if (response->head.body == HG_HTTP_BODY_CHUNKED)
        (void)!hg_http_chunks_feed(&chunks, window->at, window->size, &used, &size);
    HgSlice shown = hg_slice(window->at, MIN(size, (gsize)SHOWN_MOST));
    gboolean html = shown.size > 0 && memchr(shown.data, '<', shown.size) != NULL;
    g_autofree char *reason = make_line(response->reason);
    g_autofree char *body = make_line(html ? hg_slice("", 0) : shown);
    g_autofree char *text = g_strdup_printf("the endpoint answered %u %s%s%s", response->status,
                                            reason, *body != '\0' ? ": " : "", body);
    gboolean login = response->status == 401 || response->status == 403;
    hg_backend_lose(backend, login ? HG_LOSS_LOGIN : HG_LOSS_PROTOCOL, text);
}

/* FALSE when more bytes are needed, or the connection was lost. */
static gboolean take_head(HgBackend *backend, Window *window)
{
    BackendHttp *http = backend->http;
    HgHttpResponse response;
    const char *why = NULL;
    HgWireStatus status =
        hg_http_read_response(&http->scan, hg_slice(window->at, window->size), &response, &why);
    if (status == HG_WIRE_SHORT)
        return FALSE;
    if (status == HG_WIRE_BAD) {
        g_autofree char *text = g_strdup_printf(
            "the endpoint doesn't speak HTTP as expected (%s): is the pool's `transport` right?",
            why);
        hg_backend_lose(backend, HG_LOSS_PROTOCOL, text);
        return FALSE;
    }
    window->at += response.head.size;
    window->size -= response.head.size;
    if (response.status < 200) /* the real response follows */
        return TRUE;
    if (response.status != 200) {
        lose_by_status(backend, &response, window);
        return FALSE;
    }
    http->in_body = TRUE;
    http->body = response.head.body;
    http->left = response.head.length;
    http->spent = !response.head.keep_alive;
    http->over =
        http->body == HG_HTTP_BODY_NONE || (http->body == HG_HTTP_BODY_LENGTH && http->left == 0);
    if (http->over) /* no byte follows that would show it */
        hg_backend_lose(backend, HG_LOSS_PROTOCOL, "the endpoint answered without a body");
    return !http->over;
}

/* Decodes what has come of the body: http->decoded bytes of it are at the front of the window then.
 * FALSE when it isn't chunked as it should be. */
static gboolean decode(HgBackend *backend, Window *window)
{
    BackendHttp *http = backend->http;
    guint8 *bytes = window->at + http->decoded;
    gsize size = window->size - http->decoded;
    gsize used = size, made = size;
    if (http->over)
        return TRUE;
    if (http->body == HG_HTTP_BODY_LENGTH) {
        used = made = (gsize)MIN((guint64)size, http->left);
        http->left -= used;
        http->over = http->left == 0;
    } else if (http->body == HG_HTTP_BODY_CHUNKED) {
        HgHttpChunksStatus status = hg_http_chunks_feed(&http->chunks, bytes, size, &used, &made);
        if (status == HG_HTTP_CHUNKS_BAD) {
            hg_backend_lose(backend, HG_LOSS_PROTOCOL, http->chunks.why);
            return FALSE;
        }
        http->over = status == HG_HTTP_CHUNKS_DONE;
        memmove(bytes + made, bytes + used, size - used);
        window->size -= used - made;
    }
    http->decoded += made;
    return TRUE;
}

/* A body that ends with the connection ends just so when the endpoint dies: only the message can
 * say that it is whole. FALSE when it isn't one. */
static gboolean follow(HgBackend *backend, HgSlice bytes)
{
    gsize used = 0;
    if (backend->walker == NULL)
        backend->walker = hg_walker_new();
    HgWalk walk = hg_walker_feed(backend->walker, bytes, &used);
    backend->http->whole = walk == HG_WALK_DONE;
    if (walk != HG_WALK_BAD && used == bytes.size)
        return TRUE;
    hg_backend_lose(backend, HG_LOSS_PROTOCOL, "the reply is not one Thrift message");
    return FALSE;
}

/* Hands over what is decoded. */
static void hand_over_decoded(HgBackend *backend, Window *window)
{
    BackendHttp *http = backend->http;
    HgReplyPiece piece = {
        .bytes = window->at, .size = http->decoded, .last = http->over, .total = -1};
    if (http->body == HG_HTTP_BODY_UNTIL_CLOSE && !http->over &&
        !follow(backend, hg_slice(piece.bytes, piece.size)))
        return;
    if (http->over)
        piece.total = (gint64)http->decoded;
    else if (http->body == HG_HTTP_BODY_LENGTH)
        piece.total = (gint64)(http->decoded + http->left);
    window->at += http->decoded;
    window->size -= http->decoded;
    http->decoded = 0;
    http->idle_from = hg_loop_now(backend->context.loop);
    if (backend->state == BACKEND_CALLING)
        hg_backend_hand_over_first(backend, &piece);
    else
        hg_backend_hand_over(backend, &piece);
}

static gboolean is_one_message(const guint8 *bytes, gsize size)
{
    gsize end = 0;
    return hg_backend_message_size(hg_slice(bytes, size), &end) == HG_WIRE_OK && end == size;
}

/* CALLING. FALSE when more bytes are needed. */
static gboolean take(HgBackend *backend, Window *window)
{
    BackendHttp *http = backend->http;
    if (!http->in_body)
        return take_head(backend, window);
    if (!decode(backend, window))
        return FALSE;
    gboolean large = http->body == HG_HTTP_BODY_LENGTH && http->decoded + http->left > WHOLE_REPLY;
    gboolean held = backend->whole || http->decoded < (large ? HEAD_PEEK : WHOLE_REPLY);
    if (http->over && (backend->whole || http->decoded <= WHOLE_REPLY) &&
        !is_one_message(window->at, http->decoded)) {
        hg_backend_lose(backend, HG_LOSS_PROTOCOL, "the reply is not one Thrift message");
        return FALSE;
    }
    if (!http->over && held) {
        if (http->decoded > LARGEST_HELD)
            hg_backend_lose(backend, HG_LOSS_PROTOCOL, "the reply is larger than its kind can be");
        return FALSE;
    }
    hand_over_decoded(backend, window);
    return TRUE;
}

static gboolean take_more(HgBackend *backend, Window *window)
{
    if (!decode(backend, window))
        return FALSE;
    if (backend->http->decoded == 0 && !backend->http->over)
        return FALSE;
    hand_over_decoded(backend, window);
    return TRUE;
}

gboolean hg_backend_http_end(HgBackend *backend)
{
    BackendHttp *http = backend->http;
    if (!http->in_body || http->body != HG_HTTP_BODY_UNTIL_CLOSE)
        return FALSE;
    /* what has come of it so far is in `in`, decoded */
    guint8 nothing[HG_BUFFER_HEADROOM + 1];
    guint8 *bytes = hg_buffer_data(&backend->in);
    Window window = {bytes != NULL ? bytes : nothing + HG_BUFFER_HEADROOM,
                     hg_buffer_size(&backend->in)};
    http->over = http->spent = TRUE;
    if (backend->state == BACKEND_CALLING ? !is_one_message(window.at, http->decoded)
                                          : !http->whole)
        return FALSE;
    HgBuffer in = backend->in;
    hg_buffer_init(&backend->in, in.budget);
    hand_over_decoded(backend, &window);
    hg_buffer_clear(&in);
    return TRUE;
}

static gsize expected(const HgBackend *backend)
{
    const BackendHttp *http = backend->http;
    return http->in_body && http->body == HG_HTTP_BODY_LENGTH
               ? (gsize)MIN(http->left, (guint64)LARGEST_HELD)
               : 0;
}

const BackendTransport *hg_backend_http(void)
{
    static const BackendTransport table = {
        .take = take,
        .take_more = take_more,
        .frame = frame_request,
        .expected = expected,
        .reconnects = TRUE,
    };
    return &table;
}
