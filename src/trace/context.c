/* Reading and writing traceparent: see context.h. Owns nothing; pure. */
#include "trace/context.h"

#define SAMPLED 0x01 /* trace-flags, Trace Context 3.2.2.5 */
#define SIZE_00 (HG_TRACEPARENT_SIZE - 1)

/* Digits in lower case only, as the recommendation has it. */
static int digit(guint8 c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static gboolean read_hex(const guint8 *text, guint8 *out, gsize size)
{
    for (gsize i = 0; i < size; i++) {
        int high = digit(text[2 * i]);
        int low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return FALSE;
        out[i] = (guint8)(high << 4 | low);
    }
    return TRUE;
}

static gboolean is_zero(const guint8 *bytes, gsize size)
{
    guint8 any = 0;
    for (gsize i = 0; i < size; i++)
        any |= bytes[i];
    return any == 0;
}

gboolean hg_trace_context_parse(HgSlice text, HgTraceContext *out)
{
    HgTraceContext found = {0};
    guint8 version = 0;
    guint8 flags = 0;
    if (text.size < SIZE_00 || text.data[2] != '-' || text.data[35] != '-' ||
        text.data[52] != '-' || !read_hex(text.data, &version, 1) || version == 0xff)
        return FALSE;
    if (text.size > SIZE_00 && (version == 0 || text.data[SIZE_00] != '-'))
        return FALSE;
    if (!read_hex(text.data + 3, found.trace_id, sizeof found.trace_id) ||
        !read_hex(text.data + 36, found.span_id, sizeof found.span_id) ||
        !read_hex(text.data + 53, &flags, 1) || is_zero(found.trace_id, sizeof found.trace_id) ||
        is_zero(found.span_id, sizeof found.span_id))
        return FALSE;
    found.sampled = (flags & SAMPLED) != 0;
    *out = found;
    return TRUE;
}

void hg_trace_hex(const guint8 *bytes, gsize size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (gsize i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 0xf];
    }
    out[2 * size] = '\0';
}

void hg_trace_context_print(const HgTraceContext *context, char out[HG_TRACEPARENT_SIZE])
{
    char trace[2 * HG_TRACE_ID_SIZE + 1];
    char span[2 * HG_SPAN_ID_SIZE + 1];
    hg_trace_hex(context->trace_id, HG_TRACE_ID_SIZE, trace);
    hg_trace_hex(context->span_id, HG_SPAN_ID_SIZE, span);
    g_snprintf(out, HG_TRACEPARENT_SIZE, "00-%s-%s-%02x", trace, span,
               context->sampled ? SAMPLED : 0u);
}
