/* Words, names, lists and aliases: where a keyword is a name, and where it begins a clause. See
 * parser_private.h. Nearly every keyword of Spark may be a name, so what follows decides. */
#include "sql/parser_private.h"

gboolean hg_sql_is_name(const HgSqlParser *parser, guint32 ahead)
{
    guint kind = hg_sql_peek(parser, ahead);
    if (kind == T(IDENTIFIER) || kind == T(BACKQUOTED_IDENTIFIER))
        return TRUE;
    if (kind == T(DOUBLEQUOTED_STRING))
        return parser->options.double_quoted_names;
    guint classes = hg_sql_token_classes((HgSqlTokenKind)kind);
    if (kind == T(NOT) &&
        parser->tokens[parser->at + ahead].end == parser->tokens[parser->at + ahead].start + 1)
        return FALSE; /* 3.5's ! */
    return (classes & (parser->name_mask | parser->join_mask)) != 0;
}

gboolean hg_sql_is_alias_name(const HgSqlParser *parser, guint32 ahead)
{
    guint kind = hg_sql_peek(parser, ahead);
    return hg_sql_is_name(parser, ahead) &&
           (hg_sql_token_classes((HgSqlTokenKind)kind) & parser->join_mask) == 0;
}

gboolean hg_sql_is_string(const HgSqlParser *parser, guint32 ahead)
{
    guint kind = hg_sql_peek(parser, ahead);
    return kind == T(STRING_LITERAL) ||
           (kind == T(DOUBLEQUOTED_STRING) && !parser->options.double_quoted_names);
}

void hg_sql_word(HgSqlParser *parser, const char *reason)
{
    if (hg_sql_is_name(parser, 0))
        parser->at++;
    else
        hg_sql_refuse(parser, reason);
}

void hg_sql_string(HgSqlParser *parser)
{
    if (hg_sql_is_string(parser, 0))
        parser->at++;
    else
        hg_sql_refuse(parser, "expected a string");
}

void hg_sql_path(HgSqlParser *parser, const char *reason)
{
    hg_sql_word(parser, reason);
    while (hg_sql_at(parser, T(DOT)) && hg_sql_is_name(parser, 1))
        parser->at += 2;
}

HgSqlNode *hg_sql_name(HgSqlParser *parser, HgSqlRole role)
{
    HgSqlNode *name = hg_sql_open(parser, HG_SQL_NODE_NAME);
    name->role = (guint8)role;
    if (hg_sql_at_2(parser, T(IDENTIFIER_KW), T(LEFT_PAREN))) {
        name->flags |= HG_SQL_FLAG_DYNAMIC;
        parser->at += 2;
        hg_sql_expression(parser);
        hg_sql_expect(parser, T(RIGHT_PAREN), "expected ) behind IDENTIFIER's expression");
    } else {
        hg_sql_path(parser, "expected a name");
    }
    hg_sql_close(parser, name);
    return name;
}

void hg_sql_list(HgSqlParser *parser, void (*each)(HgSqlParser *parser))
{
    hg_sql_expect(parser, T(LEFT_PAREN), "expected (");
    do {
        each(parser);
    } while (hg_sql_eat(parser, T(COMMA)));
    hg_sql_expect(parser, T(RIGHT_PAREN), "expected , or )");
}

static void path_in_list(HgSqlParser *parser)
{
    hg_sql_path(parser, "expected a name");
    if (!hg_sql_eat(parser, T(ASC)))
        hg_sql_eat(parser, T(DESC));
}

void hg_sql_word_list(HgSqlParser *parser)
{
    hg_sql_list(parser, path_in_list);
}

gboolean hg_sql_is_word_list(const HgSqlParser *parser)
{
    guint32 ahead = 1;
    if (!hg_sql_at(parser, T(LEFT_PAREN)))
        return FALSE;
    for (;;) {
        if (!hg_sql_is_name(parser, ahead))
            return FALSE;
        guint behind = hg_sql_peek(parser, ahead + 1);
        if (behind == T(RIGHT_PAREN))
            return TRUE;
        if (behind != T(COMMA) && behind != T(DOT))
            return FALSE;
        ahead += 2;
    }
}

