/* Policies on a client's calls: see client_policy.h. What follows from a ruling waits in
 * client->policy until the reply is there. */
#include "proxy/client_policy.h"

#include "hs2/answer.h"
#include "hs2/detail.h"
#include "hs2/execute.h"
#include "proxy/clean_error.h"
#include "proxy/client_audit.h"
#include "proxy/schema_fetch.h"

#include <string.h>

#define MOST_ROUNDS 16 /* of looking tables up for one statement */
#define REFUSED     "42000"

static HgPolicies *policies_of(HgClient *client)
{
    return hg_client_options(client)->policies;
}

void hg_client_policy_clear(HgClient *client)
{
    ClientPolicy *policy = &client->policy;
    if (policy->moving != NULL) /* it isn't known what became of the USE */
        hg_session_policy_end_move(hg_session_policy(policy->moving), FALSE);
    if (policy->unanswered) /* nor what became of tables */
        hg_schema_cache_forget(hg_policies_schemas(policies_of(client)));
    hg_session_unref(policy->moving);
    hg_policy_version_unref(policy->version);
    g_clear_pointer(&policy->tables, g_ptr_array_unref);
    g_strfreev(policy->names);
    g_free(policy->catalog);
    g_free(policy->database);
    g_free(policy->sql_state);
    g_free(policy->message);
    *policy = (ClientPolicy){0};
}

static ClientGate refuse_as(HgClient *client, const ClientAsk *ask, const char *sql_state,
                            const char *text)
{
    hg_client_policy_clear(client);
    hg_client_answer_error(client, ask->request->method, ask->request->head.seqid, sql_state, text);
    return GATE_REFUSES;
}

static ClientGate refuse(HgClient *client, const ClientAsk *ask, const char *text)
{
    return refuse_as(client, ask, REFUSED, text);
}

/* The statement as the client sent it. */
static HgSlice sent_of(const ClientAsk *ask)
{
    return ask->sent != NULL ? hg_slice_from_string(ask->sent)
                             : hg_slice(ask->message + ask->request->statement.offset,
                                        ask->request->statement.size);
}

/* Refuses a statement on which there is no ruling, and puts that on record. */
static ClientGate refuse_unruled(HgClient *client, const ClientAsk *ask, const char *sql_state,
                                 const char *text)
{
    hg_client_audit_refusal(client, ask->session, sent_of(ask), sql_state, text);
    return refuse_as(client, ask, sql_state, text);
}

static void count(HgClient *client, HgPolicyDecision decision)
{
    hg_metrics_add(client->metrics, HG_METRIC_POLICY_DECISIONS, decision, 1);
}

/* ---- looking tables up ---- */

typedef struct {
    HgSchemaWaiter waiter;
    ClientHoldName hold;
    HgSession *session; /* of the statement */
} Waiter;

static void waiter_free(Waiter *waiter)
{
    hg_session_unref(waiter->session);
    g_free(waiter);
}

static void on_told(HgSchemaWaiter *base, const char *why)
{
    Waiter *waiter = (Waiter *)(void *)base;
    HgClient *client = hg_client_find_held(&waiter->hold);
    if (client != NULL && why == NULL) {
        hg_client_ask_again(client);
    } else if (client != NULL) {
        static const char text[] =
            "hivegate: the tables of this statement can't be looked up at the moment, so policies "
            "can't be applied to it; try again.";
        hg_client_policy_clear(client);
        hg_client_audit_refusal(client, waiter->session, hg_client_held_statement(client), "08S01",
                                text);
        hg_client_refuse_held(client, "08S01", text);
    }
    waiter_free(waiter);
}

