/* Hiding and masking columns: see access_columns.h. */
#include "policy/access_columns.h"

#include "base/error.h"
#include "policy/name.h"
#include "sql/print.h"

#include <string.h>

/* The masks of one table that count: the first for each path. */
typedef struct {
    const HgMaskRule *mask;
    const HgPolicy *policy;
} Chosen;

typedef struct {
    const HgRendering *rendering;
    const char *key;
    GArray *chosen; /* Chosen */
    char *why;
    const HgPolicy *guilty;
} Columns;

static void fail(Columns *columns, const HgPolicy *policy, char *take_why)
{
    if (columns->why == NULL) {
        columns->why = take_why;
        columns->guilty = policy;
    } else {
        g_free(take_why);
    }
}

static const HgColumn *column_at(const HgTable *table, guint index)
{
    return &g_array_index(table->columns, HgColumn, index);
}

/* TRUE when the policy names the table without a wildcard: then its columns must be there. */
static gboolean names_exactly(const HgPolicy *policy, const HgTable *table)
{
    for (guint i = 0; policy->tables != NULL && policy->tables[i] != NULL; i++) {
        const char *pattern = policy->tables[i] + (policy->any_catalog[i] ? 2 : 0);
        if (strchr(pattern, '*') == NULL)
            return TRUE;
    }
    return FALSE;
}

static void require(Columns *columns, const HgPolicy *policy, const char *folded)
{
    const HgTable *table = columns->rendering->table;
    if (hg_table_column(table, folded) < 0 && names_exactly(policy, table))
        fail(columns, policy, g_strdup_printf("%s has no column %s", table->key, folded));
}

/* ---- hidden columns ---- */

static gboolean holds(char *const *list, const char *name)
{
    return g_strv_contains((const char *const *)list, name);
}

static void hide(Columns *columns, const HgPolicy *policy, HgColumnAccess *out)
{
    const HgTable *table = columns->rendering->table;
    for (guint i = 0; policy->columns_deny != NULL && policy->columns_deny[i] != NULL; i++)
        require(columns, policy, policy->columns_deny[i]);
    for (guint i = 0; i < table->columns->len; i++) {
        const char *name = column_at(table, i)->folded;
        if ((policy->columns_deny != NULL && holds(policy->columns_deny, name)) ||
            (policy->columns_allow != NULL && !holds(policy->columns_allow, name)))
            out[i].shown = FALSE;
    }
}

/* ---- masks ---- */

static gboolean same_path(char *const *a, char *const *b)
{
    return g_strv_equal((const char *const *)a, (const char *const *)b);
}

static void choose(Columns *columns, const HgPolicy *policy)
{
    for (guint i = 0; i < policy->masks->len; i++) {
        const HgMaskRule *mask = g_ptr_array_index(policy->masks, i);
        gboolean known = FALSE;
        for (guint k = 0; k < columns->chosen->len; k++)
            known |= same_path(g_array_index(columns->chosen, Chosen, k).mask->path, mask->path);
        require(columns, policy, mask->path[0]);
        if (!known) {
            Chosen chosen = {mask, policy};
            g_array_append_val(columns->chosen, chosen);
        }
    }
}

/* Appends the masked form of a column or field, cast to the type that it has. */
static void append_mask(Columns *columns, const Chosen *chosen, const HgType *type,
                        const char *column, GString *out)
{
    g_autoptr(GError) error = NULL;
    HgRendering rendering = *columns->rendering;
    rendering.column = column;
    g_string_append(out, "CAST(");
    gsize start = out->len;
    HgRendered rendered = HG_RENDERED;
    if (chosen->mask->kind != HG_MASK_SQL)
        hg_mask_append(out, chosen->mask->kind, type, column, columns->key);
    else
        rendered = hg_expression_render(chosen->mask->expression, &rendering, out, &error);
    if (rendered == HG_RENDER_BROKEN)
        fail(columns, chosen->policy, g_strdup(error->message));
    if (rendered != HG_RENDERED) {
        g_string_truncate(out, start);
        g_string_append(out, "NULL");
    }
    g_string_append_printf(out, " AS %s)", type->text);
}

/* TRUE when the mask's path begins with the first `depth` parts of `path`. */
static gboolean is_below(const HgMaskRule *mask, char *const *path, guint depth)
{
    for (guint i = 0; i < depth; i++)
        if (mask->path[i] == NULL || strcmp(mask->path[i], path[i]) != 0)
            return FALSE;
    return TRUE;
}

/* What masks there are for the path: the one for it exactly in *whole, and whether there are some
 * for fields in it. */
static gboolean find_masks(const Columns *columns, char *const *path, guint depth,
                           const Chosen **whole, const Chosen **below)
{
    *whole = NULL;
    *below = NULL;
    for (guint i = 0; i < columns->chosen->len; i++) {
        const Chosen *chosen = &g_array_index(columns->chosen, Chosen, i);
        if (!is_below(chosen->mask, path, depth))
            continue;
        const Chosen **place = chosen->mask->path[depth] == NULL ? whole : below;
        if (*place == NULL)
            *place = chosen;
    }
    return *whole != NULL || *below != NULL;
}

