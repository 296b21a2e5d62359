/* A span: one piece of work with its beginning, its end and what is worth knowing of it, as
 * OpenTelemetry has it.
 *
 * It belongs to one thread at a time. Who works without a span has NULL, and every function but
 * hg_span_new() takes NULL and does nothing. */
#pragma once

#include "trace/context.h"

typedef struct HgSpan HgSpan;

/* OTLP's numbers (opentelemetry/proto/trace/v1: Span.SpanKind). */
typedef enum {
    HG_SPAN_INTERNAL = 1, /* a part of what hivegate does */
    HG_SPAN_SERVER = 2,   /* answering a client */
    HG_SPAN_CLIENT = 3,   /* asking an endpoint */
} HgSpanKind;

/* What is known of it: `text`, or `number` when that is NULL. */
typedef struct {
    const char *key; /* static */
    char *text;
    gint64 number;
} HgSpanAttribute;

/* A span that begins at `start_us` (microseconds since 1970) as a child of `parent`, which is
 * copied; NULL: it begins a trace. `name` is static. */
HgSpan *hg_span_new(const char *name, HgSpanKind kind, const HgTraceContext *parent,
                    gint64 start_us);
void hg_span_free(HgSpan *span);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgSpan, hg_span_free)

/* Notes an attribute; `key` is static, `value` copied, and cut after 4 KiB. A value NULL isn't
 * noted. */
void hg_span_text(HgSpan *span, const char *key, const char *value);
void hg_span_number(HgSpan *span, const char *key, gint64 value);

/* It failed, with the reason for people (copied; may be NULL). */
void hg_span_fail(HgSpan *span, const char *why);

/* When it is over. Before that, the end is its beginning. */
void hg_span_set_end(HgSpan *span, gint64 end_us);

/* What children of it have as their parent: NULL for NULL. Borrowed. */
const HgTraceContext *hg_span_context(const HgSpan *span);

/* For whoever exports it. Borrowed. */
const char *hg_span_name(const HgSpan *span);
HgSpanKind hg_span_kind(const HgSpan *span);
const guint8 *hg_span_parent(const HgSpan *span); /* 8 bytes; NULL: none */
gint64 hg_span_start_us(const HgSpan *span);
gint64 hg_span_end_us(const HgSpan *span);
gboolean hg_span_failed(const HgSpan *span, const char **why);
const HgSpanAttribute *hg_span_attributes(const HgSpan *span, guint *count);
