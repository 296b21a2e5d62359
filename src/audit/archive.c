/* Archives: see archive.h. Owns nothing. */
#include "audit/archive.h"

#include "audit/row.h"
#include "base/error.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define BATCH_BYTES (4u << 20)

/* ---- writing a day ---- */

typedef struct {
    HgArchiveWriter *writer;
    HgArchiveManifest *manifest;
    GString *line;
} Export;

/* Puts the record into the run that it continues, or begins another. */
static void note_record(HgArchiveManifest *manifest, const HgArchiveLine *line)
{
    GArray *runs = manifest->runs;
    HgArchiveRun *last = runs->len > 0 ? &g_array_index(runs, HgArchiveRun, runs->len - 1) : NULL;
    manifest->events++;
    if (last != NULL && memcmp(&last->spool, &line->spool, sizeof line->spool) == 0 &&
        line->sequence == last->last + 1) {
        last->last = line->sequence;
        last->hash = line->hash;
        return;
    }
    HgArchiveRun run = {
        .spool = line->spool, .first = line->sequence, .last = line->sequence, .hash = line->hash};
    g_array_append_val(runs, run);
}

static gboolean on_row(void *data, HgSlice row, GError **error)
{
    Export *export = data;
    HgArchiveLine line;
    g_string_truncate(export->line, 0);
    hg_row_unescape(row, export->line);
    HgSlice text = hg_slice(export->line->str, export->line->len);
    if (!hg_archive_line_parse(text, &line)) {
        g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID,
                            "hivegate.event has other columns than expected");
        return FALSE;
    }
    note_record(export->manifest, &line);
    return hg_archive_writer_add(export->writer, text, error);
}

/* The hash of the record before a run: in the table, of what was dropped, or zeros. */
static gboolean read_before(HgDatabase *database, HgArchiveRun *run, GError **error)
{
    char spool[HG_AUDIT_ID_TEXT];
    g_autoptr(PGresult) result = NULL;
    g_autofree char *before = g_strdup_printf("%" G_GUINT64_FORMAT, run->first - 1);
    const char *values[] = {spool, before};
    if (run->first == 1)
        return TRUE;
    hg_audit_id_print(&run->spool, spool);
    if (!hg_database_run(database,
                         "SELECT encode(hash, 'hex') FROM hivegate.event "
                         "WHERE spool = $1::uuid AND sequence = $2::bigint "
                         "UNION ALL SELECT encode(last_hash, 'hex') FROM hivegate.dropped "
                         "WHERE spool = $1::uuid AND last_sequence = $2::bigint LIMIT 1",
                         values, 2, &result, error))
        return FALSE;
    if (hg_database_has(result, 0, 0) &&
        hg_audit_hash_parse(PQgetvalue(result, 0, 0), &run->before))
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "record %s of spool %s is missing: hivegatectl audit verify says what else is; "
                "nothing is archived",
                before, spool);
    return FALSE;
}

static gboolean export_rows(HgDatabase *database, const char *day, const char *path,
                            HgArchiveManifest *manifest, GError **error)
{
    g_autofree char *sql = g_strdup_printf(
        "COPY (SELECT '{\"spool\":\"' || spool || '\",\"sequence\":' || sequence || ',\"hash\":\"' "
        "|| encode(hash, 'hex') || '\",\"event\":' || body::text || '}' FROM hivegate.event "
        "WHERE day = '%s' ORDER BY spool, sequence) TO STDOUT",
        day);
    Export export = {.manifest = manifest};
    export.writer = hg_archive_writer_new(path, error);
    if (export.writer == NULL)
        return FALSE;
    export.line = g_string_new(NULL);
    gboolean ok = hg_database_copy_out(database, sql, on_row, &export, error);
    g_string_free(export.line, TRUE);
    ok = hg_archive_writer_finish(export.writer, ok ? error : NULL) && ok;
    for (guint i = 0; ok && i < manifest->runs->len; i++)
        ok = read_before(database, &g_array_index(manifest->runs, HgArchiveRun, i), error);
    return ok && hg_archive_hash_file(path, manifest->sha256, &manifest->size, error);
}

