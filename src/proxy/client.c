/* The life of a client connection: see client.h. Owns the stream, buffers and leases; worker's
 * thread only. Reading goes on while a call is served, up to a bound, so that a client which leaves
 * is noticed at once. */
#include "proxy/client_private.h"

#include "base/container.h"
#include "net/socket.h"
#include "proxy/resident.h"

#define READS           4            /* reads before other connections get a turn */
#define REQUESTS        64           /* requests served before other connections get a turn */
#define PIPELINED_MOST  (64 * 1024)  /* bytes kept of requests that come too early */
#define ANSWERS_MOST    (256 * 1024) /* queued answers; above that no request is served */
#define LINGER_TIME     2000         /* ms */
#define LINGER_BYTES    (4 * 1024 * 1024)
#define HALF_CLOSE_TIME 1000 /* ms for the answer to a client that sends no more */

#define BIT(state) (1u << (state))

/* Which states may follow each state, beside CLOSED, which may follow all. */
static const guint16 legal_next[] = {
    [CLIENT_ANNOUNCING] = BIT(CLIENT_GREETING),
    [CLIENT_GREETING] = BIT(CLIENT_NEGOTIATING) | BIT(CLIENT_READY) | BIT(CLIENT_LINGERING),
    [CLIENT_NEGOTIATING] = BIT(CLIENT_AUTHENTICATING) | BIT(CLIENT_READY) | BIT(CLIENT_LINGERING),
    [CLIENT_AUTHENTICATING] = BIT(CLIENT_READY) | BIT(CLIENT_OPENING) | BIT(CLIENT_LINGERING),
    [CLIENT_READY] = BIT(CLIENT_OPENING) | BIT(CLIENT_HELD) | BIT(CLIENT_CALLING) |
                     BIT(CLIENT_AUTHENTICATING) | BIT(CLIENT_LINGERING),
    [CLIENT_OPENING] = BIT(CLIENT_READY) | BIT(CLIENT_LINGERING),
    [CLIENT_HELD] = BIT(CLIENT_CALLING) | BIT(CLIENT_READY) | BIT(CLIENT_LINGERING),
    [CLIENT_CALLING] =
        BIT(CLIENT_REPLY_HELD) | BIT(CLIENT_REPLYING) | BIT(CLIENT_READY) | BIT(CLIENT_LINGERING),
    [CLIENT_REPLY_HELD] = BIT(CLIENT_REPLYING) | BIT(CLIENT_READY) | BIT(CLIENT_LINGERING),
    [CLIENT_REPLYING] = BIT(CLIENT_READY) | BIT(CLIENT_LINGERING),
    [CLIENT_LINGERING] = 0,
    [CLIENT_CLOSED] = 0,
};

void hg_client_set_state(HgClient *client, ClientState state)
{
    g_assert(state == CLIENT_CLOSED || (legal_next[client->state] & BIT(state)) != 0);
    client->state = state;
}

static void pin(HgClient *client)
{
    client->pins++;
}

static void unpin(HgClient *client)
{
    if (--client->pins > 0 || client->state != CLIENT_CLOSED)
        return;
    hg_buffer_clear(&client->in);
    hg_buffer_clear(&client->message);
    hg_buffer_clear(&client->out);
    hg_client_http_free(client->http);
    hg_walker_free(client->walker);
    if (client->identity.principal != NULL)
        hg_principal_unref(client->identity.principal);
    hg_tls_peer_free(client->identity.certificate);
    g_free(client->identity.via);
    g_free(client);
}

/* TRUE while requests or login bytes may be taken in. */
static gboolean takes_input(const HgClient *client)
{
    return (client->state == CLIENT_GREETING || client->state == CLIENT_NEGOTIATING ||
            client->state == CLIENT_READY) &&
           hg_buffer_size(&client->out) < ANSWERS_MOST;
}

static void update_want(HgClient *client)
{
    guint want = 0;
    gboolean more = client->more && takes_input(client);
    if (hg_buffer_size(&client->out) > 0 || more) /* a writable socket is told at once */
        want |= HG_WANT_WRITE;
    if (client->input_ended || more)
        ;
    else if (takes_input(client) || client->state == CLIENT_LINGERING ||
             hg_buffer_size(&client->in) < PIPELINED_MOST)
        want |= HG_WANT_READ;
    else
        want |= HG_WANT_HANGUP;
    hg_stream_want(client->stream, want);
}

