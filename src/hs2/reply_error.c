/* Errors in replies: see reply_error.h. Pure. */
#include "hs2/reply_error.h"

enum { DEPTH = 3 }; /* structs open around a value, with some to spare, as hg_cursor_skip() wants */

/* The numbers of the two fields in a struct. */
typedef struct {
    gint16 sql_state;
    gint16 message;
} Where;

/* Reads a struct's fields, up to its end or to what can't be read. `status` (may be 0): the field
 * that is a TStatus, whose values count when the struct has none of its own. */
static void read_struct(HgCursor *cursor, const Where *where, gint16 status, HgReplyError *out)
{
    static const Where in_status = {3, 5};
    for (;;) {
        guint8 type;
        gint16 id;
        HgSlice text;
        if (hg_cursor_read_field(cursor, &type, &id) != HG_WIRE_OK || type == HG_THRIFT_STOP)
            return;
        if (id == status && type == HG_THRIFT_STRUCT) {
            read_struct(cursor, &in_status, 0, out);
        } else if (type == HG_THRIFT_STRING && (id == where->sql_state || id == where->message)) {
            if (hg_cursor_read_string(cursor, &text) != HG_WIRE_OK)
                return;
            if (id == where->sql_state)
                out->sql_state = text;
            else
                out->message = text;
        } else if (hg_cursor_skip(cursor, type, DEPTH) != HG_WIRE_OK) {
            return;
        }
    }
}

HgReplyError hg_reply_read_error(const HgReplyHead *head, const HgMethod *method, HgSlice reply)
{
    static const Where in_exception = {-1, 1};
    static const Where in_operation_status = {3, 5};
    static const Where nowhere = {-1, -1};
    HgReplyError error = {{NULL, 0}, {NULL, 0}};
    HgCursor cursor = hg_cursor(reply);
    if (head->exception) {
        HgMessageHead unused;
        if (hg_cursor_read_head(&cursor, &unused) == HG_WIRE_OK)
            read_struct(&cursor, &in_exception, 0, &error);
        return error;
    }
    if (head->fields_offset == 0 || head->fields_offset > reply.size)
        return error;
    cursor.at = reply.data + head->fields_offset;
    read_struct(&cursor,
                method->id == HG_METHOD_GET_OPERATION_STATUS ? &in_operation_status : &nowhere, 1,
                &error);
    return error;
}
