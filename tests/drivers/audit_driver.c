/* Drives the audit layer for tests/audit and bench: a spool, and with --postgres its shipper.
 *
 *   audit-driver --spool FOLDER [OPTION...]
 *
 * Threads record statements, each with a beginning and an end, as fast as they are told that they
 * are durable. With --print each line of output is one that was: "s ID" for a beginning, "f ID" for
 * an end; "refused" when a beginning wasn't let in. With --drain it then waits until PostgreSQL has
 * all of it. The last line is JSON: what opening found, and counts. */
#include "audit/anchorer.h"
#include "audit/config_event.h"
#include "audit/exporter.h"
#include "audit/shipper.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    char *spool;
    char *postgres;
    char *password_file;
    char *statement;
    gint threads;
    gint statements; /* of each thread; 0: until killed */
    gint limit;      /* of the spool, in KiB */
    gint segment;    /* in KiB */
    gint interval;   /* ms; 0: each statement is made durable */
    gint size;       /* of a statement's text */
    gint timeout;    /* ms that PostgreSQL may be silent */
    char *config;    /* file: recorded as the configuration that took effect */
    char *before;    /* file: the one before it */
    char *export;    /* host:port */
    char *export_ca;
    gboolean export_syslog;
    gboolean linger; /* stay until killed */
    char *anchor_key;
    char *anchor_file;
    char *anchor_url;
    gint anchor_interval; /* ms */
    gint days;            /* that its clock is ahead of the machine's */
    gboolean drop;
    gboolean print;
    gboolean drain;
    gboolean unended; /* statements don't end */
} Arguments;

typedef struct {
    Arguments arguments;
    HgAuditClock *clock;
    HgSpool *spool;
    pthread_mutex_t printing;
    atomic_uint refused;
    atomic_uint lost;
    atomic_uint late;
} Driver;

typedef struct {
    HgSpoolReceipt receipt;
    pthread_mutex_t lock;
    pthread_cond_t told;
    gboolean done;
} Wait;

static void on_receipt(HgTask *task)
{
    Wait *wait = (Wait *)task;
    pthread_mutex_lock(&wait->lock);
    wait->done = TRUE;
    pthread_cond_signal(&wait->told);
    pthread_mutex_unlock(&wait->lock);
}

static HgSpoolOutcome append(Driver *driver, const HgAuditEvent *event)
{
    Wait wait = {.receipt = {.task = {.run = on_receipt}}};
    pthread_mutex_init(&wait.lock, NULL);
    pthread_cond_init(&wait.told, NULL);
    HgSpoolOutcome outcome = hg_spool_append(driver->spool, event, &wait.receipt);
    if (outcome == HG_SPOOL_WAIT) {
        pthread_mutex_lock(&wait.lock);
        while (!wait.done)
            pthread_cond_wait(&wait.told, &wait.lock);
        pthread_mutex_unlock(&wait.lock);
        outcome = wait.receipt.outcome;
    }
    pthread_mutex_destroy(&wait.lock);
    pthread_cond_destroy(&wait.told);
    return outcome;
}

static void say(Driver *driver, const char *what, const HgAuditId *id)
{
    char text[HG_AUDIT_ID_TEXT];
    if (!driver->arguments.print)
        return;
    hg_audit_id_print(id, text);
    pthread_mutex_lock(&driver->printing);
    printf("%s %s\n", what, text);
    fflush(stdout);
    pthread_mutex_unlock(&driver->printing);
}

static void fill(Driver *driver, HgAuditEvent *event, HgAuditKind kind)
{
    hg_audit_event_init(event, kind);
    hg_audit_clock_stamp(driver->clock, &event->stamp);
    event->principal = hg_slice_from_string("alice");
    event->effective_user = hg_slice_from_string("alice");
    event->client_address = hg_slice_from_string("192.0.2.7");
    event->session_id = hg_slice_from_string("b6a7a4c2-64b1-4f0e-8d41-0d5a5f1c2f11");
    event->pool = hg_slice_from_string("default");
    event->database = hg_slice_from_string("sales");
}

static void begin(Driver *driver, HgAuditEvent *event)
{
    static const char *const tables[] = {"spark_catalog.sales.orders", "sales.odd, \"name\"", NULL};
    fill(driver, event, HG_AUDIT_STATEMENT_SUBMITTED);
    event->statement_id = event->stamp.id;
    event->statement = hg_slice_from_string(driver->arguments.statement);
    event->tables_read = tables;
}

static void end(Driver *driver, const HgAuditId *statement)
{
    HgAuditEvent event;
    fill(driver, &event, HG_AUDIT_STATEMENT_FINISHED);
    event.statement_id = *statement;
    event.rows_returned = 42;
    event.run_us = 1234;
    HgSpoolOutcome outcome = append(driver, &event);
    if (outcome == HG_SPOOL_TAKEN)
        say(driver, "f", statement);
    else if (outcome == HG_SPOOL_LATE)
        atomic_fetch_add(&driver->late, 1);
    else
        atomic_fetch_add(&driver->lost, 1);
}

