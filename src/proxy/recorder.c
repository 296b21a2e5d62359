/* Events and the records of statements: see recorder.h. A recorder owns nothing that it is given; a
 * record holds a reference to its session. */
#include "proxy/recorder.h"

#include "proxy/touched.h"

#include <stdatomic.h>

struct HgRecorder {
    HgRecorderOptions options;
};

struct HgStatementRecord {
    HgRecorder *recorder;
    HgSession *session;
    HgAuditId id;
    HgPeerAddress address;
    HgPeerAddress via;
    gboolean hidden;     /* the statement isn't kept as it was: nor is what may repeat it */
    char *use;           /* the database that it makes the session's, once it has finished */
    gint64 asked_us;     /* by the monotonic clock */
    gint64 forwarded_us; /* 0: it wasn't */
    atomic_bool ended;
    atomic_bool cancel_asked;
    atomic_uint fetches;
    atomic_llong rows;
    atomic_llong bytes;
    atomic_llong fetch_us;
};

HgRecorder *hg_recorder_new(const HgRecorderOptions *options)
{
    HgRecorder *recorder = g_new0(HgRecorder, 1);
    recorder->options = *options;
    return recorder;
}

void hg_recorder_free(HgRecorder *recorder)
{
    g_free(recorder);
}

/* ---- drafts ---- */

void hg_event_draft_init(HgEventDraft *draft, HgAuditKind kind)
{
    hg_audit_event_init(&draft->event, kind);
    draft->database = NULL;
}

void hg_event_draft_clear(HgEventDraft *draft)
{
    g_clear_pointer(&draft->database, g_free);
}

void hg_event_draft_set_client(HgEventDraft *draft, const HgPeerAddress *address,
                               const HgPeerAddress *via)
{
    if (address->family != HG_PEER_UNKNOWN) {
        hg_peer_address_print(address, draft->address);
        draft->event.client_address = hg_slice_from_string(draft->address);
    }
    if (via != NULL && via->family != HG_PEER_UNKNOWN) {
        hg_peer_address_print(via, draft->via);
        draft->event.peer_address = hg_slice_from_string(draft->via);
    }
}

void hg_event_draft_set_principal(HgEventDraft *draft, const HgPrincipal *principal)
{
    draft->event.principal = hg_slice_from_string(hg_principal_name(principal));
    draft->event.realm = hg_slice_from_string(hg_principal_realm(principal));
    draft->event.groups = hg_principal_groups(principal);
}

void hg_event_draft_set_session(HgEventDraft *draft, HgSession *session)
{
    HgAuditEvent *event = &draft->event;
    const HgEndpoint *endpoint = hg_session_endpoint(session);
    hg_event_draft_set_principal(draft, hg_session_principal(session));
    hg_handle_text(hg_session_handle(session), draft->session_id);
    draft->database = hg_session_dup_database(session);
    event->session_id = hg_slice_from_string(draft->session_id);
    event->effective_user = hg_slice_from_string(hg_session_effective_user(session));
    event->listener = hg_slice_from_string(hg_session_origin(session)->listener);
    event->pool = hg_slice_from_string(hg_pool_name(hg_endpoint_pool(endpoint)));
    event->endpoint = hg_slice_from_string(hg_endpoint_name(endpoint));
    event->database = hg_slice_from_string(draft->database);
}

/* ---- recording ---- */

HgSpoolOutcome hg_recorder_ask(HgRecorder *recorder, HgAuditEvent *event, HgSpoolReceipt *receipt)
{
    hg_audit_clock_stamp(recorder->options.clock, &event->stamp);
    return hg_spool_append(recorder->options.spool, event, receipt);
}

void hg_recorder_note(HgRecorder *recorder, HgAuditEvent *event)
{
    if (recorder != NULL && hg_recorder_ask(recorder, event, NULL) == HG_SPOOL_WAIT)
        g_assert_not_reached();
}

gboolean hg_recorder_refuses(const HgRecorder *recorder)
{
    return recorder != NULL && hg_spool_refuses(recorder->options.spool);
}

/* ---- figures ---- */

static void sample_shipper(const HgRecorder *recorder, HgMetricsText *text, HgMetric metric)
{
    HgShipperStatus shipper;
    if (recorder->options.shipper == NULL)
        return;
    hg_shipper_status(recorder->options.shipper, &shipper, NULL);
    hg_metrics_sample(text, metric, NULL,
                      metric == HG_METRIC_AUDIT_LAG       ? (double)shipper.lag_ms / 1000
                      : metric == HG_METRIC_AUDIT_SHIPPED ? (double)shipper.events
                                                          : (double)shipper.failures);
}

