/* Canonical text, made of hivegate's own tokens and never of the user's bytes between them.
 *
 * No comments (hints stay), one space between tokens, keywords in upper case, names that aren't
 * plain words of ASCII in back-ticks, strings re-encoded in single quotes: two lexers can't read
 * the result differently. What Spark takes as it stands (SET's values, paths of ADD JAR) is kept
 * byte for byte. It parses back to the same tree. Pure; any thread. */
#pragma once

#include "sql/tree.h"

/* Appends the canonical form of tokens [first, end) of a tree. */
void hg_sql_print_tokens(GString *out, const HgSqlTree *tree, guint32 first, guint32 end);

/* The canonical text of the whole statement, to be freed. */
char *hg_sql_print(const HgSqlTree *tree);

/* Tokens [first, end) are to be printed as `with`; an empty range puts it in front of `first`. */
typedef struct {
    guint32 first;
    guint32 end;
    const char *with; /* borrowed */
} HgSqlEdit;

/* The same as hg_sql_print_tokens() with edits, which come in order and don't overlap. Keywords are
 * spelled as they were: any of them may be the name of a column. */
void hg_sql_print_edited(GString *out, const HgSqlTree *tree, guint32 first, guint32 end,
                         const HgSqlEdit *edits, gsize count);

/* Appends a name in back-ticks. */
void hg_sql_print_name(GString *out, const char *name);
