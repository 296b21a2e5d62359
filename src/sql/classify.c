/* Telling statements apart by their first words: see classify.h. Owns nothing; any thread. */
#include "sql/classify.h"

#include "sql/keywords.h"

#define T(name) HG_SQL_TOKEN_##name

/* The words that come in front of the one that counts. */
static guint next_kind(HgSqlLexer *lexer)
{
    HgSqlToken token;
    hg_sql_lexer_next(lexer, &token);
    return token.kind;
}

/* Behind WITH or FROM: the verb stands outside all parentheses, and INSERT only at the beginning of
 * what follows them. */
static HgSqlStatementKind find_verb(HgSqlLexer *lexer, gboolean from)
{
    HgSqlToken token;
    while (hg_sql_lexer_next(lexer, &token)) {
        switch (token.kind) {
        case T(LEFT_PAREN):
            hg_sql_lexer_skip_parentheses(lexer);
            break;
        case T(INSERT): {
            guint next = next_kind(lexer);
            if (next == T(INTO) || next == T(OVERWRITE))
                return HG_SQL_STATEMENT_INSERT;
            break;
        }
        case T(SELECT):
        case T(VALUES):
        case T(MAP):
        case T(REDUCE):
            return HG_SQL_STATEMENT_QUERY;
        case T(DELETE):
            return from ? HG_SQL_STATEMENT_UNKNOWN : HG_SQL_STATEMENT_DELETE;
        case T(UPDATE):
            return from ? HG_SQL_STATEMENT_UNKNOWN : HG_SQL_STATEMENT_UPDATE;
        case T(MERGE):
            return from ? HG_SQL_STATEMENT_UNKNOWN : HG_SQL_STATEMENT_MERGE;
        default:
            break;
        }
    }
    return from && lexer->engine == HG_SQL_SPARK_35 ? HG_SQL_STATEMENT_UNKNOWN
                                                    : HG_SQL_STATEMENT_QUERY;
}

static HgSqlStatementKind insert_kind(HgSqlLexer *lexer)
{
    guint kind = next_kind(lexer);
    if (kind == T(OVERWRITE)) {
        kind = next_kind(lexer);
        if (kind == T(LOCAL))
            kind = next_kind(lexer);
        if (kind == T(DIRECTORY))
            return HG_SQL_STATEMENT_INSERT_DIRECTORY;
    }
    return HG_SQL_STATEMENT_INSERT;
}

static gboolean is_database(guint kind)
{
    return kind == T(DATABASE) || kind == T(SCHEMA) || kind == T(NAMESPACE);
}

static HgSqlStatementKind create_kind(HgSqlLexer *lexer)
{
    gboolean temporary = FALSE;
    for (;;) {
        guint kind = next_kind(lexer);
        switch (kind) {
        case T(TEMPORARY):
            temporary = TRUE;
            break;
        case T(OR):
        case T(REPLACE):
        case T(GLOBAL):
        case T(EXTERNAL):
            break;
        case T(TABLE):
            return HG_SQL_STATEMENT_CREATE_TABLE;
        case T(VIEW):
            return temporary ? HG_SQL_STATEMENT_CREATE_TEMPORARY_VIEW
                             : HG_SQL_STATEMENT_CREATE_VIEW;
        case T(FUNCTION):
            return temporary ? HG_SQL_STATEMENT_CREATE_TEMPORARY_FUNCTION
                             : HG_SQL_STATEMENT_CREATE_FUNCTION;
        case T(INDEX):
            return HG_SQL_STATEMENT_CREATE_INDEX;
        default:
            return is_database(kind) ? HG_SQL_STATEMENT_CREATE_NAMESPACE : HG_SQL_STATEMENT_UNKNOWN;
        }
    }
}

static HgSqlStatementKind alter_kind(guint kind)
{
    if (kind == T(TABLE))
        return HG_SQL_STATEMENT_ALTER_TABLE;
    if (kind == T(VIEW))
        return HG_SQL_STATEMENT_ALTER_VIEW;
    return is_database(kind) ? HG_SQL_STATEMENT_ALTER_NAMESPACE : HG_SQL_STATEMENT_UNKNOWN;
}

static HgSqlStatementKind drop_kind(HgSqlLexer *lexer)
{
    guint kind = next_kind(lexer);
    gboolean temporary = kind == T(TEMPORARY);
    if (temporary)
        kind = next_kind(lexer);
    switch (kind) {
    case T(TABLE):
        return HG_SQL_STATEMENT_DROP_TABLE;
    case T(VIEW):
        return HG_SQL_STATEMENT_DROP_VIEW;
    case T(FUNCTION):
        return temporary ? HG_SQL_STATEMENT_DROP_TEMPORARY_FUNCTION
                         : HG_SQL_STATEMENT_DROP_FUNCTION;
    case T(VARIABLE):
    case T(VAR):
        return HG_SQL_STATEMENT_DROP_VARIABLE;
    case T(INDEX):
        return HG_SQL_STATEMENT_DROP_INDEX;
    default:
        return is_database(kind) ? HG_SQL_STATEMENT_DROP_NAMESPACE : HG_SQL_STATEMENT_UNKNOWN;
    }
}

