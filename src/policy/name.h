/* Names as policies compare them: folded, with wildcards. Pure; any thread. */
#pragma once

#include "base/slice.h"

/* The catalog that Spark calls its own. */
#define HG_POLICY_SESSION_CATALOG "spark_catalog"

/* A name as it is compared: in lower case, letter by letter, as Spark folds names (to be freed). */
char *hg_policy_fold(const char *name);
char *hg_policy_fold_slice(HgSlice name);

/* A letter of ASCII in lower case. */
static inline char hg_policy_lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter | 0x20) : letter;
}

/* TRUE when all of `text` is what the pattern says; * stands for any number of characters. Both are
 * compared as they are. */
gboolean hg_policy_glob(const char *pattern, const char *text);

/* The same for a list, NULL-terminated; FALSE for NULL. */
gboolean hg_policy_glob_any(char *const *patterns, const char *text);

/* Appends a string literal that means `value`: quotes and backslashes are escaped, and so is what a
 * substitution of variables could act on. */
void hg_policy_append_literal(GString *out, const char *value);

/* Where a byte of a text is: line and column from 1, columns in code points. */
void hg_policy_locate(const guint8 *text, gsize at, guint *line, guint *column);
