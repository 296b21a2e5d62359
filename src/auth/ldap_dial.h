/* A TCP connection to a directory server before a deadline. Any thread that may block. */
#pragma once

#include "auth/ldap_server.h"

/* A connected, non-blocking socket; -1 and an error (HG_ERROR_UNAVAILABLE) when no address of the
 * host answers before `deadline_us` (monotonic). Looking the name up takes as long as the system's
 * resolver likes (resolv.conf: timeout, attempts); everything else keeps to the deadline. */
int hg_ldap_dial(const HgLdapServer *server, gint64 deadline_us, GError **error);

/* Milliseconds until then, rounded up, for poll(); 0 when it is over. */
int hg_ldap_milliseconds_until(gint64 deadline_us);
