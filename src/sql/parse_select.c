/* SELECT, TRANSFORM, MAP and REDUCE with the clauses behind them. See parser_private.h. */
#include "sql/parser_private.h"

/* One hint: a name, maybe with arguments. */
static void hint_statement(HgSqlParser *parser)
{
    hg_sql_word(parser, "expected a hint");
    if (hg_sql_at(parser, T(LEFT_PAREN)))
        hg_sql_arguments(parser, T(EOF), FALSE);
}

static void hints(HgSqlParser *parser)
{
    while (hg_sql_at(parser, T(HENT_START))) {
        HgSqlNode *hint = hg_sql_open(parser, HG_SQL_NODE_HINT);
        parser->at++;
        do {
            hint_statement(parser);
            hg_sql_eat(parser, T(COMMA));
        } while (hg_sql_is_name(parser, 0));
        hg_sql_expect(parser, T(HENT_END), "expected */ behind a hint");
        hg_sql_close(parser, hint);
    }
}

static void quantifier(HgSqlParser *parser)
{
    guint kind = hg_sql_peek(parser, 0);
    if ((kind == T(DISTINCT) || kind == T(ALL)) && hg_sql_is_expression(parser, 1))
        parser->at++;
}

/* SELECT TRANSFORM(...) runs a script when USING or a row format follows; otherwise it is a
 * function. */
static gboolean is_transform(const HgSqlParser *parser)
{
    guint32 depth = 0, ahead = 2;
    if (!hg_sql_at_3(parser, T(SELECT), T(TRANSFORM), T(LEFT_PAREN)))
        return FALSE;
    for (;; ahead++) {
        guint kind = hg_sql_peek(parser, ahead);
        if (kind == T(EOF))
            return FALSE;
        if (kind == T(LEFT_PAREN))
            depth++;
        else if (kind == T(RIGHT_PAREN) && --depth == 0)
            break;
    }
    guint next = hg_sql_peek(parser, ahead + 1);
    return (next == T(USING) && hg_sql_is_string(parser, ahead + 2)) ||
           (next == T(RECORDWRITER) && hg_sql_is_string(parser, ahead + 2)) ||
           (next == T(ROW) && hg_sql_peek(parser, ahead + 2) == T(FORMAT));
}

/* name [type], ...: what a script puts out. */
static void script_columns(HgSqlParser *parser)
{
    do {
        hg_sql_word(parser, "expected a column");
        guint next = hg_sql_peek(parser, 0);
        if (next != T(COMMA) && next != T(RIGHT_PAREN) && hg_sql_is_name(parser, 0) &&
            !hg_sql_is_clause(parser) && next != T(ROW) && next != T(RECORDREADER)) {
            hg_sql_type(parser);
            if (!hg_sql_eat_2(parser, T(NOT), T(NULL)))
                hg_sql_eat_2(parser, T(BANG), T(NULL));
            if (hg_sql_eat(parser, T(COMMENT)))
                hg_sql_string(parser);
        }
    } while (hg_sql_eat(parser, T(COMMA)));
}

static void script_output(HgSqlParser *parser)
{
    if (!hg_sql_eat(parser, T(AS)))
        return;
    gboolean list = hg_sql_eat(parser, T(LEFT_PAREN));
    script_columns(parser);
    if (list)
        hg_sql_expect(parser, T(RIGHT_PAREN), "expected )");
}

static void transform(HgSqlParser *parser)
{
    HgSqlNode *node = hg_sql_open(parser, HG_SQL_NODE_TRANSFORM);
    gboolean list = hg_sql_eat(parser, T(SELECT));
    parser->at++; /* TRANSFORM, MAP or REDUCE */
    if (list)
        hg_sql_expect(parser, T(LEFT_PAREN), "expected (");
    quantifier(parser);
    hg_sql_expressions(parser);
    if (list)
        hg_sql_expect(parser, T(RIGHT_PAREN), "expected )");
    hg_sql_row_format(parser);
    if (hg_sql_eat(parser, T(RECORDWRITER)))
        hg_sql_string(parser);
    hg_sql_expect(parser, T(USING), "expected USING and a script");
    hg_sql_string(parser);
    script_output(parser);
    hg_sql_row_format(parser);
    if (hg_sql_eat(parser, T(RECORDREADER)))
        hg_sql_string(parser);
    hg_sql_close(parser, node);
}

