/* The table of statements: see statement.h. Constant data; any thread. */
#include "sql/statement.h"

typedef struct {
    const char *name;
    HgSqlEffect effect;
} Row;

#define READS   HG_SQL_EFFECT_READ
#define WRITES  HG_SQL_EFFECT_WRITE
#define SESSION HG_SQL_EFFECT_SESSION
#define UNKNOWN HG_SQL_EFFECT_UNKNOWN

static const Row rows[HG_SQL_STATEMENT_COUNT] = {
    [HG_SQL_STATEMENT_UNKNOWN] = {"unknown", UNKNOWN},
    [HG_SQL_STATEMENT_QUERY] = {"query", READS},
    [HG_SQL_STATEMENT_INSERT] = {"insert", WRITES},
    [HG_SQL_STATEMENT_INSERT_DIRECTORY] = {"insert-directory", WRITES},
    [HG_SQL_STATEMENT_DELETE] = {"delete", WRITES},
    [HG_SQL_STATEMENT_UPDATE] = {"update", WRITES},
    [HG_SQL_STATEMENT_MERGE] = {"merge", WRITES},
    [HG_SQL_STATEMENT_CREATE_TABLE] = {"create-table", WRITES},
    [HG_SQL_STATEMENT_CREATE_TABLE_AS] = {"create-table-as", WRITES},
    [HG_SQL_STATEMENT_CREATE_TABLE_LIKE] = {"create-table-like", WRITES},
    [HG_SQL_STATEMENT_REPLACE_TABLE] = {"replace-table", WRITES},
    [HG_SQL_STATEMENT_REPLACE_TABLE_AS] = {"replace-table-as", WRITES},
    [HG_SQL_STATEMENT_CREATE_VIEW] = {"create-view", WRITES},
    [HG_SQL_STATEMENT_CREATE_TEMPORARY_VIEW] = {"create-temporary-view", SESSION},
    [HG_SQL_STATEMENT_CREATE_FUNCTION] = {"create-function", WRITES},
    [HG_SQL_STATEMENT_CREATE_TEMPORARY_FUNCTION] = {"create-temporary-function", SESSION},
    [HG_SQL_STATEMENT_CREATE_NAMESPACE] = {"create-namespace", WRITES},
    [HG_SQL_STATEMENT_CREATE_INDEX] = {"create-index", WRITES},
    [HG_SQL_STATEMENT_ALTER_TABLE] = {"alter-table", WRITES},
    [HG_SQL_STATEMENT_ALTER_VIEW] = {"alter-view", WRITES},
    [HG_SQL_STATEMENT_ALTER_NAMESPACE] = {"alter-namespace", WRITES},
    [HG_SQL_STATEMENT_DROP_TABLE] = {"drop-table", WRITES},
    /* the view may be a temporary one */
    [HG_SQL_STATEMENT_DROP_VIEW] = {"drop-view", SESSION},
    [HG_SQL_STATEMENT_DROP_FUNCTION] = {"drop-function", WRITES},
    [HG_SQL_STATEMENT_DROP_TEMPORARY_FUNCTION] = {"drop-temporary-function", SESSION},
    [HG_SQL_STATEMENT_DROP_NAMESPACE] = {"drop-namespace", WRITES},
    [HG_SQL_STATEMENT_DROP_INDEX] = {"drop-index", WRITES},
    [HG_SQL_STATEMENT_DECLARE_VARIABLE] = {"declare-variable", SESSION},
    [HG_SQL_STATEMENT_SET_VARIABLE] = {"set-variable", SESSION},
    [HG_SQL_STATEMENT_DROP_VARIABLE] = {"drop-variable", SESSION},
    [HG_SQL_STATEMENT_TRUNCATE] = {"truncate", WRITES},
    [HG_SQL_STATEMENT_LOAD] = {"load", WRITES},
    [HG_SQL_STATEMENT_ANALYZE] = {"analyze", WRITES},
    [HG_SQL_STATEMENT_REPAIR] = {"repair", WRITES},
    [HG_SQL_STATEMENT_REFRESH] = {"refresh", SESSION},
    [HG_SQL_STATEMENT_CACHE] = {"cache", SESSION},
    [HG_SQL_STATEMENT_UNCACHE] = {"uncache", SESSION},
    [HG_SQL_STATEMENT_CLEAR_CACHE] = {"clear-cache", SESSION},
    [HG_SQL_STATEMENT_COMMENT] = {"comment", WRITES},
    [HG_SQL_STATEMENT_EXPLAIN] = {"explain", READS},
    [HG_SQL_STATEMENT_DESCRIBE] = {"describe", READS},
    [HG_SQL_STATEMENT_SHOW] = {"show", READS},
    [HG_SQL_STATEMENT_USE] = {"use", SESSION},
    [HG_SQL_STATEMENT_SET] = {"set", SESSION},
    [HG_SQL_STATEMENT_RESET] = {"reset", SESSION},
    [HG_SQL_STATEMENT_ADD_RESOURCE] = {"add-resource", SESSION},
    [HG_SQL_STATEMENT_LIST_RESOURCES] = {"list-resources", READS},
    [HG_SQL_STATEMENT_EXECUTE_IMMEDIATE] = {"execute-immediate", UNKNOWN},
    [HG_SQL_STATEMENT_CALL] = {"call", UNKNOWN},
    [HG_SQL_STATEMENT_SCRIPT] = {"script", UNKNOWN},
};

const char *hg_sql_statement_name(HgSqlStatementKind kind)
{
    return kind < HG_SQL_STATEMENT_COUNT ? rows[kind].name : rows[HG_SQL_STATEMENT_UNKNOWN].name;
}

HgSqlEffect hg_sql_statement_effect(HgSqlStatementKind kind)
{
    return kind < HG_SQL_STATEMENT_COUNT ? rows[kind].effect : UNKNOWN;
}
