/* The inside of replies: see detail.h. Field numbers are those of thrift/TCLIService.thrift. Owns
 * nothing; any thread. */
#include "hs2/detail.h"

/* Structs open around a value, as hg_cursor_skip() wants it. */
enum { IN_RESULT = 1, IN_RESPONSE = 2, IN_FIELD = 3, IN_COLUMN = 6 };

static void take_text(HgCursor *cursor, char **out, gboolean *good)
{
    HgSlice text;
    *good = hg_cursor_read_string(cursor, &text) == HG_WIRE_OK;
    if (*good && *out == NULL)
        *out = hg_slice_dup_string(text);
}

/* Reads a TStatus. */
static gboolean read_status(HgCursor *cursor, char **sql_state, char **message)
{
    for (;;) {
        guint8 type;
        gint16 id;
        gboolean good = TRUE;
        if (hg_cursor_read_field(cursor, &type, &id) != HG_WIRE_OK)
            return FALSE;
        if (type == HG_THRIFT_STOP)
            return TRUE;
        if (type == HG_THRIFT_STRING && id == 3)
            take_text(cursor, sql_state, &good);
        else if (type == HG_THRIFT_STRING && id == 5)
            take_text(cursor, message, &good);
        else
            good = hg_cursor_skip(cursor, type, IN_FIELD) == HG_WIRE_OK;
        if (!good)
            return FALSE;
    }
}

/* Reads the response struct of a reply. */
static void read_response(HgCursor *cursor, const HgMethod *method, char **sql_state,
                          char **message)
{
    gboolean status = method->id == HG_METHOD_GET_OPERATION_STATUS, good = TRUE;
    guint8 type;
    gint16 id;
    while (good && hg_cursor_read_field(cursor, &type, &id) == HG_WIRE_OK &&
           type != HG_THRIFT_STOP) {
        if (id == 1 && type == HG_THRIFT_STRUCT)
            good = read_status(cursor, sql_state, message);
        else if (status && id == 3 && type == HG_THRIFT_STRING)
            take_text(cursor, sql_state, &good);
        else if (status && id == 5 && type == HG_THRIFT_STRING)
            take_text(cursor, message, &good);
        else
            good = hg_cursor_skip(cursor, type, IN_RESPONSE) == HG_WIRE_OK;
    }
}

void hg_detail_error(HgSlice reply, const HgMethod *method, char **sql_state, char **message)
{
    HgCursor cursor = hg_cursor(reply);
    HgMessageHead head;
    guint8 type;
    gint16 id;
    gboolean good = TRUE;
    *sql_state = *message = NULL;
    if (hg_cursor_read_head(&cursor, &head) != HG_WIRE_OK ||
        hg_cursor_read_field(&cursor, &type, &id) != HG_WIRE_OK)
        return;
    if (head.type == HG_MESSAGE_EXCEPTION && id == 1 && type == HG_THRIFT_STRING)
        take_text(&cursor, message, &good);
    else if (head.type == HG_MESSAGE_REPLY && id == 0 && type == HG_THRIFT_STRUCT)
        read_response(&cursor, method, sql_state, message);
}

/* ---- rows ---- */

/* Fields of TRowSet and of a column of texts. */
enum { RESULTS = 3, COLUMNS = 3, TEXT_COLUMN = 7, VALUES = 1 };

static HgWireStatus read_list(HgCursor *cursor, guint8 element, gint32 *count)
{
    guint8 type;
    if (hg_cursor_read_byte(cursor, &type) != HG_WIRE_OK ||
        hg_cursor_read_i32(cursor, count) != HG_WIRE_OK || *count < 0 ||
        (type != element && *count > 0))
        return HG_WIRE_BAD;
    return HG_WIRE_OK;
}

static gboolean read_values(HgCursor *cursor, GPtrArray *out)
{
    gint32 count = 0;
    if (read_list(cursor, HG_THRIFT_STRING, &count) != HG_WIRE_OK)
        return FALSE;
    for (gint32 i = 0; i < count; i++) {
        HgSlice text;
        if (hg_cursor_read_string(cursor, &text) != HG_WIRE_OK)
            return FALSE;
        g_ptr_array_add(out, hg_slice_dup_string(text));
    }
    return TRUE;
}

/* Reads the struct of a column's values. */
static gboolean read_text_column(HgCursor *cursor, GPtrArray *out)
{
    guint8 type;
    gint16 id;
    for (;;) {
        if (hg_cursor_read_field(cursor, &type, &id) != HG_WIRE_OK)
            return FALSE;
        if (type == HG_THRIFT_STOP)
            return TRUE;
        gboolean values = id == VALUES && type == HG_THRIFT_LIST && out->len == 0;
        if (values ? !read_values(cursor, out)
                   : hg_cursor_skip(cursor, type, IN_COLUMN) != HG_WIRE_OK)
            return FALSE;
    }
}

/* Reads a TColumn. */
static gboolean read_column(HgCursor *cursor, GPtrArray *out)
{
    guint8 type;
    gint16 id;
    for (;;) {
        if (hg_cursor_read_field(cursor, &type, &id) != HG_WIRE_OK)
            return FALSE;
        if (type == HG_THRIFT_STOP)
            return TRUE;
        gboolean texts = id == TEXT_COLUMN && type == HG_THRIFT_STRUCT;
        if (texts ? !read_text_column(cursor, out)
                  : hg_cursor_skip(cursor, type, IN_COLUMN) != HG_WIRE_OK)
            return FALSE;
    }
}

static gboolean read_columns(HgCursor *cursor, GPtrArray *out)
{
    gint32 count = 0;
    if (read_list(cursor, HG_THRIFT_STRUCT, &count) != HG_WIRE_OK)
        return FALSE;
    for (gint32 i = 0; i < count; i++) {
        GPtrArray *column = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(out, column);
        if (!read_column(cursor, column))
            return FALSE;
    }
    return TRUE;
}

/* Moves the cursor to the value of a field of the struct that it stands in. */
static gboolean seek(HgCursor *cursor, gint16 wanted, guint8 wanted_type, guint depth)
{
    guint8 type;
    gint16 id;
    while (hg_cursor_read_field(cursor, &type, &id) == HG_WIRE_OK && type != HG_THRIFT_STOP) {
        if (id == wanted)
            return type == wanted_type;
        if (hg_cursor_skip(cursor, type, depth) != HG_WIRE_OK)
            return FALSE;
    }
    return FALSE;
}

GPtrArray *hg_detail_texts(HgSlice reply)
{
    g_autoptr(GPtrArray) columns =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    HgCursor cursor = hg_cursor(reply);
    HgMessageHead head;
    if (hg_cursor_read_head(&cursor, &head) != HG_WIRE_OK || head.type != HG_MESSAGE_REPLY ||
        !seek(&cursor, 0, HG_THRIFT_STRUCT, IN_RESULT) ||
        !seek(&cursor, RESULTS, HG_THRIFT_STRUCT, IN_RESPONSE) ||
        !seek(&cursor, COLUMNS, HG_THRIFT_LIST, IN_FIELD) || !read_columns(&cursor, columns))
        return NULL;
    return g_steal_pointer(&columns);
}
