/* Binary replies: see backend_private.h. Cut through as they arrive: in SASL frames the frame's
 * length says where a reply ends, since a backend flushes one frame a message (measured,
 * Spark 3.5.3); without frames a walker finds the end. A small reply is handed over whole, after a
 * look that it is one Thrift message; a large one goes on as it comes. */
#include "proxy/backend_private.h"

#include "wire/sasl.h"

/* ---- handing over ---- */

void hg_backend_hand_over(HgBackend *backend, HgReplyPiece *piece)
{
    if (piece->last) {
        hg_backend_set_state(backend, BACKEND_IDLE);
        backend->walked = 0;
        backend->answered = TRUE;
        g_clear_pointer(&backend->walker, hg_walker_free);
    } else if (backend->state == BACKEND_CALLING) {
        hg_backend_set_state(backend, BACKEND_REPLYING);
    }
    if (backend->events->reply(backend->owner, piece) == HG_FLOW_WAIT && !piece->last)
        backend->waiting = TRUE;
}

void hg_backend_hand_over_first(HgBackend *backend, HgReplyPiece *piece)
{
    HgReplyHead head;
    HgWireStatus status =
        hg_reply_peek(hg_slice(piece->bytes, piece->size), backend->method, &head);
    if (status != HG_WIRE_OK) {
        hg_backend_lose(backend, HG_LOSS_PROTOCOL, "the reply is not Thrift");
        return;
    }
    if (!hg_reply_answers(&head, hg_slice_from_string(backend->method->name), backend->seqid)) {
        hg_backend_lose(backend, HG_LOSS_PROTOCOL, "the reply answers another call");
        return;
    }
    piece->first = TRUE;
    piece->head = &head;
    hg_backend_hand_over(backend, piece);
    piece->head = NULL;
}

HgWireStatus hg_backend_message_size(HgSlice bytes, gsize *out)
{
    HgCursor cursor = hg_cursor(bytes);
    HgMessageHead head;
    HgWireStatus status = hg_cursor_read_head(&cursor, &head);
    if (status == HG_WIRE_OK)
        status = hg_cursor_skip(&cursor, HG_THRIFT_STRUCT, 0);
    if (status == HG_WIRE_OK)
        *out = hg_cursor_offset(&cursor);
    return status;
}

static const char split_text[] = "a large reply comes in several frames";

/* A frame is there in full but its message isn't: joins the next frame to it, when that is there.
 * FALSE when more bytes are needed, or when it can't be joined. */
static gboolean join_next_frame(HgBackend *backend, Window *window, gsize size)
{
    guint8 *behind = window->at + HG_FRAME_HEAD_SIZE + size;
    gsize left = window->size - HG_FRAME_HEAD_SIZE - size;
    if (left < HG_FRAME_HEAD_SIZE)
        return FALSE;
    guint32 more = hg_frame_read_size(behind);
    if (more == 0 || more > WHOLE_REPLY || (size + more > WHOLE_REPLY && !backend->whole)) {
        hg_backend_lose(backend, HG_LOSS_PROTOCOL, split_text);
        return FALSE;
    }
    memmove(behind, behind + HG_FRAME_HEAD_SIZE, left - HG_FRAME_HEAD_SIZE);
    window->size -= HG_FRAME_HEAD_SIZE;
    hg_frame_write_size(window->at, (guint32)size + more);
    return TRUE;
}

/* A whole frame with a reply. TRUE when the window has moved on. */
static gboolean take_whole_frame(HgBackend *backend, Window *window, gsize size)
{
    guint8 *payload = window->at + HG_FRAME_HEAD_SIZE;
    gsize end = 0;
    HgWireStatus status = size <= WHOLE_REPLY || backend->whole
                              ? hg_backend_message_size(hg_slice(payload, size), &end)
                              : HG_WIRE_OK;
    if (status == HG_WIRE_SHORT) {
        if (size > WHOLE_REPLY) {
            hg_backend_lose(backend, HG_LOSS_PROTOCOL, "a frame ends inside its message");
            return FALSE;
        }
        return join_next_frame(backend, window, size);
    }
    if (status == HG_WIRE_BAD || (end != 0 && end != size)) {
        hg_backend_lose(backend, HG_LOSS_PROTOCOL, "the reply is not one Thrift message");
        return FALSE;
    }
    window->at += HG_FRAME_HEAD_SIZE + size;
    window->size -= HG_FRAME_HEAD_SIZE + size;
    backend->unchecked = end == 0;
    if (backend->unchecked && window->size > 0) {
        hg_backend_lose(backend, HG_LOSS_PROTOCOL, split_text);
        return FALSE;
    }
    HgReplyPiece piece = {.bytes = payload, .size = size, .last = TRUE, .total = (gint64)size};
    hg_backend_hand_over_first(backend, &piece);
    return TRUE;
}

