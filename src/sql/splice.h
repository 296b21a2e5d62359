/* Editing a text by spans: what is replaced is replaced, all else stays byte for byte. Pure; a
 * splice belongs to one thread. */
#pragma once

#include "base/slice.h"

typedef struct HgSqlSplice HgSqlSplice;

/* Begins with `text`, which must outlive the splice. */
HgSqlSplice *hg_sql_splice_new(HgSlice text);

/* Puts `with` (copied) in the place of bytes [start, end); an empty span inserts. Edits come in any
 * order. Those that begin at one place are kept in the order in which they came, insertions in
 * front of a replacement. FALSE, and nothing is noted, when the span isn't in the text or reaches
 * into one that is replaced already. */
G_GNUC_WARN_UNUSED_RESULT
gboolean hg_sql_splice_replace(HgSqlSplice *splice, gsize start, gsize end, const char *with);

/* The edited text, NUL-terminated, to be freed; *size without the NUL. */
char *hg_sql_splice_text(const HgSqlSplice *splice, gsize *size);

/* NULL does nothing. */
void hg_sql_splice_free(HgSqlSplice *splice);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgSqlSplice, hg_sql_splice_free)
