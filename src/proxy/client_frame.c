/* From bytes to requests. A frame boundary is no message boundary: one message may come in several
 * frames and several messages in one (as Spark 3.5.3 takes them), so frames are taken off first and
 * the Thrift message decides. The usual case, one whole message in one whole frame, is served where
 * it lies.
 */
#include "proxy/client_private.h"

#include "hs2/answer.h"
#include "wire/sasl.h"

#define STRANGER_MOST (64 * 1024) /* bytes of a request before the login */

void hg_client_give_up(HgClient *client, HgSlice method, gint32 seqid, const char *why)
{
    hg_client_log_refused(client, why);
    client->end_reason = "what it sent can't be followed";
    client->transport->broken(client, method, seqid, why);
}

static void broken(HgClient *client, HgSlice method, gint32 seqid, const char *why)
{
    HgBuffer answer;
    hg_buffer_init(&answer, NULL);
    g_autofree char *text = g_strconcat("hivegate: ", why, NULL);
    if (hg_answer_exception(&answer, method, seqid, HG_EXCEPTION_PROTOCOL_ERROR, text))
        hg_client_answer(client, &answer);
    hg_client_linger(client);
}

/* The most that one request may be: little while nobody has logged in (a listener without SASL). */
static guint largest_request(HgClient *client)
{
    guint most = hg_client_options(client)->message_size;
    return client->identity.principal != NULL ? most : MIN(most, STRANGER_MOST);
}

static void too_large(HgClient *client)
{
    g_autofree char *why =
        g_strdup_printf(client->identity.principal != NULL
                            ? "a request is larger than %u bytes (limits: message_size)"
                            : "a request that comes before the login is larger than %u bytes",
                        largest_request(client));
    hg_client_give_up(client, hg_slice("", 0), 0, why);
}

/* Serves the message that client->message holds in full. */
static void serve_collected(HgClient *client)
{
    HgBuffer message = client->message;
    hg_buffer_init(&client->message, message.budget);
    g_clear_pointer(&client->walker, hg_walker_free);
    HgRequest request;
    guint8 *bytes = hg_buffer_data(&message);
    HgRequestStatus status = hg_request_read(hg_slice(bytes, hg_buffer_size(&message)), &request);
    if (status == HG_REQUEST_OK || status == HG_REQUEST_REFUSED)
        hg_client_serve(client, &request, bytes);
    else
        hg_client_give_up(client, hg_slice("", 0), 0,
                          status == HG_REQUEST_BROKEN ? request.why : "a request is not Thrift");
    hg_buffer_clear(&message);
}

/* More of a message that has begun in client->message. Returns the bytes used. */
static gsize collect(HgClient *client, HgSlice bytes)
{
    gsize used = 0;
    HgWalk walk = hg_walker_feed(client->walker, bytes, &used);
    if (walk == HG_WALK_BAD) {
        hg_client_give_up(client, hg_slice("", 0), 0, "a request is not Thrift");
        return bytes.size;
    }
    gsize most = largest_request(client);
    if (hg_buffer_size(&client->message) + used > most) {
        too_large(client);
        return bytes.size;
    }
    if (!hg_buffer_append(&client->message, hg_slice(bytes.data, used), most)) {
        hg_client_give_up(client, hg_slice("", 0), 0, HG_AT_CEILING "; try again");
        return bytes.size;
    }
    if (walk == HG_WALK_DONE)
        serve_collected(client);
    return used;
}

/* Takes message bytes, without frames. Returns how many were used: up to the end of one message. */
static gsize take_bytes(HgClient *client, guint8 *bytes, gsize size)
{
    if (client->walker != NULL)
        return collect(client, hg_slice(bytes, size));
    HgRequest request;
    switch (hg_request_read(hg_slice(bytes, size), &request)) {
    case HG_REQUEST_OK:
    case HG_REQUEST_REFUSED:
        hg_client_serve(client, &request, bytes);
        return request.size;
    case HG_REQUEST_BROKEN:
        hg_client_give_up(client, request.head.name, request.head.seqid, request.why);
        return size;
    case HG_REQUEST_SHORT:
        break;
    }
    client->walker = hg_walker_new();
    return collect(client, hg_slice(bytes, size));
}

