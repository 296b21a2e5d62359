/* Making anchors (audit/anchor.h) of a spool that is written.
 *
 * A thread of its own: at each interval in which records came, and at the end, it signs the last
 * durable record's hash, puts the anchor into the chain as an event, and writes it to a file, to a
 * URL, or both. The key's file is read each time, so that another key takes over without a restart.
 * What can't be delivered isn't kept: the next anchor stands for all records before it as well. */
#pragma once

#include "audit/spool.h"

typedef struct {
    HgSpool *spool;     /* borrowed; outlives the anchorer */
    const char *folder; /* of the spool */
    HgAuditClock *clock;
    const char *key_file;
    const char *file;    /* gets a line each; NULL: none */
    const char *url;     /* gets each by POST; http only on loopback; NULL: none */
    const char *ca_file; /* for the URL; NULL: the system's */
    gint64 interval_ms;
} HgAnchorerOptions;

typedef struct HgAnchorer HgAnchorer;

/* Checks key and URL, and starts the thread. Options are copied. */
HgAnchorer *hg_anchorer_new(const HgAnchorerOptions *options, GError **error);

/* Makes a last anchor and ends the thread; waits for the URL at most some seconds. NULL is fine. */
void hg_anchorer_free(HgAnchorer *anchorer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgAnchorer, hg_anchorer_free)

typedef struct {
    guint64 anchors;  /* made since the start */
    guint64 sequence; /* of the record that the last one stands for; 0: none was made */
    guint64 failures; /* anchors that couldn't be made, or not be delivered everywhere */
} HgAnchorerStatus;

/* How it stands. *error_text (may be NULL) gets a copy of the last error, NULL while all is well.
 * Any thread. */
void hg_anchorer_status(HgAnchorer *anchorer, HgAnchorerStatus *out, char **error_text);
