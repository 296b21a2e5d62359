/* Tables of a statement: see touched.h. */
#include "proxy/touched.h"

#include "sql/parser.h"
#include "sql/scope.h"
#include "sql/statement.h"

/* "a.b.c" in lower case; a single part goes into the database. */
static char *join(char *const *parts, const char *database)
{
    g_autofree char *name = g_strjoinv(".", (char **)parts);
    g_autofree char *full = database != NULL && parts[0] != NULL && parts[1] == NULL
                                ? g_strconcat(database, ".", name, NULL)
                                : g_steal_pointer(&name);
    return g_utf8_strdown(full, -1);
}

/* What is being filled, with the names that are in it already. */
typedef struct {
    HgTouched *out;
    GHashTable *read;
    GHashTable *written;
} Filling;

static void add(GPtrArray *names, GHashTable *known, char *const *parts, const char *database)
{
    char *name = join(parts, database);
    if (g_hash_table_contains(known, name)) {
        g_free(name);
        return;
    }
    g_ptr_array_add(names, name);
    g_hash_table_add(known, name);
}

static void add_read(Filling *filling, char *const *parts, const char *database)
{
    add(filling->out->read, filling->read, parts, database);
}

static void add_written(Filling *filling, char *const *parts, const char *database)
{
    add(filling->out->written, filling->written, parts, database);
}

static void add_reference(Filling *filling, const HgSqlReference *reference, char *const *parts,
                          const char *database, HgSqlStatementKind kind)
{
    gboolean writes = hg_sql_statement_effect(kind) == HG_SQL_EFFECT_WRITE;
    switch (reference->role) {
    case HG_SQL_ROLE_READ:
        if (reference->cte == NULL)
            add_read(filling, parts, database);
        break;
    case HG_SQL_ROLE_CHANGE:
        add_read(filling, parts, database);
        add_written(filling, parts, database);
        break;
    case HG_SQL_ROLE_WRITE:
        add_written(filling, parts, database);
        break;
    case HG_SQL_ROLE_OBJECT:
        (writes ? add_written : add_read)(filling, parts, database);
        break;
    case HG_SQL_ROLE_NAMESPACE:
        if (kind == HG_SQL_STATEMENT_USE && filling->out->use == NULL)
            filling->out->use = g_strjoinv(".", (char **)parts);
        break;
    default:
        break;
    }
}

static gboolean fill(Filling *filling, const HgSqlTree *tree, const char *database)
{
    HgSqlStatementKind kind = (HgSqlStatementKind)hg_sql_tree_root(tree)->detail;
    g_autoptr(HgSqlScope) scope = hg_sql_scope_new(tree, FALSE);
    if (hg_sql_scope_opaque(scope) != NULL)
        return FALSE;
    for (gsize i = 0; i < hg_sql_scope_count(scope); i++) {
        const HgSqlReference *reference = hg_sql_scope_at(scope, i);
        g_auto(GStrv) parts = hg_sql_reference_parts(tree, reference, NULL);
        if (parts == NULL)
            return FALSE;
        add_reference(filling, reference, parts, database, kind);
    }
    return TRUE;
}

gboolean hg_touched_read(HgSlice statement, const char *database, HgTouched *out)
{
    *out = (HgTouched){0};
    if (statement.size > HG_TOUCHED_MOST)
        return FALSE;
    HgSqlOptions options = {.engine = HG_SQL_SPARK_40};
    g_autoptr(HgSqlTree) tree = hg_sql_parse(statement, &options, NULL);
    if (tree == NULL) {
        options.engine = HG_SQL_SPARK_35;
        tree = hg_sql_parse(statement, &options, NULL);
    }
    if (tree == NULL)
        return FALSE;
    out->read = g_ptr_array_new_with_free_func(g_free);
    out->written = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) read = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) written = g_hash_table_new(g_str_hash, g_str_equal);
    Filling filling = {out, read, written};
    if (!fill(&filling, tree, database)) {
        hg_touched_clear(out);
        return FALSE;
    }
    g_ptr_array_add(out->read, NULL);
    g_ptr_array_add(out->written, NULL);
    return TRUE;
}

void hg_touched_clear(HgTouched *touched)
{
    g_clear_pointer(&touched->read, g_ptr_array_unref);
    g_clear_pointer(&touched->written, g_ptr_array_unref);
    g_clear_pointer(&touched->use, g_free);
}