/* Holds the request until what the ruling misses is known. */
static ClientGate look_up(HgClient *client, const ClientAsk *ask, const HgRuling *ruling)
{
    if (client->policy.rounds++ >= MOST_ROUNDS)
        return refuse_unruled(client, ask, REFUSED,
                              "hivegate: the tables of this statement change all the time, so "
                              "policies can't be applied to it; try again.");
    if (ruling->missing != NULL && ruling->missing->len > HG_POLICY_MAX_MISSING)
        return refuse_unruled(client, ask, REFUSED,
                              "hivegate: the statement names too many tables at once.");
    Waiter *waiter = g_new0(Waiter, 1);
    waiter->waiter.told = on_told;
    waiter->hold = hg_client_name_hold(client);
    waiter->session = hg_session_ref(ask->session);
    if (!hg_client_hold(client, ask)) {
        hg_client_audit_refusal(client, ask->session, sent_of(ask), "53200", HG_AT_CEILING);
        waiter_free(waiter);
        hg_client_policy_clear(client);
        return GATE_REFUSES;
    }
    hg_schema_fetch(hg_worker_schema_fetches(client->worker), hg_session_endpoint(ask->session),
                    ruling->missing, ruling->asks_engine, &waiter->waiter);
    return GATE_HOLDS;
}

/* ---- statements ---- */

static ClientGate refuse_statement(HgClient *client, const ClientAsk *ask, const HgRuling *ruling)
{
    g_autofree char *text = g_strdup_printf("hivegate: %s", ruling->reason);
    const char *sql_state = ruling->sql_state != NULL ? ruling->sql_state : REFUSED;
    count(client, HG_POLICY_REFUSED);
    hg_client_audit_refusal(client, ask->session, sent_of(ask), sql_state, ruling->reason);
    hg_log_limited(hg_client_log(client),
                   hg_gateway_request_limit(hg_worker_gateway(client->worker)), HG_LOG_INFO,
                   "statement_refused", HG_CLIENT_ADDRESS_FIELDS(client),
                   hg_log_text("user", hg_session_effective_user(ask->session)),
                   hg_log_text("why", ruling->detail != NULL ? ruling->detail : ruling->reason));
    return refuse_as(client, ask, sql_state, text);
}

static gboolean is_rewritten(const HgRuling *ruling)
{
    return ruling->kind == HG_RULING_REWRITE && !ruling->same;
}

/* Keeps in mind what follows when the statement has run. */
static void note_ruling(HgClient *client, ClientAsk *ask, HgRuling *ruling,
                        HgPolicyVersion *version)
{
    HgSession *session = ask->session;
    ClientPolicy *policy = &client->policy;
    hg_client_policy_clear(client);
    policy->version = hg_policy_version_ref(version);
    policy->guarded = ruling->covered;
    policy->changes_tables = policy->unanswered = ruling->changes_tables;
    policy->tables = g_steal_pointer(&ruling->tables);
    if (ruling->moves) {
        policy->moving = hg_session_ref(session);
        hg_session_policy_begin_move(hg_session_policy(session));
    }
    policy->catalog = g_steal_pointer(&ruling->catalog);
    policy->database = g_steal_pointer(&ruling->database);
    policy->names = ruling->policies != NULL ? g_strsplit(ruling->policies, ",", -1) : NULL;
    ask->policy_version = hg_policy_set_version(hg_policy_version_set(policy->version));
    ask->decision = is_rewritten(ruling) ? "rewritten" : "unchanged";
    ask->policies = (const char *const *)policy->names;
}

/* Puts the new text into the request. A USE is waited for: what names mean depends on whether it
 * succeeded. */
static gboolean edit(HgClient *client, ClientAsk *ask, const HgRuling *ruling)
{
    HgExecuteEdit changes = {.strip = ruling->covered, .wait = ruling->moves};
    HgBuffer message;
    if (!ruling->covered && !ruling->moves)
        return TRUE;
    if (ruling->kind == HG_RULING_REWRITE)
        changes.statement = hg_slice_from_string(ruling->sql);
    hg_buffer_init(&message, hg_gateway_budget(hg_worker_gateway(client->worker)));
    if (hg_execute_rewrite(ask->request, ask->message, &changes, &message) &&
        hg_client_ask_replace(ask, &message))
        return TRUE;
    hg_buffer_clear(&message);
    return FALSE;
}

