/* Rows of hivegate.event: see row.h. Pure. */
#include "audit/row.h"

#include "audit/fields.h"

#include <time.h>

#define COLUMNS       23
#define AT_SEQUENCE   3
#define AT_HASH       4
#define AT_BODY       22
#define SECONDS_A_DAY 86400

typedef enum {
    COLUMN_TEXT,   /* any text */
    COLUMN_PLAIN,  /* an id or a number */
    COLUMN_TIME,   /* a time */
    COLUMN_LIST,   /* an array of texts */
    COLUMN_SPECIAL /* not from a member of the same name */
} ColumnForm;

typedef struct {
    const char *name;
    ColumnForm form;
} Column;

static const Column columns[COLUMNS] = {
    {"day", COLUMN_SPECIAL},
    {"id", COLUMN_PLAIN},
    {"spool", COLUMN_SPECIAL},
    {"sequence", COLUMN_SPECIAL},
    {"hash", COLUMN_SPECIAL},
    {"kind", COLUMN_TEXT},
    {"at", COLUMN_TIME},
    {"statement_id", COLUMN_PLAIN},
    {"session_id", COLUMN_TEXT},
    {"principal", COLUMN_TEXT},
    {"effective_user", COLUMN_TEXT},
    {"client_address", COLUMN_TEXT},
    {"listener", COLUMN_TEXT},
    {"pool", COLUMN_TEXT},
    {"endpoint", COLUMN_TEXT},
    {"database", COLUMN_TEXT},
    {"tables_read", COLUMN_LIST},
    {"tables_written", COLUMN_LIST},
    {"sql_state", COLUMN_TEXT},
    {"rows_returned", COLUMN_PLAIN},
    {"bytes_returned", COLUMN_PLAIN},
    {"run_us", COLUMN_PLAIN},
    {"body", COLUMN_SPECIAL},
};

const char hg_row_columns[] =
    "day,id,spool,sequence,hash,kind,at,statement_id,session_id,principal,effective_user,"
    "client_address,listener,pool,endpoint,database,tables_read,tables_written,sql_state,"
    "rows_returned,bytes_returned,run_us,body";

const char hg_row_definition[] =
    "day date,id uuid,spool uuid,sequence bigint,hash bytea,kind text,at timestamptz,"
    "statement_id uuid,session_id text,principal text,effective_user text,client_address text,"
    "listener text,pool text,endpoint text,database text,tables_read text[],"
    "tables_written text[],sql_state text,rows_returned bigint,bytes_returned bigint,"
    "run_us bigint,body json";

void hg_row_day(const HgAuditId *id, char out[HG_ROW_DAY])
{
    time_t seconds = (time_t)hg_audit_id_day(id) * SECONDS_A_DAY;
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(out, HG_ROW_DAY, "%Y-%m-%d", &parts);
}

/* ---- COPY's text form ---- */

static char escape_of(guint8 byte)
{
    switch (byte) {
    case '\\':
        return '\\';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\v':
        return 'v';
    default:
        return '\0';
    }
}

static void append_escaped(GString *out, HgSlice text)
{
    gsize plain = 0;
    for (gsize i = 0; i < text.size; i++) {
        guint8 byte = text.data[i];
        char escape = byte == '\\' || byte < 0x20 ? escape_of(byte) : '\0';
        if (escape == '\0')
            continue;
        g_string_append_len(out, (const char *)text.data + plain, (gssize)(i - plain));
        g_string_append_c(out, '\\');
        g_string_append_c(out, escape);
        plain = i + 1;
    }
    g_string_append_len(out, (const char *)text.data + plain, (gssize)(text.size - plain));
}

void hg_row_unescape(HgSlice column, GString *out)
{
    static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";
    for (gsize i = 0; i < column.size; i++) {
        char c = (char)column.data[i];
        if (c == '\\' && i + 1 < column.size) {
            c = (char)column.data[++i];
            const char *at = c != '\0' ? strchr(from, c) : NULL;
            c = at != NULL ? to[at - from] : c;
        }
        g_string_append_c(out, c);
    }
}

/* ---- columns ---- */

