/* The OpenSession for the backend: see open.h. Pure; any thread. */
#include "hs2/open.h"

#include "base/error.h"
#include "hs2/dialect.h"
#include "hs2/variable.h"
#include "hs2/writer.h"
#include "wire/cursor.h"

/* Fields of TOpenSessionReq that hivegate writes itself. */
enum { CLIENT_PROTOCOL = 1, USERNAME = 2, PASSWORD = 3, CONFIGURATION = 4 };

/* HIVE_CLI_SERVICE_PROTOCOL_V10, as Hive JDBC: Spark 3.5.3 and 4.0.1 refuse a version that they
 * don't know (measured). */
#define KNOWN_PROTOCOL 9

#define USE_DATABASE "use:database"

/* What hg_cursor_skip() wants for a field of the request struct: args and request are open. */
#define IN_REQUEST 2

/* One rewriting. */
typedef struct {
    const HgRequest *request;
    const guint8 *message;
    const HgOpenPlan *plan;
    HgWriter writer;
    char *database; /* for use:database; NULL: none is added */
} Rewrite;

static HgSlice span_slice(const Rewrite *rewrite, HgSpan span)
{
    return hg_slice(rewrite->message + span.offset, span.size);
}

static gboolean fail_invalid(GError **error)
{
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "OpenSession: the configuration is not a map of strings");
    return FALSE;
}

/* The entries of a map of strings, one after the other. */
typedef struct {
    HgCursor cursor;
    gint32 left;
    gboolean broken;
    HgSlice key; /* of the present entry */
    HgSlice value;
} Entries;

/* Before the first entry: reads the map's head, which is two type bytes and the count. */
static Entries read_entries(HgSlice map)
{
    Entries entries = {.cursor = hg_cursor(map)};
    guint8 type;
    entries.broken = hg_cursor_read_byte(&entries.cursor, &type) != HG_WIRE_OK ||
                     hg_cursor_read_byte(&entries.cursor, &type) != HG_WIRE_OK ||
                     hg_cursor_read_i32(&entries.cursor, &entries.left) != HG_WIRE_OK;
    return entries;
}

/* Goes on to the next entry; FALSE behind the last, and when the map is broken. */
static gboolean next_entry(Entries *entries)
{
    if (entries->broken || entries->left <= 0)
        return FALSE;
    entries->left--;
    entries->broken = hg_cursor_read_string(&entries->cursor, &entries->key) != HG_WIRE_OK ||
                      hg_cursor_read_string(&entries->cursor, &entries->value) != HG_WIRE_OK;
    return !entries->broken;
}

/* What hive.server2.proxy.user may say. */
static const char *asked_user(const Rewrite *rewrite)
{
    const HgOpenPlan *plan = rewrite->plan;
    return plan->asked_user != NULL ? plan->asked_user : plan->effective_user;
}

/* TRUE for variables that are for hivegate, not for the server. */
static gboolean is_own(HgSlice key)
{
    return hg_variable_is(key, HG_VARIABLE_POOL) || hg_variable_is(key, HG_VARIABLE_TRACEPARENT);
}

/* Writes the client's entries that may pass, and counts them in *kept. */
static gboolean write_entries(Rewrite *rewrite, guint32 *kept, GError **error)
{
    Entries entries = read_entries(span_slice(rewrite, rewrite->request->configuration));
    while (next_entry(&entries)) {
        if (is_own(entries.key))
            continue;
        switch (hg_variable_judge(entries.key, entries.value, asked_user(rewrite),
                                  &rewrite->plan->variables, error)) {
        case HG_VARIABLE_PASS:
            hg_writer_string(&rewrite->writer, entries.key);
            hg_writer_string(&rewrite->writer, entries.value);
            if (hg_slice_equal_string(entries.key, USE_DATABASE))
                g_clear_pointer(&rewrite->database, g_free);
            ++*kept;
            break;
        case HG_VARIABLE_DROP:
            break;
        case HG_VARIABLE_REFUSE:
            return FALSE;
        }
    }
    return entries.broken ? fail_invalid(error) : TRUE;
}

/* TRUE when the client sets the variable itself. */
static gboolean is_set(const Rewrite *rewrite, const char *name)
{
    if (rewrite->request->configuration.size == 0)
        return FALSE;
    Entries entries = read_entries(span_slice(rewrite, rewrite->request->configuration));
    while (next_entry(&entries))
        if (hg_variable_is(entries.key, name))
            return TRUE;
    return FALSE;
}

