/* Preloaded into a server that can't be told where to listen: what would listen on every address
 * listens on 127.0.0.1. For tests: such a server lets anybody in. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

typedef int Bind(int fd, const struct sockaddr *address, socklen_t size);

static int bind_loopback(Bind *real, int fd, const struct sockaddr *address, socklen_t size)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET && size >= sizeof v4) {
        memcpy(&v4, address, sizeof v4);
        if (v4.sin_addr.s_addr == htonl(INADDR_ANY))
            v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return real(fd, (struct sockaddr *)&v4, sizeof v4);
    }
    if (address->sa_family == AF_INET6 && size >= sizeof v6) {
        memcpy(&v6, address, sizeof v6);
        if (IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr)) {
            v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
            v6.sin6_addr.s6_addr[12] = 127;
            v6.sin6_addr.s6_addr[15] = 1;
        }
        return real(fd, (struct sockaddr *)&v6, sizeof v6);
    }
    return real(fd, address, size);
}

/* In place of libc's. */
int bind(int fd, const struct sockaddr *address, socklen_t size)
{
    return bind_loopback((Bind *)dlsym(RTLD_NEXT, "bind"), fd, address, size);
}
