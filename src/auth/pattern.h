/* Regular expressions of the configuration (PCRE), which a whole text has to match. Pure. */
#pragma once

#include <glib.h>

/* Compiles a pattern with at most `most_groups` groups: the caller's (g_regex_unref). NULL with an
 * error for the operator that begins with `what` and ends with what was `expected`. */
GRegex *hg_pattern_new(const char *pattern, guint most_groups, const char *what,
                       const char *expected, GError **error);