gboolean hg_sql_is_expression(const HgSqlParser *parser, guint32 ahead)
{
    guint kind = hg_sql_peek(parser, ahead);
    if (hg_sql_is_name(parser, ahead) || hg_sql_is_string(parser, ahead))
        return TRUE;
    switch (kind) {
    case T(LEFT_PAREN):
    case T(ASTERISK):
    case T(PLUS):
    case T(MINUS):
    case T(TILDE):
    case T(NOT):
    case T(BANG):
    case T(QUESTION):
    case T(COLON):
    case T(CASE):
    case T(CAST):
    case T(NULL):
    case T(TRUE):
    case T(FALSE):
    case T(LEFT):
    case T(RIGHT):
    case T(FILTER):
    case T(CURRENT_DATE):
    case T(CURRENT_TIMESTAMP):
    case T(CURRENT_USER):
    case T(SESSION_USER):
    case T(USER):
        return TRUE;
    default:
        return kind >= T(BIGINT_LITERAL) && kind <= T(BIGDECIMAL_LITERAL);
    }
}

/* The words behind a set operator that begin its right side. */
static gboolean is_set_operand(const HgSqlParser *parser)
{
    switch (hg_sql_peek(parser, 1)) {
    case T(ALL):
    case T(DISTINCT):
    case T(SELECT):
    case T(LEFT_PAREN):
    case T(VALUES):
    case T(FROM):
    case T(TABLE):
    case T(MAP):
    case T(REDUCE):
        return TRUE;
    default:
        return FALSE;
    }
}

/* SET a.b = behind a table: UPDATE's clause, and no alias. */
static gboolean is_assignment(const HgSqlParser *parser)
{
    guint32 ahead = 1;
    while (hg_sql_is_name(parser, ahead) && hg_sql_peek(parser, ahead + 1) == T(DOT))
        ahead += 2;
    return hg_sql_is_name(parser, ahead) && hg_sql_peek(parser, ahead + 1) == T(EQ);
}

/* Words that begin a clause by what stands directly behind them. */
static gboolean is_clause_by_next(const HgSqlParser *parser, guint next)
{
    switch (hg_sql_peek(parser, 0)) {
    case T(GROUP):
    case T(ORDER):
    case T(CLUSTER):
    case T(DISTRIBUTE):
    case T(SORT):
    case T(PARTITION):
        return next == T(BY);
    case T(LATERAL):
        return next == T(VIEW);
    case T(PIVOT):
    case T(TABLESAMPLE):
        return next == T(LEFT_PAREN);
    case T(UNPIVOT):
        return next == T(LEFT_PAREN) || next == T(INCLUDE) || next == T(EXCLUDE);
    case T(WHEN):
        return next == T(MATCHED) || next == T(NOT) || next == T(BANG);
    case T(INSERT):
        return next == T(INTO) || next == T(OVERWRITE);
    case T(FOR):
        return next == T(SYSTEM_VERSION) || next == T(VERSION) || next == T(SYSTEM_TIME) ||
               next == T(TIMESTAMP) || next == T(LEFT_PAREN) ||
               (hg_sql_is_name(parser, 1) && hg_sql_peek(parser, 2) == T(IN));
    case T(SYSTEM_VERSION):
    case T(VERSION):
    case T(SYSTEM_TIME):
    case T(TIMESTAMP):
        return next == T(AS) && hg_sql_peek(parser, 2) == T(OF);
    case T(WITH):
        return next == T(ROLLUP) || next == T(CUBE) ||
               (next == T(LEFT_PAREN) && hg_sql_is_4(parser));
    case T(GROUPING):
        return next == T(SETS);
    case T(WINDOW):
        return hg_sql_is_name(parser, 1) && hg_sql_peek(parser, 2) == T(AS);
    case T(UNION):
    case T(EXCEPT):
    case T(INTERSECT):
    case T(SETMINUS):
        return is_set_operand(parser);
    default:
        return FALSE;
    }
}

