/* The head of a reply, read from the first bytes that arrive.
 *
 * A reply is cut through: its head is enough to check that it answers the call that was made, to
 * learn its status, and to find the handle that must be swapped. Pure; any thread. */
#pragma once

#include "hs2/handle.h"
#include "hs2/method.h"
#include "wire/cursor.h"

typedef struct {
    HgMessageHead head;
    gboolean exception;      /* a TApplicationException instead of a result */
    gint32 status_code;      /* TStatus.1, or -1 when there is none (GetQueryId, exception) */
    gint32 operation_state;  /* GetOperationStatus: TOperationState, else -1 */
    guint32 fields_offset;   /* of the response struct's first field; 0: none was reached */
    gint32 protocol;         /* OpenSession: serverProtocolVersion, else -1 */
    guint32 protocol_offset; /* of its four bytes */
    guint32 more_offset;     /* FetchResults: of the byte of hasMoreRows; 0: not reached */
    gboolean has_rows;       /* FetchResults: the batch isn't empty, as far as was read */
    gint32 rows;             /* FetchResults: how many, or -1 while that wasn't read */
    guint32 rows_end;        /* FetchResults: of the STOP behind a batch without columns, or 0 */
    guint32 columns_offset;  /* FetchResults: of the number of columns, if that is 0; or 0 */
    gint32 operation_type;   /* replies that start an operation: TOperationHandle.2, else -1 */
    gboolean has_handle;     /* a handle with both halves was found */
    guint32 guid_offset;
    guint32 secret_offset;
} HgReplyHead;

/* TStatusCode, TOperationType and TOperationState values that hivegate looks at. */
enum {
    HG_STATUS_SUCCESS = 0,
    HG_STATUS_SUCCESS_WITH_INFO = 1,
    HG_STATUS_STILL_EXECUTING = 2,
    HG_STATUS_ERROR = 3
};
enum { HG_OPERATION_EXECUTE_STATEMENT = 0 };
enum {
    HG_STATE_FINISHED = 2,
    HG_STATE_CANCELED = 3,
    HG_STATE_CLOSED = 4,
    HG_STATE_ERROR = 5,
    HG_STATE_PENDING = 7,
    HG_STATE_TIMEDOUT = 8
};

/* Reads what it can from the first bytes of a reply to `method`. SHORT: the head, or (for methods
 * that give a handle) the handle, isn't there yet. For methods that give no handle OK is returned
 * as soon as head and status code are read; fields not reached keep their "none" value (only
 * GetOperationStatus reads on for the state when it is there, and FetchResults up to the number of
 * rows). BAD: not Thrift. */
HgWireStatus hg_reply_peek(HgSlice bytes, const HgMethod *method,
                           HgReplyHead *out) G_GNUC_WARN_UNUSED_RESULT;

/* TRUE when the reply answers a call with this name and seqid (and is a REPLY or EXCEPTION). */
gboolean hg_reply_answers(const HgReplyHead *reply, HgSlice name, gint32 seqid);

/* Copies out and overwrites the handle that was found. */
void hg_reply_get_handle(const HgReplyHead *reply, const guint8 *message, HgHandle *out);
void hg_reply_set_handle(const HgReplyHead *reply, guint8 *message, const HgHandle *handle);

/* Replaces every textual occurrence of `from` in the bytes with `to`, in place: servers name
 * handles in error texts. These are the guid as a UUID ("Invalid SessionHandle: ...") and guid and
 * secret as Java prints binary fields ("guid:0A 1B ...", of a TApplicationException for a field
 * that is missing, measured on Spark 3.5.3). Linear in `size`. Returns how many were replaced. */
guint hg_reply_replace_text(guint8 *bytes, gsize size, const HgHandle *from, const HgHandle *to);
