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
static gboolean read_travel(HgAnalysis *analysis, const HgUse *use, GString *out)
{
    const HgSqlNode *travel = child_of(use->relation, HG_SQL_NODE_TIME_TRAVEL);
    if (travel == NULL)
        return TRUE;
    guint kind = hg_analysis_kind_at(analysis, travel->end - 1);
    guint before = hg_analysis_kind_at(analysis, travel->end - 2);
    if (before != T(OF) || (kind != T(INTEGER_VALUE) && kind != T(STRING_LITERAL)))
        return hg_analysis_refuse(analysis, travel->first,
                                  "an expression for a version or time isn't possible with a "
                                  "protected table; write a number or a text");
    hg_sql_print_edited(out, analysis->tree, travel->first, travel->end, NULL, 0);
    return TRUE;
}

/* The tokens that the derived table takes the place of: the name, and time travel behind it. */
static guint32 replaced_end(const HgUse *use)
{
    const HgSqlNode *travel = child_of(use->relation, HG_SQL_NODE_TIME_TRAVEL);
    return travel != NULL ? travel->end : use->name->end;
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

/* TRUE below LATERAL (SELECT ...): Spark refuses there what keeps conditions above the barrier. */
static gboolean is_lateral(const HgAnalysis *analysis, const HgUse *use)
{
    for (const HgSqlNode *node = use->relation; node != NULL; node = node->parent)
        if (node->kind == HG_SQL_NODE_RELATION && node->first > 0 &&
            hg_analysis_kind_at(analysis, node->first - 1) == T(LATERAL))
            return TRUE;
    return FALSE;
}

/* TRUE in a subquery in ORDER BY and its kind, or in a join's ON: Spark refuses there what could
 * change from row to row, and takes the barrier for such a thing. */
static gboolean is_sorted_by(const HgAnalysis *analysis, const HgUse *use)
{
    const HgSqlNode *child = use->relation;
    for (const HgSqlNode *node = child->parent; node != NULL; child = node, node = node->parent) {
        guint word = hg_analysis_kind_at(analysis, node->first);
        if (node->kind == HG_SQL_NODE_CLAUSE &&
            (word == T(ORDER) || word == T(SORT) || word == T(CLUSTER) || word == T(DISTRIBUTE)))
            return TRUE;
        if (node->kind == HG_SQL_NODE_JOIN && child->kind != HG_SQL_NODE_RELATION &&
            child->kind != HG_SQL_NODE_FUNCTION_RELATION)
            return TRUE;
    }
    return FALSE;
}

static gboolean check_place(HgAnalysis *analysis, const HgUse *use)
{
    if (is_sorted_by(analysis, use))
        return hg_analysis_refuse(analysis, use->name->first,
                                  "a protected table can't stand in a subquery in ORDER BY or ON; "
                                  "put the subquery into the SELECT list or FROM");
    if (is_lateral(analysis, use))
        return hg_analysis_refuse(analysis, use->name->first,
                                  "a protected table can't stand in a LATERAL subquery; join it "
                                  "without LATERAL");
    if (use->relation->kind != HG_SQL_NODE_RELATION)
        return hg_analysis_refuse(analysis, use->name->first, "a protected table can't stand here");
    if (use->relation->parent->kind == HG_SQL_NODE_FUNCTION_RELATION)
        return hg_analysis_refuse(analysis, use->name->first,
                                  "a protected table can't be the argument of a function");
    return TRUE;
}

static gboolean replace_limited(HgAnalysis *analysis, HgUse *use)
{
    g_autoptr(GString) travel = g_string_new(NULL);
    if (!check_place(analysis, use) || !read_travel(analysis, use, travel))
        return FALSE;
    const HgSqlNode *sample = child_of(use->relation, HG_SQL_NODE_SAMPLE);
    gboolean query = is_table_query(analysis, use);
    g_autofree char *copied = hg_analysis_copies(analysis, use);
    GString *out = g_string_sized_new(use->access->room);
    g_string_append(out, query ? "SELECT * FROM " : "");
    use->derived = TRUE;
    hg_access_append(use->access, out, analysis->session->nonce, travel->str,
                     copied != NULL ? copied : "");
    analysis->added += out->len;
    if (use->alias == NULL && sample == NULL) {
        g_string_append(out, " AS ");
        print_alias(analysis, use, out);
    }
    hg_analysis_take_edit(analysis, query ? use->relation->first : use->name->first,
                          replaced_end(use), g_string_free(out, FALSE));
    if (use->alias == NULL && sample != NULL) {
        GString *alias = g_string_new("AS ");
        print_alias(analysis, use, alias);
        hg_analysis_take_edit(analysis, sample->end, sample->end, g_string_free(alias, FALSE));
    }
    return TRUE;
}

static void replace_plain(HgAnalysis *analysis, const HgUse *use)
{
    GString *out = g_string_new(NULL);
    print_full(out, use->table);
    hg_analysis_take_edit(analysis, use->name->first, use->name->end, g_string_free(out, FALSE));
}

/* Statements that take only a name of their own, or leave the table alone. */
static gboolean keeps_names(HgSqlStatementKind kind)
{
    return kind == HG_SQL_STATEMENT_SHOW || kind == HG_SQL_STATEMENT_DESCRIBE;
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
        } else if (use->table->columns->len > 0 || !keeps_names(analysis->kind)) {
            replace_plain(analysis, use);
        }
        if (analysis->added > HG_POLICY_MAX_TEXT)
            return hg_analysis_refuse(analysis, use->name->first,
                                      "the statement becomes too long with all of its derived "
                                      "tables; read this table once, in a WITH");
    }
    return TRUE;
}
