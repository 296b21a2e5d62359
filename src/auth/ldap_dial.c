/* Connecting with a deadline: see ldap_dial.h. libldap isn't left to do it: it would give each
 * address the whole time, and look names up under a lock that all its users share. */
#include "auth/ldap_dial.h"

#include "base/error.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

int hg_ldap_milliseconds_until(gint64 deadline_us)
{
    gint64 left = deadline_us - g_get_monotonic_time();
    return left <= 0 ? 0 : (int)MIN((left + 999) / 1000, G_MAXINT);
}

/* Waits for the outcome; the errno of it, 0 when it is connected. */
static int wait_connected(int fd, gint64 deadline_us)
{
    struct pollfd watched = {.fd = fd, .events = POLLOUT};
    int outcome = 0;
    socklen_t size = sizeof outcome;
    int ready;
    do
        ready = poll(&watched, 1, hg_ldap_milliseconds_until(deadline_us));
    while (ready < 0 && errno == EINTR);
    if (ready < 0)
        return errno;
    if (ready == 0)
        return ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &outcome, &size) != 0 ? errno : outcome;
}

/* A socket connected to one address, or -1 with the reason in *errnum. */
static int dial_address(const struct addrinfo *address, gint64 deadline_us, int *errnum)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        *errnum = errno;
        return -1;
    }
    *errnum = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (*errnum == EINPROGRESS)
        *errnum = wait_connected(fd, deadline_us);
    if (*errnum != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return fd;
}

int hg_ldap_dial(const HgLdapServer *server, gint64 deadline_us, GError **error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    int wrong = getaddrinfo(server->host, server->port, &hints, &list);
    if (wrong != 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "the host's address isn't known: %s",
                    gai_strerror(wrong));
        return -1;
    }
    int fd = -1;
    int errnum = 0;
    guint left = 0;
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next)
        left++;
    for (const struct addrinfo *at = list; at != NULL && fd < 0; at = at->ai_next, left--) {
        /* a dead address mustn't use up the time of those behind it */
        gint64 now = g_get_monotonic_time();
        fd = dial_address(at, now + MAX(deadline_us - now, 0) / left, &errnum);
    }
    freeaddrinfo(list);
    if (fd < 0)
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "can't connect: %s", g_strerror(errnum));
    return fd;
}
