/* Durations, sizes, quoting and nearest names: see text.h. Owns nothing; any thread. */
#include "base/text.h"

#include "base/error.h"

#include <errno.h>

#define QUOTE_MAX   80
#define NEAREST_MAX 40 /* longer words are not compared: the table is on the stack */

typedef struct {
    const char *name;
    gint64 factor;
} Unit;

/* Largest first: formatting takes the first that divides. */
static const Unit duration_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
static const Unit size_units[] = {
    {"TiB", G_GINT64_CONSTANT(1) << 40},
    {"GiB", 1 << 30},
    {"MiB", 1 << 20},
    {"KiB", 1 << 10},
    {"B", 1},
};

gboolean hg_text_parse_integer(const char *text, gint64 *out, GError **error)
{
    const char *digits = *text == '-' ? text + 1 : text;
    char *end = NULL;
    errno = 0;
    gint64 value = g_ascii_isdigit(*digits) ? g_ascii_strtoll(text, &end, 10) : 0;
    if (end == NULL || *end != '\0' || errno != 0) {
        g_autofree char *quoted = hg_text_quote(hg_slice_from_string(text));
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s is not a whole number", quoted);
        return FALSE;
    }
    *out = value;
    return TRUE;
}

/* Reads digits and one of the units. A number alone is taken when it is 0 or `bare` is TRUE. */
static gboolean parse_with_unit(const char *text, const Unit *units, gsize count, gboolean bare,
                                gint64 *out)
{
    if (!g_ascii_isdigit(*text))
        return FALSE;
    char *unit = NULL;
    errno = 0;
    gint64 number = g_ascii_strtoll(text, &unit, 10);
    if (errno != 0)
        return FALSE;
    if (*unit == '\0') {
        if (number != 0 && !bare)
            return FALSE;
        *out = number;
        return TRUE;
    }
    for (gsize i = 0; i < count; i++) {
        if (strcmp(unit, units[i].name) != 0)
            continue;
        if (number > G_MAXINT64 / units[i].factor)
            return FALSE;
        *out = number * units[i].factor;
        return TRUE;
    }
    return FALSE;
}

gboolean hg_text_parse_duration(const char *text, gint64 *out, GError **error)
{
    if (parse_with_unit(text, duration_units, G_N_ELEMENTS(duration_units), FALSE, out))
        return TRUE;
    g_autofree char *quoted = hg_text_quote(hg_slice_from_string(text));
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "%s is not a duration; expected a whole number and a unit (ms, s, m, h or d), such "
                "as 20s",
                quoted);
    return FALSE;
}

gboolean hg_text_parse_size(const char *text, gint64 *out, GError **error)
{
    if (parse_with_unit(text, size_units, G_N_ELEMENTS(size_units), TRUE, out))
        return TRUE;
    g_autofree char *quoted = hg_text_quote(hg_slice_from_string(text));
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "%s is not a size; expected a whole number and a unit (B, KiB, MiB, GiB or TiB), "
                "such as 64MiB",
                quoted);
    return FALSE;
}

static char *format_with_unit(gint64 value, const Unit *units, gsize count)
{
    gsize i = 0;
    while (i + 1 < count && (value % units[i].factor != 0 || value == 0))
        i++;
    if (value == 0)
        return g_strdup("0");
    return g_strdup_printf("%" G_GINT64_FORMAT "%s", value / units[i].factor, units[i].name);
}

char *hg_text_format_duration(gint64 milliseconds)
{
    return format_with_unit(milliseconds, duration_units, G_N_ELEMENTS(duration_units));
}

char *hg_text_format_size(gint64 bytes)
{
    return format_with_unit(bytes, size_units, G_N_ELEMENTS(size_units));
}

static gsize put_hex(char *out, guint unit)
{
    static const char digits[] = "0123456789abcdef";
    out[0] = '\\';
    out[1] = 'u';
    for (int i = 0; i < 4; i++)
        out[2 + i] = digits[(unit >> (12 - 4 * i)) & 15];
    return 6;
}

