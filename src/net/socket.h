/* Sockets: listening, connecting, and the options that keep connections honest.
 *
 * Plain functions over descriptors; any thread. */
#pragma once

#include "base/address.h"

/* How dead peers are found (tcp(7)). */
typedef struct {
    guint keepalive_idle;     /* seconds of silence before the first probe; 0 = no keep-alive */
    guint keepalive_interval; /* seconds between probes */
    guint keepalive_count;    /* probes without an answer that end the connection */
    guint user_timeout;       /* seconds that sent data may stay unacknowledged; 0 = kernel's own */
} HgTcpOptions;

/* The address of a connected socket's peer; FALSE when it is gone already. */
gboolean hg_socket_peer(int fd, HgAddress *out);

/* Sets TCP_NODELAY, keep-alive and TCP_USER_TIMEOUT. Does nothing on a Unix socket. */
void hg_socket_set_options(int fd, const HgTcpOptions *options);

/* A non-blocking listening socket, or -1 with *error. An IPv6 address takes no IPv4 clients. A
 * stale Unix socket file (nobody listens behind it) is replaced; a live one is an error. `mode` is
 * the Unix socket's permission (0 = as umask says). */
int hg_socket_listen(const HgAddress *address, guint mode, GError **error);

/* A non-blocking socket that is connecting to the address (*done when it already is), or -1 with
 * errno. */
int hg_socket_connect(const HgAddress *address, gboolean *done);
