/* Socket addresses as people write them: 127.0.0.1:10000, [::1]:10000, unix:/run/hivegate.sock.
 *
 * HgAddress is an open value that binds and connects as it is. Names are never looked up here (that
 * blocks): a listener names an address, an endpoint's host stays text for the resolver. Any thread.
 */
#pragma once

#include <glib.h>
#include <sys/socket.h>

typedef struct {
    struct sockaddr_storage storage; /* sockaddr_in, sockaddr_in6 or sockaddr_un */
    socklen_t size;                  /* bytes of `storage` that count */
} HgAddress;

/* Reads ADDRESS:PORT with an IPv4 address, [ADDRESS]:PORT with an IPv6 address (a zone such as
 * fe80::1%eth0 is allowed), or unix:PATH. Port 0 asks the kernel for a free one. A relative path is
 * kept as it is. The error says what was expected; *out is untouched then. */
gboolean hg_address_parse(const char *text, HgAddress *out, GError **error);

/* Makes the address of a Unix socket; fails when the path is empty or longer than the kernel takes
 * (107 bytes). */
gboolean hg_address_from_path(const char *path, HgAddress *out, GError **error);

/* The address as hg_address_parse() reads it. Free with g_free. */
char *hg_address_format(const HgAddress *address);

/* The path of a Unix socket, borrowed from the address; NULL for the other families. */
const char *hg_address_path(const HgAddress *address);

/* The port; 0 for a Unix socket. */
guint16 hg_address_port(const HgAddress *address);

/* TRUE when both name the same address and port, or the same path. */
gboolean hg_address_equal(const HgAddress *a, const HgAddress *b);

/* TRUE when binding both at once must fail: the same port other than 0 on equal addresses, or on
 * one that is the wildcard of their family; or the same path. IPv4 and IPv6 never meet: a listener
 * binds with IPV6_V6ONLY. */
gboolean hg_address_overlaps(const HgAddress *a, const HgAddress *b);

/* Splits HOST:PORT or [HOST]:PORT, where HOST is a DNS name or an address and PORT is 1 to 65535.
 * *host is the caller's (g_free), without brackets. Nothing is looked up. */
gboolean hg_address_split(const char *text, char **host, guint16 *port, GError **error);
