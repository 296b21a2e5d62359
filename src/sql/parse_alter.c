/* ALTER and DROP. See parser_private.h. */
#include "sql/parser_private.h"

/* TBLPROPERTIES and other lists of keys: SET ... */
static void set_something(HgSqlParser *parser)
{
    if (hg_sql_eat(parser, T(TBLPROPERTIES)) || hg_sql_eat(parser, T(SERDEPROPERTIES)) ||
        hg_sql_eat(parser, T(DBPROPERTIES)) || hg_sql_eat(parser, T(PROPERTIES))) {
        hg_sql_properties(parser);
    } else if (hg_sql_eat(parser, T(LOCATION))) {
        hg_sql_string(parser);
        hg_sql_flag(parser, HG_SQL_FLAG_PATH);
    } else if (hg_sql_eat(parser, T(SERDE))) {
        hg_sql_string(parser);
        if (hg_sql_eat_2(parser, T(WITH), T(SERDEPROPERTIES)))
            hg_sql_properties(parser);
    } else {
        hg_sql_refuse(parser, "this can't be set");
    }
}

static void unset_something(HgSqlParser *parser)
{
    if (!hg_sql_eat(parser, T(TBLPROPERTIES)) && !hg_sql_eat(parser, T(DBPROPERTIES)) &&
        !hg_sql_eat(parser, T(PROPERTIES)))
        hg_sql_refuse(parser, "this can't be unset");
    hg_sql_eat_if_exists(parser);
    hg_sql_properties(parser);
}

static void partitions(HgSqlParser *parser, gboolean locations)
{
    while (hg_sql_at(parser, T(PARTITION))) {
        hg_sql_partition(parser);
        if (locations && hg_sql_eat(parser, T(LOCATION))) {
            hg_sql_string(parser);
            hg_sql_flag(parser, HG_SQL_FLAG_PATH);
        }
        if (!locations && !hg_sql_eat(parser, T(COMMA)))
            break;
    }
}

static gboolean eat_columns_word(HgSqlParser *parser)
{
    return hg_sql_eat(parser, T(COLUMN)) || hg_sql_eat(parser, T(COLUMNS));
}

static void columns_maybe_in_parentheses(HgSqlParser *parser)
{
    gboolean list = hg_sql_eat(parser, T(LEFT_PAREN));
    hg_sql_columns(parser);
    if (list)
        hg_sql_expect(parser, T(RIGHT_PAREN), "expected , or )");
}

static void add(HgSqlParser *parser)
{
    if (eat_columns_word(parser)) {
        columns_maybe_in_parentheses(parser);
        return;
    }
    hg_sql_eat_if_not_exists(parser);
    if (!hg_sql_at(parser, T(PARTITION)))
        hg_sql_refuse(parser, "expected COLUMNS or PARTITION");
    partitions(parser, TRUE);
}

static void drop(HgSqlParser *parser)
{
    gboolean columns = eat_columns_word(parser);
    hg_sql_eat_if_exists(parser);
    if (columns) {
        gboolean list = hg_sql_eat(parser, T(LEFT_PAREN));
        do {
            hg_sql_path(parser, "expected a column");
        } while (hg_sql_eat(parser, T(COMMA)));
        if (list)
            hg_sql_expect(parser, T(RIGHT_PAREN), "expected )");
        return;
    }
    if (!hg_sql_at(parser, T(PARTITION)))
        hg_sql_refuse(parser, "expected COLUMNS or PARTITION");
    partitions(parser, FALSE);
    hg_sql_eat(parser, T(PURGE));
}

static void rename_to(HgSqlParser *parser)
{
    if (hg_sql_eat(parser, T(COLUMN))) {
        hg_sql_path(parser, "expected a column");
        hg_sql_expect(parser, T(TO), "expected TO");
        hg_sql_word(parser, "expected a column");
        return;
    }
    hg_sql_expect(parser, T(TO), "expected TO");
    if (hg_sql_at(parser, T(PARTITION)) && hg_sql_peek(parser, 1) == T(LEFT_PAREN))
        hg_sql_partition(parser);
    else
        hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
}

/* What CHANGE does with one column; Hive's form repeats the name and gives the type. */
static void column_action(HgSqlParser *parser)
{
    if (hg_sql_eat(parser, T(TYPE))) {
        hg_sql_type(parser);
    } else if (hg_sql_at(parser, T(COMMENT)) && hg_sql_is_string(parser, 1)) {
        parser->at += 2;
    } else if (hg_sql_eat(parser, T(FIRST))) {
        return;
    } else if (hg_sql_eat(parser, T(AFTER))) {
        hg_sql_word(parser, "expected a column");
    } else if (hg_sql_eat(parser, T(SET)) || hg_sql_eat(parser, T(DROP))) {
        if (hg_sql_eat(parser, T(DEFAULT))) {
            if (hg_sql_is_expression(parser, 0))
                hg_sql_expression(parser);
            return;
        }
        if (!hg_sql_eat(parser, T(NOT)))
            hg_sql_eat(parser, T(BANG));
        hg_sql_expect(parser, T(NULL), "expected NULL or DEFAULT");
    } else if (hg_sql_is_name(parser, 0)) {
        hg_sql_columns(parser);
    }
}

static void change(HgSqlParser *parser)
{
    if (hg_sql_at(parser, T(COLUMN)) && hg_sql_is_name(parser, 1))
        parser->at++;
    do {
        hg_sql_path(parser, "expected a column");
        column_action(parser);
    } while (hg_sql_eat(parser, T(COMMA)));
}

