/* The service: from a configuration to a running gateway and back. */
#pragma once

#include "app/config.h"

/* Runs the gateway that the configuration describes until SIGTERM or SIGINT, with SIGHUP reading
 * the users file and the certificates again. Blocks these signals in the calling thread, which must
 * be the only one. FALSE with *error when it can't start; TRUE after an orderly end. Main thread.
 */
gboolean hg_service_run(const HgConfig *config, const char *version, HgLog *log, GError **error);
