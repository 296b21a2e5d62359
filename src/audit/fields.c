/* A scanner of events: see fields.h. Pure. */
#include "audit/fields.h"

static void advance(HgSlice *rest, gsize size)
{
    *rest = hg_slice(rest->data + size, rest->size - size);
}

static gboolean take_byte(HgSlice *rest, char wanted)
{
    if (rest->size == 0 || rest->data[0] != (guint8)wanted)
        return FALSE;
    advance(rest, 1);
    return TRUE;
}

/* Takes a string with its quotes off the front. */
static gboolean take_string(HgSlice *rest, HgSlice *inner)
{
    if (!take_byte(rest, '"'))
        return FALSE;
    const guint8 *begin = rest->data, *end = begin + rest->size;
    for (const guint8 *at = begin; at < end; at++) {
        if (*at == '"') {
            *inner = hg_slice(begin, (gsize)(at - begin));
            advance(rest, inner->size + 1);
            return TRUE;
        }
        if (*at < 0x20)
            return FALSE;
        at += *at == '\\';
    }
    return FALSE;
}

static gboolean take_number(HgSlice *rest)
{
    gsize size = 0;
    while (size < rest->size && g_ascii_isdigit(rest->data[size]))
        size++;
    gboolean ok = size > 0 && size < 20;
    advance(rest, size);
    return ok;
}

static gboolean take_list(HgSlice *rest)
{
    HgSlice inner;
    if (!take_byte(rest, '['))
        return FALSE;
    if (take_byte(rest, ']'))
        return TRUE;
    do {
        if (!take_string(rest, &inner))
            return FALSE;
    } while (take_byte(rest, ','));
    return take_byte(rest, ']');
}

static gboolean take_value(HgSlice *rest)
{
    HgSlice inner;
    if (rest->size == 0)
        return FALSE;
    if (rest->data[0] == '"')
        return take_string(rest, &inner);
    return rest->data[0] == '[' ? take_list(rest) : take_number(rest);
}

gboolean hg_audit_fields_begin(HgSlice object, HgSlice *rest)
{
    *rest = object;
    return take_byte(rest, '{') && rest->size > 1;
}

HgFieldsStep hg_audit_fields_next(HgSlice *rest, HgAuditField *out)
{
    if (take_byte(rest, '}'))
        return rest->size == 0 ? HG_FIELDS_END : HG_FIELDS_BAD;
    if (!take_string(rest, &out->name) || !take_byte(rest, ':'))
        return HG_FIELDS_BAD;
    const guint8 *begin = rest->data;
    if (!take_value(rest))
        return HG_FIELDS_BAD;
    out->value = hg_slice(begin, (gsize)(rest->data - begin));
    if (take_byte(rest, ','))
        return rest->size > 0 && rest->data[0] == '"' ? HG_FIELDS_ONE : HG_FIELDS_BAD;
    return rest->size > 0 && rest->data[0] == '}' ? HG_FIELDS_ONE : HG_FIELDS_BAD;
}

gboolean hg_audit_field_string(HgSlice value, HgSlice *inner)
{
    return take_string(&value, inner) && value.size == 0;
}

HgFieldsStep hg_audit_field_item(HgSlice *value, HgSlice *inner)
{
    if (value->size > 0 && (value->data[0] == '[' || value->data[0] == ','))
        advance(value, 1);
    if (take_byte(value, ']'))
        return value->size == 0 ? HG_FIELDS_END : HG_FIELDS_BAD;
    return take_string(value, inner) ? HG_FIELDS_ONE : HG_FIELDS_BAD;
}

/* Four hexadecimal digits. */
static gboolean take_unit(HgSlice *rest, gunichar *out)
{
    *out = 0;
    if (rest->size < 4)
        return FALSE;
    for (guint i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value((char)rest->data[i]);
        if (digit < 0)
            return FALSE;
        *out = *out << 4 | (gunichar)digit;
    }
    advance(rest, 4);
    return TRUE;
}

static gboolean take_unicode(HgSlice *rest, GString *out)
{
    gunichar c, low;
    if (!take_unit(rest, &c))
        return FALSE;
    if (c >= 0xd800 && c < 0xdc00) {
        if (!take_byte(rest, '\\') || !take_byte(rest, 'u') || !take_unit(rest, &low) ||
            low < 0xdc00 || low > 0xdfff)
            return FALSE;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    if (c == 0 || (c >= 0xdc00 && c < 0xe000))
        return FALSE;
    g_string_append_unichar(out, c);
    return TRUE;
}

static gboolean take_escape(HgSlice *rest, GString *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (rest->size == 0)
        return FALSE;
    char c = (char)rest->data[0];
    advance(rest, 1);
    if (c == 'u')
        return take_unicode(rest, out);
    const char *at = c != '\0' ? strchr(from, c) : NULL;
    if (at == NULL)
        return FALSE;
    g_string_append_c(out, to[at - from]);
    return TRUE;
}

gboolean hg_audit_field_unescape(HgSlice inner, GString *out)
{
    while (inner.size > 0) {
        const guint8 *next = memchr(inner.data, '\\', inner.size);
        gsize plain = next != NULL ? (gsize)(next - inner.data) : inner.size;
        g_string_append_len(out, (const char *)inner.data, (gssize)plain);
        advance(&inner, plain);
        if (next == NULL)
            break;
        advance(&inner, 1);
        if (!take_escape(&inner, out))
            return FALSE;
    }
    return TRUE;
}

char *hg_audit_fields_text(HgSlice object, const char *name)
{
    HgSlice rest, inner;
    HgAuditField field;
    if (!hg_audit_fields_begin(object, &rest))
        return NULL;
    while (hg_audit_fields_next(&rest, &field) == HG_FIELDS_ONE) {
        if (!hg_slice_equal_string(field.name, name))
            continue;
        GString *text = g_string_new(NULL);
        if (hg_audit_field_string(field.value, &inner) && hg_audit_field_unescape(inner, text))
            return g_string_free(text, FALSE);
        g_string_free(text, TRUE);
        return NULL;
    }
    return NULL;
}