static double spool_figure(const HgRecorder *recorder, HgMetric metric)
{
    HgSpoolStatus spool;
    hg_spool_status(recorder->options.spool, &spool, NULL);
    switch (metric) {
    case HG_METRIC_AUDIT_SPOOL_BYTES:
        return (double)spool.disk_bytes;
    case HG_METRIC_AUDIT_SPOOL_MAX_BYTES:
        return (double)recorder->options.limit;
    case HG_METRIC_AUDIT_MEMORY_BYTES:
        return (double)spool.memory_bytes;
    case HG_METRIC_AUDIT_RECORDED:
        return (double)spool.sequence - 1;
    case HG_METRIC_AUDIT_REFUSED:
        return (double)spool.refused;
    case HG_METRIC_AUDIT_LOST:
        return (double)spool.lost;
    case HG_METRIC_AUDIT_RUNNING:
        return (double)spool.running;
    case HG_METRIC_AUDIT_SYNCS:
        return (double)spool.syncs;
    case HG_METRIC_AUDIT_SYNC_SECONDS:
        return (double)spool.sync_us / G_USEC_PER_SEC;
    default:
        return hg_recorder_refuses(recorder);
    }
}

void hg_recorder_sample(const HgRecorder *recorder, HgMetricsText *text, HgMetric metric)
{
    if (recorder == NULL)
        return;
    if (metric == HG_METRIC_AUDIT_LAG || metric == HG_METRIC_AUDIT_SHIPPED ||
        metric == HG_METRIC_AUDIT_SHIP_FAILURES)
        sample_shipper(recorder, text, metric);
    else
        hg_metrics_sample(text, metric, NULL, spool_figure(recorder, metric));
}

/* ---- the beginning of a statement ---- */

/* The text that is kept: *hidden is its own memory when something was hidden. */
static HgSlice kept(const HgRecorder *recorder, HgSlice text, char **hidden)
{
    if (text.data != NULL && hg_sql_redact(recorder->options.redaction, text, hidden))
        return hg_slice_from_string(*hidden);
    return text;
}

/* Fills in the texts and the tables, and appends the event. */
static HgSpoolOutcome submit(HgStatementRecord *record, const HgStatementFacts *facts,
                             HgSpoolReceipt *receipt)
{
    g_auto(HgEventDraft) draft;
    g_auto(HgTouched) touched = {0};
    g_autofree char *hidden_run = NULL;
    g_autofree char *hidden_sent = NULL;
    hg_event_draft_init(&draft, HG_AUDIT_STATEMENT_SUBMITTED);
    HgAuditEvent *event = &draft.event;
    hg_event_draft_set_session(&draft, record->session);
    hg_event_draft_set_client(&draft, &record->address, &record->via);
    event->client_kind = hg_slice_from_string(facts->client_kind);
    event->policy_version = hg_slice_from_string(facts->policy_version);
    event->decision = hg_slice_from_string(facts->decision);
    event->policies = facts->policies;
    HgSlice run = kept(record->recorder, facts->statement, &hidden_run);
    event->statement = run;
    if (facts->sent.data != NULL) {
        event->statement = kept(record->recorder, facts->sent, &hidden_sent);
        event->statement_run = run;
    }
    record->hidden = hidden_run != NULL || hidden_sent != NULL;
    /* what a user asks for is what they wrote: a rewritten text may name other things */
    if (hg_touched_read(facts->sent.data != NULL ? facts->sent : facts->statement, draft.database,
                        &touched)) {
        event->tables_read = (const char *const *)touched.read->pdata;
        event->tables_written = (const char *const *)touched.written->pdata;
        record->use = g_steal_pointer(&touched.use);
    }
    hg_audit_clock_stamp(record->recorder->options.clock, &event->stamp);
    record->id = event->stamp.id;
    event->statement_id = record->id;
    return hg_spool_append(record->recorder->options.spool, event, receipt);
}

