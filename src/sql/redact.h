/* Hiding what must not be kept of a statement: secrets always, literals when asked for.
 *
 * Works on Spark's tokens (sql/lexer), so that a quote inside a comment hides nothing from it. What
 * always is hidden: the value behind a name that speaks of a secret (password, token, key ...),
 * with or without `=`, in SET, OPTIONS, TBLPROPERTIES or a condition; in URLs the user's password
 * and such parameters. Pure; a redaction is read by any thread. */
#pragma once

#include "base/slice.h"

typedef struct HgSqlRedaction HgSqlRedaction;

/* What is hidden beside secrets. `all_literals`: each literal, and each comment. `patterns`
 * (NULL-terminated, or NULL): each literal and comment in which one of these regular expressions
 * (PCRE, in any case) matches. NULL with *error when one can't be read. */
HgSqlRedaction *hg_sql_redaction_new(gboolean all_literals, const char *const *patterns,
                                     GError **error);

/* NULL is fine. */
void hg_sql_redaction_free(HgSqlRedaction *redaction);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgSqlRedaction, hg_sql_redaction_free)

/* TRUE when the statement has something to be hidden: *out is the text to be kept then (g_free).
 * FALSE: it may be kept as it is. Linear for patterns that are. */
gboolean hg_sql_redact(const HgSqlRedaction *redaction, HgSlice statement, char **out);

/* What may be kept of an error message that the server gave for a statement: it may repeat what was
 * hidden in that (`hidden`), and then only its class stays; URLs lose their secrets in any case.
 * g_free. */
char *hg_sql_redact_message(const HgSqlRedaction *redaction, HgSlice message, gboolean hidden);
