/* Fuzz target: the SQL parser, scopes, printer and classifier.
 *
 * Input: a text. What is read has sound spans in its tree; printed, it reads again, touches the
 * same things and prints the same. */
#include "fuzz.h"
#include "sql/classify.h"
#include "sql/parser.h"
#include "sql/print.h"
#include "sql/scope.h"
#include "sql/walk.h"

static HgSqlWalk check_node(const HgSqlNode *node, gpointer data)
{
    FUZZ_CHECK(node->first <= node->end && node->kind < HG_SQL_NODE_COUNT);
    const HgSqlNode *parent = node->parent;
    FUZZ_CHECK(parent == NULL || (parent->first <= node->first && node->end <= parent->end));
    FUZZ_CHECK(node->next == NULL || node->end <= node->next->first);
    return HG_SQL_WALK_CONTINUE;
}

/* All references with their roles, as one text. */
static char *describe(const HgSqlTree *tree)
{
    HgSqlScope *scope = hg_sql_scope_new(tree, FALSE);
    GString *out = g_string_new(NULL);
    for (gsize i = 0; i < hg_sql_scope_count(scope); i++) {
        const HgSqlReference *reference = hg_sql_scope_at(scope, i);
        char **parts = hg_sql_reference_parts(tree, reference, NULL);
        char *name = parts != NULL ? g_strjoinv("\n", parts) : NULL;
        g_string_append_printf(out, "%d %d %s;", reference->role, reference->cte != NULL,
                               name != NULL ? name : "?");
        g_free(name);
        g_strfreev(parts);
    }
    hg_sql_scope_free(scope);
    return g_string_free(out, FALSE);
}

static void read_one(HgSlice text, HgSqlEngine engine)
{
    HgSqlOptions options = {.engine = engine};
    GError *error = NULL;
    hg_sql_classify(text, engine, NULL);
    HgSqlTree *tree = hg_sql_parse(text, &options, &error);
    FUZZ_CHECK((tree == NULL) == (error != NULL));
    g_clear_error(&error);
    if (tree == NULL)
        return;
    FUZZ_CHECK(hg_sql_walk(hg_sql_tree_root(tree), check_node, NULL, NULL));
    char *printed = hg_sql_print(tree), *found = describe(tree);
    HgSqlTree *again = hg_sql_parse(hg_slice_from_string(printed), &options, NULL);
    FUZZ_CHECK(again != NULL);
    char *twice = hg_sql_print(again), *same = describe(again);
    FUZZ_CHECK(g_str_equal(printed, twice) && g_str_equal(found, same));
    hg_sql_tree_free(again);
    hg_sql_tree_free(tree);
    g_free(printed);
    g_free(twice);
    g_free(found);
    g_free(same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice text = fuzz_copy(hg_slice(data, size));
    read_one(text, HG_SQL_SPARK_35);
    read_one(text, HG_SQL_SPARK_40);
    fuzz_free(text);
    return 0;
}
