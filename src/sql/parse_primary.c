/* Operands: literals, columns, parentheses, CASE, lambdas. See parser_private.h. */
#include "sql/parser_private.h"

static gboolean is_unit(guint kind)
{
    switch (kind) {
    case T(DAY):
    case T(DAYS):
    case T(HOUR):
    case T(HOURS):
    case T(MICROSECOND):
    case T(MICROSECONDS):
    case T(MILLISECOND):
    case T(MILLISECONDS):
    case T(MINUTE):
    case T(MINUTES):
    case T(MONTH):
    case T(MONTHS):
    case T(NANOSECOND):
    case T(NANOSECONDS):
    case T(SECOND):
    case T(SECONDS):
    case T(WEEK):
    case T(WEEKS):
    case T(YEAR):
    case T(YEARS):
        return TRUE;
    default:
        return FALSE;
    }
}

/* How many tokens a value and its unit take so far ahead; 0 when they don't come. */
static guint32 interval_part(const HgSqlParser *parser, guint32 ahead)
{
    guint32 at = ahead;
    guint sign = hg_sql_peek(parser, at);
    if (sign == T(PLUS) || sign == T(MINUS))
        at++;
    guint kind = hg_sql_peek(parser, at);
    if (kind != T(INTEGER_VALUE) && kind != T(DECIMAL_VALUE) && !hg_sql_is_string(parser, at))
        return 0;
    return is_unit(hg_sql_peek(parser, at + 1)) ? at + 2 - ahead : 0;
}

gboolean hg_sql_interval(HgSqlParser *parser)
{
    guint32 part = interval_part(parser, 1);
    if (part == 0)
        return FALSE;
    for (parser->at++; part > 0; part = interval_part(parser, 0)) {
        parser->at += part;
        if (hg_sql_at(parser, T(TO)) && is_unit(hg_sql_peek(parser, 1)))
            parser->at += 2;
    }
    return TRUE;
}

void hg_sql_case(HgSqlParser *parser)
{
    parser->at++;
    if (!hg_sql_at(parser, T(WHEN)))
        hg_sql_expression(parser);
    hg_sql_expect(parser, T(WHEN), "expected WHEN");
    do {
        hg_sql_expression(parser);
        hg_sql_expect(parser, T(THEN), "expected THEN");
        hg_sql_expression(parser);
    } while (hg_sql_eat(parser, T(WHEN)));
    if (hg_sql_eat(parser, T(ELSE)))
        hg_sql_expression(parser);
    hg_sql_expect(parser, T(END), "expected WHEN, ELSE or END");
}

/* A CASE expression, and not a column of that name. */
static gboolean is_case(const HgSqlParser *parser)
{
    guint next = hg_sql_peek(parser, 1);
    if (!hg_sql_at(parser, T(CASE)) || next == T(FROM) || next == T(AS))
        return FALSE;
    return next == T(WHEN) || hg_sql_is_expression(parser, 1);
}

/* (a, b) -> : how many tokens up to the arrow and with it; 0 when it isn't one. */
static guint32 lambda_head(const HgSqlParser *parser)
{
    guint32 ahead = 1;
    if (hg_sql_peek(parser, 1) == T(ARROW) && hg_sql_is_name(parser, 0))
        return 2;
    if (!hg_sql_at(parser, T(LEFT_PAREN)))
        return 0;
    for (; hg_sql_is_name(parser, ahead); ahead += 2) {
        guint behind = hg_sql_peek(parser, ahead + 1);
        if (behind == T(RIGHT_PAREN))
            return hg_sql_peek(parser, ahead + 2) == T(ARROW) ? ahead + 3 : 0;
        if (behind != T(COMMA))
            return 0;
    }
    return 0;
}

static void lambda(HgSqlParser *parser, guint32 head)
{
    HgSqlNode *node = hg_sql_open(parser, HG_SQL_NODE_LAMBDA);
    parser->at += head;
    hg_sql_expression(parser);
    hg_sql_close(parser, node);
}

/* What stands in parentheses: a query, or items. When another parenthesis comes first, only what
 * follows it tells which. */
static void group_content(HgSqlParser *parser, HgSqlNode *group)
{
    if (hg_sql_is_query(parser)) {
        group->kind = HG_SQL_NODE_QUERY;
        hg_sql_query_body(parser);
        return;
    }
    if (hg_sql_at(parser, T(LEFT_PAREN)) && lambda_head(parser) == 0) {
        gboolean query = hg_sql_parentheses(parser);
        if (query && (hg_sql_at(parser, T(RIGHT_PAREN)) || hg_sql_is_query_rest(parser))) {
            group->kind = HG_SQL_NODE_QUERY;
            hg_sql_query_rest(parser);
            return;
        }
        hg_sql_postfix(parser);
        hg_sql_expression_rest(parser);
    } else {
        hg_sql_expression(parser);
    }
    hg_sql_column_alias(parser);
    if (hg_sql_eat(parser, T(COMMA)))
        hg_sql_items(parser);
}

gboolean hg_sql_parentheses(HgSqlParser *parser)
{
    if (!hg_sql_enter(parser))
        return FALSE;
    HgSqlNode *group = hg_sql_open(parser, HG_SQL_NODE_GROUP);
    group->flags |= HG_SQL_FLAG_PARENTHESES;
    hg_sql_expect(parser, T(LEFT_PAREN), "expected (");
    if (!hg_sql_at(parser, T(RIGHT_PAREN)))
        group_content(parser, group);
    hg_sql_expect(parser, T(RIGHT_PAREN), "expected , or )");
    hg_sql_close(parser, group);
    hg_sql_leave(parser);
    return group->kind == HG_SQL_NODE_QUERY;
}

