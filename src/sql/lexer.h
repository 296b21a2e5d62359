/* Spark's lexer: where each token of a statement begins and ends, and what it is.
 *
 * Agrees token for token with the lexers of Spark 3.5 and 4.0 (SqlBaseLexer.g4 of each; tests/sql
 * compares). Tokens are spans into the caller's text: nothing is copied and nothing allocated. The
 * time is linear in the size of the text, whatever it holds. Pure; a lexer belongs to one thread.
 */
#pragma once

#include "base/slice.h"
#include "sql/token_kind.h"

/* The version of Spark whose rules hold. */
typedef enum {
    HG_SQL_SPARK_35,
    HG_SQL_SPARK_40,
} HgSqlEngine;

/* The longest text that can be read, in bytes: spans are 32 bits wide. */
#define HG_SQL_MAX_TEXT ((gsize)1 << 30)

/* A token: bytes [start, end) of the text. */
typedef struct {
    guint32 start;
    guint32 end;
    guint16 kind; /* HgSqlTokenKind */
} HgSqlToken;

/* The state of one reading. Open so that it can live on the stack; only the functions below look
 * into it. */
typedef struct {
    const guint8 *text;
    guint32 size;
    guint32 at;
    HgSqlEngine engine;
    guint32 complex_types; /* 4.0: open ARRAY, MAP, STRUCT, inside which >> is two tokens */
    guint32 unclosed;      /* kinds of quote that nothing closes from here on: bits */
    gboolean unclosed_comment;
} HgSqlLexer;

/* Begins with `text`, which must outlive the lexer and be at most HG_SQL_MAX_TEXT long. Bytes that
 * are no UTF-8 become tokens of kind UNRECOGNIZED. */
void hg_sql_lexer_init(HgSqlLexer *lexer, HgSlice text, HgSqlEngine engine);

/* The next token; white space and comments are passed over. FALSE at the end, with *token an empty
 * token of kind EOF there. */
gboolean hg_sql_lexer_next(HgSqlLexer *lexer, HgSqlToken *token);

/* Passes over all up to the parenthesis that closes the one which the last token opened, and over
 * it, or to the end of the text. Much cheaper than reading the tokens between: only quotes,
 * comments and parentheses count. Not for 4.0's types: what follows must not depend on open complex
 * types. */
void hg_sql_lexer_skip_parentheses(HgSqlLexer *lexer);

/* TRUE when a bracketed comment was passed over that nothing closes: Spark refuses such a text. */
gboolean hg_sql_lexer_has_unclosed_comment(const HgSqlLexer *lexer);

/* TRUE when `text` is UTF-8 without NUL; otherwise *position is the byte where it isn't. Linear. */
gboolean hg_sql_text_is_clean(HgSlice text, gsize *position);

/* TRUE when `text` has a ${variable}, with where it begins in *position (may be NULL). Spark puts
 * the value in before it reads the text, also in strings and comments, unless
 * spark.sql.variable.substitute is off. Linear. */
gboolean hg_sql_text_has_variable(HgSlice text, gsize *position);
