/* What a reply says went wrong: the SQL state and the message.
 *
 * Of a TStatus with an error, of GetOperationStatus for an operation that failed, or of a
 * TApplicationException. Nothing is copied. Pure; any thread. */
#pragma once

#include "hs2/reply.h"

typedef struct {
    HgSlice sql_state; /* empty: none; borrowed from the reply */
    HgSlice message;   /* the same */
} HgReplyError;

/* Reads what there is in the bytes of the reply, of which the head was read. What can't be read is
 * empty. */
HgReplyError hg_reply_read_error(const HgReplyHead *head, const HgMethod *method, HgSlice reply);
