/* Putting derived tables in the place of tables that policies limit, and full names in the place of
 * all others. See analysis.h. */
#include "policy/analysis.h"

#define T(name) HG_SQL_TOKEN_##name

static void print_full(GString *out, const HgTable *table)
{
    const char *parts[] = {table->catalog, table->database, table->name};
    for (guint i = 0; i < 3; i++) {
        if (i > 0)
            g_string_append_c(out, '.');
        hg_sql_print_name(out, parts[i]);
    }
}

/* The child of that kind; NULL when there is none. */
static const HgSqlNode *child_of(const HgSqlNode *node, HgSqlNodeKind kind)
{
    for (const HgSqlNode *child = node->child; child != NULL; child = child->next)
        if (child->kind == kind)
            return child;
    return NULL;
}

/* Time travel by a plain number or text stays with the table; anything else could be a query. */
static gboolean print_travel(HgAnalysis *analysis, const HgSqlNode *travel, GString *out)
{
    guint kind = hg_analysis_kind_at(analysis, travel->end - 1);
    guint before = hg_analysis_kind_at(analysis, travel->end - 2);
    if (before != T(OF) || (kind != T(INTEGER_VALUE) && kind != T(STRING_LITERAL)))
        return hg_analysis_refuse(analysis, travel->first,
                                  "an expression for a version or time isn't possible with a "
                                  "protected table; write a number or a text");
    hg_sql_print_edited(out, analysis->tree, travel->first, travel->end, NULL, 0);
    return TRUE;
}

/* A table's name, as the user wrote its last part. */
static void print_alias(const HgAnalysis *analysis, const HgUse *use, GString *out)
{
    guint32 at = use->name->end - 1;
    if ((use->name->flags & HG_SQL_FLAG_DYNAMIC) != 0) {
        hg_sql_print_name(out, use->table->name);
        return;
    }
    g_autofree char *last = hg_sql_tree_part(analysis->tree, use->name, &at);
    hg_sql_print_name(out, last);
}

/* TABLE t as a query of its own, and not in FROM or as an argument. */
static gboolean is_table_query(const HgAnalysis *analysis, const HgUse *use)
{
    return use->relation->kind == HG_SQL_NODE_RELATION &&
           hg_analysis_kind_at(analysis, use->relation->first) == T(TABLE) &&
           use->name->first == use->relation->first + 1 &&
           use->relation->parent->kind != HG_SQL_NODE_FUNCTION_RELATION;
}

/* Where Spark refuses what could change from row to row, for which it takes the barrier: in a
 * subquery in ORDER BY and its kind, in a join's ON, and below LATERAL. NULL, or what to say of it.
 */
static const char *refused_place(const HgAnalysis *analysis, const HgUse *use)
{
    const HgSqlNode *child = use->relation;
    for (const HgSqlNode *node = child; node != NULL; child = node, node = node->parent) {
        guint word;
        switch (node->kind) {
        case HG_SQL_NODE_CLAUSE:
            word = hg_analysis_kind_at(analysis, node->first);
            if (word == T(ORDER) || word == T(SORT) || word == T(CLUSTER) || word == T(DISTRIBUTE))
                return "a protected table can't stand in a subquery in ORDER BY or ON; put the "
                       "subquery into the SELECT list or FROM";
            break;
        case HG_SQL_NODE_JOIN:
            if (child->kind != HG_SQL_NODE_RELATION && child->kind != HG_SQL_NODE_FUNCTION_RELATION)
                return "a protected table can't stand in a subquery in ORDER BY or ON; put the "
                       "subquery into the SELECT list or FROM";
            break;
        case HG_SQL_NODE_RELATION:
            if (node->first > 0 && hg_analysis_kind_at(analysis, node->first - 1) == T(LATERAL))
                return "a protected table can't stand in a LATERAL subquery; join it without "
                       "LATERAL";
            break;
        default:
            break;
        }
    }
    return NULL;
}

static gboolean check_place(HgAnalysis *analysis, const HgUse *use)
{
    const char *wrong = use->relation->kind != HG_SQL_NODE_RELATION
                            ? "a protected table can't stand here"
                        : use->relation->parent->kind == HG_SQL_NODE_FUNCTION_RELATION
                            ? "a protected table can't be the argument of a function"
                            : refused_place(analysis, use);
    return wrong == NULL || hg_analysis_refuse(analysis, use->name->first, "%s", wrong);
}

/* Appends the derived table, and its alias when it can stand directly behind it. */
static gboolean print_derived(HgAnalysis *analysis, const HgUse *use, const HgSqlNode *travel,
                              gboolean named, GString *out)
{
    g_autofree char *copied = hg_analysis_copies(analysis, use);
    g_autoptr(GString) when = travel != NULL ? g_string_new(NULL) : NULL;
    if (travel != NULL && !print_travel(analysis, travel, when))
        return FALSE;
    hg_access_append(use->access, out, analysis->session->nonce, when != NULL ? when->str : "",
                     copied != NULL ? copied : "");
    analysis->added += out->len;
    if (named) {
        g_string_append(out, " AS ");
        print_alias(analysis, use, out);
    }
    return TRUE;
}

static gboolean replace_limited(HgAnalysis *analysis, HgUse *use)
{
    if (!check_place(analysis, use))
        return FALSE;
    const HgSqlNode *sample = child_of(use->relation, HG_SQL_NODE_SAMPLE);
    const HgSqlNode *travel = child_of(use->relation, HG_SQL_NODE_TIME_TRAVEL);
    gboolean query = is_table_query(analysis, use);
    GString *out = g_string_sized_new(use->access->room);
    g_string_append(out, query ? "SELECT * FROM " : "");
    gboolean good = print_derived(analysis, use, travel, use->alias == NULL && sample == NULL, out);
    use->derived = TRUE;
    hg_analysis_take_edit(analysis, query ? use->relation->first : use->name->first,
                          travel != NULL ? travel->end : use->name->end, g_string_free(out, FALSE));
    if (use->alias == NULL && sample != NULL) {
        GString *alias = g_string_new("AS ");
        print_alias(analysis, use, alias);
        hg_analysis_take_edit(analysis, sample->end, sample->end, g_string_free(alias, FALSE));
    }
    return good;
}

static void replace_plain(HgAnalysis *analysis, const HgUse *use)
{
    GString *out = g_string_new(NULL);
    print_full(out, use->table);
    hg_analysis_take_edit(analysis, use->name->first, use->name->end, g_string_free(out, FALSE));
}

gboolean hg_analysis_replace(HgAnalysis *analysis)
{
    gboolean done = analysis->edits->len > 0; /* DESCRIBE is written anew as a whole */
    for (guint i = 0; !done && i < analysis->uses->len; i++) {
        HgUse *use = &g_array_index(analysis->uses, HgUse, i);
        if (use->table == NULL)
            continue;
        if (use->role == HG_SQL_ROLE_READ && use->access->limited) {
            if (!replace_limited(analysis, use))
                return FALSE;
        } else {
            /* always in full: what runs means the table that was decided on, wherever the
             * endpoint's session stands */
            replace_plain(analysis, use);
        }
        if (analysis->added > HG_POLICY_MAX_TEXT)
            return hg_analysis_refuse(analysis, use->name->first,
                                      "the statement becomes too long with all of its derived "
                                      "tables; read this table once, in a WITH");
    }
    return TRUE;
}
