/* One connection to an endpoint: see backend.h. Owns its stream and buffers; worker's thread only.
 *
 * Replies are cut through. With SASL the frame's length says where a reply ends: a backend flushes
 * one frame a message (measured, Spark 3.5.3). Without SASL a walker finds the end. A small reply
 * is handed over whole, after a look that it is one Thrift message; a large one goes on as it
 * comes. */
#include "proxy/backend.h"

#include "base/buffer.h"
#include "base/container.h"
#include "net/dial.h"
#include "net/socket.h"
#include "net/stream.h"
#include "net/timer.h"
#include "wire/sasl.h"
#include "wire/walker.h"

#define WHOLE_REPLY  (64 * 1024)        /* replies up to this size are handed over in one piece */
#define LARGEST_HELD (16 * 1024 * 1024) /* the most that is collected when all of it is wanted */
#define HEAD_PEEK    1024               /* bytes that surely hold a large reply's head */
#define READS        4                  /* reads before other connections get a turn */

typedef enum {
    BACKEND_CONNECTING, /* a dial is under way */
    BACKEND_LOGGING_IN, /* the SASL exchange is sent, its outcome not read */
    BACKEND_IDLE,       /* no call outstanding */
    BACKEND_CALLING,    /* a call is sent, none of its reply handed over */
    BACKEND_REPLYING,   /* part of a large reply is handed over */
    BACKEND_LOST,       /* of no use; waits to be closed by its owner */
    BACKEND_CLOSED,     /* closed by its owner; freed when no callback runs */
} BackendState;

#define BIT(state) (1u << (state))

/* Which states may follow each state, beside LOST and CLOSED, which may follow all but CLOSED. */
static const guint8 legal_next[] = {
    [BACKEND_CONNECTING] = BIT(BACKEND_LOGGING_IN),
    [BACKEND_LOGGING_IN] = BIT(BACKEND_IDLE) | BIT(BACKEND_CALLING),
    [BACKEND_IDLE] = BIT(BACKEND_CALLING),
    [BACKEND_CALLING] = BIT(BACKEND_IDLE) | BIT(BACKEND_REPLYING),
    [BACKEND_REPLYING] = BIT(BACKEND_IDLE),
    [BACKEND_LOST] = 0,
    [BACKEND_CLOSED] = 0,
};

struct HgBackend {
    HgBackendContext context;
    HgEndpoint *endpoint;
    char *user;
    const HgBackendEvents *events;
    void *owner;
    HgDial *dial;
    HgStream *stream;
    HgTimer timer; /* connecting and logging in */
    HgBuffer in;   /* read, not handed over */
    HgBuffer out;  /* to be written */
    HgWalker *walker;
    gsize walked;     /* bytes of the window that the walker has seen (no SASL, CALLING) */
    gint64 remaining; /* bytes of the frame still to come (SASL, REPLYING) */
    const HgMethod *method;
    gint32 seqid;
    guint pins; /* callbacks that are running */
    BackendState state;
    gboolean called; /* a call waits behind the login */
    gboolean whole;
    gboolean unchecked;  /* the last reply was large: its frame was believed to hold all of it */
    gboolean answered;   /* the last piece of a reply has just been handed over */
    gboolean waiting;    /* the owner wants no more for now */
    gboolean speechless; /* the memory ceiling left no room for the login: it takes no call */
};

/* Unread bytes: in scratch or in the buffer, always with headroom in front. */
typedef struct {
    guint8 *at;
    gsize size;
} Window;

static void set_state(HgBackend *backend, BackendState state)
{
    guint legal = legal_next[backend->state] | BIT(BACKEND_LOST) | BIT(BACKEND_CLOSED);
    g_assert(backend->state != BACKEND_CLOSED && (legal & BIT(state)) != 0);
    backend->state = state;
}

static void pin(HgBackend *backend)
{
    backend->pins++;
}

static void unpin(HgBackend *backend)
{
    if (--backend->pins > 0 || backend->state != BACKEND_CLOSED)
        return;
    hg_buffer_clear(&backend->in);
    hg_buffer_clear(&backend->out);
    hg_walker_free(backend->walker);
    g_free(backend->user);
    g_free(backend);
}

static void update_want(HgBackend *backend)
{
    if (backend->stream == NULL)
        return;
    guint want = 0;
    if (!backend->waiting && backend->state != BACKEND_LOST)
        want |= HG_WANT_READ;
    if (hg_buffer_size(&backend->out) > 0 && backend->state != BACKEND_LOST)
        want |= HG_WANT_WRITE;
    hg_stream_want(backend->stream, want);
}

