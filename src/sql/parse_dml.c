/* Queries as statements, INSERT (also several behind one FROM), DELETE, UPDATE, MERGE. See
 * parser_private.h. */
#include "sql/parser_private.h"

/* The table that is changed, with its alias. */
static void target(HgSqlParser *parser)
{
    HgSqlNode *relation = hg_sql_open(parser, HG_SQL_NODE_RELATION);
    hg_sql_name(parser, HG_SQL_ROLE_CHANGE);
    hg_sql_table_alias(parser);
    hg_sql_close(parser, relation);
}

static gboolean is_directory(const HgSqlParser *parser)
{
    if (hg_sql_at_2(parser, T(LOCAL), T(DIRECTORY)))
        return TRUE;
    return hg_sql_at(parser, T(DIRECTORY)) &&
           (hg_sql_is_string(parser, 1) || hg_sql_peek(parser, 1) == T(USING));
}

/* Behind INSERT OVERWRITE: where the files go, and how they look. */
static void directory(HgSqlParser *parser)
{
    hg_sql_flag(parser, HG_SQL_FLAG_PATH);
    hg_sql_eat(parser, T(LOCAL));
    parser->at++;
    if (hg_sql_is_string(parser, 0))
        parser->at++;
    if (hg_sql_eat(parser, T(USING))) {
        hg_sql_path(parser, "expected a data source");
        if (hg_sql_eat(parser, T(OPTIONS)))
            hg_sql_properties(parser);
        return;
    }
    hg_sql_row_format(parser);
    hg_sql_file_format(parser);
}

/* TABLE in front of a name, and not a table of that name. */
static gboolean is_table_word(const HgSqlParser *parser)
{
    guint next = hg_sql_peek(parser, 1);
    return hg_sql_at(parser, T(TABLE)) && hg_sql_is_name(parser, 1) && next != T(SELECT) &&
           next != T(VALUES) && next != T(FROM) && next != T(WITH);
}

/* TABLE SELECT TABLE t: the table may be called TABLE or SELECT. Nobody writes it, so it is
 * refused. */
static gboolean is_doubtful_table(const HgSqlParser *parser)
{
    guint next = hg_sql_peek(parser, 1);
    if (!hg_sql_at(parser, T(TABLE)) ||
        (next != T(SELECT) && next != T(VALUES) && next != T(FROM) && next != T(WITH)))
        return FALSE;
    switch (hg_sql_peek(parser, 2)) {
    case T(SELECT):
    case T(TABLE):
    case T(VALUES):
    case T(FROM):
    case T(WITH):
    case T(MAP):
    case T(REDUCE):
        return TRUE;
    default:
        return FALSE;
    }
}

/* INSERT INTO t ..., up to the query. */
static HgSqlStatementKind insert_into(HgSqlParser *parser)
{
    parser->at++;
    gboolean overwrite = hg_sql_eat(parser, T(OVERWRITE));
    if (overwrite && is_directory(parser)) {
        directory(parser);
        return HG_SQL_STATEMENT_INSERT_DIRECTORY;
    }
    if (!overwrite)
        hg_sql_expect(parser, T(INTO), "expected INTO or OVERWRITE");
    if (is_doubtful_table(parser))
        hg_sql_refuse(parser, "put the table's name in back-ticks: it could be either word");
    if (is_table_word(parser))
        parser->at++;
    HgSqlNode *name = hg_sql_name(parser, HG_SQL_ROLE_WRITE);
    if (hg_sql_is_4(parser) && hg_sql_at_2(parser, T(WITH), T(LEFT_PAREN))) {
        parser->at++;
        hg_sql_properties(parser);
    }
    if (hg_sql_at_2(parser, T(REPLACE), T(WHERE))) {
        name->role = HG_SQL_ROLE_CHANGE; /* what the condition finds is deleted */
        parser->at++;
        hg_sql_where(parser);
        return HG_SQL_STATEMENT_INSERT;
    }
    hg_sql_partition(parser);
    hg_sql_eat_if_not_exists(parser);
    if (!hg_sql_eat_2(parser, T(BY), T(NAME)) && hg_sql_is_word_list(parser))
        hg_sql_word_list(parser);
    return HG_SQL_STATEMENT_INSERT;
}

/* FROM t INSERT ... SELECT ... INSERT ... SELECT ... */
static HgSqlStatementKind multi_insert(HgSqlParser *parser)
{
    HgSqlStatementKind kind = HG_SQL_STATEMENT_INSERT_DIRECTORY;
    while (hg_sql_at(parser, T(INSERT))) {
        HgSqlStatementKind one = insert_into(parser);
        if (one == HG_SQL_STATEMENT_INSERT)
            kind = one;
        HgSqlNode *query = hg_sql_open(parser, HG_SQL_NODE_QUERY);
        guint next = hg_sql_peek(parser, 0);
        if (next != T(SELECT) && next != T(MAP) && next != T(REDUCE))
            hg_sql_refuse(parser, "expected SELECT, MAP or REDUCE behind INSERT");
        else
            hg_sql_select(parser, FALSE);
        hg_sql_organization(parser);
        hg_sql_close(parser, query);
    }
    return kind;
}

static void delete_from(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_expect(parser, T(FROM), "expected FROM");
    target(parser);
    hg_sql_where(parser);
}