/* SET of a variable, of the catalog, or of a setting. */
static HgSqlStatementKind set_kind(HgSqlLexer *lexer)
{
    guint kind = next_kind(lexer);
    if (kind == T(CATALOG))
        return HG_SQL_STATEMENT_USE;
    return kind == T(VAR) || kind == T(VARIABLE) ? HG_SQL_STATEMENT_SET_VARIABLE
                                                 : HG_SQL_STATEMENT_SET;
}

/* Statements that their first word tells. */
static HgSqlStatementKind kind_by_word(guint kind)
{
    static const guint8 kinds[HG_SQL_TOKEN_COUNT] = {
        [T(SELECT)] = HG_SQL_STATEMENT_QUERY,
        [T(TABLE)] = HG_SQL_STATEMENT_QUERY,
        [T(VALUES)] = HG_SQL_STATEMENT_QUERY,
        [T(MAP)] = HG_SQL_STATEMENT_QUERY,
        [T(REDUCE)] = HG_SQL_STATEMENT_QUERY,
        [T(LEFT_PAREN)] = HG_SQL_STATEMENT_QUERY,
        [T(DELETE)] = HG_SQL_STATEMENT_DELETE,
        [T(UPDATE)] = HG_SQL_STATEMENT_UPDATE,
        [T(MERGE)] = HG_SQL_STATEMENT_MERGE,
        [T(REPLACE)] = HG_SQL_STATEMENT_REPLACE_TABLE,
        [T(SHOW)] = HG_SQL_STATEMENT_SHOW,
        [T(DESC)] = HG_SQL_STATEMENT_DESCRIBE,
        [T(DESCRIBE)] = HG_SQL_STATEMENT_DESCRIBE,
        [T(EXPLAIN)] = HG_SQL_STATEMENT_EXPLAIN,
        [T(USE)] = HG_SQL_STATEMENT_USE,
        [T(RESET)] = HG_SQL_STATEMENT_RESET,
        [T(ANALYZE)] = HG_SQL_STATEMENT_ANALYZE,
        [T(COMMENT)] = HG_SQL_STATEMENT_COMMENT,
        [T(REFRESH)] = HG_SQL_STATEMENT_REFRESH,
        [T(CACHE)] = HG_SQL_STATEMENT_CACHE,
        [T(UNCACHE)] = HG_SQL_STATEMENT_UNCACHE,
        [T(CLEAR)] = HG_SQL_STATEMENT_CLEAR_CACHE,
        [T(LOAD)] = HG_SQL_STATEMENT_LOAD,
        [T(TRUNCATE)] = HG_SQL_STATEMENT_TRUNCATE,
        [T(MSCK)] = HG_SQL_STATEMENT_REPAIR,
        [T(REPAIR)] = HG_SQL_STATEMENT_REPAIR,
        [T(ADD)] = HG_SQL_STATEMENT_ADD_RESOURCE,
        [T(LIST)] = HG_SQL_STATEMENT_LIST_RESOURCES,
        [T(EXECUTE)] = HG_SQL_STATEMENT_EXECUTE_IMMEDIATE,
        [T(CALL)] = HG_SQL_STATEMENT_CALL,
        [T(DECLARE)] = HG_SQL_STATEMENT_DECLARE_VARIABLE,
        [T(BEGIN)] = HG_SQL_STATEMENT_SCRIPT,
    };
    return (HgSqlStatementKind)kinds[kind];
}

static HgSqlStatementKind classify(HgSqlLexer *lexer)
{
    guint kind = next_kind(lexer);
    switch (kind) {
    case T(WITH):
    case T(FROM):
        return find_verb(lexer, kind == T(FROM));
    case T(INSERT):
        return insert_kind(lexer);
    case T(CREATE):
        return create_kind(lexer);
    case T(ALTER):
        return alter_kind(next_kind(lexer));
    case T(DROP):
        return drop_kind(lexer);
    case T(SET):
        return set_kind(lexer);
    default:
        return kind_by_word(kind);
    }
}

HgSqlStatementKind hg_sql_classify(HgSlice text, HgSqlEngine engine, HgSqlEffect *effect)
{
    HgSqlStatementKind kind = HG_SQL_STATEMENT_UNKNOWN;
    if (text.size <= HG_SQL_MAX_TEXT && !hg_sql_text_has_variable(text, NULL)) {
        HgSqlLexer lexer;
        hg_sql_lexer_init(&lexer, text, engine);
        kind = classify(&lexer);
    }
    if (effect != NULL)
        *effect = hg_sql_statement_effect(kind);
    return kind;
}