/* Writes what the operator has set for this user and the client hasn't, and counts it in *kept. */
static void write_defaults(Rewrite *rewrite, guint32 *kept)
{
    const char *const *defaults = rewrite->plan->variables.defaults;
    for (; defaults != NULL && defaults[0] != NULL; defaults += 2) {
        if (is_set(rewrite, defaults[0]))
            continue;
        g_autofree char *key = g_strconcat("set:hiveconf:", defaults[0], NULL);
        hg_writer_string(&rewrite->writer, hg_slice_from_string(key));
        hg_writer_string(&rewrite->writer, hg_slice_from_string(defaults[1]));
        ++*kept;
    }
}

/* Writes field 4: the client's variables, as far as they may pass, and our own. */
static gboolean write_configuration(Rewrite *rewrite, GError **error)
{
    HgWriter *writer = &rewrite->writer;
    gboolean sent = rewrite->request->configuration.size > 0;
    if (!sent && !rewrite->plan->name_proxy_user && rewrite->database == NULL &&
        rewrite->plan->variables.defaults == NULL)
        return TRUE;
    hg_writer_field(writer, HG_THRIFT_MAP, CONFIGURATION);
    hg_writer_i8(writer, HG_THRIFT_STRING);
    hg_writer_i8(writer, HG_THRIFT_STRING);
    gsize count_at = hg_buffer_size(writer->out);
    guint32 kept = 0;
    hg_writer_i32(writer, 0); /* the count, once it is known */
    if (sent && !write_entries(rewrite, &kept, error))
        return FALSE;
    write_defaults(rewrite, &kept);
    if (rewrite->database != NULL) {
        hg_writer_string(writer, hg_slice_from_string(USE_DATABASE));
        hg_writer_string(writer, hg_slice_from_string(rewrite->database));
        kept++;
    }
    if (rewrite->plan->name_proxy_user) {
        hg_writer_string(writer, hg_slice_from_string(HG_VARIABLE_PROXY_USER));
        hg_writer_string(writer, hg_slice_from_string(rewrite->plan->effective_user));
        kept++;
    }
    guint32 big = GUINT32_TO_BE(kept);
    if (!writer->failed)
        memcpy(hg_buffer_data(writer->out) + count_at, &big, sizeof big);
    return TRUE;
}

/* Databricks' connectionProperties go on as they are, when none of them must not pass: a Spark or
 * Hive server doesn't read them, one of Databricks may. */
static gboolean judge_properties(Rewrite *rewrite, GError **error)
{
    if (rewrite->request->properties.size == 0)
        return TRUE;
    Entries entries = read_entries(span_slice(rewrite, rewrite->request->properties));
    while (next_entry(&entries))
        if (!is_own(entries.key) &&
            hg_variable_judge(entries.key, entries.value, asked_user(rewrite),
                              &rewrite->plan->variables, error) == HG_VARIABLE_REFUSE)
            return FALSE;
    return entries.broken ? fail_invalid(error) : TRUE;
}

static gboolean is_known_protocol(gint32 version)
{
    return version >= 0 && version <= HG_PROTOCOL_HIVE_LAST;
}

/* Writes the fields of the request struct that pass as they are. */
static gboolean write_other_fields(Rewrite *rewrite, GError **error)
{
    HgCursor cursor = hg_cursor(span_slice(rewrite, rewrite->request->req_fields));
    for (;;) {
        const guint8 *first = cursor.at;
        guint8 type;
        gint16 id;
        if (hg_cursor_read_field(&cursor, &type, &id) != HG_WIRE_OK)
            return fail_invalid(error);
        if (type == HG_THRIFT_STOP)
            return TRUE;
        if (hg_cursor_skip(&cursor, type, IN_REQUEST) != HG_WIRE_OK)
            return fail_invalid(error);
        if (id == CLIENT_PROTOCOL && !is_known_protocol(rewrite->request->protocol))
            hg_writer_field_i32(&rewrite->writer, CLIENT_PROTOCOL, KNOWN_PROTOCOL);
        else if (id != USERNAME && id != PASSWORD && id != CONFIGURATION)
            hg_writer_bytes(&rewrite->writer, hg_slice(first, (gsize)(cursor.at - first)));
    }
}

/* The head is strict, as Spark closes a binary connection at another (measured, 3.5.3); what stands
 * around the request struct is copied. */
static gboolean write_message(Rewrite *rewrite, GError **error)
{
    const HgRequest *request = rewrite->request;
    HgWriter *writer = &rewrite->writer;
    gsize fields_end = request->req_fields.offset + request->req_fields.size;
    hg_writer_head(writer, HG_MESSAGE_CALL, request->head.name, request->head.seqid);
    hg_writer_bytes(writer, hg_slice(rewrite->message + request->head.size,
                                     request->req_fields.offset - request->head.size));
    if (!judge_properties(rewrite, error) || !write_other_fields(rewrite, error))
        return FALSE;
    hg_writer_field_string(writer, USERNAME, hg_slice_from_string(rewrite->plan->login_name));
    if (!write_configuration(rewrite, error))
        return FALSE;
    hg_writer_stop(writer);
    hg_writer_bytes(writer, hg_slice(rewrite->message + fields_end, request->size - fields_end));
    return TRUE;
}