static ClientGate judge_statement(HgClient *client, ClientAsk *ask)
{
    HgPolicies *policies = policies_of(client);
    g_autoptr(HgPolicyVersion) version = hg_policies_current(policies);
    g_autofree char *place = hg_schema_place(hg_session_endpoint(ask->session));
    g_autoptr(HgPicture) picture = hg_schema_cache_picture(hg_policies_schemas(policies), place);
    const HgRequest *request = ask->request;
    HgSlice text = hg_slice(ask->message + request->statement.offset, request->statement.size);
    g_auto(HgRuling) ruling = {0};
    hg_session_policy_rule(hg_session_policy(ask->session), version, picture, text, &ruling);
    switch (ruling.kind) {
    case HG_RULING_LOOK_UP:
        return look_up(client, ask, &ruling);
    case HG_RULING_REFUSE:
        return refuse_statement(client, ask, &ruling);
    case HG_RULING_PASSES:
    case HG_RULING_REWRITE:
        break;
    }
    if (!edit(client, ask, &ruling))
        return refuse_unruled(client, ask, "53200", "hivegate: " HG_AT_CEILING "; try again.");
    count(client, is_rewritten(&ruling) ? HG_POLICY_REWRITTEN : HG_POLICY_UNCHANGED);
    note_ruling(client, ask, &ruling, version);
    return GATE_PASSES;
}

/* ---- other calls ---- */

/* Calls that tell nothing of what is in databases. */
static gboolean tells_nothing(HgMethodId method)
{
    switch (method) {
    case HG_METHOD_CLOSE_SESSION:
    case HG_METHOD_GET_INFO:
    case HG_METHOD_GET_TYPE_INFO:
    case HG_METHOD_GET_CATALOGS:
    case HG_METHOD_GET_TABLE_TYPES:
    case HG_METHOD_CANCEL_OPERATION:
    case HG_METHOD_CLOSE_OPERATION:
    case HG_METHOD_SET_CLIENT_INFO:
        return TRUE;
    default:
        return FALSE;
    }
}

/* TRUE when the answer to a metadata call holds nothing that is hidden from the user. Databases
 * are not hidden. */
static gboolean may_be_told(HgMethodId method, const HgPolicySight *sight)
{
    switch (method) {
    case HG_METHOD_GET_SCHEMAS:
        return TRUE;
    case HG_METHOD_GET_TABLES:
        return !sight->misses_tables;
    case HG_METHOD_GET_COLUMNS:
        return !sight->misses_columns;
    default:
        return tells_nothing(method);
    }
}

static ClientGate judge_session_call(HgClient *client, const ClientAsk *ask)
{
    g_autoptr(HgPolicyVersion) version = hg_policies_current(policies_of(client));
    HgPolicySight sight = hg_session_policy_sight(hg_session_policy(ask->session), version);
    hg_client_policy_clear(client);
    if (sight.limited && !may_be_told(ask->request->method->id, &sight)) {
        g_autofree char *text =
            g_strdup_printf("hivegate: %s isn't answered where policies hide some of it from you.",
                            ask->request->method->name);
        count(client, HG_POLICY_REFUSED);
        if (ask->request->method->gives == HG_GIVES_OPERATION)
            hg_client_audit_call_refusal(client, ask->session, ask->request->method, REFUSED, text);
        return refuse(client, ask, text);
    }
    client->policy.version = g_steal_pointer(&version);
    client->policy.guarded = sight.limited;
    return GATE_PASSES;
}

/* An operation goes on under the policies that it was let through by; when others have come into
 * force, and they limit its user, it tells nothing any more. */
static gboolean is_outdated(HgClient *client, const ClientAsk *ask)
{
    HgPolicies *policies = policies_of(client);
    const HgPolicyVersion *version = hg_operation_policy(ask->operation)->version;
    if (tells_nothing(ask->request->method->id) || hg_policies_is_current(policies, version))
        return FALSE;
    g_autoptr(HgPolicyVersion) current = hg_policies_current(policies);
    return hg_session_policy_limits(hg_session_policy(ask->session), current);
}

