/* The spool: where every event is before anything else happens to it.
 *
 * A folder of segments (audit/segment) that one process at a time writes. Any thread appends; a
 * thread of the spool's own writes all that waits with one call and makes it durable with one
 * fdatasync, then tells all that wait for it. Appending takes a short mutex and never waits for the
 * disk. What can't be taken (the bound on disk or in memory is reached, the disk fails) is refused
 * or lost as the options say; what is lost is counted and recorded as a `gap` event as soon as
 * there is room. */
#pragma once

#include "audit/pseudonym.h"
#include "audit/segment.h"
#include "net/loop.h"

typedef struct HgSpool HgSpool;

typedef enum {
    HG_SPOOL_EACH_STATEMENT, /* whoever waits is told when the event is on the disk */
    HG_SPOOL_INTERVAL,       /* nobody waits; the disk has it an interval later */
} HgSpoolDurability;

typedef enum {
    HG_SPOOL_REFUSE, /* at the bound nothing new may begin */
    HG_SPOOL_DROP,   /* at the bound work goes on, and events are lost and counted */
} HgSpoolWhenFull;

typedef struct {
    const char *folder; /* made with mode 0700 when it isn't there; its parent must be */
    guint64 limit;      /* bytes of all segments; the last eighth is kept for ends */
    gsize memory;       /* bytes that wait to be written; the last eighth is kept for ends */
    guint64 segment;    /* bytes after which another segment begins */
    gint64 segment_age_ms;
    gint64 interval_ms; /* between two fdatasyncs, with HG_SPOOL_INTERVAL */
    HgSpoolDurability durability;
    HgSpoolWhenFull when_full;
    HgAuditClock *clock;            /* borrowed; outlives the spool */
    const HgPseudonyms *pseudonyms; /* NULL: names as they are; borrowed as the clock */
} HgSpoolOptions;

/* What became of an event. */
typedef enum {
    HG_SPOOL_TAKEN,   /* as safe as the options ask for: go on */
    HG_SPOOL_WAIT,    /* the receipt comes later */
    HG_SPOOL_REFUSED, /* it isn't recorded: what it announces must not happen */
    HG_SPOOL_LOST,    /* it isn't recorded, but counted: go on */
    HG_SPOOL_LATE,    /* the disk fails: it waits in memory, go on (only as a receipt) */
} HgSpoolOutcome;

/* Asked for an outcome that takes a while; embed it in what waits, which lives until it comes.
 * `task.run` gets it with `outcome` set, exactly once: on the loop, or, without a loop, on the
 * spool's thread, where it may only hand on. When the loop is stopping, `gone` is called on the
 * spool's thread instead (NULL: nothing is). */
typedef struct {
    HgTask task;
    HgLoop *loop;
    void (*gone)(HgTask *task);
    HgSpoolOutcome outcome;
} HgSpoolReceipt;

/* What opening found; for the caller's log. */
typedef struct {
    guint64 torn_bytes; /* of a last record that wasn't whole: cut off */
    guint64 damaged;    /* places in the last segment where records can't be read */
    guint64 unknown;    /* statements without an end: recorded as statement_unknown */
    guint64 sequence;   /* of the first record to come */
} HgSpoolRecovery;

/* Opens the spool, or makes a new one, and starts its thread: takes the lock, reads the last
 * segment, cuts a torn end off, begins a segment and records a statement_unknown for each statement
 * that has no end. NULL with *error when another process has it, or the disk refuses. */
HgSpool *hg_spool_open(const HgSpoolOptions *options, HgSpoolRecovery *recovery, GError **error);

/* Writes what waits, if the disk lets it, and ends. Nobody may append any more. NULL is fine. */
void hg_spool_close(HgSpool *spool);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgSpool, hg_spool_close)

/* Appends an event, whose stamp is set. `receipt` NULL: nobody waits, and the answer is never WAIT.
 * Any thread; doesn't block. */
HgSpoolOutcome hg_spool_append(HgSpool *spool, const HgAuditEvent *event,
                               HgSpoolReceipt *receipt) G_GNUC_WARN_UNUSED_RESULT;

/* TRUE while nothing new would be taken (HG_SPOOL_REFUSED): the bound is reached, or the disk
 * fails. Any thread. */
gboolean hg_spool_refuses(HgSpool *spool);

/* The id of the spool, which names its chain wherever its records go. */
const HgAuditId *hg_spool_id(const HgSpool *spool);

/* The first sequence that isn't durable yet: readers may read all before it. */
guint64 hg_spool_durable(const HgSpool *spool);

/* Waits until `sequence` is durable, the time is over, or hg_spool_wake() is called or was since
 * the last wait. One thread waits. */
void hg_spool_wait(HgSpool *spool, guint64 sequence, gint64 timeout_ms);
void hg_spool_wake(HgSpool *spool);

/* Records before `sequence` are safe elsewhere: deletes the segments that hold no others, but never
 * the one that is being written. Any thread. */
gboolean hg_spool_release(HgSpool *spool, guint64 sequence, GError **error);

/* Records from `sequence` on are needed by another reader, too: released ones stay until it says
 * that it needs them no longer, or the segments have more than half of the limit. Any thread. */
gboolean hg_spool_need(HgSpool *spool, guint64 sequence, GError **error);

typedef struct {
    guint64 sequence;     /* of the next record */
    guint64 durable;      /* see hg_spool_durable() */
    guint64 disk_bytes;   /* of all segments */
    guint64 memory_bytes; /* waiting to be written */
    guint64 segments;
    guint64 running;  /* statements without an end */
    guint64 refused;  /* events, since the start */
    guint64 lost;     /* events, since the start */
    guint64 syncs;    /* calls of fdatasync */
    guint64 sync_us;  /* spent in them */
    gboolean failing; /* the last write failed */
} HgSpoolStatus;

/* How it stands. *error_text (may be NULL) gets a copy of the last error, or NULL. Any thread. */
void hg_spool_status(HgSpool *spool, HgSpoolStatus *out, char **error_text);
