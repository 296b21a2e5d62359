/* The error domain of hivegate: see error.h. Owns nothing; any thread. */
#include "base/error.h"

G_DEFINE_QUARK(hivegate_error, hg_error)

void hg_error_set_errno(GError **error, int errnum, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, HG_ERROR, HG_ERROR_IO, "%s: %s", what, g_strerror(errnum));
}
