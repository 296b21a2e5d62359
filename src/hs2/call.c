/* Calls of hivegate's own: see call.h. Field numbers are those of thrift/TCLIService.thrift. */
#include "hs2/call.h"

#include "hs2/method.h"
#include "hs2/writer.h"

/* HIVE_CLI_SERVICE_PROTOCOL_V10: rows come by columns. */
#define PROTOCOL 9

enum { REQ = 1 };

static HgWriter start(HgBuffer *out, HgMethodId method, gint32 seqid)
{
    HgWriter writer = hg_writer(out);
    hg_writer_head(&writer, HG_MESSAGE_CALL, hg_slice_from_string(hg_method_get(method)->name),
                   seqid);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, REQ);
    return writer;
}

static gboolean finish(HgWriter *writer)
{
    hg_writer_stop(writer); /* the request struct */
    hg_writer_stop(writer); /* the arguments */
    return hg_writer_finish(writer);
}

/* A THandleIdentifier as field 1 of the handle that is open. */
static void write_identifier(HgWriter *writer, const HgHandle *handle)
{
    hg_writer_field(writer, HG_THRIFT_STRUCT, 1);
    hg_writer_field_string(writer, 1, hg_slice(handle->guid, HG_HANDLE_HALF));
    hg_writer_field_string(writer, 2, hg_slice(handle->secret, HG_HANDLE_HALF));
    hg_writer_stop(writer);
}

gboolean hg_call_open_session(HgBuffer *out, gint32 seqid, const char *user,
                              const char *const *settings)
{
    HgWriter writer = start(out, HG_METHOD_OPEN_SESSION, seqid);
    hg_writer_field_i32(&writer, 1, PROTOCOL);
    hg_writer_field_string(&writer, 2, hg_slice_from_string(user));
    guint count = g_strv_length((char **)settings) / 2;
    hg_writer_field(&writer, HG_THRIFT_MAP, 4);
    hg_writer_i8(&writer, HG_THRIFT_STRING);
    hg_writer_i8(&writer, HG_THRIFT_STRING);
    hg_writer_i32(&writer, (gint32)count);
    for (guint i = 0; i < 2 * count; i++)
        hg_writer_string(&writer, hg_slice_from_string(settings[i]));
    return finish(&writer);
}

gboolean hg_call_execute(HgBuffer *out, gint32 seqid, const HgHandle *session,
                         const char *statement)
{
    HgWriter writer = start(out, HG_METHOD_EXECUTE_STATEMENT, seqid);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 1);
    write_identifier(&writer, session);
    hg_writer_stop(&writer);
    hg_writer_field_string(&writer, 2, hg_slice_from_string(statement));
    hg_writer_field_bool(&writer, 4, FALSE);
    return finish(&writer);
}

gboolean hg_call_fetch(HgBuffer *out, gint32 seqid, const HgHandle *operation,
                       gint32 operation_type, gint64 rows)
{
    HgWriter writer = start(out, HG_METHOD_FETCH_RESULTS, seqid);
    hg_writer_field(&writer, HG_THRIFT_STRUCT, 1);
    write_identifier(&writer, operation);
    hg_writer_field_i32(&writer, 2, operation_type);
    hg_writer_field_bool(&writer, 3, TRUE);
    hg_writer_stop(&writer);
    hg_writer_field_i32(&writer, 2, 0); /* FETCH_NEXT */
    hg_writer_field_i64(&writer, 3, rows);
    hg_writer_field_i16(&writer, 4, 0);
    return finish(&writer);
}
