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

gboolean hg_variable_is(HgSlice key, const char *name)
{
    g_autofree char *folded = fold(key);
    g_autofree char *wanted = fold(hg_slice_from_string(name));
    char *stripped;
    (void)strip_prefixes(folded, &stripped);
    return strcmp(stripped, wanted) == 0;
}

/* ---- what the operator allows ---- */

/* The server's own settings (memory, class path, master, what is static): a session can't change
 * them, or, where it can, changes them for everybody or loads code. */
gboolean hg_variable_is_server_wide(const char *name)
{
    static const char *const patterns[] = {
        "spark.master",
        "spark.app.*",
        "spark.driver.*",
        "spark.executor.*",
        "spark.executorenv.*",
        "spark.submit.*",
        "spark.jars*",
        "spark.files*",
        "spark.archives*",
        "spark.yarn.*",
        "spark.kubernetes.*",
        "spark.hadoop.*",
        "spark.plugins*",
        "spark.extralisteners",
        "spark.ui.*",
        "spark.authenticate*",
        "spark.ssl.*",
        "spark.sql.catalog.*",
        "spark.sql.extensions",
        "spark.eventlog.*",
        "hive.metastore.*",
        "hive.exec.*.hooks",
        "javax.jdo.*",
        "hive.aux.jars.path",
        /* Spark's static settings (3.5.3 and 4.0.1: SQLConf.staticConfKeys, with HiveUtils loaded),
         * which it refuses itself with "set:" in front, and else passes over (measured) */
        "spark.python.sql.dataframedebugging.enabled",
        "spark.sql.*.maxthreadthreshold",
        "spark.sql.cache.serializer",
        "spark.sql.catalogimplementation",
        "spark.sql.codegen.cache.maxentries",
        "spark.sql.codegen.comments",
        "spark.sql.debug",
        "spark.sql.defaulturlstreamhandlerfactory.enabled",
        "spark.sql.event.truncate.length",
        "spark.sql.extensions.*",
        "spark.sql.filesourcetablerelationcachesize",
        "spark.sql.globaltempdatabase",
        "spark.sql.hive.metastore.*",
        "spark.sql.hive.thriftserver.singlesession",
        "spark.sql.hive.version",
        "spark.sql.legacy.sessioninitwithconfigdefaults",
        "spark.sql.metadatacachettlseconds",
        "spark.sql.queryexecutionlisteners",
        "spark.sql.sources.disabledjdbcconnproviderlist",
        "spark.sql.sources.schemastringlengththreshold",
        "spark.sql.streaming.streamingquerylisteners",
        "spark.sql.streaming.ui.*",
        "spark.sql.ui.retainedexecutions",
        "spark.sql.warehouse.dir",
        NULL,
    };
    g_autofree char *folded = fold(hg_slice_from_string(name));
    for (gsize i = 0; patterns[i] != NULL; i++)
        if (g_pattern_match_simple(patterns[i], folded))
            return TRUE;
    return FALSE;
}

static gboolean matches_any(const char *const *patterns, const char *folded)
{
    for (gsize i = 0; patterns[i] != NULL; i++) {
        g_autofree char *pattern = fold(hg_slice_from_string(patterns[i]));
        if (g_pattern_match_simple(pattern, folded))
            return TRUE;
    }
    return FALSE;
}

/* What drivers send by themselves is never kept out by an allow list. */
static gboolean is_harmless(const char *folded)
{
    return g_str_has_prefix(folded, "use:") ||
           strcmp(folded, "hive.server2.thrift.resultset.default.fetch.size") == 0;
}

/* Why a variable of that folded name may not be set; NULL: it may. */
static const char *refusal_of(const char *folded, const HgVariableRules *rules)
{
    if (is_harmless(folded))
        return NULL;
    if (hg_variable_is_server_wide(folded))
        return "it is the server's own, for all its users";
    if (rules->deny != NULL && matches_any(rules->deny, folded))
        return "hivegate's configuration denies it (session_variables: deny)";
    if (rules->allow != NULL && !matches_any(rules->allow, folded))
        return "hivegate's configuration doesn't allow it (session_variables: allow)";
    if (rules->policy_allows != NULL && !rules->policy_allows(rules->policy, folded))
        return "it may not be set where policies limit what you see or do";
    return NULL;
}

static HgVariableVerdict refuse(HgSlice key, const char *why, GError **error)
{
    g_autofree char *quoted = hg_text_quote(key);
    g_set_error(error, HG_ERROR, HG_ERROR_DENIED,
                "session variable %s is refused: %s; leave it out of the connection's settings",
                quoted, why);
    return HG_VARIABLE_REFUSE;
}

HgVariableVerdict hg_variable_judge(HgSlice key, HgSlice value, const char *user,
                                    const HgVariableRules *rules, GError **error)
{
    g_autofree char *folded = fold(key);
    char *name;
    const char *why = strip_prefixes(folded, &name);
    if (why != NULL)
        return refuse(key, why, error);
    if (strcmp(name, HG_VARIABLE_PROXY_USER) != 0) {
        why = refusal_of(name, rules);
        return why == NULL ? HG_VARIABLE_PASS : refuse(key, why, error);
    }
    if (value.size == 0 || hg_slice_equal_string(value, user))
        return HG_VARIABLE_DROP;
    g_autofree char *quoted = hg_text_quote(value);
    g_set_error(error, HG_ERROR, HG_ERROR_DENIED,
                "this session runs as %s, not as %s; leave out " HG_VARIABLE_PROXY_USER, user,
                quoted);
    return HG_VARIABLE_REFUSE;
}