void hg_sql_where(HgSqlParser *parser)
{
    if (!hg_sql_at(parser, T(WHERE)))
        return;
    HgSqlNode *clause = hg_sql_open(parser, HG_SQL_NODE_CLAUSE);
    parser->at++;
    hg_sql_expression(parser);
    hg_sql_close(parser, clause);
}

/* One of GROUP BY's list: also CUBE, ROLLUP and GROUPING SETS, which nest. */
static void grouping(HgSqlParser *parser)
{
    guint kind = hg_sql_peek(parser, 0);
    if (!hg_sql_enter(parser))
        return;
    if (hg_sql_at_3(parser, T(GROUPING), T(SETS), T(LEFT_PAREN))) {
        parser->at += 2;
        hg_sql_list(parser, grouping);
    } else if ((kind == T(CUBE) || kind == T(ROLLUP)) && hg_sql_peek(parser, 1) == T(LEFT_PAREN)) {
        parser->at++;
        hg_sql_list(parser, grouping);
    } else {
        hg_sql_expression(parser);
        if (hg_sql_is_4(parser))
            hg_sql_column_alias(parser);
    }
    hg_sql_leave(parser);
}

void hg_sql_aggregation(HgSqlParser *parser)
{
    if (!hg_sql_at_2(parser, T(GROUP), T(BY)))
        return;
    HgSqlNode *clause = hg_sql_open(parser, HG_SQL_NODE_CLAUSE);
    parser->at += 2;
    do {
        grouping(parser);
    } while (hg_sql_eat(parser, T(COMMA)));
    if (!hg_sql_eat_2(parser, T(WITH), T(ROLLUP)) && !hg_sql_eat_2(parser, T(WITH), T(CUBE)) &&
        hg_sql_at_2(parser, T(GROUPING), T(SETS)))
        grouping(parser);
    hg_sql_close(parser, clause);
}

static void having(HgSqlParser *parser)
{
    if (!hg_sql_at(parser, T(HAVING)))
        return;
    HgSqlNode *clause = hg_sql_open(parser, HG_SQL_NODE_CLAUSE);
    parser->at++;
    hg_sql_expression(parser);
    hg_sql_close(parser, clause);
}

void hg_sql_window_clause(HgSqlParser *parser)
{
    if (!hg_sql_at(parser, T(WINDOW)) || !hg_sql_is_clause(parser))
        return;
    HgSqlNode *clause = hg_sql_open(parser, HG_SQL_NODE_CLAUSE);
    parser->at++;
    do {
        hg_sql_word(parser, "expected a window's name");
        hg_sql_expect(parser, T(AS), "expected AS");
        hg_sql_window(parser);
    } while (hg_sql_eat(parser, T(COMMA)));
    hg_sql_close(parser, clause);
}

void hg_sql_select(HgSqlParser *parser, gboolean from_allowed)
{
    HgSqlNode *select = hg_sql_open(parser, HG_SQL_NODE_SELECT);
    if (!hg_sql_at(parser, T(SELECT)) || is_transform(parser)) {
        transform(parser);
    } else {
        parser->at++;
        hints(parser);
        quantifier(parser);
        hg_sql_items(parser);
    }
    if (from_allowed && hg_sql_at(parser, T(FROM)))
        hg_sql_from(parser);
    hg_sql_lateral_views(parser);
    hg_sql_where(parser);
    hg_sql_aggregation(parser);
    having(parser);
    hg_sql_window_clause(parser);
    hg_sql_close(parser, select);
}
