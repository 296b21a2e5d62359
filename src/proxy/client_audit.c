/* Recording what clients do: see client_audit.h. A letter from the spool owns itself, and names the
 * hold that it ends. */
#include "proxy/client_audit.h"

#include "hs2/reply_error.h"
#include "proxy/client_http.h"

/* ---- letters from the spool ---- */

typedef struct {
    HgSpoolReceipt receipt; /* begins with the task */
    ClientHoldName name;
    gboolean is_reply;
} Letter;

static void gone(HgTask *task)
{
    g_free(task);
}

static void on_written(HgTask *task)
{
    Letter *letter = (Letter *)(void *)task;
    HgClient *client = hg_client_find_held(&letter->name);
    gboolean refused = letter->receipt.outcome == HG_SPOOL_REFUSED;
    if (client != NULL && letter->is_reply) {
        hg_client_release_reply(client);
    } else if (client != NULL && refused) {
        g_clear_pointer(&client->record, hg_statement_record_forget);
        hg_client_refuse_held(client, "53100", HG_RECORDER_FULL_TEXT);
    } else if (client != NULL) {
        hg_client_release(client, NULL);
    }
    g_free(letter);
}

static Letter *letter_new(HgClient *client, gboolean is_reply)
{
    Letter *letter = g_new0(Letter, 1);
    letter->receipt.task.run = on_written;
    letter->receipt.loop = hg_worker_loop(client->worker);
    letter->receipt.gone = gone;
    letter->name = hg_client_name_hold(client);
    letter->is_reply = is_reply;
    return letter;
}

/* ---- the gate ---- */

static HgSlice statement_of(const ClientAsk *ask)
{
    return hg_slice(ask->message + ask->request->statement.offset, ask->request->statement.size);
}

static const char *kind_of(const HgClient *client)
{
    return client->http != NULL ? client->http->agent : NULL;
}

static HgSpoolOutcome submit(HgClient *client, const ClientAsk *ask, HgSpoolReceipt *receipt)
{
    HgSpoolOutcome outcome;
    HgStatementFacts facts = {.statement = statement_of(ask),
                              .sent = hg_slice_from_string(ask->sent),
                              .address = hg_client_address(client),
                              .via = hg_client_via(client),
                              .client_kind = kind_of(client),
                              .policy_version = ask->policy_version,
                              .decision = ask->decision,
                              .policies = ask->policies};
    client->record = hg_statement_record_new(hg_client_recorder(client), ask->session, &facts,
                                             receipt, &outcome);
    return outcome;
}

static void draft_call(HgClient *client, HgEventDraft *draft, HgSession *session,
                       const HgMethod *method)
{
    hg_event_draft_init(draft, HG_AUDIT_METADATA_CALL);
    hg_event_draft_set_session(draft, session);
    hg_event_draft_set_client(draft, hg_client_address(client), hg_client_via(client));
    draft->event.call = hg_slice_from_string(method->name);
}

static HgSpoolOutcome note_metadata(HgClient *client, const ClientAsk *ask, HgSpoolReceipt *receipt)
{
    g_auto(HgEventDraft) draft;
    draft_call(client, &draft, ask->session, ask->request->method);
    return hg_recorder_ask(hg_client_recorder(client), &draft.event, receipt);
}

ClientGate hg_client_audit_gate(HgClient *client, ClientAsk *ask)
{
    const HgMethod *method = ask->request->method;
    if (hg_client_recorder(client) == NULL || method->gives != HG_GIVES_OPERATION)
        return GATE_PASSES;
    Letter *letter = letter_new(client, FALSE);
    HgSpoolOutcome outcome = method->id == HG_METHOD_EXECUTE_STATEMENT
                                 ? submit(client, ask, &letter->receipt)
                                 : note_metadata(client, ask, &letter->receipt);
    if (outcome == HG_SPOOL_WAIT) {
        if (hg_client_hold(client, ask))
            return GATE_HOLDS;
        g_clear_pointer(&client->record, hg_statement_record_free);
        return GATE_REFUSES; /* the letter will find nobody */
    }
    g_free(letter);
    if (outcome != HG_SPOOL_REFUSED)
        return GATE_PASSES;
    hg_client_answer_error(client, method, ask->request->head.seqid, "53100",
                           HG_RECORDER_FULL_TEXT);
    return GATE_REFUSES;
}

void hg_client_audit_refusal(HgClient *client, HgSession *session, HgSlice sent,
                             const char *sql_state, const char *reason)
{
    HgRecorder *recorder = hg_client_recorder(client);
    if (recorder != NULL)
        hg_recorder_note_refusal(recorder, session,
                                 &(HgStatementFacts){.statement = sent,
                                                     .address = hg_client_address(client),
                                                     .via = hg_client_via(client),
                                                     .client_kind = kind_of(client)},
                                 sql_state, reason);
}

