/* The audit log of a running hivegate: spool, shipper and recorder, as the configuration has them.
 *
 * Main thread, but for the recorder itself. */
#pragma once

#include "app/config.h"
#include "base/log.h"
#include "proxy/recorder.h"

typedef struct HgAuditing HgAuditing;

/* Opens the spool, which takes in what a crash left, and starts the shipper. *out is NULL, with
 * TRUE, when the configuration has no audit. FALSE with *error when the spool can't be opened. The
 * configuration and the log are borrowed and outlive it. Blocks on the disk. */
gboolean hg_auditing_new(const HgConfig *config, const char *version, HgLog *log, HgAuditing **out,
                         GError **error);

/* The recorder; NULL for NULL. Borrowed. */
HgRecorder *hg_auditing_recorder(const HgAuditing *auditing);

/* Files were read again, by whom it was asked or NULL, with what came of it: NULL when all went
 * well. NULL as `auditing` is fine. */
void hg_auditing_note_reload(HgAuditing *auditing, const char *problem);

/* Says in the log what has changed since the last look: events that can't be shipped, a spool that
 * refuses, and that either is well again. NULL is fine. */
void hg_auditing_look(HgAuditing *auditing);

/* Writes what waits, gives the shipper a moment for it, and ends both. Nobody may record any more.
 * NULL is fine. */
void hg_auditing_free(HgAuditing *auditing);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgAuditing, hg_auditing_free)
