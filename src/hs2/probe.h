/* The two calls with which hivegate asks an endpoint whether it works.
 *
 * Each appends one whole message (no SASL frame) to an HgBuffer. They return FALSE only when the
 * buffer can't grow. Pure; any thread. */
#pragma once

#include "base/buffer.h"
#include "hs2/handle.h"

/* OpenSession as `user`, without settings. */
gboolean hg_probe_open_session(HgBuffer *out, gint32 seqid,
                               const char *user) G_GNUC_WARN_UNUSED_RESULT;

/* GetInfo of the server's name (CLI_DBMS_NAME), which no server looks up anywhere. */
gboolean hg_probe_get_info(HgBuffer *out, gint32 seqid,
                           const HgHandle *session) G_GNUC_WARN_UNUSED_RESULT;