/* ---- checking a file ---- */

typedef struct {
    HgChain *chain;
    const HgArchiveManifest *manifest;
    const HgVerifyReport *report; /* NULL: a fault is an error */
    const HgAuditId *only;        /* spool to give to the anchors; NULL: none */
    guint run;
    guint64 next; /* sequence expected within the run; 0: it hasn't begun */
    HgAuditHash hash;
    guint64 events;
} Check;

static gboolean complain(Check *check, const HgAuditId *spool, guint64 sequence, const char *what,
                         GError **error)
{
    HgVerifyFault fault = {*spool, sequence, sequence, what};
    if (check->report != NULL) {
        check->report->on_fault(check->report->data, &fault);
        return TRUE;
    }
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "the archive of %s: record %" G_GUINT64_FORMAT ": %s", check->manifest->day,
                sequence, what);
    return FALSE;
}

/* The run that the line belongs to, begun when it is its first; NULL: none. */
static const HgArchiveRun *find_run(Check *check, const HgArchiveLine *line)
{
    const GArray *runs = check->manifest->runs;
    if (check->next == 0 && check->run < runs->len) {
        check->next = g_array_index(runs, HgArchiveRun, check->run).first;
        check->hash = g_array_index(runs, HgArchiveRun, check->run).before;
    }
    if (check->run >= runs->len)
        return NULL;
    const HgArchiveRun *run = &g_array_index(runs, HgArchiveRun, check->run);
    return memcmp(&run->spool, &line->spool, sizeof run->spool) == 0 &&
                   line->sequence == check->next
               ? run
               : NULL;
}

static gboolean on_line(void *data, const HgArchiveLine *line, GError **error)
{
    Check *check = data;
    HgAuditHash hash;
    const HgArchiveRun *run = find_run(check, line);
    check->events++;
    if (run == NULL)
        return complain(check, &line->spool, line->sequence,
                        "the record isn't the one that the manifest has here", error);
    hg_chain_next(check->chain, &check->hash, line->sequence, line->event, &hash);
    check->hash = line->hash;
    check->next++;
    gboolean last = line->sequence == run->last;
    if (last) {
        check->run++;
        check->next = 0;
    }
    if (!hg_audit_hash_equal(&hash, &line->hash) ||
        (last && !hg_audit_hash_equal(&hash, &run->hash)))
        return complain(check, &line->spool, line->sequence,
                        "the record was changed, or doesn't follow the one before it", error);
    if (check->only != NULL && memcmp(check->only, &line->spool, sizeof line->spool) == 0)
        hg_anchor_check_record(check->report->anchors, line->sequence, &line->hash, line->event);
    return TRUE;
}

/* Every line of the file against the manifest. */
static gboolean check_lines(const HgArchiveManifest *manifest, const char *path,
                            const HgVerifyReport *report, const HgAuditId *only, GError **error)
{
    static const HgAuditId none;
    Check check = {.manifest = manifest, .report = report, .only = only};
    check.chain = hg_chain_new();
    gboolean ok = hg_archive_read(path, on_line, &check, error);
    hg_chain_free(check.chain);
    if (ok && (check.events != manifest->events || check.run != manifest->runs->len))
        return complain(&check, &none, 0, "records are missing in the file, or there are too many",
                        error);
    return ok;
}

static gboolean check_file(const HgArchiveManifest *manifest, const char *path, GError **error)
{
    char sha256[65];
    guint64 size = 0;
    if (!hg_archive_hash_file(path, sha256, &size, error))
        return FALSE;
    if (size == manifest->size && strcmp(sha256, manifest->sha256) == 0)
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "the archive of %s: the file isn't the one that its manifest has: it was changed, "
                "or cut off",
                manifest->day);
    return FALSE;
}