/* TRUE when the word behind the next one begins a clause for sure: then the next one is an alias,
 * as in SELECT a from FROM t. */
static gboolean is_clause_behind(const HgSqlParser *parser)
{
    guint behind = hg_sql_peek(parser, 2);
    switch (hg_sql_peek(parser, 1)) {
    case T(FROM):
        return hg_sql_is_name(parser, 2) || behind == T(LEFT_PAREN);
    case T(WHERE):
    case T(HAVING):
    case T(LIMIT):
    case T(OFFSET):
        return hg_sql_is_expression(parser, 2);
    case T(GROUP):
    case T(ORDER):
    case T(SORT):
    case T(CLUSTER):
    case T(DISTRIBUTE):
        return behind == T(BY);
    default:
        return FALSE;
    }
}

gboolean hg_sql_is_clause(const HgSqlParser *parser)
{
    guint kind = hg_sql_peek(parser, 0);
    if (kind > HG_SQL_TOKEN_LAST_KEYWORD)
        return FALSE;
    switch (kind) {
    case T(FROM):
        return (hg_sql_is_name(parser, 1) || hg_sql_peek(parser, 1) == T(LEFT_PAREN)) &&
               !is_clause_behind(parser);
    case T(WHERE):
    case T(HAVING):
    case T(LIMIT):
    case T(OFFSET):
        return hg_sql_is_expression(parser, 1) && !is_clause_behind(parser);
    case T(SET):
        return is_assignment(parser);
    case T(SELECT):
        return hg_sql_is_expression(parser, 1) || hg_sql_peek(parser, 1) == T(HENT_START);
    case T(MAP):
    case T(REDUCE):
        return hg_sql_is_expression(parser, 1) && hg_sql_peek(parser, 1) != T(FROM);
    case T(USING):
        return hg_sql_is_string(parser, 1);
    case T(DO):
        return parser->in_script;
    default:
        return is_clause_by_next(parser, hg_sql_peek(parser, 1));
    }
}

/* SELECT a AS FROM t: the alias is called AS. */
static gboolean is_as_before_from(const HgSqlParser *parser)
{
    HgSqlParser from = *parser, behind = *parser;
    if (!hg_sql_at_2(parser, T(AS), T(FROM)))
        return FALSE;
    from.at += 1;
    behind.at += 2;
    return hg_sql_is_clause(&from) && !hg_sql_is_clause(&behind);
}

void hg_sql_column_alias(HgSqlParser *parser)
{
    gboolean as = hg_sql_at(parser, T(AS)) &&
                  (hg_sql_is_name(parser, 1) || hg_sql_peek(parser, 1) == T(LEFT_PAREN)) &&
                  !is_as_before_from(parser);
    if (as)
        parser->at++;
    else if (!hg_sql_at(parser, T(LEFT_PAREN)) &&
             (!hg_sql_is_name(parser, 0) || hg_sql_is_clause(parser)))
        return;
    HgSqlNode *alias = hg_sql_open(parser, HG_SQL_NODE_ALIAS);
    if (hg_sql_at(parser, T(LEFT_PAREN)))
        hg_sql_word_list(parser);
    else
        hg_sql_word(parser, "expected an alias");
    hg_sql_close(parser, alias);
}

void hg_sql_table_alias(HgSqlParser *parser)
{
    gboolean as = hg_sql_at(parser, T(AS)) && hg_sql_is_alias_name(parser, 1);
    if (as)
        parser->at++;
    else if (!hg_sql_is_alias_name(parser, 0) || hg_sql_is_clause(parser))
        return;
    HgSqlNode *alias = hg_sql_open(parser, HG_SQL_NODE_ALIAS);
    parser->at++;
    if (hg_sql_is_word_list(parser))
        hg_sql_word_list(parser);
    hg_sql_close(parser, alias);
}
