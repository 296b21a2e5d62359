/* Reading USE: see use.h. Owns nothing; pure. */
#include "policy/use.h"

#include "sql/statement.h"
#include "sql/tree.h"

void hg_policy_use_clear(HgPolicyUse *use)
{
    g_free(use->first);
    g_free(use->second);
    *use = (HgPolicyUse){0};
}

static gboolean read_names(HgSqlTree *tree, const HgSqlNode *root, HgPolicyUse *out)
{
    const HgSqlNode *name = root->child;
    guint32 count = 0;
    const HgSqlToken *tokens = hg_sql_tree_tokens(tree, &count);
    if (root->detail != HG_SQL_STATEMENT_USE || name == NULL || name->kind != HG_SQL_NODE_NAME ||
        name->next != NULL || (name->flags & HG_SQL_FLAG_DYNAMIC) != 0)
        return FALSE;
    guint32 at = name->first;
    out->catalog = tokens[root->first].kind == HG_SQL_TOKEN_SET;
    out->first = hg_sql_tree_part(tree, name, &at);
    out->second = hg_sql_tree_part(tree, name, &at);
    g_autofree char *third = hg_sql_tree_part(tree, name, &at);
    return out->first != NULL && *out->first != '\0' && third == NULL &&
           (out->second == NULL || (!out->catalog && *out->second != '\0'));
}

gboolean hg_policy_use_read(HgSlice text, const HgSqlOptions *options, HgPolicyUse *out)
{
    *out = (HgPolicyUse){0};
    HgSqlTree *tree = hg_sql_parse(text, options, NULL);
    gboolean good = tree != NULL && read_names(tree, hg_sql_tree_root(tree), out);
    hg_sql_tree_free(tree);
    return good;
}
