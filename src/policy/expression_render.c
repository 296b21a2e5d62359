/* Writing the expression of a policy for one table and one identity: see expression.h. Columns are
 * looked up as SQL does, from the inside out: in a subquery's tables first, then in the table that
 * the policy is on. What is found nowhere is an error, never left for Spark to find further out. */
#include "base/error.h"
#include "policy/expression_private.h"
#include "policy/name.h"
#include "sql/print.h"
#include "sql/walk.h"

#include <string.h>

/* A table that a subquery reads. */
typedef struct {
    const HgSqlNode *scope; /* its SELECT */
    const HgTable *table;
    char *exposed; /* folded: its alias, or its name */
    char *alias;   /* what it is called in what is rendered */
} Relation;

typedef struct {
    const HgExpression *expression;
    const HgRendering *rendering;
    GArray *relations; /* Relation */
    GArray *edits;     /* HgSqlEdit; their texts are owned by `texts` */
    GPtrArray *texts;
    guint next_placeholder;
    gboolean denied;
    GError **error;
} Renderer;

static void relation_clear(gpointer data)
{
    Relation *relation = data;
    g_free(relation->exposed);
    g_free(relation->alias);
}

static void take_edit(Renderer *renderer, guint32 first, guint32 end, char *with)
{
    HgSqlEdit edit = {first, end, with};
    g_ptr_array_add(renderer->texts, with);
    g_array_append_val(renderer->edits, edit);
}

