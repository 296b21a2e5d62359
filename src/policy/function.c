/* Looking a function up: see function.h. The names are in function_names.c. */
#include "policy/function.h"

#include "policy/function_names.h"
#include "policy/name.h"

#include <stdlib.h>

/* The name in lower case; FALSE when it can't be Spark's. */
static gboolean lower(HgSlice name, char out[HG_FUNCTION_NAME_MAX + 1])
{
    if (name.size == 0 || name.size > HG_FUNCTION_NAME_MAX)
        return FALSE;
    for (gsize i = 0; i < name.size; i++)
        out[i] = hg_policy_lower((char)name.data[i]);
    out[name.size] = '\0';
    return TRUE;
}

static int compare(const void *key, const void *row)
{
    return strcmp(key, ((const HgFunctionRow *)row)->name);
}

HgFunctionKind hg_function_kind(HgSlice name)
{
    char key[HG_FUNCTION_NAME_MAX + 1];
    if (!lower(name, key))
        return HG_FUNCTION_UNKNOWN;
    const HgFunctionRow *row =
        bsearch(key, hg_function_rows, hg_function_row_count, sizeof *row, compare);
    return row != NULL ? (HgFunctionKind)row->kind : HG_FUNCTION_UNKNOWN;
}

gboolean hg_function_is_table(HgSlice name)
{
    static const char *const tables[] = {
        "collations", "explode",         "explode_outer",         "inline", "inline_outer",
        "json_tuple", "posexplode",      "posexplode_outer",      "range",  "sql_keywords",
        "stack",      "variant_explode", "variant_explode_outer",
    };
    char key[HG_FUNCTION_NAME_MAX + 1];
    if (!lower(name, key))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(tables); i++)
        if (strcmp(tables[i], key) == 0)
            return TRUE;
    return FALSE;
}
