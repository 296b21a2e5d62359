/* Texts inside of HTTP heads: see http_text.h. Owns nothing; any thread. */
#include "wire/http_text.h"

gboolean hg_http_same_letters(const guint8 *a, const char *b, gsize size)
{
    for (gsize i = 0; i < size; i++)
        if (a[i] != (guint8)b[i] && g_ascii_tolower((char)a[i]) != g_ascii_tolower(b[i]))
            return FALSE;
    return TRUE;
}

static gboolean is_blank(guint8 byte)
{
    return byte == ' ' || byte == '\t';
}

HgSlice hg_http_strip(HgSlice text)
{
    while (text.size > 0 && is_blank(text.data[0]))
        text = hg_slice(text.data + 1, text.size - 1);
    while (text.size > 0 && is_blank(text.data[text.size - 1]))
        text.size--;
    return text;
}

/* Cuts what stands in front of the next `mark` off the front of *rest, and the mark, too; all of it
 * when there is none. FALSE when nothing is left. */
static gboolean cut(HgSlice *rest, guint8 mark, HgSlice *out)
{
    if (rest->size == 0)
        return FALSE;
    const guint8 *end = memchr(rest->data, mark, rest->size);
    if (end == NULL) {
        *out = *rest;
        *rest = hg_slice(rest->data + rest->size, 0);
        return TRUE;
    }
    *out = hg_slice(rest->data, (gsize)(end - rest->data));
    *rest = hg_slice(end + 1, rest->size - out->size - 1);
    return TRUE;
}

gboolean hg_http_next_item(HgSlice *rest, HgSlice *out)
{
    HgSlice item;
    while (cut(rest, ',', &item)) {
        item = hg_http_strip(item);
        if (item.size > 0) {
            *out = item;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean hg_http_last_item(HgSlice *rest, HgSlice *out)
{
    while (rest->size > 0) {
        const guint8 *comma = memrchr(rest->data, ',', rest->size);
        gsize before = comma != NULL ? (gsize)(comma - rest->data) : 0;
        gsize at = comma != NULL ? before + 1 : 0;
        HgSlice item = hg_http_strip(hg_slice(rest->data + at, rest->size - at));
        rest->size = before;
        if (item.size > 0) {
            *out = item;
            return TRUE;
        }
    }
    return FALSE;
}

/* Takes the next character off *rest, which isn't empty, and decodes it; -1 when it can't be. */
static int decode_next(HgSlice *rest, HgHttpPlus plus)
{
    guint8 byte = rest->data[0];
    gsize size = 1;
    int decoded = byte == '+' && plus == HG_HTTP_PLUS_IS_SPACE ? ' ' : byte;
    if (byte == '%') {
        size = 3;
        if (rest->size < size)
            return -1;
        int high = g_ascii_xdigit_value((char)rest->data[1]);
        int low = g_ascii_xdigit_value((char)rest->data[2]);
        if (high < 0 || low < 0 || high + low == 0)
            return -1;
        decoded = high * 16 + low;
    }
    *rest = hg_slice(rest->data + size, rest->size - size);
    return decoded;
}

gboolean hg_http_decode(HgSlice text, HgHttpPlus plus, guint8 *out, gsize *size)
{
    gsize made = 0;
    while (text.size > 0) {
        int byte = decode_next(&text, plus);
        if (byte < 0)
            return FALSE;
        out[made++] = (guint8)byte;
    }
    *size = made;
    return TRUE;
}

/* TRUE when an encoded name is `name`, in any case. */
static gboolean names_parameter(HgSlice encoded, const char *name)
{
    for (; encoded.size > 0 && *name != '\0'; name++) {
        int byte = decode_next(&encoded, HG_HTTP_PLUS_IS_SPACE);
        if (byte < 0 || g_ascii_tolower((char)byte) != g_ascii_tolower(*name))
            return FALSE;
    }
    return encoded.size == 0 && *name == '\0';
}

guint hg_http_find_parameter(HgSlice query, const char *name, HgSlice *value)
{
    guint found = 0;
    HgSlice pair;
    while (cut(&query, '&', &pair)) {
        HgSlice key = hg_slice(NULL, 0);
        if (!cut(&pair, '=', &key) || !names_parameter(key, name))
            continue;
        if (found++ == 0)
            *value = pair;
    }
    return found;
}

char *hg_http_make_field_value(const char *text, gsize most)
{
    char *value = g_strndup(text, most);
    for (char *at = value; *at != '\0'; at++)
        if ((guchar)*at >= 0x80)
            *at = '?';
        else if (g_ascii_iscntrl(*at))
            *at = ' ';
    return value;
}

static HgSlice unquote(HgSlice text)
{
    if (text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"')
        return hg_slice(text.data + 1, text.size - 2);
    return text;
}

guint hg_http_find_cookie(HgSlice field, const char *name, HgSlice *value)
{
    guint found = 0;
    HgSlice pair;
    while (cut(&field, ';', &pair)) {
        const guint8 *equals = pair.size > 0 ? memchr(pair.data, '=', pair.size) : NULL;
        if (equals == NULL)
            continue;
        HgSlice key = hg_http_strip(hg_slice(pair.data, (gsize)(equals - pair.data)));
        if (!hg_slice_equal_string(key, name))
            continue;
        if (found++ == 0)
            *value = unquote(
                hg_http_strip(hg_slice(equals + 1, pair.size - (gsize)(equals + 1 - pair.data))));
    }
    return found;
}

gsize hg_http_write_number(char out[HG_HTTP_NUMBER_MAX], guint64 number)
{
    char digits[HG_HTTP_NUMBER_MAX];
    gsize at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(out, digits + at, sizeof digits - at);
    return sizeof digits - at;
}