static ClientGate answer_log(HgClient *client, const ClientAsk *ask)
{
    HgBuffer answer;
    hg_buffer_init(&answer, NULL);
    hg_client_policy_clear(client);
    hg_client_count_call(client, ask->request->method, HG_CALL_SUCCESS);
    if (hg_answer_no_texts(&answer, ask->request->head.seqid))
        hg_client_answer(client, &answer);
    hg_buffer_clear(&answer);
    return GATE_REFUSES;
}

static ClientGate judge_operation_call(HgClient *client, const ClientAsk *ask)
{
    const HgOperationPolicy *policy = hg_operation_policy(ask->operation);
    const HgRequest *request = ask->request;
    hg_client_policy_clear(client);
    if (is_outdated(client, ask))
        return refuse(client, ask,
                      "hivegate: policies that limit what you see have changed since this "
                      "statement was begun; run it again.");
    client->policy.guarded = policy->guarded;
    client->policy.changes_tables = policy->changes_tables;
    client->policy.tables = policy->tables != NULL ? g_ptr_array_ref(policy->tables) : NULL;
    if (!policy->guarded)
        return GATE_PASSES;
    if (request->method->id == HG_METHOD_FETCH_RESULTS && request->fetch_type != 0)
        return answer_log(client, ask);
    if (request->method->id == HG_METHOD_GET_QUERY_ID)
        return refuse(client, ask,
                      "hivegate: GetQueryId isn't answered where policies limit what you see.");
    return GATE_PASSES;
}

ClientGate hg_client_policy_gate(HgClient *client, ClientAsk *ask)
{
    if (policies_of(client) == NULL)
        return GATE_PASSES;
    if (client->hold == NULL) /* else it was held here, and comes again */
        hg_client_policy_clear(client);
    if (ask->operation != NULL)
        return judge_operation_call(client, ask);
    if (ask->request->method->id == HG_METHOD_EXECUTE_STATEMENT)
        return judge_statement(client, ask);
    return judge_session_call(client, ask);
}

/* ---- replies ---- */

void hg_client_policy_adopt(HgClient *client, HgOperation *operation)
{
    const ClientPolicy *policy = &client->policy;
    /* what has run when it is answered changes nothing later */
    gboolean changes = policy->changes_tables && !client->call.runs_at_once;
    if (policy->version != NULL)
        hg_operation_set_policy(operation, &(HgOperationPolicy){policy->version, policy->guarded,
                                                                changes, policy->tables});
}

/* TRUE for a reply that may say what is hidden. */
static gboolean is_talkative(const HgReplyHead *head)
{
    return head->exception ||
           (head->status_code > HG_STATUS_SUCCESS &&
            head->status_code != HG_STATUS_STILL_EXECUTING) ||
           (head->operation_state >= HG_STATE_CANCELED &&
            head->operation_state != HG_STATE_PENDING);
}

static const char *statement_of(const HgClient *client)
{
    const ClientCall *call = &client->call;
    return call->operation != NULL ? hg_operation_statement(call->operation) : call->statement;
}

/* Letters and digits only; else none. */
static const char *clean_state(const char *sql_state)
{
    for (const char *at = sql_state; at != NULL && *at != '\0'; at++)
        if (!g_ascii_isalnum(*at) || at - sql_state >= 5)
            return NULL;
    return sql_state;
}

static gboolean write_answer(const HgClient *client, HgBuffer *out, const char *text)
{
    const ClientPolicy *policy = &client->policy;
    const ClientCall *call = &client->call;
    const char *sql_state = clean_state(policy->sql_state);
    if (policy->exception)
        return hg_answer_exception(out, hg_slice_from_string(call->method->name), call->seqid,
                                   HG_EXCEPTION_INTERNAL_ERROR, text);
    if (call->method->id == HG_METHOD_GET_OPERATION_STATUS && policy->operation_state >= 0)
        return hg_answer_operation_failed(out, call->seqid, policy->operation_state, sql_state,
                                          text);
    return hg_answer_error(out, call->method, call->seqid, sql_state, text);
}

