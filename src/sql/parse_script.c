/* Scripts of Spark 4.0: BEGIN ... END, with what may stand inside. See parser_private.h. */
#include "sql/parser_private.h"

static void body(HgSqlParser *parser);

/* The words that end a body. */
static gboolean is_body_end(const HgSqlParser *parser)
{
    switch (hg_sql_peek(parser, 0)) {
    case T(EOF):
    case T(END):
    case T(ELSE):
    case T(ELSEIF):
    case T(UNTIL):
    case T(WHEN):
        return TRUE;
    default:
        return FALSE;
    }
}

/* END WHILE and its kind, with a label maybe. */
static void end(HgSqlParser *parser, guint word)
{
    hg_sql_expect(parser, T(END), "expected END");
    hg_sql_expect(parser, word, "END doesn't fit what it ends");
    if (hg_sql_is_name(parser, 0))
        hg_sql_path(parser, "expected a label");
}

static void block(HgSqlParser *parser)
{
    parser->at++;
    if (hg_sql_at_2(parser, T(NOT), T(ATOMIC)))
        parser->at += 2;
    body(parser);
    hg_sql_expect(parser, T(END), "expected END");
    if (hg_sql_is_name(parser, 0))
        hg_sql_path(parser, "expected a label");
}

static void if_else(HgSqlParser *parser)
{
    do {
        parser->at++; /* IF or ELSEIF */
        hg_sql_expression(parser);
        hg_sql_expect(parser, T(THEN), "expected THEN");
        body(parser);
    } while (hg_sql_at(parser, T(ELSEIF)));
    if (hg_sql_eat(parser, T(ELSE)))
        body(parser);
    end(parser, T(IF));
}

static void case_statement(HgSqlParser *parser)
{
    parser->at++;
    if (!hg_sql_at(parser, T(WHEN)))
        hg_sql_expression(parser);
    while (hg_sql_eat(parser, T(WHEN))) {
        hg_sql_expression(parser);
        hg_sql_expect(parser, T(THEN), "expected THEN");
        body(parser);
    }
    if (hg_sql_eat(parser, T(ELSE)))
        body(parser);
    end(parser, T(CASE));
}

static void while_loop(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_expression(parser);
    hg_sql_expect(parser, T(DO), "expected DO");
    body(parser);
    end(parser, T(WHILE));
}

static void repeat_loop(HgSqlParser *parser)
{
    parser->at++;
    body(parser);
    hg_sql_expect(parser, T(UNTIL), "expected UNTIL");
    hg_sql_expression(parser);
    end(parser, T(REPEAT));
}

static void for_loop(HgSqlParser *parser)
{
    parser->at++;
    if (hg_sql_is_name(parser, 0) && hg_sql_peek(parser, 1) == T(AS))
        parser->at += 2;
    hg_sql_query(parser);
    hg_sql_expect(parser, T(DO), "expected DO");
    body(parser);
    end(parser, T(FOR));
}

static void plain_loop(HgSqlParser *parser)
{
    parser->at++;
    body(parser);
    end(parser, T(LOOP));
}

static void statement(HgSqlParser *parser);

/* DECLARE x CONDITION ..., DECLARE EXIT HANDLER FOR ...; FALSE for a variable. */
static gboolean declare(HgSqlParser *parser)
{
    guint kind = hg_sql_peek(parser, 1), next = hg_sql_peek(parser, 2);
    if ((kind == T(CONTINUE) || kind == T(EXIT)) && next == T(HANDLER)) {
        parser->at += 3;
        hg_sql_expect(parser, T(FOR), "expected FOR");
        do {
            if (hg_sql_eat(parser, T(SQLSTATE))) {
                hg_sql_eat(parser, T(VALUE));
                hg_sql_string(parser);
            } else if (!hg_sql_eat_2(parser, T(NOT), T(FOUND))) {
                hg_sql_path(parser, "expected a condition");
            }
        } while (hg_sql_eat(parser, T(COMMA)));
        statement(parser);
        return TRUE;
    }
    if (!hg_sql_is_name(parser, 1) || next != T(CONDITION))
        return FALSE;
    parser->at += 3;
    if (hg_sql_eat_2(parser, T(FOR), T(SQLSTATE))) {
        hg_sql_eat(parser, T(VALUE));
        hg_sql_string(parser);
    }
    return TRUE;
}

static void statement(HgSqlParser *parser)
{
    if (hg_sql_is_name(parser, 0) && hg_sql_peek(parser, 1) == T(COLON))
        parser->at += 2; /* a label */
    guint kind = hg_sql_peek(parser, 0);
    if (kind == T(BEGIN))
        block(parser);
    else if (kind == T(IF))
        if_else(parser);
    else if (kind == T(CASE))
        case_statement(parser);
    else if (kind == T(WHILE))
        while_loop(parser);
    else if (kind == T(REPEAT))
        repeat_loop(parser);
    else if (kind == T(FOR))
        for_loop(parser);
    else if (kind == T(LOOP))
        plain_loop(parser);
    else if (kind == T(LEAVE) || kind == T(ITERATE)) {
        parser->at++;
        hg_sql_path(parser, "expected a label");
    } else if (kind != T(DECLARE) || !declare(parser))
        hg_sql_statement(parser);
}

static void body(HgSqlParser *parser)
{
    if (!hg_sql_enter(parser))
        return;
    while (!is_body_end(parser)) {
        statement(parser);
        hg_sql_expect(parser, T(SEMICOLON), "expected ; behind a statement of a script");
    }
    hg_sql_leave(parser);
}

HgSqlStatementKind hg_sql_script(HgSqlParser *parser)
{
    parser->in_script = TRUE;
    block(parser);
    return HG_SQL_STATEMENT_SCRIPT;
}
