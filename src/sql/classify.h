/* What a statement does, from its first words, without parsing it: in well under a microsecond for
 * most.
 *
 * For decisions that need no names: may a session be replayed, may a query be run again? Pure; any
 * thread. */
#pragma once

#include "sql/lexer.h"
#include "sql/statement.h"

/* The kind of a statement by its first words; *effect may be NULL. UNKNOWN for what begins like no
 * statement, where the first words don't tell, and for a text with ${variables}. It says nothing
 * about whether the rest is sound. A query counts as reading even when a function in it has effects
 * of its own. */
HgSqlStatementKind hg_sql_classify(HgSlice text, HgSqlEngine engine, HgSqlEffect *effect);
