/* CREATE and REPLACE of tables, views, namespaces and indexes. See parser_private.h. */
#include "sql/parser_private.h"

static void delimiter(HgSqlParser *parser, guint first, guint second)
{
    if (!hg_sql_at_2(parser, first, second))
        return;
    parser->at += 2;
    hg_sql_expect(parser, T(BY), "expected BY");
    hg_sql_string(parser);
}

/* Behind ROW FORMAT DELIMITED. */
static void delimited(HgSqlParser *parser)
{
    delimiter(parser, T(FIELDS), T(TERMINATED));
    if (hg_sql_eat_2(parser, T(ESCAPED), T(BY)))
        hg_sql_string(parser);
    if (hg_sql_at_3(parser, T(COLLECTION), T(ITEMS), T(TERMINATED))) {
        parser->at++;
        delimiter(parser, T(ITEMS), T(TERMINATED));
    }
    if (hg_sql_at_3(parser, T(MAP), T(KEYS), T(TERMINATED))) {
        parser->at++;
        delimiter(parser, T(KEYS), T(TERMINATED));
    }
    delimiter(parser, T(LINES), T(TERMINATED));
    if (hg_sql_eat_2(parser, T(NULL), T(DEFINED))) {
        hg_sql_expect(parser, T(AS), "expected AS");
        hg_sql_string(parser);
    }
}

static void serde_properties(HgSqlParser *parser)
{
    if (hg_sql_eat_2(parser, T(WITH), T(SERDEPROPERTIES)))
        hg_sql_properties(parser);
}

void hg_sql_row_format(HgSqlParser *parser)
{
    if (!hg_sql_eat_2(parser, T(ROW), T(FORMAT)))
        return;
    if (hg_sql_eat(parser, T(DELIMITED))) {
        delimited(parser);
        return;
    }
    hg_sql_expect(parser, T(SERDE), "expected SERDE or DELIMITED");
    hg_sql_string(parser);
    serde_properties(parser);
}

gboolean hg_sql_file_format(HgSqlParser *parser)
{
    if (hg_sql_eat_2(parser, T(STORED), T(BY))) {
        hg_sql_string(parser);
        serde_properties(parser);
        return TRUE;
    }
    if (!hg_sql_eat_2(parser, T(STORED), T(AS)))
        return FALSE;
    if (hg_sql_at(parser, T(INPUTFORMAT)) && hg_sql_is_string(parser, 1)) {
        parser->at += 2;
        hg_sql_expect(parser, T(OUTPUTFORMAT), "expected OUTPUTFORMAT");
        hg_sql_string(parser);
    } else {
        hg_sql_word(parser, "expected a file format");
    }
    return TRUE;
}

static void location(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_string(parser);
    hg_sql_flag(parser, HG_SQL_FLAG_PATH);
}

/* A column, a column with its type, or a transform like bucket(4, a). */
static void partition_field(HgSqlParser *parser)
{
    if (hg_sql_is_name(parser, 0) && hg_sql_peek(parser, 1) == T(LEFT_PAREN)) {
        hg_sql_call(parser, 1);
        return;
    }
    hg_sql_path(parser, "expected a column");
    if (!hg_sql_is_name(parser, 0))
        return;
    hg_sql_type(parser);
    if (!hg_sql_eat_2(parser, T(NOT), T(NULL)))
        hg_sql_eat_2(parser, T(BANG), T(NULL));
    if (hg_sql_eat(parser, T(COMMENT)))
        hg_sql_string(parser);
}

/* CLUSTERED BY (a) SORTED BY (b) INTO 4 BUCKETS. */
static void buckets(HgSqlParser *parser)
{
    hg_sql_word_list(parser);
    if (hg_sql_eat_2(parser, T(SORTED), T(BY)))
        hg_sql_word_list(parser);
    hg_sql_expect(parser, T(INTO), "expected INTO");
    hg_sql_expect(parser, T(INTEGER_VALUE), "expected a number of buckets");
    hg_sql_expect(parser, T(BUCKETS), "expected BUCKETS");
}

static void skewed(HgSqlParser *parser)
{
    hg_sql_word_list(parser);
    hg_sql_expect(parser, T(ON), "expected ON");
    hg_sql_parentheses(parser);
    if (hg_sql_at_3(parser, T(STORED), T(AS), T(DIRECTORIES)))
        parser->at += 3;
}

