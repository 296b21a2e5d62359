/* Numbers, operators and brackets: see lexer_private.h. Owns nothing; a lexer belongs to one
 * thread. */
#include "sql/lexer_private.h"

#include <string.h>

static guint8 byte_at(const HgSqlLexer *lexer, guint32 at)
{
    return at < lexer->size ? lexer->text[at] : 0;
}

static guint32 skip_digits(const HgSqlLexer *lexer, guint32 at)
{
    while (g_ascii_isdigit((char)byte_at(lexer, at)))
        at++;
    return at;
}

/* Behind the exponent at `at`, or `at` when there is none. */
static guint32 skip_exponent(const HgSqlLexer *lexer, guint32 at)
{
    if ((byte_at(lexer, at) | 0x20) != 'e')
        return at;
    guint8 sign = byte_at(lexer, at + 1);
    guint32 digits = sign == '+' || sign == '-' ? at + 2 : at + 1;
    guint32 end = skip_digits(lexer, digits);
    return end > digits ? end : at;
}

/* The kind that the suffix at `at` makes, and the suffix's length; 0 when there is none. L, S and Y
 * stand behind whole numbers only. */
static guint suffix_at(const HgSqlLexer *lexer, guint32 at, gboolean whole, guint32 *length)
{
    *length = 1;
    switch (byte_at(lexer, at) & 0xDF) {
    case 'L':
        return whole ? HG_SQL_TOKEN_BIGINT_LITERAL : 0;
    case 'S':
        return whole ? HG_SQL_TOKEN_SMALLINT_LITERAL : 0;
    case 'Y':
        return whole ? HG_SQL_TOKEN_TINYINT_LITERAL : 0;
    case 'F':
        return HG_SQL_TOKEN_FLOAT_LITERAL;
    case 'D':
        return HG_SQL_TOKEN_DOUBLE_LITERAL;
    case 'B':
        *length = 2;
        return (byte_at(lexer, at + 1) & 0xDF) == 'D' ? HG_SQL_TOKEN_BIGDECIMAL_LITERAL : 0;
    case 0xC5 & 0xDF: /* U+017F is an S in upper case */
        *length = 2;
        return whole && byte_at(lexer, at) == 0xC5 && byte_at(lexer, at + 1) == 0xBF
                   ? HG_SQL_TOKEN_SMALLINT_LITERAL
                   : 0;
    default:
        return 0;
    }
}

/* Spark's check behind a number with a dot: a letter, digit or underscore there makes it none. The
 * two code points that are ASCII letters in upper case count, too. */
static gboolean may_follow_decimal(const HgSqlLexer *lexer, guint32 at)
{
    guint8 byte = byte_at(lexer, at), next = byte_at(lexer, at + 1);
    if (byte >= 0x80)
        return !(byte == 0xC5 && next == 0xBF) && !(byte == 0xC4 && next == 0xB1);
    return !g_ascii_isalnum((char)byte) && byte != '_';
}

/* Takes [start, end) as the longest number so far, unless `decimal` forbids what follows. */
static void offer(const HgSqlLexer *lexer, HgSqlToken *token, guint32 end, guint kind,
                  gboolean decimal)
{
    if (end <= token->end || (decimal && !may_follow_decimal(lexer, end)))
        return;
    token->end = end;
    token->kind = (guint16)kind;
}

/* Offers the digits that end at `end`, with and without exponent and suffix. */
static void offer_forms(const HgSqlLexer *lexer, HgSqlToken *token, guint32 end, gboolean decimal)
{
    guint32 length;
    guint plain = decimal ? HG_SQL_TOKEN_DECIMAL_VALUE : HG_SQL_TOKEN_INTEGER_VALUE;
    offer(lexer, token, end, plain, decimal);
    guint kind = suffix_at(lexer, end, !decimal, &length);
    if (kind != 0)
        offer(lexer, token, end + length, kind, decimal);
    guint32 behind = skip_exponent(lexer, end);
    if (behind == end)
        return;
    offer(lexer, token, behind, HG_SQL_TOKEN_EXPONENT_VALUE, decimal);
    kind = suffix_at(lexer, behind, FALSE, &length);
    if (kind != 0)
        offer(lexer, token, behind + length, kind, decimal);
}

void hg_sql_lexer_read_number(const HgSqlLexer *lexer, HgSqlToken *token)
{
    guint32 whole = skip_digits(lexer, token->start);
    token->end = token->start;
    if (whole > token->start)
        offer_forms(lexer, token, whole, FALSE);
    if (byte_at(lexer, whole) != '.')
        return;
    guint32 fraction = skip_digits(lexer, whole + 1);
    if (whole > token->start || fraction > whole + 1)
        offer_forms(lexer, token, fraction, TRUE);
}

typedef struct {
    char text[4];
    guint8 length;
    gboolean only_40; /* Spark 3.5 doesn't know it */
    guint16 kind;
} Sign;

