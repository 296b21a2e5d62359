/* Files of archived events: JSON lines, compressed with gzip.
 *
 * A line is {"spool":ID,"sequence":N,"hash":HEX,"event":EVENT}, with the event's text as it was
 * written, so that the chain can be checked. Lines are in the order of spool and sequence. Beside
 * each file stands a manifest, one JSON object: what the file is, its SHA-256, and the runs of
 * records in it, each "SPOOL FIRST LAST BEFORE HASH" with the hash before the first record and that
 * of the last. Blocks on the disk; one thread. */
#pragma once

#include "audit/record.h"

#define HG_ARCHIVE_DAY 11 /* "2026-11-21" with the NUL */

typedef struct {
    HgAuditId spool;
    guint64 first;
    guint64 last;
    HgAuditHash before;
    HgAuditHash hash;
} HgArchiveRun;

typedef struct {
    char day[HG_ARCHIVE_DAY];
    char sha256[65]; /* of the compressed file */
    guint64 size;    /* of it, in bytes */
    guint64 events;
    GArray *runs; /* of HgArchiveRun */
} HgArchiveManifest;

void hg_archive_manifest_init(HgArchiveManifest *manifest, const char *day);
void hg_archive_manifest_clear(HgArchiveManifest *manifest);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgArchiveManifest, hg_archive_manifest_clear)

/* Its text, and back. FALSE when it is none: *out is untouched then. Pure. */
char *hg_archive_manifest_print(const HgArchiveManifest *manifest);
gboolean hg_archive_manifest_parse(HgSlice text, HgArchiveManifest *out);

/* The names of a day's file and manifest. Free with g_free. */
char *hg_archive_file_name(const char *day);
char *hg_archive_manifest_name(const char *day);

/* "2026-11-21"; NULL is none. Pure. */
gboolean hg_archive_is_day(const char *text);

/* SHA-256 and size of a file. */
gboolean hg_archive_hash_file(const char *path, char sha256[65], guint64 *size, GError **error);

/* ---- writing ---- */

typedef struct HgArchiveWriter HgArchiveWriter;

HgArchiveWriter *hg_archive_writer_new(const char *path, GError **error);

/* Adds a line, without its line end. */
gboolean hg_archive_writer_add(HgArchiveWriter *writer, HgSlice line, GError **error);

/* Ends the file. The writer is freed either way. */
gboolean hg_archive_writer_finish(HgArchiveWriter *writer, GError **error);

/* ---- reading ---- */

/* A line, taken apart; borrowed from it. */
typedef struct {
    HgAuditId spool;
    guint64 sequence;
    HgAuditHash hash;
    HgSlice event;
} HgArchiveLine;

/* FALSE when it is none. Pure. */
gboolean hg_archive_line_parse(HgSlice line, HgArchiveLine *out);

/* Calls `on_line` for each line of the file; it returns FALSE, with *error, to stop. A file that
 * isn't whole, or holds anything but such lines, is an error. */
typedef gboolean (*HgArchiveOnLine)(void *data, const HgArchiveLine *line, GError **error);
gboolean hg_archive_read(const char *path, HgArchiveOnLine on_line, void *data, GError **error);
