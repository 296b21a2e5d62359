/* What a statement touches, as JSON: see sql_inspect.h. Owns nothing; one thread. */
#include "ctl/sql_inspect.h"

#include "ctl/sql_conf.h"
#include "sql/parser.h"
#include "sql/scope.h"
#include "sql/statement.h"

#include <string.h>

/* The lists of an answer; each name once, in the order of the text. */
typedef struct {
    json_t *reads;
    json_t *writes;
    json_t *objects;
    json_t *functions;
    GHashTable *seen; /* list and name */
} Lists;

static void add(Lists *lists, json_t *list, char *const *parts)
{
    g_autofree char *joined = g_strjoinv("\x1f", (char **)parts);
    if (!g_hash_table_add(lists->seen, g_strdup_printf("%p %s", (void *)list, joined)))
        return;
    json_t *name = json_array();
    for (gsize i = 0; parts[i] != NULL; i++)
        json_array_append_new(name, json_string(parts[i]));
    json_array_append_new(list, name);
}

/* Functions are listed as one text each. */
static void add_function(Lists *lists, char *const *parts)
{
    g_autofree char *name = g_strjoinv(".", (char **)parts);
    if (g_hash_table_add(lists->seen, g_strdup_printf("function %s", name)))
        json_array_append_new(lists->functions, json_string(name));
}

/* The target of INSERT, and not of LOAD or TRUNCATE: Spark resolves it like a table that is read
 * (an UnresolvedRelation), so it counts as a base relation of the statement. */
static gboolean is_inserted(const HgSqlReference *reference)
{
    return reference->name->parent->kind != HG_SQL_NODE_STATEMENT;
}

static void add_reference(Lists *lists, const HgSqlReference *reference, char *const *parts)
{
    switch (reference->role) {
    case HG_SQL_ROLE_READ:
        if (reference->cte == NULL)
            add(lists, lists->reads, parts);
        break;
    case HG_SQL_ROLE_CHANGE:
        add(lists, lists->reads, parts);
        add(lists, lists->writes, parts);
        break;
    case HG_SQL_ROLE_WRITE:
        if (is_inserted(reference))
            add(lists, lists->reads, parts);
        add(lists, lists->writes, parts);
        break;
    case HG_SQL_ROLE_OBJECT:
    case HG_SQL_ROLE_NAMESPACE:
        add(lists, lists->objects, parts);
        break;
    case HG_SQL_ROLE_FUNCTION:
        add_function(lists, parts);
        break;
    case HG_SQL_ROLE_NONE:
    case HG_SQL_ROLE_VARIABLE:
    case HG_SQL_ROLE_CTE:
        break;
    }
}

static gboolean fill(Lists *lists, const HgSqlTree *tree, const HgSqlScope *scope, GError **error)
{
    for (gsize i = 0; i < hg_sql_scope_count(scope); i++) {
        const HgSqlReference *reference = hg_sql_scope_at(scope, i);
        g_auto(GStrv) parts = hg_sql_reference_parts(tree, reference, error);
        if (parts == NULL)
            return FALSE;
        add_reference(lists, reference, parts);
    }
    return TRUE;
}

static json_t *refusal(const HgSqlRequest *request, const char *statement, const char *reason)
{
    return json_pack("{s:O?, s:b, s:s, s:[], s:[], s:[], s:[], s:s}", "id", request->id, "ok", 0,
                     "statement", statement, "reads", "writes", "objects", "functions", "reason",
                     reason);
}

static json_t *describe(const HgSqlRequest *request, const HgSqlTree *tree)
{
    const char *statement =
        hg_sql_statement_name((HgSqlStatementKind)hg_sql_tree_root(tree)->detail);
    g_autoptr(HgSqlScope) scope =
        hg_sql_scope_new(tree, hg_sql_conf_flag(request, "spark.sql.caseSensitive", FALSE));
    if (hg_sql_scope_opaque(scope) != NULL)
        return refusal(request, statement, hg_sql_scope_opaque(scope));
    Lists lists = {.reads = json_array(),
                   .writes = json_array(),
                   .objects = json_array(),
                   .functions = json_array(),
                   .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    g_autoptr(GError) error = NULL;
    gboolean known = fill(&lists, tree, scope, &error);
    g_hash_table_unref(lists.seen);
    json_t *answer =
        json_pack("{s:O?, s:b, s:s, s:o, s:o, s:o, s:o, s:n}", "id", request->id, "ok", 1,
                  "statement", statement, "reads", lists.reads, "writes", lists.writes, "objects",
                  lists.objects, "functions", lists.functions, "reason");
    if (known)
        return answer;
    json_decref(answer);
    return refusal(request, statement, error->message);
}

json_t *hg_sql_inspect_answer(const HgSqlRequest *request, HgSqlEngine engine, const char *wrong)
{
    g_autoptr(GError) error = NULL;
    if (wrong == NULL)
        wrong = hg_sql_conf_unsupported(request);
    if (wrong != NULL)
        return refusal(request, "unknown", wrong);
    HgSqlOptions options = hg_sql_conf_options(request, engine);
    g_autoptr(HgSqlTree) tree = hg_sql_parse(request->text, &options, &error);
    if (tree == NULL)
        return refusal(request, "unknown", error->message);
    return describe(request, tree);
}