static gsize put_escape(char *out, gunichar c)
{
    static const char named[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *at = c < 0x80 && c != 0 ? strchr(named, (int)c) : NULL;
    if (at != NULL) {
        out[0] = '\\';
        out[1] = letters[at - named];
        return 2;
    }
    if (c < 0x10000)
        return put_hex(out, c);
    gsize size = put_hex(out, 0xd800 + ((c - 0x10000) >> 10));
    return size + put_hex(out + size, 0xdc00 + ((c - 0x10000) & 0x3ff));
}

/* g_unichar_isprint() takes line and paragraph separators for printable; a log reader may not. */
static gboolean shows_as_itself(gunichar c)
{
    return g_unichar_isprint(c) && c != 0x2028 && c != 0x2029;
}

gsize hg_text_escape_next(HgSlice *rest, char out[HG_TEXT_ESCAPE_MAX])
{
    guint8 first = rest->data[0];
    if (first < 0x80) {
        *rest = hg_slice(rest->data + 1, rest->size - 1);
        if (first < 0x20 || first == 0x7f || first == '"' || first == '\\')
            return put_escape(out, first);
        out[0] = (char)first;
        return 1;
    }
    const char *text = (const char *)rest->data;
    gunichar c = g_utf8_get_char_validated(text, (gssize)MIN(rest->size, (gsize)6));
    gboolean valid = c != (gunichar)-1 && c != (gunichar)-2;
    gsize used = valid ? (gsize)g_unichar_to_utf8(c, NULL) : 1;
    *rest = hg_slice(rest->data + used, rest->size - used);
    if (!valid)
        return (gsize)g_unichar_to_utf8(0xfffd, out);
    if (!shows_as_itself(c))
        return put_escape(out, c);
    memcpy(out, text, used);
    return used;
}

char *hg_text_quote(HgSlice text)
{
    GString *quoted = g_string_new("\"");
    while (text.size > 0 && quoted->len <= QUOTE_MAX) {
        char escaped[HG_TEXT_ESCAPE_MAX];
        gsize size = hg_text_escape_next(&text, escaped);
        g_string_append_len(quoted, escaped, (gssize)size);
    }
    g_string_append(quoted, text.size > 0 ? "...\"" : "\"");
    return g_string_free(quoted, FALSE);
}

/* Edits (insert, delete, change, swap of neighbours) from `a` to `b`, both at most NEAREST_MAX. */
static guint distance(const char *a, const char *b)
{
    guint8 rows[3][NEAREST_MAX + 1];
    guint8 *before = rows[0], *last = rows[1], *now = rows[2];
    gsize a_size = strlen(a), b_size = strlen(b);
    for (gsize j = 0; j <= b_size; j++)
        last[j] = (guint8)j;
    for (gsize i = 1; i <= a_size; i++) {
        now[0] = (guint8)i;
        for (gsize j = 1; j <= b_size; j++) {
            guint change = last[j - 1] + (a[i - 1] != b[j - 1]);
            guint best = MIN(change, MIN(last[j], now[j - 1]) + 1u);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = MIN(best, before[j - 2] + 1u);
            now[j] = (guint8)best;
        }
        guint8 *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b_size];
}

const char *hg_text_nearest(const char *word, const char *const *candidates, gsize count)
{
    gsize size = strlen(word);
    if (size == 0 || size > NEAREST_MAX)
        return NULL;
    const char *nearest = NULL;
    guint best = (guint)size / 3 + 2; /* this many edits are too many */
    best = MIN(best, (guint)size);
    for (gsize i = 0; i < count; i++) {
        if (strlen(candidates[i]) > NEAREST_MAX)
            continue;
        guint edits = distance(word, candidates[i]);
        /* more than half of the letters wrong is another word */
        if (edits < best && 2 * edits <= MAX(size, strlen(candidates[i]))) {
            best = edits;
            nearest = candidates[i];
        }
    }
    return nearest;
}
