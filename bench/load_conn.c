/* load_conn: one connection of the load generator. Owns its socket and buffers; a connection
 * that waits for nothing owns no buffer. Events are edge-triggered: reading goes on until the
 * socket is empty. */
#include "load_conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common.h"
#include "load_call.h"
#include "load_channel.h"
#include "load_reply.h"

enum {
    RECEIVE_BYTES = 16 * 1024,
    HEAD_BYTES = 512,   /* in front of a reply, by any transport */
    SMALL_REPLY = 4096, /* may be an error's: worth parsing whatever length is expected */
    SHOWN_ERRORS = 5,
};

typedef enum State {
    STATE_LOGIN,   /* SASL: the login is sent, not yet answered */
    STATE_CALLING, /* `call` is sent, not yet answered */
    STATE_PARKED,  /* no call is outstanding, none will follow */
} State;

struct LoadConn {
    const LoadPlan *plan;
    LoadCounts *counts;
    int epoll;
    LoadChannel *channel; /* NULL: hung up */
    State state;
    Call call;
    uint32_t seqid;
    uint64_t operation_start; /* ns */
    Handles handles;
    Bytes out;
    Inbox in;
    size_t expected[CALL_NONE]; /* length of the last good reply to each call */
    bool checked_rows;          /* a fetch of this connection was compared row by row */
};

static bool fail(LoadConn *conn, const char *reason)
{
    if (conn->counts->errors++ < SHOWN_ERRORS)
        fprintf(stderr, "%s: %s\n", program_invocation_short_name, reason);
    return false;
}

static bool send_out(LoadConn *conn)
{
    ssize_t n = load_channel_send(conn->channel, conn->out.data, conn->out.len);
    if (n < 0)
        return errno == EAGAIN || fail(conn, strerror(errno));
    bytes_remove(&conn->out, 0, (size_t)n);
    return true;
}

static void put_call(LoadConn *conn, Call call, uint64_t now)
{
    conn->state = STATE_CALLING;
    conn->call = call;
    if (call_starts_operation(conn->plan->mode, call))
        conn->operation_start = now;
    call_put(&conn->out, conn->plan, call, &conn->handles, ++conn->seqid, conn->in.cookie);
}

/* Opens the socket; the login, or without SASL the first call, goes out once it stands. The cookie
 * of an earlier connection isn't used again: a driver has none in a new session. */
static bool start(LoadConn *conn)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.ptr = conn,
    };
    uint64_t now = bench_now_ns();
    inbox_free(&conn->in);
    conn->out.len = 0;
    conn->operation_start = now;
    conn->channel = load_channel_new(&conn->plan->address, conn->plan->tls);
    if (!conn->channel ||
        epoll_ctl(conn->epoll, EPOLL_CTL_ADD, load_channel_fd(conn->channel), &event) != 0)
        return fail(conn, strerror(errno));
    if (conn->plan->transport != LOAD_SASL) {
        put_call(conn, CALL_OPEN_SESSION, now);
        return true;
    }
    conn->state = STATE_LOGIN;
    call_put_login(&conn->out, conn->plan);
    return true;
}

static void count_operation(LoadConn *conn, uint64_t now)
{
    if (!conn->counts->measuring)
        return;
    conn->counts->operations++;
    histogram_add(&conn->counts->latency, now - conn->operation_start);
}

/* The reply at `data` is whole and good: counts, and makes the next call. */
static bool go_on(LoadConn *conn, const uint8_t *data, size_t len)
{
    LoadMode mode = conn->plan->mode;
    Call call = conn->call;
    uint32_t rows = 0;
    if (!call_take_handle(data, len, call, &conn->handles))
        return fail(conn, "the reply has no handle");
    if (call == CALL_FETCH && mode == LOAD_TABLE) {
        rows = call_count_rows(data, len);
        conn->counts->rows += conn->counts->measuring ? rows : 0;
    } else if (call == CALL_FETCH && !conn->checked_rows) {
        if (!call_rows_are_sample(data, len))
            return fail(conn, "the fetched rows aren't those the backend sent");
        conn->checked_rows = true;
    }
    Call next = call_after(mode, call, rows);
    uint64_t now = bench_now_ns();
    conn->counts->opened += call == CALL_OPEN_SESSION;
    if (call_ends_operation(mode, call, next))
        count_operation(conn, now);
    if (call == CALL_EXECUTE)
        conn->operation_start = mode == LOAD_TABLE ? now : conn->operation_start;
    inbox_clear(&conn->in);
    if (next != CALL_NONE) {
        put_call(conn, next, now);
        return send_out(conn);
    }
    if (call == CALL_CLOSE_SESSION) {
        load_conn_hang_up(conn);
        return start(conn);
    }
    conn->state = STATE_PARKED;
    inbox_free(&conn->in);
    bytes_free(&conn->out);
    return true;
}

