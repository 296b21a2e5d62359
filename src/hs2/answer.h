/* Messages that hivegate itself writes: answers to clients, and its own calls to a backend.
 *
 * Each appends one whole message (no SASL frame) to an HgBuffer; the buffer's headroom takes the
 * frame's length. They return FALSE only when the buffer can't grow. Any thread. */
#pragma once

#include "base/buffer.h"
#include "hs2/handle.h"
#include "hs2/method.h"
#include "wire/thrift.h"

/* A TApplicationException. `name` is echoed as it came. */
gboolean hg_answer_exception(HgBuffer *out, HgSlice name, gint32 seqid, HgExceptionType type,
                             const char *message) G_GNUC_WARN_UNUSED_RESULT;

/* A reply of `method` with TStatus ERROR: sql_state may be NULL. Where the reply has a required
 * field that an error leaves unset (GetInfo, GetQueryId, UploadData, DownloadData), it is filled
 * with an empty value or the error goes out as a TApplicationException, so that a client can read
 * it. */
gboolean hg_answer_error(HgBuffer *out, const HgMethod *method, gint32 seqid, const char *sql_state,
                         const char *message) G_GNUC_WARN_UNUSED_RESULT;

/* What Spark answers to a handle it doesn't know: "Invalid SessionHandle: SessionHandle [uuid]",
 * "Invalid OperationHandle: OperationHandle [opType=..., getHandleIdentifier()=uuid]", for
 * CloseSession "Session does not exist!", for GetQueryId a TApplicationException (measured
 * on 3.5.3). Like Spark's, the status has errorCode 0, no SQL state, and the Java exception in
 * infoMessages; the stack there is one frame that names hivegate. On purpose GetInfo, SetClientInfo
 * and the delegation token calls are answered like the others: Spark doesn't look at their handle
 * at all. `handle` is NULL when its halves don't have 16 bytes: Spark sends a
 * BufferUnderflowException without a message then, hivegate says what is wrong. */
gboolean hg_answer_invalid_handle(HgBuffer *out, const HgMethod *method, gint32 seqid,
                                  const HgHandle *handle,
                                  gint32 operation_type) G_GNUC_WARN_UNUSED_RESULT;

/* A reply with TStatus SUCCESS and nothing else: CloseSession, CloseOperation, CancelOperation. */
gboolean hg_answer_success(HgBuffer *out, const HgMethod *method,
                           gint32 seqid) G_GNUC_WARN_UNUSED_RESULT;

/* GetOperationStatus: the operation ended in this state (HG_STATE_...) with this error. */
gboolean hg_answer_operation_failed(HgBuffer *out, gint32 seqid, gint32 state,
                                    const char *sql_state,
                                    const char *message) G_GNUC_WARN_UNUSED_RESULT;

/* FetchResults: no rows of one column of texts, as an empty log has them. */
gboolean hg_answer_no_texts(HgBuffer *out, gint32 seqid) G_GNUC_WARN_UNUSED_RESULT;

/* TRUE when a Spark Thrift Server answers this GetInfo type itself; every other type makes it drop
 * the connection (measured, 3.5.3), so hg_answer_info() answers. */
gboolean hg_info_is_forwarded(gint32 info_type);

/* The answer to a GetInfo type that isn't forwarded: a value with the meaning ODBC gives to the
 * type where Spark SQL has one, else TStatus ERROR with a readable message. */
gboolean hg_answer_info(HgBuffer *out, gint32 seqid, gint32 info_type,
                        const char *user) G_GNUC_WARN_UNUSED_RESULT;

/* Our own calls on a session or operation handle of the backend. */
gboolean hg_call_close_session(HgBuffer *out, gint32 seqid,
                               const HgHandle *session) G_GNUC_WARN_UNUSED_RESULT;
gboolean hg_call_cancel_operation(HgBuffer *out, gint32 seqid, const HgHandle *operation,
                                  gint32 operation_type) G_GNUC_WARN_UNUSED_RESULT;
gboolean hg_call_close_operation(HgBuffer *out, gint32 seqid, const HgHandle *operation,
                                 gint32 operation_type) G_GNUC_WARN_UNUSED_RESULT;
