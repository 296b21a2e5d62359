/* Spans: see span.h. A span owns its texts. */
#include "trace/span.h"

#include <string.h>
#include <sys/random.h>

#define TEXT_MOST 4096

struct HgTraceSpan {
    HgTraceContext context;
    guint8 parent[HG_SPAN_ID_SIZE];
    gboolean has_parent;
    const char *name;
    HgTraceSpanKind kind;
    gint64 start_us;
    gint64 end_us;
    gboolean failed;
    char *why;
    GArray *attributes; /* NULL: none */
};

static void clear_attribute(gpointer data)
{
    HgTraceAttribute *attribute = data;
    g_free(attribute->text);
}

/* An id must be unlike any other, and not all zeros. */
static void make_id(guint8 *out, gsize size)
{
    if (getrandom(out, size, 0) != (gssize)size) /* up to 256 bytes come whole (getrandom(2)) */
        for (gsize i = 0; i < size; i++)
            out[i] = (guint8)g_random_int();
    out[size - 1] |= 1;
}

HgTraceSpan *hg_trace_span_new(const char *name, HgTraceSpanKind kind, const HgTraceContext *parent,
                               gint64 start_us)
{
    HgTraceSpan *span = g_new0(HgTraceSpan, 1);
    span->name = name;
    span->kind = kind;
    span->start_us = span->end_us = start_us;
    span->has_parent = parent != NULL;
    if (parent != NULL) {
        memcpy(span->context.trace_id, parent->trace_id, HG_TRACE_ID_SIZE);
        memcpy(span->parent, parent->span_id, HG_SPAN_ID_SIZE);
    } else {
        make_id(span->context.trace_id, HG_TRACE_ID_SIZE);
    }
    make_id(span->context.span_id, HG_SPAN_ID_SIZE);
    span->context.sampled = TRUE;
    return span;
}

void hg_trace_span_free(HgTraceSpan *span)
{
    if (span == NULL)
        return;
    if (span->attributes != NULL)
        g_array_unref(span->attributes);
    g_free(span->why);
    g_free(span);
}

static void add(HgTraceSpan *span, HgTraceAttribute attribute)
{
    if (span->attributes == NULL) {
        span->attributes = g_array_new(FALSE, FALSE, sizeof attribute);
        g_array_set_clear_func(span->attributes, clear_attribute);
    }
    g_array_append_val(span->attributes, attribute);
}

/* A copy that is short and UTF-8. */
static char *copy_text(const char *text)
{
    return g_utf8_make_valid(text, (gssize)strnlen(text, TEXT_MOST));
}

void hg_trace_span_text(HgTraceSpan *span, const char *key, const char *value)
{
    if (span != NULL && value != NULL)
        add(span, (HgTraceAttribute){.key = key, .text = copy_text(value)});
}

void hg_trace_span_number(HgTraceSpan *span, const char *key, gint64 value)
{
    if (span != NULL)
        add(span, (HgTraceAttribute){.key = key, .number = value});
}

void hg_trace_span_fail(HgTraceSpan *span, const char *why)
{
    if (span == NULL)
        return;
    span->failed = TRUE;
    g_free(span->why);
    span->why = why != NULL ? copy_text(why) : NULL;
}

void hg_trace_span_set_end(HgTraceSpan *span, gint64 end_us)
{
    if (span != NULL)
        span->end_us = MAX(end_us, span->start_us);
}

const HgTraceContext *hg_trace_span_context(const HgTraceSpan *span)
{
    return span != NULL ? &span->context : NULL;
}

const char *hg_trace_span_name(const HgTraceSpan *span)
{
    return span->name;
}

HgTraceSpanKind hg_trace_span_kind(const HgTraceSpan *span)
{
    return span->kind;
}

const guint8 *hg_trace_span_parent(const HgTraceSpan *span)
{
    return span->has_parent ? span->parent : NULL;
}

gint64 hg_trace_span_start_us(const HgTraceSpan *span)
{
    return span->start_us;
}

gint64 hg_trace_span_end_us(const HgTraceSpan *span)
{
    return span->end_us;
}

gboolean hg_trace_span_failed(const HgTraceSpan *span, const char **why)
{
    *why = span->why;
    return span->failed;
}

const HgTraceAttribute *hg_trace_span_attributes(const HgTraceSpan *span, guint *count)
{
    *count = span->attributes != NULL ? span->attributes->len : 0;
    return *count > 0 ? &g_array_index(span->attributes, HgTraceAttribute, 0) : NULL;
}
