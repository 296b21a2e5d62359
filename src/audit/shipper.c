/* Shipping records to PostgreSQL: see shipper.h. The thread owns connection and reader; what others
 * may ask for is under the lock. */
#include "audit/shipper.h"

#include "audit/migration.h"
#include "audit/row.h"
#include "audit/spool_reader.h"
#include "base/error.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RETRY_FIRST_MS   250
#define WAIT_MS          10000
#define DAYS_AHEAD       2
#define UNIQUE_VIOLATION "23505"

struct HgShipper {
    HgShipperOptions options;
    char *folder;
    char *conninfo;
    char *password_file;
    int stop_fd;
    pthread_t thread;
    HgDatabase *database;
    HgSpoolReader *reader;
    GHashTable *days; /* partitions that are there, for sure: "2026-11-21" */
    char *copy_sql;
    gboolean ending; /* the thread's own: stop_fd was seen */
    pthread_mutex_t lock;
    HgShipperStatus status;
    gint64 oldest_ms;    /* wall clock of the oldest event that isn't shipped; 0: none is known */
    gint64 caught_up_us; /* monotonic: when all was shipped, or the start */
    char *error;
};

/* Rows of one transaction. */
typedef struct {
    GString *rows;
    GHashTable *days;
    guint count;
    guint64 first;
    guint64 next;
    HgAuditHash hash;
    guint64 holes;
} Batch;

static void batch_clear(Batch *batch)
{
    g_string_free(batch->rows, TRUE);
    g_hash_table_unref(batch->days);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Batch, batch_clear)

static gboolean run(HgShipper *shipper, const char *sql, GError **error)
{
    return hg_database_run(shipper->database, sql, NULL, 0, NULL, error);
}

/* ---- where PostgreSQL is ---- */

static gboolean read_position(HgShipper *shipper, const char *spool, guint64 *next, gboolean *known,
                              GError **error)
{
    const char *values[] = {spool};
    g_autoptr(PGresult) result = NULL;
    if (!hg_database_run(shipper->database,
                         "SELECT next_sequence FROM hivegate.spool WHERE id = $1::uuid FOR UPDATE",
                         values, 1, &result, error))
        return FALSE;
    *known = hg_database_has(result, 0, 0);
    if (*known)
        *next = g_ascii_strtoull(PQgetvalue(result, 0, 0), NULL, 10);
    return TRUE;
}

/* Locks the spool's row, made the first time, and reads the reader's place from it. */
static gboolean lock_position(HgShipper *shipper, guint64 *next, GError **error)
{
    char spool[HG_AUDIT_ID_TEXT];
    gboolean known = FALSE;
    hg_audit_id_print(hg_spool_id(shipper->options.spool), spool);
    if (!run(shipper, "BEGIN", error) || !read_position(shipper, spool, next, &known, error))
        return FALSE;
    if (known)
        return TRUE;
    const char *values[] = {spool, g_get_host_name()};
    return hg_database_run(shipper->database,
                           "INSERT INTO hivegate.spool (id, host) VALUES ($1::uuid, $2) "
                           "ON CONFLICT DO NOTHING",
                           values, 2, NULL, error) &&
           read_position(shipper, spool, next, &known, error);
}

/* ---- batches ---- */

static void note_day(Batch *batch, const HgAuditId *id)
{
    char day[HG_ROW_DAY];
    hg_row_day(id, day);
    if (!g_hash_table_contains(batch->days, day))
        g_hash_table_add(batch->days, g_strdup(day));
}

static gint64 ms_of(const HgAuditId *id)
{
    gint64 ms = 0;
    for (guint i = 0; i < 6; i++)
        ms = ms << 8 | id->bytes[i];
    return ms;
}

static void note_oldest(HgShipper *shipper, gint64 ms)
{
    pthread_mutex_lock(&shipper->lock);
    shipper->oldest_ms = ms;
    pthread_mutex_unlock(&shipper->lock);
}

/* Adds the record. One that is no event, though its checksum is right, can't be stored: a hole. */
static void add_record(HgShipper *shipper, Batch *batch, const HgRecord *record)
{
    HgSlice payload = record->payload;
    if (!hg_row_append(batch->rows, hg_spool_id(shipper->options.spool), record->sequence,
                       &record->hash, payload)) {
        batch->holes++;
        return;
    }
    if (batch->count == 0)
        note_oldest(shipper, ms_of(&record->id));
    note_day(batch, &record->id);
    batch->count++;
}