static ClientPatience patience_with(const HgClient *client)
{
    gboolean begun = hg_buffer_size(&client->in) > 0 || hg_buffer_size(&client->message) > 0 ||
                     client->in_request;
    if (client->state == CLIENT_AUTHENTICATING)
        return PATIENCE_LOGIN;
    if (client->state != CLIENT_READY)
        return PATIENCE_NONE;
    if (client->identity.principal == NULL)
        return PATIENCE_LOGIN;
    if (begun)
        return PATIENCE_REQUEST;
    return client->http != NULL ? PATIENCE_IDLE : PATIENCE_NONE;
}

/* How long it may take for that, in ms; 0: as long as it wants. */
static guint time_for(ClientPatience patience, const HgProxyOptions *options)
{
    switch (patience) {
    case PATIENCE_NONE:
        return 0;
    case PATIENCE_LOGIN:
        return options->login_timeout;
    case PATIENCE_REQUEST:
        return options->request_timeout;
    case PATIENCE_IDLE:
        return options->http_idle;
    }
    g_return_val_if_reached(0);
}

/* The timer isn't that of a request: over the binary transports it is the login's until that is
 * done, and it is that of the last moments. */
static gboolean has_other_timer(const HgClient *client)
{
    if (client->input_ended || client->state == CLIENT_LINGERING)
        return TRUE;
    if (client->http != NULL)
        return client->state < CLIENT_AUTHENTICATING;
    return client->identity.principal == NULL || client->state < CLIENT_READY;
}

/* Starts the deadline for a request that has begun, stops it when none has. */
static void watch_request(HgClient *client)
{
    HgLoop *loop = hg_worker_loop(client->worker);
    if (has_other_timer(client))
        return;
    ClientPatience patience = patience_with(client);
    guint time = time_for(patience, hg_client_options(client));
    if (patience == client->patience && hg_timer_is_armed(&client->timer) == (time > 0))
        return;
    client->patience = patience;
    if (time > 0)
        hg_timer_start(loop, &client->timer, time);
    else
        hg_timer_stop(loop, &client->timer);
}

void hg_client_enter(HgClient *client)
{
    pin(client);
}

void hg_client_leave(HgClient *client)
{
    if (client->state == CLIENT_LINGERING && client->pins == 1) {
        /* only now: a request being served may lie in them */
        hg_buffer_clear(&client->in);
        hg_buffer_clear(&client->message);
    }
    if (client->state != CLIENT_CLOSED) {
        watch_request(client);
        update_want(client);
    }
    unpin(client);
}

/* ---- writing ---- */

static void flush(HgClient *client)
{
    while (hg_buffer_size(&client->out) > 0) {
        gsize done = 0;
        HgIo io = hg_stream_write(
            client->stream, hg_slice(hg_buffer_data(&client->out), hg_buffer_size(&client->out)),
            &done);
        if (io == HG_IO_ERROR)
            hg_client_end(client);
        if (io != HG_IO_OK)
            return;
        hg_buffer_consume(&client->out, done);
    }
    if (client->state == CLIENT_LINGERING)
        hg_stream_end_writing(client->stream);
    else
        hg_client_resume_reply(client);
}

HgFlow hg_client_write_parts(HgClient *client, const HgSlice *parts, guint count)
{
    gsize done = 0;
    if (client->state == CLIENT_CLOSED || client->state == CLIENT_LINGERING)
        return HG_FLOW_GO;
    if (hg_buffer_size(&client->out) == 0 &&
        hg_stream_write_parts(client->stream, parts, count, &done) == HG_IO_ERROR) {
        hg_client_end(client);
        return HG_FLOW_GO;
    }
    for (guint i = 0; i < count; i++) {
        gsize written = MIN(done, parts[i].size);
        done -= written;
        hg_metrics_add(client->metrics, HG_METRIC_CLIENT_BYTES, HG_BYTES_SENT,
                       (gint64)parts[i].size);
        if (!hg_buffer_append(&client->out,
                              hg_slice(parts[i].data + written, parts[i].size - written),
                              G_MAXINT32)) {
            hg_client_drop(client);
            return HG_FLOW_GO;
        }
    }
    return hg_buffer_size(&client->out) > 0 ? HG_FLOW_WAIT : HG_FLOW_GO;
}

