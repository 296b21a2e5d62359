/* Policies in front of and behind each call, for the client_*.c files only: a gate of client_hold,
 * and what becomes of the replies. Nothing happens here when no policies are configured. Worker's
 * thread only. */
#pragma once

#include "proxy/client_hold.h"

/* The gate: lets a request pass, changes it, refuses it, or holds it until the tables that it names
 * are known. */
ClientGate hg_client_policy_gate(HgClient *client, ClientAsk *ask);

/* An operation was begun by the call. Before anybody else knows it. */
void hg_client_policy_adopt(HgClient *client, HgOperation *operation);

/* Looks at the first piece of a reply to the call. In the place of one that could tell what is
 * hidden it puts another into `clean`, which must be empty and outlive the piece:
 * client->policy.withheld is set then. FALSE when that can't be done: the client must go. */
gboolean hg_client_policy_note(HgClient *client, HgReplyPiece *piece, HgBuffer *clean);

/* The call is over. */
void hg_client_policy_clear(HgClient *client);
