/* One connection to an endpoint: see backend.h. Owns its stream and buffers; worker's thread only.
 */
#include "proxy/backend_private.h"

#include "base/container.h"
#include "net/socket.h"
#include "wire/sasl.h"

#include <unistd.h>

#define READS 4 /* reads before other connections get a turn */
#define REUSE_TIME                                                                                 \
    15000 /* ms that an idle HTTP connection is used again; Jetty's own limit is longer */

#define REPLACED "another server has this endpoint's address now"

#define BIT(state) (1u << (state))

/* Which states may follow each state, beside LOST and CLOSED, which may follow all but CLOSED. An
 * idle backend connects again only over HTTP. */
static const guint8 legal_next[] = {
    [BACKEND_CONNECTING] = BIT(BACKEND_LOGGING_IN),
    [BACKEND_LOGGING_IN] = BIT(BACKEND_IDLE) | BIT(BACKEND_CALLING),
    [BACKEND_IDLE] = BIT(BACKEND_CALLING) | BIT(BACKEND_CONNECTING),
    [BACKEND_CALLING] = BIT(BACKEND_IDLE) | BIT(BACKEND_REPLYING),
    [BACKEND_REPLYING] = BIT(BACKEND_IDLE),
    [BACKEND_LOST] = 0,
    [BACKEND_CLOSED] = 0,
};

void hg_backend_set_state(HgBackend *backend, BackendState state)
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
    hg_backend_http_free(backend->http);
    g_free(backend->user);
    hg_endpoint_unref(backend->endpoint);
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

void hg_backend_lose(HgBackend *backend, HgLoss loss, const char *detail)
{
    if (backend->state == BACKEND_LOST || backend->state == BACKEND_CLOSED)
        return;
    hg_backend_set_state(backend, BACKEND_LOST);
    if (!backend->logged_in)
        hg_metrics_add(backend->context.metrics, HG_METRIC_BACKEND_CONNECTED, HG_CONNECTED_FAILED,
                       1);
    hg_timer_stop(backend->context.loop, &backend->timer);
    update_want(backend);
    backend->events->lost(backend->owner, loss, detail);
}

/* ---- logging in ---- */

static void logged_in(HgBackend *backend)
{
    hg_timer_stop(backend->context.loop, &backend->timer);
    backend->logged_in = TRUE;
    hg_metrics_add(backend->context.metrics, HG_METRIC_BACKEND_CONNECTED, HG_CONNECTED_DONE, 1);
    hg_backend_set_state(backend, backend->called ? BACKEND_CALLING : BACKEND_IDLE);
    backend->called = FALSE;
}

static gboolean take_login(HgBackend *backend, Window *window)
{
    HgSaslFrame frame;
    HgWireStatus status = hg_sasl_read_frame(hg_slice(window->at, window->size), &frame);
    if (status == HG_WIRE_SHORT)
        return FALSE;
    if (status == HG_WIRE_BAD) {
        hg_backend_lose(backend, HG_LOSS_LOGIN,
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
        hg_backend_lose(backend, HG_LOSS_LOGIN, text);
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
            moved = backend->transport->take(backend, window);
            break;
        case BACKEND_REPLYING:
            moved = backend->transport->take_more(backend, window);
            break;
        case BACKEND_IDLE:
            hg_backend_lose(backend, backend->unchecked ? HG_LOSS_REPLY : HG_LOSS_PROTOCOL,
                            stray_text);
            return;
        case BACKEND_CONNECTING:
        case BACKEND_LOST:
        case BACKEND_CLOSED:
            return;
        }
        /* what came before the next call was sent can't be its answer */
        if (backend->answered && window->size > 0 && backend->state != BACKEND_CONNECTING)
            hg_backend_lose(backend, HG_LOSS_PROTOCOL, stray_text);
        if (backend->state == BACKEND_CONNECTING) /* the owner calls again, by a new connection */
            window->size = 0;
    }
}

