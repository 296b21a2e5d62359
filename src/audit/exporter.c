/* Records to a collector: see exporter.h. The thread owns connection and reader; status and error
 * are under the lock. */
#include "audit/exporter.h"

#include "audit/fields.h"
#include "audit/line_sink.h"
#include "audit/spool_reader.h"
#include "base/error.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define POSITION_NAME  "export.position"
#define RETRY_FIRST_MS 250
#define LOOK_MS        200 /* between two looks for new records */
#define BATCH_BYTES    (256 * 1024)
#define PRIORITY       110 /* facility 13 (log audit), severity 6 (informational) */
#define PRIORITY_WARN  108 /* severity 4 (warning): what was refused or lost */

struct HgExporter {
    HgExporterOptions options;
    char *folder;
    char *host;
    char *port;
    char *ca_file;
    char *certificate_file;
    char *key_file;
    int stop_fd;
    pthread_t thread;
    gboolean ending; /* the thread's own: stop_fd was seen */
    HgLineSink *sink;
    HgSpoolReader *reader;
    guint64 next;
    pthread_mutex_t lock;
    HgExporterStatus status;
    char *error;
};

/* ---- forms ---- */

static gboolean is_warning(const char *kind)
{
    return g_str_has_suffix(kind, "_refused") || strcmp(kind, "gap") == 0;
}

void hg_export_append(GString *out, HgExportForm form, const char *host, HgSlice event)
{
    if (form == HG_EXPORT_JSON) {
        g_string_append_len(out, (const char *)event.data, (gssize)event.size);
        g_string_append_c(out, '\n');
        return;
    }
    g_autofree char *at = hg_audit_fields_text(event, "at");
    g_autofree char *kind = hg_audit_fields_text(event, "kind");
    g_autofree char *head = g_strdup_printf(
        "<%d>1 %s %.255s hivegate %d %.32s - ",
        kind != NULL && is_warning(kind) ? PRIORITY_WARN : PRIORITY, at != NULL ? at : "-",
        *host != '\0' ? host : "-", (int)getpid(), kind != NULL ? kind : "-");
    g_string_append_printf(out, "%zu %s", strlen(head) + event.size, head);
    g_string_append_len(out, (const char *)event.data, (gssize)event.size);
}

/* ---- position ---- */

static char *position_path(const HgExporter *exporter)
{
    return g_build_filename(exporter->folder, POSITION_NAME, NULL);
}

/* Where an earlier run came to; 1 when there was none, or the spool is another one. */
static guint64 read_position(const HgExporter *exporter)
{
    g_autofree char *path = position_path(exporter);
    g_autofree char *text = NULL;
    char spool[HG_AUDIT_ID_TEXT];
    guint64 next = 1;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 1;
    hg_audit_id_print(hg_spool_id(exporter->options.spool), spool);
    g_auto(GStrv) words = g_strsplit(g_strchomp(text), " ", 2);
    if (g_strv_length(words) != 2 || strcmp(words[0], spool) != 0 ||
        !g_ascii_string_to_unsigned(words[1], 10, 1, G_MAXINT64, &next, NULL))
        return 1;
    return next;
}

static gboolean write_position(const HgExporter *exporter, GError **error)
{
    g_autofree char *path = position_path(exporter);
    g_autoptr(GError) failed = NULL;
    char spool[HG_AUDIT_ID_TEXT];
    hg_audit_id_print(hg_spool_id(exporter->options.spool), spool);
    g_autofree char *text = g_strdup_printf("%s %" G_GUINT64_FORMAT "\n", spool, exporter->next);
    if (g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &failed))
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_IO, "can't keep the collector's position: %s",
                failed->message);
    return FALSE;
}

/* ---- sending ---- */

static gboolean rest(HgExporter *exporter, gint64 ms)
{
    struct pollfd fd = {.fd = exporter->stop_fd, .events = POLLIN};
    exporter->ending = exporter->ending || poll(&fd, 1, (int)ms) > 0;
    return exporter->ending;
}

static gboolean place_reader(HgExporter *exporter, guint64 *lost, GError **error)
{
    if (exporter->reader != NULL && hg_spool_reader_sequence(exporter->reader) == exporter->next)
        return TRUE;
    g_clear_pointer(&exporter->reader, hg_spool_reader_free);
    exporter->reader = hg_spool_reader_new(exporter->folder, error);
    if (exporter->reader == NULL || !hg_spool_reader_seek(exporter->reader, exporter->next, error))
        return FALSE;
    guint64 first = hg_spool_reader_sequence(exporter->reader);
    if (first > exporter->next)
        *lost += first - exporter->next;
    return TRUE;
}

/* Fills the batch with what is durable; *count says how many records. */
static gboolean fill(HgExporter *exporter, GString *batch, guint64 *count, guint64 *lost,
                     GError **error)
{
    guint64 durable = hg_spool_durable(exporter->options.spool);
    HgRecord record;
    if (exporter->next >= durable)
        return TRUE;
    if (!place_reader(exporter, lost, error))
        return FALSE;
    while (batch->len < BATCH_BYTES) {
        HgSpoolRead read = hg_spool_reader_next(exporter->reader, durable, &record, error);
        if (read == HG_SPOOL_READ_ERROR)
            return FALSE;
        if (read == HG_SPOOL_READ_NOTHING)
            break;
        if (read == HG_SPOOL_READ_HOLE) {
            const HgSpoolHole *hole = hg_spool_reader_hole(exporter->reader);
            *lost += hole->to - MIN(hole->from, hole->to);
            continue;
        }
        hg_export_append(batch, exporter->options.form, g_get_host_name(), record.payload);
        *count += 1;
    }
    return TRUE;
}

