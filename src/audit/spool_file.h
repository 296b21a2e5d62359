/* The disk side of a spool: its folder, lock, segments, and which statements run.
 *
 * One thread writes (the spool's); only hg_spool_file_release() and hg_spool_file_sizes() may be
 * called from others. A failed write leaves nothing behind: what stood after the last good record
 * is cut off before anything is written again. */
#pragma once

#include "audit/spool.h"

typedef struct HgSpoolFile HgSpoolFile;

/* An event on its way to the disk. `bytes` has HG_RECORD_HEAD free bytes, then the payload. */
typedef struct HgSpoolEntry HgSpoolEntry;
struct HgSpoolEntry {
    HgSpoolEntry *next;
    HgSpoolReceipt *receipt; /* NULL: nobody waits */
    HgRecord record;         /* kind and ids; the others are filled when it is written */
    HgBuffer bytes;
};

/* Opens the folder and reads the last segment; begins another. *running is the statements without
 * an end: a new array of HgAuditId. `options` is borrowed for the file's life. */
HgSpoolFile *hg_spool_file_open(const HgSpoolOptions *options, HgSpoolRecovery *recovery,
                                GArray **running, GError **error);
void hg_spool_file_close(HgSpoolFile *file);

/* Writes the entries (linked by `next`, at least one) and with `sync` makes them durable. On
 * failure nothing of them counts as written. */
gboolean hg_spool_file_write(HgSpoolFile *file, HgSpoolEntry *entries, gboolean sync,
                             GError **error);

/* Makes durable what was written. */
gboolean hg_spool_file_sync(HgSpoolFile *file, GError **error);

/* The sequence of the next record, and of the first that isn't durable. */
guint64 hg_spool_file_next(const HgSpoolFile *file);
guint64 hg_spool_file_durable(const HgSpoolFile *file);

const HgAuditId *hg_spool_file_id(const HgSpoolFile *file);
guint hg_spool_file_running(const HgSpoolFile *file);

/* Calls of fdatasync so far and what they took. */
void hg_spool_file_syncs(const HgSpoolFile *file, guint64 *count, guint64 *us);

/* See hg_spool_release(). Any thread. */
gboolean hg_spool_file_release(HgSpoolFile *file, guint64 sequence, GError **error);

/* Bytes and number of all segments. Any thread. */
void hg_spool_file_sizes(HgSpoolFile *file, guint64 *bytes, guint64 *segments);
