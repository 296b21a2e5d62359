/* Small texts that people write and read: durations, sizes, quoted values, nearest names.
 *
 * Pure functions over strings; they own nothing and work on any thread. Socket addresses are in
 * base/address. */
#pragma once

#include "base/slice.h"

/* Longest escaped form of one character: two \uXXXX of a surrogate pair. */
#define HG_TEXT_ESCAPE_MAX 12

/* Reads a whole decimal number, with an optional minus sign and nothing else. The error says what
 * was expected; *out is untouched then. */
gboolean hg_text_parse_integer(const char *text, gint64 *out, GError **error);

/* Reads a duration: a whole number and a unit of ms, s, m, h or d ("500ms", "20s"), or "0". *out is
 * in milliseconds and never negative. */
gboolean hg_text_parse_duration(const char *text, gint64 *out, GError **error);

/* Reads a size: a whole number of bytes, with an optional unit of B, KiB, MiB, GiB or TiB. *out is
 * in bytes. */
gboolean hg_text_parse_size(const char *text, gint64 *out, GError **error);

/* Writes `milliseconds` (not negative) as hg_text_parse_duration() reads it, in the largest unit
 * that divides it. Free with g_free. */
char *hg_text_format_duration(gint64 milliseconds);

/* Writes `bytes` (not negative) as hg_text_parse_size() reads it, in the largest unit that divides
 * it. Free with g_free. */
char *hg_text_format_size(gint64 bytes);

/* Takes the first character off *rest (which may not be empty) and writes it to `out` in the form
 * it has inside a JSON string: what a terminal or a line-based reader would act on (control, format
 * and line separator characters) becomes an escape, and a byte that is no UTF-8 becomes U+FFFD.
 * Returns the number of bytes written; there is no NUL. */
gsize hg_text_escape_next(HgSlice *rest, char out[HG_TEXT_ESCAPE_MAX]);

/* The text in double quotes, escaped by hg_text_escape_next() and cut to about 80 bytes with "..."
 * behind it: the form in which an error message shows what somebody sent. Free with g_free. */
char *hg_text_quote(HgSlice text);

/* The one of `count` candidates that `word` is most likely a misspelling of; NULL when none is
 * near. Borrowed from `candidates`. */
const char *hg_text_nearest(const char *word, const char *const *candidates, gsize count);