HgStatementRecord *hg_statement_record_new(HgRecorder *recorder, HgSession *session,
                                           const HgStatementFacts *facts, HgSpoolReceipt *receipt,
                                           HgSpoolOutcome *outcome)
{
    HgStatementRecord *record = g_new0(HgStatementRecord, 1);
    record->recorder = recorder;
    record->session = hg_session_ref(session);
    record->address = *facts->address;
    if (facts->via != NULL)
        record->via = *facts->via;
    record->asked_us = g_get_monotonic_time();
    *outcome = submit(record, facts, receipt);
    if (*outcome != HG_SPOOL_REFUSED)
        return record;
    hg_statement_record_forget(record);
    return NULL;
}

void hg_statement_record_forget(HgStatementRecord *record)
{
    atomic_store(&record->ended, TRUE);
    hg_statement_record_free(record);
}

void hg_statement_record_forwarded(HgStatementRecord *record)
{
    record->forwarded_us = g_get_monotonic_time();
}

/* ---- its end ---- */

static HgSpoolOutcome record_end(HgStatementRecord *record, const HgStatementEnd *end,
                                 HgSpoolReceipt *receipt)
{
    g_auto(HgEventDraft) draft;
    g_autofree char *message = NULL;
    hg_event_draft_init(&draft, end->kind);
    HgAuditEvent *event = &draft.event;
    hg_event_draft_set_session(&draft, record->session);
    hg_event_draft_set_client(&draft, &record->address, &record->via);
    event->groups = NULL; /* they stand in the statement's first event */
    event->statement_id = record->id;
    event->reason = hg_slice_from_string(end->reason);
    if (end->sql_state.size > 0)
        event->sql_state = end->sql_state;
    if (end->message.size > 0) {
        message = hg_sql_redact_message(record->recorder->options.redaction, end->message,
                                        record->hidden);
        event->message = hg_slice_from_string(message);
    }
    if (end->operation != NULL) {
        hg_handle_text(end->operation, draft.operation_id);
        event->operation_id = hg_slice_from_string(draft.operation_id);
    }
    if (record->forwarded_us != 0) {
        event->queue_us = record->forwarded_us - record->asked_us;
        event->run_us = g_get_monotonic_time() - record->forwarded_us;
    }
    return hg_recorder_ask(record->recorder, event, receipt);
}

HgSpoolOutcome hg_statement_record_end(HgStatementRecord *record, const HgStatementEnd *end,
                                       HgSpoolReceipt *receipt)
{
    if (atomic_exchange(&record->ended, TRUE))
        return HG_SPOOL_TAKEN;
    if (end->kind == HG_AUDIT_STATEMENT_FINISHED && record->use != NULL)
        hg_session_set_database(record->session, record->use);
    return record_end(record, end, receipt);
}

void hg_statement_record_note_end(HgStatementRecord *record, const HgStatementEnd *end)
{
    if (hg_statement_record_end(record, end, NULL) == HG_SPOOL_WAIT)
        g_assert_not_reached(); /* without a receipt */
}

gboolean hg_statement_record_was_forwarded(const HgStatementRecord *record)
{
    return record->forwarded_us != 0;
}

gboolean hg_statement_record_has_ended(const HgStatementRecord *record)
{
    return atomic_load_explicit(&record->ended, memory_order_relaxed);
}

void hg_statement_record_cancel_asked(HgStatementRecord *record)
{
    atomic_store(&record->cancel_asked, TRUE);
}

gboolean hg_statement_record_was_cancelled(const HgStatementRecord *record)
{
    return atomic_load(&record->cancel_asked);
}

/* What has to be said of a statement of which nobody has told the end. */
static void end_by_session(HgStatementRecord *record)
{
    HgStatementEnd end = {.kind = HG_AUDIT_STATEMENT_CANCELLED,
                          .reason = "its session was closed before its end was known"};
    g_autofree char *why = hg_session_lost_why(record->session);
    if (record->forwarded_us == 0)
        end = (HgStatementEnd){.kind = HG_AUDIT_STATEMENT_REFUSED,
                               .reason = "it was given up before it was sent to its endpoint"};
    else if (why != NULL)
        end = (HgStatementEnd){.kind = HG_AUDIT_STATEMENT_UNKNOWN, .reason = why};
    hg_statement_record_note_end(record, &end);
}

/* ---- fetches ---- */

void hg_statement_record_add_fetch(HgStatementRecord *record, gint64 rows)
{
    atomic_fetch_add_explicit(&record->fetches, 1, memory_order_relaxed);
    if (rows > 0)
        atomic_fetch_add_explicit(&record->rows, rows, memory_order_relaxed);
}