static gboolean broken(Renderer *renderer, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean broken(Renderer *renderer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(renderer->error, HG_ERROR, HG_ERROR_INVALID, message);
    return FALSE;
}

static const HgSqlTree *tree_of(const Renderer *renderer)
{
    return renderer->expression->tree;
}

/* ---- tables of subqueries ---- */

static const HgSqlNode *scope_of(const HgSqlNode *node)
{
    while (node->kind != HG_SQL_NODE_SELECT)
        node = node->parent;
    return node;
}

/* The last part of a NAME or ALIAS, folded. */
static char *last_part(const HgSqlTree *tree, const HgSqlNode *node)
{
    guint32 at = node->end - 1;
    g_autofree char *part = hg_sql_tree_part(tree, node, &at);
    return hg_policy_fold(part);
}

/* The table of a name with two or three parts. */
static const HgTable *find_table(const Renderer *renderer, const HgSqlNode *name)
{
    GString *key = g_string_new(NULL);
    guint32 at = name->first;
    if (name->end == name->first + 3)
        g_string_append(key, HG_POLICY_SESSION_CATALOG);
    for (char *part; (part = hg_sql_tree_part(tree_of(renderer), name, &at)) != NULL;) {
        g_autofree char *folded = hg_policy_fold(part);
        g_string_append_printf(key, "%s%s", key->len > 0 ? "." : "", folded);
        g_free(part);
    }
    const HgTable *table = hg_schemas_find(renderer->rendering->schemas, key->str);
    g_string_free(key, TRUE);
    return table;
}

static void print_table(GString *out, const HgTable *table)
{
    hg_sql_print_name(out, table->catalog);
    g_string_append_c(out, '.');
    hg_sql_print_name(out, table->database);
    g_string_append_c(out, '.');
    hg_sql_print_name(out, table->name);
}

static gboolean add_relation(Renderer *renderer, const HgSqlNode *node)
{
    const HgSqlNode *name = node->child, *alias = name->next;
    const HgTable *table = find_table(renderer, name);
    if (table == NULL) {
        g_autofree char *text = hg_slice_dup_string(hg_sql_tree_span(tree_of(renderer), name));
        return broken(renderer, "the table %s that it reads isn't known", text);
    }
    Relation relation = {.scope = scope_of(node), .table = table};
    relation.exposed = last_part(tree_of(renderer), alias != NULL ? alias : name);
    relation.alias = g_strdup_printf("r%u_%c", renderer->relations->len, HG_NONCE_MARK);
    g_array_append_val(renderer->relations, relation);
    GString *with = g_string_new(NULL);
    print_table(with, table);
    if (alias == NULL)
        g_string_append_printf(with, " AS %s", relation.alias);
    take_edit(renderer, name->first, name->end, g_string_free(with, FALSE));
    if (alias != NULL)
        take_edit(renderer, alias->first, alias->end, g_strdup(relation.alias));
    return TRUE;
}

/* All of them come before any column is looked up: a SELECT list stands in front of its FROM. */
static HgSqlWalk enter_relation(const HgSqlNode *node, gpointer data)
{
    if (node->kind != HG_SQL_NODE_RELATION)
        return HG_SQL_WALK_CONTINUE;
    return add_relation(data, node) ? HG_SQL_WALK_CONTINUE : HG_SQL_WALK_ABORT;
}

/* ---- columns ---- */

/* A column that was found: how many tokens name it, and what is written for them. */
typedef struct {
    guint32 tokens;
    const char *alias;
    const HgColumn *column;
} Found;

static const HgColumn *column_of(const HgTable *table, const char *folded)
{
    int index = folded != NULL ? hg_table_column(table, folded) : -1;
    return index >= 0 ? &g_array_index(table->columns, HgColumn, (guint)index) : NULL;
}

/* In one table: as alias.column, or as the column alone. */
static gboolean find_in(const HgTable *table, const char *exposed, const char *alias,
                        char *const *parts, Found *found)
{
    const HgColumn *column = NULL;
    if (parts[1] != NULL && strcmp(parts[0], exposed) == 0 &&
        (column = column_of(table, parts[1])) != NULL) {
        *found = (Found){3, alias, column};
        return TRUE;
    }
    column = column_of(table, parts[0]);
    if (column != NULL)
        *found = (Found){1, alias, column};
    return column != NULL;
}

/* How many of the scope's relations have it; the one found last in *found. */
static guint find_in_scope(const Renderer *renderer, const HgSqlNode *scope, char *const *parts,
                           Found *found)
{
    guint hits = 0;
    for (guint i = 0; i < renderer->relations->len; i++) {
        const Relation *relation = &g_array_index(renderer->relations, Relation, i);
        if (relation->scope == scope &&
            find_in(relation->table, relation->exposed, relation->alias, parts, found))
            hits++;
    }
    return hits;
}

static gboolean find_column(Renderer *renderer, const HgSqlNode *node, char *const *parts,
                            Found *found)
{
    static const char own[] = {'p', '_', HG_NONCE_MARK, '\0'};
    const HgSqlNode *outermost = hg_expression_outermost(renderer->expression);
    const HgTable *table = renderer->rendering->table;
    for (const HgSqlNode *at = node; at != outermost; at = at->parent) {
        if (at->kind != HG_SQL_NODE_SELECT)
            continue;
        guint hits = find_in_scope(renderer, at, parts, found);
        if (hits > 1)
            return broken(renderer, "the column %s is in several tables of its subquery", parts[0]);
        if (hits == 1)
            return TRUE;
    }
    if (find_in(table, table->folded[2], own, parts, found))
        return TRUE;
    return broken(renderer, "there is no column %s", parts[0]);
}

static char **parts_of(const HgSqlTree *tree, const HgSqlNode *node)
{
    g_autoptr(GStrvBuilder) parts = g_strv_builder_new();
    guint32 at = node->first;
    for (char *part; (part = hg_sql_tree_part(tree, node, &at)) != NULL; g_free(part)) {
        g_autofree char *folded = hg_policy_fold(part);
        g_strv_builder_add(parts, folded);
    }
    return g_strv_builder_end(parts);
}

static gboolean add_column(Renderer *renderer, const HgSqlNode *node)
{
    Found found = {0};
    g_auto(GStrv) parts = parts_of(tree_of(renderer), node);
    if (hg_expression_is_unit(renderer->expression, node) ||
        (hg_expression_is_clock(renderer->expression, node) &&
         column_of(renderer->rendering->table, parts[0]) == NULL))
        return TRUE;
    if (!find_column(renderer, node, parts, &found))
        return FALSE;
    GString *with = g_string_new(found.alias);
    g_string_append_c(with, '.');
    hg_sql_print_name(with, found.column->name);
    take_edit(renderer, node->first, node->first + found.tokens, g_string_free(with, FALSE));
    return TRUE;
}

static HgSqlWalk enter_column(const HgSqlNode *node, gpointer data)
{
    if (node->kind != HG_SQL_NODE_COLUMN)
        return HG_SQL_WALK_CONTINUE;
    return add_column(data, node) ? HG_SQL_WALK_CONTINUE : HG_SQL_WALK_ABORT;
}

/* ---- placeholders ---- */

/* TRUE when several values may stand in the place of this token. */
static gboolean is_in_list(const Renderer *renderer, guint32 token)
{
    const HgSqlToken *tokens = hg_sql_tree_tokens(tree_of(renderer), NULL);
    guint before = tokens[token - 1].kind, behind = tokens[token + 1].kind;
    return (before == HG_SQL_TOKEN_LEFT_PAREN || before == HG_SQL_TOKEN_COMMA) &&
           (behind == HG_SQL_TOKEN_RIGHT_PAREN || behind == HG_SQL_TOKEN_COMMA);
}

static void append_value(GString *out, const char *value)
{
    if (out->len > 0)
        g_string_append(out, ", ");
    hg_policy_append_literal(out, value);
}

/* All values of an attribute. FALSE when there is none, or there are more than have a place. */
static gboolean append_attribute(const Renderer *renderer, const HgPlaceholder *placeholder,
                                 GString *out)
{
    const HgIdentity *identity = renderer->rendering->identity;
    const char *value;
    guint count = 0;
    while ((value = hg_identity_value(identity, placeholder->name, count)) != NULL) {
        append_value(out, value);
        count++;
    }
    return count == 1 || (count > 1 && is_in_list(renderer, placeholder->token));
}

static gboolean append_groups(Renderer *renderer, const HgPlaceholder *placeholder, GString *out)
{
    const HgIdentity *identity = renderer->rendering->identity;
    const char *const *group = identity->groups;
    if (identity->groups_unknown)
        return FALSE;
    for (; group != NULL && *group != NULL; group++)
        append_value(out, *group);
    if (out->len == 0)
        g_string_append(out, "NULL");
    return is_in_list(renderer, placeholder->token);
}

static gboolean add_placeholder(Renderer *renderer, const HgPlaceholder *placeholder)
{
    GString *with = g_string_new(NULL);
    switch (placeholder->kind) {
    case HG_PLACEHOLDER_USER:
        append_value(with, renderer->rendering->identity->user);
        break;
    case HG_PLACEHOLDER_GROUPS:
        renderer->denied |= !append_groups(renderer, placeholder, with);
        break;
    case HG_PLACEHOLDER_ATTRIBUTE:
        renderer->denied |= !append_attribute(renderer, placeholder, with);
        break;
    case HG_PLACEHOLDER_COLUMN:
        if (renderer->rendering->column == NULL) {
            g_string_free(with, TRUE);
            return broken(renderer, "{col} belongs into masks only");
        }
        g_string_append(with, renderer->rendering->column);
        break;
    }
    take_edit(renderer, placeholder->token, placeholder->token + 1, g_string_free(with, FALSE));
    return TRUE;
}

static gboolean add_placeholders(Renderer *renderer)
{
    const GArray *all = renderer->expression->placeholders;
    for (guint i = 0; i < all->len; i++)
        if (!add_placeholder(renderer, &g_array_index(all, HgPlaceholder, i)))
            return FALSE;
    return TRUE;
}

/* ---- all of it ---- */

static int compare_edits(gconstpointer a, gconstpointer b)
{
    const HgSqlEdit *one = a, *other = b;
    return one->first < other->first ? -1 : one->first > other->first;
}

static HgRendered render(Renderer *renderer, GString *out)
{
    const HgSqlNode *root = hg_sql_tree_root(tree_of(renderer));
    if (!hg_sql_walk(root, enter_relation, NULL, renderer) ||
        !hg_sql_walk(root, enter_column, NULL, renderer) || !add_placeholders(renderer))
        return HG_RENDER_BROKEN;
    if (renderer->denied)
        return HG_RENDER_DENIED;
    g_array_sort(renderer->edits, compare_edits);
    hg_sql_print_edited(out, tree_of(renderer), 1, root->end,
                        (const HgSqlEdit *)(void *)renderer->edits->data, renderer->edits->len);
    return HG_RENDERED;
}

HgRendered hg_expression_render(const HgExpression *expression, const HgRendering *rendering,
                                GString *out, GError **error)
{
    Renderer renderer = {.expression = expression,
                         .rendering = rendering,
                         .relations = g_array_new(FALSE, FALSE, sizeof(Relation)),
                         .edits = g_array_new(FALSE, FALSE, sizeof(HgSqlEdit)),
                         .texts = g_ptr_array_new_with_free_func(g_free),
                         .error = error};
    g_array_set_clear_func(renderer.relations, relation_clear);
    HgRendered result = render(&renderer, out);
    g_array_unref(renderer.relations);
    g_array_unref(renderer.edits);
    g_ptr_array_unref(renderer.texts);
    return result;
}
