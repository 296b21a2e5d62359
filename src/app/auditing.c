/* Start and end of the audit log: see auditing.h. Owns clock, spool, shipper, anchorer, redaction,
 * recorder.
 */
#include "app/auditing.h"

#include "app/config_show.h"
#include "audit/anchorer.h"
#include "audit/config_event.h"

#define SEGMENT       (64 * 1024 * 1024) /* bytes of one, but for small limits */
#define SEGMENT_AGE   (10 * 60 * 1000)   /* ms */
#define BATCH_BYTES   (4 * 1024 * 1024)
#define BATCH_ROWS    10000
#define LINGER        200   /* ms between two transactions when there is little to ship */
#define SHIP_PATIENCE 30000 /* ms without progress */
#define RETRY_MOST    30000 /* ms */
#define LAST_SHIPMENT 3000  /* ms that the end waits for PostgreSQL */
#define LOOK_EVERY    20    /* ms */

struct HgAuditing {
    const HgConfig *config;
    HgLog *log;
    HgAuditClock *clock;
    HgSpool *spool;
    HgShipper *shipper;
    HgExporter *exporter;     /* NULL: none */
    HgAnchorer *anchorer;     /* NULL: none */
    HgPseudonyms *pseudonyms; /* NULL: names as they are */
    char *shown;              /* the configuration that was recorded last */
    HgSqlRedaction *redaction;
    HgRecorder *recorder;
    char *not_shipped; /* why, as the log says; NULL: nothing is wrong */
    char *refuses;     /* the same of the spool */
};

static HgSpool *open_spool(HgAuditing *auditing, GError **error)
{
    const HgAuditConfig *config = &auditing->config->audit;
    HgSpoolRecovery found = {0};
    HgSpoolOptions options = {.folder = config->spool,
                              .limit = (guint64)config->limit,
                              .memory = (gsize)config->memory,
                              .segment = (guint64)MIN(SEGMENT, config->limit / 16),
                              .segment_age_ms = SEGMENT_AGE,
                              .interval_ms = config->interval_ms,
                              .durability = config->durability,
                              .when_full = config->when_full,
                              .clock = auditing->clock,
                              .pseudonyms = auditing->pseudonyms};
    HgSpool *spool = hg_spool_open(&options, &found, error);
    if (spool == NULL) {
        g_prefix_error(error, "audit: ");
        return NULL;
    }
    HgLogLevel level =
        found.torn_bytes + found.damaged + found.unknown > 0 ? HG_LOG_WARN : HG_LOG_INFO;
    hg_log(auditing->log, level, "audit_opened", hg_log_text("spool", config->spool),
           hg_log_uint("sequence", found.sequence), hg_log_uint("unknown", found.unknown),
           hg_log_uint("torn_bytes", found.torn_bytes), hg_log_uint("damaged", found.damaged));
    return spool;
}

static gboolean start_shipper(HgAuditing *auditing, GError **error)
{
    const HgAuditConfig *config = &auditing->config->audit;
    if (config->postgres == NULL)
        return TRUE;
    HgShipperOptions options = {.spool = auditing->spool,
                                .folder = config->spool,
                                .conninfo = config->postgres,
                                .password_file = config->password_file,
                                .batch_bytes = BATCH_BYTES,
                                .batch_rows = BATCH_ROWS,
                                .linger_ms = LINGER,
                                .timeout_ms = SHIP_PATIENCE,
                                .retry_most_ms = RETRY_MOST};
    auditing->shipper = hg_shipper_new(&options, error);
    if (auditing->shipper == NULL)
        g_prefix_error(error, "audit: ");
    return auditing->shipper != NULL;
}