static void lose(HgBackend *backend, HgLoss loss, const char *detail)
{
    if (backend->state == BACKEND_LOST || backend->state == BACKEND_CLOSED)
        return;
    set_state(backend, BACKEND_LOST);
    hg_timer_stop(backend->context.loop, &backend->timer);
    update_want(backend);
    backend->events->lost(backend->owner, loss, detail);
}

/* ---- handing replies over ---- */

static void hand_over(HgBackend *backend, HgReplyPiece *piece)
{
    if (piece->last) {
        set_state(backend, BACKEND_IDLE);
        backend->walked = 0;
        backend->answered = TRUE;
        g_clear_pointer(&backend->walker, hg_walker_free);
    } else if (backend->state == BACKEND_CALLING) {
        set_state(backend, BACKEND_REPLYING);
    }
    if (backend->events->reply(backend->owner, piece) == HG_FLOW_WAIT && !piece->last)
        backend->waiting = TRUE;
}

/* Reads the head of the reply and hands the first piece over, when it answers the call. */
static void hand_over_first(HgBackend *backend, HgReplyPiece *piece)
{
    HgReplyHead head;
    HgWireStatus status =
        hg_reply_peek(hg_slice(piece->bytes, piece->size), backend->method, &head);
    if (status != HG_WIRE_OK) {
        lose(backend, HG_LOSS_PROTOCOL, "the reply is not Thrift");
        return;
    }
    if (!hg_reply_answers(&head, hg_slice_from_string(backend->method->name), backend->seqid)) {
        lose(backend, HG_LOSS_PROTOCOL, "the reply answers another call");
        return;
    }
    piece->first = TRUE;
    piece->head = &head;
    hand_over(backend, piece);
    piece->head = NULL;
}

/* Where the Thrift message at the start of these bytes ends. */
static HgWireStatus message_size(HgSlice bytes, gsize *out)
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
        lose(backend, HG_LOSS_PROTOCOL, split_text);
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
                              ? message_size(hg_slice(payload, size), &end)
                              : HG_WIRE_OK;
    if (status == HG_WIRE_SHORT) {
        if (size > WHOLE_REPLY) {
            lose(backend, HG_LOSS_PROTOCOL, "a frame ends inside its message");
            return FALSE;
        }
        return join_next_frame(backend, window, size);
    }
    if (status == HG_WIRE_BAD || (end != 0 && end != size)) {
        lose(backend, HG_LOSS_PROTOCOL, "the reply is not one Thrift message");
        return FALSE;
    }
    window->at += HG_FRAME_HEAD_SIZE + size;
    window->size -= HG_FRAME_HEAD_SIZE + size;
    backend->unchecked = end == 0;
    if (backend->unchecked && window->size > 0) {
        lose(backend, HG_LOSS_PROTOCOL, split_text);
        return FALSE;
    }
    HgReplyPiece piece = {.bytes = payload, .size = size, .last = TRUE, .total = (gint64)size};
    hand_over_first(backend, &piece);
    return TRUE;
}

/* CALLING with SASL: a reply's frame begins here. FALSE when more bytes are needed. */
static gboolean take_frame(HgBackend *backend, Window *window)
{
    if (window->size < HG_FRAME_HEAD_SIZE)
        return FALSE;
    gsize size = hg_frame_read_size(window->at);
    if (size == 0 || size > G_MAXINT32) {
        lose(backend, HG_LOSS_PROTOCOL, "a frame's length is impossible");
        return FALSE;
    }
    gsize there = window->size - HG_FRAME_HEAD_SIZE;
    if (there >= size)
        return take_whole_frame(backend, window, size);
    gsize unused = 0;
    if (message_size(hg_slice(window->at + HG_FRAME_HEAD_SIZE, MIN(there, HEAD_PEEK)), &unused) ==
        HG_WIRE_BAD) {
        /* nonsense: its "length" may be anything, and waiting for so much would be for ever */
        lose(backend, HG_LOSS_PROTOCOL, "the reply is not Thrift");
        return FALSE;
    }
    if (size <= WHOLE_REPLY || backend->whole) {
        if (size > LARGEST_HELD)
            lose(backend, HG_LOSS_PROTOCOL, "the reply is larger than its kind can be");
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
    hand_over_first(backend, &piece);
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
        lose(backend, HG_LOSS_PROTOCOL, "the reply is not Thrift");
        return FALSE;
    }
    if (walk == HG_WALK_MORE && (backend->whole || backend->walked < WHOLE_REPLY)) {
        if (backend->walked > LARGEST_HELD)
            lose(backend, HG_LOSS_PROTOCOL, "the reply is larger than its kind can be");
        return FALSE;
    }
    HgReplyPiece piece = {.bytes = window->at,
                          .size = backend->walked,
                          .last = walk == HG_WALK_DONE,
                          .total = walk == HG_WALK_DONE ? (gint64)backend->walked : -1};
    window->at += backend->walked;
    window->size -= backend->walked;
    hand_over_first(backend, &piece);
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
            lose(backend, HG_LOSS_PROTOCOL, "the reply stops being Thrift");
            return FALSE;
        }
        piece.last = walk == HG_WALK_DONE;
    }
    window->at += piece.size;
    window->size -= piece.size;
    if (piece.last && backend->unchecked && window->size > 0) {
        lose(backend, HG_LOSS_PROTOCOL, split_text);
        return FALSE;
    }
    hand_over(backend, &piece);
    return TRUE;
}

