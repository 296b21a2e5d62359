/* Operators between operands: see parser_private.h. What binds stronger than what matters to nobody
 * who asks what a statement touches, so an expression is read as one run of operands and operators.
 */
#include "sql/parser_private.h"

/* A word like AND is an operator when something stands behind it, and a name otherwise. */
static gboolean has_operand(const HgSqlParser *parser, guint32 ahead)
{
    switch (hg_sql_peek(parser, ahead)) {
    case T(EOF):
    case T(COMMA):
    case T(RIGHT_PAREN):
    case T(SEMICOLON):
    case T(DOT):
        return FALSE;
    default:
        return TRUE;
    }
}

/* ( expression, ... ) or ( query ), as IN has it. */
static void in_list(HgSqlParser *parser)
{
    if (!hg_sql_at(parser, T(LEFT_PAREN)))
        hg_sql_refuse(parser, "expected ( behind IN");
    else
        hg_sql_parentheses(parser);
}

/* Behind LIKE: ALL ( ... ), or an operand; TRUE when that is still to come. */
static gboolean like_rest(HgSqlParser *parser)
{
    guint kind = hg_sql_peek(parser, 0);
    if ((kind != T(ALL) && kind != T(ANY) && kind != T(SOME)) ||
        hg_sql_peek(parser, 1) != T(LEFT_PAREN))
        return TRUE;
    parser->at++;
    if (hg_sql_eat_2(parser, T(LEFT_PAREN), T(RIGHT_PAREN)))
        return FALSE;
    hg_sql_parentheses(parser);
    return FALSE;
}

/* Behind IS; TRUE when an operand is still to come. */
static gboolean is_rest(HgSqlParser *parser)
{
    if (!hg_sql_eat(parser, T(NOT)))
        hg_sql_eat(parser, T(BANG));
    if (hg_sql_eat_2(parser, T(DISTINCT), T(FROM)))
        return TRUE;
    if (!hg_sql_eat(parser, T(NULL)) && !hg_sql_eat(parser, T(TRUE)) &&
        !hg_sql_eat(parser, T(FALSE)) && !hg_sql_eat(parser, T(UNKNOWN)))
        hg_sql_refuse(parser, "expected NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM behind IS");
    return FALSE;
}

typedef enum {
    NO_OPERATOR,
    OPERATOR_DONE,  /* with all that belongs to it */
    OPERATOR_WANTS, /* an operand has to follow */
} Operator;

static Operator operator_sign(HgSqlParser *parser);
static void operand(HgSqlParser *parser);

/* What stands between BETWEEN and its AND: without the operators that are words. */
static void lower_bound(HgSqlParser *parser)
{
    for (;;) {
        operand(parser);
        if (!hg_sql_eat(parser, T(DIV)) && operator_sign(parser) != OPERATOR_WANTS)
            break;
    }
    hg_sql_expect(parser, T(AND), "expected AND behind BETWEEN's first value");
}

/* A predicate's word, behind NOT or not. */
static Operator predicate(HgSqlParser *parser, guint32 ahead)
{
    guint kind = hg_sql_peek(parser, ahead);
    if (!has_operand(parser, ahead + 1))
        return NO_OPERATOR;
    switch (kind) {
    case T(BETWEEN):
        parser->at += ahead + 1;
        lower_bound(parser);
        return OPERATOR_WANTS;
    case T(RLIKE):
        parser->at += ahead + 1;
        return OPERATOR_WANTS;
    case T(IN):
        if (hg_sql_peek(parser, ahead + 1) != T(LEFT_PAREN))
            return NO_OPERATOR;
        parser->at += ahead + 1;
        in_list(parser);
        return OPERATOR_DONE;
    case T(LIKE):
    case T(ILIKE):
        parser->at += ahead + 1;
        return like_rest(parser) ? OPERATOR_WANTS : OPERATOR_DONE;
    default:
        return NO_OPERATOR;
    }
}

