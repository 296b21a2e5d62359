/* Trying each policy on each of its tables: see check.h. */
#include "policy/check.h"

#include "policy/access_columns.h"

#include <string.h>

typedef struct {
    const HgPolicySet *set;
    const HgSchemas *schemas;
    HgPolicyProblemFunc problem;
    gpointer data;
    guint count;
} Check;

static void say(Check *check, const HgPolicy *policy, const HgTable *table, const char *what)
{
    g_autofree char *message =
        table != NULL ? g_strdup_printf("%s: %s", table->key, what) : g_strdup(what);
    check->problem(policy, message, check->data);
    check->count++;
}

/* An identity for which an expression can be rendered as far as its columns go: what attributes it
 * needs doesn't matter. */
static const HgIdentity nobody = {.user = "nobody"};

static void check_filter(Check *check, const HgPolicy *policy, const HgTable *table)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    HgRendering rendering = {.schemas = check->schemas, .table = table, .identity = &nobody};
    if (policy->filter != NULL &&
        hg_expression_render(policy->filter, &rendering, out, &error) == HG_RENDER_BROKEN)
        say(check, policy, table, error->message);
}

static void check_columns(Check *check, const HgPolicy *policy, const HgTable *table)
{
    const HgPolicy *guilty;
    guint count = table->columns->len;
    HgRendering rendering = {.schemas = check->schemas, .table = table, .identity = &nobody};
    g_autofree HgColumnAccess *columns = g_new0(HgColumnAccess, count + 1);
    g_autoptr(GPtrArray) alone = g_ptr_array_new();
    g_ptr_array_add(alone, (gpointer)policy);
    g_autofree char *why = hg_access_columns(alone, &rendering, "key", columns, &guilty);
    if (why != NULL)
        say(check, policy, table, why);
    for (guint i = 0; i < count; i++)
        g_free(columns[i].sql);
}

/* A named mask that keeps nothing of a column's type makes it NULL, which nobody wants by chance.
 */
static void check_masks(Check *check, const HgPolicy *policy, const HgTable *table)
{
    for (guint i = 0; i < policy->masks->len; i++) {
        const HgMaskRule *mask = g_ptr_array_index(policy->masks, i);
        int index = mask->path[1] == NULL ? hg_table_column(table, mask->path[0]) : -1;
        if (index < 0)
            continue;
        const HgColumn *column = &g_array_index(table->columns, HgColumn, (guint)index);
        if (hg_mask_fits(mask->kind, column->type))
            continue;
        g_autofree char *what = g_strdup_printf(
            "the mask of %s doesn't fit its type and makes it NULL; say MASK_NULL or {sql: ...}",
            column->name);
        say(check, policy, table, what);
    }
}

static void check_policy(Check *check, const HgPolicy *policy)
{
    gboolean elsewhere, any = FALSE, wild = FALSE;
    for (guint i = 0; i < hg_schemas_count(check->schemas); i++) {
        const HgTable *table = hg_schemas_nth(check->schemas, i);
        if (!hg_policy_covers(policy, table, &elsewhere))
            continue;
        any = TRUE;
        check_filter(check, policy, table);
        check_columns(check, policy, table);
        check_masks(check, policy, table);
    }
    for (guint i = 0; policy->tables != NULL && policy->tables[i] != NULL; i++)
        wild |= strchr(policy->tables[i] + (policy->any_catalog[i] ? 2 : 0), '*') != NULL;
    if (policy->tables != NULL && !any && !wild)
        say(check, policy, NULL, "none of its tables is known");
}

guint hg_policy_set_check(const HgPolicySet *set, const HgSchemas *schemas,
                          HgPolicyProblemFunc problem, gpointer data)
{
    Check check = {.set = set, .schemas = schemas, .problem = problem, .data = data};
    for (guint i = 0; i < hg_policy_set_count(set); i++)
        check_policy(&check, hg_policy_set_nth(set, i));
    return check.count;
}
