/* The error domain of hivegate: see error.h. Owns nothing; any thread. */
#include "base/error.h"

#include <stdatomic.h>

/* Not G_DEFINE_QUARK: it keeps the number in a plain variable, which threads would race for. */
GQuark hg_error_quark(void)
{
    static atomic_uint quark;
    guint known = atomic_load_explicit(&quark, memory_order_relaxed);
    if (known == 0) { /* several threads may come here: GLib gives them the same number */
        known = g_quark_from_static_string("hivegate-error");
        atomic_store_explicit(&quark, known, memory_order_relaxed);
    }
    return known;
}

void hg_error_set_errno(GError **error, int errnum, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, HG_ERROR, HG_ERROR_IO, "%s: %s", what, g_strerror(errnum));
}
