/* bench-backend: a fast stand-in for a HiveServer2, so that what stands in front of it is the
 * thing measured. It takes any user and password, tells SASL PLAIN, raw Thrift and HTTP apart by
 * the first byte, answers every call a session needs at once, and gives each fetch the same rows.
 *
 * The first thread accepts and deals connections out in turn; a connection then belongs to one
 * thread for life. An idle connection owns no buffer. */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backend_answer.h"
#include "common.h"
#include "http.h"

enum {
    RECEIVE_BYTES = 64 * 1024,
    MAX_MESSAGE_BYTES = 128 * 1024 * 1024,
    MAX_LOGIN_BYTES = 64 * 1024,
    MAX_EVENTS = 256,
    MAX_THREADS = 64,
};

typedef enum State {
    STATE_FIRST_BYTE, /* nothing received yet: SASL, raw Thrift or HTTP */
    STATE_LOGIN,      /* SASL negotiation */
    STATE_SASL,       /* calls in SASL frames */
    STATE_RAW,        /* calls one after another, without lengths */
    STATE_HTTP,       /* each call is the body of a request */
} State;

typedef struct Conn {
    int fd;
    State state;
    bool waits_to_write; /* EPOLLOUT is asked for, EPOLLIN isn't */
    Bytes in;            /* what came of a call that isn't whole, or waits for `out` to go */
    Bytes out;           /* what is still to be sent, before the tail */
    const Bytes *tail;   /* what fetch replies share, as this connection gets it */
    size_t tail_left;    /* bytes of it still to be sent */
} Conn;

typedef struct Worker {
    int epoll;
    Answers *answers;
    bool chunked; /* HTTP replies come in chunks, as Jetty sends them, not with a length */
    Bytes reply;  /* reused for every reply */
    Bytes body;   /* HTTP: the same for its body */
    uint8_t received[RECEIVE_BYTES];
} Worker;

static void watch(const Worker *worker, Conn *conn, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = conn};
    if (epoll_ctl(worker->epoll, operation, conn->fd, &event) != 0)
        bench_die("epoll_ctl: %s", strerror(errno));
}

static void close_conn(Conn *conn)
{
    close(conn->fd);
    bytes_free(&conn->in);
    bytes_free(&conn->out);
    free(conn);
}

/* Sends `head`, then what is left of the tail, and keeps in the connection what the socket
 * doesn't take. `head` may be the connection's own `out`. False when the connection is lost. */
static bool send_out(Worker *worker, Conn *conn, Bytes *head)
{
    while (head->len + conn->tail_left > 0) {
        const Bytes *tail = conn->tail;
        struct iovec parts[2] = {{head->data, head->len}};
        if (conn->tail_left > 0)
            parts[1] = (struct iovec){tail->data + (tail->len - conn->tail_left), conn->tail_left};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = conn->tail_left ? 2 : 1};
        ssize_t n = sendmsg(conn->fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n < 0)
            break;
        size_t sent = (size_t)n < head->len ? (size_t)n : head->len;
        bytes_remove(head, 0, sent);
        conn->tail_left -= (size_t)n - sent;
    }
    if (head != &conn->out) {
        bytes_put(&conn->out, head->data, head->len);
        head->len = 0;
    }
    bool blocked = conn->out.len + conn->tail_left > 0;
    if (!blocked)
        bytes_free(&conn->out);
    if (blocked != conn->waits_to_write)
        watch(worker, conn, EPOLL_CTL_MOD, blocked ? EPOLLOUT : EPOLLIN);
    conn->waits_to_write = blocked;
    return true;
}

static void begin_tail(Conn *conn, const Bytes *tail)
{
    conn->tail = tail;
    conn->tail_left = tail->len;
}

/* Bytes of one step taken from the input, 0 when more must come, -1 to close. */
static ssize_t step_login(Worker *worker, Conn *conn, const uint8_t *data, size_t len)
{
    ThriftReader reader = thrift_reader(data, len);
    uint8_t status = thrift_read_u8(&reader);
    uint32_t payload = thrift_read_u32(&reader);
    if (reader.fault == THRIFT_FINE && payload > MAX_LOGIN_BYTES)
        return -1;
    if (reader.fault != THRIFT_FINE || len < SASL_HEAD_BYTES + payload)
        return 0;
    if (status == SASL_START) {
        if (payload != 5 || memcmp(reader.at, "PLAIN", 5) != 0)
            return -1;
    } else if (status == SASL_OK || status == SASL_COMPLETE) {
        thrift_put_u8(&worker->reply, SASL_COMPLETE);
        thrift_put_u32(&worker->reply, 0);
        conn->state = STATE_SASL;
    } else {
        return -1;
    }
    return SASL_HEAD_BYTES + (ssize_t)payload;
}