void hg_statement_record_add_bytes(HgStatementRecord *record, gsize bytes, gint64 us)
{
    atomic_fetch_add_explicit(&record->bytes, (gint64)bytes, memory_order_relaxed);
    if (us > 0)
        atomic_fetch_add_explicit(&record->fetch_us, us, memory_order_relaxed);
}

/* One event for all fetches of a statement. */
static void record_fetches(HgStatementRecord *record)
{
    g_auto(HgEventDraft) draft;
    hg_event_draft_init(&draft, HG_AUDIT_STATEMENT_FETCHED);
    hg_event_draft_set_session(&draft, record->session);
    hg_event_draft_set_client(&draft, &record->address, &record->via);
    draft.event.groups = NULL;
    draft.event.statement_id = record->id;
    draft.event.rows_returned = atomic_load(&record->rows);
    draft.event.bytes_returned = atomic_load(&record->bytes);
    draft.event.fetch_us = atomic_load(&record->fetch_us);
    hg_recorder_note(record->recorder, &draft.event);
}

void hg_statement_record_free(HgStatementRecord *record)
{
    if (record == NULL)
        return;
    if (!hg_statement_record_has_ended(record))
        end_by_session(record);
    if (atomic_load(&record->fetches) > 0)
        record_fetches(record);
    hg_session_unref(record->session);
    g_free(record->use);
    g_free(record);
}

HgSpoolOutcome hg_recorder_end_statements(HgSession *session, HgAuditKind kind, const char *reason,
                                          HgSpoolReceipt *receipt)
{
    HgOperation *last = NULL;
    g_autoptr(GPtrArray) operations = hg_session_operations(session);
    for (guint i = 0; i < operations->len; i++) {
        HgOperation *operation = g_ptr_array_index(operations, i);
        HgStatementRecord *record = hg_operation_record(operation);
        if (record == NULL || hg_statement_record_has_ended(record))
            continue;
        HgOperation *before = last;
        last = operation;
        if (before == NULL)
            continue;
        HgStatementEnd end = {
            .kind = kind, .reason = reason, .operation = hg_operation_handle(before)};
        hg_statement_record_note_end(hg_operation_record(before), &end);
    }
    if (last == NULL)
        return HG_SPOOL_TAKEN;
    HgStatementEnd end = {.kind = kind, .reason = reason, .operation = hg_operation_handle(last)};
    return hg_statement_record_end(hg_operation_record(last), &end, receipt);
}

void hg_recorder_note_ends(HgSession *session, HgAuditKind kind, const char *reason)
{
    if (hg_recorder_end_statements(session, kind, reason, NULL) == HG_SPOOL_WAIT)
        g_assert_not_reached();
}

/* ---- other events ---- */

void hg_recorder_note_refusal(HgRecorder *recorder, HgSession *session,
                              const HgStatementFacts *facts, const char *sql_state,
                              const char *reason)
{
    g_auto(HgEventDraft) draft;
    g_autofree char *hidden = NULL;
    hg_event_draft_init(&draft, HG_AUDIT_STATEMENT_REFUSED);
    hg_event_draft_set_session(&draft, session);
    hg_event_draft_set_client(&draft, facts->address,
                              facts->via != NULL ? facts->via : &(HgPeerAddress){.family = 0});
    draft.event.client_kind = hg_slice_from_string(facts->client_kind);
    draft.event.policy_version = hg_slice_from_string(facts->policy_version);
    draft.event.decision = hg_slice_from_string(facts->decision);
    draft.event.policies = facts->policies;
    draft.event.statement = kept(recorder, facts->statement, &hidden);
    draft.event.sql_state = hg_slice_from_string(sql_state);
    draft.event.reason = hg_slice_from_string(reason);
    hg_audit_clock_stamp(recorder->options.clock, &draft.event.stamp);
    draft.event.statement_id = draft.event.stamp.id;
    if (hg_spool_append(recorder->options.spool, &draft.event, NULL) == HG_SPOOL_WAIT)
        g_assert_not_reached();
}

void hg_recorder_note_session_over(HgRecorder *recorder, HgSession *session, const char *reason)
{
    if (recorder == NULL)
        return;
    g_auto(HgEventDraft) draft;
    hg_event_draft_init(&draft, HG_AUDIT_SESSION_CLOSED);
    hg_event_draft_set_session(&draft, session);
    draft.event.groups = NULL;
    draft.event.reason = hg_slice_from_string(reason);
    hg_recorder_note(recorder, &draft.event);
}
