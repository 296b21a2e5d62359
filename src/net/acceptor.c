/* Accepting connections: see acceptor.h. Owns the listening sockets and the reserve descriptor.
 * Loop's thread only. */
#include "net/acceptor.h"

#include "base/container.h"
#include "net/loop_uv.h"
#include "net/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define BATCH          64  /* accepts before other sockets get a turn */
#define PAUSE_ON_ERROR 100 /* ms without accepting when even the reserve doesn't help */

typedef struct {
    uv_poll_t poll;
    HgAcceptor *acceptor;
    guint index;
    int fd;
} Listener;

struct HgAcceptor {
    HgLoop *loop;
    const HgAcceptorEvents *events;
    void *owner;
    GPtrArray *listeners;
    HgTimer pause;
    int reserve; /* a spare descriptor; -1 when even that is gone */
};

static int open_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void set_accepting(HgAcceptor *acceptor, gboolean on)
{
    for (guint i = 0; i < acceptor->listeners->len; i++) {
        Listener *listener = g_ptr_array_index(acceptor->listeners, i);
        if (on)
            uv_poll_start(&listener->poll, UV_READABLE, on_ready);
        else
            uv_poll_stop(&listener->poll);
    }
}

static void on_pause_over(HgTimer *timer)
{
    set_accepting(HG_CONTAINER_OF(timer, HgAcceptor, pause), TRUE);
}

/* Takes one client in with the reserve descriptor, only to close it: it learns at once. */
static void turn_away(Listener *listener, int errnum)
{
    HgAcceptor *acceptor = listener->acceptor;
    int fd = -1;
    if (acceptor->reserve >= 0) {
        close(acceptor->reserve);
        fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            close(fd);
        acceptor->reserve = open_reserve();
    }
    if (fd < 0) {
        set_accepting(acceptor, FALSE);
        hg_timer_start(acceptor->loop, &acceptor->pause, PAUSE_ON_ERROR);
    }
    acceptor->events->refused(acceptor->owner, listener->index, errnum);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    Listener *listener = poll->data;
    HgAcceptor *acceptor = listener->acceptor;
    for (int i = 0; i < BATCH; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            acceptor->events->accepted(acceptor->owner, listener->index, fd);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            turn_away(listener, errno);
        return;
    }
}

HgAcceptor *hg_acceptor_new(HgLoop *loop, const HgAcceptorEvents *events, void *owner)
{
    HgAcceptor *acceptor = g_new0(HgAcceptor, 1);
    acceptor->loop = loop;
    acceptor->events = events;
    acceptor->owner = owner;
    acceptor->listeners = g_ptr_array_new();
    acceptor->reserve = open_reserve();
    hg_timer_init(&acceptor->pause, on_pause_over);
    return acceptor;
}

guint hg_acceptor_add(HgAcceptor *acceptor, int take_fd)
{
    Listener *listener = g_new0(Listener, 1);
    listener->acceptor = acceptor;
    listener->index = acceptor->listeners->len;
    listener->fd = take_fd;
    listener->poll.data = listener;
    if (uv_poll_init(hg_loop_uv(acceptor->loop), &listener->poll, take_fd) != 0)
        g_error("a listening socket can't be watched");
    g_ptr_array_add(acceptor->listeners, listener);
    uv_poll_start(&listener->poll, UV_READABLE, on_ready);
    return listener->index;
}

static void on_closed(uv_handle_t *handle)
{
    Listener *listener = handle->data;
    close(listener->fd);
    g_free(listener);
}

void hg_acceptor_close(HgAcceptor *acceptor)
{
    if (acceptor == NULL)
        return;
    hg_timer_stop(acceptor->loop, &acceptor->pause);
    for (guint i = 0; i < acceptor->listeners->len; i++) {
        Listener *listener = g_ptr_array_index(acceptor->listeners, i);
        uv_close((uv_handle_t *)&listener->poll, on_closed);
    }
    g_ptr_array_free(acceptor->listeners, TRUE);
    if (acceptor->reserve >= 0)
        close(acceptor->reserve);
    g_free(acceptor);
}
