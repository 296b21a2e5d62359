/* Preloaded into hivegate: a connection to a pod's address, 10.1.x.y, goes to 127.1.x.y, where the
 * test has a server in the pod's place. The rest of the machine isn't touched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

typedef int Connect(int fd, const struct sockaddr *address, socklen_t size);

/* In place of libc's. */
int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    Connect *real = (Connect *)dlsym(RTLD_NEXT, "connect");
    struct sockaddr_in v4;

    if (address->sa_family != AF_INET || size < sizeof v4)
        return real(fd, address, size);
    memcpy(&v4, address, sizeof v4);
    if ((ntohl(v4.sin_addr.s_addr) & 0xffff0000) == 0x0a010000) /* 10.1.0.0/16 */
        v4.sin_addr.s_addr = htonl((ntohl(v4.sin_addr.s_addr) & 0xffff) | 0x7f010000);
    return real(fd, (struct sockaddr *)&v4, sizeof v4);
}