/* Fills the batch from the spool. */
static gboolean fill(HgShipper *shipper, Batch *batch, GError **error)
{
    guint64 durable = hg_spool_durable(shipper->options.spool);
    HgRecord record;
    while (batch->rows->len < shipper->options.batch_bytes &&
           batch->count < shipper->options.batch_rows) {
        switch (hg_spool_reader_next(shipper->reader, durable, &record, error)) {
        case HG_SPOOL_READ_RECORD:
            add_record(shipper, batch, &record);
            break;
        case HG_SPOOL_READ_HOLE:
            batch->holes++;
            break;
        case HG_SPOOL_READ_NOTHING:
            batch->next = hg_spool_reader_sequence(shipper->reader);
            batch->hash = *hg_spool_reader_hash(shipper->reader);
            return TRUE;
        case HG_SPOOL_READ_ERROR:
            return FALSE;
        }
    }
    batch->next = hg_spool_reader_sequence(shipper->reader);
    batch->hash = *hg_spool_reader_hash(shipper->reader);
    return TRUE;
}

/* Brings the reader to where PostgreSQL is. */
static gboolean place_reader(HgShipper *shipper, guint64 next, Batch *batch, GError **error)
{
    guint64 durable = hg_spool_durable(shipper->options.spool);
    if (next > durable) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "PostgreSQL has this spool's records up to %" G_GUINT64_FORMAT
                    ", but the spool has none beyond %" G_GUINT64_FORMAT
                    ": it was put back from an older copy; move it away, so that a new one begins",
                    next - 1, durable - 1);
        return FALSE;
    }
    if (shipper->reader == NULL)
        shipper->reader = hg_spool_reader_new(shipper->folder, error);
    if (shipper->reader == NULL || !hg_spool_reader_seek(shipper->reader, next, error))
        return FALSE;
    /* older than all that is there: PostgreSQL was put back, or somebody deleted segments */
    batch->holes += hg_spool_reader_sequence(shipper->reader) > next;
    return TRUE;
}

/* ---- into the table ---- */

/* Makes the partitions of the days, in a transaction of its own: it takes locks. */
static gboolean make_partitions(HgShipper *shipper, GHashTable *days, GError **error)
{
    g_autoptr(GString) missing = g_string_new("{");
    GHashTableIter iter;
    gpointer day;
    g_hash_table_iter_init(&iter, days);
    while (g_hash_table_iter_next(&iter, &day, NULL))
        if (!g_hash_table_contains(shipper->days, day))
            g_string_append_printf(missing, "%s%s", missing->len > 1 ? "," : "", (char *)day);
    if (missing->len == 1)
        return TRUE;
    g_string_append_c(missing, '}');
    const char *values[] = {missing->str};
    if (!hg_database_run(shipper->database, "SELECT hivegate.make_partitions($1::date[])", values,
                         1, NULL, error))
        return FALSE;
    g_hash_table_iter_init(&iter, days);
    while (g_hash_table_iter_next(&iter, &day, NULL))
        g_hash_table_add(shipper->days, g_strdup(day));
    return TRUE;
}

/* Today's and those of the next days, so that midnight finds them there. */
static gboolean make_partitions_ahead(HgShipper *shipper, GError **error)
{
    g_autoptr(GHashTable) days = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    for (gint i = 0; i <= DAYS_AHEAD; i++) {
        g_autoptr(GDateTime) day = g_date_time_add_days(now, i);
        g_hash_table_add(days, g_date_time_format(day, "%Y-%m-%d"));
    }
    return make_partitions(shipper, days, error);
}

static HgSlice rows_of(const Batch *batch)
{
    return hg_slice(batch->rows->str, batch->rows->len);
}

/* Rows that may be there already. */
static gboolean add_by_staging(HgShipper *shipper, const Batch *batch, guint64 *duplicates,
                               GError **error)
{
    g_autoptr(PGresult) result = NULL;
    g_autofree char *table =
        g_strdup_printf("CREATE TEMPORARY TABLE staging (%s) ON COMMIT DROP", hg_row_definition);
    g_autofree char *copy = g_strdup_printf("COPY pg_temp.staging (%s) FROM STDIN", hg_row_columns);
    g_autofree char *insert = g_strdup_printf("INSERT INTO hivegate.event (%s) SELECT %s FROM "
                                              "pg_temp.staging ON CONFLICT DO NOTHING",
                                              hg_row_columns, hg_row_columns);
    if (!run(shipper, table, error) ||
        !hg_database_copy_in(shipper->database, copy, rows_of(batch), error) ||
        !hg_database_run(shipper->database, insert, NULL, 0, &result, error))
        return FALSE;
    *duplicates = batch->count - g_ascii_strtoull(PQcmdTuples(result), NULL, 10);
    return TRUE;
}

