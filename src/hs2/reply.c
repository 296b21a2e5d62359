/* The head of a reply: see reply.h. Pure; any thread. */
#include "hs2/reply.h"

#define HALF_TEXT_SIZE (3 * HG_HANDLE_HALF) /* "0A 1B ... FF" and the NUL */

/* A reply that is being read. */
typedef struct {
    HgCursor cursor;
    const HgMethod *method;
    HgReplyHead *out;
    gboolean enough; /* what comes is of no interest, and may be large */
} Peek;

/* The structs open around a value, as hg_cursor_skip() wants it. */
enum { IN_RESULT = 1, IN_RESPONSE = 2, IN_FIELD = 3, IN_IDENTIFIER = 4, IN_COLUMN = 6 };

/* Fields of a TRowSet. */
enum { ROWS = 2, COLUMNS = 3 };

/* Reads an i32 where `type` says that there is one; another type is BAD. */
static HgWireStatus read_number(Peek *peek, guint8 type, gint32 *out)
{
    return type == HG_THRIFT_I32 ? hg_cursor_read_i32(&peek->cursor, out) : HG_WIRE_BAD;
}

/* Reads a half of a handle. One that hasn't 16 bytes counts as none. */
static HgWireStatus read_half(Peek *peek, guint8 type, guint32 *offset)
{
    if (type != HG_THRIFT_STRING)
        return HG_WIRE_BAD;
    HgSlice half;
    HgWireStatus status = hg_cursor_read_string(&peek->cursor, &half);
    if (status == HG_WIRE_OK && half.size == HG_HANDLE_HALF)
        *offset = (guint32)(half.data - peek->cursor.start);
    return status;
}

/* Reads a THandleIdentifier. */
static HgWireStatus read_identifier(Peek *peek)
{
    for (;;) {
        guint8 type;
        gint16 id;
        HgWireStatus status = hg_cursor_read_field(&peek->cursor, &type, &id);
        if (status != HG_WIRE_OK || type == HG_THRIFT_STOP)
            return status;
        if (id == 1)
            status = read_half(peek, type, &peek->out->guid_offset);
        else if (id == 2)
            status = read_half(peek, type, &peek->out->secret_offset);
        else
            status = hg_cursor_skip(&peek->cursor, type, IN_IDENTIFIER);
        if (status != HG_WIRE_OK)
            return status;
    }
}

/* Reads a TSessionHandle or a TOperationHandle. */
static HgWireStatus read_handle(Peek *peek, guint8 type)
{
    if (type != HG_THRIFT_STRUCT)
        return HG_WIRE_BAD;
    HgReplyHead *out = peek->out;
    for (;;) {
        gint16 id;
        HgWireStatus status = hg_cursor_read_field(&peek->cursor, &type, &id);
        if (status != HG_WIRE_OK)
            return status;
        if (type == HG_THRIFT_STOP)
            break;
        if (id == 1 && type == HG_THRIFT_STRUCT)
            status = read_identifier(peek);
        else if (id == 2 && peek->method->gives == HG_GIVES_OPERATION)
            status = read_number(peek, type, &out->operation_type);
        else
            status = hg_cursor_skip(&peek->cursor, type, IN_FIELD);
        if (status != HG_WIRE_OK)
            return status;
    }
    out->has_handle = out->guid_offset != 0 && out->secret_offset != 0;
    return HG_WIRE_OK;
}

/* Reads a TStatus: its code, which is never negative, then whatever else it holds. */
static HgWireStatus read_status(Peek *peek, guint8 type)
{
    if (type != HG_THRIFT_STRUCT)
        return HG_WIRE_BAD;
    for (;;) {
        gint16 id;
        HgWireStatus status = hg_cursor_read_field(&peek->cursor, &type, &id);
        if (status != HG_WIRE_OK || type == HG_THRIFT_STOP)
            return status;
        if (id == 1)
            status = read_number(peek, type, &peek->out->status_code);
        else
            status = hg_cursor_skip(&peek->cursor, type, IN_FIELD);
        if (status == HG_WIRE_OK && id == 1 && peek->out->status_code < 0)
            status = HG_WIRE_BAD;
        if (status != HG_WIRE_OK)
            return status;
    }
}

/* Reads the head of a list: the type of its elements and how many there are. */
static HgWireStatus read_list_head(Peek *peek, guint8 *type, gint32 *count)
{
    HgWireStatus status = hg_cursor_read_byte(&peek->cursor, type);
    return status == HG_WIRE_OK ? hg_cursor_read_i32(&peek->cursor, count) : status;
}

/* Reads a TColumn as far as the number of its values: the struct of one type's values, of which
 * field 1 is a list (the other is the bitmap of nulls). */
