/* Columns that name their table in full: db.t.c becomes t.c where a derived table called t stands
 * for db.t. See analysis.h. */
#include "policy/analysis.h"
#include "policy/name.h"
#include "sql/walk.h"

#include <string.h>

/* A column or star that is looked at. */
typedef struct {
    HgAnalysis *analysis;
    const HgSqlNode *node;
    char **parts; /* folded; without the star */
} Column;

/* How many parts of the column name the use's table: 3 with the catalog, 2 without, 0 for none. */
static guint names_table(const Column *column, const HgTable *table)
{
    guint count = g_strv_length(column->parts);
    gboolean star = column->node->kind == HG_SQL_NODE_STAR;
    for (guint size = 3; size >= 2; size--) {
        gboolean same = count > size || (count == size && star);
        for (guint i = 0; same && i < size; i++)
            same = strcmp(column->parts[i], table->folded[3 - size + i]) == 0;
        if (same && (star || hg_table_column(table, column->parts[size]) >= 0))
            return size;
    }
    return 0;
}

/* TRUE when the use's relation belongs to this node's FROM: ORDER BY stands beside its SELECT. */
static gboolean is_in_scope(const HgUse *use, const HgSqlNode *scope)
{
    if (use->owner == scope)
        return TRUE;
    return scope->kind == HG_SQL_NODE_QUERY && use->owner->kind == HG_SQL_NODE_SELECT &&
           use->owner->parent == scope;
}

/* Two tables that are called the same can't be told apart by that name. */
static gboolean is_alone(const HgAnalysis *analysis, const HgUse *use)
{
    for (guint i = 0; i < analysis->uses->len; i++) {
        const HgUse *other = &g_array_index(analysis->uses, HgUse, i);
        if (other != use && other->owner == use->owner && strcmp(other->exposed, use->exposed) == 0)
            return FALSE;
    }
    return TRUE;
}

/* Takes the parts in front of the table's name away. FALSE when that would be ambiguous. */
static gboolean shorten(const Column *column, const HgUse *use, guint size)
{
    HgAnalysis *analysis = column->analysis;
    guint32 first = column->node->first;
    if (!is_alone(analysis, use))
        return hg_analysis_refuse(
            analysis, first, "two tables here are called %s; give each an alias", use->exposed);
    GString *out = g_string_new(NULL);
    hg_sql_print_name(out, use->exposed);
    hg_analysis_take_edit(analysis, first, first + 2 * size - 1, g_string_free(out, FALSE));
    return TRUE;
}

/* TRUE when a table of a scope inside has a column that is called like the use's table: there the
 * short name would mean that column. */
static gboolean is_shadowed(const Column *column, const HgUse *use, const HgSqlNode *scope)
{
    const HgAnalysis *analysis = column->analysis;
    for (const HgSqlNode *inner = column->node; inner != scope; inner = inner->parent) {
        for (guint i = 0; i < analysis->uses->len; i++) {
            const HgUse *other = &g_array_index(analysis->uses, HgUse, i);
            if (other->owner == inner && other != use && other->table != NULL &&
                hg_table_column(other->table, use->exposed) >= 0)
                return TRUE;
        }
    }
    return FALSE;
}

static gboolean fix(const Column *column)
{
    HgAnalysis *analysis = column->analysis;
    for (const HgSqlNode *scope = column->node; scope != NULL; scope = scope->parent) {
        if (scope->kind != HG_SQL_NODE_SELECT && scope->kind != HG_SQL_NODE_QUERY)
            continue;
        analysis->work += analysis->uses->len + 1;
        if (analysis->work > HG_POLICY_MAX_WORK)
            return hg_analysis_refuse(analysis, column->node->first,
                                      "too many columns name their tables in full");
        for (guint i = 0; i < analysis->uses->len; i++) {
            const HgUse *use = &g_array_index(analysis->uses, HgUse, i);
            if (use->table == NULL || use->alias != NULL || !is_in_scope(use, scope))
                continue;
            guint size = names_table(column, use->table);
            if (size == 0)
                continue;
            if (use->derived && is_shadowed(column, use, scope))
                return hg_analysis_refuse(analysis, column->node->first,
                                          "%s is also a column here; give the table an alias",
                                          use->exposed);
            return !use->derived || shorten(column, use, size);
        }
    }
    return TRUE;
}

static char **parts_of(const HgAnalysis *analysis, const HgSqlNode *node)
{
    g_autoptr(GStrvBuilder) parts = g_strv_builder_new();
    guint32 at = node->first;
    for (char *part; (part = hg_sql_tree_part(analysis->tree, node, &at)) != NULL; g_free(part)) {
        g_autofree char *folded = hg_policy_fold(part);
        if (node->kind == HG_SQL_NODE_STAR && strcmp(part, "*") == 0) {
            g_free(part);
            break;
        }
        g_strv_builder_add(parts, folded);
    }
    return g_strv_builder_end(parts);
}

static HgSqlWalk enter(const HgSqlNode *node, gpointer data)
{
    HgAnalysis *analysis = data;
    if ((node->kind != HG_SQL_NODE_COLUMN && node->kind != HG_SQL_NODE_STAR) ||
        node->end < node->first + 5)
        return HG_SQL_WALK_CONTINUE;
    g_auto(GStrv) parts = parts_of(analysis, node);
    Column column = {.analysis = analysis, .node = node, .parts = parts};
    return fix(&column) ? HG_SQL_WALK_CONTINUE : HG_SQL_WALK_ABORT;
}

gboolean hg_analysis_qualify(HgAnalysis *analysis)
{
    if ((analysis->seen & HG_SEEN_PATH) == 0)
        return TRUE;
    return hg_sql_walk(analysis->root, enter, NULL, analysis);
}