/* One SASL frame is one call, as all clients send it. */
static ssize_t step_sasl(Worker *worker, Conn *conn, const uint8_t *data, size_t len)
{
    bool with_tail;
    ThriftReader reader = thrift_reader(data, len);
    uint32_t payload = thrift_read_u32(&reader);
    if (reader.fault != THRIFT_FINE)
        return 0;
    if (payload == 0 || payload > MAX_MESSAGE_BYTES)
        return -1;
    if (len < SASL_FRAME_HEAD_BYTES + (size_t)payload)
        return 0;
    if (!answers_reply(worker->answers, reader.at, payload, true, &worker->reply, &with_tail))
        return -1;
    if (with_tail)
        begin_tail(conn, answers_fetch_tail(worker->answers));
    return (ssize_t)(SASL_FRAME_HEAD_BYTES + (size_t)payload);
}

static ssize_t step_raw(Worker *worker, Conn *conn, const uint8_t *data, size_t len)
{
    bool with_tail;
    ThriftMessage message;
    ThriftReader reader = thrift_reader(data, len);
    thrift_read_message(&reader, &message);
    thrift_skip(&reader, THRIFT_STRUCT);
    if (reader.fault == THRIFT_SHORT && len <= MAX_MESSAGE_BYTES)
        return 0;
    if (reader.fault != THRIFT_FINE)
        return -1;
    size_t taken = (size_t)(reader.at - data);
    if (!answers_reply(worker->answers, data, taken, false, &worker->reply, &with_tail))
        return -1;
    if (with_tail)
        begin_tail(conn, answers_fetch_tail(worker->answers));
    return (ssize_t)taken;
}

/* The head and the beginning of a reply over HTTP. As Spark does, a request without a cookie gets
 * one. */
static void put_http_reply(Worker *worker, Conn *conn, bool has_cookie, bool with_tail)
{
    const Bytes *tail = worker->chunked ? answers_chunked_tail(worker->answers)
                                        : answers_fetch_tail(worker->answers);
    size_t len = worker->body.len;
    http_put(&worker->reply, "HTTP/1.1 200 OK\r\nContent-Type: application/x-thrift\r\n%s",
             has_cookie ? ""
                        : "Set-Cookie: hive.server2.auth=cu=bench&rn=1&s=AbCdEf=;HttpOnly\r\n");
    if (worker->chunked)
        http_put(&worker->reply, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", len);
    else
        http_put(&worker->reply, "Content-Length: %zu\r\n\r\n", len + (with_tail ? tail->len : 0));
    bytes_put(&worker->reply, worker->body.data, len);
    if (worker->chunked)
        http_put(&worker->reply, with_tail ? "\r\n" : "\r\n0\r\n\r\n");
    if (with_tail)
        begin_tail(conn, tail);
}

static ssize_t step_http(Worker *worker, Conn *conn, const uint8_t *data, size_t len)
{
    bool with_tail;
    const char *cookie;
    size_t body, head = http_head_size(data, len);
    if (head == 0)
        return len > HTTP_MAX_HEAD_BYTES ? -1 : 0;
    if (!http_find_length(data, head, &body) || body > MAX_MESSAGE_BYTES)
        return -1;
    if (len < head + body)
        return 0;
    worker->body.len = 0;
    if (!answers_reply(worker->answers, data + head, body, false, &worker->body, &with_tail))
        return -1;
    put_http_reply(worker, conn, http_find(data, head, "Cookie", &cookie) > 0, with_tail);
    return (ssize_t)(head + body);
}

static State state_for(uint8_t first)
{
    if (first == 'P') /* POST */
        return STATE_HTTP;
    return first == 0x80 ? STATE_RAW : STATE_LOGIN;
}

static ssize_t step(Worker *worker, Conn *conn, const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    if (conn->state == STATE_FIRST_BYTE)
        conn->state = state_for(data[0]);
    switch (conn->state) {
    case STATE_HTTP:
        return step_http(worker, conn, data, len);
    case STATE_SASL:
        return step_sasl(worker, conn, data, len);
    case STATE_RAW:
        return step_raw(worker, conn, data, len);
    default:
        return step_login(worker, conn, data, len);
    }
}

/* Answers the calls at `data` until one isn't whole or an answer can't be sent at once. Returns
 * the bytes used up, or -1 to close. */
static ssize_t answer_all(Worker *worker, Conn *conn, const uint8_t *data, size_t len)
{
    size_t used = 0;
    while (!conn->waits_to_write) {
        ssize_t n = step(worker, conn, data + used, len - used);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        used += (size_t)n;
        if (worker->reply.len > 0 && !send_out(worker, conn, &worker->reply))
            return -1;
    }
    return (ssize_t)used;
}

static bool use_kept_input(Worker *worker, Conn *conn)
{
    ssize_t used = answer_all(worker, conn, conn->in.data, conn->in.len);
    if (used < 0)
        return false;
    bytes_remove(&conn->in, 0, (size_t)used);
    if (conn->in.len == 0)
        bytes_free(&conn->in);
    return true;
}

static bool on_readable(Worker *worker, Conn *conn)
{
    ssize_t n = recv(conn->fd, worker->received, sizeof worker->received, 0);
    if (n < 0)
        return errno == EAGAIN;
    if (n == 0)
        return false;
    if (conn->in.len > 0) {
        bytes_put(&conn->in, worker->received, (size_t)n);
        return use_kept_input(worker, conn);
    }
    ssize_t used = answer_all(worker, conn, worker->received, (size_t)n);
    if (used < 0)
        return false;
    if (used < n)
        bytes_put(&conn->in, worker->received + used, (size_t)(n - used));
    return true;
}

static bool on_event(Worker *worker, Conn *conn, uint32_t events)
{
    worker->reply.len = 0;
    if (conn->waits_to_write) {
        if (events & (EPOLLHUP | EPOLLERR) || !send_out(worker, conn, &conn->out))
            return false;
        return conn->waits_to_write || use_kept_input(worker, conn);
    }
    return on_readable(worker, conn);
}

static void serve_batch(Worker *worker, struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        Conn *conn = events[i].data.ptr;
        if (!on_event(worker, conn, events[i].events))
            close_conn(conn);
    }
}