/* The clauses that tables and views share. */
static gboolean common_clause(HgSqlParser *parser)
{
    if (hg_sql_eat(parser, T(COMMENT)))
        hg_sql_string(parser);
    else if (hg_sql_eat(parser, T(TBLPROPERTIES)))
        hg_sql_properties(parser);
    else if (hg_sql_is_4(parser) && hg_sql_eat_2(parser, T(DEFAULT), T(COLLATION)))
        hg_sql_word(parser, "expected a collation");
    else
        return FALSE;
    return TRUE;
}

static gboolean table_clause(HgSqlParser *parser)
{
    if (common_clause(parser) || hg_sql_file_format(parser))
        return TRUE;
    if (hg_sql_at_2(parser, T(ROW), T(FORMAT)))
        hg_sql_row_format(parser);
    else if (hg_sql_at(parser, T(LOCATION)))
        location(parser);
    else if (hg_sql_eat(parser, T(OPTIONS)))
        hg_sql_expression_properties(parser);
    else if (hg_sql_eat_2(parser, T(PARTITIONED), T(BY)))
        hg_sql_list(parser, partition_field);
    else if (hg_sql_eat_2(parser, T(CLUSTERED), T(BY)))
        buckets(parser);
    else if (hg_sql_is_4(parser) && hg_sql_eat_2(parser, T(CLUSTER), T(BY)))
        hg_sql_word_list(parser);
    else if (hg_sql_eat_2(parser, T(SKEWED), T(BY)))
        skewed(parser);
    else
        return FALSE;
    return TRUE;
}

/* [AS] query; FALSE when none comes. */
static gboolean as_query(HgSqlParser *parser)
{
    if (!hg_sql_eat(parser, T(AS)) && !hg_sql_is_query(parser) && !hg_sql_at(parser, T(LEFT_PAREN)))
        return FALSE;
    hg_sql_query(parser);
    return TRUE;
}

/* LIKE other ...: the new table's name was read. */
static HgSqlStatementKind table_like(HgSqlParser *parser)
{
    hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
    for (;;) {
        if (hg_sql_eat(parser, T(USING)))
            hg_sql_path(parser, "expected a data source");
        else if (!table_clause(parser))
            return HG_SQL_STATEMENT_CREATE_TABLE_LIKE;
    }
}

/* ( of a list of columns, and not of a query. */
static gboolean is_columns(HgSqlParser *parser)
{
    if (!hg_sql_at(parser, T(LEFT_PAREN)) || hg_sql_peek(parser, 1) == T(LEFT_PAREN))
        return FALSE;
    guint behind = hg_sql_peek(parser, 3);
    if (hg_sql_peek(parser, 1) == T(VALUES) && hg_sql_is_name(parser, 2) &&
        (behind == T(COMMA) || behind == T(RIGHT_PAREN)))
        return TRUE; /* a column called VALUES and its type */
    parser->at++;
    gboolean query = hg_sql_is_query(parser);
    parser->at--;
    return !query;
}

static HgSqlStatementKind table(HgSqlParser *parser, gboolean replace)
{
    hg_sql_eat_if_not_exists(parser);
    hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
    if (!replace && hg_sql_eat(parser, T(LIKE)))
        return table_like(parser);
    if (is_columns(parser)) {
        parser->at++;
        hg_sql_columns(parser);
        hg_sql_expect(parser, T(RIGHT_PAREN), "expected , or ) behind a column");
    }
    if (hg_sql_eat(parser, T(USING)))
        hg_sql_path(parser, "expected a data source");
    while (table_clause(parser))
        continue;
    if (as_query(parser))
        return replace ? HG_SQL_STATEMENT_REPLACE_TABLE_AS : HG_SQL_STATEMENT_CREATE_TABLE_AS;
    return replace ? HG_SQL_STATEMENT_REPLACE_TABLE : HG_SQL_STATEMENT_CREATE_TABLE;
}

/* A view's column: a name, maybe with a comment; behind USING also with a type. */
static void view_column(HgSqlParser *parser)
{
    hg_sql_word(parser, "expected a column");
    if (hg_sql_is_name(parser, 0) &&
        !(hg_sql_at(parser, T(COMMENT)) && hg_sql_is_string(parser, 1)))
        hg_sql_type(parser);
    if (!hg_sql_eat_2(parser, T(NOT), T(NULL)))
        hg_sql_eat_2(parser, T(BANG), T(NULL));
    if (hg_sql_eat(parser, T(COMMENT)))
        hg_sql_string(parser);
}