static gboolean append_text(GString *out, HgSlice value)
{
    HgSlice inner;
    if (!hg_audit_field_string(value, &inner))
        return FALSE;
    if (memchr(inner.data, '\\', inner.size) == NULL) {
        g_string_append_len(out, (const char *)inner.data, (gssize)inner.size);
        return TRUE;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    if (!hg_audit_field_unescape(inner, text))
        return FALSE;
    append_escaped(out, hg_slice(text->str, text->len));
    return TRUE;
}

/* As PostgreSQL prints an array's item: quoted only where it must be. */
static void append_item(GString *out, const GString *item)
{
    gboolean quote = item->len == 0 || g_ascii_strcasecmp(item->str, "null") == 0;
    for (gsize i = 0; i < item->len && !quote; i++)
        quote = strchr("{},\"\\ \t\n\r\v\f", item->str[i]) != NULL;
    if (!quote) {
        g_string_append_len(out, item->str, (gssize)item->len);
        return;
    }
    g_string_append_c(out, '"');
    for (gsize i = 0; i < item->len; i++) {
        if (item->str[i] == '"' || item->str[i] == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, item->str[i]);
    }
    g_string_append_c(out, '"');
}

static gboolean append_list(GString *out, HgSlice value)
{
    g_autoptr(GString) array = g_string_new("{");
    g_autoptr(GString) item = g_string_new(NULL);
    HgFieldsStep step;
    HgSlice inner;
    if (value.size == 0 || value.data[0] != '[')
        return FALSE;
    while ((step = hg_audit_field_item(&value, &inner)) == HG_FIELDS_ONE) {
        g_string_truncate(item, 0);
        if (!hg_audit_field_unescape(inner, item))
            return FALSE;
        if (array->len > 1)
            g_string_append_c(array, ',');
        append_item(array, item);
    }
    if (step == HG_FIELDS_BAD)
        return FALSE;
    g_string_append_c(array, '}');
    append_escaped(out, hg_slice(array->str, array->len));
    return TRUE;
}

/* "2026-11-21T10:00:00.120000Z" becomes "2026-11-21 10:00:00.12+00". */
static gboolean append_time(GString *out, HgSlice value)
{
    HgSlice text;
    if (!hg_audit_field_string(value, &text) || text.size < 20 || text.data[text.size - 1] != 'Z' ||
        memchr(text.data, '\\', text.size) != NULL)
        return FALSE;
    gsize size = text.size - 1;
    while (text.data[size - 1] == '0')
        size--;
    size -= text.data[size - 1] == '.';
    gsize at = out->len;
    g_string_append_len(out, (const char *)text.data, (gssize)size);
    g_string_append(out, "+00");
    char *t = strchr(out->str + at, 'T');
    if (t != NULL)
        *t = ' ';
    return t != NULL;
}

static gboolean append_plain(GString *out, HgSlice value)
{
    HgSlice inner = value;
    if (value.data[0] == '"' && !hg_audit_field_string(value, &inner))
        return FALSE;
    for (gsize i = 0; i < inner.size; i++)
        if (!g_ascii_isxdigit(inner.data[i]) && inner.data[i] != '-')
            return FALSE;
    g_string_append_len(out, (const char *)inner.data, (gssize)inner.size);
    return inner.size > 0;
}

static gboolean append_value(GString *out, ColumnForm form, HgSlice value)
{
    switch (form) {
    case COLUMN_TEXT:
        return append_text(out, value);
    case COLUMN_PLAIN:
        return append_plain(out, value);
    case COLUMN_TIME:
        return append_time(out, value);
    case COLUMN_LIST:
        return append_list(out, value);
    case COLUMN_SPECIAL:
        break;
    }
    g_return_val_if_reached(FALSE);
}

/* Finds the value of each column among the members. */
static gboolean collect(HgSlice payload, HgSlice values[COLUMNS])
{
    HgAuditField field;
    HgFieldsStep step;
    HgSlice rest;
    guint next = 0; /* members come in the order of the columns, others between them */
    if (!hg_audit_fields_begin(payload, &rest))
        return FALSE;
    while ((step = hg_audit_fields_next(&rest, &field)) == HG_FIELDS_ONE)
        for (guint i = 0; i < COLUMNS; i++) {
            guint at = (next + i) % COLUMNS;
            if (columns[at].form == COLUMN_SPECIAL ||
                !hg_slice_equal_string(field.name, columns[at].name))
                continue;
            values[at] = field.value;
            next = at + 1;
            break;
        }
    return step == HG_FIELDS_END;
}

static gboolean read_id(HgSlice value, HgAuditId *id)
{
    HgSlice inner;
    char text[HG_AUDIT_ID_TEXT];
    if (value.data == NULL || !hg_audit_field_string(value, &inner) ||
        inner.size != HG_AUDIT_ID_TEXT - 1)
        return FALSE;
    memcpy(text, inner.data, inner.size);
    text[inner.size] = '\0';
    return hg_audit_id_parse(text, id);
}

/* The columns that aren't members of the event, but for the body. */
static void append_head(GString *out, const HgAuditId *id, HgSlice id_value, const HgAuditId *spool,
                        guint64 sequence, const HgAuditHash *hash)
{
    char day[HG_ROW_DAY], spool_text[HG_AUDIT_ID_TEXT], hash_text[HG_AUDIT_HASH_TEXT];
    hg_row_day(id, day);
    hg_audit_id_print(spool, spool_text);
    hg_audit_hash_print(hash, hash_text);
    g_string_append(out, day);
    g_string_append_c(out, '\t');
    append_plain(out, id_value);
    g_string_append_printf(out, "\t%s\t%" G_GUINT64_FORMAT "\t\\\\x%s", spool_text, sequence,
                           hash_text);
}

gboolean hg_row_append(GString *out, const HgAuditId *spool, guint64 sequence,
                       const HgAuditHash *hash, HgSlice payload)
{
    HgSlice values[COLUMNS] = {{0}};
    gsize before = out->len;
    HgAuditId id;
    if (!g_utf8_validate_len((const char *)payload.data, payload.size, NULL) ||
        !collect(payload, values) || !read_id(values[1], &id))
        return FALSE;
    append_head(out, &id, values[1], spool, sequence, hash);
    for (guint i = AT_HASH + 1; i < AT_BODY; i++) {
        g_string_append_c(out, '\t');
        if (values[i].data == NULL) {
            g_string_append(out, "\\N");
        } else if (!append_value(out, columns[i].form, values[i])) {
            g_string_truncate(out, before);
            return FALSE;
        }
    }
    g_string_append_c(out, '\t');
    append_escaped(out, payload);
    g_string_append_c(out, '\n');
    return TRUE;
}

/* ---- taking apart ---- */

static gboolean parse_hash(HgSlice text, HgAuditHash *out)
{
    if (text.size != 3 + 2 * sizeof out->bytes || memcmp(text.data, "\\\\x", 3) != 0)
        return FALSE;
    for (gsize i = 0; i < sizeof out->bytes; i++) {
        int high = g_ascii_xdigit_value((char)text.data[3 + 2 * i]);
        int low = g_ascii_xdigit_value((char)text.data[4 + 2 * i]);
        if (high < 0 || low < 0)
            return FALSE;
        out->bytes[i] = (guint8)(high << 4 | low);
    }
    return TRUE;
}

gboolean hg_row_parse(HgSlice line, HgRowParts *out)
{
    HgSlice parts[COLUMNS];
    for (guint i = 0; i < COLUMNS; i++) {
        const guint8 *tab = memchr(line.data, '\t', line.size);
        if ((tab == NULL) != (i == AT_BODY))
            return FALSE;
        gsize size = tab != NULL ? (gsize)(tab - line.data) : line.size;
        parts[i] = hg_slice(line.data, size);
        gsize skip = MIN(size + 1, line.size);
        line = hg_slice(line.data + skip, line.size - skip);
    }
    g_autofree char *number = hg_slice_dup_string(parts[AT_SEQUENCE]);
    char *end = NULL;
    out->sequence = g_ascii_strtoull(number, &end, 10);
    out->body = parts[AT_BODY];
    return *end == '\0' && end != number && parse_hash(parts[AT_HASH], &out->hash);
}
