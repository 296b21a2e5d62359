/* Reading settings: see sql_conf.h. Owns nothing; one thread. */
#include "ctl/sql_conf.h"

#include <string.h>

gboolean hg_sql_conf_flag(const HgSqlRequest *request, const char *key, gboolean standard)
{
    json_t *value = json_object_get(request->conf, key);
    if (json_is_boolean(value))
        return json_is_true(value);
    const char *text = json_string_value(value);
    return text != NULL ? g_ascii_strcasecmp(text, "true") == 0 : standard;
}

HgSqlOptions hg_sql_conf_options(const HgSqlRequest *request, HgSqlEngine engine)
{
    gboolean ansi = hg_sql_conf_flag(request, "spark.sql.ansi.enabled", engine == HG_SQL_SPARK_40);
    return (HgSqlOptions){
        .engine = engine,
        .reserved_words =
            ansi && hg_sql_conf_flag(request, "spark.sql.ansi.enforceReservedKeywords", FALSE),
        .double_quoted_names =
            ansi && hg_sql_conf_flag(request, "spark.sql.ansi.doubleQuotedIdentifiers", FALSE),
        .keeps_variables = !hg_sql_conf_flag(request, "spark.sql.variable.substitute", TRUE)};
}

const char *hg_sql_conf_unsupported(const HgSqlRequest *request)
{
    const char *policy =
        json_string_value(json_object_get(request->conf, "spark.sql.legacy.ctePrecedencePolicy"));
    if (policy != NULL && g_ascii_strcasecmp(policy, "LEGACY") == 0)
        return "spark.sql.legacy.ctePrecedencePolicy=LEGACY changes what names mean";
    return NULL;
}
