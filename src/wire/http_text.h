/* Texts inside of HTTP heads: comma lists, percent-encoding, parameters of a query, cookies.
 *
 * Pure functions over slices, linear in their size; any thread. */
#pragma once

#include "base/slice.h"

/* TRUE when the first `size` characters of both are the same but for the case of ASCII letters. */
gboolean hg_http_same_letters(const guint8 *a, const char *b, gsize size);

/* TRUE when both are the same but for the case of ASCII letters. Most differ in length, which costs
 * nothing to see where `b` is a literal. */
static inline gboolean hg_http_same_name(HgSlice a, const char *b)
{
    gsize size = strlen(b);
    return a.size == size && hg_http_same_letters(a.data, b, size);
}

/* The text without blanks and tabs around it. */
HgSlice hg_http_strip(HgSlice text);

/* Cuts the next item off the front of a comma list, without the white space around it. Empty items
 * are passed over (RFC 9110, 5.6.1.2). FALSE at the end. Not for lists with quoted commas. */
gboolean hg_http_next_item(HgSlice *rest, HgSlice *out);

/* The same from the other end: cuts the last item off the end of the list. */
gboolean hg_http_last_item(HgSlice *rest, HgSlice *out);

typedef enum {
    HG_HTTP_PLUS_IS_PLUS,  /* in a path */
    HG_HTTP_PLUS_IS_SPACE, /* in a query, as forms and Java's URLEncoder write it */
} HgHttpPlus;

/* Decodes percent-encoding into `out`, which has room for text.size bytes and may be where the text
 * itself is. *size gets the bytes written, which may be any but NUL. FALSE, with *size untouched,
 * for a '%' without two hexadecimal digits and for "%00". */
gboolean hg_http_decode(HgSlice text, HgHttpPlus plus, guint8 *out,
                        gsize *size) G_GNUC_WARN_UNUSED_RESULT;

/* Looks for a parameter of a query (`a=1&b=2`) whose decoded name is `name` in any case, as Hive
 * looks for doAs. Returns how many there are; *value gets the first one's value, undecoded (empty
 * when it has no '='), and is untouched when there is none. */
guint hg_http_find_parameter(HgSlice query, const char *name, HgSlice *value);

/* Looks for a cookie in the value of one Cookie field (`a=1; b=2`) by its exact name. Returns how
 * many there are; *value gets the first one's value, without quotes around it, and is untouched
 * when there is none. What has no '=' is no cookie. */
guint hg_http_find_cookie(HgSlice field, const char *name, HgSlice *value);

/* A text as the value of a field: what isn't visible ASCII becomes a space, or a '?' beyond ASCII
 * (RFC 9110, 5.5), and at most `most` bytes of it are taken. Free with g_free. */
char *hg_http_make_field_value(const char *text, gsize most);

#define HG_HTTP_NUMBER_MAX 20 /* digits */

/* Writes a number in decimal and returns its size. There is no NUL. */
gsize hg_http_write_number(char out[HG_HTTP_NUMBER_MAX], guint64 number);