/* In the order of the alphabet, longer ones in front of those that they begin with. */
static const Sign signs[] = {
    {"!<", 2, FALSE, HG_SQL_TOKEN_GTE},
    {"!=", 2, FALSE, HG_SQL_TOKEN_NEQJ},
    {"!>", 2, FALSE, HG_SQL_TOKEN_LTE},
    {"!", 1, TRUE, HG_SQL_TOKEN_BANG},
    {"!", 1, FALSE, HG_SQL_TOKEN_NOT}, /* only 3.5 comes this far */
    {"%", 1, FALSE, HG_SQL_TOKEN_PERCENT},
    {"&", 1, FALSE, HG_SQL_TOKEN_AMPERSAND},
    {"(", 1, FALSE, HG_SQL_TOKEN_LEFT_PAREN},
    {")", 1, FALSE, HG_SQL_TOKEN_RIGHT_PAREN},
    {"*/", 2, FALSE, HG_SQL_TOKEN_HENT_END},
    {"*", 1, FALSE, HG_SQL_TOKEN_ASTERISK},
    {"+", 1, FALSE, HG_SQL_TOKEN_PLUS},
    {",", 1, FALSE, HG_SQL_TOKEN_COMMA},
    {"->", 2, FALSE, HG_SQL_TOKEN_ARROW},
    {"-", 1, FALSE, HG_SQL_TOKEN_MINUS},
    {".", 1, FALSE, HG_SQL_TOKEN_DOT},
    {"/*+", 3, FALSE, HG_SQL_TOKEN_HENT_START},
    {"/", 1, FALSE, HG_SQL_TOKEN_SLASH},
    {"::", 2, TRUE, HG_SQL_TOKEN_DOUBLE_COLON},
    {":", 1, FALSE, HG_SQL_TOKEN_COLON},
    {";", 1, FALSE, HG_SQL_TOKEN_SEMICOLON},
    {"<=>", 3, FALSE, HG_SQL_TOKEN_NSEQ},
    {"<<", 2, TRUE, HG_SQL_TOKEN_SHIFT_LEFT},
    {"<=", 2, FALSE, HG_SQL_TOKEN_LTE},
    {"<>", 2, FALSE, HG_SQL_TOKEN_NEQ},
    {"<", 1, FALSE, HG_SQL_TOKEN_LT},
    {"==", 2, FALSE, HG_SQL_TOKEN_EQ},
    {"=>", 2, FALSE, HG_SQL_TOKEN_FAT_ARROW},
    {"=", 1, FALSE, HG_SQL_TOKEN_EQ},
    {">>>", 3, TRUE, HG_SQL_TOKEN_SHIFT_RIGHT_UNSIGNED},
    {">>", 2, TRUE, HG_SQL_TOKEN_SHIFT_RIGHT},
    {">=", 2, FALSE, HG_SQL_TOKEN_GTE},
    {">", 1, FALSE, HG_SQL_TOKEN_GT},
    {"?", 1, FALSE, HG_SQL_TOKEN_QUESTION},
    {"[", 1, FALSE, HG_SQL_TOKEN_LEFT_BRACKET},
    {"]", 1, FALSE, HG_SQL_TOKEN_RIGHT_BRACKET},
    {"^", 1, FALSE, HG_SQL_TOKEN_HAT},
    {"|>", 2, TRUE, HG_SQL_TOKEN_OPERATOR_PIPE},
    {"||", 2, FALSE, HG_SQL_TOKEN_CONCAT_PIPE},
    {"|", 1, FALSE, HG_SQL_TOKEN_PIPE},
    {"~", 1, FALSE, HG_SQL_TOKEN_TILDE},
};

/* The first row of each sign in the table above, + 1. */
static const guint8 first_sign[128] = {
    ['!'] = 1,  ['%'] = 6,  ['&'] = 7,  ['('] = 8,  [')'] = 9,  ['*'] = 10, ['+'] = 12, [','] = 13,
    ['-'] = 14, ['.'] = 16, ['/'] = 17, [':'] = 19, [';'] = 21, ['<'] = 22, ['='] = 27, ['>'] = 30,
    ['?'] = 34, ['['] = 35, [']'] = 36, ['^'] = 37, ['|'] = 38, ['~'] = 41,
};

static gboolean sign_matches(const HgSqlLexer *lexer, const Sign *sign, guint32 at)
{
    if (sign->only_40 && lexer->engine == HG_SQL_SPARK_35)
        return FALSE;
    for (guint32 i = 0; i < sign->length; i++)
        if (byte_at(lexer, at + i) != (guint8)sign->text[i])
            return FALSE;
    gboolean shift =
        sign->kind == HG_SQL_TOKEN_SHIFT_RIGHT || sign->kind == HG_SQL_TOKEN_SHIFT_RIGHT_UNSIGNED;
    return !(shift && lexer->complex_types > 0);
}

void hg_sql_lexer_read_sign(HgSqlLexer *lexer, HgSqlToken *token)
{
    const Sign *sign = &signs[first_sign[lexer->text[token->start] & 0x7F] - 1];
    while (!sign_matches(lexer, sign, token->start))
        sign++; /* the last row of each sign is the sign alone */
    token->end = token->start + sign->length;
    token->kind = sign->kind;
    if (sign->kind == HG_SQL_TOKEN_GT && lexer->complex_types > 0)
        lexer->complex_types--;
}
