/* A span: one piece of work with its beginning, its end and what is worth knowing of it, as
 * OpenTelemetry has it.
 *
 * It belongs to one thread at a time. Who works without a span has NULL, and every function but
 * hg_trace_span_new() takes NULL and does nothing. */
#pragma once

#include "trace/context.h"

typedef struct HgTraceSpan HgTraceSpan;

/* OTLP's numbers (opentelemetry/proto/trace/v1: Span.SpanKind). */
typedef enum {
    HG_TRACE_SPAN_INTERNAL = 1, /* a part of what hivegate does */
    HG_TRACE_SPAN_SERVER = 2,   /* answering a client */
    HG_TRACE_SPAN_CLIENT = 3,   /* asking an endpoint */
} HgTraceSpanKind;

/* What is known of it: `text`, or `number` when that is NULL. */
typedef struct {
    const char *key; /* static */
    char *text;
    gint64 number;
} HgTraceAttribute;

/* A span that begins at `start_us` (microseconds since 1970) as a child of `parent`, which is
 * copied; NULL: it begins a trace. `name` is static. */
HgTraceSpan *hg_trace_span_new(const char *name, HgTraceSpanKind kind, const HgTraceContext *parent,
                               gint64 start_us);
void hg_trace_span_free(HgTraceSpan *span);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgTraceSpan, hg_trace_span_free)

/* Notes an attribute; `key` is static, `value` copied, and cut after 4 KiB. A value NULL isn't
 * noted. */
void hg_trace_span_text(HgTraceSpan *span, const char *key, const char *value);
void hg_trace_span_number(HgTraceSpan *span, const char *key, gint64 value);

/* It failed, with the reason for people (copied; may be NULL). */
void hg_trace_span_fail(HgTraceSpan *span, const char *why);

/* When it is over. Before that, the end is its beginning. */
void hg_trace_span_set_end(HgTraceSpan *span, gint64 end_us);

/* What children of it have as their parent: NULL for NULL. Borrowed. */
const HgTraceContext *hg_trace_span_context(const HgTraceSpan *span);

/* For whoever exports it. Borrowed. */
const char *hg_trace_span_name(const HgTraceSpan *span);
HgTraceSpanKind hg_trace_span_kind(const HgTraceSpan *span);
const guint8 *hg_trace_span_parent(const HgTraceSpan *span); /* 8 bytes; NULL: none */
gint64 hg_trace_span_start_us(const HgTraceSpan *span);
gint64 hg_trace_span_end_us(const HgTraceSpan *span);
gboolean hg_trace_span_failed(const HgTraceSpan *span, const char **why);
const HgTraceAttribute *hg_trace_span_attributes(const HgTraceSpan *span, guint *count);
