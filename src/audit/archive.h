/* Archiving days of events out of PostgreSQL, checking archives, and bringing a day back.
 *
 * A day is written as a file and a manifest (audit/archive_file), put into the store, got back from
 * there and checked from the first byte to the last, and only then noted in hivegate.archive, which
 * is what lets retention drop it. Blocks; one thread. */
#pragma once

#include "audit/archive_file.h"
#include "audit/archive_store.h"
#include "audit/verify.h"

/* Archives the day ("2026-11-21"), with files in the folder `work` on the way. *manifest (to be
 * cleared) says what was archived. */
gboolean hg_archive_day(HgDatabase *database, HgArchiveStore *store, const char *location,
                        const char *work, const char *day, HgArchiveManifest *manifest,
                        GError **error);

/* Checks all of the store: each file against its manifest, each record's link, and that no record
 * is missing between days; against the anchors, too, when the report has some. Files come into the
 * folder `work` on the way. */
gboolean hg_archive_verify(HgArchiveStore *store, const char *work, const HgVerifyReport *report,
                           GError **error);

/* Brings an archived day, checked, into a table of its own, hivegate.restored_YYYYMMDD, which must
 * not be there. *events says how many it has. */
gboolean hg_archive_restore(HgDatabase *database, HgArchiveStore *store, const char *work,
                            const char *day, guint64 *events, GError **error);