/* CALLING with SASL: a reply's frame begins here. FALSE when more bytes are needed. */
static gboolean take_frame(HgBackend *backend, Window *window)
{
    if (window->size < HG_FRAME_HEAD_SIZE)
        return FALSE;
    gsize size = hg_frame_read_size(window->at);
    if (size == 0 || size > G_MAXINT32) {
        hg_backend_lose(backend, HG_LOSS_PROTOCOL, "a frame's length is impossible");
        return FALSE;
    }
    gsize there = window->size - HG_FRAME_HEAD_SIZE;
    if (there >= size)
        return take_whole_frame(backend, window, size);
    gsize unused = 0;
    if (hg_backend_message_size(hg_slice(window->at + HG_FRAME_HEAD_SIZE, MIN(there, HEAD_PEEK)),
                                &unused) == HG_WIRE_BAD) {
        /* nonsense: its "length" may be anything, and waiting for so much would be for ever */
        hg_backend_lose(backend, HG_LOSS_PROTOCOL, "the reply is not Thrift");
        return FALSE;
    }
    if (size <= WHOLE_REPLY || backend->whole) {
        if (size > LARGEST_HELD)
            hg_backend_lose(backend, HG_LOSS_PROTOCOL, "the reply is larger than its kind can be");
        return FALSE;
    }
    if (there < HEAD_PEEK)
        return FALSE;
    HgReplyPiece piece = {
        .bytes = window->at + HG_FRAME_HEAD_SIZE, .size = there, .total = (gint64)size};
    backend->remaining = (gint64)(size - there);
    backend->unchecked = TRUE;
    window->at += window->size;
    window->size = 0;
    hg_backend_hand_over_first(backend, &piece);
    return TRUE;
}

/* CALLING without SASL: a reply begins here. FALSE when more bytes are needed. */
static gboolean take_raw(HgBackend *backend, Window *window)
{
    if (backend->walker == NULL)
        backend->walker = hg_walker_new();
    gsize used = 0;
    HgWalk walk = hg_walker_feed(
        backend->walker, hg_slice(window->at + backend->walked, window->size - backend->walked),
        &used);
    backend->walked += used;
    if (walk == HG_WALK_BAD) {
        hg_backend_lose(backend, HG_LOSS_PROTOCOL, "the reply is not Thrift");
        return FALSE;
    }
    if (walk == HG_WALK_MORE && (backend->whole || backend->walked < WHOLE_REPLY)) {
        if (backend->walked > LARGEST_HELD)
            hg_backend_lose(backend, HG_LOSS_PROTOCOL, "the reply is larger than its kind can be");
        return FALSE;
    }
    HgReplyPiece piece = {.bytes = window->at,
                          .size = backend->walked,
                          .last = walk == HG_WALK_DONE,
                          .total = walk == HG_WALK_DONE ? (gint64)backend->walked : -1};
    window->at += backend->walked;
    window->size -= backend->walked;
    hg_backend_hand_over_first(backend, &piece);
    return TRUE;
}

/* REPLYING: more of a large reply. */
static gboolean take_more(HgBackend *backend, Window *window)
{
    HgReplyPiece piece = {.bytes = window->at, .total = -1};
    if (backend->walker == NULL) {
        piece.size = MIN(window->size, (gsize)backend->remaining);
        backend->remaining -= (gint64)piece.size;
        piece.last = backend->remaining == 0;
    } else {
        HgWalk walk =
            hg_walker_feed(backend->walker, hg_slice(window->at, window->size), &piece.size);
        if (walk == HG_WALK_BAD) {
            hg_backend_lose(backend, HG_LOSS_PROTOCOL, "the reply stops being Thrift");
            return FALSE;
        }
        piece.last = walk == HG_WALK_DONE;
    }
    window->at += piece.size;
    window->size -= piece.size;
    if (piece.last && backend->unchecked && window->size > 0) {
        hg_backend_lose(backend, HG_LOSS_PROTOCOL, split_text);
        return FALSE;
    }
    hg_backend_hand_over(backend, &piece);
    return TRUE;
}

/* ---- the tables ---- */

/* Puts the frame's length in front. */
static gboolean frame_message(HgBackend *backend, guint8 *message, gsize size, HgSlice *rest)
{
    hg_frame_write_size(message - HG_FRAME_HEAD_SIZE, (guint32)size);
    *rest = hg_slice(message - HG_FRAME_HEAD_SIZE, size + HG_FRAME_HEAD_SIZE);
    return TRUE;
}

static gboolean leave_message(HgBackend *backend, guint8 *message, gsize size, HgSlice *rest)
{
    *rest = hg_slice(message, size);
    return TRUE;
}

static gsize expected_by_frame(const HgBackend *backend)
{
    gsize size = hg_buffer_size(&backend->in);
    if (size < HG_FRAME_HEAD_SIZE)
        return 0;
    gsize whole = HG_FRAME_HEAD_SIZE + (gsize)hg_frame_read_size(hg_buffer_data(&backend->in));
    return whole > size ? whole - size : 0;
}

static gsize expected_by_nothing(const HgBackend *backend)
{
    return 0;
}

const BackendTransport *hg_backend_framed(void)
{
    static const BackendTransport table = {.take = take_frame,
                                           .take_more = take_more,
                                           .frame = frame_message,
                                           .expected = expected_by_frame,
                                           .logs_in = TRUE};
    return &table;
}

const BackendTransport *hg_backend_raw(void)
{
    static const BackendTransport table = {.take = take_raw,
                                           .take_more = take_more,
                                           .frame = leave_message,
                                           .expected = expected_by_nothing};
    return &table;
}