/* ---- logging in ---- */

static void logged_in(HgBackend *backend)
{
    hg_timer_stop(backend->context.loop, &backend->timer);
    set_state(backend, backend->called ? BACKEND_CALLING : BACKEND_IDLE);
    backend->called = FALSE;
}

static gboolean take_login(HgBackend *backend, Window *window)
{
    HgSaslFrame frame;
    HgWireStatus status = hg_sasl_read_frame(hg_slice(window->at, window->size), &frame);
    if (status == HG_WIRE_SHORT)
        return FALSE;
    if (status == HG_WIRE_BAD) {
        lose(backend, HG_LOSS_LOGIN,
             "the endpoint doesn't speak SASL: is the pool's `sasl` right?");
        return FALSE;
    }
    window->at += frame.size;
    window->size -= frame.size;
    if (frame.status == HG_SASL_COMPLETE) {
        logged_in(backend);
    } else if (frame.status != HG_SASL_OK) {
        g_autofree char *text = g_utf8_make_valid((const char *)frame.payload.data,
                                                  (gssize)MIN(frame.payload.size, 500));
        lose(backend, HG_LOSS_LOGIN, text);
    }
    return TRUE;
}

/* ---- reading ---- */

static const char stray_text[] = "bytes came that answer no call";

/* Takes all that can be taken from the window. */
static void take(HgBackend *backend, Window *window)
{
    gboolean moved = TRUE;
    while (moved && window->size > 0 && !backend->waiting) {
        backend->answered = FALSE;
        switch (backend->state) {
        case BACKEND_LOGGING_IN:
            moved = take_login(backend, window);
            break;
        case BACKEND_CALLING:
            moved = backend->context.options->pool.sasl ? take_frame(backend, window)
                                                        : take_raw(backend, window);
            break;
        case BACKEND_REPLYING:
            moved = take_more(backend, window);
            break;
        case BACKEND_IDLE:
            lose(backend, backend->unchecked ? HG_LOSS_REPLY : HG_LOSS_PROTOCOL, stray_text);
            return;
        case BACKEND_CONNECTING:
        case BACKEND_LOST:
        case BACKEND_CLOSED:
            return;
        }
        /* what came before the next call was sent can't be its answer */
        if (backend->answered && window->size > 0)
            lose(backend, HG_LOSS_PROTOCOL, stray_text);
    }
}

/* Drops from `in` what was taken through a window onto it. */
static void settle_window(HgBackend *backend, const Window *window)
{
    HgBuffer *in = &backend->in;
    /* joining frames may have shortened the window in the middle */
    in->end = (gsize)(window->at + window->size - in->bytes) - HG_BUFFER_HEADROOM;
    hg_buffer_consume(in, (gsize)(window->at - hg_buffer_data(in)));
    if (hg_buffer_size(in) == 0)
        hg_buffer_clear(in);
}

/* Bytes to ask for when `in` holds the beginning of a reply. */
static gsize room_wanted(const HgBackend *backend)
{
    gsize size = hg_buffer_size(&backend->in);
    gsize wanted = 4096;
    if (backend->state == BACKEND_CALLING && backend->context.options->pool.sasl &&
        size >= HG_FRAME_HEAD_SIZE) {
        gsize whole = HG_FRAME_HEAD_SIZE + (gsize)hg_frame_read_size(hg_buffer_data(&backend->in));
        /* grows with what has come, never straight to a length that was only claimed */
        wanted = MIN(whole > size ? whole - size : wanted, MAX(size, (gsize)WHOLE_REPLY));
    } else if (backend->state == BACKEND_CALLING) {
        wanted = MAX(size, (gsize)4096);
    }
    return wanted;
}

