/* The address of a peer: where a connection or a request comes from, in 24 bytes.
 *
 * HgAddress binds and connects; this one is kept for each client, shown in logs and compared. An
 * IPv4 address inside of IPv6 (::ffff:192.0.2.1) is the IPv4 address, so that one peer has one
 * form. An open value; any thread. */
#pragma once

#include "base/address.h"
#include "base/slice.h"

typedef enum {
    HG_PEER_UNKNOWN, /* all zeros: nobody */
    HG_PEER_IPV4,
    HG_PEER_IPV6,
    HG_PEER_UNIX, /* over a Unix socket: there is no more to it */
} HgPeerFamily;

typedef struct {
    guint8 ip[16];  /* network order; of IPv4 the first four bytes, the others are 0 */
    guint32 zone;   /* of a link-local IPv6 address: the interface's number; else 0 */
    guint16 port;   /* 0: not known */
    guint8 family;  /* HgPeerFamily */
    guint8 padding; /* 0 */
} HgPeerAddress;

#define HG_PEER_ADDRESS_TEXT_MAX 72 /* bytes of the longest text, with its NUL */

/* The address of a socket's peer. */
HgPeerAddress hg_peer_address_from_socket(const HgAddress *address);

/* From bytes in network order, as headers carry them. */
HgPeerAddress hg_peer_address_from_ipv4(const guint8 ip[4], guint16 port);
HgPeerAddress hg_peer_address_from_ipv6(const guint8 ip[16], guint16 port);

/* Reads an address as proxies write it: 192.0.2.1, 192.0.2.1:443, 2001:db8::1, [2001:db8::1],
 * [2001:db8::1]:443. No names, no zones, no leading zeros. FALSE, with *out untouched, for anything
 * else. */
gboolean hg_peer_address_parse(HgSlice text, HgPeerAddress *out) G_GNUC_WARN_UNUSED_RESULT;

/* Writes it as people read it: 192.0.2.1:443, [2001:db8::1]:443, without the port (and brackets)
 * when that isn't known; `unix:`; nothing for nobody. */
void hg_peer_address_print(const HgPeerAddress *address, char out[HG_PEER_ADDRESS_TEXT_MAX]);

/* TRUE when both name the same host, whatever the port. Two peers over Unix sockets are the same;
 * nobody is like nobody. */
gboolean hg_peer_address_same_host(const HgPeerAddress *a, const HgPeerAddress *b);
