/* The settings in a request of hivegatectl sql: how Spark would read the text under them. One
 * thread. */
#pragma once

#include "ctl/sql_json.h"
#include "sql/parser.h"

/* A setting that is true or false; `standard` when it isn't among the request's. */
gboolean hg_sql_conf_flag(const HgSqlRequest *request, const char *key, gboolean standard);

/* The parser's options under the request's settings. */
HgSqlOptions hg_sql_conf_options(const HgSqlRequest *request, HgSqlEngine engine);

/* NULL, or why the text means something else under a setting than is read here. */
const char *hg_sql_conf_unsupported(const HgSqlRequest *request);
