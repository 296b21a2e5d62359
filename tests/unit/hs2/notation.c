/* Thrift messages written as text: see notation.h. */
#include "notation.h"

#include <stdlib.h>

typedef struct {
    const char *at;
    GByteArray *out;
} Parser;

static void put_number(GByteArray *out, guint64 value, guint size)
{
    for (guint i = size; i-- > 0;) {
        guint8 byte = (guint8)(value >> (8 * i));
        g_byte_array_append(out, &byte, 1);
    }
}

static void put_string(GByteArray *out, const void *bytes, gsize size)
{
    put_number(out, size, 4);
    g_byte_array_append(out, bytes, (guint)size);
}

static void skip_space(Parser *parser)
{
    while (g_ascii_isspace(*parser->at))
        parser->at++;
}

/* TRUE, and moves on, when the character comes next. */
static gboolean take(Parser *parser, char what)
{
    skip_space(parser);
    if (*parser->at != what)
        return FALSE;
    parser->at++;
    return TRUE;
}

static gint64 take_number(Parser *parser)
{
    skip_space(parser);
    char *end = NULL;
    gint64 value = g_ascii_strtoll(parser->at, &end, 0);
    if (end == parser->at)
        g_error("notation: a number was expected at \"%s\"", parser->at);
    parser->at = end;
    return value;
}

static char *take_word(Parser *parser)
{
    skip_space(parser);
    const char *first = parser->at;
    while (*parser->at != '\0' && !g_ascii_isspace(*parser->at))
        parser->at++;
    return g_strndup(first, (gsize)(parser->at - first));
}

static guint8 take_value(Parser *parser);

static void take_text(Parser *parser)
{
    g_autoptr(GByteArray) text = g_byte_array_new();
    for (; *parser->at != '\''; parser->at++) {
        guint8 byte = (guint8)*parser->at;
        if (byte == '\0')
            g_error("notation: a text doesn't end");
        if (byte == '\\') {
            byte = (guint8)(g_ascii_xdigit_value(parser->at[2]) * 16 +
                            g_ascii_xdigit_value(parser->at[3]));
            parser->at += 3;
        }
        g_byte_array_append(text, &byte, 1);
    }
    parser->at++;
    put_string(parser->out, text->data, text->len);
}

static void take_filled(Parser *parser)
{
    gsize size = (gsize)take_number(parser);
    g_assert(take(parser, ':'));
    char hex[3] = {parser->at[0], parser->at[1], '\0'};
    parser->at += 2;
    g_autofree guint8 *bytes = g_malloc(size + 1);
    memset(bytes, (int)strtol(hex, NULL, 16), size);
    put_string(parser->out, bytes, size);
}

static void take_struct(Parser *parser)
{
    while (!take(parser, '}')) {
        gint64 id = take_number(parser);
        g_assert(take(parser, ':'));
        guint type_at = parser->out->len;
        put_number(parser->out, 0, 1);
        put_number(parser->out, (guint64)id, 2);
        guint8 type = take_value(parser);
        parser->out->data[type_at] = type;
    }
    put_number(parser->out, 0, 1);
}

/* The inside of a list, set or map; `types` type numbers come first. */
static void take_elements(Parser *parser, guint types, char end)
{
    for (guint i = 0; i < types; i++)
        put_number(parser->out, (guint64)take_number(parser), 1);
    guint count_at = parser->out->len;
    put_number(parser->out, 0, 4);
    guint32 count = 0;
    for (; !take(parser, end); count++)
        take_value(parser);
    count = GUINT32_TO_BE(count / types);
    memcpy(parser->out->data + count_at, &count, sizeof count);
}

static guint8 take_numeric(Parser *parser)
{
    char *end = NULL;
    gdouble real = g_ascii_strtod(parser->at, &end);
    if (*end == 'd') {
        guint64 bits;
        memcpy(&bits, &real, sizeof bits);
        put_number(parser->out, bits, 8);
        parser->at = end + 1;
        return 4;
    }
    guint64 value = (guint64)take_number(parser);
    if (take(parser, 's')) {
        put_number(parser->out, value, 2);
        return 6;
    }
    if (take(parser, 'l')) {
        put_number(parser->out, value, 8);
        return 10;
    }
    if (take(parser, 'b')) {
        put_number(parser->out, value, 1);
        return 3;
    }
    put_number(parser->out, value, 4);
    return 8;
}

/* Writes one value and returns its type. */
static guint8 take_value(Parser *parser)
{
    if (take(parser, '{')) {
        take_struct(parser);
        return 12;
    }
    if (take(parser, '\'')) {
        take_text(parser);
        return 11;
    }
    if (take(parser, '@')) {
        take_filled(parser);
        return 11;
    }
    if (take(parser, '[')) {
        take_elements(parser, 1, ']');
        return 15;
    }
    if (take(parser, '(')) {
        take_elements(parser, 1, ')');
        return 14;
    }
    if (take(parser, '<')) {
        take_elements(parser, 2, '>');
        return 13;
    }
    if (take(parser, 't') || take(parser, 'f')) {
        put_number(parser->out, parser->at[-1] == 't', 1);
        return 2;
    }
    if (take(parser, '%')) {
        put_number(parser->out, (guint64)take_number(parser), 1);
        return 2;
    }
    return take_numeric(parser);
}

static void put_head(GByteArray *out, const char *kind, const char *name, gint32 seqid)
{
    static const char *const kinds[] = {"", "call", "reply", "exception", "oneway"};
    gboolean old = g_str_equal(kind, "old-call");
    guint64 type = old ? 1 : 0;
    for (guint i = 1; i < G_N_ELEMENTS(kinds); i++) {
        if (g_str_equal(kind, kinds[i]))
            type = i;
    }
    if (g_str_has_prefix(kind, "type"))
        type = (guint64)atoi(kind + 4);
    if (!old)
        put_number(out, 0x80010000u | type, 4);
    put_string(out, name, strlen(name));
    if (old)
        put_number(out, type, 1);
    put_number(out, (guint32)seqid, 4);
}

GByteArray *notate(const char *notation)
{
    Parser parser = {.at = notation, .out = g_byte_array_new()};
    g_autofree char *kind = take_word(&parser);
    g_autofree char *name = take_word(&parser);
    put_head(parser.out, kind, name, (gint32)take_number(&parser));
    take_value(&parser);
    skip_space(&parser);
    if (*parser.at != '\0')
        g_error("notation: nothing was expected at \"%s\"", parser.at);
    return parser.out;
}

HgSlice bytes_slice(const GByteArray *bytes)
{
    return hg_slice(bytes->data, bytes->len);
}

HgSlice tight_copy(HgSlice bytes)
{
    guint8 *data = malloc(MAX(bytes.size, 1));
    g_assert(data != NULL);
    if (bytes.size > 0)
        memcpy(data, bytes.data, bytes.size);
    return hg_slice(data, bytes.size);
}
