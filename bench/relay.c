/* bench-relay: the cheapest TCP relay that epoll allows. It knows nothing and checks nothing: one
 * receive and one send for what has come, through one buffer per thread. What it reaches is the
 * floor that a gateway can be held against.
 *
 * The first thread accepts and deals pairs of connections out in turn; a pair then belongs to
 * one thread for life. A pair with nothing pending owns no buffer. */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "common.h"

enum {
    COPY_BYTES = 256 * 1024,
    MAX_EVENTS = 256,
    MAX_THREADS = 64,
};

struct Pair;

typedef struct Side {
    int fd;
    bool finished; /* it has sent its last byte, and the other side was told */
    bool ended;    /* its end was seen: read it to the last byte */
    Bytes pending; /* what it couldn't take yet */
    struct Side *other;
    struct Pair *pair;
} Side;

typedef struct Pair {
    Side client;
    Side server;
    bool closed; /* waits to be freed at the end of the batch */
    struct Pair *next_closed;
} Pair;

typedef struct Worker {
    int epoll;
    Pair *closed;
    uint8_t buffer[COPY_BYTES];
} Worker;

static void close_pair(Worker *worker, Pair *pair)
{
    if (pair->closed)
        return;
    pair->closed = true;
    pair->next_closed = worker->closed;
    worker->closed = pair;
    close(pair->client.fd);
    close(pair->server.fd);
}

/* Another event of the batch may still name a closed pair; so pairs are freed after it. */
static void free_closed(Worker *worker)
{
    while (worker->closed) {
        Pair *pair = worker->closed;
        worker->closed = pair->next_closed;
        bytes_free(&pair->client.pending);
        bytes_free(&pair->server.pending);
        free(pair);
    }
}

/* Sends `len` bytes to `side` and keeps what it doesn't take. False when it is lost. */
static bool give(Side *side, const uint8_t *data, size_t len)
{
    ssize_t n = send(side->fd, data, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        return false;
    size_t sent = n < 0 ? 0 : (size_t)n;
    bytes_put(&side->pending, data + sent, len - sent);
    return true;
}

/* Passes on what has come from `side` until its socket is empty or the other one is full. */
static bool copy_from(Worker *worker, Side *side)
{
    while (!side->finished && side->other->pending.len == 0) {
        ssize_t n = recv(side->fd, worker->buffer, sizeof worker->buffer, 0);
        if (n < 0)
            return errno == EAGAIN;
        if (n == 0) {
            side->finished = true;
            shutdown(side->other->fd, SHUT_WR);
            return !side->other->finished;
        }
        if (!give(side->other, worker->buffer, (size_t)n))
            return false;
        if ((size_t)n < sizeof worker->buffer && !side->ended)
            break; /* the socket is empty: more will be a new edge */
    }
    return true;
}

static bool flush_pending(Side *side)
{
    ssize_t n = send(side->fd, side->pending.data, side->pending.len, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN;
    bytes_remove(&side->pending, 0, (size_t)n);
    if (side->pending.len == 0)
        bytes_free(&side->pending);
    return true;
}

static bool on_event(Worker *worker, Side *side, uint32_t events)
{
    if (events & EPOLLRDHUP)
        side->ended = true;
    if ((events & EPOLLOUT) && side->pending.len > 0) {
        if (!flush_pending(side))
            return false;
        if (side->pending.len == 0 && !copy_from(worker, side->other))
            return false;
    }
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        return copy_from(worker, side);
    return true;
}

static void relay_batch(Worker *worker, struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        Side *side = events[i].data.ptr;
        if (!side->pair->closed && !on_event(worker, side, events[i].events))
            close_pair(worker, side->pair);
    }
    free_closed(worker);
}

static void *run_worker(void *data)
{
    struct epoll_event events[MAX_EVENTS];
    for (;;) {
        int count = epoll_wait(((Worker *)data)->epoll, events, MAX_EVENTS, -1);
        relay_batch(data, events, count);
    }
    return NULL;
}

static void set_up_side(Pair *pair, Side *side, int fd)
{
    side->fd = fd;
    side->pair = pair;
    side->other = side == &pair->client ? &pair->server : &pair->client;
}

/* From the first of the two on, the worker may be at work on the pair, and may already have closed
 * it because the backend refused; adding the client's side then fails harmlessly. */
static void watch_pair(const Worker *worker, Pair *pair)
{
    uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    struct epoll_event server = {.events = events, .data.ptr = &pair->server};
    struct epoll_event client = {.events = events, .data.ptr = &pair->client};
    int client_fd = pair->client.fd;
    if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, pair->server.fd, &server) != 0)
        bench_die("epoll_ctl: %s", strerror(errno));
    if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, client_fd, &client) != 0 && errno != EBADF)
        bench_die("epoll_ctl: %s", strerror(errno));
}

static void accept_all(int listener, const struct sockaddr_in *backend, Worker *workers,
                       unsigned count, unsigned *turn)
{
    int client;
    while ((client = bench_accept(listener)) >= 0) {
        int server = bench_connect(backend);
        if (server < 0) {
            close(client);
            continue;
        }
        Pair *pair = bench_allocate(1, sizeof *pair);
        set_up_side(pair, &pair->client, client);
        set_up_side(pair, &pair->server, server);
        watch_pair(&workers[(*turn)++ % count], pair);
    }
}

static _Noreturn void run_acceptor(int listener, const struct sockaddr_in *backend, Worker *workers,
                                   unsigned count)
{
    struct epoll_event events[MAX_EVENTS];
    struct epoll_event listening = {.events = EPOLLIN, .data.ptr = NULL};
    unsigned turn = 0;
    epoll_ctl(workers[0].epoll, EPOLL_CTL_ADD, listener, &listening);
    for (;;) {
        int ready = epoll_wait(workers[0].epoll, events, MAX_EVENTS, -1);
        bool accepting = false;
        int kept = 0;
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr)
                events[kept++] = events[i];
            else
                accepting = true;
        }
        relay_batch(&workers[0], events, kept);
        if (accepting)
            accept_all(listener, backend, workers, count, &turn);
    }
}

static Worker *start_workers(unsigned count)
{
    Worker *workers = bench_allocate(count, sizeof *workers);
    for (unsigned i = 0; i < count; i++) {
        pthread_t thread;
        workers[i].epoll = epoll_create1(EPOLL_CLOEXEC);
        if (workers[i].epoll < 0 ||
            (i > 0 && pthread_create(&thread, NULL, run_worker, &workers[i]) != 0))
            bench_die("starting thread %u failed", i);
    }
    return workers;
}

static _Noreturn void show_help(void)
{
    puts("bench-relay --listen PORT --backend PORT [--threads N]\n"
         "Relays TCP connections on 127.0.0.1 and does nothing else.");
    exit(0);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},
        {"backend", required_argument, NULL, 'b'},
        {"threads", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    uint64_t port = 0, backend_port = 0, threads = 2;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'l')
            port = bench_parse_number("listen", optarg, 1, 65535);
        else if (option == 'b')
            backend_port = bench_parse_number("backend", optarg, 1, 65535);
        else if (option == 't')
            threads = bench_parse_number("threads", optarg, 1, MAX_THREADS);
        else if (option == 'h')
            show_help();
        else
            return 2;
    }
    if (port == 0 || backend_port == 0)
        bench_die("--listen and --backend are needed");
    bench_raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN);
    struct sockaddr_in backend = bench_loopback((uint16_t)backend_port);
    int listener = bench_listen((uint16_t)port);
    run_acceptor(listener, &backend, start_workers((unsigned)threads), (unsigned)threads);
}
