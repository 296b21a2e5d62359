/* Folding, wildcards, literals: see name.h. Owns nothing; any thread. */
#include "policy/name.h"

static char *fold_wide(const char *name)
{
    GString *out = g_string_new(NULL);
    for (const char *at = name; *at != '\0'; at = g_utf8_next_char(at))
        g_string_append_unichar(out, g_unichar_tolower(g_utf8_get_char(at)));
    return g_string_free(out, FALSE);
}

char *hg_policy_fold_slice(HgSlice name)
{
    char *folded = g_malloc(name.size + 1);
    for (gsize i = 0; i < name.size; i++) {
        if (name.data[i] >= 0x80) {
            g_free(folded);
            g_autofree char *copy = hg_slice_dup_string(name);
            return fold_wide(copy);
        }
        folded[i] = hg_policy_lower((char)name.data[i]);
    }
    folded[name.size] = '\0';
    return folded;
}

char *hg_policy_fold(const char *name)
{
    return hg_policy_fold_slice(hg_slice_from_string(name));
}

gboolean hg_policy_glob(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            retry = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++retry;
        } else {
            return FALSE;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

gboolean hg_policy_glob_any(char *const *patterns, const char *text)
{
    for (; patterns != NULL && *patterns != NULL; patterns++)
        if (hg_policy_glob(*patterns, text))
            return TRUE;
    return FALSE;
}

void hg_policy_append_literal(GString *out, const char *value)
{
    g_string_append_c(out, '\'');
    for (const guchar *at = (const guchar *)value; *at != '\0'; at++) {
        if (*at == '\'' || *at == '\\')
            g_string_append_printf(out, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7f || *at == '$')
            g_string_append_printf(out, "\\%03o", *at);
        else
            g_string_append_c(out, (char)*at);
    }
    g_string_append_c(out, '\'');
}

void hg_policy_locate(const guint8 *text, gsize at, guint *line, guint *column)
{
    *line = 1;
    *column = 1;
    for (gsize i = 0; i < at; i++) {
        if (text[i] == '\n') {
            (*line)++;
            *column = 1;
        } else if ((text[i] & 0xC0) != 0x80) {
            (*column)++;
        }
    }
}
