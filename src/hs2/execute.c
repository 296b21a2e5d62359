/* Editing an ExecuteStatement: see execute.h. Field numbers are those of thrift/TCLIService.thrift.
 * Pure; any thread. */
#include "hs2/execute.h"

#include "hs2/writer.h"
#include "wire/cursor.h"

/* Fields of TExecuteStatementReq. */
enum { HANDLE = 1, STATEMENT = 2, RUN_ASYNC = 4, TIMEOUT = 5 };

/* What hg_cursor_skip() wants for a field of the request struct: args and request are open. */
#define IN_REQUEST 2

/* TRUE for a field that stays as it is. */
static gboolean is_kept(gint16 id, const HgExecuteEdit *edit)
{
    gboolean plain = id == HANDLE || id == STATEMENT || id == RUN_ASYNC || id == TIMEOUT;
    return (plain || !edit->strip) && !(id == RUN_ASYNC && edit->wait);
}

/* Writes the fields of the request struct, up to and with its STOP. FALSE for bytes that aren't
 * such fields. */
static gboolean write_fields(HgWriter *writer, HgSlice fields, const HgExecuteEdit *edit)
{
    HgCursor cursor = hg_cursor(fields);
    for (;;) {
        const guint8 *first = cursor.at;
        guint8 type;
        gint16 id;
        if (hg_cursor_read_field(&cursor, &type, &id) != HG_WIRE_OK)
            return FALSE;
        if (type == HG_THRIFT_STOP)
            break;
        if (hg_cursor_skip(&cursor, type, IN_REQUEST) != HG_WIRE_OK)
            return FALSE;
        if (id == STATEMENT && edit->statement.data != NULL)
            hg_writer_field_string(writer, STATEMENT, edit->statement);
        else if (is_kept(id, edit))
            hg_writer_bytes(writer, hg_slice(first, (gsize)(cursor.at - first)));
    }
    hg_writer_stop(writer);
    return TRUE;
}

gboolean hg_execute_rewrite(const HgRequest *request, const guint8 *message,
                            const HgExecuteEdit *edit, HgBuffer *out)
{
    g_assert(request->method != NULL && request->method->id == HG_METHOD_EXECUTE_STATEMENT);
    HgWriter writer = hg_writer(out);
    HgSpan fields = request->req_fields;
    gsize end = fields.offset + fields.size;
    hg_writer_bytes(&writer, hg_slice(message, fields.offset));
    if (!write_fields(&writer, hg_slice(message + fields.offset, fields.size), edit)) {
        hg_writer_abandon(&writer);
        return FALSE;
    }
    hg_writer_bytes(&writer, hg_slice(message + end, request->size - end));
    return hg_writer_finish(&writer);
}
