/* Session variables: see variable.h. Pure; any thread. */
#include "hs2/variable.h"

#include "base/error.h"
#include "base/text.h"

/* What may stand in front of a colon, and why a key that has it is refused (NULL: not for that). */
typedef struct {
    const char *name;
    const char *refusal;
} Prefix;

static const Prefix prefixes[] = {
    {"set", NULL},
    {"hiveconf", NULL},
    {"hivevar", NULL},
    {"system", "it would change the server for all its users"},
    {"env", "a session can't change the server's environment"},
    {"metaconf", "it would change the server's metastore client"},
};

/* The key in lower case; for letters that aren't ASCII too, as some of them fold into ASCII ones.
 */
static char *fold(HgSlice key)
{
    for (gsize i = 0; i < key.size; i++) {
        if (key.data[i] >= 0x80)
            return g_utf8_casefold((const char *)key.data, (gssize)key.size);
    }
    return g_ascii_strdown((const char *)key.data, (gssize)key.size);
}

/* Cuts off, in place, what Java's trim() cuts off: all characters up to the space. */
static char *trim(char *text)
{
    while (*text != '\0' && (guchar)*text <= ' ')
        text++;
    gsize size = strlen(text);
    while (size > 0 && (guchar)text[size - 1] <= ' ')
        size--;
    text[size] = '\0';
    return text;
}

static const Prefix *find_prefix(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (strcmp(prefixes[i].name, name) == 0)
            return &prefixes[i];
    }
    return NULL;
}

/* Splits a folded key: *name gets what is behind the prefixes. Returns the first reason to refuse
 * that they give. */
static const char *strip_prefixes(char *key, char **name)
{
    const char *refusal = NULL;
    for (char *colon; (colon = strchr(key, ':')) != NULL; key = colon + 1) {
        *colon = '\0';
        const Prefix *prefix = find_prefix(trim(key));
        *colon = ':';
        if (prefix == NULL)
            break;
        if (refusal == NULL)
            refusal = prefix->refusal;
    }
    *name = trim(key);
    return refusal;
}

gboolean hg_variable_is_proxy_user(HgSlice key)
{
    g_autofree char *folded = fold(key);
    char *name;
    (void)strip_prefixes(folded, &name);
    return strcmp(name, HG_VARIABLE_PROXY_USER) == 0;
}

HgVariableVerdict hg_variable_judge(HgSlice key, HgSlice value, const char *effective_user,
                                    GError **error)
{
    g_autofree char *folded = fold(key);
    char *name;
    const char *refusal = strip_prefixes(folded, &name);
    if (refusal != NULL) {
        g_autofree char *quoted = hg_text_quote(key);
        g_set_error(error, HG_ERROR, HG_ERROR_DENIED,
                    "session variable %s is refused: %s; leave it out of the connection's settings",
                    quoted, refusal);
        return HG_VARIABLE_REFUSE;
    }
    if (strcmp(name, HG_VARIABLE_PROXY_USER) != 0)
        return HG_VARIABLE_PASS;
    if (value.size == 0 || hg_slice_equal_string(value, effective_user))
        return HG_VARIABLE_DROP;
    g_autofree char *quoted = hg_text_quote(value);
    g_set_error(error, HG_ERROR, HG_ERROR_DENIED,
                "this session runs as %s, not as %s; leave out " HG_VARIABLE_PROXY_USER,
                effective_user, quoted);
    return HG_VARIABLE_REFUSE;
}
