/* Searches: see search.h. */
#include "audit/search.h"

#include "audit/fields.h"
#include "audit/spool_reader.h"

/* "2026-11-21T10:00:00.123456Z", as in events. */
static char *time_text(gint64 us)
{
    g_autoptr(GDateTime) seconds = g_date_time_new_from_unix_utc(us / G_USEC_PER_SEC);
    if (us == 0 || seconds == NULL)
        return NULL;
    g_autofree char *whole = g_date_time_format(seconds, "%Y-%m-%dT%H:%M:%S");
    return g_strdup_printf("%s.%06" G_GINT64_FORMAT "Z", whole, us % G_USEC_PER_SEC);
}

gboolean hg_search_database(HgDatabase *database, const HgSearch *search, HgSearchFound found,
                            void *data, GError **error)
{
    g_autofree char *since = time_text(search->since_us);
    g_autofree char *until = time_text(search->until_us);
    g_autofree char *most = g_strdup_printf("%u", search->most);
    const char *values[] = {search->user, search->table, search->kind, search->session,
                            since,        until,         most};
    g_autoptr(PGresult) result = NULL;
    /* an event's day is that of its id, which may be a moment before or after its wall clock */
    if (!hg_database_run(
            database,
            "SELECT body FROM (SELECT body, at, day, id FROM hivegate.event WHERE "
            "($1::text IS NULL OR principal = $1 OR effective_user = $1) AND "
            "($2::text IS NULL OR tables_read @> ARRAY[$2] OR tables_written @> ARRAY[$2]) AND "
            "($3::text IS NULL OR kind = $3) AND ($4::text IS NULL OR session_id = $4) AND "
            "($5::text IS NULL OR (at >= $5::timestamptz AND day >= $5::timestamptz::date - 1)) "
            "AND "
            "($6::text IS NULL OR (at < $6::timestamptz AND day <= $6::timestamptz::date + 1)) "
            "ORDER BY at DESC, id DESC LIMIT $7::bigint) AS newest ORDER BY at, id",
            values, G_N_ELEMENTS(values), &result, error))
        return FALSE;
    for (int i = 0; i < PQntuples(result); i++)
        found(data, hg_slice(PQgetvalue(result, i, 0), (gsize)PQgetlength(result, i, 0)));
    return TRUE;
}

/* ---- spools ---- */

static gboolean equals(HgSlice event, const char *name, const char *wanted)
{
    g_autofree char *text = hg_audit_fields_text(event, name);
    return g_strcmp0(text, wanted) == 0;
}

static gboolean list_has(HgSlice event, const char *name, const char *wanted)
{
    HgSlice rest, inner;
    HgAuditField field;
    if (!hg_audit_fields_begin(event, &rest))
        return FALSE;
    while (hg_audit_fields_next(&rest, &field) == HG_FIELDS_ONE) {
        if (!hg_slice_equal_string(field.name, name))
            continue;
        while (hg_audit_field_item(&field.value, &inner) == HG_FIELDS_ONE) {
            g_autoptr(GString) item = g_string_new(NULL);
            if (hg_audit_field_unescape(inner, item) && strcmp(item->str, wanted) == 0)
                return TRUE;
        }
    }
    return FALSE;
}

gboolean hg_search_matches(const HgSearch *search, HgSlice event)
{
    g_autofree char *since = time_text(search->since_us);
    g_autofree char *until = time_text(search->until_us);
    g_autofree char *at = hg_audit_fields_text(event, "at");
    if (at == NULL || (since != NULL && strcmp(at, since) < 0) ||
        (until != NULL && strcmp(at, until) >= 0))
        return FALSE;
    if (search->kind != NULL && !equals(event, "kind", search->kind))
        return FALSE;
    if (search->session != NULL && !equals(event, "session_id", search->session))
        return FALSE;
    if (search->user != NULL && !equals(event, "principal", search->user) &&
        !equals(event, "effective_user", search->user))
        return FALSE;
    return search->table == NULL || list_has(event, "tables_read", search->table) ||
           list_has(event, "tables_written", search->table);
}

/* The first record of the spool that the database doesn't have; 0: it has none. */
static gboolean shipped_until(HgDatabase *database, const HgAuditId *spool, guint64 *next,
                              GError **error)
{
    char text[HG_AUDIT_ID_TEXT];
    const char *values[] = {text};
    g_autoptr(PGresult) result = NULL;
    hg_audit_id_print(spool, text);
    if (!hg_database_run(database, "SELECT next_sequence FROM hivegate.spool WHERE id = $1::uuid",
                         values, 1, &result, error))
        return FALSE;
    *next =
        hg_database_has(result, 0, 0) ? g_ascii_strtoull(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    return TRUE;
}

gboolean hg_search_spool(const char *folder, HgDatabase *database, const HgSearch *search,
                         HgSearchFound found, void *data, GError **error)
{
    g_autoptr(HgSpoolReader) reader = hg_spool_reader_new(folder, error);
    g_autoptr(GQueue) newest = g_queue_new();
    guint64 from = 0;
    HgRecord record;
    HgSpoolRead read;
    if (reader == NULL ||
        (database != NULL && !shipped_until(database, hg_spool_reader_id(reader), &from, error)) ||
        !hg_spool_reader_seek(reader, from, error))
        return FALSE;
    while ((read = hg_spool_reader_next(reader, G_MAXUINT64, &record, error)) !=
           HG_SPOOL_READ_NOTHING) {
        if (read == HG_SPOOL_READ_ERROR)
            break;
        if (read == HG_SPOOL_READ_HOLE || !hg_search_matches(search, record.payload))
            continue;
        g_queue_push_tail(newest, g_bytes_new(record.payload.data, record.payload.size));
        if (newest->length > search->most)
            g_bytes_unref(g_queue_pop_head(newest));
    }
    for (GBytes *event; (event = g_queue_pop_head(newest)) != NULL; g_bytes_unref(event)) {
        gsize size = 0;
        gconstpointer bytes = g_bytes_get_data(event, &size);
        found(data, hg_slice(bytes, size));
    }
    return read == HG_SPOOL_READ_NOTHING;
}