static gboolean start_anchorer(HgAuditing *auditing, GError **error)
{
    const HgAuditConfig *config = &auditing->config->audit;
    if (config->anchors.key_file == NULL)
        return TRUE;
    HgAnchorerOptions options = {.spool = auditing->spool,
                                 .folder = config->spool,
                                 .clock = auditing->clock,
                                 .key_file = config->anchors.key_file,
                                 .file = config->anchors.file,
                                 .url = config->anchors.url,
                                 .ca_file = config->anchors.ca_file,
                                 .interval_ms = config->anchors.interval_ms};
    auditing->anchorer = hg_anchorer_new(&options, error);
    if (auditing->anchorer == NULL)
        g_prefix_error(error, "audit: anchors: ");
    return auditing->anchorer != NULL;
}

static gboolean start_exporter(HgAuditing *auditing, GError **error)
{
    const HgAuditConfig *config = &auditing->config->audit;
    if (config->export.host == NULL)
        return TRUE;
    HgExporterOptions options = {.spool = auditing->spool,
                                 .folder = config->spool,
                                 .form = config->export.form,
                                 .host = config->export.host,
                                 .port = config->export.port,
                                 .tls = config->export.tls,
                                 .ca_file = config->export.ca_file,
                                 .certificate_file = config->export.certificate_file,
                                 .key_file = config->export.key_file,
                                 .timeout_ms = SHIP_PATIENCE,
                                 .retry_most_ms = RETRY_MOST};
    auditing->exporter = hg_exporter_new(&options, error);
    if (auditing->exporter == NULL)
        g_prefix_error(error, "audit: export: ");
    return auditing->exporter != NULL;
}

static gboolean load_pseudonyms(HgAuditing *auditing, GError **error)
{
    const HgAuditPseudonymsConfig *config = &auditing->config->audit.pseudonyms;
    if (config->key_file == NULL)
        return TRUE;
    auditing->pseudonyms = hg_pseudonyms_load(config->key_file, config->addresses, error);
    return auditing->pseudonyms != NULL;
}

/* What was loaded, by its hash: the configuration as it was understood, secrets not in it. */
static void note_config(HgAuditing *auditing, const char *reason, const char *problem)
{
    HgAuditEvent event;
    g_autofree char *shown = hg_config_show(auditing->config, NULL);
    HgSlice before = hg_slice_from_string(auditing->shown);
    g_autoptr(HgConfigEvent) config = hg_config_event_new(
        "configuration", hg_slice_from_string(shown), auditing->shown != NULL ? &before : NULL);
    hg_config_event_fill(config, &event);
    event.reason = hg_slice_from_string(reason);
    event.message = hg_slice_from_string(problem);
    if (problem != NULL)
        event.content = event.detail = hg_slice(NULL, 0);
    hg_recorder_note(auditing->recorder, &event);
    if (problem == NULL) {
        g_free(auditing->shown);
        auditing->shown = g_steal_pointer(&shown);
    }
}

static void note_service(HgAuditing *auditing, HgAuditKind kind, const char *version)
{
    HgAuditEvent event;
    g_autofree char *detail =
        version != NULL ? g_strdup_printf("hivegate %s on %s", version, g_get_host_name()) : NULL;
    hg_audit_event_init(&event, kind);
    event.detail = hg_slice_from_string(detail);
    hg_recorder_note(auditing->recorder, &event);
}

gboolean hg_auditing_new(const HgConfig *config, const char *version, HgLog *log, HgAuditing **out,
                         GError **error)
{
    *out = NULL;
    if (config->audit.spool == NULL)
        return TRUE;
    g_autoptr(HgAuditing) auditing = g_new0(HgAuditing, 1);
    auditing->config = config;
    auditing->log = log;
    auditing->clock = hg_audit_clock_new(NULL, NULL);
    auditing->redaction = hg_sql_redaction_new(config->audit.redact.hide_literals,
                                               config->audit.redact.patterns, error);
    if (auditing->redaction == NULL || !load_pseudonyms(auditing, error))
        return FALSE;
    auditing->spool = open_spool(auditing, error);
    if (auditing->spool == NULL || !start_exporter(auditing, error) ||
        !start_shipper(auditing, error) || !start_anchorer(auditing, error))
        return FALSE;
    auditing->recorder =
        hg_recorder_new(&(HgRecorderOptions){.spool = auditing->spool,
                                             .clock = auditing->clock,
                                             .shipper = auditing->shipper,
                                             .redaction = auditing->redaction,
                                             .limit = (guint64)config->audit.limit});
    note_service(auditing, HG_AUDIT_SERVICE_STARTED, version);
    note_config(auditing, "start", NULL);
    *out = g_steal_pointer(&auditing);
    return TRUE;
}

