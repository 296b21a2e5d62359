/* From the configuration to the authenticator: the methods that its chains name, and the chains. */
#pragma once

#include "app/config.h"
#include "auth/authenticator.h"

/* Makes the authenticator that the configuration describes: chain 0 is `authentication: chain`, and
 * each listener with a chain of its own has the next number, in the order of the listeners. Blocks
 * on the disk. Main thread, before others start (libldap begins there). */
gboolean hg_authentication_new(const HgConfig *config, HgAuthenticator **out, GError **error);

/* Reads the key of cookies; *out is the caller's. *exposure, when it is wanted, says who else can
 * get at the file. Blocks on the disk; any thread. */
gboolean hg_authentication_read_cookie_key(const char *path, HgSecret **out,
                                           HgFileExposure *exposure, GError **error);
