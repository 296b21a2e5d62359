/* What happens to a client, as spans, for the client_*.c files only.
 *
 * All of it does nothing when hivegate has no tracer. Worker's thread only. */
#pragma once

#include "proxy/client_private.h"
#include "proxy/statement_trace.h"

/* What the request's HTTP head says of its trace. */
void hg_client_trace_head(HgClient *client, HgSlice fields);

/* A login that began at client->login_began has been accepted, or refused for that reason. */
void hg_client_trace_login(HgClient *client, const char *name, const char *why);

/* An OpenSession that began so many nanoseconds ago, for that user, with the `traceparent` among
 * its variables (NULL: none), is over: `session` is the new one, or NULL and `why` says why not.
 * What the session does from now on belongs to the same trace. */
void hg_client_trace_open(HgClient *client, guint64 took_ns, const char *user,
                          const char *traceparent, HgSession *session, const char *why);

/* A statement has come, and is in front of the gates. */
void hg_client_trace_asked(HgClient *client, const HgRequest *request, const guint8 *message,
                           HgSession *session);

/* It goes to its endpoint. */
void hg_client_trace_forwarded(HgClient *client);

/* A call's answer has begun: `begun` is the operation that it has made, else NULL. */
void hg_client_trace_reply(HgClient *client, const HgReplyPiece *piece, HgOperation *begun);

/* A piece of rows goes to the client. */
void hg_client_trace_rows(HgClient *client, const HgReplyPiece *piece);

/* The statement under way gets no answer any more; nothing, when there is none. */
void hg_client_trace_given_up(HgClient *client, const char *why);