static HgWireStatus read_column(Peek *peek)
{
    guint8 type;
    gint16 id;
    HgWireStatus status = hg_cursor_read_field(&peek->cursor, &type, &id);
    if (status != HG_WIRE_OK || type != HG_THRIFT_STRUCT)
        return status;
    for (;;) {
        status = hg_cursor_read_field(&peek->cursor, &type, &id);
        if (status != HG_WIRE_OK || type == HG_THRIFT_STOP)
            return status;
        if (id != 1 || type != HG_THRIFT_LIST) {
            status = hg_cursor_skip(&peek->cursor, type, IN_COLUMN);
            if (status != HG_WIRE_OK)
                return status;
            continue;
        }
        gint32 count = 0;
        status = read_list_head(peek, &type, &count);
        peek->out->has_rows = status == HG_WIRE_OK && count > 0;
        if (status == HG_WIRE_OK)
            peek->out->rows = count;
        return status;
    }
}

/* Reads a TRowSet until it is clear whether there are rows. Never goes over the rows themselves. */
static HgWireStatus read_rows(Peek *peek, guint8 type)
{
    HgReplyHead *out = peek->out;
    if (type != HG_THRIFT_STRUCT)
        return HG_WIRE_BAD;
    for (;;) {
        gint16 id;
        guint32 offset = (guint32)hg_cursor_offset(&peek->cursor);
        HgWireStatus status = hg_cursor_read_field(&peek->cursor, &type, &id);
        if (status == HG_WIRE_OK && type == HG_THRIFT_STOP)
            out->rows_end = offset;
        if (status != HG_WIRE_OK || type == HG_THRIFT_STOP)
            return status;
        if (type != HG_THRIFT_LIST || (id != ROWS && id != COLUMNS)) {
            status = hg_cursor_skip(&peek->cursor, type, IN_FIELD);
            if (status != HG_WIRE_OK)
                return status;
            continue;
        }
        gint32 count = 0;
        status = read_list_head(peek, &type, &count);
        if (status != HG_WIRE_OK)
            return status;
        if (count < 0 || (count > 0 && type != HG_THRIFT_STRUCT))
            return HG_WIRE_BAD;
        if (count > 0 && id == COLUMNS)
            return read_column(peek);
        out->has_rows = count > 0;
        out->rows = count;
        if (count > 0 || type != HG_THRIFT_STRUCT)
            return HG_WIRE_OK;
        if (id == COLUMNS)
            out->columns_offset = (guint32)hg_cursor_offset(&peek->cursor) - (guint32)sizeof count;
    }
}

static HgWireStatus read_more(Peek *peek, guint8 type)
{
    if (type != HG_THRIFT_BOOL)
        return HG_WIRE_BAD;
    guint8 more;
    guint32 offset = (guint32)hg_cursor_offset(&peek->cursor);
    HgWireStatus status = hg_cursor_read_byte(&peek->cursor, &more);
    if (status == HG_WIRE_OK)
        peek->out->more_offset = offset;
    return status;
}

static HgWireStatus read_protocol(Peek *peek, guint8 type)
{
    guint32 offset = (guint32)hg_cursor_offset(&peek->cursor);
    HgWireStatus status = read_number(peek, type, &peek->out->protocol);
    if (status == HG_WIRE_OK)
        peek->out->protocol_offset = offset;
    return status;
}

static HgWireStatus read_response_field(Peek *peek, guint8 type, gint16 id)
{
    const HgMethod *method = peek->method;
    HgReplyHead *out = peek->out;
    if (id == 1 && method->id != HG_METHOD_GET_QUERY_ID)
        return read_status(peek, type);
    if (id == 2 && method->id == HG_METHOD_GET_OPERATION_STATUS)
        return read_number(peek, type, &out->operation_state);
    if (id == 2 && method->id == HG_METHOD_OPEN_SESSION)
        return read_protocol(peek, type);
    if (id == 2 && method->id == HG_METHOD_FETCH_RESULTS)
        return read_more(peek, type);
    if (id == 3 && method->id == HG_METHOD_FETCH_RESULTS && out->status_code >= 0) {
        peek->enough = TRUE;
        return read_rows(peek, type);
    }
    if ((id == 2 && method->gives == HG_GIVES_OPERATION) ||
        (id == 3 && method->gives == HG_GIVES_SESSION))
        return read_handle(peek, type);
    return hg_cursor_skip(&peek->cursor, type, IN_RESPONSE);
}

/* TRUE when all is known that this method's reply can tell. */
static gboolean is_complete(const Peek *peek)
{
    const HgMethod *method = peek->method;
    const HgReplyHead *out = peek->out;
    if (method->id == HG_METHOD_GET_QUERY_ID)
        return TRUE;
    if (out->status_code < 0)
        return FALSE;
    switch (method->gives) {
    case HG_GIVES_SESSION:
        return out->has_handle && out->protocol >= 0;
    case HG_GIVES_OPERATION:
        return out->has_handle;
    case HG_GIVES_NOTHING:
        break;
    }
    if (method->id == HG_METHOD_FETCH_RESULTS)
        return peek->enough;
    return method->id != HG_METHOD_GET_OPERATION_STATUS || out->operation_state >= 0;
}