/* Sends one batch, which may be empty. */
static gboolean send_batch(HgExporter *exporter, guint64 *count, GError **error)
{
    g_autoptr(GString) batch = g_string_sized_new(BATCH_BYTES / 8);
    guint64 lost = 0;
    *count = 0;
    if (!fill(exporter, batch, count, &lost, error))
        return FALSE;
    if (*count == 0 && lost == 0)
        return hg_line_sink_check(exporter->sink, error);
    if (!hg_line_sink_send(exporter->sink, hg_slice(batch->str, batch->len), error))
        return FALSE;
    exporter->next = hg_spool_reader_sequence(exporter->reader);
    pthread_mutex_lock(&exporter->lock);
    exporter->status.next = exporter->next;
    exporter->status.events += *count;
    exporter->status.lost += lost;
    g_clear_pointer(&exporter->error, g_free);
    pthread_mutex_unlock(&exporter->lock);
    return write_position(exporter, error) &&
           hg_spool_need(exporter->options.spool, exporter->next, error);
}

static gboolean open_sink(HgExporter *exporter, GError **error)
{
    HgLineSinkOptions options = {.host = exporter->host,
                                 .port = exporter->port,
                                 .tls = exporter->options.tls,
                                 .ca_file = exporter->ca_file,
                                 .certificate_file = exporter->certificate_file,
                                 .key_file = exporter->key_file,
                                 .stop_fd = exporter->stop_fd,
                                 .timeout_ms = exporter->options.timeout_ms};
    exporter->sink = hg_line_sink_connect(&options, error);
    if (exporter->sink == NULL)
        return FALSE;
    pthread_mutex_lock(&exporter->lock);
    exporter->status.connected = TRUE;
    pthread_mutex_unlock(&exporter->lock);
    return TRUE;
}

static void disconnect(HgExporter *exporter, const GError *error)
{
    g_clear_pointer(&exporter->sink, hg_line_sink_free);
    /* it may stand behind what the collector has */
    g_clear_pointer(&exporter->reader, hg_spool_reader_free);
    pthread_mutex_lock(&exporter->lock);
    exporter->status.connected = FALSE;
    exporter->status.failures++;
    g_free(exporter->error);
    exporter->error = g_strdup(error->message);
    pthread_mutex_unlock(&exporter->lock);
}

/* Sends until something fails or the end is asked for. */
static gboolean work_on(HgExporter *exporter, gint64 *retry_ms, GError **error)
{
    guint64 count = 0;
    if (!open_sink(exporter, error))
        return FALSE;
    while (!rest(exporter, count == 0 ? LOOK_MS : 0)) {
        if (!send_batch(exporter, &count, error))
            return FALSE;
        *retry_ms = RETRY_FIRST_MS;
    }
    return TRUE;
}

static void *work(void *data)
{
    HgExporter *exporter = data;
    gint64 retry_ms = RETRY_FIRST_MS;
    while (!exporter->ending) {
        g_autoptr(GError) error = NULL;
        if (work_on(exporter, &retry_ms, &error))
            break;
        disconnect(exporter, error);
        rest(exporter, g_random_int_range((gint32)(retry_ms / 2), (gint32)retry_ms + 1));
        retry_ms = MIN(retry_ms * 2, exporter->options.retry_most_ms);
    }
    return NULL;
}

/* ---- start and end ---- */

static void exporter_free(HgExporter *exporter)
{
    hg_line_sink_free(exporter->sink);
    hg_spool_reader_free(exporter->reader);
    pthread_mutex_destroy(&exporter->lock);
    if (exporter->stop_fd >= 0)
        close(exporter->stop_fd);
    g_free(exporter->error);
    g_free(exporter->folder);
    g_free(exporter->host);
    g_free(exporter->port);
    g_free(exporter->ca_file);
    g_free(exporter->certificate_file);
    g_free(exporter->key_file);
    g_free(exporter);
}

HgExporter *hg_exporter_new(const HgExporterOptions *options, GError **error)
{
    HgExporter *exporter = g_new0(HgExporter, 1);
    exporter->options = *options;
    exporter->folder = g_strdup(options->folder);
    exporter->host = g_strdup(options->host);
    exporter->port = g_strdup_printf("%u", options->port);
    exporter->ca_file = g_strdup(options->ca_file);
    exporter->certificate_file = g_strdup(options->certificate_file);
    exporter->key_file = g_strdup(options->key_file);
    pthread_mutex_init(&exporter->lock, NULL);
    exporter->next = exporter->status.next = read_position(exporter);
    exporter->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = exporter->stop_fd < 0 ? errno : 0;
    gboolean ok = rc == 0 && hg_spool_need(options->spool, exporter->next, error);
    if (ok)
        rc = pthread_create(&exporter->thread, NULL, work, exporter);
    if (ok && rc == 0)
        return exporter;
    if (rc != 0)
        hg_error_set_errno(error, rc, "can't start the audit's way to the collector");
    exporter_free(exporter);
    return NULL;
}

void hg_exporter_free(HgExporter *exporter)
{
    if (exporter == NULL)
        return;
    eventfd_write(exporter->stop_fd, 1);
    pthread_join(exporter->thread, NULL);
    exporter_free(exporter);
}

void hg_exporter_status(HgExporter *exporter, HgExporterStatus *out, char **error_text)
{
    pthread_mutex_lock(&exporter->lock);
    *out = exporter->status;
    if (error_text != NULL)
        *error_text = g_strdup(exporter->error);
    pthread_mutex_unlock(&exporter->lock);
}
