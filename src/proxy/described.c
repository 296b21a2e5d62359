/* Reading DESCRIBE: see described.h. Owns nothing; pure. */
#include "proxy/described.h"

#include <string.h>

/* Without a row that says the type: Spark's own catalog always has one; of others, tables have
 * their heading, and views a heading or rows that tables haven't. */
static gboolean looks_like_table(const GPtrArray *names, guint from)
{
    gboolean table = FALSE;
    for (guint i = from; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        if (strcmp(name, "# Detailed View Information") == 0 || g_str_has_prefix(name, "View "))
            return FALSE;
        table |= strcmp(name, "# Detailed Table Information") == 0;
    }
    return table;
}

GPtrArray *hg_described_read(const GPtrArray *names, const GPtrArray *types, gboolean own,
                             gboolean *is_view)
{
    g_autoptr(GPtrArray) columns = g_ptr_array_new_with_free_func(g_free);
    const char *kind = NULL;
    guint end = 0; /* of the columns: behind them are headings, which have no type */
    for (; end < names->len && *(const char *)g_ptr_array_index(types, end) != '\0'; end++) {
        g_ptr_array_add(columns, g_strdup(g_ptr_array_index(names, end)));
        g_ptr_array_add(columns, g_strdup(g_ptr_array_index(types, end)));
    }
    for (guint i = end; i < names->len; i++)
        if (strcmp(g_ptr_array_index(names, i), "Type") == 0)
            kind = g_ptr_array_index(types, i); /* the last one: a column may have that name */
    if (kind != NULL)
        *is_view = strcmp(kind, "MANAGED") != 0 && strcmp(kind, "EXTERNAL") != 0;
    else
        *is_view = own || !looks_like_table(names, end);
    return columns->len > 0 ? g_steal_pointer(&columns) : NULL;
}
