/* Checking the chain: is any record changed, missing or out of its place?
 *
 * In a spool, each record's checksum and link; in a database, each link, and that the columns of
 * each row say what its body says. What retention dropped is known (hivegate.dropped) and no fault.
 * That the newest records of all were cut off can be told from the database's own row for the spool
 * only: anchors kept elsewhere tell it for sure, but for what came after the last of them. Blocks;
 * one thread. */
#pragma once

#include "audit/anchor_check.h"
#include "audit/database.h"

typedef struct {
    HgAuditId spool;
    guint64 from; /* sequences concerned */
    guint64 to;
    const char *what; /* a literal */
} HgVerifyFault;

/* Called for each fault, and at the end of each spool. */
typedef struct {
    void (*on_fault)(void *data, const HgVerifyFault *fault);
    /* records that were read, sequence and hash of the last one */
    void (*on_spool)(void *data, const HgAuditId *spool, guint64 records, guint64 last,
                     const HgAuditHash *hash);
    void *data;
    HgAnchorCheck *anchors; /* held against the chain, too; borrowed; NULL: none */
} HgVerifyReport;

/* FALSE with *error when it can't be read at all; faults are no error. */
gboolean hg_verify_spool(const char *folder, const HgVerifyReport *report, GError **error);
gboolean hg_verify_database(HgDatabase *database, const HgVerifyReport *report, GError **error);
