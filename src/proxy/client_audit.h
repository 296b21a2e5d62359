/* What happens to a client, put on record, for the client_*.c files only.
 *
 * All of it does nothing when hivegate has no audit. A statement is in the spool before it is
 * forwarded, and its end before its client is told: see client_hold.h. Worker's thread only. */
#pragma once

#include "proxy/client_hold.h"
#include "proxy/recorder.h"

/* The recorder; NULL: nothing is recorded. */
static inline HgRecorder *hg_client_recorder(HgClient *client)
{
    return hg_client_options(client)->recorder;
}

/* The gate at which statements and metadata calls are put on record. The last one: what it sees is
 * what is sent. */
ClientGate hg_client_audit_gate(HgClient *client, ClientAsk *ask);

/* Puts on record that a statement is refused, before it came to the gate; `sent` is its text as the
 * client sent it. For gates, and for whoever answers in front of them. */
void hg_client_audit_refusal(HgClient *client, HgSession *session, HgSlice sent,
                             const char *sql_state, const char *reason);

/* The same of a metadata call. */
void hg_client_audit_call_refusal(HgClient *client, HgSession *session, const HgMethod *method,
                                  const char *sql_state, const char *reason);

/* The statement is on its way. */
void hg_client_audit_forwarded(HgClient *client);

/* A call's answer has begun: `begun` is the operation that it has made, else NULL. TRUE when the
 * client mustn't be told yet: then the name of the hold has been given. */
gboolean hg_client_audit_reply(HgClient *client, const HgReplyPiece *piece, HgOperation *begun);

/* A piece of rows goes to the client. */
void hg_client_audit_rows(HgClient *client, const HgReplyPiece *piece);

/* The statement under way gets no answer any more; nothing, when there is none. Given up: it has
 * come to an end of that kind, or was refused when it wasn't forwarded. */
void hg_client_audit_lost(HgClient *client, HgLoss loss, const char *detail);
void hg_client_audit_given_up(HgClient *client, HgAuditKind kind, const char *why);

/* A login, and a session that was opened, or is over. */
void hg_client_audit_login(HgClient *client, const HgPrincipal *principal);
void hg_client_audit_login_refused(HgClient *client, const char *name, const char *why);
void hg_client_audit_session(HgClient *client, HgSession *session);
void hg_client_audit_session_refused(HgClient *client, const char *effective_user,
                                     const char *sql_state, const char *why);
