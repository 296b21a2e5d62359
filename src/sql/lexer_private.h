/* The parts of the lexer to each other: where comments, strings, numbers and signs end. One thread.
 */
#pragma once

#include "sql/lexer.h"

/* Behind the line comment (--) at `at`. */
guint32 hg_sql_lexer_line_comment_end(const HgSqlLexer *lexer, guint32 at);

/* Behind the bracketed comment at `at`; the end of the text, marked in the lexer, when nothing
 * closes it. */
guint32 hg_sql_lexer_comment_end(HgSqlLexer *lexer, guint32 at);

/* Behind the string whose quote is at `at`, 0 when nothing closes it. */
guint32 hg_sql_lexer_string_end(HgSqlLexer *lexer, guint32 at);

/* The same for a raw string: the quote behind the R is at `at`. */
guint32 hg_sql_lexer_raw_string_end(HgSqlLexer *lexer, guint32 at);

/* The same for a name in back-ticks. */
guint32 hg_sql_lexer_name_end(HgSqlLexer *lexer, guint32 at);

/* 4.0: behind the address (scheme://...) whose first word is [start, colon), or `colon` when it is
 * none. */
guint32 hg_sql_lexer_address_end(const HgSqlLexer *lexer, guint32 start, guint32 colon);

/* The bytes of a letter at `at`, or of a letter, digit or underscore; 0 when there is none. */
guint32 hg_sql_lexer_letter_at(const HgSqlLexer *lexer, guint32 at);
guint32 hg_sql_lexer_word_part_at(const HgSqlLexer *lexer, guint32 at);

/* The longest number at token->start: sets end and kind; leaves both when there is none (a dot). */
void hg_sql_lexer_read_number(const HgSqlLexer *lexer, HgSqlToken *token);

/* The operator or bracket at token->start: sets end and kind. */
void hg_sql_lexer_read_sign(HgSqlLexer *lexer, HgSqlToken *token);
