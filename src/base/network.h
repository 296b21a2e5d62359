/* Networks: which peers something is for, as people write it: 10.0.0.0/8, 2001:db8::/32, ::1, unix.
 *
 * An IPv4 network holds IPv4 peers only, an IPv6 network IPv6 peers only; an IPv4 address inside of
 * IPv6 counts as the IPv4 address, in networks and in peers. Open values; any thread. */
#pragma once

#include "base/peer_address.h"

typedef struct {
    guint8 ip[16]; /* network order; of IPv4 the first four bytes */
    guint8 length; /* bits of it that count; 0 for Unix sockets */
    guint8 family; /* HgPeerFamily */
} HgNetwork;

/* A list of networks, borrowed. All zeros: nobody is in it. */
typedef struct {
    const HgNetwork *items;
    guint count;
} HgNetworks;

/* Reads ADDRESS or ADDRESS/LENGTH, or `unix` for all peers over Unix sockets. An address with bits
 * behind the length is refused: it was meant otherwise. The error says what was expected; *out is
 * untouched then. */
gboolean hg_network_parse(const char *text, HgNetwork *out, GError **error);

/* The network as hg_network_parse() reads it. Free with g_free. */
char *hg_network_format(const HgNetwork *network);

/* TRUE when the peer is in the network, or in one of them. Nobody (HG_PEER_UNKNOWN) never is. */
gboolean hg_network_has(const HgNetwork *network, const HgPeerAddress *peer);
gboolean hg_networks_have(HgNetworks networks, const HgPeerAddress *peer);
