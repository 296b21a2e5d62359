/* Segments: the files of a spool, named by the sequence of their first record.
 *
 *   offset  bytes
 *        0      8  "HGAUDIT1"
 *        8      4  CRC32C of what follows, up to the first record
 *       12      4  how many statements ran when the segment was begun
 *       16      8  sequence of the first record
 *       24     16  id of the spool
 *       40     32  hash of the record before the first
 *       72      8  wall clock in microseconds
 *       80     16  id of the machine's boot (which the monotonic clock counts from)
 *       96         their ids, 16 bytes each; then the records
 *
 * That a segment knows which statements ran when it began is what lets recovery do with the last
 * segment alone, however many older ones were shipped and deleted. Blocks on the disk; each reader
 * belongs to one thread. */
#pragma once

#include "audit/record.h"

#include <sys/types.h>

typedef struct {
    guint64 first;
    HgAuditId spool;
    HgAuditHash before;
    gint64 wall_us;
    HgAuditId boot;
    GArray *open; /* of HgAuditId */
} HgSegmentHead;

/* Frees what the head holds. */
void hg_segment_head_clear(HgSegmentHead *head);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgSegmentHead, hg_segment_head_clear)

#define HG_SEGMENT_NAME 32
/* The file's name, in the spool's folder. */
void hg_segment_name(guint64 first, char out[HG_SEGMENT_NAME]);

/* First sequences of the segments in the folder, in order: a new array of guint64. */
gboolean hg_segment_list(int folder, GArray **out, GError **error);

/* The head's bytes; free with g_byte_array_unref. */
GByteArray *hg_segment_head_write(const HgSegmentHead *head);

/* The id of the machine's boot; zeros when the kernel doesn't say. */
void hg_segment_boot_id(HgAuditId *out);

/* ---- reading ---- */

typedef struct HgSegmentReader HgSegmentReader;

typedef enum {
    HG_SEGMENT_RECORD,
    HG_SEGMENT_END,    /* the file ends here; more may be appended later */
    HG_SEGMENT_TORN,   /* what follows begins like a record, but the file ends inside it */
    HG_SEGMENT_BROKEN, /* what follows is no record, or not the one that belongs here */
    HG_SEGMENT_ERROR,  /* the disk can't be read: *error */
} HgSegmentStep;

/* Opens a segment and reads its head. NULL with *error; HG_ERROR_NOT_FOUND when it isn't there. */
HgSegmentReader *hg_segment_reader_open(int folder, guint64 first, GError **error);
void hg_segment_reader_free(HgSegmentReader *reader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgSegmentReader, hg_segment_reader_free)

/* The head; borrowed. */
const HgSegmentHead *hg_segment_reader_head(const HgSegmentReader *reader);

/* The next record, checked: checksum, sequence, chain. It stays valid until the next call. After
 * anything but RECORD the reader stands where it stood. */
HgSegmentStep hg_segment_reader_next(HgSegmentReader *reader, HgRecord *out, GError **error);

/* Goes on behind damage: the next call gives the next whole record with a sequence not below the
 * one expected, whose link to the one before is taken on trust. FALSE when there is none. */
gboolean hg_segment_reader_skip(HgSegmentReader *reader, GError **error);

/* Where the next record begins, in bytes; its sequence; and the hash of the record before it. */
off_t hg_segment_reader_offset(const HgSegmentReader *reader);
guint64 hg_segment_reader_sequence(const HgSegmentReader *reader);
const HgAuditHash *hg_segment_reader_hash(const HgSegmentReader *reader);
