/* Messages of hivegate's own: see answer.h. Any thread.
 *
 * Field numbers are those of thrift/TCLIService.thrift; the tests read each message back with
 * Thrift C GLib and compare what that writes. */
#include "hs2/answer.h"

#include "hs2/info.h"
#include "hs2/reply.h"
#include "hs2/writer.h"

/* How Java names the class of the error; drivers build that exception anew from the text. */
#define HIVE_ERROR_CLASS "org.apache.hive.service.cli.HiveSQLException"

#define SERVER_PROTOCOL_OF_ERROR                                                                   \
    9 /* V10, which Spark leaves in the reply of an OpenSession error */

/* Where the answer's value is. */
enum { SUCCESS = 0, REQ = 1, STATUS = 1 };

/* What a TStatus holds; NULL: not there. */
typedef struct {
    gint32 code;
    const char *sql_state;
    const char *message;
    const char *java_frame; /* goes with the message into infoMessages */
} Status;

static HgSlice text(const char *string)
{
    return hg_slice_from_string(string);
}

/* ---- pieces ---- */

/* The Java exception as Spark encodes it: "*class:message:frames:last frame", then each frame as
 * "class:method:file:line". There is one frame here, which says where the error is from. */
static void write_java_error(HgWriter *writer, const Status *status)
{
    g_autofree char *head = g_strdup_printf("*" HIVE_ERROR_CLASS ":%s:1:0", status->message);
    hg_writer_field(writer, HG_THRIFT_LIST, 2);
    hg_writer_i8(writer, HG_THRIFT_STRING);
    hg_writer_i32(writer, 2);
    hg_writer_string(writer, text(head));
    hg_writer_string(writer, text(status->java_frame));
}

/* Errors have errorCode 0, as Spark's have. */
static void write_status(HgWriter *writer, const Status *status)
{
    hg_writer_field(writer, HG_THRIFT_STRUCT, STATUS);
    hg_writer_field_i32(writer, 1, status->code);
    if (status->java_frame != NULL)
        write_java_error(writer, status);
    if (status->sql_state != NULL)
        hg_writer_field_string(writer, 3, text(status->sql_state));
    if (status->message != NULL) {
        hg_writer_field_i32(writer, 4, 0);
        hg_writer_field_string(writer, 5, text(status->message));
    }
    hg_writer_stop(writer);
}

/* A handle's THandleIdentifier, as field 1. */
static void write_identifier(HgWriter *writer, const HgHandle *handle)
{
    hg_writer_field(writer, HG_THRIFT_STRUCT, 1);
    hg_writer_field_string(writer, 1, hg_slice(handle->guid, HG_HANDLE_HALF));
    hg_writer_field_string(writer, 2, hg_slice(handle->secret, HG_HANDLE_HALF));
    hg_writer_stop(writer);
}

/* A TOperationHandle as field `id`. */
static void write_operation(HgWriter *writer, gint16 id, const HgHandle *handle, gint32 type,
                            gboolean has_result_set)
{
    hg_writer_field(writer, HG_THRIFT_STRUCT, id);
    write_identifier(writer, handle);
    hg_writer_field_i32(writer, 2, type);
    hg_writer_field_bool(writer, 3, has_result_set);
    hg_writer_stop(writer);
}

/* ---- replies ---- */

static HgWriter start_reply(HgBuffer *out, const HgMethod *method, gint32 seqid,
                            const Status *status)
{
    g_assert(method->id != HG_METHOD_GET_QUERY_ID); /* the one reply without a status */
    HgWriter writer = hg_writer(out);
    hg_writer_head(&writer, HG_MESSAGE_REPLY, text(method->name), seqid);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, SUCCESS);
    write_status(&writer, status);
    return writer;
}

static gboolean finish_reply(HgWriter *writer)
{
    hg_writer_stop(writer); /* the response */
    hg_writer_stop(writer); /* the result struct */
    return hg_writer_finish(writer);
}

/* What the response requires beside the status, and an error doesn't have. Java would take a union
 * without a value for broken bytes. */
static void write_required(HgWriter *writer, const HgMethod *method)
{
    static const HgHandle none = {{0}, {0}};
    switch (method->id) {
    case HG_METHOD_OPEN_SESSION:
        hg_writer_field_i32(writer, 2, SERVER_PROTOCOL_OF_ERROR);
        break;
    case HG_METHOD_GET_INFO:
        hg_writer_field(writer, HG_THRIFT_STRUCT, 2);
        hg_writer_field_string(writer, 1, text(""));
        hg_writer_stop(writer);
        break;
    case HG_METHOD_UPLOAD_DATA:
    case HG_METHOD_DOWNLOAD_DATA:
        write_operation(writer, 2, &none, 0, FALSE);
        break;
    default:
        break;
    }
}

