/* Which statement it is, and the short ones: USE, CACHE, ANALYZE, LOAD and their kind. See
 * parser_private.h. */
#include "sql/parser_private.h"

gboolean hg_sql_is_namespace(guint kind)
{
    return kind == T(DATABASE) || kind == T(SCHEMA) || kind == T(NAMESPACE);
}

gboolean hg_sql_is_namespaces(guint kind)
{
    return kind == T(DATABASES) || kind == T(SCHEMAS) || kind == T(NAMESPACES);
}

static HgSqlStatementKind explain(HgSqlParser *parser)
{
    parser->at++;
    switch (hg_sql_peek(parser, 0)) {
    case T(LOGICAL):
    case T(FORMATTED):
    case T(EXTENDED):
    case T(CODEGEN):
    case T(COST):
        parser->at++;
        break;
    default:
        break;
    }
    hg_sql_statement(parser);
    return HG_SQL_STATEMENT_EXPLAIN;
}

static HgSqlStatementKind use(HgSqlParser *parser)
{
    parser->at++;
    if (hg_sql_is_namespace(hg_sql_peek(parser, 0)) && hg_sql_is_name(parser, 1))
        parser->at++;
    hg_sql_name(parser, HG_SQL_ROLE_NAMESPACE);
    return HG_SQL_STATEMENT_USE;
}

static void in_namespace(HgSqlParser *parser)
{
    if (hg_sql_eat(parser, T(FROM)) || hg_sql_eat(parser, T(IN)))
        hg_sql_name(parser, HG_SQL_ROLE_NAMESPACE);
}

static HgSqlStatementKind analyze(HgSqlParser *parser)
{
    parser->at++;
    if (hg_sql_eat(parser, T(TABLES))) {
        in_namespace(parser);
    } else {
        hg_sql_expect(parser, T(TABLE), "expected TABLE or TABLES");
        hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
        hg_sql_partition(parser);
    }
    hg_sql_expect(parser, T(COMPUTE), "expected COMPUTE STATISTICS");
    hg_sql_expect(parser, T(STATISTICS), "expected STATISTICS");
    if (hg_sql_at_3(parser, T(FOR), T(ALL), T(COLUMNS))) {
        parser->at += 3;
    } else if (hg_sql_eat_2(parser, T(FOR), T(COLUMNS))) {
        do {
            hg_sql_word(parser, "expected a column");
        } while (hg_sql_eat(parser, T(COMMA)));
    } else if (hg_sql_is_name(parser, 0)) {
        parser->at++;
    }
    return HG_SQL_STATEMENT_ANALYZE;
}

static HgSqlStatementKind comment(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_expect(parser, T(ON), "expected ON");
    gboolean table = hg_sql_eat(parser, T(TABLE));
    if (!table) {
        if (!hg_sql_is_namespace(hg_sql_peek(parser, 0)))
            hg_sql_refuse(parser, "expected TABLE, DATABASE, SCHEMA or NAMESPACE");
        else
            parser->at++;
    }
    hg_sql_name(parser, table ? HG_SQL_ROLE_OBJECT : HG_SQL_ROLE_NAMESPACE);
    hg_sql_expect(parser, T(IS), "expected IS");
    if (!hg_sql_eat(parser, T(NULL)))
        hg_sql_string(parser);
    return HG_SQL_STATEMENT_COMMENT;
}

/* REFRESH TABLE, FUNCTION, or a path as it stands. */
static HgSqlStatementKind refresh(HgSqlParser *parser)
{
    parser->at++;
    if (hg_sql_at(parser, T(TABLE)) && hg_sql_is_name(parser, 1)) {
        parser->at++;
        hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
    } else if (hg_sql_at(parser, T(FUNCTION)) && hg_sql_is_name(parser, 1)) {
        parser->at++;
        hg_sql_name(parser, HG_SQL_ROLE_FUNCTION);
    } else {
        hg_sql_flag(parser, HG_SQL_FLAG_PATH);
        hg_sql_skip_rest(parser);
    }
    return HG_SQL_STATEMENT_REFRESH;
}

static HgSqlStatementKind cache(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_eat(parser, T(LAZY));
    hg_sql_expect(parser, T(TABLE), "expected TABLE");
    HgSqlNode *name = hg_sql_name(parser, HG_SQL_ROLE_READ);
    if (hg_sql_eat(parser, T(OPTIONS)))
        hg_sql_properties(parser);
    if (hg_sql_eat(parser, T(AS)) || hg_sql_is_query(parser) || hg_sql_at(parser, T(LEFT_PAREN))) {
        name->role = HG_SQL_ROLE_OBJECT; /* a temporary view of that name */
        hg_sql_query(parser);
    }
    return HG_SQL_STATEMENT_CACHE;
}

static HgSqlStatementKind uncache(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_expect(parser, T(TABLE), "expected TABLE");
    hg_sql_eat_if_exists(parser);
    hg_sql_name(parser, HG_SQL_ROLE_READ);
    return HG_SQL_STATEMENT_UNCACHE;
}

