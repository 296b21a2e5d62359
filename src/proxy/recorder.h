/* What the gateway puts on record: events from any thread on their way into the spool.
 *
 * A recorder joins what src/audit needs with what the gateway knows. Each statement that is
 * submitted has a record of its own, which goes from its client to its operation and sees to it
 * that the statement comes to exactly one end. Nothing here blocks. */
#pragma once

#include "audit/shipper.h"
#include "base/metrics.h"
#include "proxy/session.h"
#include "sql/redact.h"

typedef struct HgRecorder HgRecorder;
typedef struct HgStatementRecord HgStatementRecord;

typedef struct {
    HgSpool *spool;
    HgAuditClock *clock;
    HgShipper *shipper; /* NULL: events stay in the spool */
    const HgSqlRedaction *redaction;
    guint64 limit; /* of the spool, for figures */
} HgRecorderOptions;

/* Everything is borrowed and outlives the recorder. */
HgRecorder *hg_recorder_new(const HgRecorderOptions *options);
void hg_recorder_free(HgRecorder *recorder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgRecorder, hg_recorder_free)

/* An event being filled, with the texts that it borrows. Not to be copied. */
typedef struct {
    HgAuditEvent event;
    char address[HG_PEER_ADDRESS_TEXT_MAX];
    char via[HG_PEER_ADDRESS_TEXT_MAX];
    char session_id[HG_HANDLE_TEXT_SIZE];
    char operation_id[HG_HANDLE_TEXT_SIZE];
    char *database;
} HgEventDraft;

/* Begins with nothing but the kind; clear gives back what it took. */
void hg_event_draft_init(HgEventDraft *draft, HgAuditKind kind);
void hg_event_draft_clear(HgEventDraft *draft);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgEventDraft, hg_event_draft_clear)

/* Puts in where a client is (`via` NULL: no proxy), who it is, and the session with its user,
 * endpoint and database. All of it is borrowed until the event is recorded. */
void hg_event_draft_set_client(HgEventDraft *draft, const HgPeerAddress *address,
                               const HgPeerAddress *via);
void hg_event_draft_set_principal(HgEventDraft *draft, const HgPrincipal *principal);
void hg_event_draft_set_session(HgEventDraft *draft, HgSession *session);

/* Stamps the event and appends it; nobody waits. Any thread. `recorder` NULL: nothing happens. */
void hg_recorder_note(HgRecorder *recorder, HgAuditEvent *event);

/* The same with a receipt, as hg_spool_append() has it. */
HgSpoolOutcome hg_recorder_ask(HgRecorder *recorder, HgAuditEvent *event,
                               HgSpoolReceipt *receipt) G_GNUC_WARN_UNUSED_RESULT;

/* TRUE while nothing new may begin: the spool is full, or its disk fails, and that is to refuse.
 * NULL is fine. */
gboolean hg_recorder_refuses(const HgRecorder *recorder);
#define HG_RECORDER_FULL_TEXT                                                                      \
    "hivegate: the audit log takes no more events (audit: limit, or its disk), so nothing new "    \
    "may "                                                                                         \
    "begin; try again later, and tell an administrator."

/* Writes a sample of one of HG_METRIC_AUDIT_*; nothing when `recorder` is NULL. */
void hg_recorder_sample(const HgRecorder *recorder, HgMetricsText *text, HgMetric metric);

/* ---- statements ---- */

/* What is known of a statement when it is submitted; borrowed during the call. */
typedef struct {
    HgSlice statement; /* as it will run */
    HgSlice sent;      /* as the client sent it, when that differs; else without data */
    const HgPeerAddress *address;
    const HgPeerAddress *via;   /* NULL: as `address` */
    const char *client_kind;    /* NULL: not known */
    const char *policy_version; /* these three: as in ClientAsk */
    const char *decision;
    const char *const *policies;
} HgStatementFacts;

/* Records that a statement is submitted, if the spool takes it: see *outcome, as with
 * hg_spool_append(). With HG_SPOOL_REFUSED it is NULL. */
HgStatementRecord *hg_statement_record_new(HgRecorder *recorder, HgSession *session,
                                           const HgStatementFacts *facts, HgSpoolReceipt *receipt,
                                           HgSpoolOutcome *outcome);

/* The submission was refused after all: it has no end, as it never began. */
void hg_statement_record_forget(HgStatementRecord *record);

/* Frees it. A statement that has come to no end comes to one here, by what became of its session.
 * NULL is fine. */
void hg_statement_record_free(HgStatementRecord *record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgStatementRecord, hg_statement_record_free)

/* It is on its way to its endpoint. */
void hg_statement_record_forwarded(HgStatementRecord *record);

/* How a statement ends. Texts may be NULL or empty; borrowed during the call. */
typedef struct {
    HgAuditKind kind;
    const char *reason;
    HgSlice sql_state;
    HgSlice message;
    const HgHandle *operation; /* its handle; NULL: it has none */
} HgStatementEnd;

gboolean hg_statement_record_was_forwarded(const HgStatementRecord *record);

/* Records the end, if it is the first: TAKEN without any event when it isn't. Otherwise as
 * hg_spool_append(). Any thread. note_end(): nobody waits. */
HgSpoolOutcome hg_statement_record_end(HgStatementRecord *record, const HgStatementEnd *end,
                                       HgSpoolReceipt *receipt) G_GNUC_WARN_UNUSED_RESULT;
void hg_statement_record_note_end(HgStatementRecord *record, const HgStatementEnd *end);
gboolean hg_statement_record_has_ended(const HgStatementRecord *record);

/* Its client has asked for it to be cancelled, successfully. */
void hg_statement_record_cancel_asked(HgStatementRecord *record);
gboolean hg_statement_record_was_cancelled(const HgStatementRecord *record);

/* A fetch has begun with so many rows (-1: not known), and has brought so many bytes. */
void hg_statement_record_add_fetch(HgStatementRecord *record, gint64 rows);
void hg_statement_record_add_bytes(HgStatementRecord *record, gsize bytes, gint64 us);

/* A statement that is refused in front of all that. */
void hg_recorder_note_refusal(HgRecorder *recorder, HgSession *session,
                              const HgStatementFacts *facts, const char *sql_state,
                              const char *reason);

/* A session is over, for that reason; nothing, when `recorder` is NULL. */
void hg_recorder_note_session_over(HgRecorder *recorder, HgSession *session, const char *reason);

/* Ends all statements of a session that haven't, with that kind and reason, without a receipt but
 * on the last of them: as with hg_spool_append(). Any thread. */
HgSpoolOutcome hg_recorder_end_statements(HgSession *session, HgAuditKind kind, const char *reason,
                                          HgSpoolReceipt *receipt) G_GNUC_WARN_UNUSED_RESULT;
void hg_recorder_note_ends(HgSession *session, HgAuditKind kind, const char *reason);
