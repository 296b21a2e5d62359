/* From bytes to requests. A frame boundary is no message boundary: one message may come in several
 * frames and several messages in one (as Spark 3.5.3 takes them), so frames are taken off first and
 * the Thrift message decides. The usual case, one whole message in one whole frame, is served where
 * it lies.
 */
#include "proxy/client_private.h"

#include "hs2/answer.h"
#include "wire/sasl.h"

#define STRANGER_MOST (64 * 1024) /* bytes of a request before the login */

/* The stream can't be followed any more: says why, where a client would look, and ends. */
static void give_up(HgClient *client, HgSlice name, gint32 seqid, const char *why)
{
    hg_client_log_refused(client, why);
    client->end_reason = "what it sent can't be followed";
    HgBuffer answer;
    hg_buffer_init(&answer, NULL);
    g_autofree char *text = g_strconcat("hivegate: ", why, NULL);
    if (hg_answer_exception(&answer, name, seqid, HG_EXCEPTION_PROTOCOL_ERROR, text))
        hg_client_answer(client, &answer);
    hg_client_linger(client);
}

void hg_client_refuse_at_ceiling(HgClient *client)
{
    give_up(client, hg_slice("", 0), 0, HG_AT_CEILING "; try again");
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
    give_up(client, hg_slice("", 0), 0, why);
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
        give_up(client, hg_slice("", 0), 0,
                status == HG_REQUEST_BROKEN ? request.why : "a request is not Thrift");
    hg_buffer_clear(&message);
}

/* More of a message that has begun in client->message. Returns the bytes used. */
static gsize collect(HgClient *client, HgSlice bytes)
{
    gsize used = 0;
    HgWalk walk = hg_walker_feed(client->walker, bytes, &used);
    if (walk == HG_WALK_BAD) {
        give_up(client, hg_slice("", 0), 0, "a request is not Thrift");
        return bytes.size;
    }
    gsize most = largest_request(client);
    if (hg_buffer_size(&client->message) + used > most) {
        too_large(client);
        return bytes.size;
    }
    if (!hg_buffer_append(&client->message, hg_slice(bytes.data, used), most)) {
        hg_client_refuse_at_ceiling(client);
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
        give_up(client, request.head.name, request.head.seqid, request.why);
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
        give_up(client, hg_slice("", 0), 0, "an empty frame came");
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

gboolean hg_client_take_request(HgClient *client, ClientWindow *window)
{
    if (client->listener->sasl)
        return take_frame(client, window);
    gsize used = take_bytes(client, window->at, window->size);
    window->at += used;
    window->size -= used;
    return TRUE;
}

gsize hg_client_room_wanted(const HgClient *client)
{
    gsize size = hg_buffer_size(&client->in);
    gsize wanted = 4096;
    if (client->state == CLIENT_READY && client->listener->sasl && size >= HG_FRAME_HEAD_SIZE) {
        gsize whole = HG_FRAME_HEAD_SIZE + (gsize)hg_frame_read_size(hg_buffer_data(&client->in));
        /* grows with what has come, never straight to a length that was only claimed */
        if (whole > size)
            wanted = MIN(whole - size, MAX(size, (gsize)16384));
    }
    return wanted;
}
