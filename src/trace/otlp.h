/* Spans as OTLP has them in JSON (OpenTelemetry protocol 1.x, "JSON Protobuf Encoding": ids as
 * hexadecimal digits, 64-bit numbers as text). Pure; any thread. */
#pragma once

#include "trace/span.h"

/* Who has made the spans; borrowed. */
typedef struct {
    const char *service;  /* service.name */
    const char *version;  /* service.version */
    const char *instance; /* service.instance.id */
    const char *host;     /* host.name; NULL: not told */
} HgOtlpResource;

/* An ExportTraceServiceRequest with these spans; g_free. */
char *hg_otlp_request(const HgOtlpResource *resource, HgTraceSpan *const *spans, guint count);

/* How many spans the answer to one says were rejected; 0 when it says nothing about it. */
gint64 hg_otlp_rejected(HgSlice answer);