/* ALTER TABLE name [PARTITION (...)] ... */
static void table_action(HgSqlParser *parser)
{
    hg_sql_partition(parser);
    if (hg_sql_eat(parser, T(ADD)))
        add(parser);
    else if (hg_sql_eat(parser, T(DROP)))
        drop(parser);
    else if (hg_sql_eat(parser, T(RENAME)))
        rename_to(parser);
    else if (hg_sql_eat(parser, T(SET)))
        set_something(parser);
    else if (hg_sql_eat(parser, T(UNSET)))
        unset_something(parser);
    else if (hg_sql_eat(parser, T(ALTER)) || hg_sql_eat(parser, T(CHANGE)))
        change(parser);
    else if (hg_sql_eat_2(parser, T(REPLACE), T(COLUMNS)))
        columns_maybe_in_parentheses(parser);
    else if (hg_sql_eat_2(parser, T(RECOVER), T(PARTITIONS)))
        return;
    else if (hg_sql_is_4(parser) && hg_sql_eat_2(parser, T(CLUSTER), T(BY))) {
        if (!hg_sql_eat(parser, T(NONE)))
            hg_sql_word_list(parser);
    } else if (hg_sql_is_4(parser) && hg_sql_eat_2(parser, T(DEFAULT), T(COLLATION)))
        hg_sql_word(parser, "expected a collation");
    else
        hg_sql_refuse(parser, "this change of a table isn't known");
}

/* ALTER VIEW name: AS query, or what it has in common with tables. */
static void view_action(HgSqlParser *parser)
{
    if (hg_sql_eat(parser, T(AS)) || hg_sql_is_query(parser) || hg_sql_at(parser, T(LEFT_PAREN))) {
        hg_sql_query(parser);
    } else if (hg_sql_is_4(parser) && hg_sql_eat_2(parser, T(WITH), T(SCHEMA))) {
        hg_sql_eat(parser, T(TYPE));
        hg_sql_word(parser, "expected BINDING, COMPENSATION or EVOLUTION");
    } else {
        table_action(parser);
    }
}

HgSqlStatementKind hg_sql_alter(HgSqlParser *parser)
{
    parser->at++;
    if (hg_sql_eat(parser, T(TABLE))) {
        hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
        table_action(parser);
        return HG_SQL_STATEMENT_ALTER_TABLE;
    }
    if (hg_sql_eat(parser, T(VIEW))) {
        hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
        view_action(parser);
        return HG_SQL_STATEMENT_ALTER_VIEW;
    }
    if (!hg_sql_is_namespace(hg_sql_peek(parser, 0)))
        hg_sql_refuse(parser, "expected TABLE, VIEW or DATABASE behind ALTER");
    else
        parser->at++;
    hg_sql_name(parser, HG_SQL_ROLE_NAMESPACE);
    if (hg_sql_eat(parser, T(UNSET)))
        unset_something(parser);
    else {
        hg_sql_expect(parser, T(SET), "expected SET");
        set_something(parser);
    }
    return HG_SQL_STATEMENT_ALTER_NAMESPACE;
}

static HgSqlStatementKind drop_index(HgSqlParser *parser)
{
    hg_sql_eat_if_exists(parser);
    hg_sql_word(parser, "expected an index");
    hg_sql_expect(parser, T(ON), "expected ON");
    if (hg_sql_at(parser, T(TABLE)) && hg_sql_is_name(parser, 1))
        parser->at++;
    hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
    return HG_SQL_STATEMENT_DROP_INDEX;
}

static HgSqlStatementKind drop_named(HgSqlParser *parser, HgSqlRole role, HgSqlStatementKind kind)
{
    hg_sql_eat_if_exists(parser);
    hg_sql_name(parser, role);
    if (kind == HG_SQL_STATEMENT_DROP_TABLE)
        hg_sql_eat(parser, T(PURGE));
    if (kind == HG_SQL_STATEMENT_DROP_NAMESPACE && !hg_sql_eat(parser, T(CASCADE)))
        hg_sql_eat(parser, T(RESTRICT));
    return kind;
}

HgSqlStatementKind hg_sql_drop(HgSqlParser *parser)
{
    parser->at++;
    gboolean temporary = hg_sql_eat(parser, T(TEMPORARY));
    if (temporary)
        hg_sql_flag(parser, HG_SQL_FLAG_TEMPORARY);
    if (hg_sql_eat(parser, T(TABLE)))
        return drop_named(parser, HG_SQL_ROLE_OBJECT, HG_SQL_STATEMENT_DROP_TABLE);
    if (hg_sql_eat(parser, T(VIEW)))
        return drop_named(parser, HG_SQL_ROLE_OBJECT, HG_SQL_STATEMENT_DROP_VIEW);
    if (hg_sql_eat(parser, T(FUNCTION)))
        return drop_named(parser, HG_SQL_ROLE_FUNCTION,
                          temporary ? HG_SQL_STATEMENT_DROP_TEMPORARY_FUNCTION
                                    : HG_SQL_STATEMENT_DROP_FUNCTION);
    if (hg_sql_eat(parser, T(VARIABLE)) || hg_sql_eat(parser, T(VAR)))
        return drop_named(parser, HG_SQL_ROLE_VARIABLE, HG_SQL_STATEMENT_DROP_VARIABLE);
    if (hg_sql_eat(parser, T(INDEX)))
        return drop_index(parser);
    if (hg_sql_is_namespace(hg_sql_peek(parser, 0))) {
        parser->at++;
        return drop_named(parser, HG_SQL_ROLE_NAMESPACE, HG_SQL_STATEMENT_DROP_NAMESPACE);
    }
    hg_sql_refuse(parser, "expected TABLE, VIEW, FUNCTION, DATABASE or INDEX behind DROP");
    return HG_SQL_STATEMENT_UNKNOWN;
}