static void *work(void *data)
{
    Driver *driver = data;
    const Arguments *arguments = &driver->arguments;
    for (gint i = 0; i < arguments->statements || arguments->statements == 0; i++) {
        HgAuditEvent event;
        begin(driver, &event);
        switch (append(driver, &event)) {
        case HG_SPOOL_TAKEN:
            say(driver, "s", &event.statement_id);
            if (!arguments->unended)
                end(driver, &event.statement_id);
            break;
        case HG_SPOOL_REFUSED:
            atomic_fetch_add(&driver->refused, 1);
            say(driver, "refused", &event.statement_id);
            g_usleep(2000);
            break;
        default:
            atomic_fetch_add(&driver->lost, 1);
            break;
        }
    }
    return NULL;
}

/* Until all is shipped, also what was late and waits for the disk. */
static void drain(Driver *driver, HgShipper *shipper)
{
    HgShipperStatus status;
    HgSpoolStatus spool;
    do {
        g_usleep(1000);
        hg_spool_status(driver->spool, &spool, NULL); /* first: what is durable only grows */
        hg_shipper_status(shipper, &status, NULL);
    } while (spool.memory_bytes > 0 || status.next < hg_spool_durable(driver->spool) ||
             hg_spool_durable(driver->spool) == 0);
}

static void report(Driver *driver, const HgSpoolRecovery *recovery, HgShipper *shipper, gint64 us,
                   gint64 drained_us)
{
    HgSpoolStatus spool;
    HgShipperStatus shipped = {0};
    hg_spool_status(driver->spool, &spool, NULL);
    if (shipper != NULL)
        hg_shipper_status(shipper, &shipped, NULL);
    printf("{\"torn_bytes\": %" G_GUINT64_FORMAT ", \"damaged\": %" G_GUINT64_FORMAT
           ", \"unknown\": %" G_GUINT64_FORMAT ", \"sequence\": %" G_GUINT64_FORMAT,
           recovery->torn_bytes, recovery->damaged, recovery->unknown, recovery->sequence);
    printf(", \"refused\": %u, \"lost\": %u, \"late\": %u, \"syncs\": %" G_GUINT64_FORMAT
           ", \"sync_us\": %" G_GUINT64_FORMAT ", \"disk_bytes\": %" G_GUINT64_FORMAT,
           atomic_load(&driver->refused), atomic_load(&driver->lost), atomic_load(&driver->late),
           spool.syncs, spool.sync_us, spool.disk_bytes);
    printf(", \"us\": %" G_GINT64_FORMAT ", \"drained_us\": %" G_GINT64_FORMAT
           ", \"shipped\": %" G_GUINT64_FORMAT ", \"batches\": %" G_GUINT64_FORMAT
           ", \"duplicates\": %" G_GUINT64_FORMAT ", \"holes\": %" G_GUINT64_FORMAT
           ", \"failures\": %" G_GUINT64_FORMAT ", \"lag_ms\": %" G_GINT64_FORMAT "}\n",
           us, drained_us, shipped.events, shipped.batches, shipped.duplicates, shipped.holes,
           shipped.failures, shipped.lag_ms);
    fflush(stdout);
}

static void run(Driver *driver, const HgSpoolRecovery *recovery, HgShipper *shipper)
{
    guint count = (guint)driver->arguments.threads;
    g_autofree pthread_t *threads = g_new0(pthread_t, count);
    gint64 begun = g_get_monotonic_time();
    for (guint i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, work, driver) != 0)
            abort();
    for (guint i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    gint64 done = g_get_monotonic_time();
    if (driver->arguments.drain && shipper != NULL)
        drain(driver, shipper);
    report(driver, recovery, shipper, done - begun, g_get_monotonic_time() - begun);
}