/* WITH SCHEMA ... (4.0); FALSE when it doesn't come. */
static gboolean schema_binding(HgSqlParser *parser)
{
    if (!hg_sql_is_4(parser) || !hg_sql_eat_2(parser, T(WITH), T(SCHEMA)))
        return FALSE;
    if (!hg_sql_eat(parser, T(BINDING)) && !hg_sql_eat(parser, T(COMPENSATION))) {
        hg_sql_eat(parser, T(TYPE));
        hg_sql_expect(parser, T(EVOLUTION), "expected BINDING, COMPENSATION or EVOLUTION");
    }
    return TRUE;
}

static HgSqlStatementKind view(HgSqlParser *parser, gboolean temporary)
{
    HgSqlStatementKind kind =
        temporary ? HG_SQL_STATEMENT_CREATE_TEMPORARY_VIEW : HG_SQL_STATEMENT_CREATE_VIEW;
    hg_sql_eat_if_not_exists(parser);
    hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
    if (hg_sql_at(parser, T(LEFT_PAREN)))
        hg_sql_list(parser, view_column);
    if (temporary && hg_sql_eat(parser, T(USING))) {
        hg_sql_path(parser, "expected a data source");
        hg_sql_flag(parser, HG_SQL_FLAG_PATH);
        if (hg_sql_eat(parser, T(OPTIONS)))
            hg_sql_properties(parser);
        return kind;
    }
    for (;;) {
        if (hg_sql_eat_2(parser, T(PARTITIONED), T(ON)))
            hg_sql_word_list(parser);
        else if (!common_clause(parser) && !schema_binding(parser))
            break;
    }
    hg_sql_expect(parser, T(AS), "expected AS and the view's query");
    hg_sql_query(parser);
    return kind;
}

static HgSqlStatementKind namespace(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_eat_if_not_exists(parser);
    hg_sql_name(parser, HG_SQL_ROLE_NAMESPACE);
    for (;;) {
        if (hg_sql_at(parser, T(LOCATION)))
            location(parser);
        else if (hg_sql_eat_2(parser, T(WITH), T(DBPROPERTIES)) ||
                 hg_sql_eat_2(parser, T(WITH), T(PROPERTIES)))
            hg_sql_properties(parser);
        else if (hg_sql_eat(parser, T(COMMENT)))
            hg_sql_string(parser);
        else
            return HG_SQL_STATEMENT_CREATE_NAMESPACE;
    }
}

static void index_column(HgSqlParser *parser)
{
    hg_sql_path(parser, "expected a column");
    if (hg_sql_eat(parser, T(OPTIONS)))
        hg_sql_properties(parser);
}

static HgSqlStatementKind index_on(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_eat_if_not_exists(parser);
    hg_sql_word(parser, "expected an index");
    hg_sql_expect(parser, T(ON), "expected ON");
    if (hg_sql_at(parser, T(TABLE)) && hg_sql_is_name(parser, 1))
        parser->at++;
    hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
    if (hg_sql_eat(parser, T(USING)))
        hg_sql_word(parser, "expected a kind of index");
    hg_sql_list(parser, index_column);
    if (hg_sql_eat(parser, T(OPTIONS)))
        hg_sql_properties(parser);
    return HG_SQL_STATEMENT_CREATE_INDEX;
}

HgSqlStatementKind hg_sql_create(HgSqlParser *parser)
{
    parser->at++;
    gboolean replace = hg_sql_eat_2(parser, T(OR), T(REPLACE));
    gboolean global = hg_sql_eat(parser, T(GLOBAL));
    gboolean temporary = hg_sql_eat(parser, T(TEMPORARY));
    if (global)
        hg_sql_flag(parser, HG_SQL_FLAG_GLOBAL);
    if (temporary)
        hg_sql_flag(parser, HG_SQL_FLAG_TEMPORARY);
    hg_sql_eat(parser, T(EXTERNAL));
    if (hg_sql_eat(parser, T(TABLE)))
        return table(parser, replace);
    if (hg_sql_eat(parser, T(VIEW)))
        return view(parser, temporary);
    if (hg_sql_eat(parser, T(FUNCTION)))
        return hg_sql_create_function(parser, temporary);
    if (hg_sql_is_namespace(hg_sql_peek(parser, 0)))
        return namespace(parser);
    if (hg_sql_at(parser, T(INDEX)))
        return index_on(parser);
    hg_sql_refuse(parser, "expected TABLE, VIEW, FUNCTION, DATABASE or INDEX behind CREATE");
    return HG_SQL_STATEMENT_UNKNOWN;
}

HgSqlStatementKind hg_sql_replace(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_expect(parser, T(TABLE), "expected TABLE behind REPLACE");
    return table(parser, TRUE);
}
