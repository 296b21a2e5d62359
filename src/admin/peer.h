/* Who is at the other end of a connection of the admin server, as far as it can be told without
 * asking. Any thread. */
#pragma once

#include "base/peer_address.h"

#include <microhttpd.h>

/* The peer's address; unknown when it has left. Of a Unix socket, *uid is the user of the process
 * there, else -1. */
HgPeerAddress hg_admin_peer_address(struct MHD_Connection *connection, gint64 *uid);

/* The common name of the peer's certificate, when it showed one that holds for a client by the
 * door's authorities; else NULL. g_free. */
char *hg_admin_peer_certificate(struct MHD_Connection *connection);
