/* The known tables in a hash: see schema.h. Owns them. */
#include "policy/schema.h"

#include "base/error.h"
#include "policy/name.h"

#include <string.h>

struct HgSchemas {
    GPtrArray *tables;     /* of HgTable, owned */
    GHashTable *by_key;    /* key -> HgTable */
    GHashTable *databases; /* "catalog.database" and "catalog", folded */
};

void hg_table_free(HgTable *table)
{
    if (table == NULL)
        return;
    for (guint i = 0; i < table->columns->len; i++) {
        HgColumn *column = &g_array_index(table->columns, HgColumn, i);
        g_free(column->name);
        g_free(column->folded);
        hg_type_free(column->type);
    }
    g_array_free(table->columns, TRUE);
    g_hash_table_unref(table->by_name);
    g_strfreev(table->folded);
    g_free(table->key);
    g_free(table->catalog);
    g_free(table->database);
    g_free(table->name);
    g_free(table);
}

HgSchemas *hg_schemas_new(void)
{
    HgSchemas *schemas = g_new0(HgSchemas, 1);
    schemas->tables = g_ptr_array_new_with_free_func((GDestroyNotify)hg_table_free);
    schemas->by_key = g_hash_table_new(g_str_hash, g_str_equal);
    schemas->databases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_add(schemas->databases, g_strdup(HG_POLICY_SESSION_CATALOG));
    return schemas;
}

HgTable *hg_table_new(const char *catalog, const char *database, const char *name)
{
    HgTable *table = g_new0(HgTable, 1);
    table->catalog = g_strdup(catalog);
    table->database = g_strdup(database);
    table->name = g_strdup(name);
    table->folded = g_new0(char *, 4);
    table->folded[0] = hg_policy_fold(table->catalog);
    table->folded[1] = hg_policy_fold(table->database);
    table->folded[2] = hg_policy_fold(table->name);
    table->key = g_strjoinv(".", table->folded);
    table->columns = g_array_new(FALSE, FALSE, sizeof(HgColumn));
    table->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    return table;
}

HgTable *hg_schemas_add(HgSchemas *schemas, const char *name, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(name, ".", -1);
    guint count = g_strv_length(parts);
    gboolean good = count == 2 || count == 3;
    for (guint i = 0; i < count; i++)
        good = good && *parts[i] != '\0';
    if (!good) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s is no name of a table; expected catalog.database.table", name);
        return NULL;
    }
    HgTable *table = hg_table_new(count == 3 ? parts[0] : HG_POLICY_SESSION_CATALOG,
                                  parts[count - 2], parts[count - 1]);
    if (g_hash_table_contains(schemas->by_key, table->key)) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s is there twice: names that differ only in case are one table", name);
        hg_table_free(table);
        return NULL;
    }
    g_hash_table_insert(schemas->by_key, table->key, table);
    g_ptr_array_add(schemas->tables, table);
    g_hash_table_add(schemas->databases, g_strdup(table->folded[0]));
    g_hash_table_add(schemas->databases,
                     g_strdup_printf("%s.%s", table->folded[0], table->folded[1]));
    return table;
}

gboolean hg_schemas_add_column(HgTable *table, const char *name, const char *type, GError **error)
{
    HgColumn column = {.name = g_strdup(name), .folded = hg_policy_fold(name)};
    if (hg_table_column(table, column.folded) >= 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s has two columns %s: names that differ only in case are one column",
                    table->key, name);
        g_free(column.name);
        g_free(column.folded);
        return FALSE;
    }
    column.type = hg_type_parse(type);
    g_array_append_val(table->columns, column);
    g_hash_table_insert(table->by_name, column.folded, GUINT_TO_POINTER(table->columns->len));
    return TRUE;
}

const HgTable *hg_schemas_find(const HgSchemas *schemas, const char *key)
{
    return g_hash_table_lookup(schemas->by_key, key);
}

gboolean hg_schemas_has_catalog(const HgSchemas *schemas, const char *catalog)
{
    return strchr(catalog, '.') == NULL && g_hash_table_contains(schemas->databases, catalog);
}

gboolean hg_schemas_has_database(const HgSchemas *schemas, const char *catalog,
                                 const char *database)
{
    g_autofree char *key = g_strdup_printf("%s.%s", catalog, database);
    return strchr(catalog, '.') == NULL && g_hash_table_contains(schemas->databases, key);
}

guint hg_schemas_count(const HgSchemas *schemas)
{
    return schemas->tables->len;
}

const HgTable *hg_schemas_nth(const HgSchemas *schemas, guint index)
{
    return g_ptr_array_index(schemas->tables, index);
}

int hg_table_column(const HgTable *table, const char *folded)
{
    return (int)GPOINTER_TO_UINT(g_hash_table_lookup(table->by_name, folded)) - 1;
}

void hg_schemas_free(HgSchemas *schemas)
{
    if (schemas == NULL)
        return;
    g_hash_table_unref(schemas->by_key);
    g_hash_table_unref(schemas->databases);
    g_ptr_array_unref(schemas->tables);
    g_free(schemas);
}
