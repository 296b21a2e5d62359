/* Listening, connecting, socket options: see socket.h. Owns nothing; any thread. */
#include "net/socket.h"

#include "base/error.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096

gboolean hg_socket_peer(int fd, HgAddress *out)
{
    HgAddress peer = {.size = sizeof peer.storage};
    if (getpeername(fd, (struct sockaddr *)&peer.storage, &peer.size) != 0)
        return FALSE;
    *out = peer;
    return TRUE;
}

static void set_int(int fd, int level, int name, guint value)
{
    int number = (int)value;
    /* refused only for a socket that is gone already or isn't TCP: its next read will say so */
    (void)setsockopt(fd, level, name, &number, sizeof number);
}

void hg_socket_set_options(int fd, const HgTcpOptions *options)
{
    int one = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
        return;
    if (options->keepalive_idle > 0) {
        set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, options->keepalive_idle);
        set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, options->keepalive_interval);
        set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, options->keepalive_count);
    }
    if (options->user_timeout > 0)
        set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options->user_timeout * 1000);
}

/* Removes the file of a Unix socket that nobody listens on any more. */
static gboolean remove_stale(const HgAddress *address, GError **error)
{
    const char *path = hg_address_path(address);
    struct stat info;
    if (lstat(path, &info) != 0)
        return TRUE;
    if (!S_ISSOCK(info.st_mode)) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "can't listen on unix:%s: a file that is no socket has that name", path);
        return FALSE;
    }
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    gboolean alive = probe >= 0 &&
                     connect(probe, (const struct sockaddr *)&address->storage, address->size) == 0;
    if (probe >= 0)
        close(probe);
    if (alive) {
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE,
                    "can't listen on unix:%s: another process does already", path);
        return FALSE;
    }
    unlink(path);
    return TRUE;
}

int hg_socket_listen(const HgAddress *address, guint mode, GError **error)
{
    g_autofree char *text = hg_address_format(address);
    int family = address->storage.ss_family;
    if (family == AF_UNIX && !remove_stale(address, error))
        return -1;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        hg_error_set_errno(error, errno, "can't listen on %s", text);
        return -1;
    }
    if (family != AF_UNIX)
        set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (family == AF_INET6)
        set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (bind(fd, (const struct sockaddr *)&address->storage, address->size) != 0 ||
        listen(fd, BACKLOG) != 0) {
        hg_error_set_errno(error, errno, "can't listen on %s", text);
        close(fd);
        return -1;
    }
    if (family == AF_UNIX && mode != 0) {
        if (chmod(hg_address_path(address), (mode_t)mode) != 0) {
            hg_error_set_errno(error, errno, "can't set the mode of %s", text);
            close(fd);
            return -1;
        }
    }
    return fd;
}

int hg_socket_connect(const HgAddress *address, gboolean *done)
{
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    *done = connect(fd, (const struct sockaddr *)&address->storage, address->size) == 0;
    if (*done || errno == EINPROGRESS)
        return fd;
    int errnum = errno;
    close(fd);
    errno = errnum;
    return -1;
}
