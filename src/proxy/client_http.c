/* HTTP on a client connection: each request's body is one Thrift message, and so is the body of its
 * reply. Requests are served in order; sessions don't end with the connection. */
#include "proxy/client_http.h"

#include "hs2/answer.h"

#define HEAD_MOST 1536 /* bytes of a reply's head, with a cookie for the longest name */

ClientHttp *hg_client_http_new(void)
{
    return g_new0(ClientHttp, 1);
}

const char *hg_client_http_acts_as(const HgClient *client)
{
    return client->http != NULL ? client->http->acts_as : NULL;
}

void hg_client_http_free(ClientHttp *http)
{
    if (http != NULL) {
        g_free(http->acts_as);
        g_free(http->agent);
    }
    g_free(http);
}

/* ---- replies ---- */

/* The line that gives the client its cookie, with the answer to its OpenSession; else NULL. Free
 * with g_free. */
static char *cookie_line(HgClient *client)
{
    guint max_age = 0;
    if (client->state != CLIENT_OPENING || client->http->has_cookie)
        return NULL;
    g_autofree char *value =
        hg_authenticator_make_cookie(hg_gateway_authenticator(hg_worker_gateway(client->worker)),
                                     client->listener->chain, client->identity.principal, &max_age);
    if (value == NULL)
        return NULL;
    return g_strdup_printf("Set-Cookie: " HG_COOKIE_NAME
                           "=%s; Path=/; Max-Age=%u; HttpOnly; SameSite=Strict%s\r\n",
                           value, max_age, client->listener->tls != NULL ? "; Secure" : "");
}

/* Writes the head of a 200: `total` bytes follow, or, with -1, nobody knows how many. */
static gsize write_head(HgClient *client, gint64 total, char out[HEAD_MOST])
{
    static const char closing[] = "Connection: close\r\n";
    ClientHttp *http = client->http;
    g_autofree char *cookie = cookie_line(client);
    http->chunked = total < 0 && http->minor >= 1;
    char *end = stpcpy(out, "HTTP/1.1 200 OK\r\nContent-Type: application/x-thrift\r\n");
    if (total >= 0) {
        end = stpcpy(end, "Content-Length: ");
        end += hg_http_write_number(end, (guint64)total);
        end = stpcpy(end, "\r\n");
    } else if (http->chunked) {
        end = stpcpy(end, "Transfer-Encoding: chunked\r\n");
    } else {
        client->last_answer = TRUE; /* its end is the connection's */
    }
    if (cookie != NULL) {
        g_assert((gsize)(end - out) + strlen(cookie) + sizeof closing + 2 <= HEAD_MOST);
        end = stpcpy(end, cookie);
    }
    if (client->last_answer)
        end = stpcpy(end, closing);
    end = stpcpy(end, "\r\n");
    return (gsize)(end - out);
}

static void answer(HgClient *client, guint8 *message, gsize size)
{
    char head[HEAD_MOST];
    gsize head_size = write_head(client, (gint64)size, head);
    HgSlice parts[] = {hg_slice(head, head_size), hg_slice(message, size)};
    hg_client_write_parts(client, parts, G_N_ELEMENTS(parts));
}

/* A piece of a reply goes out with all that belongs in front and behind, at once. */
static HgFlow write_piece(HgClient *client, HgReplyPiece *piece)
{
    char head[HEAD_MOST];
    char chunk[HG_HTTP_CHUNK_HEAD_MAX];
    HgSlice parts[HG_STREAM_PARTS];
    guint count = 0;
    if (piece->first)
        parts[count++] = hg_slice(head, write_head(client, piece->total, head));
    gboolean chunked = client->http->chunked;
    if (chunked && piece->size > 0)
        parts[count++] = hg_slice(chunk, hg_http_write_chunk_head(chunk, piece->size));
    if (piece->size > 0)
        parts[count++] = hg_slice(piece->bytes, piece->size);
    if (chunked)
        parts[count++] = hg_slice_from_string(piece->size == 0 ? HG_HTTP_LAST_CHUNK
                                              : piece->last ? HG_HTTP_CHUNK_END HG_HTTP_LAST_CHUNK
                                                            : HG_HTTP_CHUNK_END);
    return count > 0 ? hg_client_write_parts(client, parts, count) : HG_FLOW_GO;
}

/* ---- requests ---- */

static void broken(HgClient *client, HgSlice method, gint32 seqid, const char *why)
{
    g_autofree char *text = g_strconcat("hivegate: ", why, NULL);
    hg_client_http_refuse(client, "400 Bad Request", "", text, FALSE);
}

static void give_up(HgClient *client, const char *why)
{
    hg_client_give_up(client, hg_slice("", 0), 0, why);
}

/* The body of a request that was refused is over. */
static void end_discard(HgClient *client)
{
    client->http->stage = HTTP_HEAD;
    client->in_request = FALSE;
}

