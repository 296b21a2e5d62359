/* Queries: WITH, terms and set operators, what orders and limits them, pipes. See parser_private.h.
 */
#include "sql/parser_private.h"

/* MAP a, b USING 'script' and not a function or column: the script's name comes before the
 * parenthesis around it closes. */
static gboolean is_script_transform(const HgSqlParser *parser)
{
    guint32 depth = 0;
    for (guint32 ahead = 1; ahead < 4096; ahead++) {
        switch (hg_sql_peek(parser, ahead)) {
        case T(LEFT_PAREN):
            depth++;
            break;
        case T(RIGHT_PAREN):
            if (depth-- == 0)
                return FALSE;
            break;
        case T(USING):
            if (depth == 0 && hg_sql_is_string(parser, ahead + 1))
                return TRUE;
            break;
        case T(EOF):
            return FALSE;
        default:
            break;
        }
    }
    return FALSE;
}

gboolean hg_sql_is_query(const HgSqlParser *parser)
{
    guint next = hg_sql_peek(parser, 1);
    switch (hg_sql_peek(parser, 0)) {
    case T(SELECT):
        return hg_sql_is_expression(parser, 1) || next == T(HENT_START);
    case T(WITH):
        return hg_sql_is_name(parser, 1) &&
               (hg_sql_peek(parser, 2) == T(AS) || hg_sql_peek(parser, 2) == T(LEFT_PAREN) ||
                next == T(RECURSIVE));
    case T(FROM):
        return hg_sql_is_name(parser, 1) || next == T(LEFT_PAREN);
    case T(VALUES):
        return hg_sql_is_expression(parser, 1) && next != T(AS) && next != T(FROM);
    case T(TABLE):
        return hg_sql_is_name(parser, 1);
    case T(MAP):
    case T(REDUCE):
        return is_script_transform(parser);
    default:
        return FALSE;
    }
}

gboolean hg_sql_is_query_rest(const HgSqlParser *parser)
{
    switch (hg_sql_peek(parser, 0)) {
    case T(UNION):
    case T(EXCEPT):
    case T(INTERSECT):
    case T(SETMINUS):
    case T(ORDER):
    case T(CLUSTER):
    case T(DISTRIBUTE):
    case T(SORT):
    case T(WINDOW):
    case T(LIMIT):
    case T(OFFSET):
        return hg_sql_is_clause(parser);
    case T(OPERATOR_PIPE):
        return TRUE;
    default:
        return FALSE;
    }
}

void hg_sql_query_in_parentheses(HgSqlParser *parser)
{
    HgSqlNode *query = hg_sql_open(parser, HG_SQL_NODE_QUERY);
    query->flags |= HG_SQL_FLAG_PARENTHESES;
    hg_sql_expect(parser, T(LEFT_PAREN), "expected (");
    hg_sql_query_body(parser);
    hg_sql_expect(parser, T(RIGHT_PAREN), "expected ) behind a query");
    hg_sql_close(parser, query);
}

void hg_sql_query(HgSqlParser *parser)
{
    HgSqlNode *query = hg_sql_open(parser, HG_SQL_NODE_QUERY);
    hg_sql_query_body(parser);
    hg_sql_close(parser, query);
}

static void cte(HgSqlParser *parser)
{
    HgSqlNode *node = hg_sql_open(parser, HG_SQL_NODE_CTE);
    HgSqlNode *name = hg_sql_open(parser, HG_SQL_NODE_NAME);
    name->role = HG_SQL_ROLE_CTE;
    hg_sql_word(parser, "expected the name of a common table expression");
    hg_sql_close(parser, name);
    if (hg_sql_is_word_list(parser))
        hg_sql_word_list(parser);
    hg_sql_eat(parser, T(AS));
    hg_sql_query_in_parentheses(parser);
    hg_sql_close(parser, node);
}

void hg_sql_with(HgSqlParser *parser)
{
    if (!hg_sql_at(parser, T(WITH)))
        return;
    HgSqlNode *with = hg_sql_open(parser, HG_SQL_NODE_WITH);
    parser->at++;
    if (hg_sql_is_4(parser) && hg_sql_at(parser, T(RECURSIVE)) &&
        hg_sql_peek(parser, 1) != T(LEFT_PAREN)) {
        with->flags |= HG_SQL_FLAG_RECURSIVE;
        parser->at++;
    }
    do {
        cte(parser);
    } while (hg_sql_eat(parser, T(COMMA)));
    hg_sql_close(parser, with);
}

/* Behind FROM t: SELECT ... SELECT ...; 4.0 also takes FROM t alone. */
void hg_sql_from_bodies(HgSqlParser *parser)
{
    guint kind = hg_sql_peek(parser, 0);
    if (kind != T(SELECT) && kind != T(MAP) && kind != T(REDUCE) && !hg_sql_is_4(parser))
        hg_sql_refuse(parser, "expected SELECT, MAP or REDUCE behind FROM");
    while (hg_sql_at(parser, T(SELECT)) || hg_sql_at(parser, T(MAP)) ||
           hg_sql_at(parser, T(REDUCE))) {
        hg_sql_select(parser, FALSE);
        hg_sql_organization(parser);
    }
}

static void from_statement(HgSqlParser *parser)
{
    HgSqlNode *select = hg_sql_open(parser, HG_SQL_NODE_SELECT);
    hg_sql_from(parser);
    hg_sql_from_bodies(parser);
    hg_sql_close(parser, select);
}