/* One read and what follows from it. FALSE when there is no more to read now. */
static gboolean read_once(HgBackend *backend)
{
    gboolean held = hg_buffer_size(&backend->in) > 0;
    guint8 *bytes = backend->context.scratch + HG_BUFFER_HEADROOM;
    gsize room = HG_SCRATCH_SIZE - HG_BUFFER_HEADROOM;
    if (held) {
        room = room_wanted(backend);
        if (!hg_buffer_reserve(&backend->in, room, LARGEST_HELD + WHOLE_REPLY)) {
            lose(backend, HG_LOSS_LIMIT, HG_AT_CEILING);
            return FALSE;
        }
        bytes = hg_buffer_tail(&backend->in);
        room = hg_buffer_room(&backend->in);
    }
    gsize done = 0;
    HgIo io = hg_stream_read(backend->stream, bytes, room, &done);
    if (io == HG_IO_AGAIN)
        return FALSE;
    if (io != HG_IO_OK) {
        lose(backend, HG_LOSS_CLOSED,
             io == HG_IO_END ? "the endpoint closed the connection"
                             : hg_stream_problem(backend->stream));
        return FALSE;
    }
    Window window = {bytes, done};
    if (held) {
        hg_buffer_commit(&backend->in, done);
        window = (Window){hg_buffer_data(&backend->in), hg_buffer_size(&backend->in)};
    }
    take(backend, &window);
    if (backend->state == BACKEND_CLOSED)
        return FALSE;
    if (held) {
        settle_window(backend, &window);
    } else if (window.size > 0 && backend->state != BACKEND_LOST &&
               !hg_buffer_append(&backend->in, hg_slice(window.at, window.size), LARGEST_HELD)) {
        lose(backend, HG_LOSS_LIMIT, HG_AT_CEILING);
    }
    return done == room;
}

static void read_some(HgBackend *backend)
{
    for (guint i = 0; i < READS; i++) {
        if (backend->waiting || backend->state == BACKEND_LOST || backend->state == BACKEND_CLOSED)
            return;
        if (!read_once(backend))
            return;
    }
}

/* ---- writing ---- */

static void flush(HgBackend *backend)
{
    while (hg_buffer_size(&backend->out) > 0) {
        gsize done = 0;
        HgIo io = hg_stream_write(
            backend->stream, hg_slice(hg_buffer_data(&backend->out), hg_buffer_size(&backend->out)),
            &done);
        if (io == HG_IO_ERROR) {
            /* reading finds the same, after what the endpoint may have said before */
            hg_buffer_clear(&backend->out);
            return;
        }
        if (io != HG_IO_OK)
            return;
        hg_buffer_consume(&backend->out, done);
    }
}

static void on_ready(void *owner, HgWant ready)
{
    HgBackend *backend = owner;
    pin(backend);
    if ((ready & HG_WANT_WRITE) != 0)
        flush(backend);
    if ((ready & HG_WANT_READ) != 0)
        read_some(backend);
    if (backend->state != BACKEND_CLOSED)
        update_want(backend);
    unpin(backend);
}

/* ---- connecting ---- */

static void on_connected(void *owner, int take_fd, const char *problem)
{
    HgBackend *backend = owner;
    backend->dial = NULL;
    pin(backend);
    g_autoptr(GError) error = NULL;
    if (take_fd < 0) {
        lose(backend, HG_LOSS_UNREACHABLE, problem);
    } else {
        const HgPoolOptions *pool = &backend->context.options->pool;
        hg_socket_set_options(take_fd, &backend->context.options->endpoint_tcp);
        backend->stream = hg_stream_new(
            backend->context.loop, take_fd, pool->tls,
            pool->server_name != NULL ? pool->server_name : hg_endpoint_host(backend->endpoint),
            on_ready, backend, &error);
        if (backend->stream == NULL) {
            lose(backend, HG_LOSS_UNREACHABLE, error->message);
        } else {
            set_state(backend, BACKEND_LOGGING_IN);
            if (!backend->context.options->pool.sasl)
                logged_in(backend);
            flush(backend);
            update_want(backend);
        }
    }
    unpin(backend);
}

