/* Reaching a host and port: see dial.h. A dial owns the socket until it hands it over. The name
 * look-up runs on libuv's threads and can't always be called back: a cancelled dial then lives on,
 * ownerless, until the look-up returns. */
#include "net/dial.h"

#include "base/container.h"
#include "net/loop_uv.h"
#include "net/socket.h"
#include "net/timer.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

struct HgDial {
    HgLoop *loop;
    HgDialDone done; /* NULL: cancelled */
    void *owner;
    HgTimer timer;
    uv_getaddrinfo_t lookup;
    gboolean looking_up;
    struct addrinfo *found; /* from the look-up */
    struct addrinfo *next;  /* to be tried next */
    int fd;                 /* -1, or the socket that is connecting */
    uv_poll_t *poll;        /* its own memory: freed by its closing callback */
    char problem[128];      /* of the last address tried */
};

static void try_next(HgDial *dial);

static void free_poll(uv_handle_t *handle)
{
    g_free(handle);
}

static void drop_poll(HgDial *dial)
{
    if (dial->poll == NULL)
        return;
    uv_close((uv_handle_t *)dial->poll, free_poll);
    dial->poll = NULL;
}

static void drop_fd(HgDial *dial)
{
    drop_poll(dial);
    if (dial->fd >= 0)
        close(dial->fd);
    dial->fd = -1;
}

static void free_dial(HgDial *dial)
{
    hg_timer_stop(dial->loop, &dial->timer);
    drop_fd(dial);
    if (dial->found != NULL)
        uv_freeaddrinfo(dial->found);
    g_free(dial);
}

/* Hands the outcome to the owner and ends the dial (or leaves it to the look-up to end it). */
static void finish(HgDial *dial)
{
    HgDialDone done = dial->done;
    void *owner = dial->owner;
    int fd = dial->fd;
    g_autofree char *problem = g_strdup(dial->problem);
    dial->fd = -1;
    hg_dial_cancel(dial);
    if (done != NULL)
        done(owner, fd, fd < 0 ? problem : NULL);
    else if (fd >= 0)
        close(fd);
}

static void on_timeout(HgTimer *timer)
{
    HgDial *dial = HG_CONTAINER_OF(timer, HgDial, timer);
    drop_fd(dial);
    g_strlcpy(dial->problem,
              dial->looking_up ? "the name look-up timed out" : "Connection timed out",
              sizeof dial->problem);
    finish(dial);
}

static void on_connected(uv_poll_t *poll, int status, int events)
{
    HgDial *dial = poll->data;
    int problem = 0;
    socklen_t size = sizeof problem;
    if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
        problem = errno;
    drop_poll(dial);
    if (problem == 0) {
        finish(dial);
        return;
    }
    g_strlcpy(dial->problem, g_strerror(problem), sizeof dial->problem);
    drop_fd(dial);
    try_next(dial);
}

/* Starts to connect to one address; FALSE when that failed at once. */
static gboolean connect_to(HgDial *dial, const HgAddress *address)
{
    gboolean connected = FALSE;
    dial->fd = hg_socket_connect(address, &connected);
    if (dial->fd < 0) {
        g_strlcpy(dial->problem, g_strerror(errno), sizeof dial->problem);
        return FALSE;
    }
    /* a socket that connected at once is writable at once: one way for both */
    uv_poll_t *poll = g_new0(uv_poll_t, 1);
    int rc = uv_poll_init(hg_loop_uv(dial->loop), poll, dial->fd);
    if (rc != 0) {
        g_strlcpy(dial->problem, uv_strerror(rc), sizeof dial->problem);
        g_free(poll);
        drop_fd(dial);
        return FALSE;
    }
    poll->data = dial;
    dial->poll = poll;
    uv_poll_start(poll, UV_WRITABLE, on_connected);
    return TRUE;
}

static void try_next(HgDial *dial)
{
    while (dial->next != NULL) {
        struct addrinfo *info = dial->next;
        dial->next = info->ai_next;
        HgAddress address = {.size = info->ai_addrlen};
        memcpy(&address.storage, info->ai_addr, MIN(info->ai_addrlen, sizeof address.storage));
        if (connect_to(dial, &address))
            return;
    }
    finish(dial);
}

static void on_found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    HgDial *dial = lookup->data;
    dial->looking_up = FALSE;
    dial->found = dial->next = found;
    if (dial->done == NULL) {
        free_dial(dial);
        return;
    }
    if (status != 0)
        g_snprintf(dial->problem, sizeof dial->problem, "name look-up failed: %s",
                   uv_strerror(status));
    try_next(dial);
}

static void on_fail_soon(HgTimer *timer)
{
    finish(HG_CONTAINER_OF(timer, HgDial, timer));
}

/* Fails on the next round of the loop, never inside hg_dial_start(). */
static void fail_soon(HgDial *dial)
{
    hg_timer_stop(dial->loop, &dial->timer);
    hg_timer_init(&dial->timer, on_fail_soon);
    hg_timer_start(dial->loop, &dial->timer, 0);
}

/* The address when `host` needs no look-up; FALSE when it does. A problem with it goes to `dial`.
 */
static gboolean literal_address(HgDial *dial, const char *host, const char *port, HgAddress *out)
{
    *out = (HgAddress){0};
    if (host[0] == '/') {
        struct sockaddr_un *un = (struct sockaddr_un *)(void *)&out->storage;
        un->sun_family = AF_UNIX;
        out->size = sizeof *un;
        if (g_strlcpy(un->sun_path, host, sizeof un->sun_path) >= sizeof un->sun_path)
            g_strlcpy(dial->problem, "the socket's path is too long", sizeof dial->problem);
        return TRUE;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0) /* never blocks with these flags */
        return FALSE;
    out->size = found->ai_addrlen;
    memcpy(&out->storage, found->ai_addr, MIN(found->ai_addrlen, sizeof out->storage));
    freeaddrinfo(found);
    return TRUE;
}

static void look_up(HgDial *dial, const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    dial->lookup.data = dial;
    int rc = uv_getaddrinfo(hg_loop_uv(dial->loop), &dial->lookup, on_found, host, port, &hints);
    if (rc != 0) {
        g_snprintf(dial->problem, sizeof dial->problem, "name look-up failed: %s", uv_strerror(rc));
        fail_soon(dial);
        return;
    }
    dial->looking_up = TRUE;
}

HgDial *hg_dial_start(HgLoop *loop, const char *host, const char *port, guint timeout,
                      HgDialDone done, void *owner)
{
    HgDial *dial = g_new0(HgDial, 1);
    dial->loop = loop;
    dial->done = done;
    dial->owner = owner;
    dial->fd = -1;
    hg_timer_init(&dial->timer, on_timeout);
    hg_timer_start(loop, &dial->timer, timeout);
    HgAddress address;
    if (!literal_address(dial, host, port, &address))
        look_up(dial, host, port);
    else if (dial->problem[0] != '\0' || !connect_to(dial, &address))
        fail_soon(dial);
    return dial;
}

void hg_dial_cancel(HgDial *dial)
{
    if (dial == NULL)
        return;
    dial->done = NULL;
    hg_timer_stop(dial->loop, &dial->timer);
    drop_fd(dial);
    if (dial->looking_up)
        uv_cancel((uv_req_t *)&dial->lookup); /* when it runs already, on_found() frees the dial */
    else
        free_dial(dial);
}