/* Drops from `in` what was taken through a window onto it. */
static void settle_window(HgBackend *backend, const Window *window)
{
    HgBuffer *in = &backend->in;
    if (in->bytes == NULL) /* it went with a connection that was given up meanwhile */
        return;
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
    gsize expected = backend->state == BACKEND_CALLING ? backend->transport->expected(backend) : 0;
    /* grows with what has come, never straight to a length that was only claimed */
    if (expected > 0)
        wanted = MIN(expected, MAX(size, (gsize)WHOLE_REPLY));
    else if (backend->state == BACKEND_CALLING)
        wanted = MAX(size, (gsize)4096);
    return wanted;
}

static void close_stream(HgBackend *backend)
{
    if (backend->stream == NULL)
        return;
    hg_metrics_add(backend->context.metrics, HG_METRIC_BACKEND_CONNECTIONS, 0, -1);
    hg_stream_close(backend->stream);
    backend->stream = NULL;
}

static void disconnect(HgBackend *backend)
{
    close_stream(backend);
    hg_buffer_clear(&backend->in);
    hg_buffer_clear(&backend->out);
}

/* A connection that comes and goes has gone. TRUE when that is no loss: it was idle, or its end is
 * that of the reply. */
static gboolean end_of_connection(HgBackend *backend, HgIo io)
{
    if (io == HG_IO_END &&
        (backend->state == BACKEND_CALLING || backend->state == BACKEND_REPLYING))
        return hg_backend_http_end(backend);
    if (backend->state != BACKEND_IDLE)
        return FALSE;
    disconnect(backend);
    return TRUE;
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
            hg_backend_lose(backend, HG_LOSS_LIMIT, HG_AT_CEILING);
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
        if (backend->transport->reconnects && end_of_connection(backend, io))
            return FALSE;
        hg_backend_lose(backend, HG_LOSS_CLOSED,
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
        hg_backend_lose(backend, HG_LOSS_LIMIT, HG_AT_CEILING);
    }
    return done == room;
}

