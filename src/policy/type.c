/* Reading types: see type.h. Owns nothing but what it returns; any thread. */
#include "policy/type.h"

#include "policy/name.h"

#include <string.h>

#define DEPTH_MAX 64

typedef struct {
    const char *at;
    guint depth;
} Reader;

static HgType *read_type(Reader *reader);

static void field_free(gpointer data)
{
    HgTypeField *field = data;
    g_free(field->name);
    hg_type_free(field->type);
    g_free(field);
}

void hg_type_free(HgType *type)
{
    if (type == NULL)
        return;
    g_clear_pointer(&type->fields, g_ptr_array_unref);
    g_free(type->text);
    g_free(type);
}

static void skip_spaces(Reader *reader)
{
    while (*reader->at == ' ')
        reader->at++;
}

static gboolean eat(Reader *reader, char sign)
{
    skip_spaces(reader);
    if (*reader->at != sign)
        return FALSE;
    reader->at++;
    return TRUE;
}

static gboolean is_word(char c)
{
    return g_ascii_isalnum(c) || c == '_' || (guchar)c >= 0x80;
}

/* A field's name: a word, or anything in back-ticks; NULL when none comes. */
static char *read_name(Reader *reader)
{
    skip_spaces(reader);
    const char *start = reader->at;
    if (*start != '`') {
        while (is_word(*reader->at) || *reader->at == '-' || *reader->at == '.')
            reader->at++;
        return reader->at > start ? g_strndup(start, (gsize)(reader->at - start)) : NULL;
    }
    GString *out = g_string_new(NULL);
    for (reader->at++; *reader->at != '\0'; reader->at++) {
        if (*reader->at == '`' && *++reader->at != '`')
            return g_string_free(out, FALSE);
        g_string_append_c(out, *reader->at);
    }
    g_string_free(out, TRUE);
    return NULL;
}

/* name: type, ... up to > */
static gboolean read_fields(Reader *reader, HgType *type)
{
    type->fields = g_ptr_array_new_with_free_func(field_free);
    if (eat(reader, '>'))
        return TRUE;
    do {
        HgTypeField *field = g_new0(HgTypeField, 1);
        g_ptr_array_add(type->fields, field);
        field->name = read_name(reader);
        if (field->name == NULL || !eat(reader, ':'))
            return FALSE;
        field->type = read_type(reader);
        if (field->type == NULL)
            return FALSE;
    } while (eat(reader, ','));
    return eat(reader, '>');
}

/* The types between < and > of an array or a map. */
static gboolean read_parts(Reader *reader, guint count)
{
    for (guint i = 0; i < count; i++) {
        g_autoptr(HgType) part = read_type(reader);
        if (part == NULL || (i + 1 < count && !eat(reader, ',')))
            return FALSE;
    }
    return eat(reader, '>');
}

/* (10) or (10,2): the first number; FALSE when something else stands there. */
static gboolean read_numbers(Reader *reader, guint *first)
{
    char *end = NULL;
    *first = 0;
    if (!eat(reader, '('))
        return TRUE;
    do {
        skip_spaces(reader);
        if (!g_ascii_isdigit(*reader->at))
            return FALSE;
        guint number = (guint)g_ascii_strtoull(reader->at, &end, 10);
        *first = *first == 0 ? number : *first;
        reader->at = end;
    } while (eat(reader, ','));
    return eat(reader, ')');
}

static HgTypeKind kind_of(const char *word)
{
    static const struct {
        const char *word;
        HgTypeKind kind;
    } rows[] = {
        {"string", HG_TYPE_STRING},   {"varchar", HG_TYPE_STRING},
        {"char", HG_TYPE_STRING},     {"tinyint", HG_TYPE_INTEGER},
        {"byte", HG_TYPE_INTEGER},    {"smallint", HG_TYPE_INTEGER},
        {"short", HG_TYPE_INTEGER},   {"int", HG_TYPE_INTEGER},
        {"integer", HG_TYPE_INTEGER}, {"bigint", HG_TYPE_INTEGER},
        {"long", HG_TYPE_INTEGER},    {"decimal", HG_TYPE_DECIMAL},
        {"dec", HG_TYPE_DECIMAL},     {"numeric", HG_TYPE_DECIMAL},
        {"float", HG_TYPE_FLOAT},     {"real", HG_TYPE_FLOAT},
        {"double", HG_TYPE_FLOAT},    {"boolean", HG_TYPE_BOOLEAN},
        {"date", HG_TYPE_DATE},       {"timestamp", HG_TYPE_TIMESTAMP},
        {"struct", HG_TYPE_STRUCT},   {"array", HG_TYPE_ARRAY},
        {"map", HG_TYPE_MAP},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strcmp(rows[i].word, word) == 0)
            return rows[i].kind;
    return HG_TYPE_OTHER;
}

/* What stands behind the type's word. */
static gboolean read_rest(Reader *reader, HgType *type)
{
    switch (type->kind) {
    case HG_TYPE_STRUCT:
        return eat(reader, '<') && read_fields(reader, type);
    case HG_TYPE_ARRAY:
        return eat(reader, '<') && read_parts(reader, 1);
    case HG_TYPE_MAP:
        return eat(reader, '<') && read_parts(reader, 2);
    case HG_TYPE_OTHER: /* "interval day to second", "string collate X" */
        for (skip_spaces(reader); is_word(*reader->at) || *reader->at == ' '; reader->at++)
            continue;
        return read_numbers(reader, &type->digits);
    default:
        if (!read_numbers(reader, &type->digits))
            return FALSE;
        skip_spaces(reader);
        if (is_word(*reader->at)) { /* a collation: comparisons mean something else */
            type->kind = HG_TYPE_OTHER;
            return read_rest(reader, type);
        }
        return TRUE;
    }
}

static HgType *read_type(Reader *reader)
{
    if (++reader->depth > DEPTH_MAX)
        return NULL;
    skip_spaces(reader);
    const char *start = reader->at;
    while (is_word(*reader->at))
        reader->at++;
    if (reader->at == start)
        return NULL;
    g_autoptr(HgType) type = g_new0(HgType, 1);
    g_autofree char *word = g_ascii_strdown(start, reader->at - start);
    type->kind = kind_of(word);
    if (!read_rest(reader, type))
        return NULL;
    /* a CAST to varchar or char would pad or warn, and a query sees strings anyway */
    type->text = type->kind == HG_TYPE_STRING ? g_strdup("string")
                                              : g_strndup(start, (gsize)(reader->at - start));
    reader->depth--;
    return g_steal_pointer(&type);
}

HgType *hg_type_parse(const char *text)
{
    Reader reader = {.at = text};
    g_autoptr(HgType) type = read_type(&reader);
    skip_spaces(&reader);
    return type != NULL && *reader.at == '\0' ? g_steal_pointer(&type) : NULL;
}

const HgTypeField *hg_type_field(const HgType *type, const char *folded)
{
    for (guint i = 0; type->fields != NULL && i < type->fields->len; i++) {
        const HgTypeField *field = g_ptr_array_index(type->fields, i);
        g_autofree char *name = hg_policy_fold(field->name);
        if (strcmp(name, folded) == 0)
            return field;
    }
    return NULL;
}
