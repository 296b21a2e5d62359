/* The parts of names: see tree.h. Owns nothing; any thread. */
#include "sql/tree.h"

char *hg_sql_unquote(HgSlice text)
{
    char quote = text.size > 0 ? (char)text.data[0] : '\0';
    if (quote != '`' && quote != '"')
        return hg_slice_dup_string(text);
    GString *out = g_string_sized_new(text.size);
    for (gsize i = 1; i + 1 < text.size; i++) {
        g_string_append_c(out, (char)text.data[i]);
        if (text.data[i] == (guint8)quote && text.data[i + 1] == (guint8)quote)
            i++;
    }
    return g_string_free(out, FALSE);
}

char *hg_sql_tree_part(const HgSqlTree *tree, const HgSqlNode *node, guint32 *at)
{
    const HgSqlToken *tokens = hg_sql_tree_tokens(tree, NULL);
    HgSlice text = hg_sql_tree_text(tree);
    if (*at < node->end && tokens[*at].kind == HG_SQL_TOKEN_DOT)
        (*at)++;
    if (*at >= node->end)
        return NULL;
    const HgSqlToken *token = &tokens[(*at)++];
    return hg_sql_unquote(hg_slice(text.data + token->start, token->end - token->start));
}
