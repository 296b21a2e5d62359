/* Spark's grammar: from the text of a statement to its tree.
 *
 * Reads what the parsers of Spark 3.5 and 4.0 accept (SqlBaseParser.g4 of each), and refuses with a
 * place and a reason what it doesn't know: a statement that was read has nothing unread in it. It
 * may accept more than Spark does, where that touches no relation. A text with ${variables} is
 * refused, also where they stand in strings and comments: Spark puts their values in before it
 * reads it, so another statement runs than the one that is seen. Depth and size are bounded; time
 * is linear in the size of the text. Pure; any thread. */
#pragma once

#include "sql/tree.h"

/* Settings that change how Spark reads a text; all FALSE is Spark's default. */
typedef struct {
    HgSqlEngine engine;
    gboolean reserved_words;      /* ANSI mode with enforceReservedKeywords */
    gboolean double_quoted_names; /* ANSI mode with doubleQuotedIdentifiers */
    gboolean keeps_variables;     /* spark.sql.variable.substitute is off: ${x} is no variable */
} HgSqlOptions;

/* Reads one statement. NULL with *error (HG_ERROR_INVALID, or HG_ERROR_LIMIT for one that is too
 * large or nested too deeply) when it can't be read; the message says where, by line and column,
 * and why. `text` must outlive the tree. */
HgSqlTree *hg_sql_parse(HgSlice text, const HgSqlOptions *options, GError **error);

/* What a tree was read with; lives as long as the tree. */
const HgSqlOptions *hg_sql_tree_options(const HgSqlTree *tree);