gboolean hg_open_rewrite(const HgRequest *request, HgSlice message, const HgOpenPlan *plan,
                         HgBuffer *out, GError **error)
{
    g_assert(request->method != NULL && request->method->id == HG_METHOD_OPEN_SESSION);
    g_assert(!request->incomplete && request->size <= message.size);
    Rewrite rewrite = {request, message.data, plan, hg_writer(out),
                       hg_dialect_database(request, message)};
    gboolean written = write_message(&rewrite, error);
    g_free(rewrite.database);
    if (!written) {
        hg_writer_abandon(&rewrite.writer);
        return FALSE;
    }
    if (hg_writer_finish(&rewrite.writer))
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_LIMIT,
                "hivegate has no memory left for this session; try again later");
    return FALSE;
}

/* ---- whom it asks to run as ---- */

static gboolean find_in(HgSlice map, char **out, GError **error)
{
    if (map.size == 0)
        return TRUE;
    Entries entries = read_entries(map);
    while (next_entry(&entries)) {
        if (entries.value.size == 0 || !hg_variable_is_proxy_user(entries.key))
            continue;
        if (*out != NULL && !hg_slice_equal_string(entries.value, *out)) {
            g_set_error(error, HG_ERROR, HG_ERROR_DENIED,
                        HG_VARIABLE_PROXY_USER " names several users; name one");
            return FALSE;
        }
        if (*out == NULL)
            *out = hg_slice_dup_string(entries.value);
    }
    return entries.broken ? fail_invalid(error) : TRUE;
}

gboolean hg_open_find_proxy_user(const HgRequest *request, HgSlice message, char **out,
                                 GError **error)
{
    HgSpan maps[] = {request->configuration, request->properties};
    g_autofree char *found = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(maps); i++)
        if (!find_in(hg_slice(message.data + maps[i].offset, maps[i].size), &found, error))
            return FALSE;
    *out = g_steal_pointer(&found);
    return TRUE;
}

/* ---- what it asks for ---- */

void hg_open_wishes_clear(HgOpenWishes *wishes)
{
    g_clear_pointer(&wishes->database, g_free);
    g_clear_pointer(&wishes->pool, g_free);
    g_clear_pointer(&wishes->traceparent, g_free);
}

static gboolean read_wishes_in(HgSlice map, HgOpenWishes *wishes, GError **error)
{
    if (map.size == 0)
        return TRUE;
    Entries entries = read_entries(map);
    while (next_entry(&entries)) {
        if (hg_slice_equal_string(entries.key, USE_DATABASE)) {
            g_free(wishes->database);
            wishes->database = hg_slice_dup_string(entries.value);
        } else if (hg_variable_is(entries.key, HG_VARIABLE_TRACEPARENT)) {
            g_free(wishes->traceparent);
            wishes->traceparent = hg_slice_dup_string(entries.value);
        } else if (hg_variable_is(entries.key, HG_VARIABLE_POOL)) {
            if (wishes->pool != NULL && !hg_slice_equal_string(entries.value, wishes->pool)) {
                g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                            "hivegate: " HG_VARIABLE_POOL " names several pools; name one");
                return FALSE;
            }
            g_free(wishes->pool);
            wishes->pool = hg_slice_dup_string(entries.value);
        }
    }
    return entries.broken ? fail_invalid(error) : TRUE;
}

gboolean hg_open_read_wishes(const HgRequest *request, HgSlice message, HgOpenWishes *out,
                             GError **error)
{
    HgSpan maps[] = {request->configuration, request->properties};
    g_auto(HgOpenWishes) wishes = {0};
    for (gsize i = 0; i < G_N_ELEMENTS(maps); i++)
        if (!read_wishes_in(hg_slice(message.data + maps[i].offset, maps[i].size), &wishes, error))
            return FALSE;
    if (wishes.database == NULL)
        wishes.database = hg_dialect_database(request, message);
    *out = wishes;
    wishes = (HgOpenWishes){0};
    return TRUE;
}

gboolean hg_open_read_database(HgSlice message, char **out)
{
    HgRequest request;
    *out = NULL;
    if (hg_request_read(message, &request) != HG_REQUEST_OK)
        return FALSE;
    if (request.configuration.size == 0)
        return TRUE;
    Entries entries = read_entries(
        hg_slice(message.data + request.configuration.offset, request.configuration.size));
    while (next_entry(&entries)) {
        if (!hg_slice_equal_string(entries.key, USE_DATABASE))
            continue;
        g_free(*out);
        *out = hg_slice_dup_string(entries.value);
    }
    return !entries.broken;
}