/* ---- archiving ---- */

static gboolean read_manifest(HgArchiveStore *store, const char *work, const char *day,
                              HgArchiveManifest *out, GError **error)
{
    g_autofree char *name = hg_archive_manifest_name(day);
    g_autofree char *path = g_build_filename(work, name, NULL);
    g_autofree char *text = NULL;
    gsize size = 0;
    if (!hg_archive_store_get(store, name, path, error))
        return FALSE;
    gboolean ok = g_file_get_contents(path, &text, &size, NULL) &&
                  hg_archive_manifest_parse(hg_slice(text, size), out) &&
                  strcmp(out->day, day) == 0;
    unlink(path);
    if (!ok)
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "the archive of %s: %s is no manifest of that day", day, name);
    return ok;
}

/* Gets what was put, and checks it. */
static gboolean read_back(HgArchiveStore *store, const char *work, const HgArchiveManifest *written,
                          GError **error)
{
    g_auto(HgArchiveManifest) manifest = {0};
    g_autofree char *name = hg_archive_file_name(written->day);
    g_autofree char *path = g_build_filename(work, "back", NULL);
    g_autofree char *expected = hg_archive_manifest_print(written);
    if (!read_manifest(store, work, written->day, &manifest, error))
        return FALSE;
    g_autofree char *got = hg_archive_manifest_print(&manifest);
    if (strcmp(got, expected) != 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "the archive of %s: the manifest isn't the one that was written", written->day);
        return FALSE;
    }
    gboolean ok = hg_archive_store_get(store, name, path, error) &&
                  check_file(&manifest, path, error) &&
                  check_lines(&manifest, path, NULL, NULL, error);
    unlink(path);
    return ok;
}

static gboolean put(HgArchiveStore *store, const char *work, const char *path,
                    const HgArchiveManifest *manifest, GError **error)
{
    g_autofree char *file = hg_archive_file_name(manifest->day);
    g_autofree char *name = hg_archive_manifest_name(manifest->day);
    g_autofree char *text = hg_archive_manifest_print(manifest);
    g_autofree char *at = g_build_filename(work, name, NULL);
    g_autoptr(GError) failed = NULL;
    if (!hg_archive_store_put(store, file, path, error))
        return FALSE;
    if (!g_file_set_contents(at, text, -1, &failed)) {
        g_set_error(error, HG_ERROR, HG_ERROR_IO, "can't write: %s", failed->message);
        return FALSE;
    }
    gboolean ok = hg_archive_store_put(store, name, at, error);
    unlink(at);
    return ok;
}

/* What an earlier archive of the day has; a day that lost events since isn't archived again. */
static gboolean check_earlier(HgDatabase *database, const HgArchiveManifest *manifest,
                              GError **error)
{
    const char *values[] = {manifest->day};
    g_autoptr(PGresult) result = NULL;
    if (!hg_database_run(database, "SELECT events FROM hivegate.archive WHERE day = $1::date",
                         values, 1, &result, error))
        return FALSE;
    if (!hg_database_has(result, 0, 0) ||
        g_ascii_strtoull(PQgetvalue(result, 0, 0), NULL, 10) <= manifest->events)
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "%s was archived with %s events, and has fewer now: the archive isn't overwritten; "
                "hivegatectl audit verify says what is missing",
                manifest->day, PQgetvalue(result, 0, 0));
    return FALSE;
}

