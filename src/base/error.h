/* The error domain of hivegate.
 *
 * Slow paths return gboolean and fill a GError of domain HG_ERROR; `out` parameters are untouched
 * on failure. Hot paths return a small enum of their own. The message of an error is written for
 * the person who has to act on it: what was wrong, and what to do. */
#pragma once

#include <glib.h>

#define HG_ERROR (hg_error_quark())

/* One meaning per value; `HG_ERROR_FAILED` only where no other fits. */
typedef enum {
    HG_ERROR_FAILED,      /* none of the others */
    HG_ERROR_INVALID,     /* input that breaks a rule: configuration, file contents, wire bytes */
    HG_ERROR_NOT_FOUND,   /* a named thing doesn't exist */
    HG_ERROR_IO,          /* the operating system refused: errno is in the message */
    HG_ERROR_DENIED,      /* wrong credentials, or a thing that this principal may not do */
    HG_ERROR_LIMIT,       /* a configured limit or ceiling is reached */
    HG_ERROR_UNAVAILABLE, /* something hivegate depends on can't be reached now */
} HgErrorCode;

/* The quark behind HG_ERROR. Any thread. */
GQuark hg_error_quark(void);

/* Sets *error like g_set_error(), with ": " and strerror(errnum) at the end. `error` may be NULL.
 * Any thread. */
void hg_error_set_errno(GError **error, int errnum, const char *format, ...) G_GNUC_PRINTF(3, 4);