/* The text for the user; the log has the rest. */
static char *report(HgClient *client)
{
    const ClientPolicy *policy = &client->policy;
    HgLog *log = hg_client_log(client);
    HgHandle random;
    hg_handle_random(&random);
    g_autofree char *reference = g_strdup_printf("%02x%02x%02x%02x", random.guid[0], random.guid[1],
                                                 random.guid[2], random.guid[3]);
    hg_log(log, HG_LOG_INFO, "statement_failed", HG_CLIENT_ADDRESS_FIELDS(client),
           hg_log_text("user", hg_client_user(client)), hg_log_text("reference", reference),
           hg_log_text("sql_state", policy->sql_state));
    hg_log(log, HG_LOG_DEBUG, "statement_failed_with", hg_log_text("reference", reference),
           hg_log_text("message", policy->message));
    return hg_clean_error_text(policy->message, statement_of(client), reference);
}

static gboolean has_failed(const HgReplyHead *head)
{
    return head->exception || head->status_code == HG_STATUS_ERROR;
}

static gboolean is_final(gint32 operation_state)
{
    return (operation_state >= HG_STATE_FINISHED && operation_state <= HG_STATE_ERROR) ||
           operation_state == HG_STATE_TIMEDOUT;
}

/* TRUE when what the statement did to tables is to be noticed now: as its beginning is answered,
 * and once when its client is told that it has ended. Clients may ask for the state as often as
 * they like. */
static gboolean is_news(const HgClient *client, const HgReplyHead *head)
{
    const ClientCall *call = &client->call;
    if (call->operation == NULL)
        return TRUE;
    if (call->method->id == HG_METHOD_CANCEL_OPERATION)
        return hg_operation_take_cancel(call->operation);
    gboolean ended = is_final(head->operation_state) ||
                     call->method->id == HG_METHOD_CLOSE_OPERATION ||
                     (call->fetches_rows && !has_failed(head));
    return ended && hg_operation_take_end(call->operation);
}

/* Errors of names may come from tables that others have changed. */
static void forget_tables(HgClient *client)
{
    const HgSession *session = client->call.lease->session;
    const GPtrArray *tables = client->policy.tables;
    g_autofree char *place = hg_schema_place(hg_session_endpoint(session));
    if (tables != NULL)
        hg_schema_cache_forget_tables(hg_policies_schemas(policies_of(client)), place, tables);
}

/* What the reply says of the session and of tables. */
static void follow(HgClient *client, const HgReplyHead *head, gboolean news)
{
    ClientPolicy *policy = &client->policy;
    gboolean failed = has_failed(head);
    policy->unanswered = FALSE;
    if (policy->changes_tables && news)
        hg_schema_cache_forget(hg_policies_schemas(policies_of(client)));
    if (policy->moving == NULL)
        return;
    HgSessionPolicy *session = hg_session_policy(policy->moving);
    if (!failed)
        hg_session_policy_move(session, policy->catalog, policy->database);
    hg_session_policy_end_move(session, TRUE);
    g_clear_pointer(&policy->moving, hg_session_unref);
}

gboolean hg_client_policy_note(HgClient *client, HgReplyPiece *piece, HgBuffer *clean)
{
    ClientPolicy *policy = &client->policy;
    const HgReplyHead *head = piece->head;
    if (policies_of(client) == NULL)
        return TRUE;
    gboolean news = is_news(client, head);
    follow(client, head, news);
    if (!policy->guarded || !is_talkative(head))
        return TRUE;
    gboolean failed = has_failed(head);
    policy->withheld = TRUE;
    policy->exception = head->exception;
    policy->operation_state = failed ? -1 : head->operation_state;
    hg_detail_error(hg_slice(piece->bytes, piece->size), client->call.method, &policy->sql_state,
                    &policy->message);
    if (news && hg_clean_error_is_of_names(policy->message))
        forget_tables(client);
    g_autofree char *text = report(client);
    if (!piece->last || !write_answer(client, clean, text))
        return FALSE;
    piece->bytes = hg_buffer_data(clean);
    piece->size = hg_buffer_size(clean);
    piece->total = (gint64)piece->size;
    return TRUE;
}
