/* Gates, and what they hold: see client_hold.h. A hold owns a copy of the request, or of the first
 * piece of a reply. */
#include "proxy/client_audit.h"
#include "proxy/client_policy.h"
#include "proxy/client_trace.h"

struct ClientHold {
    guint64 number;
    guint gate;        /* that holds it, or the next one to ask */
    HgBuffer bytes;    /* the request, or the piece */
    char *sent;        /* see ClientAsk */
    gboolean released; /* its request is being served again */
    gboolean last;     /* of a piece: as in HgReplyPiece */
    gint64 total;
};

typedef ClientGate (*GateFunc)(HgClient *client, ClientAsk *ask);

/* Each sees what the ones above let pass: whoever rewrites comes before whoever records. */
static const struct {
    const char *name; /* of the span of what it holds */
    GateFunc ask;
} gates[] = {
    {"policies", hg_client_policy_gate},
    {"audit", hg_client_audit_gate},
};

/* ---- the gates ---- */

gboolean hg_client_pass_gates(HgClient *client, ClientAsk *ask)
{
    guint gate = client->hold != NULL ? client->hold->gate : 0;
    ask->sent = client->hold != NULL ? client->hold->sent : NULL;
    hg_statement_trace_release(client->trace);
    for (; gate < G_N_ELEMENTS(gates); gate++) {
        ClientGate answer = gates[gate].ask(client, ask);
        if (answer == GATE_HOLDS && client->hold != NULL)
            client->hold->gate = gate;
        if (answer == GATE_HOLDS)
            hg_statement_trace_hold(client->trace, gates[gate].name);
        else if (answer == GATE_REFUSES)
            hg_client_trace_given_up(client, "hivegate refused it");
        if (answer != GATE_PASSES)
            return FALSE;
    }
    return TRUE;
}

void hg_client_ask_clear(ClientAsk *ask)
{
    hg_buffer_clear(&ask->new_message);
    g_clear_pointer(&ask->own_sent, g_free);
}

static char *statement_of(const HgRequest *request, const guint8 *message)
{
    return g_strndup((const char *)message + request->statement.offset, request->statement.size);
}

gboolean hg_client_ask_replace(ClientAsk *ask, HgBuffer *take_message)
{
    HgRequest request;
    HgSlice bytes = hg_slice(hg_buffer_data(take_message), hg_buffer_size(take_message));
    gboolean read = hg_request_read(bytes, &request) == HG_REQUEST_OK && request.why[0] == '\0' &&
                    request.method == ask->request->method && request.size == bytes.size &&
                    request.has_handle == ask->request->has_handle;
    if (!read) {
        hg_buffer_clear(take_message);
        return FALSE;
    }
    if (ask->sent == NULL)
        ask->sent = ask->own_sent = statement_of(ask->request, ask->message);
    hg_buffer_clear(&ask->new_message);
    ask->new_message = *take_message;
    hg_buffer_init(take_message, NULL);
    ask->new_request = request;
    ask->request = &ask->new_request;
    ask->message = hg_buffer_data(&ask->new_message);
    return TRUE;
}

/* ---- holding ---- */

ClientHoldName hg_client_name_hold(HgClient *client)
{
    return (ClientHoldName){client->worker, client->id, ++client->holds};
}

HgClient *hg_client_find_held(const ClientHoldName *name)
{
    HgClient *client = hg_worker_find_client(name->worker, name->client);
    return client != NULL && client->hold != NULL && client->hold->number == name->number ? client
                                                                                          : NULL;
}

HgSlice hg_client_held_statement(const HgClient *client)
{
    HgRequest request;
    const ClientHold *hold = client->hold;
    HgSlice bytes = hg_slice(hg_buffer_data(&hold->bytes), hg_buffer_size(&hold->bytes));
    if (hold->sent != NULL)
        return hg_slice_from_string(hold->sent);
    if (hg_request_read(bytes, &request) != HG_REQUEST_OK)
        return hg_slice(NULL, 0);
    return hg_slice(bytes.data + request.statement.offset, request.statement.size);
}

static ClientHold *hold_new(HgClient *client, HgSlice bytes)
{
    ClientHold *hold = g_new0(ClientHold, 1);
    hold->number = client->holds;
    hg_buffer_init(&hold->bytes, hg_gateway_budget(hg_worker_gateway(client->worker)));
    if (hg_buffer_append(&hold->bytes, bytes, G_MAXINT32))
        return hold;
    g_free(hold);
    return NULL;
}

void hg_client_hold_cancel(HgClient *client)
{
    ClientHold *hold = g_steal_pointer(&client->hold);
    if (hold == NULL)
        return;
    hg_buffer_clear(&hold->bytes);
    g_free(hold->sent);
    g_free(hold);
}

gboolean hg_client_hold(HgClient *client, const ClientAsk *ask)
{
    ClientHold *hold = hold_new(client, hg_slice(ask->message, ask->request->size));
    if (hold == NULL) {
        hg_client_answer_error(client, ask->request->method, ask->request->head.seqid, "53200",
                               HG_AT_CEILING "; try again.");
        return FALSE;
    }
    hold->sent = g_strdup(ask->sent);
    hg_client_hold_cancel(client); /* of a gate before this one: it is over */
    client->hold = hold;
    if (client->state != CLIENT_HELD)
        hg_client_set_state(client, CLIENT_HELD);
    return TRUE;
}