static void term(HgSqlParser *parser)
{
    guint kind = hg_sql_peek(parser, 0);
    if (kind == T(LEFT_PAREN)) {
        hg_sql_query_in_parentheses(parser);
    } else if (kind == T(SELECT) || kind == T(MAP) || kind == T(REDUCE)) {
        hg_sql_select(parser, TRUE);
    } else if (kind == T(FROM)) {
        from_statement(parser);
    } else if (kind == T(VALUES)) {
        hg_sql_values(parser);
    } else if (hg_sql_at(parser, T(TABLE))) {
        HgSqlNode *relation = hg_sql_open(parser, HG_SQL_NODE_RELATION);
        parser->at++;
        hg_sql_name(parser, HG_SQL_ROLE_READ);
        hg_sql_close(parser, relation);
    } else {
        hg_sql_refuse(parser, "expected a query");
    }
}

static void by_clause(HgSqlParser *parser, guint word, void (*items)(HgSqlParser *parser))
{
    if (!hg_sql_at_2(parser, word, T(BY)))
        return;
    HgSqlNode *clause = hg_sql_open(parser, HG_SQL_NODE_CLAUSE);
    parser->at += 2;
    items(parser);
    hg_sql_close(parser, clause);
}

/* LIMIT or OFFSET: never an alias here. */
static void count_clause(HgSqlParser *parser, guint word)
{
    if (!hg_sql_at(parser, word))
        return;
    HgSqlNode *clause = hg_sql_open(parser, HG_SQL_NODE_CLAUSE);
    parser->at++;
    if (word != T(LIMIT) || !hg_sql_eat(parser, T(ALL)))
        hg_sql_expression(parser);
    hg_sql_close(parser, clause);
}

void hg_sql_organization(HgSqlParser *parser)
{
    by_clause(parser, T(ORDER), hg_sql_sort_items);
    by_clause(parser, T(CLUSTER), hg_sql_expressions);
    by_clause(parser, T(DISTRIBUTE), hg_sql_expressions);
    by_clause(parser, T(SORT), hg_sql_sort_items);
    hg_sql_window_clause(parser);
    count_clause(parser, T(LIMIT));
    count_clause(parser, T(OFFSET));
}

/* UNION and its kind, with ALL or DISTINCT; FALSE when none comes. */
static gboolean set_operator(HgSqlParser *parser)
{
    guint kind = hg_sql_peek(parser, 0);
    if (kind != T(UNION) && kind != T(EXCEPT) && kind != T(INTERSECT) && kind != T(SETMINUS))
        return FALSE;
    HgSqlNode *set = hg_sql_open(parser, HG_SQL_NODE_SET);
    parser->at++;
    if (!hg_sql_eat(parser, T(ALL)))
        hg_sql_eat(parser, T(DISTINCT));
    hg_sql_close(parser, set);
    return TRUE;
}

void hg_sql_query_rest(HgSqlParser *parser)
{
    for (;;) {
        if (set_operator(parser))
            term(parser);
        else if (hg_sql_at(parser, T(OPERATOR_PIPE)))
            hg_sql_pipe(parser);
        else
            break;
    }
    hg_sql_organization(parser);
    /* 4.0: what a pipe yields may be ordered and piped on */
    while (hg_sql_at(parser, T(OPERATOR_PIPE)))
        hg_sql_pipe(parser);
}

void hg_sql_query_body(HgSqlParser *parser)
{
    if (!hg_sql_enter(parser))
        return;
    hg_sql_with(parser);
    term(parser);
    hg_sql_query_rest(parser);
    hg_sql_leave(parser);
}

/* SET of a pipe: a.b = expression, ... */
static void pipe_set(HgSqlParser *parser)
{
    hg_sql_assignments(parser);
}

/* AGGREGATE [items] [GROUP BY ...]. */
static void pipe_aggregate(HgSqlParser *parser)
{
    gboolean clause = hg_sql_at_2(parser, T(GROUP), T(BY)) && hg_sql_is_expression(parser, 2);
    if (!clause && hg_sql_is_expression(parser, 0))
        hg_sql_items(parser);
    hg_sql_aggregation(parser);
}

static void drop_columns(HgSqlParser *parser)
{
    do {
        hg_sql_word(parser, "expected a column");
    } while (hg_sql_eat(parser, T(COMMA)));
}

static void pipe_operator(HgSqlParser *parser)
{
    if (hg_sql_at(parser, T(SELECT))) {
        hg_sql_select(parser, FALSE);
    } else if (hg_sql_eat(parser, T(EXTEND))) {
        hg_sql_items(parser);
    } else if (hg_sql_eat(parser, T(SET))) {
        pipe_set(parser);
    } else if (hg_sql_eat(parser, T(DROP))) {
        drop_columns(parser);
    } else if (hg_sql_eat(parser, T(AS))) {
        HgSqlNode *alias = hg_sql_open(parser, HG_SQL_NODE_ALIAS);
        hg_sql_word(parser, "expected an alias");
        hg_sql_close(parser, alias);
    } else if (hg_sql_at(parser, T(WHERE))) {
        hg_sql_where(parser);
        hg_sql_window_clause(parser);
    } else if (hg_sql_at(parser, T(TABLESAMPLE))) {
        hg_sql_sample(parser);
    } else if (hg_sql_eat(parser, T(AGGREGATE))) {
        pipe_aggregate(parser);
    } else if (set_operator(parser)) {
        term(parser);
    } else if (hg_sql_pivot(parser)) {
        hg_sql_pivot(parser);
    } else if (!hg_sql_join(parser)) {
        hg_sql_organization(parser);
    }
}

void hg_sql_pipe(HgSqlParser *parser)
{
    HgSqlNode *pipe = hg_sql_open(parser, HG_SQL_NODE_PIPE);
    parser->at++;
    pipe_operator(parser); /* nothing at all is an operator, too */
    hg_sql_close(parser, pipe);
}