static void *run_worker(void *data)
{
    struct epoll_event events[MAX_EVENTS];
    for (;;) {
        int count = epoll_wait(((Worker *)data)->epoll, events, MAX_EVENTS, -1);
        serve_batch(data, events, count);
    }
    return NULL;
}

static void accept_all(int listener, Worker *workers, unsigned count, unsigned *turn)
{
    int fd;
    while ((fd = bench_accept(listener)) >= 0) {
        Conn *conn = bench_allocate(1, sizeof *conn);
        conn->fd = fd;
        watch(&workers[(*turn)++ % count], conn, EPOLL_CTL_ADD, EPOLLIN);
    }
}

/* The first worker's loop: the listener is the event without a connection. */
static _Noreturn void run_acceptor(int listener, Worker *workers, unsigned count)
{
    struct epoll_event events[MAX_EVENTS];
    struct epoll_event listening = {.events = EPOLLIN, .data.ptr = NULL};
    unsigned turn = 0;
    epoll_ctl(workers[0].epoll, EPOLL_CTL_ADD, listener, &listening);
    for (;;) {
        int ready = epoll_wait(workers[0].epoll, events, MAX_EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr)
                serve_batch(&workers[0], &events[i], 1);
            else
                accept_all(listener, workers, count, &turn);
        }
    }
}

static Worker *start_workers(unsigned count, Answers *answers, bool chunked)
{
    Worker *workers = bench_allocate(count, sizeof *workers);
    for (unsigned i = 0; i < count; i++) {
        pthread_t thread;
        workers[i].answers = answers;
        workers[i].chunked = chunked;
        workers[i].epoll = epoll_create1(EPOLL_CLOEXEC);
        if (workers[i].epoll < 0 ||
            (i > 0 && pthread_create(&thread, NULL, run_worker, &workers[i]) != 0))
            bench_die("starting thread %u failed", i);
    }
    return workers;
}

static _Noreturn void show_help(void)
{
    puts("bench-backend --port PORT [--fetch-bytes N] [--threads N] [--chunked]\n"
         "Stand-in HiveServer2 on 127.0.0.1: every fetch answers about N bytes (100000).\n"
         "With --chunked, replies over HTTP come in chunks, as Spark sends them.");
    exit(0);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},    {"fetch-bytes", required_argument, NULL, 'f'},
        {"threads", required_argument, NULL, 't'}, {"chunked", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    uint64_t port = 0, fetch_bytes = 100000, threads = 1;
    bool chunked = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'p')
            port = bench_parse_number("port", optarg, 1, 65535);
        else if (option == 'f')
            fetch_bytes = bench_parse_number("fetch-bytes", optarg, 1, 1u << 30);
        else if (option == 't')
            threads = bench_parse_number("threads", optarg, 1, MAX_THREADS);
        else if (option == 'c')
            chunked = true;
        else if (option == 'h')
            show_help();
        else
            return 2;
    }
    if (port == 0)
        bench_die("--port is needed");
    bench_raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN);
    int listener = bench_listen((uint16_t)port);
    Worker *workers = start_workers((unsigned)threads, answers_new(fetch_bytes), chunked);
    run_acceptor(listener, workers, (unsigned)threads);
}
