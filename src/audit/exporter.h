/* The exporter: sends a spool's durable records to a collector (a SIEM) as JSON lines or syslog.
 *
 * A thread of its own with a position of its own, in a file beside the segments, so that neither
 * PostgreSQL nor the collector waits for the other. A record counts as sent when the collector's
 * machine has acknowledged it; after an outage some come again, in order: their ids tell. While the
 * collector is away the spool keeps what it hasn't got, up to half of the spool's bound; then what
 * PostgreSQL has is deleted, and the exporter counts what it lost. Blocks nobody. */
#pragma once

#include "audit/spool.h"

typedef enum {
    HG_EXPORT_JSON,   /* an event a line */
    HG_EXPORT_SYSLOG, /* RFC 5424, framed by RFC 5425 */
} HgExportForm;

typedef struct {
    HgSpool *spool;     /* borrowed; outlives the exporter */
    const char *folder; /* of the spool */
    HgExportForm form;
    const char *host;
    guint port;
    gboolean tls;
    const char *ca_file; /* these three: see audit/line_sink.h */
    const char *certificate_file;
    const char *key_file;
    gint64 timeout_ms;
    gint64 retry_most_ms; /* between two tries */
} HgExporterOptions;

typedef struct HgExporter HgExporter;

/* Starts the thread; that the collector is away is no error. Options are copied. */
HgExporter *hg_exporter_new(const HgExporterOptions *options, GError **error);

/* Ends the thread at once, whatever the collector does. NULL is fine. */
void hg_exporter_free(HgExporter *exporter);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgExporter, hg_exporter_free)

typedef struct {
    gboolean connected;
    guint64 next;     /* sequence of the next record to send; 0: not known yet */
    guint64 events;   /* sent since the start */
    guint64 lost;     /* records that were gone from the spool or unreadable */
    guint64 failures; /* connections that couldn't be made or broke */
} HgExporterStatus;

/* How it stands. *error_text (may be NULL) gets a copy of the last error, NULL while all is well.
 * Any thread. */
void hg_exporter_status(HgExporter *exporter, HgExporterStatus *out, char **error_text);

/* Appends the event in the form, as it is sent. `host` is this machine's name. Pure. */
void hg_export_append(GString *out, HgExportForm form, const char *host, HgSlice event);