HgFlow hg_client_write(HgClient *client, HgSlice bytes)
{
    return hg_client_write_parts(client, &bytes, 1);
}

void hg_client_answer(HgClient *client, HgBuffer *take_message)
{
    if (hg_buffer_size(take_message) > 0)
        client->transport->answer(client, hg_buffer_data(take_message),
                                  hg_buffer_size(take_message));
    hg_buffer_clear(take_message);
}

/* ---- the end ---- */

static guint listener_index(HgClient *client)
{
    return (guint)(client->listener - hg_client_options(client)->listeners);
}

void hg_client_end(HgClient *client)
{
    if (client->state == CLIENT_CLOSED)
        return;
    pin(client);
    hg_client_set_state(client, CLIENT_CLOSED);
    hg_timer_stop(hg_worker_loop(client->worker), &client->timer);
    hg_client_open_cancel(client);
    hg_client_hold_cancel(client);
    hg_client_login_cancel(client);
    hg_client_end_leases(client);
    hg_stream_close(client->stream);
    client->stream = NULL;
    hg_metrics_add(client->metrics, HG_METRIC_CONNECTIONS, listener_index(client), -1);
    hg_worker_remove_client(client->worker, client->id);
    unpin(client);
}

void hg_client_drop(HgClient *client)
{
    hg_log(hg_client_log(client), HG_LOG_WARN, "client_dropped", HG_CLIENT_ADDRESS_FIELDS(client),
           hg_log_text("why", HG_AT_CEILING));
    client->end_reason = HG_AT_CEILING;
    hg_client_end(client);
}

void hg_client_linger(HgClient *client)
{
    if (client->state == CLIENT_CLOSED || client->state == CLIENT_LINGERING)
        return;
    hg_client_open_cancel(client);
    hg_client_hold_cancel(client);
    hg_client_login_cancel(client);
    hg_client_end_leases(client);
    hg_client_set_state(client, CLIENT_LINGERING);
    hg_timer_start(hg_worker_loop(client->worker), &client->timer, LINGER_TIME);
    if (client->input_ended) {
        if (hg_buffer_size(&client->out) == 0)
            hg_client_end(client);
        return;
    }
    if (hg_buffer_size(&client->out) == 0)
        hg_stream_end_writing(client->stream);
}

void hg_client_done(HgClient *client)
{
    if (client->state == CLIENT_CLOSED || client->state == CLIENT_LINGERING)
        return;
    hg_client_set_state(client, CLIENT_READY);
    if (client->last_answer || (client->input_ended && hg_buffer_size(&client->in) == 0))
        hg_client_linger(client);
    else if (hg_worker_is_draining(client->worker))
        hg_client_drain(client);
    if (client->state == CLIENT_READY)
        hg_client_work(client); /* does nothing when it runs already */
}

/* Work that the client may still have to do with. Over HTTP any connection may ask for any
 * session. */
static guint work_left(HgClient *client)
{
    return client->transport->keeps_sessions ? hg_client_statements(client)
                                             : hg_worker_work_left(client->worker);
}

void hg_client_drain(HgClient *client)
{
    hg_client_enter(client);
    client->end_reason = "hivegate is stopping";
    if (client->state < CLIENT_AUTHENTICATING)
        hg_client_end(client);
    else if (client->state == CLIENT_READY && !client->in_request && work_left(client) == 0)
        hg_client_linger(client);
    hg_client_leave(client);
}

static void on_timer(HgTimer *timer)
{
    HgClient *client = HG_CONTAINER_OF(timer, HgClient, timer);
    hg_client_enter(client);
    if (client->state == CLIENT_ANNOUNCING) {
        hg_client_proxy_header_timed_out(client);
    } else if (client->state == CLIENT_GREETING || client->state == CLIENT_NEGOTIATING ||
               client->state == CLIENT_AUTHENTICATING) {
        hg_client_login_timed_out(client);
    } else {
        if (client->state == CLIENT_READY && client->patience != PATIENCE_IDLE &&
            !client->input_ended) {
            client->end_reason = "a request didn't come whole in time";
            hg_log(hg_client_log(client), HG_LOG_INFO, "request_timed_out",
                   HG_CLIENT_ADDRESS_FIELDS(client));
        }
        hg_client_end(client);
    }
    hg_client_leave(client);
}