static void on_timeout(HgTimer *timer)
{
    HgBackend *backend = HG_CONTAINER_OF(timer, HgBackend, timer);
    pin(backend);
    lose(backend, HG_LOSS_TIMEOUT, "the endpoint took the connection but didn't answer the login");
    unpin(backend);
}

HgBackend *hg_backend_new(const HgBackendContext *context, HgEndpoint *endpoint, const char *user,
                          const HgBackendEvents *events, void *owner)
{
    const HgPoolOptions *pool = &context->options->pool;
    HgBackend *backend = g_new0(HgBackend, 1);
    backend->context = *context;
    backend->endpoint = endpoint;
    backend->user = g_strdup(user);
    backend->events = events;
    backend->owner = owner;
    hg_buffer_init(&backend->in, context->budget);
    hg_buffer_init(&backend->out, context->budget);
    hg_timer_init(&backend->timer, on_timeout);
    hg_timer_start(context->loop, &backend->timer, pool->connect_timeout + pool->login_timeout);
    backend->speechless =
        pool->sasl && !hg_sasl_write_plain_login(&backend->out, user, pool->password);
    backend->dial =
        hg_dial_start(context->loop, hg_endpoint_host(endpoint), hg_endpoint_port(endpoint),
                      pool->connect_timeout, on_connected, backend);
    return backend;
}

void hg_backend_set_owner(HgBackend *backend, const HgBackendEvents *events, void *owner)
{
    backend->events = events;
    backend->owner = owner;
}

/* Puts the frame's length in front, where the protocol wants one. */
static HgSlice frame_message(const HgBackend *backend, guint8 *message, gsize size)
{
    if (!backend->context.options->pool.sasl)
        return hg_slice(message, size);
    hg_frame_write_size(message - HG_FRAME_HEAD_SIZE, (guint32)size);
    return hg_slice(message - HG_FRAME_HEAD_SIZE, size + HG_FRAME_HEAD_SIZE);
}

gboolean hg_backend_call(HgBackend *backend, const HgMethod *method, gint32 seqid, guint8 *message,
                         gsize size, gboolean whole)
{
    g_assert(hg_backend_is_free(backend));
    if (backend->speechless)
        return FALSE;
    HgSlice rest = frame_message(backend, message, size);
    gsize done = 0;
    if (backend->state == BACKEND_IDLE && hg_buffer_size(&backend->out) == 0) {
        HgIo io = hg_stream_write(backend->stream, rest, &done);
        if (io == HG_IO_OK)
            rest = hg_slice(rest.data + done, rest.size - done);
        else if (io == HG_IO_ERROR)
            rest.size = 0; /* reading finds the same */
    }
    if (!hg_buffer_append(&backend->out, rest, (gsize)G_MAXINT32)) {
        if (done == 0)
            return FALSE;
        hg_stream_break(backend->stream); /* half a request went out: it can't be taken back */
    }
    backend->method = method;
    backend->seqid = seqid;
    backend->whole = whole;
    backend->unchecked = FALSE;
    if (backend->state == BACKEND_IDLE)
        set_state(backend, BACKEND_CALLING);
    else if (backend->state != BACKEND_LOST)
        backend->called = TRUE;
    update_want(backend);
    return TRUE;
}

void hg_backend_resume(HgBackend *backend)
{
    if (!backend->waiting)
        return;
    backend->waiting = FALSE;
    pin(backend);
    if (hg_buffer_size(&backend->in) > 0) {
        Window window = {hg_buffer_data(&backend->in), hg_buffer_size(&backend->in)};
        take(backend, &window);
        if (backend->state != BACKEND_CLOSED)
            settle_window(backend, &window);
    }
    if (backend->state != BACKEND_CLOSED)
        update_want(backend);
    unpin(backend);
}

gboolean hg_backend_is_free(const HgBackend *backend)
{
    return !backend->called && backend->state != BACKEND_CALLING &&
           backend->state != BACKEND_REPLYING;
}

HgEndpoint *hg_backend_endpoint(const HgBackend *backend)
{
    return backend->endpoint;
}

const char *hg_backend_user(const HgBackend *backend)
{
    return backend->user;
}

void hg_backend_close(HgBackend *backend)
{
    if (backend == NULL || backend->state == BACKEND_CLOSED)
        return;
    pin(backend);
    set_state(backend, BACKEND_CLOSED);
    hg_timer_stop(backend->context.loop, &backend->timer);
    hg_dial_cancel(backend->dial);
    backend->dial = NULL;
    hg_stream_close(backend->stream);
    backend->stream = NULL;
    unpin(backend);
}
