/* CREATE FUNCTION, session variables, EXECUTE IMMEDIATE, SET and RESET. See parser_private.h. */
#include "sql/parser_private.h"

/* What may stand between a SQL function's parameters and its body (4.0). */
static gboolean characteristic(HgSqlParser *parser)
{
    if (hg_sql_eat(parser, T(LANGUAGE)) || hg_sql_eat(parser, T(SPECIFIC)))
        hg_sql_word(parser, "expected a name");
    else if (hg_sql_eat(parser, T(COMMENT)))
        hg_sql_string(parser);
    else if (hg_sql_at_2(parser, T(NOT), T(DETERMINISTIC)) ||
             hg_sql_at_2(parser, T(BANG), T(DETERMINISTIC)) || hg_sql_at_2(parser, T(NO), T(SQL)) ||
             hg_sql_at_2(parser, T(CONTAINS), T(SQL)))
        parser->at += 2;
    else if (hg_sql_at_3(parser, T(READS), T(SQL), T(DATA)) ||
             hg_sql_at_3(parser, T(MODIFIES), T(SQL), T(DATA)) ||
             hg_sql_at_3(parser, T(SQL), T(SECURITY), T(INVOKER)) ||
             hg_sql_at_3(parser, T(SQL), T(SECURITY), T(DEFINER)))
        parser->at += 3;
    else if (hg_sql_at_3(parser, T(RETURNS), T(NULL), T(ON)))
        parser->at += 5;
    else if (hg_sql_at_3(parser, T(CALLED), T(ON), T(NULL)))
        parser->at += 4;
    else
        return hg_sql_eat(parser, T(DETERMINISTIC));
    return TRUE;
}

static void parameters(HgSqlParser *parser)
{
    hg_sql_expect(parser, T(LEFT_PAREN), "expected (");
    if (!hg_sql_at(parser, T(RIGHT_PAREN)))
        hg_sql_columns(parser);
    hg_sql_expect(parser, T(RIGHT_PAREN), "expected , or )");
}

/* (parameters) RETURNS ... RETURN body (4.0). */
static void sql_function(HgSqlParser *parser)
{
    parameters(parser);
    if (hg_sql_at(parser, T(RETURNS)) && hg_sql_peek(parser, 1) != T(NULL)) {
        parser->at++;
        if (hg_sql_eat_2(parser, T(TABLE), T(LEFT_PAREN))) {
            parser->at--;
            parameters(parser);
        } else {
            hg_sql_type(parser);
        }
    }
    while (characteristic(parser))
        continue;
    hg_sql_expect(parser, T(RETURN), "expected RETURN and the function's body");
    if (hg_sql_is_query(parser))
        hg_sql_query(parser);
    else
        hg_sql_expression(parser);
}

static void resource(HgSqlParser *parser)
{
    hg_sql_word(parser, "expected JAR, FILE or ARCHIVE");
    hg_sql_string(parser);
}

HgSqlStatementKind hg_sql_create_function(HgSqlParser *parser, gboolean temporary)
{
    hg_sql_eat_if_not_exists(parser);
    hg_sql_name(parser, HG_SQL_ROLE_FUNCTION);
    if (hg_sql_is_4(parser) && hg_sql_at(parser, T(LEFT_PAREN))) {
        sql_function(parser);
    } else {
        hg_sql_expect(parser, T(AS), "expected AS and a class");
        hg_sql_string(parser);
        if (hg_sql_eat(parser, T(USING))) {
            hg_sql_flag(parser, HG_SQL_FLAG_PATH);
            do {
                resource(parser);
            } while (hg_sql_eat(parser, T(COMMA)));
        }
    }
    return temporary ? HG_SQL_STATEMENT_CREATE_TEMPORARY_FUNCTION
                     : HG_SQL_STATEMENT_CREATE_FUNCTION;
}