/* ---- reading ---- */

/* Takes logins and requests from the window while they are there and may be served. */
static void take(HgClient *client, ClientWindow *window)
{
    gboolean moved = TRUE;
    guint turns = 0;
    client->working = TRUE;
    while (moved && window->size > 0 && takes_input(client) && turns++ < REQUESTS)
        moved = client->state == CLIENT_READY ? client->transport->take_request(client, window)
                                              : hg_client_take_login(client, window);
    client->more = moved && window->size > 0 && takes_input(client);
    client->working = FALSE;
}

void hg_client_work(HgClient *client)
{
    if (client->working || hg_buffer_size(&client->in) == 0)
        return;
    ClientWindow window = {hg_buffer_data(&client->in), hg_buffer_size(&client->in)};
    gsize before = window.size;
    take(client, &window);
    if (client->state != CLIENT_CLOSED && hg_buffer_size(&client->in) > 0)
        hg_buffer_consume(&client->in, before - window.size);
    if (client->state == CLIENT_READY && client->input_ended && !client->more)
        hg_client_linger(client); /* what is left will never be a whole request */
}

static void on_end_of_input(HgClient *client)
{
    client->input_ended = TRUE;
    switch (client->state) {
    case CLIENT_AUTHENTICATING:
    case CLIENT_OPENING:
    case CLIENT_HELD:
    case CLIENT_CALLING:
    case CLIENT_REPLY_HELD:
    case CLIENT_REPLYING:
        /* a client that has left, or one that only sends no more: it gets a moment */
        hg_timer_start(hg_worker_loop(client->worker), &client->timer, HALF_CLOSE_TIME);
        break;
    default:
        if (hg_buffer_size(&client->out) > 0 && client->state == CLIENT_READY)
            hg_client_linger(client);
        else
            hg_client_end(client);
    }
}

/* The memory ceiling keeps a client's bytes out: a client that has logged in hears of it. */
static void no_room(HgClient *client)
{
    if (client->state == CLIENT_READY)
        hg_client_give_up(client, hg_slice("", 0), 0, HG_AT_CEILING "; try again");
    else
        hg_client_drop(client);
}

/* TLS has failed, and the client may not have read yet why. What was to be sent to it must never go
 * out in clear. */
static void linger_without_tls(HgClient *client)
{
    hg_buffer_clear(&client->out);
    hg_client_linger(client);
}

/* Reads into scratch, or behind what waits already. FALSE when there is no more to read now. */
static gboolean read_once(HgClient *client)
{
    if (client->state == CLIENT_ANNOUNCING && !hg_client_take_proxy_header(client))
        return FALSE;
    gboolean held = hg_buffer_size(&client->in) > 0;
    guint8 *bytes = hg_worker_backend_context(client->worker)->scratch + HG_BUFFER_HEADROOM;
    gsize room = HG_SCRATCH_SIZE - HG_BUFFER_HEADROOM;
    if (held) {
        gsize most = (gsize)hg_client_options(client)->message_size + PIPELINED_MOST;
        if (!hg_buffer_reserve(&client->in, client->transport->room_wanted(client), most)) {
            no_room(client);
            return FALSE;
        }
        bytes = hg_buffer_tail(&client->in);
        room = hg_buffer_room(&client->in);
    }
    gsize done = 0;
    HgIo io = hg_stream_read(client->stream, bytes, room, &done);
    if (io == HG_IO_AGAIN)
        return FALSE;
    if (io != HG_IO_OK) {
        if (io != HG_IO_END)
            hg_client_count_handshake(client, HG_CONNECTED_FAILED);
        if (io == HG_IO_END)
            on_end_of_input(client);
        else if (client->state == CLIENT_GREETING && hg_client_read_without_tls(client))
            return TRUE;
        else if (hg_stream_bury_tls(client->stream))
            linger_without_tls(client);
        else
            hg_client_end(client);
        return FALSE;
    }
    hg_metrics_add(client->metrics, HG_METRIC_CLIENT_BYTES, HG_BYTES_RECEIVED, (gint64)done);
    if (held) {
        hg_buffer_commit(&client->in, done);
        hg_client_work(client);
    } else {
        ClientWindow window = {bytes, done};
        take(client, &window);
        if (window.size > 0 && client->state != CLIENT_CLOSED &&
            client->state != CLIENT_LINGERING &&
            !hg_buffer_append(&client->in, hg_slice(window.at, window.size), G_MAXINT32)) {
            no_room(client);
            return FALSE;
        }
    }
    return done == room;
}