/* * or t.*, with 4.0's EXCEPT; `words` tokens stand in front of the star. */
static void star(HgSqlParser *parser, guint32 words)
{
    HgSqlNode *node = hg_sql_open(parser, HG_SQL_NODE_STAR);
    parser->at += words + 1;
    gboolean except = hg_sql_is_4(parser) && hg_sql_at_2(parser, T(EXCEPT), T(LEFT_PAREN));
    if (except) {
        parser->at++;
        if (hg_sql_is_word_list(parser))
            hg_sql_word_list(parser);
        else
            parser->at--; /* the set operator */
    }
    hg_sql_close(parser, node);
}

static void column(HgSqlParser *parser, guint32 words)
{
    HgSqlNode *node = hg_sql_open(parser, HG_SQL_NODE_COLUMN);
    parser->at += words;
    hg_sql_close(parser, node);
}

/* A column, a call, a star: what begins with a name. */
static void named(HgSqlParser *parser)
{
    guint32 words = 1;
    while (hg_sql_peek(parser, words) == T(DOT) && hg_sql_is_name(parser, words + 1))
        words += 2;
    guint next = hg_sql_peek(parser, words);
    if (next == T(LEFT_PAREN))
        hg_sql_call(parser, words);
    else if (next == T(DOT) && hg_sql_peek(parser, words + 1) == T(ASTERISK))
        star(parser, words + 1);
    else
        column(parser, words);
}

static void parameter(HgSqlParser *parser, guint32 words)
{
    HgSqlNode *node = hg_sql_open(parser, HG_SQL_NODE_PARAMETER);
    parser->at += words;
    hg_sql_close(parser, node);
}

/* A literal of one or more tokens; FALSE when none comes. */
static gboolean literal(HgSqlParser *parser)
{
    guint kind = hg_sql_peek(parser, 0), next = hg_sql_peek(parser, 1);
    if (kind >= T(BIGINT_LITERAL) && kind <= T(BIGDECIMAL_LITERAL)) {
        parser->at++;
        return TRUE;
    }
    if (hg_sql_is_string(parser, 0)) {
        while (hg_sql_is_string(parser, 0))
            parser->at++;
        return TRUE;
    }
    if (kind == T(INTERVAL) && hg_sql_interval(parser))
        return TRUE;
    if ((kind == T(NULL) || kind == T(TRUE) || kind == T(FALSE)) && next != T(DOT) &&
        next != T(LEFT_PAREN)) {
        parser->at++;
        return TRUE;
    }
    if (hg_sql_is_name(parser, 0) && hg_sql_is_string(parser, 1)) {
        parser->at += 2;
        return TRUE;
    }
    return FALSE;
}

/* Words that ANSI mode reserves, but that are operands of their own or names of functions. */
static gboolean is_reserved_operand(const HgSqlParser *parser)
{
    gboolean call = hg_sql_peek(parser, 1) == T(LEFT_PAREN);
    switch (hg_sql_peek(parser, 0)) {
    case T(CURRENT_DATE):
    case T(CURRENT_TIMESTAMP):
    case T(CURRENT_USER):
    case T(SESSION_USER):
    case T(USER):
        return TRUE;
    case T(LEFT):
    case T(RIGHT):
    case T(FILTER):
    case T(CAST):
    case T(PERCENTILE_CONT):
    case T(PERCENTILE_DISC):
        return call;
    default:
        return FALSE;
    }
}

static void read_operand(HgSqlParser *parser)
{
    guint kind = hg_sql_peek(parser, 0);
    guint32 head = lambda_head(parser);
    if (head > 0)
        lambda(parser, head);
    else if (kind == T(LEFT_PAREN))
        hg_sql_parentheses(parser);
    else if (is_case(parser))
        hg_sql_case(parser);
    else if (literal(parser))
        return;
    else if (hg_sql_is_name(parser, 0) || is_reserved_operand(parser))
        named(parser);
    else if (kind == T(ASTERISK))
        star(parser, 0);
    else if (kind == T(QUESTION))
        parameter(parser, 1);
    else if (kind == T(COLON) && hg_sql_is_name(parser, 1))
        parameter(parser, 2);
    else
        hg_sql_refuse(parser, kind == T(EOF) ? "the statement ends in an expression"
                                             : "expected an expression");
}

void hg_sql_postfix(HgSqlParser *parser)
{
    for (;;) {
        if (hg_sql_eat(parser, T(LEFT_BRACKET))) {
            hg_sql_expression(parser);
            hg_sql_expect(parser, T(RIGHT_BRACKET), "expected ]");
        } else if (hg_sql_at(parser, T(DOT)) && hg_sql_is_name(parser, 1)) {
            parser->at += 2;
        } else if (hg_sql_eat(parser, T(DOUBLE_COLON))) {
            hg_sql_type(parser);
        } else if (hg_sql_is_4(parser) && hg_sql_at(parser, T(COLLATE)) &&
                   hg_sql_is_name(parser, 1)) {
            parser->at++;
            hg_sql_path(parser, "expected a collation");
        } else {
            return;
        }
    }
}

void hg_sql_primary(HgSqlParser *parser)
{
    read_operand(parser);
    hg_sql_postfix(parser);
}