void hg_client_audit_call_refusal(HgClient *client, HgSession *session, const HgMethod *method,
                                  const char *sql_state, const char *reason)
{
    g_auto(HgEventDraft) draft;
    if (hg_client_recorder(client) == NULL)
        return;
    draft_call(client, &draft, session, method);
    draft.event.decision = hg_slice_from_string("refused");
    draft.event.sql_state = hg_slice_from_string(sql_state);
    draft.event.reason = hg_slice_from_string(reason);
    hg_recorder_note(hg_client_recorder(client), &draft.event);
}

void hg_client_audit_forwarded(HgClient *client)
{
    if (client->record != NULL)
        hg_statement_record_forwarded(client->record);
}

/* ---- answers ---- */

/* Asks for an end to be recorded; TRUE when somebody has to wait for it. */
static gboolean end(HgClient *client, HgStatementRecord *record, const HgStatementEnd *end)
{
    if (record == NULL || hg_statement_record_has_ended(record))
        return FALSE;
    Letter *letter = letter_new(client, TRUE);
    if (hg_statement_record_end(record, end, &letter->receipt) == HG_SPOOL_WAIT)
        return TRUE;
    g_free(letter);
    return FALSE;
}

static gboolean end_with_error(HgClient *client, HgStatementRecord *record,
                               const HgReplyPiece *piece, const HgHandle *operation)
{
    HgReplyError error =
        hg_reply_read_error(piece->head, client->call.method, hg_slice(piece->bytes, piece->size));
    return end(client, record,
               &(HgStatementEnd){.kind = HG_AUDIT_STATEMENT_FAILED,
                                 .sql_state = error.sql_state,
                                 .message = error.message,
                                 .operation = operation});
}

static gboolean is_error(const HgReplyHead *head)
{
    return head->exception || head->status_code == HG_STATUS_ERROR ||
           (head->status_code > HG_STATUS_SUCCESS_WITH_INFO && head->status_code != 2);
}

static gboolean on_executed(HgClient *client, const HgReplyPiece *piece, HgOperation *begun)
{
    if (begun == NULL) {
        gboolean waits = end_with_error(client, client->record, piece, NULL);
        g_clear_pointer(&client->record, hg_statement_record_free);
        return waits;
    }
    hg_operation_set_record(begun, g_steal_pointer(&client->record));
    if (!client->call.runs_at_once)
        return FALSE;
    return end(client, hg_operation_record(begun),
               &(HgStatementEnd){.kind = HG_AUDIT_STATEMENT_FINISHED,
                                 .operation = hg_operation_handle(begun)});
}

static gboolean on_status(HgClient *client, const HgReplyPiece *piece, HgOperation *operation)
{
    HgStatementEnd how = {.operation = hg_operation_handle(operation)};
    HgStatementRecord *record = hg_operation_record(operation);
    switch (piece->head->operation_state) {
    case HG_STATE_FINISHED:
        how.kind = HG_AUDIT_STATEMENT_FINISHED;
        break;
    case HG_STATE_CANCELED:
        how.kind = HG_AUDIT_STATEMENT_CANCELLED;
        break;
    case HG_STATE_TIMEDOUT:
        how.kind = HG_AUDIT_STATEMENT_TIMED_OUT;
        break;
    case HG_STATE_CLOSED:
        how.kind = HG_AUDIT_STATEMENT_UNKNOWN;
        how.reason = "the endpoint had closed it";
        break;
    case HG_STATE_ERROR:
        return end_with_error(client, record, piece, how.operation);
    default:
        return FALSE;
    }
    return end(client, record, &how);
}

static gboolean on_closed(HgClient *client, HgOperation *operation)
{
    HgStatementRecord *record = hg_operation_record(operation);
    HgStatementEnd how = {.kind = HG_AUDIT_STATEMENT_UNKNOWN,
                          .reason = "its client closed it before it asked for its end",
                          .operation = hg_operation_handle(operation)};
    if (record != NULL && hg_statement_record_was_cancelled(record)) {
        how.kind = HG_AUDIT_STATEMENT_CANCELLED;
        how.reason = NULL;
    }
    return end(client, record, &how);
}

static gboolean on_session_closed(HgClient *client)
{
    Letter *letter = letter_new(client, TRUE);
    HgSpoolOutcome outcome = hg_recorder_end_statements(
        client->call.lease->session, HG_AUDIT_STATEMENT_CANCELLED,
        "its client closed the session before it asked for its end", &letter->receipt);
    if (outcome == HG_SPOOL_WAIT)
        return TRUE;
    g_free(letter);
    return FALSE;
}

