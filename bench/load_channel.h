/* load_channel: a connection's socket, plain or with TLS; callers see no difference. The server's
 * certificate isn't checked: what the client spends must not stand in the gateway's way. No TLS
 * session is resumed. */
#ifndef BENCH_LOAD_CHANNEL_H
#define BENCH_LOAD_CHANNEL_H

#include <stdbool.h>
#include <sys/types.h>

#include "load.h"

typedef struct LoadTls LoadTls;

/* What all TLS connections share: TLS 1.3 with the one cipher suite that OpenSSL and Java prefer,
 * so that every server ends up with the same. Dies when OpenSSL can't do it. */
LoadTls *load_tls_new(void);
void load_tls_free(LoadTls *tls); /* NULL is fine */

typedef struct LoadChannel LoadChannel;

/* Starts connecting to `address` without blocking; `tls`, borrowed, may be NULL. NULL with errno
 * set when that can't be. */
LoadChannel *load_channel_new(const struct sockaddr_in *address, const LoadTls *tls);

/* Hangs up, after saying goodbye in TLS, and frees; NULL is fine. */
void load_channel_free(LoadChannel *channel);

/* The socket, for epoll. */
int load_channel_fd(const LoadChannel *channel);

/* Like send() and recv(): bytes moved; 0 at the end of input (recv); -1 with errno, EAGAIN until
 * the socket is ready again for anything. `*more` tells whether another recv could bring more
 * before the next event (edge-triggered). */
ssize_t load_channel_send(LoadChannel *channel, const void *data, size_t len);
ssize_t load_channel_recv(LoadChannel *channel, void *data, size_t room, bool *more);

#endif
