/* A reader of search filters that only says yes or where not: see ldap_filter.h. Pure. */
#include "auth/ldap_filter.h"

#include "base/error.h"

#include <string.h>

/* Where the reader is. */
typedef struct {
    const char *text;
    const char *at;
    guint depth;
    const char *expected; /* NULL until something is wrong */
} Reader;

static gboolean expect(Reader *reader, const char *what)
{
    reader->expected = what;
    return FALSE;
}

static gboolean skip(Reader *reader, char c)
{
    if (*reader->at != c)
        return FALSE;
    reader->at++;
    return TRUE;
}

/* libldap takes spaces around the parts of a list, which make long filters readable. */
static void skip_spaces(Reader *reader)
{
    while (*reader->at == ' ')
        reader->at++;
}

static gboolean read_filter(Reader *reader);

/* attr, attr;option, or a number with dots */
static gsize attribute_size(const char *at)
{
    gsize size = 0;
    while (g_ascii_isalnum(at[size]) || (at[size] != '\0' && strchr("-.;", at[size]) != NULL))
        size++;
    return size > 0 && g_ascii_isalnum(at[0]) ? size : 0;
}

/* The value behind the '=': anything but parentheses, with \xx for what can't stand. */
static gboolean read_value(Reader *reader, gboolean stars)
{
    for (; *reader->at != '\0' && strchr("()", *reader->at) == NULL; reader->at++) {
        if (*reader->at == '*' && !stars)
            return expect(reader, "no '*' in this kind of comparison");
        if (*reader->at != '\\')
            continue;
        if (!g_ascii_isxdigit(reader->at[1]) || !g_ascii_isxdigit(reader->at[2]))
            return expect(reader, "two hexadecimal digits behind the backslash");
        reader->at += 2;
    }
    return TRUE;
}

/* attr:dn:rule:=value, where either of attr and rule may be missing */
static gboolean read_extensible(Reader *reader, gboolean named)
{
    gboolean rule = FALSE;
    if (g_str_has_prefix(reader->at, ":dn:"))
        reader->at += strlen(":dn");
    if (reader->at[0] == ':' && reader->at[1] != '=') {
        reader->at++;
        gsize size = attribute_size(reader->at);
        if (size == 0)
            return expect(reader, "the name of a matching rule");
        reader->at += size;
        rule = TRUE;
    }
    if (!named && !rule)
        return expect(reader, "an attribute or a matching rule");
    if (!skip(reader, ':') || !skip(reader, '='))
        return expect(reader, "':='");
    return read_value(reader, FALSE);
}

static gboolean read_comparison(Reader *reader)
{
    gsize size = attribute_size(reader->at);
    reader->at += size;
    if (*reader->at == ':')
        return read_extensible(reader, size > 0);
    if (size == 0)
        return expect(reader, "the name of an attribute");
    gboolean equal = *reader->at == '=';
    if (!equal && *reader->at != '\0' && strchr("~<>", *reader->at) != NULL)
        reader->at++;
    if (!skip(reader, '='))
        return expect(reader, "'=', '~=', '<=', '>=' or ':='");
    return read_value(reader, equal);
}

/* What stands between the parentheses. */
static gboolean read_inner(Reader *reader)
{
    gboolean negation = skip(reader, '!');
    if (!negation && !skip(reader, '&') && !skip(reader, '|'))
        return read_comparison(reader);
    skip_spaces(reader);
    if (negation && !read_filter(reader))
        return FALSE;
    while (!negation && *reader->at == '(') {
        if (!read_filter(reader))
            return FALSE;
        skip_spaces(reader);
    }
    return TRUE;
}

static gboolean read_filter(Reader *reader)
{
    if (!skip(reader, '('))
        return expect(reader, "'('");
    if (++reader->depth > HG_LDAP_FILTER_MAX_DEPTH)
        return expect(reader, "at most 32 parentheses inside one another");
    if (!read_inner(reader))
        return FALSE;
    reader->depth--;
    return skip(reader, ')') || expect(reader, "')'");
}

gboolean hg_ldap_filter_check(const char *text, GError **error)
{
    Reader reader = {.text = text, .at = text};
    if (strlen(text) > HG_LDAP_FILTER_MAX_BYTES) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "it is longer than %d bytes",
                    HG_LDAP_FILTER_MAX_BYTES);
        return FALSE;
    }
    if (!g_utf8_validate(text, -1, NULL)) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "it is not valid UTF-8");
        return FALSE;
    }
    if (read_filter(&reader) && *reader.at != '\0')
        expect(&reader, "nothing behind the last ')'");
    if (reader.expected == NULL)
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "it is no LDAP filter (RFC 4515): expected %s at character %ld", reader.expected,
                g_utf8_pointer_to_offset(text, reader.at) + 1);
    return FALSE;
}