/* ---- the end of a request's hold ---- */

/* hivegate has answered what was held. */
static void settle(HgClient *client)
{
    hg_client_hold_cancel(client);
    hg_client_audit_given_up(client, HG_AUDIT_STATEMENT_REFUSED, "hivegate refused it in the end");
    hg_client_trace_given_up(client, "hivegate refused it in the end");
    hg_client_done(client);
}

/* Serves the request again from the start, as the world may have changed: its session may be gone.
 */
static void serve_again(HgClient *client, HgBuffer *take_bytes)
{
    HgRequest request;
    HgBuffer bytes = *take_bytes;
    guint64 number = client->hold->number;
    HgSlice message = hg_slice(hg_buffer_data(&bytes), hg_buffer_size(&bytes));
    hg_buffer_init(take_bytes, NULL);
    if (hg_request_read(message, &request) == HG_REQUEST_OK && request.why[0] == '\0') {
        client->hold->released = TRUE;
        hg_client_serve(client, &request, hg_buffer_data(&bytes));
        hg_buffer_clear(&bytes);
        if (client->state == CLIENT_HELD && client->hold != NULL && client->hold->number == number)
            settle(client);
        return;
    }
    hg_buffer_clear(&bytes);
    hg_client_answer_error(client, hg_method_get(HG_METHOD_EXECUTE_STATEMENT), 0, "HY000",
                           "hivegate can't read this request any more.");
    if (client->state == CLIENT_HELD)
        settle(client);
}

void hg_client_release(HgClient *client, HgBuffer *take_message)
{
    ClientHold *hold = client->hold;
    HgRequest before, after;
    g_assert(client->state == CLIENT_HELD && hold != NULL && !hold->released);
    if (take_message == NULL) {
        hold->gate++;
        hg_client_enter(client);
        serve_again(client, &hold->bytes);
        hg_client_leave(client);
        return;
    }
    HgSlice old = hg_slice(hg_buffer_data(&hold->bytes), hg_buffer_size(&hold->bytes));
    HgSlice new = hg_slice(hg_buffer_data(take_message), hg_buffer_size(take_message));
    if (hg_request_read(old, &before) != HG_REQUEST_OK ||
        hg_request_read(new, &after) != HG_REQUEST_OK || before.method != after.method) {
        hg_buffer_clear(take_message);
        hg_client_refuse_held(client, "HY000", "hivegate can't read what became of this request.");
        return;
    }
    if (hold->sent == NULL)
        hold->sent = statement_of(&before, hg_buffer_data(&hold->bytes));
    hold->gate++;
    hg_client_enter(client);
    serve_again(client, take_message);
    hg_client_leave(client);
}

void hg_client_ask_again(HgClient *client)
{
    g_assert(client->state == CLIENT_HELD && client->hold != NULL && !client->hold->released);
    hg_client_enter(client);
    serve_again(client, &client->hold->bytes);
    hg_client_leave(client);
}

void hg_client_refuse_held(HgClient *client, const char *sql_state, const char *message)
{
    HgRequest request;
    ClientHold *hold = client->hold;
    g_assert(client->state == CLIENT_HELD && hold != NULL);
    hg_client_enter(client);
    HgSlice bytes = hg_slice(hg_buffer_data(&hold->bytes), hg_buffer_size(&hold->bytes));
    if (hg_request_read(bytes, &request) == HG_REQUEST_OK)
        hg_client_answer_error(client, request.method, request.head.seqid, sql_state, message);
    else
        hg_client_answer_error(client, hg_method_get(HG_METHOD_EXECUTE_STATEMENT), 0, sql_state,
                               message);
    if (client->state == CLIENT_HELD)
        settle(client);
    hg_client_leave(client);
}

/* ---- replies ---- */

HgFlow hg_client_hold_reply(HgClient *client, const HgReplyPiece *piece)
{
    ClientHold *hold = hold_new(client, hg_slice(piece->bytes, piece->size));
    if (hold == NULL) {
        hg_client_drop(client);
        return HG_FLOW_GO;
    }
    hold->last = piece->last;
    hold->total = piece->total;
    hg_client_hold_cancel(client);
    client->hold = hold;
    hg_client_set_state(client, CLIENT_REPLY_HELD);
    return piece->last ? HG_FLOW_GO : HG_FLOW_WAIT;
}

gboolean hg_client_held_wants_more(const HgClient *client)
{
    return client->state == CLIENT_REPLY_HELD && client->hold != NULL && !client->hold->last;
}

HgReplyPiece hg_client_take_held(HgClient *client, HgBuffer *bytes)
{
    ClientHold *hold = client->hold;
    g_assert(client->state == CLIENT_REPLY_HELD && hold != NULL);
    *bytes = hold->bytes;
    hg_buffer_init(&hold->bytes, NULL);
    HgReplyPiece piece = {.bytes = hg_buffer_data(bytes),
                          .size = hg_buffer_size(bytes),
                          .first = TRUE,
                          .last = hold->last,
                          .total = hold->total};
    hg_client_hold_cancel(client);
    return piece;
}
