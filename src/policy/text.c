/* What isn't known in the statement of a covered user: letters, parameters, functions. See
 * analysis.h. */
#include "policy/analysis.h"
#include "policy/function.h"
#include "policy/name.h"
#include "sql/walk.h"

#include <string.h>

static gboolean is_ascii(HgSlice text)
{
    gsize at = 0;
    for (; at + 8 <= text.size; at += 8) {
        guint64 word;
        memcpy(&word, text.data + at, sizeof word);
        if ((word & G_GUINT64_CONSTANT(0x8080808080808080)) != 0)
            return FALSE;
    }
    while (at < text.size && text.data[at] < 0x80)
        at++;
    return at == text.size;
}

/* Outside quotes Spark folds letters like U+017F to ASCII, and so could a reader after us. */
static gboolean check_letters(HgAnalysis *analysis)
{
    if (is_ascii(analysis->text))
        return TRUE;
    for (guint32 i = 0; i < analysis->count; i++) {
        const HgSqlToken *token = &analysis->tokens[i];
        if (token->kind == HG_SQL_TOKEN_STRING_LITERAL ||
            token->kind == HG_SQL_TOKEN_DOUBLEQUOTED_STRING ||
            token->kind == HG_SQL_TOKEN_BACKQUOTED_IDENTIFIER)
            continue;
        for (guint32 at = token->start; at < token->end; at++)
            if (analysis->text.data[at] >= 0x80)
                return hg_analysis_refuse(analysis, i,
                                          "a letter outside ASCII; put names that need it in "
                                          "back-ticks");
    }
    return TRUE;
}

/* A function that isn't Spark's: somebody's code, which could do anything with what it is given. */
static gboolean check_foreign(HgAnalysis *analysis, const HgSqlNode *name)
{
    g_autofree char *text = hg_analysis_text(analysis, name);
    g_autofree char *folded = hg_policy_fold(text);
    if (hg_subject_may_call(analysis->subject, folded))
        return TRUE;
    return hg_analysis_refuse(analysis, name->first,
                              "the function %s is none of Spark's own, and no policy allows it",
                              text);
}

static gboolean check_function(HgAnalysis *analysis, const HgSqlNode *name)
{
    HgSlice text = hg_sql_tree_span(analysis->tree, name);
    if (name->end != name->first + 1)
        return check_foreign(analysis, name);
    if (text.size > 2 && (text.data[0] == '`' || text.data[0] == '"'))
        text = hg_slice(text.data + 1, text.size - 2);
    switch (hg_function_kind(text)) {
    case HG_FUNCTION_UNKNOWN:
        return check_foreign(analysis, name);
    case HG_FUNCTION_STORAGE:
        return hg_analysis_refuse(analysis, name->first,
                                  "this function shows how data is stored, and isn't allowed here");
    default:
        break;
    }
    if (name->parent->kind == HG_SQL_NODE_FUNCTION_RELATION && !hg_function_is_table(text))
        return hg_analysis_refuse(analysis, name->first,
                                  "this function in the place of a table isn't known");
    return TRUE;
}

static gboolean is_called(const HgSqlNode *name)
{
    guint parent = name->parent->kind;
    return name->role == HG_SQL_ROLE_FUNCTION &&
           (parent == HG_SQL_NODE_CALL || parent == HG_SQL_NODE_LATERAL_VIEW ||
            parent == HG_SQL_NODE_FUNCTION_RELATION);
}

static HgSqlWalk check_parameter(const HgSqlNode *node, gpointer data)
{
    if (node->kind != HG_SQL_NODE_PARAMETER)
        return HG_SQL_WALK_CONTINUE;
    hg_analysis_refuse(data, node->first, "a parameter; write the value into the statement");
    return HG_SQL_WALK_ABORT;
}

gboolean hg_analysis_text_is_known(HgAnalysis *analysis)
{
    if (!check_letters(analysis))
        return FALSE;
    if ((analysis->seen & HG_SEEN_PARAMETER) != 0 &&
        !hg_sql_walk(hg_sql_tree_root(analysis->tree), check_parameter, NULL, analysis))
        return FALSE;
    for (gsize i = 0; i < hg_sql_scope_count(analysis->scope); i++) {
        const HgSqlNode *name = hg_sql_scope_at(analysis->scope, i)->name;
        if (is_called(name) && !check_function(analysis, name))
            return FALSE;
    }
    return TRUE;
}
