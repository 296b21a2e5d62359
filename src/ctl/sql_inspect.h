/* The answer of hivegatectl sql inspect to one request. One thread. */
#pragma once

#include "ctl/sql_json.h"
#include "sql/lexer.h"

/* What the statement touches, or why that can't be said; never NULL. */
json_t *hg_sql_inspect_answer(const HgSqlRequest *request, HgSqlEngine engine);