static HgWireStatus read_response(Peek *peek)
{
    for (;;) {
        guint8 type;
        gint16 id;
        HgWireStatus status = hg_cursor_read_field(&peek->cursor, &type, &id);
        if (status != HG_WIRE_OK || type == HG_THRIFT_STOP)
            return status;
        status = read_response_field(peek, type, id);
        if (status != HG_WIRE_OK || is_complete(peek))
            return status;
    }
}

static HgWireStatus read_result(Peek *peek)
{
    for (;;) {
        guint8 type;
        gint16 id;
        HgWireStatus status = hg_cursor_read_field(&peek->cursor, &type, &id);
        if (status != HG_WIRE_OK || type == HG_THRIFT_STOP)
            return status;
        if (id == 0 && type != HG_THRIFT_STRUCT)
            return HG_WIRE_BAD;
        if (id == 0) {
            peek->out->fields_offset = (guint32)hg_cursor_offset(&peek->cursor);
            return read_response(peek);
        }
        status = hg_cursor_skip(&peek->cursor, type, IN_RESULT);
        if (status != HG_WIRE_OK)
            return status;
    }
}

HgWireStatus hg_reply_peek(HgSlice bytes, const HgMethod *method, HgReplyHead *out)
{
    *out = (HgReplyHead){
        .status_code = -1, .operation_state = -1, .protocol = -1, .rows = -1, .operation_type = -1};
    Peek peek = {.cursor = hg_cursor(bytes), .method = method, .out = out};
    HgWireStatus status = hg_cursor_read_head(&peek.cursor, &out->head);
    if (status != HG_WIRE_OK)
        return status;
    out->exception = out->head.type == HG_MESSAGE_EXCEPTION;
    if (out->head.type != HG_MESSAGE_REPLY || method->id == HG_METHOD_GET_QUERY_ID)
        return HG_WIRE_OK;
    status = read_result(&peek);
    if (status == HG_WIRE_SHORT && method->gives == HG_GIVES_NOTHING && out->status_code >= 0)
        return HG_WIRE_OK;
    return status;
}

gboolean hg_reply_answers(const HgReplyHead *reply, HgSlice name, gint32 seqid)
{
    return (reply->head.type == HG_MESSAGE_REPLY || reply->head.type == HG_MESSAGE_EXCEPTION) &&
           reply->head.seqid == seqid && hg_slice_equal(reply->head.name, name);
}

void hg_reply_get_handle(const HgReplyHead *reply, const guint8 *message, HgHandle *out)
{
    g_assert(reply->has_handle);
    memcpy(out->guid, message + reply->guid_offset, HG_HANDLE_HALF);
    memcpy(out->secret, message + reply->secret_offset, HG_HANDLE_HALF);
}

void hg_reply_set_handle(const HgReplyHead *reply, guint8 *message, const HgHandle *handle)
{
    g_assert(reply->has_handle);
    memcpy(message + reply->guid_offset, handle->guid, HG_HANDLE_HALF);
    memcpy(message + reply->secret_offset, handle->secret, HG_HANDLE_HALF);
}

/* Replaces each occurrence of `from` by `to`; both have `length` bytes. */
static guint replace_all(guint8 *bytes, gsize size, const char *from, const char *to, gsize length)
{
    guint count = 0;
    guint8 *end = bytes + size;
    for (guint8 *at = bytes; (at = memmem(at, (gsize)(end - at), from, length)) != NULL;
         at += length) {
        memcpy(at, to, length);
        count++;
    }
    return count;
}

/* Half a handle as Java prints binary fields of a struct: "0A 1B ... FF". */
static void half_text(const guint8 half[HG_HANDLE_HALF], char out[HALF_TEXT_SIZE])
{
    for (gsize i = 0; i < HG_HANDLE_HALF; i++)
        g_snprintf(out + 3 * i, 4, i + 1 < HG_HANDLE_HALF ? "%02X " : "%02X", half[i]);
}

guint hg_reply_replace_text(guint8 *bytes, gsize size, const HgHandle *from, const HgHandle *to)
{
    char from_text[HALF_TEXT_SIZE];
    char to_text[HALF_TEXT_SIZE];
    hg_handle_text(from, from_text);
    hg_handle_text(to, to_text);
    guint count = replace_all(bytes, size, from_text, to_text, HG_HANDLE_TEXT_SIZE - 1);
    const guint8 *from_halves[] = {from->guid, from->secret};
    const guint8 *to_halves[] = {to->guid, to->secret};
    for (guint i = 0; i < G_N_ELEMENTS(from_halves); i++) {
        half_text(from_halves[i], from_text);
        half_text(to_halves[i], to_text);
        count += replace_all(bytes, size, from_text, to_text, HALF_TEXT_SIZE - 1);
    }
    return count;
}
