/* The answer of hivegatectl sql inspect to one request. One thread. */
#pragma once

#include "ctl/sql_json.h"
#include "sql/lexer.h"

/* What the statement touches, or why that can't be said; never NULL. `wrong` is NULL, or why the
 * request itself can't be read. */
json_t *hg_sql_inspect_answer(const HgSqlRequest *request, HgSqlEngine engine, const char *wrong);