static void assignment(HgSqlParser *parser)
{
    HgSqlNode *column = hg_sql_open(parser, HG_SQL_NODE_COLUMN);
    hg_sql_path(parser, "expected a column");
    hg_sql_close(parser, column);
    hg_sql_expect(parser, T(EQ), "expected =");
    hg_sql_expression(parser);
}

void hg_sql_assignments(HgSqlParser *parser)
{
    do {
        assignment(parser);
    } while (hg_sql_eat(parser, T(COMMA)));
}

static void update(HgSqlParser *parser)
{
    parser->at++;
    target(parser);
    hg_sql_expect(parser, T(SET), "expected SET");
    hg_sql_assignments(parser);
    hg_sql_where(parser);
}

/* What MERGE does with a row. */
static void merge_action(HgSqlParser *parser)
{
    if (hg_sql_eat(parser, T(DELETE)))
        return;
    if (hg_sql_eat(parser, T(UPDATE))) {
        hg_sql_expect(parser, T(SET), "expected SET");
        if (!hg_sql_eat(parser, T(ASTERISK)))
            hg_sql_assignments(parser);
        return;
    }
    hg_sql_expect(parser, T(INSERT), "expected INSERT, UPDATE or DELETE");
    if (hg_sql_eat(parser, T(ASTERISK)))
        return;
    hg_sql_word_list(parser);
    hg_sql_expect(parser, T(VALUES), "expected VALUES");
    hg_sql_parentheses(parser);
}

/* WHEN [NOT] MATCHED [BY ...] [AND ...] THEN ... */
static void merge_when(HgSqlParser *parser)
{
    parser->at++;
    if (!hg_sql_eat(parser, T(NOT)))
        hg_sql_eat(parser, T(BANG));
    hg_sql_expect(parser, T(MATCHED), "expected MATCHED");
    if (!hg_sql_eat_2(parser, T(BY), T(TARGET)))
        hg_sql_eat_2(parser, T(BY), T(SOURCE));
    if (hg_sql_eat(parser, T(AND)))
        hg_sql_expression(parser);
    hg_sql_expect(parser, T(THEN), "expected THEN");
    merge_action(parser);
}

static void merge(HgSqlParser *parser)
{
    parser->at++;
    if (hg_sql_is_4(parser) && hg_sql_at_3(parser, T(WITH), T(SCHEMA), T(EVOLUTION)))
        parser->at += 3;
    hg_sql_expect(parser, T(INTO), "expected INTO");
    target(parser);
    hg_sql_expect(parser, T(USING), "expected USING");
    HgSqlNode *source = hg_sql_open(parser, HG_SQL_NODE_RELATION);
    if (hg_sql_at(parser, T(LEFT_PAREN)))
        hg_sql_query_in_parentheses(parser);
    else
        hg_sql_name(parser, HG_SQL_ROLE_READ);
    hg_sql_table_alias(parser);
    hg_sql_close(parser, source);
    hg_sql_expect(parser, T(ON), "expected ON");
    hg_sql_expression(parser);
    while (hg_sql_at(parser, T(WHEN)))
        merge_when(parser);
}

/* Behind WITH or not: what isn't a query. UNKNOWN when it is one. */
static HgSqlStatementKind dml(HgSqlParser *parser)
{
    switch (hg_sql_peek(parser, 0)) {
    case T(INSERT): {
        HgSqlStatementKind kind = insert_into(parser);
        hg_sql_query(parser);
        return kind;
    }
    case T(DELETE):
        delete_from(parser);
        return HG_SQL_STATEMENT_DELETE;
    case T(UPDATE):
        update(parser);
        return HG_SQL_STATEMENT_UPDATE;
    case T(MERGE):
        merge(parser);
        return HG_SQL_STATEMENT_MERGE;
    default:
        return HG_SQL_STATEMENT_UNKNOWN;
    }
}

/* FROM t first: then SELECTs make a query, INSERTs a statement. */
static HgSqlStatementKind from_first(HgSqlParser *parser)
{
    HgSqlNode *select = hg_sql_open(parser, HG_SQL_NODE_SELECT);
    hg_sql_from(parser);
    if (hg_sql_at(parser, T(INSERT))) {
        HgSqlStatementKind kind = multi_insert(parser);
        hg_sql_close(parser, select);
        return kind;
    }
    hg_sql_from_bodies(parser);
    hg_sql_close(parser, select);
    hg_sql_query_rest(parser);
    return HG_SQL_STATEMENT_QUERY;
}

HgSqlStatementKind hg_sql_query_or_dml(HgSqlParser *parser)
{
    HgSqlStatementKind kind;
    HgSqlNode *query = hg_sql_open(parser, HG_SQL_NODE_QUERY);
    if (hg_sql_at(parser, T(WITH)))
        hg_sql_with(parser);
    if (hg_sql_at(parser, T(FROM))) {
        kind = from_first(parser);
    } else {
        kind = dml(parser);
        if (kind == HG_SQL_STATEMENT_UNKNOWN) {
            kind = HG_SQL_STATEMENT_QUERY;
            hg_sql_query_body(parser);
        }
    }
    hg_sql_close(parser, query);
    return kind;
}
