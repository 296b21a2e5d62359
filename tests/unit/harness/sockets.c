/* Sockets for tests: see sockets.h. */
#include "harness/sockets.h"

#include "harness/loops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

int listen_on_loopback(int family, int backlog, HgAddress *address)
{
    ck_assert(hg_address_parse(family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0", address, NULL));
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address->storage, address->size), 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address->storage, &address->size), 0);
    return fd;
}

guint port_of(const HgAddress *address)
{
    if (address->storage.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)&address->storage)->sin6_port);
    return ntohs(((const struct sockaddr_in *)(const void *)&address->storage)->sin_port);
}

int connect_to(const HgAddress *address)
{
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address->storage, address->size), 0);
    int one = 1;
    if (address->storage.ss_family != AF_UNIX)
        ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
    return fd;
}

void make_pair(gboolean tcp, int *ours, int *theirs)
{
    int fds[2];
    if (tcp) {
        HgAddress address;
        int listener = listen_on_loopback(AF_INET, 1, &address);
        fds[0] = connect_to(&address);
        fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(fds[1], 0);
        close(listener);
    } else {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    }
    set_blocking(fds[0], FALSE);
    set_blocking(fds[1], FALSE);
    *ours = fds[0];
    *theirs = fds[1];
}

void set_blocking(int fd, gboolean blocking)
{
    int flags = fcntl(fd, F_GETFL);
    ck_assert_int_eq(fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK), 0);
}

void close_with_reset(int fd)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    close(fd);
}

static void wait_for(int fd, short events)
{
    struct pollfd ready = {.fd = fd, .events = events};
    if (poll(&ready, 1, PATIENCE_MS) == 0)
        ck_abort_msg("a socket of the test was never ready");
}

void write_all(int fd, HgSlice bytes)
{
    while (bytes.size > 0) {
        ssize_t n = write(fd, bytes.data, bytes.size);
        if (n < 0 && errno == EAGAIN) {
            wait_for(fd, POLLOUT);
            continue;
        }
        ck_assert_int_gt(n, 0);
        bytes = hg_slice(bytes.data + n, bytes.size - (gsize)n);
    }
}

gboolean read_exactly(int fd, guint8 *bytes, gsize size)
{
    while (size > 0) {
        wait_for(fd, POLLIN);
        ssize_t n = read(fd, bytes, size);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            return FALSE;
        bytes += n;
        size -= (gsize)n;
    }
    return TRUE;
}

gboolean read_available(int fd, GByteArray *out)
{
    guint8 bytes[65536];
    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, 0) == 0)
            return TRUE;
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            return FALSE;
        g_byte_array_append(out, bytes, (guint)n);
    }
}

gboolean is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

guint count_descriptors(void)
{
    guint count = 0;
    DIR *folder = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

char *make_socket_path(void)
{
    g_autofree char *folder = g_strdup("/tmp/hivegate-unit-XXXXXX");
    ck_assert_ptr_nonnull(g_mkdtemp(folder));
    return g_build_filename(folder, "socket", NULL);
}

void remove_socket_path(char *take_path)
{
    g_autofree char *folder = g_path_get_dirname(take_path);
    g_unlink(take_path);
    g_rmdir(folder);
    g_free(take_path);
}