/* Within the transaction that holds the spool's row. */
static gboolean add_rows(HgShipper *shipper, const Batch *batch, guint64 *duplicates,
                         GError **error)
{
    g_autoptr(GError) failed = NULL;
    if (batch->count == 0)
        return TRUE;
    if (!run(shipper, "SAVEPOINT rows", error))
        return FALSE;
    if (hg_database_copy_in(shipper->database, shipper->copy_sql, rows_of(batch), &failed))
        return TRUE;
    if (strcmp(hg_database_sqlstate(shipper->database), UNIQUE_VIOLATION) != 0) {
        g_propagate_error(error, g_steal_pointer(&failed));
        return FALSE;
    }
    return run(shipper, "ROLLBACK TO rows", error) &&
           add_by_staging(shipper, batch, duplicates, error);
}

static gboolean move_position(HgShipper *shipper, const Batch *batch, GError **error)
{
    char spool[HG_AUDIT_ID_TEXT], hash[HG_AUDIT_HASH_TEXT];
    hg_audit_id_print(hg_spool_id(shipper->options.spool), spool);
    hg_audit_hash_print(&batch->hash, hash);
    g_autofree char *next = g_strdup_printf("%" G_GUINT64_FORMAT, batch->next);
    const char *values[] = {spool, next, hash};
    return hg_database_run(shipper->database,
                           "UPDATE hivegate.spool SET next_sequence = $2::bigint, "
                           "hash = decode($3, 'hex'), shipped_at = now() WHERE id = $1::uuid",
                           values, 3, NULL, error);
}

static void note_shipped(HgShipper *shipper, const Batch *batch, guint64 duplicates)
{
    HgShipperStatus *status = &shipper->status;
    gboolean all = batch->next >= hg_spool_durable(shipper->options.spool);
    pthread_mutex_lock(&shipper->lock);
    status->next = batch->next;
    status->events += batch->count;
    status->bytes += batch->rows->len;
    status->batches += batch->count > 0;
    status->duplicates += duplicates;
    status->holes += batch->holes;
    shipper->oldest_ms = 0;
    if (all)
        shipper->caught_up_us = g_get_monotonic_time();
    g_clear_pointer(&shipper->error, g_free);
    pthread_mutex_unlock(&shipper->lock);
}

/* Ships one batch, which may be empty. The spool's row is locked from before the records are read
 * until they are in the table. */
static gboolean ship(HgShipper *shipper, guint *count, GError **error)
{
    g_auto(Batch) batch = {
        .rows = g_string_sized_new(shipper->options.batch_bytes / 8),
        .days = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };
    guint64 next = 0, duplicates = 0;
    if (!lock_position(shipper, &next, error))
        return FALSE;
    gboolean placed = shipper->reader != NULL && hg_spool_reader_sequence(shipper->reader) == next;
    if ((!placed && !place_reader(shipper, next, &batch, error)) || !fill(shipper, &batch, error) ||
        !make_partitions(shipper, batch.days, error) ||
        !add_rows(shipper, &batch, &duplicates, error) ||
        (batch.next != next && !move_position(shipper, &batch, error)) ||
        !run(shipper, "COMMIT", error))
        return FALSE;
    *count = batch.count;
    note_shipped(shipper, &batch, duplicates);
    return hg_spool_release(shipper->options.spool, batch.next, error);
}

/* ---- the thread ---- */

/* TRUE when the end is asked for within the time. */
static gboolean rest(HgShipper *shipper, gint64 ms)
{
    struct pollfd fd = {.fd = shipper->stop_fd, .events = POLLIN};
    shipper->ending = shipper->ending || poll(&fd, 1, (int)ms) > 0;
    return shipper->ending;
}

static gboolean open_database(HgShipper *shipper, GError **error)
{
    HgDatabaseOptions options = {.conninfo = shipper->conninfo,
                                 .password_file = shipper->password_file,
                                 .stop_fd = shipper->stop_fd,
                                 .timeout_ms = shipper->options.timeout_ms};
    g_hash_table_remove_all(shipper->days);
    shipper->database = hg_database_connect(&options, error);
    if (shipper->database == NULL || !hg_migration_check(shipper->database, error) ||
        !make_partitions_ahead(shipper, error))
        return FALSE;
    pthread_mutex_lock(&shipper->lock);
    shipper->status.connected = TRUE;
    pthread_mutex_unlock(&shipper->lock);
    return TRUE;
}

