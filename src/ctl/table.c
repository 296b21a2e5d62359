/* Printing tables: see table.h. Widths are those of the widest cell; one thread. */
#include "ctl/table.h"

#include <glib.h>
#include <string.h>

/* What a terminal would act on becomes a space. */
static char *clean(const char *text)
{
    GString *out = g_string_new(NULL);
    for (; *text != '\0'; text = g_utf8_next_char(text)) {
        gunichar c = g_utf8_get_char(text);
        g_string_append_unichar(out, g_unichar_isprint(c) ? c : ' ');
    }
    return g_string_free(out, FALSE);
}

static char *cell_of(const json_t *object, const HgTableColumn *column)
{
    const json_t *value = json_object_get(object, column->key);
    if (json_is_string(value)) {
        char *text = clean(json_string_value(value));
        if (column->most == 0 || g_utf8_strlen(text, -1) <= (glong)column->most)
            return text;
        char *end = g_utf8_offset_to_pointer(text, (glong)column->most - 3);
        strcpy(end, "...");
        return text;
    }
    if (json_is_integer(value))
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value))
        return g_strdup_printf("%.1f", json_real_value(value));
    if (json_is_boolean(value))
        return g_strdup(json_is_true(value) ? "yes" : "no");
    return g_strdup("-");
}

static void print_cell(FILE *out, const char *text, glong width, gboolean last)
{
    fputs(text, out);
    for (glong i = g_utf8_strlen(text, -1); i < width && !last; i++)
        fputc(' ', out);
    fputs(last ? "\n" : "  ", out);
}

void hg_table_print(FILE *out, const HgTableColumn *columns, const json_t *list)
{
    guint n = 0;
    while (columns[n].title != NULL)
        n++;
    gsize rows = json_array_size(list);
    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
    g_autofree glong *widths = g_new0(glong, n);
    for (guint k = 0; k < n; k++)
        widths[k] = g_utf8_strlen(columns[k].title, -1);
    for (gsize i = 0; i < rows; i++) {
        for (guint k = 0; k < n; k++) {
            char *cell = cell_of(json_array_get(list, i), &columns[k]);
            widths[k] = MAX(widths[k], g_utf8_strlen(cell, -1));
            g_ptr_array_add(cells, cell);
        }
    }
    for (guint k = 0; k < n; k++)
        print_cell(out, columns[k].title, widths[k], k == n - 1);
    for (guint i = 0; i < cells->len; i++)
        print_cell(out, g_ptr_array_index(cells, i), widths[i % n], i % n == n - 1);
}
