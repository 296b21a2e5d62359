/* Reading tokens: see lexer.h. The rules are those of Spark's SqlBaseLexer.g4: the longest match
 * wins, then the first rule; the text is read as if every code point were in upper case, so that
 * U+017F is an S and U+0131 an I. Owns nothing; a lexer belongs to one thread. */
#include "sql/lexer.h"

#include "sql/keywords.h"
#include "sql/letters.h"
#include "sql/lexer_private.h"

#include <string.h>

#define LONG_S    0x17F /* upper case: S */
#define DOTLESS_I 0x131 /* upper case: I */

/* What a byte may begin. */
typedef enum {
    BYTE_OTHER = 0, /* no token of its own: unrecognized */
    BYTE_LETTER,
    BYTE_DIGIT,
    BYTE_SPACE,
    BYTE_SIGN, /* an operator or a bracket */
    BYTE_QUOTE,
    BYTE_WIDE, /* begins a code point outside ASCII */
} ByteClass;

static const guint8 byte_class[256] = {
    ['\t'] = BYTE_SPACE,         ['\n'] = BYTE_SPACE,        ['\r'] = BYTE_SPACE,
    [' '] = BYTE_SPACE,          ['0' ... '9'] = BYTE_DIGIT, ['a' ... 'z'] = BYTE_LETTER,
    ['A' ... 'Z'] = BYTE_LETTER, ['_'] = BYTE_LETTER,        ['\''] = BYTE_QUOTE,
    ['"'] = BYTE_QUOTE,          ['`'] = BYTE_QUOTE,         ['!'] = BYTE_SIGN,
    ['%'] = BYTE_SIGN,           ['&'] = BYTE_SIGN,          ['('] = BYTE_SIGN,
    [')'] = BYTE_SIGN,           ['*'] = BYTE_SIGN,          ['+'] = BYTE_SIGN,
    [','] = BYTE_SIGN,           ['-'] = BYTE_SIGN,          ['.'] = BYTE_SIGN,
    ['/'] = BYTE_SIGN,           [':'] = BYTE_SIGN,          [';'] = BYTE_SIGN,
    ['<'] = BYTE_SIGN,           ['='] = BYTE_SIGN,          ['>'] = BYTE_SIGN,
    ['?'] = BYTE_SIGN,           ['['] = BYTE_SIGN,          [']'] = BYTE_SIGN,
    ['^'] = BYTE_SIGN,           ['|'] = BYTE_SIGN,          ['~'] = BYTE_SIGN,
    [0x80 ... 0xFF] = BYTE_WIDE,
};

void hg_sql_lexer_init(HgSqlLexer *lexer, HgSlice text, HgSqlEngine engine)
{
    g_assert(text.size <= HG_SQL_MAX_TEXT);
    *lexer = (HgSqlLexer){.text = text.data, .size = (guint32)text.size, .engine = engine};
}

gboolean hg_sql_lexer_has_unclosed_comment(const HgSqlLexer *lexer)
{
    return lexer->unclosed_comment;
}

gboolean hg_sql_text_is_clean(HgSlice text, gsize *position)
{
    const char *end = NULL;
    if (text.size == 0 || g_utf8_validate_len((const char *)text.data, text.size, &end))
        return TRUE;
    *position = (gsize)(end - (const char *)text.data);
    return FALSE;
}

/* As Spark's ConfigReader finds one: ${ and no white space up to }. */
gboolean hg_sql_text_has_variable(HgSlice text, gsize *position)
{
    const guint8 *end = text.data + text.size, *at = text.data;
    while (at < end && (at = memchr(at, '$', (gsize)(end - at))) != NULL) {
        const guint8 *name = at + 2;
        if (name < end && at[1] == '{') {
            const guint8 *stop = name;
            while (stop < end && !g_ascii_isspace((char)*stop) && *stop != '\v' &&
                   (*stop != '}' || stop == name))
                stop++;
            if (stop < end && *stop == '}') {
                if (position != NULL)
                    *position = (gsize)(at - text.data);
                return TRUE;
            }
            at = stop;
        } else {
            at++;
        }
    }
    return FALSE;
}

