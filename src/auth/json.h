/* JSON as tokens and token servers send it: read strictly, and the values that are looked for.
 *
 * Two readers must not understand one text differently: a name twice, NUL, bad UTF-8 and numbers
 * out of range are errors. Pure; any thread. */
#pragma once

#include "base/slice.h"

#include <jansson.h>

#define HG_JSON_DEPTH_MAX 32

/* The object that the text is; json_decref() it. NULL with HG_ERROR_INVALID when it is none, or is
 * nested deeper than HG_JSON_DEPTH_MAX. The error doesn't show the text. */
json_t *hg_json_read(HgSlice text, GError **error);

/* The string of that name; NULL when there is none, or it isn't a string. Borrowed. */
const char *hg_json_string(const json_t *object, const char *name);

/* Seconds since 1970, as a NumericDate of RFC 7519 says: a number, perhaps with a fraction (which
 * is cut off), not negative and before the year 10000. */
gboolean hg_json_seconds(const json_t *value, gint64 *out);

/* The value that a claim of the configuration names; NULL when it isn't there. Borrowed.
 *   /a/b~1c          a JSON pointer (RFC 6901), without numbers for lists
 *   https://a.b/c    with "://" in it: this one name, dots and all
 *   a.b              member b of member a */
json_t *hg_json_find(json_t *object, const char *claim);

/* What a value says as texts, NULL-terminated: a string, number or boolean is one, a list of them
 * several. NULL for anything else (null, an object, a list with one in it). Free with g_strfreev.
 */
char **hg_json_texts(const json_t *value);

/* The words of a value: those of a list of strings as they are, those of a string between its
 * commas, or, when it has none, its blanks. NULL for anything else. Free with g_strfreev. */
char **hg_json_words(const json_t *value);