static gboolean take_frame(HgClient *client, ClientWindow *window)
{
    if (window->size < HG_FRAME_HEAD_SIZE)
        return FALSE;
    gsize size = hg_frame_read_size(window->at);
    if (size == 0) {
        hg_client_give_up(client, hg_slice("", 0), 0, "an empty frame came");
        return FALSE;
    }
    if (size > hg_client_options(client)->message_size) {
        too_large(client);
        return FALSE;
    }
    if (window->size - HG_FRAME_HEAD_SIZE < size)
        return FALSE;
    guint8 *payload = window->at + HG_FRAME_HEAD_SIZE;
    gsize used = take_bytes(client, payload, size);
    if (used < size) {
        /* another message follows in this frame: it gets a head of its own, over the last bytes of
         * the message that has been served */
        hg_frame_write_size(payload + used - HG_FRAME_HEAD_SIZE, (guint32)(size - used));
        window->at += used;
        window->size -= used;
    } else {
        window->at = payload + size;
        window->size -= HG_FRAME_HEAD_SIZE + size;
    }
    return TRUE;
}

static gsize room_for_frame(const HgClient *client)
{
    gsize size = hg_buffer_size(&client->in);
    gsize wanted = 4096;
    if (client->state == CLIENT_READY && size >= HG_FRAME_HEAD_SIZE) {
        gsize whole = HG_FRAME_HEAD_SIZE + (gsize)hg_frame_read_size(hg_buffer_data(&client->in));
        /* grows with what has come, never straight to a length that was only claimed */
        if (whole > size)
            wanted = MIN(whole - size, MAX(size, (gsize)16384));
    }
    return wanted;
}

static void answer_framed(HgClient *client, guint8 *message, gsize size)
{
    guint8 *head = message - HG_FRAME_HEAD_SIZE;
    hg_frame_write_size(head, (guint32)size);
    hg_client_write(client, hg_slice(head, size + HG_FRAME_HEAD_SIZE));
}

/* One frame when the reply's length is known when it begins, else one for each piece. */
static HgFlow write_framed(HgClient *client, HgReplyPiece *piece)
{
    if (piece->size == 0) /* the end by itself: an empty frame would be read as the next reply */
        return HG_FLOW_GO;
    if (!piece->first && client->call.framed)
        return hg_client_write(client, hg_slice(piece->bytes, piece->size));
    gsize size = piece->first && piece->total >= 0 ? (gsize)piece->total : piece->size;
    client->call.framed = piece->first && piece->total >= 0;
    guint8 *head = piece->bytes - HG_FRAME_HEAD_SIZE;
    hg_frame_write_size(head, (guint32)size);
    return hg_client_write(client, hg_slice(head, piece->size + HG_FRAME_HEAD_SIZE));
}

const ClientTransport *hg_client_framed(void)
{
    static const ClientTransport table = {
        .take_request = take_frame,
        .room_wanted = room_for_frame,
        .answer = answer_framed,
        .write_piece = write_framed,
        .accepted = hg_client_sasl_accepted,
        .refused = hg_client_sasl_refused,
        .broken = broken,
        .has_sasl = TRUE,
        .keeps_sessions = TRUE,
    };
    return &table;
}

/* ---- without frames ---- */

static gboolean take_raw(HgClient *client, ClientWindow *window)
{
    gsize used = take_bytes(client, window->at, window->size);
    window->at += used;
    window->size -= used;
    return TRUE;
}

static gsize room_for_raw(const HgClient *client)
{
    return 4096;
}

static void answer_raw(HgClient *client, guint8 *message, gsize size)
{
    hg_client_write(client, hg_slice(message, size));
}

static HgFlow write_raw(HgClient *client, HgReplyPiece *piece)
{
    return hg_client_write(client, hg_slice(piece->bytes, piece->size));
}

const ClientTransport *hg_client_raw(void)
{
    static const ClientTransport table = {
        .take_request = take_raw,
        .room_wanted = room_for_raw,
        .answer = answer_raw,
        .write_piece = write_raw,
        .accepted = hg_client_raw_accepted,
        .refused = hg_client_raw_refused,
        .broken = broken,
        .logs_in_raw = TRUE,
        .keeps_sessions = TRUE,
    };
    return &table;
}
