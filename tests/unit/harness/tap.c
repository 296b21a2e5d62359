/* The tap on recv(), send() and sendmsg(): see tap.h. Any thread may come through it. */
#include "harness/tap.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/uio.h>

typedef struct {
    atomic_uint count;
    atomic_size_t cap;
    atomic_uint again_every;
    atomic_uint break_at; /* value of `count` */
    atomic_int errnum;
} Tap;

static Tap taps[TAP_CALLS];

/* Without headers: these are the linker's names. */
ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

void tap_reset(void)
{
    for (guint i = 0; i < TAP_CALLS; i++) {
        atomic_store(&taps[i].count, 0);
        atomic_store(&taps[i].cap, 0);
        atomic_store(&taps[i].again_every, 0);
        atomic_store(&taps[i].break_at, 0);
    }
}

void tap_cap(TapCall call, gsize bytes)
{
    atomic_store(&taps[call].cap, bytes);
}

void tap_again_every(TapCall call, guint n)
{
    atomic_store(&taps[call].again_every, n);
}

void tap_break_at(TapCall call, guint n, int errnum)
{
    atomic_store(&taps[call].errnum, errnum);
    atomic_store(&taps[call].break_at, n != 0 ? atomic_load(&taps[call].count) + n : 0);
}

guint tap_count(TapCall call)
{
    return atomic_load(&taps[call].count);
}

/* FALSE, with errno, when this call fails; else *size is what it may move. */
static gboolean pass(TapCall call, int fd, size_t *size)
{
    Tap *tap = &taps[call];
    guint count = atomic_fetch_add(&tap->count, 1) + 1;
    guint again_every = atomic_load(&tap->again_every);
    size_t cap = atomic_load(&tap->cap);
    if (count == atomic_load(&tap->break_at)) {
        shutdown(fd, SHUT_RDWR); /* as after a reset: no call on this socket moves anything more */
        errno = atomic_load(&tap->errnum);
        return FALSE;
    }
    if (again_every != 0 && count % again_every == 0) {
        errno = EAGAIN;
        return FALSE;
    }
    if (cap != 0 && *size > cap)
        *size = cap;
    return TRUE;
}

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    return pass(TAP_RECV, fd, &size) ? __real_recv(fd, bytes, size, flags) : -1;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
    return pass(TAP_SEND, fd, &size) ? __real_send(fd, bytes, size, flags) : -1;
}

/* Without control data, which the code under test doesn't send. */
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    enum { MOST = 16 };
    struct iovec runs[MOST];
    size_t size = 0;
    size_t count = message->msg_iovlen;
    g_assert(count <= MOST);
    for (size_t i = 0; i < count; i++)
        size += message->msg_iov[i].iov_len;
    if (!pass(TAP_SEND, fd, &size))
        return -1;
    for (size_t i = 0; i < count; i++) {
        runs[i] = message->msg_iov[i];
        runs[i].iov_len = MIN(runs[i].iov_len, size);
        size -= runs[i].iov_len;
    }
    return __real_sendmsg(fd, &(struct msghdr){.msg_iov = runs, .msg_iovlen = count}, flags);
}
