/* The trace context: which trace something belongs to, and which span caused it.
 *
 * W3C's recommendation "Trace Context" carries it as a `traceparent` header. An open value; pure;
 * any thread. */
#pragma once

#include "base/slice.h"

#define HG_TRACE_ID_SIZE    16
#define HG_SPAN_ID_SIZE     8
#define HG_TRACEPARENT_SIZE 56 /* of a text with its NUL */

typedef struct {
    guint8 trace_id[HG_TRACE_ID_SIZE]; /* not all zeros */
    guint8 span_id[HG_SPAN_ID_SIZE];   /* not all zeros */
    gboolean sampled;                  /* the caller records its part */
} HgTraceContext;

/* Reads a traceparent (Trace Context 3.2): version 00, or the same fields in front of what a later
 * version adds. FALSE, with *out untouched, for anything else. */
gboolean hg_trace_context_parse(HgSlice text, HgTraceContext *out) G_GNUC_WARN_UNUSED_RESULT;

/* Writes it as version 00. */
void hg_trace_context_print(const HgTraceContext *context, char out[HG_TRACEPARENT_SIZE]);

/* Writes `size` bytes as lower-case hexadecimal digits, with a NUL behind them. */
void hg_trace_hex(const guint8 *bytes, gsize size, char *out);