static void disconnect(HgShipper *shipper, const GError *error)
{
    g_clear_pointer(&shipper->database, hg_database_free);
    /* the reader may stand behind what PostgreSQL has */
    g_clear_pointer(&shipper->reader, hg_spool_reader_free);
    pthread_mutex_lock(&shipper->lock);
    shipper->status.connected = FALSE;
    shipper->status.failures++;
    g_free(shipper->error);
    shipper->error = g_strdup(error->message);
    pthread_mutex_unlock(&shipper->lock);
}

/* Ships until something fails or the end is asked for. */
static gboolean work_on(HgShipper *shipper, gint64 *retry_ms, GError **error)
{
    guint count = 0;
    if (!open_database(shipper, error))
        return FALSE;
    while (
        !rest(shipper, count < shipper->options.batch_rows / 2 ? shipper->options.linger_ms : 0)) {
        if (!make_partitions_ahead(shipper, error) || !ship(shipper, &count, error))
            return FALSE;
        *retry_ms = RETRY_FIRST_MS;
        if (count == 0)
            hg_spool_wait(shipper->options.spool, shipper->status.next, WAIT_MS);
    }
    return TRUE;
}

static void *work(void *data)
{
    HgShipper *shipper = data;
    gint64 retry_ms = RETRY_FIRST_MS;
    while (!shipper->ending) {
        g_autoptr(GError) error = NULL;
        if (work_on(shipper, &retry_ms, &error))
            break;
        disconnect(shipper, error);
        rest(shipper, g_random_int_range((gint32)(retry_ms / 2), (gint32)retry_ms + 1));
        retry_ms = MIN(retry_ms * 2, shipper->options.retry_most_ms);
    }
    return NULL;
}

static void shipper_free(HgShipper *shipper)
{
    hg_database_free(shipper->database);
    hg_spool_reader_free(shipper->reader);
    g_hash_table_unref(shipper->days);
    pthread_mutex_destroy(&shipper->lock);
    if (shipper->stop_fd >= 0)
        close(shipper->stop_fd);
    g_free(shipper->copy_sql);
    g_free(shipper->error);
    g_free(shipper->folder);
    g_free(shipper->conninfo);
    g_free(shipper->password_file);
    g_free(shipper);
}

HgShipper *hg_shipper_new(const HgShipperOptions *options, GError **error)
{
    HgShipper *shipper = g_new0(HgShipper, 1);
    shipper->options = *options;
    shipper->folder = g_strdup(options->folder);
    shipper->conninfo = g_strdup(options->conninfo);
    shipper->password_file = g_strdup(options->password_file);
    shipper->days = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    shipper->copy_sql = g_strdup_printf("COPY hivegate.event (%s) FROM STDIN", hg_row_columns);
    pthread_mutex_init(&shipper->lock, NULL);
    shipper->caught_up_us = g_get_monotonic_time();
    shipper->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = shipper->stop_fd < 0 ? errno : 0;
    if (rc == 0)
        rc = pthread_create(&shipper->thread, NULL, work, shipper);
    if (rc == 0)
        return shipper;
    hg_error_set_errno(error, rc, "can't start the audit's way to PostgreSQL");
    shipper_free(shipper);
    return NULL;
}

void hg_shipper_free(HgShipper *shipper)
{
    if (shipper == NULL)
        return;
    eventfd_write(shipper->stop_fd, 1);
    hg_spool_wake(shipper->options.spool);
    pthread_join(shipper->thread, NULL);
    shipper_free(shipper);
}

void hg_shipper_status(HgShipper *shipper, HgShipperStatus *out, char **error_text)
{
    guint64 durable = hg_spool_durable(shipper->options.spool);
    pthread_mutex_lock(&shipper->lock);
    *out = shipper->status;
    gint64 known_ms = g_get_real_time() / 1000 - shipper->oldest_ms;
    gint64 since_ms = (g_get_monotonic_time() - shipper->caught_up_us) / 1000;
    if (out->next < durable)
        out->lag_ms = MAX(shipper->oldest_ms > 0 ? known_ms : since_ms, 1);
    if (error_text != NULL)
        *error_text = g_strdup(shipper->error);
    pthread_mutex_unlock(&shipper->lock);
}
