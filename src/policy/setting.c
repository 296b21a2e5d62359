/* Lists of settings: see setting.h. Owns nothing; pure. */
#include "policy/setting.h"

#include "policy/name.h"

#include <string.h>

/* Settings of how fast something runs, and never of what it means. */
static gboolean is_harmless(const char *key)
{
    static const char *const keys[] = {
        "spark.sql.shuffle.partitions",
        "spark.sql.autobroadcastjointhreshold",
        "spark.sql.broadcasttimeout",
        "spark.sql.adaptive.*",
        "spark.sql.files.maxpartitionbytes",
        "spark.sql.files.openingcostinbytes",
        "spark.sql.thriftserver.scheduler.pool",
        "spark.sql.thriftserver.querytimeout",
        "spark.sql.repl.eagereval.enabled",
        "spark.job.description",
        "spark.jobgroup.id",
        "spark.scheduler.pool",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        if (hg_policy_glob(keys[i], key) && strstr(key, "exclude") == NULL &&
            strstr(key, "class") == NULL)
            return TRUE;
    return FALSE;
}

gboolean hg_policy_is_time_zone(const char *key)
{
    return strcmp(key, "spark.sql.session.timezone") == 0;
}

gboolean hg_policy_may_set(const HgPolicySet *set, const char *key)
{
    return is_harmless(key) || (hg_policy_is_time_zone(key) && !hg_policy_set_uses_time_zone(set));
}

gboolean hg_policy_is_quoting(const char *key)
{
    return strcmp(key, "spark.sql.ansi.doublequotedidentifiers") == 0;
}

const char *const *hg_policy_pinned_settings(void)
{
    static const char *const settings[] = {
        "spark.sql.variable.substitute",
        "false",
        "spark.sql.caseSensitive",
        "false",
        "spark.sql.ansi.doubleQuotedIdentifiers",
        "false",
        "spark.sql.ansi.enforceReservedKeywords",
        "false",
        "spark.sql.parser.quotedRegexColumnNames",
        "false",
        "spark.sql.parser.escapedStringLiterals",
        "false",
        "spark.sql.legacy.ctePrecedencePolicy",
        "CORRECTED",
        "spark.sql.legacy.setopsPrecedence.enabled",
        "false",
        NULL,
    };
    return settings;
}