static gboolean read_arguments(Arguments *arguments, int argc, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"spool", 0, 0, G_OPTION_ARG_FILENAME, &arguments->spool, "folder", NULL},
        {"postgres", 0, 0, G_OPTION_ARG_STRING, &arguments->postgres, "conninfo", NULL},
        {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &arguments->password_file, "file", NULL},
        {"threads", 0, 0, G_OPTION_ARG_INT, &arguments->threads, "how many", NULL},
        {"statements", 0, 0, G_OPTION_ARG_INT, &arguments->statements, "of each thread", NULL},
        {"limit", 0, 0, G_OPTION_ARG_INT, &arguments->limit, "KiB of the spool", NULL},
        {"segment", 0, 0, G_OPTION_ARG_INT, &arguments->segment, "KiB of a segment", NULL},
        {"interval", 0, 0, G_OPTION_ARG_INT, &arguments->interval, "ms", NULL},
        {"size", 0, 0, G_OPTION_ARG_INT, &arguments->size, "bytes of a statement", NULL},
        {"timeout", 0, 0, G_OPTION_ARG_INT, &arguments->timeout, "ms of PostgreSQL", NULL},
        {"config", 0, 0, G_OPTION_ARG_FILENAME, &arguments->config, "file", NULL},
        {"before", 0, 0, G_OPTION_ARG_FILENAME, &arguments->before, "file", NULL},
        {"export", 0, 0, G_OPTION_ARG_STRING, &arguments->export, "host:port, by TLS", NULL},
        {"export-ca", 0, 0, G_OPTION_ARG_FILENAME, &arguments->export_ca, "file", NULL},
        {"export-syslog", 0, 0, G_OPTION_ARG_NONE, &arguments->export_syslog, "syslog", NULL},
        {"linger", 0, 0, G_OPTION_ARG_NONE, &arguments->linger, "until killed", NULL},
        {"anchor-key", 0, 0, G_OPTION_ARG_FILENAME, &arguments->anchor_key, "file", NULL},
        {"anchor-file", 0, 0, G_OPTION_ARG_FILENAME, &arguments->anchor_file, "file", NULL},
        {"anchor-url", 0, 0, G_OPTION_ARG_STRING, &arguments->anchor_url, "URL", NULL},
        {"anchor-interval", 0, 0, G_OPTION_ARG_INT, &arguments->anchor_interval, "ms", NULL},
        {"days", 0, 0, G_OPTION_ARG_INT, &arguments->days, "that the clock is ahead", NULL},
        {"drop", 0, 0, G_OPTION_ARG_NONE, &arguments->drop, "drop when full", NULL},
        {"print", 0, 0, G_OPTION_ARG_NONE, &arguments->print, "say what is durable", NULL},
        {"drain", 0, 0, G_OPTION_ARG_NONE, &arguments->drain, "wait for PostgreSQL", NULL},
        {"unended", 0, 0, G_OPTION_ARG_NONE, &arguments->unended, "statements don't end", NULL},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_add_main_entries(context, entries, NULL);
    return g_option_context_parse(context, &argc, &argv, error);
}

static HgSpoolOptions spool_options(const Driver *driver)
{
    const Arguments *arguments = &driver->arguments;
    return (HgSpoolOptions){.folder = arguments->spool,
                            .limit = (guint64)arguments->limit << 10,
                            .memory = 16 << 20,
                            .segment = (guint64)arguments->segment << 10,
                            .segment_age_ms = 3600000,
                            .interval_ms = arguments->interval,
                            .durability = arguments->interval > 0 ? HG_SPOOL_INTERVAL
                                                                  : HG_SPOOL_EACH_STATEMENT,
                            .when_full = arguments->drop ? HG_SPOOL_DROP : HG_SPOOL_REFUSE,
                            .clock = driver->clock};
}

/* NULL when nothing is exported; an error ends the program. */
static HgExporter *start_exporter(const Driver *driver)
{
    const Arguments *arguments = &driver->arguments;
    if (arguments->export == NULL)
        return NULL;
    g_auto(GStrv) words = g_strsplit(arguments->export, ":", 2);
    g_autoptr(GError) error = NULL;
    HgExporterOptions options = {.spool = driver->spool,
                                 .folder = arguments->spool,
                                 .form =
                                     arguments->export_syslog ? HG_EXPORT_SYSLOG : HG_EXPORT_JSON,
                                 .host = words[0],
                                 .port = (guint)g_ascii_strtoull(words[1], NULL, 10),
                                 .tls = arguments->export_ca != NULL,
                                 .ca_file = arguments->export_ca,
                                 .timeout_ms = arguments->timeout,
                                 .retry_most_ms = 500};
    HgExporter *exporter = hg_exporter_new(&options, &error);
    if (exporter != NULL)
        return exporter;
    fprintf(stderr, "audit-driver: %s\n", error->message);
    exit(3);
}

/* Says how the export stands, until it is killed. */
static void stay(HgExporter *exporter)
{
    for (;;) {
        g_autofree char *text = NULL;
        HgExporterStatus status;
        hg_exporter_status(exporter, &status, &text);
        printf("export %s\n", text != NULL ? text : "");
        fflush(stdout);
        g_usleep(20000);
    }
}

