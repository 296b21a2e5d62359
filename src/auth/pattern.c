/* Compiling patterns: see pattern.h. */
#include "auth/pattern.h"

#include "base/error.h"

GRegex *hg_pattern_new(const char *pattern, guint most_groups, const char *what,
                       const char *expected, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autofree char *whole = g_strdup_printf("\\A(?:%s)\\z", pattern);
    /* by itself first: a ")" too many mustn't end the group that is put around it */
    g_autoptr(GRegex) alone = g_regex_new(pattern, 0, 0, &problem);
    g_autoptr(GRegex) made = NULL;
    if (alone != NULL && (guint)g_regex_get_capture_count(alone) <= most_groups)
        made = g_regex_new(whole, G_REGEX_OPTIMIZE, 0, &problem);
    if (made == NULL)
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s is of no use: %s; expected %s", what,
                    problem != NULL ? problem->message : "it has too many groups", expected);
    return g_steal_pointer(&made);
}
