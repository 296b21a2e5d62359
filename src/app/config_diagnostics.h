/* What is wrong with a configuration file: all of it, each with its place.
 *
 *   hivegate.yaml:7:11: workers: "two" is not a whole number; expected a whole number from 0 to 256
 *
 * An error makes the file unusable, a warning doesn't. Owned by one thread. */
#pragma once

#include <glib.h>

typedef struct HgDiagnostics HgDiagnostics;

/* A place in the file, both from 1; {0, 0} is the file as a whole. */
typedef struct {
    guint line;
    guint column;
} HgMark;

/* Empty diagnostics of a file that messages name `file`. */
HgDiagnostics *hg_diagnostics_new(const char *file);

/* NULL does nothing. */
void hg_diagnostics_free(HgDiagnostics *diagnostics);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgDiagnostics, hg_diagnostics_free)

/* Adds an error or a warning. The message says what is wrong, what was expected, and what helps;
 * values in it are quoted by hg_text_quote(). Only the first 100 are kept. */
void hg_diagnostics_error(HgDiagnostics *diagnostics, HgMark mark, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
void hg_diagnostics_warn(HgDiagnostics *diagnostics, HgMark mark, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Adds an error in another file that the one at `mark` names; `text` has its place in front. */
void hg_diagnostics_error_elsewhere(HgDiagnostics *diagnostics, HgMark mark, const char *text);

/* How many errors and warnings there are, those not kept included. */
guint hg_diagnostics_errors(const HgDiagnostics *diagnostics);
guint hg_diagnostics_warnings(const HgDiagnostics *diagnostics);

/* How many are kept, and one of them in the order of the file, as "file:line:column: message"
 * without a line end; warnings say so. The order is that of the last hg_diagnostics_sort().
 * Borrowed. */
guint hg_diagnostics_count(const HgDiagnostics *diagnostics);
const char *hg_diagnostics_nth(const HgDiagnostics *diagnostics, guint index);

/* TRUE when this one is an error. */
gboolean hg_diagnostics_nth_is_error(const HgDiagnostics *diagnostics, guint index);

/* Puts them in the order of the file. */
void hg_diagnostics_sort(HgDiagnostics *diagnostics);

/* All that are kept, one per line, and a last line when some were not. Free with g_free. */
char *hg_diagnostics_text(const HgDiagnostics *diagnostics);