/* Records that a configuration took effect. */
static void record_config(Driver *driver)
{
    const Arguments *arguments = &driver->arguments;
    g_autofree char *text = NULL, *before = NULL;
    HgAuditEvent event;
    gsize size = 0, before_size = 0;
    if (arguments->config == NULL)
        return;
    if (!g_file_get_contents(arguments->config, &text, &size, NULL) ||
        (arguments->before != NULL &&
         !g_file_get_contents(arguments->before, &before, &before_size, NULL)))
        exit(3);
    HgSlice old = hg_slice(before, before_size);
    g_autoptr(HgConfigEvent) config =
        hg_config_event_new("configuration", hg_slice(text, size), before != NULL ? &old : NULL);
    hg_config_event_fill(config, &event);
    hg_audit_clock_stamp(driver->clock, &event.stamp);
    event.principal = hg_slice_from_string("root");
    if (append(driver, &event) != HG_SPOOL_TAKEN)
        exit(4);
}

/* NULL without a key; an error ends the program. */
static HgAnchorer *start_anchorer(const Driver *driver)
{
    const Arguments *arguments = &driver->arguments;
    g_autoptr(GError) error = NULL;
    HgAnchorerOptions options = {.spool = driver->spool,
                                 .folder = arguments->spool,
                                 .clock = driver->clock,
                                 .key_file = arguments->anchor_key,
                                 .file = arguments->anchor_file,
                                 .url = arguments->anchor_url,
                                 .interval_ms = arguments->anchor_interval};
    if (arguments->anchor_key == NULL)
        return NULL;
    HgAnchorer *anchorer = hg_anchorer_new(&options, &error);
    if (anchorer != NULL)
        return anchorer;
    fprintf(stderr, "audit-driver: %s\n", error->message);
    exit(3);
}

/* Makes the last anchor, and says how it went. */
static void stop_anchorer(HgAnchorer *anchorer)
{
    g_autofree char *text = NULL;
    HgAnchorerStatus status;
    if (anchorer == NULL)
        return;
    hg_anchorer_status(anchorer, &status, &text);
    hg_anchorer_free(anchorer);
    if (text != NULL)
        fprintf(stderr, "anchors: %s\n", text);
}

/* The machine's clock, some days off. */
static void read_clock(void *data, gint64 *wall_us, gint64 *mono_us, gboolean *synchronized)
{
    const gint *days = data;
    *wall_us = g_get_real_time() + *days * G_GINT64_CONSTANT(86400000000);
    *mono_us = g_get_monotonic_time();
    *synchronized = TRUE;
}

int main(int argc, char **argv)
{
    static Driver driver = {.arguments = {.threads = 4,
                                          .limit = 1 << 20,
                                          .segment = 256,
                                          .timeout = 10000,
                                          .anchor_interval = 60000}};
    Arguments *arguments = &driver.arguments;
    g_autoptr(GError) error = NULL;
    g_autoptr(HgShipper) shipper = NULL;
    HgSpoolRecovery recovery;
    signal(SIGPIPE, SIG_IGN);
    if (!read_arguments(arguments, argc, argv, &error)) {
        fprintf(stderr, "audit-driver: %s\n", error->message);
        return 2;
    }
    arguments->statement = arguments->size > 0
                               ? g_strnfill((gsize)arguments->size, 's')
                               : g_strdup("SELECT *\n\tFROM orders -- \\ \"\xc3\xa9\"");
    pthread_mutex_init(&driver.printing, NULL);
    driver.clock = arguments->days == 0 ? hg_audit_clock_new(NULL, NULL)
                                        : hg_audit_clock_new(read_clock, &arguments->days);
    HgSpoolOptions options = spool_options(&driver);
    driver.spool = hg_spool_open(&options, &recovery, &error);
    if (driver.spool == NULL) {
        fprintf(stderr, "audit-driver: %s\n", error->message);
        return 3;
    }
    HgShipperOptions shipping = {.spool = driver.spool,
                                 .folder = arguments->spool,
                                 .conninfo = arguments->postgres,
                                 .password_file = arguments->password_file,
                                 .batch_bytes = 8 << 20,
                                 .batch_rows = 10000,
                                 .linger_ms = 50,
                                 .timeout_ms = arguments->timeout,
                                 .retry_most_ms = 1000};
    if (arguments->postgres != NULL)
        shipper = hg_shipper_new(&shipping, &error);
    HgAnchorer *anchorer = start_anchorer(&driver);
    record_config(&driver);
    HgExporter *exporter = start_exporter(&driver);
    run(&driver, &recovery, shipper);
    if (arguments->linger && exporter != NULL)
        stay(exporter);
    hg_exporter_free(exporter);
    stop_anchorer(anchorer);
    if (arguments->anchor_key != NULL && arguments->drain && shipper != NULL)
        drain(&driver, shipper);
    g_clear_pointer(&shipper, hg_shipper_free);
    hg_spool_close(driver.spool);
    hg_audit_clock_free(driver.clock);
    g_free(arguments->statement);
    return 0;
}
