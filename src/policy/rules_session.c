/* SET, RESET and USE of covered users: what changes how a text is read, or what policies mean, may
 * not be set. See analysis.h. */
#include "policy/analysis.h"
#include "policy/name.h"
#include "policy/setting.h"

#include <string.h>

#define T(name) HG_SQL_TOKEN_##name

/* The text behind SET, as it stands. */
static HgSlice set_text(const HgAnalysis *analysis)
{
    const HgSqlNode *root = analysis->root;
    if (root->end <= root->first + 1)
        return hg_slice(NULL, 0);
    guint32 start = analysis->tokens[root->first + 1].start;
    return hg_slice(analysis->text.data + start, analysis->tokens[root->end - 1].end - start);
}

char *hg_analysis_set_key(const HgAnalysis *analysis, gboolean *writes)
{
    HgSlice text = set_text(analysis);
    const guint8 *equals = text.size > 0 ? memchr(text.data, '=', text.size) : NULL;
    *writes = equals != NULL;
    if (text.size == 0)
        return NULL;
    gsize size = equals != NULL ? (gsize)(equals - text.data) : text.size;
    g_autofree char *key = g_strndup((const char *)text.data, size);
    g_strstrip(key);
    gsize length = strlen(key);
    if (length > 2 && key[0] == '`' && key[length - 1] == '`') {
        key[length - 1] = '\0';
        memmove(key, key + 1, length - 1);
    }
    return hg_policy_fold(key);
}

/* SET TIME ZONE ...: a setting in other words. */
static gboolean is_time_zone(const HgAnalysis *analysis)
{
    guint32 at = analysis->root->first + 1;
    return hg_analysis_kind_at(analysis, at) == T(TIME) &&
           hg_analysis_kind_at(analysis, at + 1) == T(ZONE);
}

gboolean hg_analysis_set_rules(HgAnalysis *analysis)
{
    gboolean writes = FALSE;
    if (analysis->kind == HG_SQL_STATEMENT_RESET)
        return hg_analysis_refuse(analysis, analysis->root->first,
                                  "RESET isn't allowed where policies limit what you see");
    g_autofree char *key = is_time_zone(analysis) ? g_strdup("spark.sql.session.timezone")
                                                  : hg_analysis_set_key(analysis, &writes);
    if (key == NULL || (!writes && !is_time_zone(analysis)))
        return TRUE; /* shows settings */
    analysis->out->sets_zone = hg_policy_is_time_zone(key);
    return hg_policy_may_set(hg_subject_set(analysis->subject), key) ||
           hg_analysis_refuse(analysis, analysis->root->first,
                              "%s may not be set where policies limit what you see", key);
}

/* USE of a catalog that isn't known would make all names mean something else. */
gboolean hg_analysis_use_rules(HgAnalysis *analysis)
{
    const HgSqlNode *name = analysis->root->child;
    const HgSchemas *schemas = hg_subject_schemas(analysis->subject);
    gboolean catalog = hg_analysis_kind_at(analysis, analysis->root->first) == T(SET);
    if (name == NULL || name->kind != HG_SQL_NODE_NAME || (name->flags & HG_SQL_FLAG_DYNAMIC) != 0)
        return hg_analysis_refuse(analysis, analysis->root->first,
                                  "write the catalog's or database's name without quotes");
    guint32 at = name->first;
    g_autofree char *part = hg_sql_tree_part(analysis->tree, name, &at);
    g_autofree char *first = hg_policy_fold(part);
    guint32 parts = (name->end - name->first + 1) / 2;
    if (parts > 2 || ((parts == 2 || catalog) && !hg_schemas_has_catalog(schemas, first)))
        return hg_analysis_refuse(analysis, name->first, "no catalog %s is known here", part);
    return TRUE;
}
