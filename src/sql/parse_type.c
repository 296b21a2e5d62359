/* Types, columns, properties and constants: what DDL is made of. See parser_private.h. */
#include "sql/parser_private.h"

static void complex_column(HgSqlParser *parser)
{
    hg_sql_word(parser, "expected a field's name");
    hg_sql_eat(parser, T(COLON));
    hg_sql_type(parser);
    if (hg_sql_at_2(parser, T(NOT), T(NULL)) || hg_sql_at_2(parser, T(BANG), T(NULL)))
        parser->at += 2;
    if (hg_sql_eat(parser, T(COMMENT)))
        hg_sql_string(parser);
}

/* < type, ... >, where a struct's members have names; <> is one token. */
static void type_arguments(HgSqlParser *parser, gboolean named)
{
    hg_sql_expect(parser, T(LT), "expected <");
    if (named && hg_sql_eat(parser, T(GT)))
        return;
    do {
        if (named)
            complex_column(parser);
        else
            hg_sql_type(parser);
    } while (hg_sql_eat(parser, T(COMMA)));
    hg_sql_expect(parser, T(GT), "expected >");
}

static void number_in_list(HgSqlParser *parser)
{
    hg_sql_expect(parser, T(INTEGER_VALUE), "expected a number");
}

/* INTERVAL YEAR TO MONTH, INTERVAL DAY. */
static void interval_type(HgSqlParser *parser)
{
    parser->at += 2;
    if (hg_sql_eat(parser, T(TO)))
        hg_sql_word(parser, "expected a unit");
}

static gboolean is_interval_type(const HgSqlParser *parser)
{
    if (!hg_sql_at(parser, T(INTERVAL)))
        return FALSE;
    switch (hg_sql_peek(parser, 1)) {
    case T(YEAR):
    case T(MONTH):
    case T(DAY):
    case T(HOUR):
    case T(MINUTE):
    case T(SECOND):
        return TRUE;
    default:
        return FALSE;
    }
}

void hg_sql_type(HgSqlParser *parser)
{
    if (!hg_sql_enter(parser))
        return;
    guint kind = hg_sql_peek(parser, 0), next = hg_sql_peek(parser, 1);
    if (is_interval_type(parser)) {
        interval_type(parser);
    } else if ((kind == T(ARRAY) || kind == T(MAP) || kind == T(STRUCT)) && next == T(LT)) {
        parser->at++;
        type_arguments(parser, kind == T(STRUCT));
    } else if (kind == T(STRUCT) && next == T(NEQ)) {
        parser->at += 2;
    } else {
        hg_sql_word(parser, "expected a type");
        if (hg_sql_at_2(parser, T(LEFT_PAREN), T(INTEGER_VALUE)))
            hg_sql_list(parser, number_in_list);
        if (hg_sql_is_4(parser) && kind == T(STRING) && hg_sql_eat(parser, T(COLLATE)))
            hg_sql_path(parser, "expected a collation");
    }
    hg_sql_leave(parser);
}

static void identity(HgSqlParser *parser)
{
    if (!hg_sql_eat(parser, T(LEFT_PAREN)))
        return;
    while (hg_sql_eat_2(parser, T(START), T(WITH)) || hg_sql_eat_2(parser, T(INCREMENT), T(BY))) {
        hg_sql_eat(parser, T(MINUS));
        if (!hg_sql_eat(parser, T(INTEGER_VALUE)))
            hg_sql_expect(parser, T(BIGINT_LITERAL), "expected a number");
    }
    hg_sql_expect(parser, T(RIGHT_PAREN), "expected )");
}

/* GENERATED ALWAYS AS (expression), GENERATED ... AS IDENTITY. */
static void generation(HgSqlParser *parser)
{
    if (!hg_sql_eat_2(parser, T(BY), T(DEFAULT)))
        hg_sql_expect(parser, T(ALWAYS), "expected ALWAYS or BY DEFAULT");
    hg_sql_expect(parser, T(AS), "expected AS");
    if (hg_sql_is_4(parser) && hg_sql_eat(parser, T(IDENTITY)))
        identity(parser);
    else
        hg_sql_parentheses(parser);
}