gboolean hg_client_audit_reply(HgClient *client, const HgReplyPiece *piece, HgOperation *begun)
{
    const ClientCall *call = &client->call;
    if (hg_client_recorder(client) == NULL)
        return FALSE;
    if (call->method->id == HG_METHOD_EXECUTE_STATEMENT)
        return client->record != NULL && on_executed(client, piece, begun);
    if (is_error(piece->head))
        return FALSE;
    if (call->method->id == HG_METHOD_CLOSE_SESSION)
        return on_session_closed(client);
    if (call->operation == NULL || hg_operation_record(call->operation) == NULL)
        return FALSE;
    HgStatementRecord *record = hg_operation_record(call->operation);
    switch (call->method->id) {
    case HG_METHOD_GET_OPERATION_STATUS:
        return on_status(client, piece, call->operation);
    case HG_METHOD_CLOSE_OPERATION:
        return on_closed(client, call->operation);
    case HG_METHOD_CANCEL_OPERATION:
        hg_statement_record_cancel_asked(record);
        return FALSE;
    case HG_METHOD_FETCH_RESULTS:
        if (!call->fetches_rows)
            return FALSE;
        hg_statement_record_add_fetch(record, piece->head->rows);
        return end(client, record,
                   &(HgStatementEnd){.kind = HG_AUDIT_STATEMENT_FINISHED,
                                     .operation = hg_operation_handle(call->operation)});
    default:
        return FALSE;
    }
}

void hg_client_audit_rows(HgClient *client, const HgReplyPiece *piece)
{
    const ClientCall *call = &client->call;
    HgStatementRecord *record =
        call->operation != NULL ? hg_operation_record(call->operation) : NULL;
    if (record == NULL)
        return;
    gint64 took = piece->last && call->began_us != 0 ? g_get_monotonic_time() - call->began_us : 0;
    hg_statement_record_add_bytes(record, piece->size, took);
}

/* ---- statements without an answer ---- */

static void end_without(HgClient *client, HgAuditKind kind, const char *reason)
{
    HgStatementRecord *record = g_steal_pointer(&client->record);
    if (record != NULL && hg_statement_record_was_forwarded(record))
        hg_statement_record_note_end(record, &(HgStatementEnd){.kind = kind, .reason = reason});
    else if (record != NULL)
        hg_statement_record_note_end(
            record, &(HgStatementEnd){.kind = HG_AUDIT_STATEMENT_REFUSED, .reason = reason});
    hg_statement_record_free(record);
}

void hg_client_audit_lost(HgClient *client, HgLoss loss, const char *detail)
{
    gboolean never_sent = loss == HG_LOSS_UNREACHABLE || loss == HG_LOSS_LOGIN;
    end_without(client, never_sent ? HG_AUDIT_STATEMENT_FAILED : HG_AUDIT_STATEMENT_UNKNOWN,
                detail);
}

void hg_client_audit_given_up(HgClient *client, HgAuditKind kind, const char *why)
{
    end_without(client, kind, why);
}

/* ---- logins and sessions ---- */

static void note_client(HgClient *client, HgEventDraft *draft)
{
    hg_event_draft_set_client(draft, hg_client_address(client), hg_client_via(client));
    draft->event.listener = hg_slice_from_string(client->listener->name);
    draft->event.client_kind = hg_slice_from_string(kind_of(client));
    hg_recorder_note(hg_client_recorder(client), &draft->event);
}

void hg_client_audit_login(HgClient *client, const HgPrincipal *principal)
{
    if (hg_client_recorder(client) == NULL)
        return;
    g_auto(HgEventDraft) draft;
    hg_event_draft_init(&draft, HG_AUDIT_LOGIN_ACCEPTED);
    hg_event_draft_set_principal(&draft, principal);
    note_client(client, &draft);
}

void hg_client_audit_login_refused(HgClient *client, const char *name, const char *why)
{
    if (hg_client_recorder(client) == NULL)
        return;
    g_auto(HgEventDraft) draft;
    hg_event_draft_init(&draft, HG_AUDIT_LOGIN_REFUSED);
    draft.event.principal = hg_slice_from_string(name);
    draft.event.reason = hg_slice_from_string(why);
    note_client(client, &draft);
}

void hg_client_audit_session(HgClient *client, HgSession *session)
{
    if (hg_client_recorder(client) == NULL)
        return;
    g_auto(HgEventDraft) draft;
    hg_event_draft_init(&draft, HG_AUDIT_SESSION_OPENED);
    hg_event_draft_set_session(&draft, session);
    note_client(client, &draft);
}

void hg_client_audit_session_refused(HgClient *client, const char *effective_user,
                                     const char *sql_state, const char *why)
{
    if (hg_client_recorder(client) == NULL)
        return;
    g_auto(HgEventDraft) draft;
    hg_event_draft_init(&draft, HG_AUDIT_SESSION_REFUSED);
    hg_event_draft_set_principal(&draft, client->identity.principal);
    draft.event.effective_user = hg_slice_from_string(effective_user);
    draft.event.sql_state = hg_slice_from_string(sql_state);
    draft.event.reason = hg_slice_from_string(why);
    note_client(client, &draft);
}
