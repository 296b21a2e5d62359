/* The validator of requests: see request.h. Walks the bytes along the tables of hs2/schema.
 *
 * Owns nothing and allocates nothing, except for the keys of a map of more than FEW_KEYS entries.
 * Any thread. */
#include "hs2/request.h"

#include "hs2/schema.h"
#include "hs2/utf8.h"
#include "wire/layout.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#define DEFAULT_PROTOCOL 9  /* HIVE_CLI_SERVICE_PROTOCOL_V10 */
#define FEW_KEYS         32 /* up to here a map's keys are compared each with each, on the stack */
#define LOW_IDS          64 /* field ids below are kept as bits */

/* Where the reader stands. `depth` counts the structs and containers open around the next value. */
typedef struct {
    HgCursor cursor;
    guint depth;
    HgRequest *out;
} Reader;

/* The field ids that a struct has had so far. */
typedef struct {
    guint64 low; /* bit n: id n, for 0 <= n < LOW_IDS */
    guint others;
    gint16 other[HG_THRIFT_MAX_FIELDS];
} SeenIds;

static const char *method_name(const Reader *reader)
{
    return reader->out->method->name;
}

static HgRequestStatus fail(Reader *reader, HgRequestStatus status, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Notes why, and returns `status`. The first reason stays. */
static HgRequestStatus fail(Reader *reader, HgRequestStatus status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_vsnprintf(reader->out->why, HG_REQUEST_WHY_SIZE, format, args);
    va_end(args);
    return status;
}

/* The status of a read that wasn't OK. */
static HgRequestStatus fail_wire(Reader *reader, HgWireStatus status)
{
    if (status == HG_WIRE_SHORT)
        return HG_REQUEST_SHORT;
    const HgMethod *method = reader->out->method;
    return fail(reader, HG_REQUEST_BROKEN,
                "%s: the bytes aren't Thrift, or are nested more than %d deep",
                method != NULL ? method->name : "message", HG_THRIFT_MAX_DEPTH);
}

static HgRequestStatus refuse_field(Reader *reader, const HgFieldSchema *field, gint16 id,
                                    const char *what)
{
    if (field == NULL)
        return fail(reader, HG_REQUEST_REFUSED, "%s: field %d %s", method_name(reader), id, what);
    return fail(reader, HG_REQUEST_REFUSED, "%s: field %d (%s) %s", method_name(reader), id,
                field->name, what);
}

static HgRequestStatus refuse_text(Reader *reader, const HgFieldSchema *field, gint16 id,
                                   HgSlice text)
{
    return refuse_field(reader, field, id,
                        text.size > 0 && memchr(text.data, 0, text.size) != NULL
                            ? "holds a NUL character"
                            : "isn't valid UTF-8");
}

/* Notes a field that isn't there, in Spark's words but without the values: they hold the secret. */
static void note_missing(Reader *reader, const HgStructSchema *schema, const HgFieldSchema *field)
{
    if (reader->out->incomplete)
        return;
    reader->out->incomplete = TRUE;
    fail(reader, HG_REQUEST_OK, "Required field '%s' is unset! Struct:%s", field->name,
         schema->name);
}

/* FALSE when the struct has had the id already. */
static gboolean note_id(SeenIds *seen, gint16 id)
{
    if (id >= 0 && id < LOW_IDS) {
        guint64 bit = G_GUINT64_CONSTANT(1) << id;
        if ((seen->low & bit) != 0)
            return FALSE;
        seen->low |= bit;
        return TRUE;
    }
    for (guint i = 0; i < seen->others; i++) {
        if (seen->other[i] == id)
            return FALSE;
    }
    seen->other[seen->others++] = id;
    return TRUE;
}

static HgSpan span_from(const Reader *reader, const guint8 *first)
{
    return (HgSpan){(guint32)(first - reader->cursor.start), (guint32)(reader->cursor.at - first)};
}

static void capture_span(Reader *reader, HgCapture capture, const guint8 *first)
{
    HgRequest *out = reader->out;
    HgSpan span = span_from(reader, first);
    switch (capture) {
    case HG_CAPTURE_REQ:
        out->req_fields = span;
        break;
    case HG_CAPTURE_GUID:
        out->guid_offset = span.size == HG_HANDLE_HALF ? span.offset : 0;
        break;
    case HG_CAPTURE_SECRET:
        out->secret_offset = span.size == HG_HANDLE_HALF ? span.offset : 0;
        break;
    case HG_CAPTURE_STATEMENT:
        out->statement = span;
        break;
    case HG_CAPTURE_CONFIGURATION:
        out->configuration = span;
        break;
    case HG_CAPTURE_USERNAME:
        out->username = span;
        break;
    case HG_CAPTURE_PASSWORD:
        out->password = span;
        break;
    case HG_CAPTURE_PROPERTIES:
        out->properties = span;
        break;
    case HG_CAPTURE_CATALOG:
        out->catalog = span;
        break;
    case HG_CAPTURE_DATABASE:
        out->database = span;
        break;
    default:
        break;
    }
}

static gboolean is_spark_protocol(gint64 version)
{
    return version >= HG_PROTOCOL_SPARK_V1 && version <= HG_PROTOCOL_SPARK_LAST;
}

static void capture_number(Reader *reader, HgCapture capture, gint64 value)
{
    HgRequest *out = reader->out;
    switch (capture) {
    case HG_CAPTURE_OPERATION_TYPE:
        out->operation_type = (gint32)value;
        break;
    case HG_CAPTURE_PROTOCOL:
        out->has_protocol = TRUE;
        out->protocol = (gint32)value;
        break;
    case HG_CAPTURE_INFO_TYPE:
        out->info_type = (gint32)value;
        break;
    case HG_CAPTURE_RUN_ASYNC:
        out->run_async = value != 0;
        break;
    case HG_CAPTURE_FETCH_TYPE:
        out->fetch_type = (gint16)value;
        break;
    case HG_CAPTURE_GET_INFOS:
        out->has_get_infos = TRUE;
        break;
    case HG_CAPTURE_SPARK_PROTOCOL:
        out->spark_protocol = is_spark_protocol(value) ? (gint32)value : 0;
        break;
    default:
        break;
    }
}

/* ---- maps and lists of text ---- */

static int compare_keys(const void *a, const void *b)
{
    const HgSlice *left = a;
    const HgSlice *right = b;
    if (left->size != right->size)
        return left->size < right->size ? -1 : 1;
    return left->size == 0 ? 0 : memcmp(left->data, right->data, left->size);
}

/* TRUE when two of the keys are the same. Sorts them when there are many: a hash could be flooded.
 */
static gboolean have_double(HgSlice *keys, guint count)
{
    if (count <= FEW_KEYS) {
        for (guint i = 1; i < count; i++) {
            for (guint j = 0; j < i; j++) {
                if (hg_slice_equal(keys[i], keys[j]))
                    return TRUE;
            }
        }
        return FALSE;
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (guint i = 1; i < count; i++) {
        if (hg_slice_equal(keys[i - 1], keys[i]))
            return TRUE;
    }
    return FALSE;
}

/* Reads a text of a map or list that belongs to `field`. */
static HgRequestStatus read_element(Reader *reader, const HgFieldSchema *field, gint16 id,
                                    HgSlice *out)
{
    HgWireStatus status = hg_cursor_read_string(&reader->cursor, out);
    if (status != HG_WIRE_OK)
        return fail_wire(reader, status);
    if (!hg_utf8_is_clean(*out))
        return refuse_text(reader, field, id, *out);
    return HG_REQUEST_OK;
}

static HgRequestStatus read_entries(Reader *reader, const HgFieldSchema *field, gint16 id,
                                    HgSlice *keys, guint count)
{
    for (guint i = 0; i < count; i++) {
        HgSlice value;
        HgRequestStatus status = read_element(reader, field, id, &keys[i]);
        if (status == HG_REQUEST_OK && keys[i].size > HG_REQUEST_MAX_MAPKEY)
            return refuse_field(reader, field, id, "has a key of more than 4096 bytes");
        if (status == HG_REQUEST_OK)
            status = read_element(reader, field, id, &value);
        if (status != HG_REQUEST_OK)
            return status;
    }
    if (have_double(keys, count))
        return refuse_field(reader, field, id, "has the same key twice");
    return HG_REQUEST_OK;
}

/* Reads the type bytes (`types` of them) and the count in front of a map's or list's elements. Java
 * doesn't look at the type bytes, so what they say has to be what the service declares. */
static HgRequestStatus read_container_head(Reader *reader, const HgFieldSchema *field, gint16 id,
                                           guint types, HgThriftType wanted, const char *name,
                                           gint32 *count)
{
    gboolean all_wanted = TRUE;
    for (guint i = 0; i < types; i++) {
        guint8 type = 0;
        HgWireStatus status = hg_cursor_read_byte(&reader->cursor, &type);
        if (status != HG_WIRE_OK)
            return fail_wire(reader, status);
        all_wanted = all_wanted && type == wanted;
    }
    HgWireStatus status = hg_cursor_read_i32(&reader->cursor, count);
    if (status != HG_WIRE_OK)
        return fail_wire(reader, status);
    if (*count < 0)
        return fail_wire(reader, HG_WIRE_BAD);
    if (*count > 0 && !all_wanted) {
        g_autofree char *what = g_strconcat("holds other elements than ", name, NULL);
        return refuse_field(reader, field, id, what);
    }
    return HG_REQUEST_OK;
}

static HgRequestStatus read_text_map(Reader *reader, const HgFieldSchema *field, gint16 id)
{
    const guint8 *first = reader->cursor.at;
    gint32 count = 0;
    HgRequestStatus status =
        read_container_head(reader, field, id, 2, HG_THRIFT_STRING, "strings", &count);
    if (status != HG_REQUEST_OK)
        return status;
    if (count > HG_REQUEST_MAX_MAP)
        return refuse_field(reader, field, id, "has more than 4096 entries");
    if (count <= FEW_KEYS) {
        HgSlice few[FEW_KEYS];
        status = read_entries(reader, field, id, few, (guint)count);
    } else {
        g_autofree HgSlice *many = g_new(HgSlice, (gsize)count);
        status = read_entries(reader, field, id, many, (guint)count);
    }
    if (status == HG_REQUEST_OK)
        capture_span(reader, field->capture, first);
    return status;
}

static HgRequestStatus read_text_list(Reader *reader, const HgFieldSchema *field, gint16 id)
{
    gint32 count = 0;
    HgRequestStatus status =
        read_container_head(reader, field, id, 1, HG_THRIFT_STRING, "strings", &count);
    for (gint32 i = 0; i < count && status == HG_REQUEST_OK; i++) {
        HgSlice element;
        status = read_element(reader, field, id, &element);
    }
    return status;
}

static HgRequestStatus read_number_list(Reader *reader, const HgFieldSchema *field, gint16 id)
{
    gint32 count = 0;
    HgRequestStatus status =
        read_container_head(reader, field, id, 1, HG_THRIFT_I32, "i32", &count);
    for (gint32 i = 0; i < count && status == HG_REQUEST_OK; i++) {
        gint32 element;
        HgWireStatus wire = hg_cursor_read_i32(&reader->cursor, &element);
        if (wire != HG_WIRE_OK)
            status = fail_wire(reader, wire);
    }
    capture_number(reader, field->capture, count);
    return status;
}

/* ---- values ---- */

static HgRequestStatus read_bool(Reader *reader, const HgFieldSchema *field, gint16 id)
{
    guint8 value = 0;
    HgWireStatus status = hg_cursor_read_byte(&reader->cursor, &value);
    if (status != HG_WIRE_OK)
        return fail_wire(reader, status);
    if (value > 1) /* Java takes it for false, other readers for true */
        return refuse_field(reader, field, id, "is a bool, but neither 0 nor 1");
    capture_number(reader, field->capture, value);
    return HG_REQUEST_OK;
}

static HgRequestStatus read_i16(Reader *reader, const HgFieldSchema *field)
{
    gint16 value = 0;
    HgWireStatus status = hg_cursor_read_i16(&reader->cursor, &value);
    if (status != HG_WIRE_OK)
        return fail_wire(reader, status);
    capture_number(reader, field->capture, value);
    return HG_REQUEST_OK;
}

static HgRequestStatus read_i32(Reader *reader, const HgStructSchema *schema,
                                const HgFieldSchema *field)
{
    gint32 value = 0;
    HgWireStatus status = hg_cursor_read_i32(&reader->cursor, &value);
    if (status != HG_WIRE_OK)
        return fail_wire(reader, status);
    /* Java reads an enum value that it doesn't know as null */
    if (field->enum_size > 0 && (value < 0 || value >= field->enum_size))
        note_missing(reader, schema, field);
    capture_number(reader, field->capture, value);
    return HG_REQUEST_OK;
}

static HgRequestStatus read_i64(Reader *reader, const HgFieldSchema *field)
{
    gint64 value = 0;
    HgWireStatus status = hg_cursor_read_i64(&reader->cursor, &value);
    if (status != HG_WIRE_OK)
        return fail_wire(reader, status);
    capture_number(reader, field->capture, value);
    return HG_REQUEST_OK;
}

static HgRequestStatus read_string(Reader *reader, const HgFieldSchema *field, gint16 id)
{
    HgSlice value;
    HgWireStatus status = hg_cursor_read_string(&reader->cursor, &value);
    if (status != HG_WIRE_OK)
        return fail_wire(reader, status);
    if (field->kind == HG_KIND_TEXT && !hg_utf8_is_clean(value))
        return refuse_text(reader, field, id, value);
    capture_span(reader, field->capture, value.data);
    return HG_REQUEST_OK;
}

static HgRequestStatus read_struct(Reader *reader, const HgStructSchema *schema);

static HgRequestStatus skip(Reader *reader, guint8 type)
{
    HgWireStatus status = hg_cursor_skip(&reader->cursor, type, reader->depth);
    return status == HG_WIRE_OK ? HG_REQUEST_OK : fail_wire(reader, status);
}

static HgRequestStatus read_known(Reader *reader, const HgStructSchema *schema,
                                  const HgFieldSchema *field, gint16 id)
{
    switch (field->kind) {
    case HG_KIND_BOOL:
        return read_bool(reader, field, id);
    case HG_KIND_I16:
        return read_i16(reader, field);
    case HG_KIND_I32:
        return read_i32(reader, schema, field);
    case HG_KIND_TEXT:
    case HG_KIND_BINARY:
        return read_string(reader, field, id);
    case HG_KIND_STRUCT: {
        const guint8 *first = reader->cursor.at;
        HgRequestStatus status = read_struct(reader, field->nested);
        if (status == HG_REQUEST_OK)
            capture_span(reader, field->capture, first);
        return status;
    }
    case HG_KIND_TEXT_MAP:
        return read_text_map(reader, field, id);
    case HG_KIND_TEXT_LIST:
        return read_text_list(reader, field, id);
    case HG_KIND_I32_LIST:
        return read_number_list(reader, field, id);
    case HG_KIND_I64:
        return read_i64(reader, field);
    case HG_KIND_DOUBLE:
        return skip(reader, hg_schema_wire_type(field->kind));
    }
    g_assert_not_reached();
}

/* What to call a type byte in an error. */
static const char *type_name(guint8 type)
{
    static const char *const names[] = {
        [HG_THRIFT_BOOL] = "a bool",     [HG_THRIFT_BYTE] = "a byte",
        [HG_THRIFT_DOUBLE] = "a double", [HG_THRIFT_I16] = "an i16",
        [HG_THRIFT_I32] = "an i32",      [HG_THRIFT_I64] = "an i64",
        [HG_THRIFT_STRING] = "a string", [HG_THRIFT_STRUCT] = "a struct",
        [HG_THRIFT_MAP] = "a map",       [HG_THRIFT_SET] = "a set",
        [HG_THRIFT_LIST] = "a list",
    };
    return type < G_N_ELEMENTS(names) && names[type] != NULL ? names[type] : "of no known type";
}

static HgRequestStatus read_field(Reader *reader, const HgStructSchema *schema, guint8 type,
                                  gint16 id)
{
    const HgFieldSchema *field = hg_schema_field(schema, id);
    if (field == NULL)
        return skip(reader, type);
    guint8 expected = hg_schema_wire_type(field->kind);
    if (type != expected && id >= HG_SCHEMA_FIRST_ADDED) /* then it is somebody else's field */
        return skip(reader, type);
    if (type != expected)
        return fail(reader, HG_REQUEST_REFUSED, "%s: field %d (%s) is %s, where the service has %s",
                    method_name(reader), id, field->name, type_name(type), type_name(expected));
    return read_known(reader, schema, field, id);
}

/* Reads the head of a field that isn't STOP. The common case is handled here, without a call: a
 * status request has nine of them. */
static inline HgWireStatus next_field(HgCursor *cursor, guint8 *type, gint16 *id)
{
    const guint8 *at = cursor->at;
    if (cursor->end - at < HG_LAYOUT_FIELD_SIZE || !hg_layout_is_value_type(at[0]))
        return hg_cursor_read_field(cursor, type, id);
    *type = at[0];
    *id = (gint16)((at[1] << 8) | at[2]);
    cursor->at += HG_LAYOUT_FIELD_SIZE;
    return HG_WIRE_OK;
}

/* TRUE, and moves on, when the struct ends here. */
static inline gboolean at_stop(HgCursor *cursor)
{
    if (cursor->at == cursor->end || *cursor->at != HG_THRIFT_STOP)
        return FALSE;
    cursor->at += HG_LAYOUT_STOP_SIZE;
    return TRUE;
}

/* Reads the fields of a struct up to and with its STOP. Calls itself as deep as the tables go. */
static HgRequestStatus read_struct(Reader *reader, const HgStructSchema *schema)
{
    SeenIds seen;
    seen.low = 0;
    seen.others = 0;
    reader->depth++;
    for (guint fields = 0; !at_stop(&reader->cursor); fields++) {
        guint8 type = HG_THRIFT_STOP;
        gint16 id = 0;
        HgWireStatus wire = next_field(&reader->cursor, &type, &id);
        if (wire != HG_WIRE_OK)
            return fail_wire(reader, wire);
        if (fields == HG_THRIFT_MAX_FIELDS)
            return fail(reader, HG_REQUEST_REFUSED, "%s: %s has more than %d fields",
                        method_name(reader), schema->name, HG_THRIFT_MAX_FIELDS);
        if (!note_id(&seen, id))
            return refuse_field(reader, hg_schema_field(schema, id), id, "appears twice");
        HgRequestStatus status = read_field(reader, schema, type, id);
        if (status != HG_REQUEST_OK)
            return status;
    }
    reader->depth--;
    guint32 missing = schema->required & ~(guint32)seen.low;
    if (missing != 0)
        note_missing(reader, schema, &schema->fields[g_bit_nth_lsf(missing, -1) - 1]);
    return HG_REQUEST_OK;
}

/* ---- messages ---- */

/* The protocol version of an OpenSession: Java reads one that it doesn't know as null, but those of
 * Databricks are known here (and replaced by hs2/open). */
static void settle_protocol(Reader *reader)
{
    HgRequest *out = reader->out;
    if (out->protocol >= 0 && out->protocol <= HG_PROTOCOL_HIVE_LAST)
        return;
    gboolean spark = is_spark_protocol(out->protocol);
    if (spark && out->spark_protocol == 0)
        out->spark_protocol = out->protocol;
    if (spark || (out->protocol == HG_PROTOCOL_ELSEWHERE && out->spark_protocol != 0))
        return;
    const HgStructSchema *schema = hg_schema_args(HG_METHOD_OPEN_SESSION)->fields[0].nested;
    note_missing(reader, schema, hg_schema_field(schema, 1));
}

static HgRequestStatus read_body(Reader *reader)
{
    HgRequest *out = reader->out;
    out->method = hg_method_find(out->head.name);
    if (out->head.type != HG_MESSAGE_CALL && out->head.type != HG_MESSAGE_ONEWAY)
        return fail(reader, HG_REQUEST_REFUSED, "%.*s: message type %d is no call",
                    (int)MIN(out->head.name.size, 64u), (const char *)out->head.name.data,
                    out->head.type);
    if (out->method == NULL)
        return skip(reader, HG_THRIFT_STRUCT);
    HgRequestStatus status = read_struct(reader, hg_schema_args(out->method->id));
    out->has_handle = status == HG_REQUEST_OK && out->guid_offset != 0 && out->secret_offset != 0;
    if (status == HG_REQUEST_OK && out->method->id == HG_METHOD_OPEN_SESSION)
        settle_protocol(reader);
    return status;
}

/* Finds the end of a message that is refused, so that the ones behind it can be served. */
static HgRequestStatus find_end(Reader *reader)
{
    reader->cursor.at = reader->cursor.start + reader->out->head.size;
    reader->depth = 0;
    HgWireStatus status = hg_cursor_skip(&reader->cursor, HG_THRIFT_STRUCT, 0);
    return status == HG_WIRE_OK ? HG_REQUEST_REFUSED : fail_wire(reader, status);
}

HgRequestStatus hg_request_read(HgSlice bytes, HgRequest *out)
{
    memset(out, 0, offsetof(HgRequest, why));
    out->why[0] = '\0';
    out->operation_type = -1;
    out->protocol = DEFAULT_PROTOCOL;
    HgSlice view = hg_slice(bytes.data, MIN(bytes.size, HG_REQUEST_MAX_SIZE));
    Reader reader = {.cursor = hg_cursor(view), .out = out};
    HgWireStatus wire = hg_cursor_read_head(&reader.cursor, &out->head);
    HgRequestStatus status = wire == HG_WIRE_OK ? read_body(&reader) : fail_wire(&reader, wire);
    if (status == HG_REQUEST_REFUSED)
        status = find_end(&reader);
    if (status == HG_REQUEST_SHORT) {
        out->why[0] = '\0';
        if (view.size == HG_REQUEST_MAX_SIZE)
            return fail(&reader, HG_REQUEST_BROKEN, "message: longer than %u bytes",
                        HG_REQUEST_MAX_SIZE);
    }
    if (status == HG_REQUEST_OK || status == HG_REQUEST_REFUSED)
        out->size = hg_cursor_offset(&reader.cursor);
    out->incomplete = out->incomplete && status == HG_REQUEST_OK;
    return status;
}

void hg_request_get_handle(const HgRequest *request, const guint8 *message, HgHandle *out)
{
    g_assert(request->has_handle);
    memcpy(out->guid, message + request->guid_offset, HG_HANDLE_HALF);
    memcpy(out->secret, message + request->secret_offset, HG_HANDLE_HALF);
}

void hg_request_set_handle(const HgRequest *request, guint8 *message, const HgHandle *handle)
{
    g_assert(request->has_handle);
    memcpy(message + request->guid_offset, handle->guid, HG_HANDLE_HALF);
    memcpy(message + request->secret_offset, handle->secret, HG_HANDLE_HALF);
}