/* TRUE when each mask below the path names a field that the struct has. */
static gboolean has_fields(Columns *columns, const HgType *type, char *const *path, guint depth)
{
    for (guint i = 0; i < columns->chosen->len; i++) {
        const Chosen *chosen = &g_array_index(columns->chosen, Chosen, i);
        if (!is_below(chosen->mask, path, depth) || chosen->mask->path[depth] == NULL ||
            hg_type_field(type, chosen->mask->path[depth]) != NULL)
            continue;
        fail(
            columns, chosen->policy,
            g_strdup_printf("%s has no field %s", chosen->mask->column, chosen->mask->path[depth]));
        return FALSE;
    }
    return TRUE;
}

#define PATH_MAX_PARTS 16

static void append_value(Columns *columns, const HgType *type, char **path, guint depth,
                         const char *value, GString *out);

/* Appends a struct that is put together again with some of its fields masked. */
static void append_struct(Columns *columns, const HgType *type, char **path, guint depth,
                          const char *value, GString *out)
{
    g_string_append_printf(out, "CASE WHEN %s IS NULL THEN NULL ELSE named_struct(", value);
    for (guint i = 0; i < type->fields->len; i++) {
        const HgTypeField *field = g_ptr_array_index(type->fields, i);
        g_autoptr(GString) inner = g_string_new(value);
        g_autofree char *folded = hg_policy_fold(field->name);
        g_string_append_c(inner, '.');
        hg_sql_print_name(inner, field->name);
        if (i > 0)
            g_string_append(out, ", ");
        hg_policy_append_literal(out, field->name);
        g_string_append(out, ", ");
        path[depth] = folded;
        append_value(columns, field->type, path, depth + 1, inner->str, out);
        path[depth] = NULL;
    }
    g_string_append(out, ") END");
}

/* Appends a column or field with the masks for it or for what is in it. Through arrays and maps all
 * of it is gone. */
static void append_value(Columns *columns, const HgType *type, char **path, guint depth,
                         const char *value, GString *out)
{
    const Chosen *whole, *below;
    if (!find_masks(columns, path, depth, &whole, &below))
        g_string_append(out, value);
    else if (whole != NULL)
        append_mask(columns, whole, type, value, out);
    else if (type->kind == HG_TYPE_STRUCT && depth + 1 < PATH_MAX_PARTS &&
             has_fields(columns, type, path, depth))
        append_struct(columns, type, path, depth, value, out);
    else
        g_string_append_printf(out, "CAST(NULL AS %s)", type->text);
}

/* TRUE when the only mask is MASK_NONE for all of it: the column is as it is. */
static gboolean is_unmasked(const Columns *columns, char *const *path)
{
    const Chosen *whole, *below;
    return !find_masks(columns, path, 1, &whole, &below) ||
           (whole != NULL && whole->mask->kind == HG_MASK_NONE);
}

static void fill_column(Columns *columns, guint index, HgColumnAccess *out)
{
    const HgColumn *column = column_at(columns->rendering->table, index);
    char *path[PATH_MAX_PARTS + 1] = {column->folded};
    g_autoptr(GString) value = g_string_new("p_");
    g_string_append_printf(value, "%c.", HG_NONCE_MARK);
    hg_sql_print_name(value, column->name);
    out->masked = !is_unmasked(columns, path);
    if (!out->masked) {
        out->sql = g_strdup(value->str);
        return;
    }
    GString *sql = g_string_new(NULL);
    if (column->type != NULL)
        append_value(columns, column->type, path, 1, value->str, sql);
    else
        fail(columns, g_array_index(columns->chosen, Chosen, 0).policy,
             g_strdup_printf("the type of column %s isn't understood", column->name));
    g_string_append(sql, " AS ");
    hg_sql_print_name(sql, column->name);
    out->sql = g_string_free(sql, FALSE);
}

char *hg_access_columns(const GPtrArray *policies, const HgRendering *rendering, const char *key,
                        HgColumnAccess *out, const HgPolicy **guilty)
{
    guint count = rendering->table->columns->len;
    Columns columns = {
        .rendering = rendering, .key = key, .chosen = g_array_new(FALSE, FALSE, sizeof(Chosen))};
    for (guint i = 0; i < count; i++)
        out[i].shown = TRUE;
    for (guint i = 0; i < policies->len; i++) {
        hide(&columns, g_ptr_array_index(policies, i), out);
        choose(&columns, g_ptr_array_index(policies, i));
    }
    for (guint i = 0; i < count; i++)
        fill_column(&columns, i, &out[i]);
    g_array_unref(columns.chosen);
    *guilty = columns.guilty;
    return columns.why;
}