/* Looks at the bytes of a reply. True as well when more must come. */
static bool use_reply(LoadConn *conn, const uint8_t *data, size_t len)
{
    char text[512];
    size_t *expected = &conn->expected[conn->call];
    if (len != *expected) {
        ThriftMessage message;
        ThriftReader reader = thrift_reader(data, len);
        if (conn->plan->transport == LOAD_RAW && len < *expected && len > SMALL_REPLY)
            return true;
        thrift_read_message(&reader, &message);
        thrift_skip(&reader, THRIFT_STRUCT);
        if (reader.fault == THRIFT_SHORT)
            return true;
        if (reader.fault != THRIFT_FINE || reader.at != reader.end)
            return fail(conn, "the reply isn't one Thrift message");
    }
    const char *wrong = call_check_reply(data, len, conn->seqid, text, sizeof text);
    if (wrong)
        return fail(conn, wrong);
    *expected = conn->plan->mode == LOAD_TABLE ? 0 : len;
    return go_on(conn, data, len);
}

static bool use_login(LoadConn *conn)
{
    ThriftReader reader = thrift_reader(conn->in.bytes.data, conn->in.bytes.len);
    uint8_t status = thrift_read_u8(&reader);
    const uint8_t *payload;
    uint32_t len = thrift_read_string(&reader, &payload);
    if (reader.fault == THRIFT_SHORT)
        return true;
    if (status != SASL_COMPLETE || reader.at != reader.end) {
        char text[512];
        snprintf(text, sizeof text, "login refused, status %u: %.*s", status, (int)len,
                 (const char *)payload);
        return fail(conn, text);
    }
    inbox_clear(&conn->in);
    put_call(conn, CALL_OPEN_SESSION, bench_now_ns());
    return send_out(conn);
}

/* Looks at what has just come. */
static bool use_input(LoadConn *conn)
{
    char text[512];
    bool ended;
    const Inbox *in = &conn->in;
    if (conn->state == STATE_LOGIN)
        return use_login(conn);
    if (conn->state != STATE_CALLING)
        return fail(conn, "bytes that nobody asked for");
    const char *wrong = inbox_look(&conn->in, conn->plan->transport, &ended, text, sizeof text);
    if (wrong)
        return fail(conn, wrong);
    return !ended || use_reply(conn, in->bytes.data + in->head, in->whole - in->head);
}

/* Room for what is expected to come: the rest of the frame, or a reply like the last. */
static size_t room_wanted(const LoadConn *conn)
{
    size_t wanted = conn->in.left;
    size_t len = conn->in.bytes.len;
    if (conn->state == STATE_CALLING && conn->expected[conn->call] > len)
        wanted = conn->expected[conn->call] - len + HEAD_BYTES;
    return wanted > RECEIVE_BYTES ? wanted : RECEIVE_BYTES;
}

/* Reads until the socket is empty; `ended`: until its end. */
static bool receive(LoadConn *conn, bool ended)
{
    Bytes *in = &conn->in.bytes;
    for (;;) {
        bool more;
        bytes_reserve(in, room_wanted(conn));
        ssize_t n = load_channel_recv(conn->channel, in->data + in->len, in->cap - in->len, &more);
        if (n < 0 && conn->in.bytes.len == 0 && conn->state == STATE_PARKED)
            bytes_free(in);
        if (n == 0)
            return fail(conn, "the connection was closed");
        if (n < 0)
            return errno == EAGAIN || fail(conn, strerror(errno));
        in->len += (size_t)n;
        conn->counts->bytes += conn->counts->measuring ? (size_t)n : 0;
        if (!use_input(conn))
            return false;
        if (!more && !ended)
            return true;
    }
}

bool load_conn_on_event(LoadConn *conn, uint32_t events)
{
    /* in TLS, sending may have waited for something to read */
    if (((events & EPOLLOUT) || conn->plan->tls) && conn->out.len > 0 && !send_out(conn))
        return false;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        return receive(conn, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
    return true;
}

LoadConn *load_conn_new(const LoadPlan *plan, LoadCounts *counts, int epoll)
{
    LoadConn *conn = bench_allocate(1, sizeof *conn);
    conn->plan = plan;
    conn->counts = counts;
    conn->epoll = epoll;
    if (start(conn))
        return conn;
    load_conn_free(conn);
    return NULL;
}

void load_conn_hang_up(LoadConn *conn)
{
    load_channel_free(conn->channel);
    conn->channel = NULL;
}

void load_conn_free(LoadConn *conn)
{
    if (!conn)
        return;
    load_conn_hang_up(conn);
    inbox_free(&conn->in);
    bytes_free(&conn->out);
    free(conn);
}
