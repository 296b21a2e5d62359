/* Sockets for tests: pairs, listeners on loopback, and the peer's side of a connection. Failures
 * end the test. All reading and writing here goes past the tap. */
#pragma once

#include "base/address.h"
#include "base/slice.h"

/* A listening socket on 127.0.0.1 (or ::1), blocking, and its address. */
int listen_on_loopback(int family, int backlog, HgAddress *address);

/* The port of an address. */
guint port_of(const HgAddress *address);

/* A connected, blocking socket to the address. */
int connect_to(const HgAddress *address);

/* Two connected, non-blocking sockets: a Unix pair, or TCP over loopback. */
void make_pair(gboolean tcp, int *ours, int *theirs);

void set_blocking(int fd, gboolean blocking);

/* Closes so that the peer gets a reset (TCP). */
void close_with_reset(int fd);

/* Writes all of it; the socket may be of either kind. */
void write_all(int fd, HgSlice bytes);

/* Reads just `size` bytes, waiting for them; FALSE when the connection ends before. */
gboolean read_exactly(int fd, guint8 *bytes, gsize size);

/* Reads what is there now onto the end of `out`, without waiting. FALSE at the end of the
 * connection (or a reset). */
gboolean read_available(int fd, GByteArray *out);

/* TRUE when the descriptor is open in this process. */
gboolean is_open(int fd);

/* How many descriptors this process has. */
guint count_descriptors(void);

/* A path for a Unix socket in a folder of its own, and the way to get rid of both. */
char *make_socket_path(void);
void remove_socket_path(char *take_path);