/* What may stand behind a column's type, in any order. */
static gboolean column_option(HgSqlParser *parser)
{
    if (hg_sql_eat_2(parser, T(NOT), T(NULL)) || hg_sql_eat_2(parser, T(BANG), T(NULL)))
        return TRUE;
    if (hg_sql_eat(parser, T(DEFAULT)))
        hg_sql_expression(parser);
    else if (hg_sql_eat(parser, T(COMMENT)))
        hg_sql_string(parser);
    else if (hg_sql_eat(parser, T(GENERATED)))
        generation(parser);
    else if (hg_sql_eat(parser, T(AFTER)))
        hg_sql_word(parser, "expected a column");
    else
        return hg_sql_eat(parser, T(FIRST));
    return TRUE;
}

void hg_sql_columns(HgSqlParser *parser)
{
    do {
        hg_sql_path(parser, "expected a column's name");
        hg_sql_eat(parser, T(COLON)); /* as in Hive */
        hg_sql_type(parser);
        while (column_option(parser))
            continue;
    } while (hg_sql_eat(parser, T(COMMA)));
}

static void property_key(HgSqlParser *parser)
{
    if (hg_sql_is_string(parser, 0))
        parser->at++;
    else
        hg_sql_path(parser, "expected a property's key");
}

static void property(HgSqlParser *parser)
{
    property_key(parser);
    gboolean value = hg_sql_eat(parser, T(EQ));
    guint kind = hg_sql_peek(parser, 0);
    if (kind == T(INTEGER_VALUE) || kind == T(DECIMAL_VALUE) || kind == T(TRUE) ||
        kind == T(FALSE) || hg_sql_is_string(parser, 0))
        parser->at++;
    else if (value)
        hg_sql_refuse(parser, "expected a number, TRUE, FALSE or a string");
}

void hg_sql_properties(HgSqlParser *parser)
{
    hg_sql_list(parser, property);
}

static void expression_property(HgSqlParser *parser)
{
    property_key(parser);
    if (hg_sql_eat(parser, T(EQ)) || hg_sql_is_expression(parser, 0))
        hg_sql_expression(parser);
}

void hg_sql_expression_properties(HgSqlParser *parser)
{
    hg_sql_list(parser, expression_property);
}

void hg_sql_constant(HgSqlParser *parser)
{
    hg_sql_eat(parser, T(MINUS));
    guint kind = hg_sql_peek(parser, 0);
    if (kind == T(INTERVAL) && hg_sql_interval(parser))
        return;
    if (hg_sql_is_name(parser, 0) && hg_sql_is_string(parser, 1)) {
        parser->at += 2;
    } else if (hg_sql_is_string(parser, 0)) {
        while (hg_sql_is_string(parser, 0))
            parser->at++;
    } else if (kind == T(COLON) && hg_sql_is_name(parser, 1)) {
        parser->at += 2;
    } else if (kind == T(NULL) || kind == T(TRUE) || kind == T(FALSE) || kind == T(QUESTION) ||
               kind == T(DEFAULT) || (kind >= T(BIGINT_LITERAL) && kind <= T(BIGDECIMAL_LITERAL))) {
        parser->at++;
    } else {
        hg_sql_refuse(parser, "expected a constant");
    }
}

static void partition_value(HgSqlParser *parser)
{
    hg_sql_word(parser, "expected a partition column");
    if (hg_sql_eat(parser, T(EQ)))
        hg_sql_constant(parser);
}

void hg_sql_partition(HgSqlParser *parser)
{
    if (hg_sql_eat(parser, T(PARTITION)))
        hg_sql_list(parser, partition_value);
}