HgRecorder *hg_auditing_recorder(const HgAuditing *auditing)
{
    return auditing != NULL ? auditing->recorder : NULL;
}

void hg_auditing_note_reload(HgAuditing *auditing, const char *problem)
{
    if (auditing != NULL)
        note_config(auditing, "reload of users, certificates and passwords", problem);
}

/* Says it when the trouble has changed; takes what it is now. */
static void say_change(HgAuditing *auditing, char **known, char *take_now, const char *trouble,
                       const char *well)
{
    if (take_now != NULL && g_strcmp0(*known, take_now) != 0)
        hg_log(auditing->log, HG_LOG_ERROR, trouble, hg_log_text("why", take_now));
    else if (take_now == NULL && *known != NULL)
        hg_log(auditing->log, HG_LOG_INFO, well);
    g_free(*known);
    *known = take_now;
}

void hg_auditing_look(HgAuditing *auditing)
{
    HgSpoolStatus spool;
    HgShipperStatus shipper;
    char *why = NULL;
    if (auditing == NULL)
        return;
    hg_spool_status(auditing->spool, &spool, &why);
    if (why == NULL && hg_spool_refuses(auditing->spool))
        why = g_strdup("the spool is full (audit: limit, memory)");
    say_change(auditing, &auditing->refuses, why, "audit_refuses", "audit_goes_on");
    why = NULL;
    if (auditing->shipper != NULL)
        hg_shipper_status(auditing->shipper, &shipper, &why);
    say_change(auditing, &auditing->not_shipped, why, "audit_not_shipped", "audit_shipped_again");
}

/* ---- the end ---- */

/* TRUE when PostgreSQL has everything. */
static gboolean all_shipped(const HgAuditing *auditing)
{
    HgSpoolStatus spool;
    HgShipperStatus shipper;
    hg_spool_status(auditing->spool, &spool, NULL);
    hg_shipper_status(auditing->shipper, &shipper, NULL);
    return spool.memory_bytes == 0 && shipper.next >= spool.sequence;
}

static void ship_the_rest(const HgAuditing *auditing)
{
    gint64 until = g_get_monotonic_time() + LAST_SHIPMENT * 1000;
    while (auditing->shipper != NULL && !all_shipped(auditing) && g_get_monotonic_time() < until)
        g_usleep(LOOK_EVERY * 1000);
}

void hg_auditing_free(HgAuditing *auditing)
{
    if (auditing == NULL)
        return;
    if (auditing->recorder != NULL) {
        note_service(auditing, HG_AUDIT_SERVICE_STOPPED, NULL);
        g_clear_pointer(&auditing->anchorer, hg_anchorer_free); /* makes the last anchor */
        ship_the_rest(auditing);
    }
    hg_anchorer_free(auditing->anchorer);
    hg_exporter_free(auditing->exporter); /* what it didn't send waits for the next start */
    hg_shipper_free(auditing->shipper);
    hg_recorder_free(auditing->recorder);
    hg_spool_close(auditing->spool);
    hg_sql_redaction_free(auditing->redaction);
    hg_pseudonyms_free(auditing->pseudonyms);
    g_free(auditing->shown);
    hg_audit_clock_free(auditing->clock);
    g_free(auditing->not_shipped);
    g_free(auditing->refuses);
    g_free(auditing);
}
