/* Calls that hivegate makes for itself, beside those of hs2/answer: a session of its own, a
 * statement, its rows.
 *
 * Each appends one whole message (no SASL frame) to an HgBuffer. They return FALSE only when the
 * buffer can't grow. Pure; any thread. */
#pragma once

#include "base/buffer.h"
#include "hs2/handle.h"

/* OpenSession as `user`; `settings` holds names and values in turns, and ends with NULL. */
gboolean hg_call_open_session(HgBuffer *out, gint32 seqid, const char *user,
                              const char *const *settings) G_GNUC_WARN_UNUSED_RESULT;

/* ExecuteStatement, answered when it has run. */
gboolean hg_call_execute(HgBuffer *out, gint32 seqid, const HgHandle *session,
                         const char *statement) G_GNUC_WARN_UNUSED_RESULT;

/* FetchResults of up to `rows` rows. */
gboolean hg_call_fetch(HgBuffer *out, gint32 seqid, const HgHandle *operation,
                       gint32 operation_type, gint64 rows) G_GNUC_WARN_UNUSED_RESULT;
