/* Reading a spool's records across its segments, while another thread or process may write it.
 *
 * One thread at a time; blocks on the disk. Every record is checked (audit/segment); what can't be
 * read is reported as a hole and skipped. */
#pragma once

#include "audit/segment.h"

typedef struct HgSpoolReader HgSpoolReader;

typedef enum {
    HG_SPOOL_READ_RECORD,
    HG_SPOOL_READ_HOLE,    /* records are missing or changed: see hg_spool_reader_hole() */
    HG_SPOOL_READ_NOTHING, /* there are no more for now */
    HG_SPOOL_READ_ERROR,   /* the disk can't be read: *error */
} HgSpoolRead;

/* What a hole is. */
typedef struct {
    guint64 from;     /* the sequence that was expected */
    guint64 to;       /* the one that comes next */
    const char *what; /* a literal */
} HgSpoolHole;

/* A reader of the spool in the folder. NULL when it can't be opened or isn't one. */
HgSpoolReader *hg_spool_reader_new(const char *folder, GError **error);
void hg_spool_reader_free(HgSpoolReader *reader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgSpoolReader, hg_spool_reader_free)

/* The id of the spool. */
const HgAuditId *hg_spool_reader_id(const HgSpoolReader *reader);

/* Goes to the record `sequence`, or to the first one behind it that is there; 0: to the first. */
gboolean hg_spool_reader_seek(HgSpoolReader *reader, guint64 sequence, GError **error);

/* The next record before `end` (G_MAXUINT64: up to the end of what is whole). Its payload is valid
 * until the next call. */
HgSpoolRead hg_spool_reader_next(HgSpoolReader *reader, guint64 end, HgRecord *out, GError **error);

/* What was found, after HOLE. The next call goes on behind it. */
const HgSpoolHole *hg_spool_reader_hole(const HgSpoolReader *reader);

/* The sequence of the next record, and the hash of the one before it. */
guint64 hg_spool_reader_sequence(const HgSpoolReader *reader);
const HgAuditHash *hg_spool_reader_hash(const HgSpoolReader *reader);

/* The first sequence that is there. */
gboolean hg_spool_reader_first(const HgSpoolReader *reader, guint64 *out, GError **error);
