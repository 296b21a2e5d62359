/* From the configuration to the running admin server. Main thread. */
#pragma once

#include "admin/admin.h"
#include "app/config.h"

/* Opens what `admin` in the configuration names, and starts the server in *out: NULL when it is
 * disabled, or only the default socket was to be opened and can't be, which the log tells. The rest
 * of `options` is the caller's. FALSE with *error when something that was asked for can't be. */
gboolean hg_administration_new(const HgConfig *config, HgAdminOptions *options, HgAdmin **out,
                               GError **error);

/* Removes the files of its Unix sockets. */
void hg_administration_clean(const HgConfig *config);
