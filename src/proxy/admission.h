/* Admission: whether a session may be opened, by how many there are already: in all, of its user,
 * and from its client's address. Counts are exact: whoever takes gives back, with the same two
 * names. */
#pragma once

#include "base/peer_address.h"
#include "proxy/gateway.h"

/* Counts a session in. FALSE with *error, whose text is for the user, when there are too many. Any
 * thread. */
gboolean hg_admission_take(HgGateway *gateway, const char *user, const HgPeerAddress *address,
                           GError **error);

/* Counts a session out that was counted in. Any thread. */
void hg_admission_give(HgGateway *gateway, const char *user, const HgPeerAddress *address);