static gboolean note_archived(HgDatabase *database, const char *location,
                              const HgArchiveManifest *manifest, GError **error)
{
    g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, manifest->size);
    g_autofree char *events = g_strdup_printf("%" G_GUINT64_FORMAT, manifest->events);
    g_autofree char *detail = g_strdup_printf("day %s, %s events, to %s, sha256 %s", manifest->day,
                                              events, location, manifest->sha256);
    const char *values[] = {manifest->day, location, manifest->sha256, size, events};
    const char *notes[] = {detail};
    return hg_database_run(
               database,
               "INSERT INTO hivegate.archive (day, location, sha256, size, events) "
               "VALUES ($1::date, $2, decode($3, 'hex'), $4::bigint, $5::bigint) "
               "ON CONFLICT (day) DO UPDATE SET location = excluded.location, "
               "sha256 = excluded.sha256, size = excluded.size, events = excluded.events, "
               "archived_at = now(), archived_by = session_user",
               values, 5, NULL, error) &&
           hg_database_run(database, "SELECT hivegate.note('archived', 'audit archive', $1)", notes,
                           1, NULL, error);
}

gboolean hg_archive_day(HgDatabase *database, HgArchiveStore *store, const char *location,
                        const char *work, const char *day, HgArchiveManifest *manifest,
                        GError **error)
{
    g_autofree char *path = g_build_filename(work, "day.gz", NULL);
    hg_archive_manifest_init(manifest, day);
    /* one snapshot for rows and links; the notes come in a transaction of their own behind it */
    gboolean ok = hg_database_run(database,
                                  "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
                                  "SET LOCAL statement_timeout = 0",
                                  NULL, 0, NULL, error) &&
                  export_rows(database, day, path, manifest, error) &&
                  check_earlier(database, manifest, error) &&
                  hg_database_run(database, "COMMIT", NULL, 0, NULL, error) &&
                  put(store, work, path, manifest, error) &&
                  read_back(store, work, manifest, error) &&
                  hg_database_run(database, "BEGIN", NULL, 0, NULL, error) &&
                  note_archived(database, location, manifest, error) &&
                  hg_database_run(database, "COMMIT", NULL, 0, NULL, error);
    unlink(path);
    return ok;
}

/* ---- verifying ---- */

/* A run, and the day whose file has it. */
typedef struct {
    HgArchiveRun run;
    guint day;
} Placed;

static gint by_place(gconstpointer a, gconstpointer b)
{
    const Placed *one = a, *other = b;
    int order = memcmp(&one->run.spool, &other->run.spool, sizeof one->run.spool);
    if (order != 0)
        return order;
    return (one->run.first > other->run.first) - (one->run.first < other->run.first);
}

static gboolean is_same_spool(const Placed *one, const Placed *other)
{
    return memcmp(&one->run.spool, &other->run.spool, sizeof one->run.spool) == 0;
}

typedef struct {
    HgArchiveStore *store;
    const char *work;
    const HgVerifyReport *report;
    GArray *manifests; /* of HgArchiveManifest, by day */
    GArray *runs;      /* of Placed */
} Verify;

static void fault(const Verify *verify, const HgAuditId *spool, guint64 from, guint64 to,
                  const char *what)
{
    HgVerifyFault found = {*spool, from, to, what};
    verify->report->on_fault(verify->report->data, &found);
}

static char *local_path(const Verify *verify, guint day)
{
    g_autofree char *name = g_strdup_printf("day-%u.gz", day);
    return g_build_filename(verify->work, name, NULL);
}

static gboolean load_manifests(Verify *verify, GError **error)
{
    g_autoptr(GPtrArray) names = NULL;
    if (!hg_archive_store_list(verify->store, &names, error))
        return FALSE;
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        HgArchiveManifest manifest;
        char day[HG_ARCHIVE_DAY];
        if (!g_str_has_suffix(name, ".json") ||
            strlen(name) != strlen("event-.json") + HG_ARCHIVE_DAY - 1)
            continue;
        g_strlcpy(day, name + strlen("event-"), sizeof day);
        if (!read_manifest(verify->store, verify->work, day, &manifest, error))
            return FALSE;
        g_array_append_val(verify->manifests, manifest);
        for (guint k = 0; k < manifest.runs->len; k++) {
            Placed placed = {g_array_index(manifest.runs, HgArchiveRun, k),
                             verify->manifests->len - 1};
            g_array_append_val(verify->runs, placed);
        }
    }
    g_array_sort(verify->runs, by_place);
    if (verify->manifests->len > 0)
        return TRUE;
    g_set_error_literal(error, HG_ERROR, HG_ERROR_NOT_FOUND, "there is no archive in it");
    return FALSE;
}

