/* Collecting what is wrong with a configuration: see config_diagnostics.h. One thread. */
#include "app/config_diagnostics.h"

#include <stdarg.h>

#define KEPT_MAX 100

typedef struct {
    HgMark mark;
    guint order; /* of being added: keeps what is said about one place in sequence */
    gboolean is_error;
    char *text;
} Diagnostic;

struct HgDiagnostics {
    char *file;
    GPtrArray *kept; /* of Diagnostic, owned */
    guint errors;
    guint warnings;
};

static void diagnostic_free(Diagnostic *diagnostic)
{
    g_free(diagnostic->text);
    g_free(diagnostic);
}

HgDiagnostics *hg_diagnostics_new(const char *file)
{
    HgDiagnostics *diagnostics = g_new0(HgDiagnostics, 1);
    diagnostics->file = g_strdup(file);
    diagnostics->kept = g_ptr_array_new_with_free_func((GDestroyNotify)diagnostic_free);
    return diagnostics;
}

void hg_diagnostics_free(HgDiagnostics *diagnostics)
{
    if (diagnostics == NULL)
        return;
    g_ptr_array_unref(diagnostics->kept);
    g_free(diagnostics->file);
    g_free(diagnostics);
}

/* Counts, and keeps unless there are too many. Takes the text. */
static void add(HgDiagnostics *diagnostics, HgMark mark, gboolean is_error, char *take_text)
{
    if (is_error)
        diagnostics->errors++;
    else
        diagnostics->warnings++;
    if (diagnostics->kept->len >= KEPT_MAX) {
        g_free(take_text);
        return;
    }
    Diagnostic *diagnostic = g_new0(Diagnostic, 1);
    *diagnostic = (Diagnostic){mark, diagnostics->kept->len, is_error, take_text};
    g_ptr_array_add(diagnostics->kept, diagnostic);
}

static void add_here(HgDiagnostics *diagnostics, HgMark mark, gboolean is_error,
                     const char *message)
{
    const char *kind = is_error ? "" : "warning: ";
    add(diagnostics, mark, is_error,
        mark.line == 0 ? g_strdup_printf("%s: %s%s", diagnostics->file, kind, message)
                       : g_strdup_printf("%s:%u:%u: %s%s", diagnostics->file, mark.line,
                                         mark.column, kind, message));
}

void hg_diagnostics_error(HgDiagnostics *diagnostics, HgMark mark, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    add_here(diagnostics, mark, TRUE, message);
}

void hg_diagnostics_warn(HgDiagnostics *diagnostics, HgMark mark, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    add_here(diagnostics, mark, FALSE, message);
}

void hg_diagnostics_error_elsewhere(HgDiagnostics *diagnostics, HgMark mark, const char *text)
{
    add(diagnostics, mark, TRUE, g_strdup(text));
}

guint hg_diagnostics_errors(const HgDiagnostics *diagnostics)
{
    return diagnostics->errors;
}

guint hg_diagnostics_warnings(const HgDiagnostics *diagnostics)
{
    return diagnostics->warnings;
}

guint hg_diagnostics_count(const HgDiagnostics *diagnostics)
{
    return diagnostics->kept->len;
}

const char *hg_diagnostics_nth(const HgDiagnostics *diagnostics, guint index)
{
    return ((const Diagnostic *)g_ptr_array_index(diagnostics->kept, index))->text;
}

gboolean hg_diagnostics_nth_is_error(const HgDiagnostics *diagnostics, guint index)
{
    return ((const Diagnostic *)g_ptr_array_index(diagnostics->kept, index))->is_error;
}

static int compare(gconstpointer a, gconstpointer b)
{
    const Diagnostic *one = *(const Diagnostic *const *)a;
    const Diagnostic *two = *(const Diagnostic *const *)b;
    if (one->mark.line != two->mark.line)
        return one->mark.line < two->mark.line ? -1 : 1;
    if (one->mark.column != two->mark.column)
        return one->mark.column < two->mark.column ? -1 : 1;
    return one->order < two->order ? -1 : one->order > two->order;
}

void hg_diagnostics_sort(HgDiagnostics *diagnostics)
{
    g_ptr_array_sort(diagnostics->kept, compare);
}

char *hg_diagnostics_text(const HgDiagnostics *diagnostics)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < diagnostics->kept->len; i++)
        g_string_append_printf(text, "%s\n", hg_diagnostics_nth(diagnostics, i));
    guint all = diagnostics->errors + diagnostics->warnings;
    if (all > diagnostics->kept->len)
        g_string_append_printf(text, "%s: and %u more; these are the first %u\n", diagnostics->file,
                               all - diagnostics->kept->len, diagnostics->kept->len);
    return g_string_free(text, FALSE);
}
