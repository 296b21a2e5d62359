/* Requests and replies that wait for a letter, for the client_*.c files only.
 *
 * A request passes the gates, in the order of their table (client_hold.c), before it is forwarded.
 * A gate lets it pass at once, holds it until somebody releases or refuses it, or refuses it. What
 * is held is copied; the client takes no other request meanwhile. Whoever releases it does so by a
 * letter (hg_loop_post) that names the hold, never by pointer: the client may have left. A reply
 * can be held in the same way before the client is told. Worker's thread only. */
#pragma once

#include "proxy/client_private.h"

/* A request that is about to be forwarded. */
typedef struct {
    const HgRequest *request;
    guint8 *message;        /* has headroom, and the client's handle; may be edited in place */
    HgSession *session;     /* borrowed; the client's own */
    HgOperation *operation; /* NULL: it names the session */
    const char *sent;       /* the statement as the client sent it, once a gate has put another in
                             * its place; NULL before that; borrowed */
    /* what policies have decided, for the record; borrowed; NULL: nothing */
    const char *policy_version;
    const char *decision;
    const char *const *policies; /* names, NULL-terminated */
    /* of hg_client_ask_replace() */
    HgRequest new_request;
    HgBuffer new_message;
    char *own_sent;
} ClientAsk;

typedef enum {
    GATE_PASSES,
    GATE_HOLDS,   /* hg_client_hold() was called, and will be followed by an end of the hold */
    GATE_REFUSES, /* the client was told */
} ClientGate;

/* A hold's name, to be kept in a letter. */
typedef struct {
    HgWorker *worker;
    guint64 client;
    guint64 number;
} ClientHoldName;

/* Leads a request through the gates that it hasn't passed yet. FALSE when it goes no further now.
 */
gboolean hg_client_pass_gates(HgClient *client, ClientAsk *ask);

/* Gives back what replacing took. */
void hg_client_ask_clear(ClientAsk *ask);

/* For a gate that lets pass: the message goes on as these bytes, a request of the same method on
 * the same handle. FALSE when they can't be read as one: then nothing has changed. */
gboolean hg_client_ask_replace(ClientAsk *ask, HgBuffer *take_message) G_GNUC_WARN_UNUSED_RESULT;

/* The name of the client's next hold; to be asked for before the letter may be written. */
ClientHoldName hg_client_name_hold(HgClient *client);

/* For a gate: holds the request under the name that was given last. FALSE when the memory ceiling
 * leaves no room: the client was told, and the gate refuses. */
gboolean hg_client_hold(HgClient *client, const ClientAsk *ask) G_GNUC_WARN_UNUSED_RESULT;

/* The client whose hold has this name; NULL when it has left, or the hold is over. */
HgClient *hg_client_find_held(const ClientHoldName *name);

/* The text of the statement that is held, as the client sent it; borrowed from the hold. */
HgSlice hg_client_held_statement(const HgClient *client);

/* Ends the hold of a request, which goes on to the next gate: as it came, or, with `take_message`,
 * as these bytes (as in hg_client_ask_replace(); what can't be read is refused). */
void hg_client_release(HgClient *client, HgBuffer *take_message);

/* The same, but the gate that held it is asked again. */
void hg_client_ask_again(HgClient *client);

/* Ends the hold of a request: the client gets an error. */
void hg_client_refuse_held(HgClient *client, const char *sql_state, const char *message);

/* Holds the first piece of a reply under the name that was given last; returns what the backend
 * gets as an answer to it. At the memory ceiling the client ends. */
HgFlow hg_client_hold_reply(HgClient *client, const HgReplyPiece *piece);

/* TRUE when the reply that is held has more pieces to come. */
gboolean hg_client_held_wants_more(const HgClient *client);

/* Takes the piece out of the hold, which is over then: *bytes keeps it, and has it freed. */
HgReplyPiece hg_client_take_held(HgClient *client, HgBuffer *bytes);