/* Gets each file, and checks it by itself. */
static gboolean check_days(const Verify *verify, GError **error)
{
    static const HgAuditId none;
    for (guint i = 0; i < verify->manifests->len; i++) {
        const HgArchiveManifest *manifest = &g_array_index(verify->manifests, HgArchiveManifest, i);
        g_autofree char *name = hg_archive_file_name(manifest->day);
        g_autofree char *path = local_path(verify, i);
        g_autoptr(GError) failed = NULL;
        if (!hg_archive_store_get(verify->store, name, path, error))
            return FALSE;
        if (!check_file(manifest, path, &failed))
            fault(verify, &none, 0, 0, "a file isn't the one that its manifest has");
        if (!check_lines(manifest, path, verify->report, NULL, error))
            return FALSE;
    }
    return TRUE;
}

/* The runs of one spool, from..to, behind each other. */
static void check_joints(const Verify *verify, guint from, guint to)
{
    for (guint i = from + 1; i < to; i++) {
        const Placed *before = &g_array_index(verify->runs, Placed, i - 1);
        const Placed *here = &g_array_index(verify->runs, Placed, i);
        if (here->run.first > before->run.last + 1)
            fault(verify, &here->run.spool, before->run.last + 1, here->run.first - 1,
                  "records are missing between archived days");
        else if (here->run.first <= before->run.last)
            fault(verify, &here->run.spool, here->run.first, before->run.last,
                  "records are in the archive twice");
        else if (!hg_audit_hash_equal(&here->run.before, &before->run.hash))
            fault(verify, &here->run.spool, here->run.first, here->run.first,
                  "the record doesn't follow the one before it");
    }
}

static void on_anchor(void *data, const HgAuditId *spool, guint64 from, guint64 to,
                      const char *what)
{
    fault(data, spool, from, to, what);
}

/* For walks along what was checked before. */
static void on_nothing(void *data, const HgVerifyFault *found)
{
}

/* Walks along the chain of one spool with the anchors. */
static gboolean check_anchors(Verify *verify, guint from, guint to, GError **error)
{
    const Placed *first = &g_array_index(verify->runs, Placed, from);
    HgAnchorReport report = {on_anchor, verify};
    guint last_day = G_MAXUINT;
    if (verify->report->anchors == NULL)
        return TRUE;
    hg_anchor_check_begin(verify->report->anchors, &report, &first->run.spool, first->run.first - 1,
                          &first->run.before);
    for (guint i = from; i < to; i++) {
        const Placed *placed = &g_array_index(verify->runs, Placed, i);
        g_autofree char *path = local_path(verify, placed->day);
        HgVerifyReport quiet = *verify->report;
        quiet.on_fault = on_nothing;
        if (placed->day == last_day)
            continue; /* the walk through its file had all runs of it */
        last_day = placed->day;
        if (!check_lines(&g_array_index(verify->manifests, HgArchiveManifest, placed->day), path,
                         &quiet, &first->run.spool, error))
            return FALSE;
    }
    hg_anchor_check_leave(verify->report->anchors);
    return TRUE;
}

static gboolean check_spools(Verify *verify, GError **error)
{
    for (guint from = 0, to; from < verify->runs->len; from = to) {
        const Placed *first = &g_array_index(verify->runs, Placed, from);
        guint64 records = 0;
        for (to = from; to < verify->runs->len &&
                        is_same_spool(first, &g_array_index(verify->runs, Placed, to));
             to++) {
            const HgArchiveRun *run = &g_array_index(verify->runs, Placed, to).run;
            records += run->last - run->first + 1;
        }
        const Placed *last = &g_array_index(verify->runs, Placed, to - 1);
        check_joints(verify, from, to);
        if (!check_anchors(verify, from, to, error))
            return FALSE;
        verify->report->on_spool(verify->report->data, &first->run.spool, records, last->run.last,
                                 &last->run.hash);
    }
    return TRUE;
}

