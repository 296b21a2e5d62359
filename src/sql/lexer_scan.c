/* Where comments, strings, names in back-ticks and addresses end: see lexer_private.h.
 *
 * A quote that nothing closes is remembered: from a later place nothing closes it either, so that a
 * text full of them is still read in linear time. Owns nothing; a lexer belongs to one thread. */
#include "sql/lexer_private.h"

#include <string.h>

enum {
    UNCLOSED_SINGLE = 1 << 0,
    UNCLOSED_DOUBLE = 1 << 1,
    UNCLOSED_RAW_SINGLE = 1 << 2,
    UNCLOSED_RAW_DOUBLE = 1 << 3,
    UNCLOSED_NAME = 1 << 4,
};

/* A backslash in front of a line feed makes the comment go on; a bare CR ends it. */
guint32 hg_sql_lexer_line_comment_end(const HgSqlLexer *lexer, guint32 at)
{
    const guint8 *text = lexer->text;
    for (at += 2; at < lexer->size; at++) {
        if (text[at] == '\\' && at + 1 < lexer->size && text[at + 1] == '\n')
            at++;
        else if (text[at] == '\n')
            return at + 1;
        else if (text[at] == '\r')
            return at + 1 < lexer->size && text[at + 1] == '\n' ? at + 2 : at + 1;
    }
    return lexer->size;
}

/* Comments nest, but what looks like a hint doesn't open one inside. */
guint32 hg_sql_lexer_comment_end(HgSqlLexer *lexer, guint32 at)
{
    const guint8 *text = lexer->text;
    guint32 depth = 1;
    at += 2;
    while (at + 1 < lexer->size) {
        if (text[at] == '*' && text[at + 1] == '/') {
            at += 2;
            if (--depth == 0)
                return at;
        } else if (text[at] == '/' && text[at + 1] == '*' &&
                   !(at + 2 < lexer->size && text[at + 2] == '+')) {
            at += 2;
            depth++;
        } else {
            at++;
        }
    }
    lexer->unclosed_comment = TRUE;
    return lexer->size;
}

guint32 hg_sql_lexer_string_end(HgSqlLexer *lexer, guint32 at)
{
    guint8 quote = lexer->text[at];
    guint32 bit = quote == '\'' ? UNCLOSED_SINGLE : UNCLOSED_DOUBLE;
    if ((lexer->unclosed & bit) != 0)
        return 0;
    for (at++; at < lexer->size; at++) {
        if (lexer->text[at] == quote)
            return at + 1;
        if (lexer->text[at] == '\\')
            at++; /* a code point of more bytes has none that looks like a quote or a backslash */
    }
    lexer->unclosed |= bit;
    return 0;
}

guint32 hg_sql_lexer_raw_string_end(HgSqlLexer *lexer, guint32 at)
{
    guint8 quote = lexer->text[at];
    guint32 bit = quote == '\'' ? UNCLOSED_RAW_SINGLE : UNCLOSED_RAW_DOUBLE;
    if ((lexer->unclosed & bit) != 0)
        return 0;
    const guint8 *end = memchr(lexer->text + at + 1, quote, lexer->size - at - 1);
    if (end != NULL)
        return (guint32)(end - lexer->text) + 1;
    lexer->unclosed |= bit;
    return 0;
}

/* Two back-ticks stand for one; when nothing closes the name, it ends at the last of those pairs,
 * as the longest match that there is. */
guint32 hg_sql_lexer_name_end(HgSqlLexer *lexer, guint32 at)
{
    if ((lexer->unclosed & UNCLOSED_NAME) != 0)
        return 0;
    guint32 last = 0;
    for (at++; at < lexer->size; at++) {
        const guint8 *tick = memchr(lexer->text + at, '`', lexer->size - at);
        if (tick == NULL)
            break;
        at = (guint32)(tick - lexer->text);
        last = at + 1;
        if (last == lexer->size || lexer->text[last] != '`')
            return last;
        at++;
    }
    if (last == 0)
        lexer->unclosed |= UNCLOSED_NAME;
    return last;
}

