/* The dialect of Databricks' clients: see dialect.h. Pure; any thread. */
#include "hs2/dialect.h"

#define V3 (HG_PROTOCOL_SPARK_V1 + 2)
#define V4 (HG_PROTOCOL_SPARK_V1 + 3)

HgDialect hg_dialect_find(const HgRequest *request)
{
    if (request->spark_protocol == 0)
        return (HgDialect){0};
    /* Simba's drivers send these; they set their schema by a statement when they get a version that
     * knows no namespaces */
    if (request->has_get_infos || request->properties.offset != 0)
        return (HgDialect){.protocol = MIN(request->spark_protocol, V3)};
    gboolean names = request->catalog.size > 0 || request->database.size > 0;
    return (HgDialect){.protocol = MIN(request->spark_protocol, names ? V4 : V3),
                       .says_format = TRUE,
                       .has_catalogs = request->catalog.size > 0};
}

/* ---- where a session starts ---- */

static gboolean is_plain_identifier(HgSlice name)
{
    for (gsize i = 0; i < name.size; i++) {
        if (!g_ascii_isalpha(name.data[i]) && name.data[i] != '_' &&
            (i == 0 || !g_ascii_isdigit(name.data[i])))
            return FALSE;
    }
    return name.size > 0;
}

/* Appends a name as Spark's SQL reads it. Plain ones stay as they are: for Hive the variable is no
 * SQL. */
static void append_identifier(GString *out, HgSlice name)
{
    if (is_plain_identifier(name)) {
        g_string_append_len(out, (const char *)name.data, (gssize)name.size);
        return;
    }
    g_string_append_c(out, '`');
    for (gsize i = 0; i < name.size; i++) {
        if (name.data[i] == '`')
            g_string_append_c(out, '`');
        g_string_append_c(out, (char)name.data[i]);
    }
    g_string_append_c(out, '`');
}

/* TRUE for what clients call the catalog of a server that has only one. */
static gboolean is_the_catalog(HgSlice name)
{
    static const char *const names[] = {"", "spark", "spark_catalog", "hive_metastore"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strlen(names[i]) == name.size &&
            g_ascii_strncasecmp(names[i], (const char *)name.data, name.size) == 0)
            return TRUE;
    }
    return FALSE;
}

char *hg_dialect_database(const HgRequest *request, HgSlice message)
{
    HgSlice catalog = hg_slice(message.data + request->catalog.offset, request->catalog.size);
    HgSlice database = hg_slice(message.data + request->database.offset, request->database.size);
    gboolean other = !is_the_catalog(catalog);
    if (request->spark_protocol == 0 || (database.size == 0 && !other))
        return NULL;
    GString *out = g_string_new(NULL);
    if (other) {
        append_identifier(out, catalog);
        g_string_append_c(out, '.');
    }
    append_identifier(out, database.size > 0 ? database : hg_slice_from_string("default"));
    return g_string_free(out, FALSE);
}

/* ---- replies ---- */

/* What is added, as Thrift fields. TGetResultSetMetadataResp.resultFormat = COLUMN_BASED_SET: */
#define FORMAT_FIELD HG_THRIFT_I32, 0x05, 0x01, 0, 0, 0, 1
/* TOpenSessionResp.canUseMultipleCatalogs = true */
static const guint8 catalogs_field[] = {HG_THRIFT_BOOL, 0x05, 0x05, 1};
static const guint8 format_field[] = {FORMAT_FIELD};
/* TFetchResultsResp.resultSetMetadata with a status of SUCCESS, which has to be there */
static const guint8 metadata_field[] = {
    HG_THRIFT_STRUCT,
    0x05,
    0x01,
    HG_THRIFT_STRUCT,
    0,
    1,
    HG_THRIFT_I32,
    0,
    1,
    0,
    0,
    0,
    0,
    HG_THRIFT_STOP,
    FORMAT_FIELD,
    HG_THRIFT_STOP,
};
/* A TColumn of strings without values: stringVal = {values = [], nulls = ""} */
#define EMPTY_COLUMN                                                                               \
    HG_THRIFT_STRUCT, 0, 7, HG_THRIFT_LIST, 0, 1, HG_THRIFT_STRING, 0, 0, 0, 0, HG_THRIFT_STRING,  \
        0, 2, 0, 0, 0, 0, HG_THRIFT_STOP, HG_THRIFT_STOP
static const guint8 empty_column[] = {EMPTY_COLUMN};
/* TRowSet.columns with that one */
static const guint8 columns_field[] = {
    HG_THRIFT_LIST, 0, 3, HG_THRIFT_STRUCT, 0, 0, 0, 1, EMPTY_COLUMN,
};
G_STATIC_ASSERT(sizeof metadata_field + sizeof columns_field == HG_DIALECT_GROWTH);

/* Puts bytes in at an offset: what is in front of it moves, so that a reply can be edited of which
 * only the beginning is there. */
static guint insert(guint8 *message, guint32 offset, const guint8 *bytes, guint size)
{
    memmove(message - size, message, offset);
    memcpy(message - size + offset, bytes, size);
    return size;
}

/* Puts fields in front of the response struct's own: their order is free. */
static guint insert_fields(const HgReplyHead *head, guint8 *message, const guint8 *fields,
                           guint size)
{
    return insert(message, head->fields_offset, fields, size);
}

/* Gives a batch without columns an empty one. */
static guint add_column(const HgReplyHead *head, guint8 *message)
{
    static const guint8 one[] = {0, 0, 0, 1};
    if (head->rows_end == 0)
        return 0;
    if (head->columns_offset == 0)
        return insert(message, head->rows_end, columns_field, sizeof columns_field);
    memcpy(message + head->columns_offset, one, sizeof one);
    return insert(message, head->columns_offset + (guint32)sizeof one, empty_column,
                  sizeof empty_column);
}

/* What the connector wants to find in each batch. */
static guint complete_batch(const HgReplyHead *head, guint8 *message)
{
    guint grown = add_column(head, message);
    return grown + insert_fields(head, message - grown, metadata_field, sizeof metadata_field);
}

static void raise_protocol(const HgReplyHead *head, guint8 *message, gint32 protocol)
{
    gint32 big = GINT32_TO_BE(protocol);
    if (head->protocol_offset != 0 && head->protocol < protocol)
        memcpy(message + head->protocol_offset, &big, sizeof big);
}

guint hg_dialect_edit(const HgDialect *dialect, const HgMethod *method, const HgReplyHead *head,
                      guint8 *message)
{
    if (dialect->protocol == 0 || head->exception || head->fields_offset == 0 ||
        (head->status_code != HG_STATUS_SUCCESS &&
         head->status_code != HG_STATUS_SUCCESS_WITH_INFO))
        return 0;
    switch (method->id) {
    case HG_METHOD_OPEN_SESSION:
        raise_protocol(head, message, dialect->protocol);
        return dialect->has_catalogs
                   ? insert_fields(head, message, catalogs_field, sizeof catalogs_field)
                   : 0;
    case HG_METHOD_GET_RESULT_SET_METADATA:
        return dialect->says_format
                   ? insert_fields(head, message, format_field, sizeof format_field)
                   : 0;
    case HG_METHOD_FETCH_RESULTS:
        if (head->more_offset != 0 && head->has_rows)
            message[head->more_offset] = 1;
        return dialect->says_format ? complete_batch(head, message) : 0;
    default:
        return 0;
    }
}
