/* The rules for names of users and groups: see name.h. Owns nothing; any thread. */
#include "auth/name.h"

#include "base/error.h"
#include "base/text.h"

static gboolean refuse(HgSlice name, const char *what, const char *why, GError **error)
{
    g_autofree char *quoted = hg_text_quote(name);
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s can't be the name of a %s: %s", quoted, what,
                why);
    return FALSE;
}

/* What is wrong with the characters themselves; NULL when nothing is. */
static const char *wrong_characters(HgSlice name)
{
    const char *text = (const char *)name.data;
    if (memchr(text, '\0', name.size) != NULL || !g_utf8_validate(text, (gssize)name.size, NULL))
        return "it is not valid UTF-8";
    const char *end = text + name.size;
    for (const char *at = text; at < end; at = g_utf8_next_char(at))
        if (!g_unichar_isprint(g_utf8_get_char(at)))
            return "it holds a control or invisible character";
    if (g_unichar_isspace(g_utf8_get_char(text)) ||
        g_unichar_isspace(g_utf8_get_char(g_utf8_prev_char(end))))
        return "it begins or ends with white space";
    return NULL;
}

static gboolean holds(HgSlice name, char c)
{
    return memchr(name.data, c, name.size) != NULL;
}

static gboolean check(HgSlice name, const char *what, GError **error)
{
    if (name.size == 0)
        return refuse(name, what, "it is empty", error);
    if (name.size > HG_NAME_MAX_BYTES)
        return refuse(name, what, "it is longer than 256 bytes", error);
    const char *wrong = wrong_characters(name);
    if (wrong != NULL)
        return refuse(name, what, wrong, error);
    if (holds(name, ':'))
        return refuse(name, what, "it holds ':', which separates the fields of a users file",
                      error);
    return TRUE;
}

gboolean hg_user_name_check(HgSlice name, GError **error)
{
    if (!check(name, "user", error))
        return FALSE;
    if (name.data[0] == '#')
        return refuse(name, "user", "it begins with '#', which marks a comment", error);
    if (holds(name, '@') || holds(name, '/'))
        return refuse(
            name, "user",
            "Spark cuts names at '@' and '/', so two users could become one; use the part "
            "in front of it, or another name",
            error);
    return TRUE;
}

gboolean hg_group_name_check(HgSlice name, GError **error)
{
    if (!check(name, "group", error))
        return FALSE;
    if (holds(name, ','))
        return refuse(name, "group", "it holds ',', which separates groups", error);
    return TRUE;
}

/* TRUE for what no directory tells names apart by. */
static gboolean is_ignored(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_NON_SPACING_MARK:
    case G_UNICODE_ENCLOSING_MARK:
    case G_UNICODE_SPACE_SEPARATOR:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return TRUE;
    default:
        return FALSE;
    }
}

char *hg_name_skeleton(const char *name)
{
    if (!g_utf8_validate(name, -1, NULL))
        return g_strdup(name);
    const char *at = strrchr(name, '@');
    gssize size = at != NULL && at != name ? at - name : -1;
    g_autofree char *plain = g_utf8_normalize(name, size, G_NORMALIZE_ALL);
    g_autofree char *folded = g_utf8_casefold(plain, -1);
    GString *skeleton = g_string_new(NULL);
    for (const char *c = folded; *c != '\0'; c = g_utf8_next_char(c))
        if (!is_ignored(g_utf8_get_char(c)))
            g_string_append_unichar(skeleton, g_utf8_get_char(c));
    return g_string_free(skeleton, FALSE);
}