/* The code point at `at` and the bytes it takes: 1 with G_MAXUINT32 when it is no UTF-8. */
static guint32 code_point(const HgSqlLexer *lexer, guint32 at, guint32 *length)
{
    gunichar wide = g_utf8_get_char_validated((const char *)lexer->text + at, lexer->size - at);
    if (wide >= 0x110000) { /* also (gunichar)-1 and -2 */
        *length = 1;
        return G_MAXUINT32;
    }
    *length = (guint32)g_utf8_skip[lexer->text[at]];
    return wide;
}

static gboolean is_wide_space(guint32 wide)
{
    return wide == 0xA0 || wide == 0x1680 || (wide >= 0x2000 && wide <= 0x200A) || wide == 0x2028 ||
           wide == 0x202F || wide == 0x205F || wide == 0x3000;
}

/* The bytes of white space at `at`, 0 when there is none. */
static guint32 space_at(const HgSqlLexer *lexer, guint32 at)
{
    guint8 byte = lexer->text[at];
    if (byte_class[byte] == BYTE_SPACE)
        return 1;
    if (lexer->engine == HG_SQL_SPARK_35)
        return 0;
    if (byte == '\v' || byte == '\f')
        return 1;
    guint32 length;
    if (byte >= 0x80 && is_wide_space(code_point(lexer, at, &length)))
        return length;
    return 0;
}

/* The bytes of a letter outside ASCII that may stand in a word, 0 when there is none at `at`;
 * *upper is the ASCII letter that it counts as, or 0. */
static guint32 wide_letter_at(const HgSqlLexer *lexer, guint32 at, char *upper)
{
    guint32 length, wide = code_point(lexer, at, &length);
    *upper = (char)(wide == LONG_S ? 'S' : wide == DOTLESS_I ? 'I' : 0);
    if (*upper != 0)
        return length;
    return lexer->engine == HG_SQL_SPARK_40 && wide != G_MAXUINT32 && hg_sql_is_letter(wide)
               ? length
               : 0;
}

/* Passes over white space and comments. */
static void skip_hidden(HgSqlLexer *lexer)
{
    const guint8 *text = lexer->text;
    while (lexer->at < lexer->size) {
        guint32 at = lexer->at, length = space_at(lexer, at);
        guint8 next = at + 1 < lexer->size ? text[at + 1] : 0;
        if (length > 0) {
            lexer->at += length;
        } else if (text[at] == '-' && next == '-') {
            lexer->at = hg_sql_lexer_line_comment_end(lexer, at);
        } else if (text[at] == '/' && next == '*' &&
                   !(at + 2 < lexer->size && text[at + 2] == '+')) {
            lexer->at = hg_sql_lexer_comment_end(lexer, at);
        } else {
            return;
        }
    }
}

/* 4.0 counts the words that open a complex type, and takes >> for two tokens inside. */
static void count_complex(HgSqlLexer *lexer, guint kind)
{
    if (kind == HG_SQL_TOKEN_ARRAY || kind == HG_SQL_TOKEN_MAP || kind == HG_SQL_TOKEN_STRUCT)
        lexer->complex_types++;
}

static guint keyword_kind(HgSqlLexer *lexer, const char *upper, gsize length)
{
    const HgSqlKeyword *keyword = hg_sql_keyword_find(upper, length);
    guint mask = lexer->engine == HG_SQL_SPARK_35 ? HG_SQL_WORD_35 : HG_SQL_WORD_40;
    if (keyword == NULL || (hg_sql_token_classes((HgSqlTokenKind)keyword->kind) & mask) == 0)
        return HG_SQL_TOKEN_IDENTIFIER;
    count_complex(lexer, keyword->kind);
    return keyword->kind;
}

/* A word: a keyword or an identifier. It begins at token->start. */
static void read_word(HgSqlLexer *lexer, HgSqlToken *token)
{
    char upper[HG_SQL_KEYWORD_MAX + 1];
    gsize length = 0;
    guint32 at = token->start;
    const guint8 *text = lexer->text;
    for (; at < lexer->size; length++) {
        guint8 byte = text[at];
        char letter = (char)(byte & 0xDF); /* a digit becomes what no keyword has */
        if (byte_class[byte] == BYTE_LETTER || byte_class[byte] == BYTE_DIGIT) {
            at++;
        } else if (byte >= 0x80) {
            guint32 wide = wide_letter_at(lexer, at, &letter);
            if (wide == 0)
                break;
            at += wide;
        } else {
            break;
        }
        if (length < sizeof upper)
            upper[length] = letter;
    }
    token->end = at;
    if (lexer->engine == HG_SQL_SPARK_40 && at < lexer->size && text[at] == ':') {
        token->end = hg_sql_lexer_address_end(lexer, token->start, at);
        if (token->end > at) {
            token->kind = HG_SQL_TOKEN_IDENTIFIER;
            return;
        }
    }
    token->kind = (guint16)(length <= HG_SQL_KEYWORD_MAX ? keyword_kind(lexer, upper, length)
                                                         : HG_SQL_TOKEN_IDENTIFIER);
}

