/* Checks of spools and databases: see verify.h. */
#include "audit/verify.h"

#include "audit/row.h"
#include "audit/spool_reader.h"
#include "base/error.h"

static void on_anchor(void *data, const HgAuditId *spool, guint64 from, guint64 to,
                      const char *what)
{
    const HgVerifyReport *report = data;
    HgVerifyFault found = {*spool, from, to, what};
    report->on_fault(report->data, &found);
}

gboolean hg_verify_spool(const char *folder, const HgVerifyReport *report, GError **error)
{
    g_autoptr(HgSpoolReader) reader = hg_spool_reader_new(folder, error);
    HgRecord record;
    guint64 records = 0;
    HgSpoolRead read;
    if (reader == NULL || !hg_spool_reader_seek(reader, 0, error))
        return FALSE;
    const HgAuditId *spool = hg_spool_reader_id(reader);
    HgAnchorReport anchors = {on_anchor, (void *)report};
    if (report->anchors != NULL)
        hg_anchor_check_begin(report->anchors, &anchors, spool,
                              hg_spool_reader_sequence(reader) - 1, hg_spool_reader_hash(reader));
    while ((read = hg_spool_reader_next(reader, G_MAXUINT64, &record, error)) !=
           HG_SPOOL_READ_NOTHING) {
        if (read == HG_SPOOL_READ_ERROR)
            return FALSE;
        const HgSpoolHole *hole = hg_spool_reader_hole(reader);
        HgVerifyFault fault = {*spool, hole->from, MAX(hole->to, 1) - 1, hole->what};
        if (read == HG_SPOOL_READ_HOLE) {
            report->on_fault(report->data, &fault);
            continue;
        }
        records++;
        if (report->anchors != NULL)
            hg_anchor_check_record(report->anchors, record.sequence, &record.hash, record.payload);
    }
    if (report->anchors != NULL)
        hg_anchor_check_end(report->anchors);
    report->on_spool(report->data, spool, records, hg_spool_reader_sequence(reader) - 1,
                     hg_spool_reader_hash(reader));
    return TRUE;
}

/* ---- databases ---- */

/* A run of records that retention dropped. */
typedef struct {
    guint64 first;
    guint64 last;
    HgAuditHash hash;
} Run;

typedef struct {
    const HgVerifyReport *report;
    HgChain *chain;
    HgAuditId spool;
    guint64 next; /* expected */
    HgAuditHash hash;
    guint64 records;
    GArray *runs;
    guint run;
    GString *body;
    GString *again;
} Walk;

static void fault(Walk *walk, guint64 from, guint64 to, const char *what)
{
    HgVerifyFault found = {walk->spool, from, to, what};
    walk->report->on_fault(walk->report->data, &found);
}

/* Passes what retention dropped next. */
static void pass_dropped(Walk *walk)
{
    for (; walk->run < walk->runs->len; walk->run++) {
        const Run *run = &g_array_index(walk->runs, Run, walk->run);
        if (run->first > walk->next)
            break;
        if (run->first < walk->next) {
            fault(walk, run->first, run->last, "records are there that are noted as dropped");
            continue;
        }
        walk->next = run->last + 1;
        walk->hash = run->hash;
        if (walk->report->anchors != NULL)
            hg_anchor_check_dropped(walk->report->anchors, run->first, run->last, &run->hash);
    }
}

/* Checks the row's place and link; FALSE when it isn't the next one. */
static void check_link(Walk *walk, const HgRowParts *parts)
{
    HgAuditHash hash;
    pass_dropped(walk);
    if (parts->sequence < walk->next) {
        fault(walk, parts->sequence, parts->sequence, "the record is there twice");
        return;
    }
    gboolean follows = parts->sequence == walk->next;
    if (!follows)
        fault(walk, walk->next, parts->sequence - 1, "records are missing");
    hg_chain_next(walk->chain, &walk->hash, parts->sequence,
                  hg_slice(walk->body->str, walk->body->len), &hash);
    if (follows && !hg_audit_hash_equal(&hash, &parts->hash))
        fault(walk, parts->sequence, parts->sequence,
              "the record was changed, or doesn't follow the one before it");
    walk->next = parts->sequence + 1;
    walk->hash = parts->hash;
    if (walk->report->anchors != NULL)
        hg_anchor_check_record(walk->report->anchors, parts->sequence, &parts->hash,
                               hg_slice(walk->body->str, walk->body->len));
}

static gboolean on_row(void *data, HgSlice line, GError **error)
{
    Walk *walk = data;
    HgRowParts parts;
    if (!hg_row_parse(line, &parts)) {
        g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID,
                            "hivegate.event has other columns than expected");
        return FALSE;
    }
    g_string_truncate(walk->body, 0);
    hg_row_unescape(parts.body, walk->body);
    walk->records++;
    check_link(walk, &parts);
    g_string_truncate(walk->again, 0);
    HgSlice body = hg_slice(walk->body->str, walk->body->len);
    if (!hg_row_append(walk->again, &walk->spool, parts.sequence, &parts.hash, body))
        fault(walk, parts.sequence, parts.sequence, "the body isn't an event of hivegate's");
    else if (!hg_slice_equal(line, hg_slice(walk->again->str, walk->again->len - 1)))
        fault(walk, parts.sequence, parts.sequence, "a column doesn't say what the body says");
    return TRUE;
}

