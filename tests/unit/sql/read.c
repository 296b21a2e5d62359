/* Reading statements in tests: see read.h. */
#include "read.h"

#include "sql/scope.h"
#include "suites.h"

#include <string.h>

HgSqlTree *read_tree(const char *text, HgSqlEngine engine)
{
    g_autoptr(GError) error = NULL;
    HgSqlOptions options = {.engine = engine};
    HgSqlTree *tree = hg_sql_parse(hg_slice_from_string(text), &options, &error);
    ck_assert_msg(tree != NULL, "%s: %s", text, error != NULL ? error->message : "");
    return tree;
}

static const char *role_name(const HgSqlReference *reference)
{
    static const char *const names[] = {
        [HG_SQL_ROLE_READ] = "read",           [HG_SQL_ROLE_WRITE] = "write",
        [HG_SQL_ROLE_CHANGE] = "change",       [HG_SQL_ROLE_OBJECT] = "object",
        [HG_SQL_ROLE_NAMESPACE] = "namespace", [HG_SQL_ROLE_FUNCTION] = "function",
        [HG_SQL_ROLE_VARIABLE] = "variable",
    };
    return reference->cte != NULL ? "cte" : names[reference->role];
}

char *references_of(const char *text, HgSqlEngine engine)
{
    g_autoptr(HgSqlTree) tree = read_tree(text, engine);
    g_autoptr(HgSqlScope) scope = hg_sql_scope_new(tree, FALSE);
    GString *out = g_string_new(NULL);
    for (gsize i = 0; i < hg_sql_scope_count(scope); i++) {
        const HgSqlReference *reference = hg_sql_scope_at(scope, i);
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) parts = hg_sql_reference_parts(tree, reference, &error);
        g_autofree char *name = parts != NULL ? g_strjoinv(".", parts) : g_strdup("?");
        g_string_append_printf(out, "%s%s %s", i > 0 ? ", " : "", role_name(reference), name);
    }
    return g_string_free(out, FALSE);
}

char *refusal_of(const char *text, HgSqlEngine engine)
{
    g_autoptr(GError) error = NULL;
    HgSqlOptions options = {.engine = engine};
    g_autoptr(HgSqlTree) tree = hg_sql_parse(hg_slice_from_string(text), &options, &error);
    ck_assert_msg(tree == NULL, "read: %s", text);
    return g_strdup(error->message);
}
