/* Reading a statement in a test, and what it touches as one text. */
#pragma once

#include "sql/parser.h"

/* The tree of a statement that must be sound; to be freed. */
HgSqlTree *read_tree(const char *text, HgSqlEngine engine);

/* "read a, read db.b, write c, cte x": the references of a statement that must be sound (to be
 * freed). */
char *references_of(const char *text, HgSqlEngine engine);

/* Why a statement is refused (to be freed); fails when it isn't. */
char *refusal_of(const char *text, HgSqlEngine engine);
