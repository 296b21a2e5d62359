/* From the configuration to the authenticator: the methods that its chains name, and the chains. */
#pragma once

#include "app/config.h"
#include "auth/authenticator.h"

/* Makes the authenticator that the configuration describes: chain 0 is `authentication: chain`, and
 * each listener with a chain of its own has the next number, in the order of the listeners. Blocks
 * on the disk. Main thread, before others start (libldap begins there). */
gboolean hg_authentication_new(const HgConfig *config, HgAuthenticator **out, GError **error);