static guint64 number_at(const PGresult *result, int row, int column)
{
    return g_ascii_strtoull(PQgetvalue(result, row, column), NULL, 10);
}

static gboolean read_runs(HgDatabase *database, Walk *walk, const char *spool, GError **error)
{
    g_autoptr(PGresult) result = NULL;
    const char *values[] = {spool};
    if (!hg_database_run(database,
                         "SELECT first_sequence, last_sequence, encode(last_hash, 'hex') "
                         "FROM hivegate.dropped WHERE spool = $1::uuid ORDER BY 1",
                         values, 1, &result, error))
        return FALSE;
    for (int i = 0; i < PQntuples(result); i++) {
        Run run = {.first = number_at(result, i, 0), .last = number_at(result, i, 1)};
        if (!hg_audit_hash_parse(PQgetvalue(result, i, 2), &run.hash))
            continue; /* the records that it stood for are missing then */
        g_array_append_val(walk->runs, run);
    }
    return TRUE;
}

/* What hivegate.spool says of the end. */
static gboolean check_end(HgDatabase *database, Walk *walk, const char *spool, GError **error)
{
    g_autoptr(PGresult) result = NULL;
    HgAuditHash hash;
    const char *values[] = {spool};
    if (!hg_database_run(database,
                         "SELECT next_sequence, encode(hash, 'hex') FROM hivegate.spool "
                         "WHERE id = $1::uuid",
                         values, 1, &result, error))
        return FALSE;
    pass_dropped(walk);
    if (!hg_database_has(result, 0, 0)) {
        fault(walk, 1, walk->next - 1, "hivegate.spool doesn't know the spool of these records");
        return TRUE;
    }
    guint64 next = number_at(result, 0, 0);
    if (next > walk->next)
        fault(walk, walk->next, next - 1, "the last records are missing");
    else if (next < walk->next)
        fault(walk, next, walk->next - 1, "there are more records than were shipped");
    else if (!hg_audit_hash_parse(PQgetvalue(result, 0, 1), &hash) ||
             !hg_audit_hash_equal(&hash, &walk->hash))
        fault(walk, next - 1, next - 1, "the last record isn't the one that was shipped");
    return TRUE;
}

static gboolean verify_one(HgDatabase *database, Walk *walk, const char *spool, GError **error)
{
    g_autofree char *sql = g_strdup_printf(
        "COPY (SELECT %s FROM hivegate.event WHERE spool = '%s' ORDER BY sequence) TO STDOUT",
        hg_row_columns, spool);
    HgAnchorReport anchors = {on_anchor, (void *)walk->report};
    if (walk->report->anchors != NULL)
        hg_anchor_check_begin(walk->report->anchors, &anchors, &walk->spool, 0, &walk->hash);
    if (!read_runs(database, walk, spool, error) ||
        !hg_database_copy_out(database, sql, on_row, walk, error) ||
        !check_end(database, walk, spool, error))
        return FALSE;
    if (walk->report->anchors != NULL)
        hg_anchor_check_end(walk->report->anchors);
    walk->report->on_spool(walk->report->data, &walk->spool, walk->records, walk->next - 1,
                           &walk->hash);
    return TRUE;
}

static gboolean verify_spool(HgDatabase *database, const HgVerifyReport *report, const char *spool,
                             GError **error)
{
    Walk walk = {.report = report,
                 .chain = hg_chain_new(),
                 .next = 1,
                 .runs = g_array_new(FALSE, FALSE, sizeof(Run)),
                 .body = g_string_new(NULL),
                 .again = g_string_new(NULL)};
    gboolean ok =
        hg_audit_id_parse(spool, &walk.spool) && verify_one(database, &walk, spool, error);
    hg_chain_free(walk.chain);
    g_array_unref(walk.runs);
    g_string_free(walk.body, TRUE);
    g_string_free(walk.again, TRUE);
    return ok;
}

gboolean hg_verify_database(HgDatabase *database, const HgVerifyReport *report, GError **error)
{
    g_autoptr(PGresult) spools = NULL;
    if (!hg_database_run(database,
                         "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
                         "SET LOCAL statement_timeout = 0;"
                         "SELECT id FROM hivegate.spool UNION SELECT spool FROM hivegate.event",
                         NULL, 0, &spools, error))
        return FALSE;
    for (int i = 0; i < PQntuples(spools); i++)
        if (!verify_spool(database, report, PQgetvalue(spools, i, 0), error))
            return FALSE;
    HgAnchorReport anchors = {on_anchor, (void *)report};
    if (report->anchors != NULL)
        hg_anchor_check_unseen(report->anchors, &anchors);
    return hg_database_run(database, "COMMIT", NULL, 0, NULL, error);
}