static gboolean write_error(HgBuffer *out, const HgMethod *method, gint32 seqid,
                            const Status *status)
{
    HgWriter writer = start_reply(out, method, seqid, status);
    write_required(&writer, method);
    return finish_reply(&writer);
}

gboolean hg_answer_exception(HgBuffer *out, HgSlice name, gint32 seqid, HgExceptionType type,
                             const char *message)
{
    HgWriter writer = hg_writer(out);
    hg_writer_head(&writer, HG_MESSAGE_EXCEPTION, name, seqid);
    hg_writer_field_string(&writer, 1, text(message));
    hg_writer_field_i32(&writer, 2, type);
    hg_writer_stop(&writer);
    return hg_writer_finish(&writer);
}

gboolean hg_answer_error(HgBuffer *out, const HgMethod *method, gint32 seqid, const char *sql_state,
                         const char *message)
{
    if (method->id == HG_METHOD_GET_QUERY_ID)
        return hg_answer_exception(out, text(method->name), seqid, HG_EXCEPTION_INTERNAL_ERROR,
                                   message);
    Status status = {HG_STATUS_ERROR, sql_state, message, NULL};
    return write_error(out, method, seqid, &status);
}

gboolean hg_answer_success(HgBuffer *out, const HgMethod *method, gint32 seqid)
{
    Status status = {HG_STATUS_SUCCESS, NULL, NULL, NULL};
    HgWriter writer = start_reply(out, method, seqid, &status);
    return finish_reply(&writer);
}

gboolean hg_answer_operation_failed(HgBuffer *out, gint32 seqid, gint32 state,
                                    const char *sql_state, const char *message)
{
    Status status = {HG_STATUS_SUCCESS, NULL, NULL, NULL};
    HgWriter writer =
        start_reply(out, hg_method_get(HG_METHOD_GET_OPERATION_STATUS), seqid, &status);
    hg_writer_field_i32(&writer, 2, state);
    if (sql_state != NULL)
        hg_writer_field_string(&writer, 3, text(sql_state));
    hg_writer_field_i32(&writer, 4, 0);
    hg_writer_field_string(&writer, 5, text(message));
    return finish_reply(&writer);
}

/* The rows of an old protocol and the column of a new one: a reader takes what it knows. */
gboolean hg_answer_no_texts(HgBuffer *out, gint32 seqid)
{
    Status status = {HG_STATUS_SUCCESS, NULL, NULL, NULL};
    HgWriter writer = start_reply(out, hg_method_get(HG_METHOD_FETCH_RESULTS), seqid, &status);
    hg_writer_field_bool(&writer, 2, FALSE);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 3);
    hg_writer_field_i64(&writer, 1, 0);
    hg_writer_field(&writer, HG_THRIFT_LIST, 2);
    hg_writer_i8(&writer, HG_THRIFT_STRUCT);
    hg_writer_i32(&writer, 0);
    hg_writer_field(&writer, HG_THRIFT_LIST, 3);
    hg_writer_i8(&writer, HG_THRIFT_STRUCT);
    hg_writer_i32(&writer, 1);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 7);
    hg_writer_field(&writer, HG_THRIFT_LIST, 1);
    hg_writer_i8(&writer, HG_THRIFT_STRING);
    hg_writer_i32(&writer, 0);
    hg_writer_field_string(&writer, 2, text(""));
    hg_writer_stop(&writer); /* the column of texts */
    hg_writer_stop(&writer); /* the column */
    hg_writer_stop(&writer); /* the rows */
    return finish_reply(&writer);
}

/* ---- handles that nobody knows ---- */

/* How Java names an operation type (Spark 4.0.1; 3.5.3 doesn't know 9): not as the service does for
 * 8, which also stands for all others. */
static const char *operation_type_name(gint32 type)
{
    static const char *const names[] = {
        "EXECUTE_STATEMENT", "GET_TYPE_INFO",   "GET_CATALOGS", "GET_SCHEMAS",
        "GET_TABLES",        "GET_TABLE_TYPES", "GET_COLUMNS",  "GET_FUNCTIONS",
        "UNKNOWN_OPERATION", "PROCEDURAL_SQL",
    };
    return type >= 0 && type < (gint32)G_N_ELEMENTS(names) ? names[type] : names[8];
}

static char *invalid_handle_text(const HgMethod *method, const HgHandle *handle,
                                 gint32 operation_type)
{
    const char *what = method->takes == HG_TAKES_OPERATION ? "OperationHandle" : "SessionHandle";
    if (handle == NULL)
        return g_strdup_printf("Invalid %s: guid and secret must have %d bytes each", what,
                               HG_HANDLE_HALF);
    if (method->id == HG_METHOD_CLOSE_SESSION)
        return g_strdup("Session does not exist!");
    char guid[HG_HANDLE_TEXT_SIZE];
    hg_handle_text(handle, guid);
    if (method->takes == HG_TAKES_SESSION)
        return g_strdup_printf("Invalid %s: SessionHandle [%s]", what, guid);
    return g_strdup_printf("Invalid %s: OperationHandle [opType=%s, getHandleIdentifier()=%s]",
                           what, operation_type_name(operation_type), guid);
}

