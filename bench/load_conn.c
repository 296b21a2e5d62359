/* load_conn: one connection of the load generator. Owns its socket and buffers; a connection
 * that waits for nothing owns no buffer. Events are edge-triggered: reading goes on until the
 * socket is empty. */
#include "load_conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"
#include "load_call.h"

enum {
    RECEIVE_BYTES = 16 * 1024,
    SMALL_REPLY = 4096,        /* may be an error's: worth parsing whatever length is expected */
    MAX_FRAME_BYTES = 1 << 30, /* anything longer is a broken gateway */
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
    int fd;
    State state;
    Call call;
    uint32_t seqid;
    uint64_t operation_start; /* ns */
    Handles handles;
    Bytes out;
    /* Received: [0, head) is a frame's head, [head, whole) belongs to the reply, then comes what
     * isn't looked at yet. A reply in several frames is joined by taking the later heads out. */
    Bytes in;
    size_t head;
    size_t whole;
    size_t frame_left;          /* bytes of the present frame not yet in `whole` */
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
    ssize_t n = send(conn->fd, conn->out.data, conn->out.len, MSG_NOSIGNAL);
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
    call_put(&conn->out, conn->plan, call, &conn->handles, ++conn->seqid);
}

/* Opens the socket; the login, or without SASL the first call, goes out once it stands. */
static bool start(LoadConn *conn)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.ptr = conn,
    };
    uint64_t now = bench_now_ns();
    conn->in.len = conn->out.len = 0;
    conn->head = conn->whole = conn->frame_left = 0;
    conn->operation_start = now;
    conn->fd = bench_connect(&conn->plan->address);
    if (conn->fd < 0 || epoll_ctl(conn->epoll, EPOLL_CTL_ADD, conn->fd, &event) != 0)
        return fail(conn, strerror(errno));
    if (!conn->plan->sasl) {
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

static void forget_input(LoadConn *conn)
{
    conn->in.len = 0;
    conn->head = conn->whole = 0;
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
    forget_input(conn);
    if (next != CALL_NONE) {
        put_call(conn, next, now);
        return send_out(conn);
    }
    if (call == CALL_CLOSE_SESSION) {
        close(conn->fd);
        return start(conn);
    }
    conn->state = STATE_PARKED;
    bytes_free(&conn->in);
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
        if (!conn->plan->sasl && len < *expected && len > SMALL_REPLY)
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
    ThriftReader reader = thrift_reader(conn->in.data, conn->in.len);
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
    forget_input(conn);
    put_call(conn, CALL_OPEN_SESSION, bench_now_ns());
    return send_out(conn);
}

/* Moves bytes from behind `whole` into the reply, taking frame heads out. Returns false when a
 * frame is impossible; `ended` says that a frame's end was reached. */
static bool join_frames(LoadConn *conn, bool *ended)
{
    *ended = false;
    while (conn->in.len > conn->whole) {
        size_t fresh = conn->in.len - conn->whole;
        if (conn->frame_left == 0) {
            if (fresh < SASL_FRAME_HEAD_BYTES)
                return true;
            ThriftReader reader = thrift_reader(conn->in.data + conn->whole, fresh);
            conn->frame_left = thrift_read_u32(&reader);
            if (conn->frame_left == 0 || conn->frame_left > MAX_FRAME_BYTES)
                return fail(conn, "a frame of impossible length");
            if (conn->whole == 0)
                conn->head = conn->whole = SASL_FRAME_HEAD_BYTES;
            else
                bytes_remove(&conn->in, conn->whole, SASL_FRAME_HEAD_BYTES);
            continue;
        }
        size_t part = fresh < conn->frame_left ? fresh : conn->frame_left;
        conn->whole += part;
        conn->frame_left -= part;
        *ended = conn->frame_left == 0;
    }
    return true;
}

/* Looks at what has just come. */
static bool use_input(LoadConn *conn)
{
    bool ended = true;
    if (conn->state == STATE_LOGIN)
        return use_login(conn);
    if (conn->state != STATE_CALLING)
        return fail(conn, "bytes that nobody asked for");
    if (conn->plan->sasl) {
        if (!join_frames(conn, &ended))
            return false;
    } else {
        conn->whole = conn->in.len;
    }
    return !ended || use_reply(conn, conn->in.data + conn->head, conn->whole - conn->head);
}

/* Room for what is expected to come: the rest of the frame, or a reply like the last. */
static size_t room_wanted(const LoadConn *conn)
{
    size_t wanted = conn->frame_left;
    if (conn->state == STATE_CALLING && conn->expected[conn->call] > conn->in.len)
        wanted = conn->expected[conn->call] - conn->in.len + SASL_FRAME_HEAD_BYTES;
    return wanted > RECEIVE_BYTES ? wanted : RECEIVE_BYTES;
}

/* Reads until the socket is empty; `ended`: until its end. */
static bool receive(LoadConn *conn, bool ended)
{
    for (;;) {
        bytes_reserve(&conn->in, room_wanted(conn));
        size_t room = conn->in.cap - conn->in.len;
        ssize_t n = recv(conn->fd, conn->in.data + conn->in.len, room, 0);
        if (n == 0)
            return fail(conn, "the connection was closed");
        if (n < 0)
            return errno == EAGAIN || fail(conn, strerror(errno));
        conn->in.len += (size_t)n;
        conn->counts->bytes += conn->counts->measuring ? (size_t)n : 0;
        if (!use_input(conn))
            return false;
        if ((size_t)n < room && !ended)
            return true;
    }
}

bool load_conn_on_event(LoadConn *conn, uint32_t events)
{
    if ((events & EPOLLOUT) && conn->out.len > 0 && !send_out(conn))
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
    if (conn->fd >= 0)
        close(conn->fd);
    conn->fd = -1;
}

void load_conn_free(LoadConn *conn)
{
    if (!conn)
        return;
    load_conn_hang_up(conn);
    bytes_free(&conn->in);
    bytes_free(&conn->out);
    free(conn);
}