static void read_some(HgBackend *backend)
{
    for (guint i = 0; i < READS; i++) {
        if (backend->waiting || backend->state == BACKEND_LOST ||
            backend->state == BACKEND_CLOSED || backend->stream == NULL)
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
    if (backend->measured)
        backend->ready_at = hg_metrics_now();
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
        hg_backend_lose(backend, HG_LOSS_UNREACHABLE, problem);
    } else if (hg_endpoint_is_replaced(backend->endpoint)) {
        close(take_fd);
        hg_backend_lose(backend, HG_LOSS_UNREACHABLE, REPLACED);
    } else {
        const HgPoolOptions *pool = hg_pool_options(backend->endpoint);
        hg_socket_set_options(take_fd, &backend->context.options->endpoint_tcp);
        backend->stream = hg_stream_new(
            backend->context.loop, take_fd, pool->tls,
            pool->server_name != NULL ? pool->server_name : hg_endpoint_host(backend->endpoint),
            on_ready, backend, &error);
        if (backend->stream == NULL) {
            hg_backend_lose(backend, HG_LOSS_UNREACHABLE, error->message);
        } else {
            hg_metrics_add(backend->context.metrics, HG_METRIC_BACKEND_CONNECTIONS, 0, 1);
            hg_backend_set_state(backend, BACKEND_LOGGING_IN);
            if (!backend->transport->logs_in)
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
    if (backend->dial == NULL && backend->stream == NULL)
        hg_backend_lose(backend, HG_LOSS_UNREACHABLE, REPLACED);
    else
        hg_backend_lose(backend, HG_LOSS_TIMEOUT,
                        "the endpoint took the connection but didn't answer the login");
    unpin(backend);
}

static void connect_to(HgBackend *backend)
{
    const HgPoolOptions *pool = hg_pool_options(backend->endpoint);
    backend->logged_in = FALSE;
    if (hg_endpoint_is_replaced(backend->endpoint)) { /* the timer says so, as nothing else will */
        hg_timer_start(backend->context.loop, &backend->timer, 1);
        return;
    }
    hg_timer_start(backend->context.loop, &backend->timer,
                   pool->connect_timeout + pool->login_timeout);
    backend->dial = hg_dial_start(backend->context.loop, hg_endpoint_host(backend->endpoint),
                                  hg_endpoint_port(backend->endpoint), pool->connect_timeout,
                                  on_connected, backend);
}

HgBackend *hg_backend_new(const HgBackendContext *context, HgEndpoint *endpoint, const char *user,
                          const HgBackendEvents *events, void *owner)
{
    const HgPoolOptions *pool = hg_pool_options(endpoint);
    HgBackend *backend = g_new0(HgBackend, 1);
    backend->context = *context;
    backend->endpoint = hg_endpoint_ref(endpoint);
    backend->user = g_strdup(user);
    backend->events = events;
    backend->owner = owner;
    hg_buffer_init(&backend->in, context->budget);
    hg_buffer_init(&backend->out, context->budget);
    hg_timer_init(&backend->timer, on_timeout);
    backend->transport = pool->http   ? hg_backend_http()
                         : pool->sasl ? hg_backend_framed()
                                      : hg_backend_raw();
    backend->http = pool->http ? hg_backend_http_new(backend) : NULL;
    g_autoptr(HgSecret) password = hg_secret_box_get(pool->password);
    backend->speechless = backend->transport->logs_in &&
                          !hg_sasl_write_plain_login(&backend->out, user,
                                                     (const char *)hg_secret_slice(password).data);
    connect_to(backend);
    return backend;
}

void hg_backend_set_owner(HgBackend *backend, const HgBackendEvents *events, void *owner)
{
    backend->events = events;
    backend->owner = owner;
}

/* Gives a backend without a fresh connection a new one. */
static void reconnect(HgBackend *backend)
{
    if (backend->state != BACKEND_IDLE)
        return;
    gboolean stale = backend->stream != NULL &&
                     hg_loop_now(backend->context.loop) > backend->http->idle_from + REUSE_TIME;
    if (stale || backend->http->spent)
        disconnect(backend);
    if (backend->stream != NULL)
        return;
    backend->http->spent = FALSE;
    hg_backend_set_state(backend, BACKEND_CONNECTING);
    connect_to(backend);
}

gboolean hg_backend_call(HgBackend *backend, const HgMethod *method, gint32 seqid, guint8 *message,
                         gsize size, gboolean whole)
{
    g_assert(hg_backend_is_free(backend));
    if (backend->speechless)
        return FALSE;
    if (backend->transport->reconnects)
        reconnect(backend);
    HgSlice rest;
    gsize done = 0;
    if (!backend->transport->frame(backend, message, size, &rest))
        return FALSE;
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
    backend->measured = FALSE;
    backend->ready_at = 0;
    if (backend->state == BACKEND_IDLE)
        hg_backend_set_state(backend, BACKEND_CALLING);
    else if (backend->state != BACKEND_LOST)
        backend->called = TRUE;
    if (backend->state == BACKEND_CALLING)
        flush(backend);
    update_want(backend);
    return TRUE;
}

void hg_backend_measure(HgBackend *backend)
{
    backend->measured = TRUE;
}

guint64 hg_backend_take_ready_at(HgBackend *backend)
{
    guint64 ready_at = backend->ready_at;
    backend->ready_at = 0;
    return ready_at;
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

gboolean hg_backend_holds_session(const HgBackend *backend)
{
    return !backend->transport->reconnects;
}

gboolean hg_backend_is_free(const HgBackend *backend)
{
    return !backend->called && backend->state != BACKEND_CALLING &&
           backend->state != BACKEND_REPLYING;
}

gboolean hg_backend_is_asked(const HgBackend *backend)
{
    return backend->state == BACKEND_CALLING || backend->state == BACKEND_REPLYING ||
           (backend->state == BACKEND_LOGGING_IN && backend->called);
}

const HgMethod *hg_backend_method(const HgBackend *backend)
{
    return backend->method;
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
    hg_backend_set_state(backend, BACKEND_CLOSED);
    hg_timer_stop(backend->context.loop, &backend->timer);
    hg_dial_cancel(backend->dial);
    backend->dial = NULL;
    close_stream(backend);
    unpin(backend);
}