static void throw_away(HgClient *client)
{
    gsize done = 0;
    HgIo io = hg_stream_read(client->stream, hg_worker_backend_context(client->worker)->scratch,
                             HG_SCRATCH_SIZE, &done);
    if (io == HG_IO_AGAIN)
        return;
    client->lingered += done;
    if (io != HG_IO_OK || client->lingered > LINGER_BYTES)
        hg_client_end(client);
}

static void on_ready(void *owner, HgWant ready)
{
    HgClient *client = owner;
    hg_client_enter(client);
    client->ready_at = hg_worker_measures(client->worker) ? hg_metrics_now() : 0;
    if ((ready & HG_WANT_WRITE) != 0) {
        flush(client);
        if (takes_input(client))
            hg_client_work(client);
    }
    if ((ready & HG_WANT_HANGUP) != 0 && client->state != CLIENT_CLOSED && !client->input_ended)
        on_end_of_input(client);
    for (guint i = 0; i < READS && (ready & HG_WANT_READ) != 0; i++) {
        if (client->state == CLIENT_CLOSED || client->input_ended || client->more)
            break;
        if (client->state == CLIENT_LINGERING) {
            throw_away(client);
            break;
        }
        if (!takes_input(client) && hg_buffer_size(&client->in) >= PIPELINED_MOST)
            break;
        if (!read_once(client))
            break;
    }
    client->ready_at = 0; /* what waits for its turn now isn't measured */
    hg_client_leave(client);
}

void hg_client_start(HgWorker *worker, guint listener, int take_fd)
{
    const HgProxyOptions *options = hg_gateway_options(hg_worker_gateway(worker));
    HgClient *client = g_new0(HgClient, 1);
    client->worker = worker;
    client->listener = &options->listeners[listener];
    client->metrics = hg_worker_metrics(worker);
    client->transport = client->listener->http   ? hg_client_http()
                        : client->listener->sasl ? hg_client_framed()
                                                 : hg_client_raw();
    client->http = client->listener->http ? hg_client_http_new() : NULL;
    hg_buffer_init(&client->in, hg_gateway_budget(hg_worker_gateway(worker)));
    hg_buffer_init(&client->message, hg_gateway_budget(hg_worker_gateway(worker)));
    hg_buffer_init(&client->out, hg_gateway_budget(hg_worker_gateway(worker)));
    hg_timer_init(&client->timer, on_timer);
    hg_socket_set_options(take_fd, &options->client_tcp);
    HgAddress peer;
    if (hg_socket_peer(take_fd, &peer))
        client->identity.address = hg_peer_address_from_socket(&peer);
    gboolean announced = hg_client_needs_proxy_header(client);
    client->state = announced ? CLIENT_ANNOUNCING : CLIENT_GREETING; /* a header is in clear */
    hg_worker_add_client(worker, client, &client->id);
    hg_metrics_add(client->metrics, HG_METRIC_CONNECTIONS, listener, 1);
    hg_metrics_add(client->metrics, HG_METRIC_CONNECTIONS_ACCEPTED, listener, 1);
    g_autoptr(GError) error = NULL;
    client->stream =
        hg_stream_new(hg_worker_loop(worker), take_fd, announced ? NULL : client->listener->tls,
                      NULL, on_ready, client, &error);
    if (client->stream == NULL) {
        hg_log(hg_client_log(client), HG_LOG_ERROR, "client_refused",
               HG_CLIENT_ADDRESS_FIELDS(client), hg_log_text("why", error->message));
        hg_client_end(client);
        return;
    }
    if (client->identity.address.family == HG_PEER_UNKNOWN) {
        hg_client_end(client); /* it has left already: what it has sent is nobody's */
        return;
    }
    hg_timer_start(hg_worker_loop(worker), &client->timer, options->login_timeout);
    update_want(client);
}