HgSqlStatementKind hg_sql_declare(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_eat_2(parser, T(OR), T(REPLACE));
    if ((hg_sql_at(parser, T(VARIABLE)) || hg_sql_at(parser, T(VAR))) &&
        hg_sql_is_name(parser, 1) && hg_sql_peek(parser, 1) != T(DEFAULT))
        parser->at++;
    hg_sql_name(parser, HG_SQL_ROLE_VARIABLE);
    if (!hg_sql_at(parser, T(DEFAULT)) && !hg_sql_at(parser, T(EQ)) && hg_sql_is_name(parser, 0))
        hg_sql_type(parser);
    if (hg_sql_eat(parser, T(DEFAULT)) || hg_sql_eat(parser, T(EQ)))
        hg_sql_expression(parser);
    return HG_SQL_STATEMENT_DECLARE_VARIABLE;
}

static void variables(HgSqlParser *parser)
{
    do {
        hg_sql_name(parser, HG_SQL_ROLE_VARIABLE);
    } while (hg_sql_eat(parser, T(COMMA)));
}

HgSqlStatementKind hg_sql_execute_immediate(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_expect(parser, T(IMMEDIATE), "expected IMMEDIATE");
    if (hg_sql_is_string(parser, 0))
        parser->at++;
    else
        hg_sql_name(parser, HG_SQL_ROLE_VARIABLE);
    if (hg_sql_eat(parser, T(INTO)))
        variables(parser);
    if (hg_sql_eat(parser, T(USING))) {
        HgSqlParser inner = *parser;
        inner.at++;
        gboolean list = !hg_sql_is_query(&inner) && hg_sql_eat(parser, T(LEFT_PAREN));
        hg_sql_items(parser);
        if (list)
            hg_sql_expect(parser, T(RIGHT_PAREN), "expected )");
    }
    return HG_SQL_STATEMENT_EXECUTE_IMMEDIATE;
}

/* (a, b) = (query), or a = expression, ...: SET of variables (4.0). */
static void set_variables(HgSqlParser *parser)
{
    if (!hg_sql_at(parser, T(LEFT_PAREN))) {
        hg_sql_assignments(parser);
        return;
    }
    hg_sql_word_list(parser);
    hg_sql_expect(parser, T(EQ), "expected =");
    hg_sql_query_in_parentheses(parser);
}

/* TRUE when SET is followed by an assignment to variables. */
static gboolean is_variable_assignment(const HgSqlParser *parser)
{
    guint kind = hg_sql_peek(parser, 0);
    if (!hg_sql_is_4(parser))
        return FALSE;
    if (kind == T(VARIABLE) || kind == T(VAR))
        return hg_sql_is_name(parser, 1) || hg_sql_peek(parser, 1) == T(LEFT_PAREN);
    return FALSE;
}

HgSqlStatementKind hg_sql_set(HgSqlParser *parser)
{
    if (hg_sql_eat(parser, T(RESET))) {
        hg_sql_skip_rest(parser);
        return HG_SQL_STATEMENT_RESET;
    }
    parser->at++;
    if (hg_sql_at(parser, T(CATALOG)) &&
        (hg_sql_is_name(parser, 1) || hg_sql_is_string(parser, 1)) &&
        hg_sql_peek(parser, 2) != T(EQ) && hg_sql_peek(parser, 2) != T(DOT)) {
        parser->at++;
        if (hg_sql_is_string(parser, 0))
            parser->at++;
        else
            hg_sql_name(parser, HG_SQL_ROLE_NAMESPACE);
        return HG_SQL_STATEMENT_USE;
    }
    if (is_variable_assignment(parser)) {
        parser->at++;
        set_variables(parser);
        return HG_SQL_STATEMENT_SET_VARIABLE;
    }
    if (parser->in_script) {
        set_variables(parser);
        return HG_SQL_STATEMENT_SET_VARIABLE;
    }
    if (hg_sql_at(parser, T(ROLE)) && hg_sql_is_name(parser, 1))
        hg_sql_refuse(parser, "Spark has no roles");
    hg_sql_skip_rest(parser);
    return HG_SQL_STATEMENT_SET;
}
