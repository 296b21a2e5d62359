/* Holding a chain against its anchors, while audit/verify walks along it.
 *
 * Anchors come from files that were kept elsewhere and from the chain itself (events of the kind
 * `anchor`). Whoever can write the spool or the database can make a whole new chain, but neither
 * sign its anchors nor make it go through the hashes of those that were kept. One thread. */
#pragma once

#include "audit/anchor.h"

typedef struct HgAnchorCheck HgAnchorCheck;

/* `keys` is borrowed for its life. */
HgAnchorCheck *hg_anchor_check_new(const HgAnchorKeys *keys);
void hg_anchor_check_free(HgAnchorCheck *check);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgAnchorCheck, hg_anchor_check_free)

/* Adds the anchors of a file, a line each. FALSE with *error when it can't be read, holds no
 * anchor, or one that none of the keys signed. Blocks on the disk. */
gboolean hg_anchor_check_load(HgAnchorCheck *check, const char *path, GError **error);

/* Called for each fault: sequences concerned; `what` is a literal. */
typedef struct {
    void (*on_fault)(void *data, const HgAuditId *spool, guint64 from, guint64 to,
                     const char *what);
    void *data;
} HgAnchorReport;

/* A walk along the chain of one spool begins behind the record `sequence`, which has this hash; 0:
 * with the first record. `report` is borrowed until the end of the walk. */
void hg_anchor_check_begin(HgAnchorCheck *check, const HgAnchorReport *report,
                           const HgAuditId *spool, guint64 sequence, const HgAuditHash *hash);

/* The next record, as it stands there, with the hash that it claims: the link itself is checked by
 * the caller. */
void hg_anchor_check_record(HgAnchorCheck *check, guint64 sequence, const HgAuditHash *hash,
                            HgSlice payload);

/* A run of records that retention dropped, and the hash of its last one. */
void hg_anchor_check_dropped(HgAnchorCheck *check, guint64 first, guint64 last,
                             const HgAuditHash *hash);

/* The walk is over, and what comes behind it is elsewhere: of anchors on that nothing is said. */
void hg_anchor_check_leave(HgAnchorCheck *check);

/* The walk is over: what anchors stand for must have come. */
void hg_anchor_check_end(HgAnchorCheck *check);

/* After all walks over a database, which must know every spool that has anchors: reports the
 * others. */
void hg_anchor_check_unseen(HgAnchorCheck *check, const HgAnchorReport *report);

typedef struct {
    guint64 held;      /* anchors from files that the chain goes through */
    guint64 chain;     /* anchors in the chain itself that hold */
    guint64 elsewhere; /* anchors from files on records that were dropped or shipped: not checked */
    guint64 last;      /* greatest sequence of an anchor that held; 0: none did */
} HgAnchorCounts;

/* Of all walks since the last call. */
void hg_anchor_check_counts(HgAnchorCheck *check, HgAnchorCounts *out);
