/* One audit event, and its form as a line of JSON.
 *
 * An event is filled by whoever saw it happen: texts, lists and numbers are borrowed until it is
 * encoded. What isn't known stays empty (NULL, or -1 for numbers: start with hg_audit_event_init)
 * and isn't written. The JSON text is what the spool keeps, what the chain of hashes covers and
 * what PostgreSQL stores beside the columns made from it. Pure; any thread. */
#pragma once

#include "audit/stamp.h"
#include "base/buffer.h"

#define HG_AUDIT_TEXT_MAX  (4u << 20)  /* bytes of one text; a longer one is cut, and says so */
#define HG_AUDIT_EVENT_MAX (48u << 20) /* bytes of one event as JSON */

/* Numbers stand in spools: never change one. */
typedef enum {
    HG_AUDIT_LOGIN_ACCEPTED = 1,
    HG_AUDIT_LOGIN_REFUSED = 2,
    HG_AUDIT_SESSION_OPENED = 3,
    HG_AUDIT_SESSION_MOVED = 4,
    HG_AUDIT_SESSION_CLOSED = 5,
    HG_AUDIT_STATEMENT_SUBMITTED = 6, /* about to be forwarded */
    HG_AUDIT_STATEMENT_REFUSED = 7,   /* never forwarded */
    HG_AUDIT_STATEMENT_REWRITTEN = 8,
    HG_AUDIT_STATEMENT_FINISHED = 9,
    HG_AUDIT_STATEMENT_FAILED = 10,
    HG_AUDIT_STATEMENT_CANCELLED = 11,
    HG_AUDIT_STATEMENT_TIMED_OUT = 12,
    HG_AUDIT_STATEMENT_UNKNOWN = 13, /* hivegate ended before the statement did */
    HG_AUDIT_METADATA_CALL = 14,
    HG_AUDIT_ADMIN_ACTION = 15,
    HG_AUDIT_CONFIG_LOADED = 16,
    HG_AUDIT_GAP = 17, /* events were lost; `lost` says how many */
    HG_AUDIT_READ = 18,
    HG_AUDIT_SERVICE_STARTED = 19,
    HG_AUDIT_SERVICE_STOPPED = 20,
    HG_AUDIT_STATEMENT_FETCHED = 21, /* once a statement: the sums of its fetches */
    HG_AUDIT_ANCHOR = 22,            /* a signed statement on the chain: audit/anchor.h */
    HG_AUDIT_ARCHIVED = 23,          /* a day was archived */
    HG_AUDIT_DROPPED = 24,           /* a day was dropped */
    HG_AUDIT_HOLD = 25,              /* a legal hold was made or released */
    HG_AUDIT_SESSION_REFUSED = 26,
} HgAuditKind;

#define HG_AUDIT_KINDS 27 /* one more than the greatest */

/* What an event does to the set of statements that run. */
typedef enum {
    HG_AUDIT_NEITHER,
    HG_AUDIT_OPENS, /* the statement runs from now on */
    HG_AUDIT_ENDS,  /* it doesn't any more */
} HgAuditEffect;

typedef struct {
    HgAuditKind kind;
    HgAuditStamp stamp;
    HgAuditId statement_id; /* the id of the event with which the statement began; none otherwise */

    HgSlice principal; /* who logged in */
    HgSlice realm;
    HgSlice effective_user; /* as whom the statement runs */
    HgSlice client_address; /* the client's own, also behind a trusted proxy */
    HgSlice peer_address;   /* who connected, when that is another */
    HgSlice client_kind;
    HgSlice client_version;
    HgSlice listener;
    HgSlice pool;
    HgSlice endpoint;
    HgSlice session_id;
    HgSlice operation_id;
    HgSlice database;
    HgSlice statement;     /* as sent */
    HgSlice statement_run; /* as run, when that differs */
    HgSlice call;          /* the metadata call, or the admin's command */
    HgSlice policy_version;
    HgSlice decision;
    HgSlice reason;
    HgSlice sql_state;
    HgSlice message;
    HgSlice backend_query_id;
    HgSlice content_hash; /* of the configuration */
    HgSlice content;      /* its text */
    HgSlice detail;
    const char *const *groups; /* NULL-terminated; NULL: not known */
    const char *const *tables_read;
    const char *const *tables_written;
    const char *const *policies;
    gint64 rows_returned;
    gint64 bytes_returned;
    gint64 queue_us;
    gint64 run_us;
    gint64 fetch_us;
    gint64 lost; /* events, in a gap */
} HgAuditEvent;

/* An event of which nothing but the kind is known. */
void hg_audit_event_init(HgAuditEvent *event, HgAuditKind kind);

/* Appends the event as one JSON object without line breaks, at most HG_AUDIT_EVENT_MAX bytes. Texts
 * that are no UTF-8 come out with U+FFFD; of one longer than HG_AUDIT_TEXT_MAX the beginning is
 * kept and "<name>_size" has its size. FALSE when the buffer's budget refuses: `out` is as before
 * then. */
gboolean hg_audit_event_encode(const HgAuditEvent *event, HgBuffer *out) G_GNUC_WARN_UNUSED_RESULT;

/* The name of a kind as it stands in events ("statement_finished"); NULL for a number that is none,
 * as from a newer hivegate. */
const char *hg_audit_kind_name(guint kind);
gboolean hg_audit_kind_parse(const char *name, HgAuditKind *out);

/* See HgAuditEffect. */
HgAuditEffect hg_audit_kind_effect(guint kind);

/* TRUE for kinds with which something new begins, and which may be refused for want of room; the
 * others tell of what happened already. */
gboolean hg_audit_kind_admits(guint kind);
