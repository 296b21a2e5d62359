/* SHOW and DESCRIBE. See parser_private.h. */
#include "sql/parser_private.h"

/* FROM or IN and a name of this role, when they come. */
static void in_name(HgSqlParser *parser, HgSqlRole role)
{
    if (hg_sql_eat(parser, T(FROM)) || hg_sql_eat(parser, T(IN)))
        hg_sql_name(parser, role);
}

/* [LIKE] 'pattern', when it comes. */
static void pattern(HgSqlParser *parser)
{
    gboolean like = hg_sql_eat(parser, T(LIKE));
    if (hg_sql_is_string(parser, 0))
        parser->at++;
    else if (like)
        hg_sql_refuse(parser, "expected a pattern behind LIKE");
}

static void show_in(HgSqlParser *parser)
{
    in_name(parser, HG_SQL_ROLE_NAMESPACE);
    pattern(parser);
}

static void show_table(HgSqlParser *parser)
{
    hg_sql_expect(parser, T(EXTENDED), "expected EXTENDED");
    in_name(parser, HG_SQL_ROLE_NAMESPACE);
    hg_sql_expect(parser, T(LIKE), "expected LIKE");
    hg_sql_string(parser);
    hg_sql_partition(parser);
}

static void show_properties(HgSqlParser *parser)
{
    hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
    if (!hg_sql_eat(parser, T(LEFT_PAREN)))
        return;
    if (hg_sql_is_string(parser, 0))
        parser->at++;
    else
        hg_sql_path(parser, "expected a property");
    hg_sql_expect(parser, T(RIGHT_PAREN), "expected )");
}

static void show_columns(HgSqlParser *parser)
{
    if (!hg_sql_eat(parser, T(FROM)))
        hg_sql_expect(parser, T(IN), "expected FROM or IN");
    hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
    in_name(parser, HG_SQL_ROLE_NAMESPACE);
}

static void show_functions(HgSqlParser *parser)
{
    in_name(parser, HG_SQL_ROLE_NAMESPACE);
    gboolean like = hg_sql_at(parser, T(LIKE)) && hg_sql_peek(parser, 1) != T(EOF);
    if (like)
        parser->at++;
    if (hg_sql_is_string(parser, 0))
        parser->at++;
    else if (hg_sql_is_name(parser, 0))
        hg_sql_name(parser, HG_SQL_ROLE_FUNCTION);
    else if (like)
        hg_sql_refuse(parser, "expected a function or a pattern");
}

static void show_create(HgSqlParser *parser)
{
    hg_sql_expect(parser, T(TABLE), "expected TABLE");
    hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
    hg_sql_eat_2(parser, T(AS), T(SERDE));
}

static void show_current(HgSqlParser *parser)
{
    if (hg_sql_is_namespace(hg_sql_peek(parser, 0)))
        parser->at++;
    else
        hg_sql_refuse(parser, "expected DATABASE, SCHEMA or NAMESPACE");
}

HgSqlStatementKind hg_sql_show(HgSqlParser *parser)
{
    guint kind = hg_sql_peek(parser, 1);
    if (hg_sql_peek(parser, 2) == T(FUNCTIONS) && hg_sql_is_name(parser, 1)) {
        parser->at += 3;
        show_functions(parser);
        return HG_SQL_STATEMENT_SHOW;
    }
    parser->at += 2;
    if (hg_sql_is_namespaces(kind) || kind == T(TABLES) || kind == T(VIEWS))
        show_in(parser);
    else if (kind == T(TABLE))
        show_table(parser);
    else if (kind == T(TBLPROPERTIES))
        show_properties(parser);
    else if (kind == T(COLUMNS))
        show_columns(parser);
    else if (kind == T(FUNCTIONS))
        show_functions(parser);
    else if (kind == T(CREATE))
        show_create(parser);
    else if (kind == T(CURRENT))
        show_current(parser);
    else if (kind == T(CATALOGS))
        pattern(parser);
    else if (kind == T(PARTITIONS)) {
        hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
        hg_sql_partition(parser);
    } else {
        parser->at = MIN(parser->at - 1, parser->count);
        hg_sql_refuse(parser, "Spark can't show this");
    }
    return HG_SQL_STATEMENT_SHOW;
}

/* Behind DESCRIBE FUNCTION [EXTENDED]: a name, a string, or an operator. */
static void describe_function(HgSqlParser *parser)
{
    if (hg_sql_at(parser, T(EXTENDED)) && hg_sql_peek(parser, 1) != T(EOF) &&
        hg_sql_peek(parser, 1) != T(SEMICOLON) && hg_sql_peek(parser, 1) != T(DOT))
        parser->at++;
    if (hg_sql_is_name(parser, 0))
        hg_sql_name(parser, HG_SQL_ROLE_FUNCTION);
    else if (hg_sql_is_string(parser, 0) || hg_sql_at(parser, T(NOT)) || hg_sql_at(parser, T(BANG)))
        parser->at++;
    else if (hg_sql_peek(parser, 0) >= T(EQ) && hg_sql_peek(parser, 0) <= T(HAT))
        parser->at++;
    else
        hg_sql_refuse(parser, "expected a function");
}

static void describe_table(HgSqlParser *parser)
{
    if (hg_sql_at(parser, T(TABLE)) && hg_sql_is_name(parser, 1))
        parser->at++;
    if ((hg_sql_at(parser, T(EXTENDED)) || hg_sql_at(parser, T(FORMATTED))) &&
        hg_sql_is_name(parser, 1))
        parser->at++;
    hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
    hg_sql_partition(parser);
    if (hg_sql_is_name(parser, 0) && !hg_sql_at_2(parser, T(AS), T(JSON)))
        hg_sql_path(parser, "expected a column");
    if (hg_sql_is_4(parser))
        hg_sql_eat_2(parser, T(AS), T(JSON));
}

/* A word that says what is described, and not a table of that name. */
static gboolean is_describe_word(const HgSqlParser *parser)
{
    guint next = hg_sql_peek(parser, 1);
    return next != T(EOF) && next != T(SEMICOLON) && next != T(DOT);
}

HgSqlStatementKind hg_sql_describe(HgSqlParser *parser)
{
    parser->at++;
    gboolean word = is_describe_word(parser);
    if (hg_sql_at(parser, T(FUNCTION)) && word) {
        parser->at++;
        describe_function(parser);
    } else if (hg_sql_is_namespace(hg_sql_peek(parser, 0)) && word) {
        parser->at++;
        if (hg_sql_at(parser, T(EXTENDED)) && hg_sql_is_name(parser, 1))
            parser->at++;
        hg_sql_name(parser, HG_SQL_ROLE_NAMESPACE);
    } else if (hg_sql_at(parser, T(LEFT_PAREN)) ||
               (hg_sql_is_query(parser) && !hg_sql_at(parser, T(TABLE)))) {
        hg_sql_query(parser);
    } else if (hg_sql_at(parser, T(QUERY)) && word) {
        parser->at++;
        if (hg_sql_is_query(parser) || hg_sql_at(parser, T(LEFT_PAREN))) {
            hg_sql_query(parser);
        } else {
            parser->at--;
            describe_table(parser);
        }
    } else {
        describe_table(parser);
    }
    return HG_SQL_STATEMENT_DESCRIBE;
}