guint32 hg_sql_lexer_letter_at(const HgSqlLexer *lexer, guint32 at)
{
    guint8 byte = lexer->text[at];
    char upper;
    if (byte < 0x80)
        return g_ascii_isalpha((char)byte);
    return wide_letter_at(lexer, at, &upper);
}

guint32 hg_sql_lexer_word_part_at(const HgSqlLexer *lexer, guint32 at)
{
    guint8 class = byte_class[lexer->text[at]];
    return class == BYTE_DIGIT || lexer->text[at] == '_' ? 1 : hg_sql_lexer_letter_at(lexer, at);
}

/* A number, or a word that begins with digits, whichever is longer. */
static void read_digits(HgSqlLexer *lexer, HgSqlToken *token)
{
    HgSqlToken number = *token;
    hg_sql_lexer_read_number(lexer, &number);
    read_word(lexer, token);
    if (number.end >= token->end)
        *token = number;
}

static void read_quoted(HgSqlLexer *lexer, HgSqlToken *token)
{
    guint8 quote = lexer->text[token->start];
    guint32 end = quote == '`' ? hg_sql_lexer_name_end(lexer, token->start)
                               : hg_sql_lexer_string_end(lexer, token->start);
    token->end = end > 0 ? end : token->start + 1;
    token->kind = end == 0       ? HG_SQL_TOKEN_UNRECOGNIZED
                  : quote == '`' ? HG_SQL_TOKEN_BACKQUOTED_IDENTIFIER
                  : quote == '"' ? HG_SQL_TOKEN_DOUBLEQUOTED_STRING
                                 : HG_SQL_TOKEN_STRING_LITERAL;
}

/* A word, unless it is the R in front of a raw string. */
static void read_letter(HgSqlLexer *lexer, HgSqlToken *token)
{
    guint8 byte = lexer->text[token->start];
    guint8 next = token->start + 1 < lexer->size ? lexer->text[token->start + 1] : 0;
    if ((byte == 'r' || byte == 'R') && (next == '\'' || next == '"')) {
        guint32 end = hg_sql_lexer_raw_string_end(lexer, token->start + 1);
        if (end > 0) {
            token->end = end;
            token->kind = HG_SQL_TOKEN_STRING_LITERAL;
            return;
        }
    }
    read_word(lexer, token);
}

static void read_wide(HgSqlLexer *lexer, HgSqlToken *token)
{
    char upper;
    if (wide_letter_at(lexer, token->start, &upper) > 0) {
        read_word(lexer, token);
        return;
    }
    guint32 length;
    code_point(lexer, token->start, &length);
    token->end = token->start + length;
    token->kind = HG_SQL_TOKEN_UNRECOGNIZED;
}

gboolean hg_sql_lexer_next(HgSqlLexer *lexer, HgSqlToken *token)
{
    skip_hidden(lexer);
    *token = (HgSqlToken){.start = lexer->at, .end = lexer->at, .kind = HG_SQL_TOKEN_EOF};
    if (lexer->at >= lexer->size)
        return FALSE;
    guint8 byte = lexer->text[lexer->at];
    switch ((ByteClass)byte_class[byte]) {
    case BYTE_LETTER:
        read_letter(lexer, token);
        break;
    case BYTE_DIGIT:
        read_digits(lexer, token);
        break;
    case BYTE_QUOTE:
        read_quoted(lexer, token);
        break;
    case BYTE_SIGN:
        if (byte == '.')
            hg_sql_lexer_read_number(lexer, token);
        if (token->end == token->start)
            hg_sql_lexer_read_sign(lexer, token);
        break;
    case BYTE_WIDE:
        read_wide(lexer, token);
        break;
    case BYTE_SPACE:
    case BYTE_OTHER:
        token->end = token->start + 1;
        token->kind = HG_SQL_TOKEN_UNRECOGNIZED;
        break;
    }
    lexer->at = token->end;
    return TRUE;
}