static HgSqlStatementKind load(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_expect(parser, T(DATA), "expected DATA");
    hg_sql_eat(parser, T(LOCAL));
    hg_sql_expect(parser, T(INPATH), "expected INPATH");
    hg_sql_string(parser);
    hg_sql_flag(parser, HG_SQL_FLAG_PATH);
    hg_sql_eat(parser, T(OVERWRITE));
    hg_sql_expect(parser, T(INTO), "expected INTO TABLE");
    hg_sql_expect(parser, T(TABLE), "expected TABLE");
    hg_sql_name(parser, HG_SQL_ROLE_WRITE);
    hg_sql_partition(parser);
    return HG_SQL_STATEMENT_LOAD;
}

static HgSqlStatementKind truncate_table(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_expect(parser, T(TABLE), "expected TABLE");
    hg_sql_name(parser, HG_SQL_ROLE_WRITE);
    hg_sql_partition(parser);
    return HG_SQL_STATEMENT_TRUNCATE;
}

static HgSqlStatementKind repair(HgSqlParser *parser)
{
    hg_sql_eat(parser, T(MSCK));
    hg_sql_expect(parser, T(REPAIR), "expected REPAIR");
    hg_sql_expect(parser, T(TABLE), "expected TABLE");
    hg_sql_name(parser, HG_SQL_ROLE_OBJECT);
    if (hg_sql_eat(parser, T(ADD)) || hg_sql_eat(parser, T(DROP)) || hg_sql_eat(parser, T(SYNC)))
        hg_sql_expect(parser, T(PARTITIONS), "expected PARTITIONS");
    return HG_SQL_STATEMENT_REPAIR;
}

/* ADD JAR ..., LIST FILES ...: what follows is a path or nothing. */
static HgSqlStatementKind resource(HgSqlParser *parser)
{
    gboolean add = hg_sql_eat(parser, T(ADD));
    if (!add)
        parser->at++;
    hg_sql_word(parser, "expected JAR, FILE or ARCHIVE");
    if (add)
        hg_sql_flag(parser, HG_SQL_FLAG_PATH);
    hg_sql_skip_rest(parser);
    return add ? HG_SQL_STATEMENT_ADD_RESOURCE : HG_SQL_STATEMENT_LIST_RESOURCES;
}

static HgSqlStatementKind call_procedure(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_name(parser, HG_SQL_ROLE_FUNCTION);
    hg_sql_arguments(parser, T(EOF), FALSE);
    return HG_SQL_STATEMENT_CALL;
}

static HgSqlStatementKind clear_cache(HgSqlParser *parser)
{
    parser->at++;
    hg_sql_expect(parser, T(CACHE), "expected CACHE");
    return HG_SQL_STATEMENT_CLEAR_CACHE;
}

HgSqlStatementKind hg_sql_maintain(HgSqlParser *parser)
{
    switch (hg_sql_peek(parser, 0)) {
    case T(ANALYZE):
        return analyze(parser);
    case T(COMMENT):
        return comment(parser);
    case T(REFRESH):
        return refresh(parser);
    case T(CACHE):
        return cache(parser);
    case T(UNCACHE):
        return uncache(parser);
    case T(CLEAR):
        return clear_cache(parser);
    case T(LOAD):
        return load(parser);
    case T(TRUNCATE):
        return truncate_table(parser);
    case T(MSCK):
    case T(REPAIR):
        return repair(parser);
    case T(ADD):
    case T(LIST):
        return resource(parser);
    default:
        hg_sql_refuse(parser, "there is no statement that begins like this");
        return HG_SQL_STATEMENT_UNKNOWN;
    }
}

/* What only 4.0 has; words that 3.5 doesn't know are no keywords there. */
static HgSqlStatementKind new_statement(HgSqlParser *parser)
{
    switch (hg_sql_peek(parser, 0)) {
    case T(EXECUTE):
        return hg_sql_execute_immediate(parser);
    case T(CALL):
        return call_procedure(parser);
    case T(DECLARE):
        return hg_sql_declare(parser);
    case T(BEGIN):
        return hg_sql_script(parser);
    default:
        return hg_sql_maintain(parser);
    }
}

static HgSqlStatementKind read_statement(HgSqlParser *parser)
{
    switch (hg_sql_peek(parser, 0)) {
    case T(SELECT):
    case T(WITH):
    case T(FROM):
    case T(VALUES):
    case T(TABLE):
    case T(MAP):
    case T(REDUCE):
    case T(LEFT_PAREN):
    case T(INSERT):
    case T(DELETE):
    case T(UPDATE):
    case T(MERGE):
        return hg_sql_query_or_dml(parser);
    case T(EXPLAIN):
        return explain(parser);
    case T(CREATE):
        return hg_sql_create(parser);
    case T(REPLACE):
        return hg_sql_replace(parser);
    case T(ALTER):
        return hg_sql_alter(parser);
    case T(DROP):
        return hg_sql_drop(parser);
    case T(SHOW):
        return hg_sql_show(parser);
    case T(DESC):
    case T(DESCRIBE):
        return hg_sql_describe(parser);
    case T(USE):
        return use(parser);
    case T(SET):
    case T(RESET):
        return hg_sql_set(parser);
    default:
        return new_statement(parser);
    }
}

HgSqlNode *hg_sql_statement(HgSqlParser *parser)
{
    HgSqlNode *statement = hg_sql_open(parser, HG_SQL_NODE_STATEMENT);
    if (hg_sql_enter(parser)) {
        statement->detail = (guint8)read_statement(parser);
        hg_sql_leave(parser);
    }
    hg_sql_close(parser, statement);
    return statement;
}