static Operator operator_word(HgSqlParser *parser)
{
    switch (hg_sql_peek(parser, 0)) {
    case T(AND):
    case T(OR):
    case T(DIV):
        if (!has_operand(parser, 1))
            return NO_OPERATOR;
        parser->at++;
        return OPERATOR_WANTS;
    case T(NOT):
        return predicate(parser, 1);
    case T(IS):
        if (!has_operand(parser, 1))
            return NO_OPERATOR;
        parser->at++;
        return is_rest(parser) ? OPERATOR_WANTS : OPERATOR_DONE;
    case T(ESCAPE): /* behind LIKE's pattern */
        if (!hg_sql_is_string(parser, 1))
            return NO_OPERATOR;
        parser->at += 2;
        return OPERATOR_DONE;
    default:
        return predicate(parser, 0);
    }
}

static Operator operator_sign(HgSqlParser *parser)
{
    switch (hg_sql_peek(parser, 0)) {
    case T(EQ):
    case T(NSEQ):
    case T(NEQ):
    case T(NEQJ):
    case T(LT):
    case T(LTE):
    case T(GT):
    case T(GTE):
    case T(PLUS):
    case T(MINUS):
    case T(ASTERISK):
    case T(SLASH):
    case T(PERCENT):
    case T(AMPERSAND):
    case T(PIPE):
    case T(CONCAT_PIPE):
    case T(HAT):
    case T(SHIFT_LEFT):
    case T(SHIFT_RIGHT):
    case T(SHIFT_RIGHT_UNSIGNED):
        parser->at++;
        return OPERATOR_WANTS;
    case T(BANG):
        return predicate(parser, 1);
    default:
        return NO_OPERATOR;
    }
}

static Operator read_operator(HgSqlParser *parser)
{
    guint kind = hg_sql_peek(parser, 0);
    return kind <= HG_SQL_TOKEN_LAST_KEYWORD ? operator_word(parser) : operator_sign(parser);
}

static void operand(HgSqlParser *parser)
{
    for (;;) {
        guint kind = hg_sql_peek(parser, 0);
        gboolean prefix = kind == T(PLUS) || kind == T(MINUS) || kind == T(TILDE) ||
                          kind == T(BANG) || (kind == T(NOT) && has_operand(parser, 1));
        if (!prefix)
            break;
        parser->at++;
    }
    hg_sql_primary(parser);
}

void hg_sql_expression_rest(HgSqlParser *parser)
{
    for (;;) {
        Operator found = read_operator(parser);
        if (found == NO_OPERATOR)
            return;
        if (found == OPERATOR_WANTS)
            operand(parser);
    }
}

void hg_sql_expression(HgSqlParser *parser)
{
    if (!hg_sql_enter(parser))
        return;
    operand(parser);
    hg_sql_expression_rest(parser);
    hg_sql_leave(parser);
}

void hg_sql_item(HgSqlParser *parser)
{
    HgSqlNode *item = hg_sql_open(parser, HG_SQL_NODE_ITEM);
    hg_sql_expression(parser);
    hg_sql_column_alias(parser);
    hg_sql_close(parser, item);
}

void hg_sql_items(HgSqlParser *parser)
{
    do {
        hg_sql_item(parser);
    } while (hg_sql_eat(parser, T(COMMA)));
}

void hg_sql_expressions(HgSqlParser *parser)
{
    do {
        hg_sql_expression(parser);
    } while (hg_sql_eat(parser, T(COMMA)));
}

void hg_sql_sort_items(HgSqlParser *parser)
{
    do {
        hg_sql_expression(parser);
        if (!hg_sql_eat(parser, T(ASC)))
            hg_sql_eat(parser, T(DESC));
        if (!hg_sql_eat_2(parser, T(NULLS), T(FIRST)))
            hg_sql_eat_2(parser, T(NULLS), T(LAST));
    } while (hg_sql_eat(parser, T(COMMA)));
}
