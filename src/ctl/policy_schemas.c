/* Reading schemas: see policy_schemas.h. Owns nothing; one thread. */
#include "ctl/policy_schemas.h"

#include "base/error.h"

#include <jansson.h>

static gboolean read_column(HgTable *table, const json_t *column, GError **error)
{
    const char *name = json_string_value(json_array_get(column, 0));
    const char *type = json_string_value(json_array_get(column, 1));
    if (name == NULL || type == NULL || json_array_size(column) != 2) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s: expected columns as [[\"name\", \"type\"], ...]", table->key);
        return FALSE;
    }
    return hg_schemas_add_column(table, name, type, error);
}

static gboolean read_table(HgSchemas *schemas, const char *name, const json_t *value,
                           GError **error)
{
    const json_t *columns = json_is_object(value) ? json_object_get(value, "columns") : value;
    HgTable *table = hg_schemas_add(schemas, name, error);
    if (table == NULL)
        return FALSE;
    table->is_view = json_is_object(value) && json_is_true(json_object_get(value, "view"));
    if (!json_is_array(columns)) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s: expected columns as [[\"name\", \"type\"], ...]", name);
        return FALSE;
    }
    for (gsize i = 0; i < json_array_size(columns); i++)
        if (!read_column(table, json_array_get(columns, i), error))
            return FALSE;
    return TRUE;
}

gboolean hg_policy_schemas_load(const char *path, HgSchemas *schemas, GError **error)
{
    json_error_t why;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    const char *name;
    json_t *value;
    gboolean good = json_is_object(root);
    if (root == NULL)
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s:%d: %s", path, why.line, why.text);
    else if (!good)
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s: expected an object of tables and their columns", path);
    json_object_foreach(root, name, value)
    {
        if (!good)
            break;
        good = read_table(schemas, name, value, error);
        if (!good)
            g_prefix_error(error, "%s: ", path);
    }
    json_decref(root);
    return good;
}
