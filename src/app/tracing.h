/* Tracing as the configuration has it. Main thread. */
#pragma once

#include "app/config.h"
#include "app/config_yaml.h"
#include "sql/redact.h"
#include "trace/tracer.h"

/* The rules of `tracing`. */
void hg_config_check_tracing(const HgConfig *config, const HgYaml *root,
                             HgDiagnostics *diagnostics);

typedef struct HgTracing HgTracing;

/* Starts the tracer. *out is NULL, with TRUE, when the configuration has none. The log is borrowed
 * and outlives it. */
gboolean hg_tracing_new(const HgConfig *config, const char *version, HgLog *log, HgTracing **out,
                        GError **error);

/* The tracer; NULL for NULL. Borrowed. */
HgTracer *hg_tracing_tracer(const HgTracing *tracing);

/* What spans don't hold of statements; NULL: they hold nothing of them. Borrowed. */
const HgSqlRedaction *hg_tracing_redaction(const HgTracing *tracing);

/* Sends what waits, for a moment, and ends it. Nobody may trace any more. NULL is fine. */
void hg_tracing_free(HgTracing *tracing);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgTracing, hg_tracing_free)