gboolean hg_archive_verify(HgArchiveStore *store, const char *work, const HgVerifyReport *report,
                           GError **error)
{
    Verify verify = {.store = store,
                     .work = work,
                     .report = report,
                     .manifests = g_array_new(FALSE, FALSE, sizeof(HgArchiveManifest)),
                     .runs = g_array_new(FALSE, FALSE, sizeof(Placed))};
    gboolean ok = load_manifests(&verify, error) && check_days(&verify, error) &&
                  check_spools(&verify, error);
    for (guint i = 0; i < verify.manifests->len; i++) {
        g_autofree char *path = local_path(&verify, i);
        unlink(path);
        hg_archive_manifest_clear(&g_array_index(verify.manifests, HgArchiveManifest, i));
    }
    g_array_unref(verify.manifests);
    g_array_unref(verify.runs);
    return ok;
}

/* ---- restoring ---- */

typedef struct {
    HgDatabase *database;
    const char *copy;
    GString *rows;
} Import;

static gboolean flush(Import *import, GError **error)
{
    if (import->rows->len == 0)
        return TRUE;
    gboolean ok = hg_database_copy_in(import->database, import->copy,
                                      hg_slice(import->rows->str, import->rows->len), error);
    g_string_truncate(import->rows, 0);
    return ok;
}

static gboolean on_import(void *data, const HgArchiveLine *line, GError **error)
{
    Import *import = data;
    if (!hg_row_append(import->rows, &line->spool, line->sequence, &line->hash, line->event)) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "record %" G_GUINT64_FORMAT " of the archive is no event of hivegate's",
                    line->sequence);
        return FALSE;
    }
    return import->rows->len < BATCH_BYTES || flush(import, error);
}

static gboolean import_file(HgDatabase *database, const char *path, const char *day, GError **error)
{
    g_autofree char *digits = g_strdup_printf("%.4s%.2s%.2s", day, day + 5, day + 8);
    g_autofree char *create = g_strdup_printf(
        "BEGIN; CREATE TABLE hivegate.restored_%s (LIKE hivegate.event INCLUDING DEFAULTS "
        "INCLUDING CONSTRAINTS)",
        digits);
    g_autofree char *copy =
        g_strdup_printf("COPY hivegate.restored_%s (%s) FROM STDIN", digits, hg_row_columns);
    g_autofree char *note = g_strdup_printf(
        "SELECT hivegate.note('audit_read', 'audit restore', 'day %s'); COMMIT", day);
    Import import = {.database = database, .copy = copy, .rows = g_string_new(NULL)};
    gboolean ok = hg_database_run(database, create, NULL, 0, NULL, error) &&
                  hg_archive_read(path, on_import, &import, error) && flush(&import, error) &&
                  hg_database_run(database, note, NULL, 0, NULL, error);
    g_string_free(import.rows, TRUE);
    return ok;
}

gboolean hg_archive_restore(HgDatabase *database, HgArchiveStore *store, const char *work,
                            const char *day, guint64 *events, GError **error)
{
    g_auto(HgArchiveManifest) manifest = {0};
    g_autofree char *name = hg_archive_file_name(day);
    g_autofree char *path = g_build_filename(work, "restore.gz", NULL);
    if (!read_manifest(store, work, day, &manifest, error))
        return FALSE;
    gboolean ok =
        hg_archive_store_get(store, name, path, error) && check_file(&manifest, path, error) &&
        check_lines(&manifest, path, NULL, NULL, error) && import_file(database, path, day, error);
    unlink(path);
    if (ok)
        *events = manifest.events;
    return ok;
}
