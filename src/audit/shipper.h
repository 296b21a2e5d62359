/* The shipper: takes a spool's durable records into PostgreSQL, each once as seen in the table.
 *
 * A thread of its own. How far it came is a row of hivegate.spool that changes in the transaction
 * that adds the events, so a batch arrives whole, and after a lost connection the database itself
 * says what arrived. Rows go by COPY straight into hivegate.event; when one of them is there
 * already (a database and a spool from different backups), the batch goes through a staging table
 * and ON CONFLICT DO NOTHING instead. What was shipped is deleted from the spool. Whatever
 * PostgreSQL refuses stays in the spool and is tried again, later and later, up to `retry_most_ms`.
 */
#pragma once

#include "audit/database.h"
#include "audit/spool.h"

typedef struct {
    HgSpool *spool;     /* borrowed; outlives the shipper */
    const char *folder; /* of the spool */
    const char *conninfo;
    const char *password_file; /* NULL: none */
    gsize batch_bytes;         /* of one transaction, about */
    guint batch_rows;
    gint64 linger_ms;     /* between two transactions when there is little to ship */
    gint64 timeout_ms;    /* see HgDatabaseOptions */
    gint64 retry_most_ms; /* between two tries */
} HgShipperOptions;

typedef struct HgShipper HgShipper;

/* Starts the thread; that PostgreSQL is away is no error. Options are copied. */
HgShipper *hg_shipper_new(const HgShipperOptions *options, GError **error);

/* Ends the thread at once, whatever PostgreSQL does. NULL is fine. */
void hg_shipper_free(HgShipper *shipper);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgShipper, hg_shipper_free)

typedef struct {
    gboolean connected;
    guint64 next;       /* sequence of the next record to ship; 0: not known yet */
    guint64 events;     /* shipped since the start */
    guint64 bytes;      /* of rows, since the start */
    guint64 batches;    /* transactions, since the start */
    guint64 duplicates; /* rows that were there already */
    guint64 holes;      /* places where the spool can't be read, or that aren't there any more */
    guint64 failures;   /* tries that failed, since the start */
    gint64 lag_ms; /* age of the oldest event that isn't shipped, or, while that isn't known, the
                    * time since all was; 0: all is */
} HgShipperStatus;

/* How it stands. *error_text (may be NULL) gets a copy of the last error, NULL while all is well.
 * Any thread. */
void hg_shipper_status(HgShipper *shipper, HgShipperStatus *out, char **error_text);
