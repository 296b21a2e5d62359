/* Writing OTLP: see otlp.h. Owns nothing; jansson writes the JSON. */
#include "trace/otlp.h"

#include <jansson.h>
#include <stdlib.h>

#define STATUS_ERROR 2 /* Status.StatusCode */

static json_t *number_text(gint64 value)
{
    char text[24];
    g_snprintf(text, sizeof text, "%" G_GINT64_FORMAT, value);
    return json_string(text);
}

static json_t *nanoseconds(gint64 us)
{
    return number_text(us * 1000);
}

static json_t *hex(const guint8 *bytes, gsize size)
{
    char text[2 * HG_TRACE_ID_SIZE + 1];
    hg_trace_hex(bytes, size, text);
    return json_string(text);
}

static json_t *text_attribute(const char *key, const char *value)
{
    return json_pack("{s:s, s:{s:s}}", "key", key, "value", "stringValue", value);
}

static json_t *attribute(const HgTraceAttribute *from)
{
    if (from->text != NULL)
        return text_attribute(from->key, from->text);
    return json_pack("{s:s, s:{s:o}}", "key", from->key, "value", "intValue",
                     number_text(from->number));
}

static json_t *attributes_of(const HgTraceSpan *span)
{
    guint count = 0;
    const HgTraceAttribute *all = hg_trace_span_attributes(span, &count);
    json_t *list = json_array();
    for (guint i = 0; i < count; i++)
        json_array_append_new(list, attribute(&all[i]));
    return list;
}

static json_t *span_json(const HgTraceSpan *span)
{
    const HgTraceContext *context = hg_trace_span_context(span);
    const char *why = NULL;
    json_t *out = json_pack(
        "{s:o, s:o, s:s, s:i, s:o, s:o, s:o}", "traceId", hex(context->trace_id, HG_TRACE_ID_SIZE),
        "spanId", hex(context->span_id, HG_SPAN_ID_SIZE), "name", hg_trace_span_name(span), "kind",
        (int)hg_trace_span_kind(span), "startTimeUnixNano",
        nanoseconds(hg_trace_span_start_us(span)), "endTimeUnixNano",
        nanoseconds(hg_trace_span_end_us(span)), "attributes", attributes_of(span));
    if (hg_trace_span_parent(span) != NULL)
        json_object_set_new(out, "parentSpanId", hex(hg_trace_span_parent(span), HG_SPAN_ID_SIZE));
    if (hg_trace_span_failed(span, &why))
        json_object_set_new(
            out, "status",
            json_pack("{s:i, s:s}", "code", STATUS_ERROR, "message", why != NULL ? why : ""));
    return out;
}

static json_t *resource_json(const HgOtlpResource *resource)
{
    json_t *list = json_array();
    json_array_append_new(list, text_attribute("service.name", resource->service));
    json_array_append_new(list, text_attribute("service.version", resource->version));
    json_array_append_new(list, text_attribute("service.instance.id", resource->instance));
    if (resource->host != NULL)
        json_array_append_new(list, text_attribute("host.name", resource->host));
    return json_pack("{s:o}", "attributes", list);
}

char *hg_otlp_request(const HgOtlpResource *resource, HgTraceSpan *const *spans, guint count)
{
    json_t *list = json_array();
    for (guint i = 0; i < count; i++)
        json_array_append_new(list, span_json(spans[i]));
    json_t *request = json_pack("{s:[{s:o, s:[{s:{s:s, s:s}, s:o}]}]}", "resourceSpans", "resource",
                                resource_json(resource), "scopeSpans", "scope", "name", "hivegate",
                                "version", resource->version, "spans", list);
    char *text = json_dumps(request, JSON_COMPACT);
    char *copy = g_strdup(text);
    free(text);
    json_decref(request);
    return copy;
}

gint64 hg_otlp_rejected(HgSlice answer)
{
    json_error_t problem;
    json_t *root = json_loadb((const char *)answer.data, answer.size, 0, &problem);
    json_t *count = json_object_get(json_object_get(root, "partialSuccess"), "rejectedSpans");
    gint64 rejected = json_is_string(count) ? g_ascii_strtoll(json_string_value(count), NULL, 10)
                                            : (gint64)json_integer_value(count);
    json_decref(root);
    return MAX(rejected, 0);
}