gboolean hg_answer_invalid_handle(HgBuffer *out, const HgMethod *method, gint32 seqid,
                                  const HgHandle *handle, gint32 operation_type)
{
    if (method->id == HG_METHOD_GET_QUERY_ID)
        return hg_answer_exception(out, text(method->name), seqid, HG_EXCEPTION_INTERNAL_ERROR,
                                   "Internal error processing GetQueryId");
    g_autofree char *message = invalid_handle_text(method, handle, operation_type);
    g_autofree char *frame = g_strdup_printf("hivegate:%s::-1", method->name);
    Status status = {HG_STATUS_ERROR, NULL, message, frame};
    return write_error(out, method, seqid, &status);
}

/* ---- GetInfo ---- */

gboolean hg_info_is_forwarded(gint32 info_type)
{
    const HgInfo *info = hg_info_find(info_type);
    return info != NULL && info->kind == HG_INFO_FORWARDED;
}

/* Writes the member of the TGetInfoValue union that the type has. */
static void write_info_value(HgWriter *writer, const HgInfo *info, const char *user)
{
    switch (info->kind) {
    case HG_INFO_USER:
        hg_writer_field_string(writer, 1, text(user));
        break;
    case HG_INFO_TEXT:
        hg_writer_field_string(writer, 1, text(info->text));
        break;
    case HG_INFO_SMALL:
        hg_writer_field_i16(writer, 2, (gint16)info->number);
        break;
    case HG_INFO_BITMASK:
        hg_writer_field_i32(writer, 3, info->number);
        break;
    case HG_INFO_FLAG:
        hg_writer_field_i32(writer, 4, info->number);
        break;
    case HG_INFO_LENGTH:
        hg_writer_field_i64(writer, 6, info->number);
        break;
    case HG_INFO_FORWARDED:
    case HG_INFO_UNKNOWN:
        g_assert_not_reached();
    }
}

gboolean hg_answer_info(HgBuffer *out, gint32 seqid, gint32 info_type, const char *user)
{
    const HgMethod *method = hg_method_get(HG_METHOD_GET_INFO);
    const HgInfo *info = hg_info_find(info_type);
    if (info == NULL || info->kind == HG_INFO_UNKNOWN || info->kind == HG_INFO_FORWARDED) {
        g_autofree char *message =
            g_strdup_printf("GetInfo: the server has no value for info type %d", info_type);
        return hg_answer_error(out, method, seqid, "HYC00", message);
    }
    Status status = {HG_STATUS_SUCCESS, NULL, NULL, NULL};
    HgWriter writer = start_reply(out, method, seqid, &status);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 2);
    write_info_value(&writer, info, user);
    hg_writer_stop(&writer);
    return finish_reply(&writer);
}

/* ---- calls ---- */

/* Starts a call, up to the fields of its request struct. */
static HgWriter start_call(HgBuffer *out, HgMethodId method, gint32 seqid)
{
    HgWriter writer = hg_writer(out);
    hg_writer_head(&writer, HG_MESSAGE_CALL, text(hg_method_get(method)->name), seqid);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, REQ);
    return writer;
}

static gboolean finish_call(HgWriter *writer)
{
    hg_writer_stop(writer); /* the request struct */
    hg_writer_stop(writer); /* the arguments */
    return hg_writer_finish(writer);
}

gboolean hg_call_close_session(HgBuffer *out, gint32 seqid, const HgHandle *session)
{
    HgWriter writer = start_call(out, HG_METHOD_CLOSE_SESSION, seqid);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 1);
    write_identifier(&writer, session);
    hg_writer_stop(&writer);
    return finish_call(&writer);
}

static gboolean call_operation(HgBuffer *out, HgMethodId method, gint32 seqid,
                               const HgHandle *operation, gint32 operation_type)
{
    HgWriter writer = start_call(out, method, seqid);
    /* the server compares the type with the handle, but not whether it has a result (measured,
     * Spark 3.5.3) */
    write_operation(&writer, 1, operation, operation_type, TRUE);
    return finish_call(&writer);
}

gboolean hg_call_cancel_operation(HgBuffer *out, gint32 seqid, const HgHandle *operation,
                                  gint32 operation_type)
{
    return call_operation(out, HG_METHOD_CANCEL_OPERATION, seqid, operation, operation_type);
}

gboolean hg_call_close_operation(HgBuffer *out, gint32 seqid, const HgHandle *operation,
                                 gint32 operation_type)
{
    return call_operation(out, HG_METHOD_CLOSE_OPERATION, seqid, operation, operation_type);
}