/* Serves a body that is there in full: exactly one Thrift message. */
static void serve_body(HgClient *client, guint8 *bytes, gsize size)
{
    HgRequest request;
    HgRequestStatus status = hg_request_read(hg_slice(bytes, size), &request);
    client->http->stage = HTTP_HEAD;
    client->in_request = FALSE;
    client->last_answer = !client->http->keep_alive;
    if (status == HG_REQUEST_SHORT)
        give_up(client, "the body ends inside its Thrift message");
    else if (status == HG_REQUEST_BROKEN)
        give_up(client, request.why);
    else if (request.size != size)
        give_up(client, "bytes follow the Thrift message in the body");
    else
        hg_client_serve(client, &request, bytes);
    if (client->state == CLIENT_READY && client->last_answer)
        hg_client_linger(client);
}

/* Serves what was collected in client->message. */
static void serve_collected(HgClient *client)
{
    HgBuffer message = client->message;
    hg_buffer_init(&client->message, message.budget);
    guint8 *bytes = hg_buffer_data(&message);
    serve_body(client, bytes != NULL ? bytes : (guint8[1]){0}, hg_buffer_size(&message));
    hg_buffer_clear(&message);
}

/* Adds to what was collected; FALSE when the client was told that it is too much. */
static gboolean collect(HgClient *client, HgSlice bytes)
{
    gsize most = hg_client_options(client)->message_size;
    if (hg_buffer_size(&client->message) + bytes.size > most) {
        hg_client_log_refused(client, "a request is larger than limits: message_size");
        hg_client_http_refuse(client, "413 Content Too Large", "",
                              "The request is larger than hivegate takes (limits: message_size).",
                              FALSE);
        return FALSE;
    }
    if (hg_buffer_append(&client->message, bytes, most))
        return TRUE;
    hg_client_log_refused(client, HG_AT_CEILING);
    hg_client_http_refuse(client, "503 Service Unavailable", "Retry-After: 1\r\n",
                          HG_AT_CEILING "; try again.", FALSE);
    return FALSE;
}

static void advance(ClientWindow *window, gsize size)
{
    window->at += size;
    window->size -= size;
}

/* A body with a length. The usual one, whole in the window, is served where it lies. */
static void take_length(HgClient *client, ClientWindow *window)
{
    ClientHttp *http = client->http;
    gsize size = (gsize)MIN((guint64)window->size, http->left);
    guint8 *bytes = window->at;
    gboolean whole = size == http->left;
    http->left -= size;
    advance(window, size);
    if (http->stage == HTTP_DISCARD) {
        if (whole)
            end_discard(client);
    } else if (whole && hg_buffer_size(&client->message) == 0) {
        serve_body(client, bytes, size);
    } else if (collect(client, hg_slice(bytes, size)) && whole) {
        serve_collected(client);
    }
}

static void take_chunks(HgClient *client, ClientWindow *window)
{
    ClientHttp *http = client->http;
    gsize used = 0, made = 0;
    guint8 *bytes = window->at;
    HgHttpChunksStatus status =
        hg_http_chunks_feed(&http->chunks, bytes, window->size, &used, &made);
    advance(window, used);
    if (status == HG_HTTP_CHUNKS_BAD) {
        give_up(client, http->chunks.why);
    } else if (http->stage == HTTP_DISCARD) {
        if (status == HG_HTTP_CHUNKS_DONE)
            end_discard(client);
    } else if (collect(client, hg_slice(bytes, made)) && status == HG_HTTP_CHUNKS_DONE) {
        serve_collected(client);
    }
}

/* FALSE when more bytes are needed. */
static gboolean take_head(HgClient *client, ClientWindow *window)
{
    HgHttpRequest request;
    const char *why = NULL;
    client->in_request = FALSE;
    client->http->forwarded = (HgPeerAddress){.family = HG_PEER_UNKNOWN};
    client->http->known = FALSE; /* both were of another request, maybe another client's */
    HgWireStatus status = hg_http_read_request(&client->http->scan,
                                               hg_slice(window->at, window->size), &request, &why);
    if (status == HG_WIRE_SHORT)
        return FALSE;
    if (status == HG_WIRE_BAD) {
        client->http->keep_alive = FALSE;
        give_up(client, why);
        return FALSE;
    }
    advance(window, request.head.size);
    hg_client_http_take_head(client, &request);
    return TRUE;
}

static gboolean take_request(HgClient *client, ClientWindow *window)
{
    ClientHttp *http = client->http;
    if (http->stage == HTTP_HEAD && !take_head(client, window))
        return FALSE;
    if (client->state != CLIENT_READY || http->stage == HTTP_HEAD)
        return TRUE;
    if (http->body == HG_HTTP_BODY_CHUNKED)
        take_chunks(client, window);
    else
        take_length(client, window);
    return TRUE;
}

static gsize room_wanted(const HgClient *client)
{
    return 16384;
}

const ClientTransport *hg_client_http(void)
{
    static const ClientTransport table = {
        .take_request = take_request,
        .room_wanted = room_wanted,
        .answer = answer,
        .write_piece = write_piece,
        .accepted = hg_client_http_accepted,
        .refused = hg_client_http_refused,
        .broken = broken,
        .keeps_sessions = FALSE,
    };
    return &table;
}