guint32 hg_sql_lexer_address_end(const HgSqlLexer *lexer, guint32 start, guint32 colon)
{
    guint32 at = start, length;
    if (colon + 3 > lexer->size || memcmp(lexer->text + colon, "://", 3) != 0)
        return colon;
    while (at < colon) {
        length = hg_sql_lexer_letter_at(lexer, at);
        if (length == 0)
            return colon;
        at += length;
    }
    for (at = colon + 3; at < lexer->size; at += length) {
        guint8 byte = lexer->text[at];
        length = byte != 0 && strchr("/-.?=&#%", byte) != NULL
                     ? 1
                     : hg_sql_lexer_word_part_at(lexer, at);
        if (length == 0)
            break;
    }
    return at > colon + 3 ? at : colon;
}

/* The bytes at which a scan for parentheses has to look closer. */
static const guint8 is_notable[256] = {
    ['('] = 1, [')'] = 1, ['\''] = 1, ['"'] = 1, ['`'] = 1, ['-'] = 1, ['/'] = 1,
};

/* Behind the quoted text at `at`; behind the quote alone when nothing closes it. An R in front of
 * it makes it a raw string, unless the R ends a word. */
static guint32 skip_quoted(HgSqlLexer *lexer, guint32 at)
{
    const guint8 *text = lexer->text;
    guint32 end;
    if (text[at] == '`') {
        end = hg_sql_lexer_name_end(lexer, at);
        return end > 0 ? end : at + 1;
    }
    gboolean raw = at > 0 && (text[at - 1] | 0x20) == 'r';
    if (raw && at > 1) {
        guint8 before = text[at - 2];
        raw = before < 0x80 && !g_ascii_isalnum((char)before) && before != '_';
        /* a letter of more bytes may be part of a word: then the tokens are read */
        if (before >= 0x80)
            return 0;
    }
    end = raw ? hg_sql_lexer_raw_string_end(lexer, at) : hg_sql_lexer_string_end(lexer, at);
    return end > 0 ? end : at + 1;
}

/* Behind what stands at a notable byte that is no parenthesis; 0 when only the tokens can tell. */
static guint32 skip_notable(HgSqlLexer *lexer, guint32 at)
{
    const guint8 *text = lexer->text;
    guint8 next = at + 1 < lexer->size ? text[at + 1] : 0;
    if (text[at] == '-')
        return next == '-' ? hg_sql_lexer_line_comment_end(lexer, at) : at + 1;
    if (text[at] != '/')
        return skip_quoted(lexer, at);
    if (at > 0 && text[at - 1] == '*')
        return at + 1; /* a hint's end, and never the beginning of a comment */
    if (next == '*' && !(at + 2 < lexer->size && text[at + 2] == '+'))
        return hg_sql_lexer_comment_end(lexer, at);
    /* an address of 4.0 (a://b--c) swallows what would be a comment */
    return next == '/' ? 0 : at + 1;
}

/* The same, token for token. */
static void skip_by_tokens(HgSqlLexer *lexer, guint32 depth)
{
    HgSqlToken token;
    while (depth > 0 && hg_sql_lexer_next(lexer, &token)) {
        if (token.kind == HG_SQL_TOKEN_LEFT_PAREN)
            depth++;
        else if (token.kind == HG_SQL_TOKEN_RIGHT_PAREN)
            depth--;
    }
}

void hg_sql_lexer_skip_parentheses(HgSqlLexer *lexer)
{
    const guint8 *text = lexer->text;
    const HgSqlLexer begin =
        *lexer; /* what nothing closes behind a later place may be closed from here */
    guint32 depth = 1, size = lexer->size;
    for (guint32 at = begin.at;;) {
        /* most bytes are of no note, so this is what classifying WITH costs */
        while (at + 4 <= size && !(is_notable[text[at]] | is_notable[text[at + 1]] |
                                   is_notable[text[at + 2]] | is_notable[text[at + 3]]))
            at += 4;
        while (at < size && !is_notable[text[at]])
            at++;
        if (at >= size)
            break;
        if (text[at] == '(') {
            depth++;
            at++;
        } else if (text[at] == ')') {
            at++;
            if (--depth == 0) {
                lexer->at = at;
                return;
            }
        } else {
            at = skip_notable(lexer, at);
            if (at == 0) {
                *lexer = begin;
                skip_by_tokens(lexer, 1);
                return;
            }
        }
    }
    lexer->at = lexer->size;
}
