/* FROM: relations, joins, lateral views, pivots, samples. See parser_private.h. */
#include "sql/parser_private.h"

static void relation(HgSqlParser *parser);

void hg_sql_sample(HgSqlParser *parser)
{
    if (!hg_sql_at_2(parser, T(TABLESAMPLE), T(LEFT_PAREN)))
        return;
    HgSqlNode *sample = hg_sql_open(parser, HG_SQL_NODE_SAMPLE);
    parser->at += 2;
    if (hg_sql_at_2(parser, T(BUCKET), T(INTEGER_VALUE))) {
        parser->at += 2;
        hg_sql_expect(parser, T(OUT), "expected OUT OF");
        hg_sql_expect(parser, T(OF), "expected OF");
        hg_sql_expect(parser, T(INTEGER_VALUE), "expected a number");
        if (hg_sql_eat(parser, T(ON)))
            hg_sql_expression(parser);
    } else if (!hg_sql_at(parser, T(RIGHT_PAREN))) {
        hg_sql_expression(parser);
        if (!hg_sql_eat(parser, T(PERCENTLIT)))
            hg_sql_eat(parser, T(ROWS));
    }
    hg_sql_expect(parser, T(RIGHT_PAREN), "expected ) behind a sample");
    if (hg_sql_eat_2(parser, T(REPEATABLE), T(LEFT_PAREN))) {
        hg_sql_expect(parser, T(INTEGER_VALUE), "expected a number");
        hg_sql_expect(parser, T(RIGHT_PAREN), "expected )");
    }
    hg_sql_close(parser, sample);
}

static void time_travel(HgSqlParser *parser)
{
    guint32 word = hg_sql_at(parser, T(FOR)) ? 1 : 0;
    guint kind = hg_sql_peek(parser, word);
    if ((kind != T(SYSTEM_VERSION) && kind != T(VERSION) && kind != T(SYSTEM_TIME) &&
         kind != T(TIMESTAMP)) ||
        hg_sql_peek(parser, word + 1) != T(AS) || hg_sql_peek(parser, word + 2) != T(OF))
        return;
    HgSqlNode *travel = hg_sql_open(parser, HG_SQL_NODE_TIME_TRAVEL);
    parser->at += word + 3;
    hg_sql_expression(parser);
    hg_sql_close(parser, travel);
}

/* What may stand behind any relation. */
static void relation_tail(HgSqlParser *parser)
{
    hg_sql_sample(parser);
    hg_sql_table_alias(parser);
}

void hg_sql_values(HgSqlParser *parser)
{
    HgSqlNode *values = hg_sql_open(parser, HG_SQL_NODE_VALUES);
    parser->at++;
    do {
        hg_sql_expression(parser);
    } while (!hg_sql_at_3(parser, T(COMMA), T(VALUES), T(INTEGER_VALUE)) && /* the next relation */
             hg_sql_eat(parser, T(COMMA)));
    hg_sql_table_alias(parser);
    hg_sql_close(parser, values);
}

/* What may stand behind a table's alias. */
static gboolean ends_alias(guint kind)
{
    switch (kind) {
    case T(EOF):
    case T(COMMA):
    case T(RIGHT_PAREN):
    case T(SEMICOLON):
    case T(OPERATOR_PIPE):
    case T(WHERE):
    case T(GROUP):
    case T(HAVING):
    case T(WINDOW):
    case T(ORDER):
    case T(SORT):
    case T(CLUSTER):
    case T(DISTRIBUTE):
    case T(LIMIT):
    case T(OFFSET):
    case T(UNION):
    case T(EXCEPT):
    case T(INTERSECT):
    case T(SETMINUS):
    case T(LATERAL):
    case T(PIVOT):
    case T(UNPIVOT):
    case T(SELECT):
    case T(INSERT):
    case T(ON):
    case T(USING):
    case T(NATURAL):
    case T(CROSS):
    case T(INNER):
    case T(LEFT):
    case T(RIGHT):
    case T(FULL):
    case T(SEMI):
    case T(ANTI):
    case T(JOIN):
        return TRUE;
    default:
        return FALSE;
    }
}

/* What stands behind VALUES x, or VALUES x(a, b): the second reads like a table's alias, too. */
static guint behind_alias(const HgSqlParser *parser)
{
    HgSqlParser list = *parser;
    list.at += 2;
    if (!hg_sql_is_word_list(&list))
        return hg_sql_peek(parser, 2);
    while (!hg_sql_eat(&list, T(RIGHT_PAREN)))
        list.at++;
    return hg_sql_peek(&list, 0);
}

/* VALUES f(a), g(b): a table called VALUES with an alias, or a list; only all of the rest tells. */
static gboolean is_doubtful_values(const HgSqlParser *parser)
{
    return hg_sql_at(parser, T(VALUES)) && hg_sql_is_alias_name(parser, 1) &&
           hg_sql_peek(parser, 2) == T(LEFT_PAREN) && behind_alias(parser) == T(COMMA);
}

/* A word and ( behind a relation: USING or ON of a join, UNION of a query. */
static gboolean continues_relation(const HgSqlParser *parser, gboolean in_join)
{
    HgSqlParser ahead = *parser;
    switch (hg_sql_peek(parser, 1)) {
    case T(USING):
    case T(ON):
        return in_join;
    case T(UNION):
    case T(EXCEPT):
    case T(INTERSECT):
    case T(SETMINUS):
        for (ahead.at += 3; hg_sql_at(&ahead, T(LEFT_PAREN));)
            ahead.at++;
        return hg_sql_is_query(&ahead);
    default:
        return FALSE;
    }
}

/* VALUES and expressions, and not a table of that name, which comes first when both are possible.
 */
static gboolean is_values(const HgSqlParser *parser, gboolean in_join)
{
    if (!hg_sql_at(parser, T(VALUES)) || !hg_sql_is_expression(parser, 1) ||
        (hg_sql_peek(parser, 1) == T(AS) && hg_sql_is_alias_name(parser, 2)))
        return FALSE;
    if (hg_sql_is_alias_name(parser, 1))
        return !ends_alias(behind_alias(parser));
    /* a join or set word is an operand only as a function's name, and not where VALUES can be a
     * table that is joined or united */
    return !hg_sql_is_name(parser, 1) ||
           (hg_sql_peek(parser, 2) == T(LEFT_PAREN) && !continues_relation(parser, in_join));
}

/* Relations or a query in parentheses, as a GROUP or QUERY; TRUE for a query. What follows an inner
 * parenthesis tells which it is. */
static gboolean relation_parentheses(HgSqlParser *parser)
{
    if (!hg_sql_enter(parser))
        return FALSE;
    HgSqlNode *group = hg_sql_open(parser, HG_SQL_NODE_GROUP);
    group->flags |= HG_SQL_FLAG_PARENTHESES;
    parser->at++;
    if (hg_sql_is_query(parser)) {
        group->kind = HG_SQL_NODE_QUERY;
        hg_sql_query_body(parser);
    } else if (hg_sql_at(parser, T(LEFT_PAREN))) {
        HgSqlNode *inner = hg_sql_open(parser, HG_SQL_NODE_RELATION);
        gboolean query = relation_parentheses(parser);
        if (query && (hg_sql_at(parser, T(RIGHT_PAREN)) || hg_sql_is_query_rest(parser))) {
            hg_sql_close(parser, inner);
            inner->kind = HG_SQL_NODE_QUERY;
            group->kind = HG_SQL_NODE_QUERY;
            hg_sql_query_rest(parser);
        } else {
            relation_tail(parser);
            hg_sql_close(parser, inner);
            while (hg_sql_join(parser) || hg_sql_pivot(parser))
                continue;
        }
    } else {
        relation(parser);
    }
    hg_sql_expect(parser, T(RIGHT_PAREN), "expected ) behind a relation");
    hg_sql_close(parser, group);
    hg_sql_leave(parser);
    return group->kind == HG_SQL_NODE_QUERY;
}

/* A table, or a function with its arguments. */
static void named_relation(HgSqlParser *parser)
{
    HgSqlNode *node = hg_sql_open(parser, HG_SQL_NODE_RELATION);
    HgSqlNode *name = hg_sql_name(parser, HG_SQL_ROLE_READ);
    if (hg_sql_at(parser, T(LEFT_PAREN))) {
        node->kind = HG_SQL_NODE_FUNCTION_RELATION;
        name->role = HG_SQL_ROLE_FUNCTION;
        hg_sql_arguments(parser, T(EOF), TRUE);
        hg_sql_table_alias(parser);
    } else {
        time_travel(parser);
        if (hg_sql_is_4(parser) && hg_sql_at_2(parser, T(WITH), T(LEFT_PAREN))) {
            parser->at++;
            hg_sql_properties(parser);
        }
        relation_tail(parser);
    }
    hg_sql_close(parser, node);
}

static void relation_primary(HgSqlParser *parser, gboolean in_join)
{
    if (is_doubtful_values(parser)) {
        hg_sql_refuse(parser, "VALUES could be a table's name here: put it in back-ticks, or the "
                              "list in parentheses");
    } else if (is_values(parser, in_join)) {
        hg_sql_values(parser);
    } else if (hg_sql_at(parser, T(LEFT_PAREN))) {
        HgSqlNode *node = hg_sql_open(parser, HG_SQL_NODE_RELATION);
        relation_parentheses(parser);
        relation_tail(parser);
        hg_sql_close(parser, node);
    } else if (hg_sql_is_name(parser, 0) || hg_sql_at(parser, T(LEFT)) ||
               hg_sql_at(parser, T(RIGHT)) || hg_sql_at(parser, T(FILTER))) {
        named_relation(parser);
    } else {
        hg_sql_refuse(parser, "expected a table, a function or a query");
    }
}

/* LATERAL in front of a relation, and not of a lateral view. */
static void lateral(HgSqlParser *parser)
{
    if (hg_sql_at(parser, T(LATERAL)) &&
        (hg_sql_is_name(parser, 1) || hg_sql_peek(parser, 1) == T(LEFT_PAREN)))
        parser->at++;
}

/* How many words a join begins with, JOIN and all; 0 when none comes. */
static guint32 join_words(const HgSqlParser *parser)
{
    for (guint32 ahead = 0; ahead < 4; ahead++) {
        switch (hg_sql_peek(parser, ahead)) {
        case T(JOIN):
            return ahead + 1;
        case T(NATURAL):
        case T(INNER):
        case T(CROSS):
        case T(LEFT):
        case T(RIGHT):
        case T(FULL):
        case T(OUTER):
        case T(SEMI):
        case T(ANTI):
            break;
        default:
            return 0;
        }
    }
    return 0;
}

gboolean hg_sql_join(HgSqlParser *parser)
{
    guint32 words = join_words(parser);
    if (words == 0)
        return FALSE;
    HgSqlNode *join = hg_sql_open(parser, HG_SQL_NODE_JOIN);
    parser->at += words;
    lateral(parser);
    relation_primary(parser, TRUE);
    if (hg_sql_eat(parser, T(ON)))
        hg_sql_expression(parser);
    else if (hg_sql_at_2(parser, T(USING), T(LEFT_PAREN))) {
        parser->at++;
        hg_sql_word_list(parser);
    }
    hg_sql_close(parser, join);
    return TRUE;
}

/* A column, or several in parentheses. */
static void column_or_list(HgSqlParser *parser)
{
    if (hg_sql_at(parser, T(LEFT_PAREN)))
        hg_sql_word_list(parser);
    else
        hg_sql_path(parser, "expected a column");
}

static void pivot(HgSqlParser *parser)
{
    hg_sql_items(parser);
    hg_sql_expect(parser, T(FOR), "expected FOR");
    column_or_list(parser);
    hg_sql_expect(parser, T(IN), "expected IN");
    hg_sql_parentheses(parser);
}

static void unpivot_column(HgSqlParser *parser)
{
    column_or_list(parser);
    hg_sql_eat(parser, T(AS));
    if (hg_sql_is_name(parser, 0))
        parser->at++;
}

static void unpivot(HgSqlParser *parser)
{
    column_or_list(parser);
    hg_sql_expect(parser, T(FOR), "expected FOR");
    hg_sql_word(parser, "expected a column");
    hg_sql_expect(parser, T(IN), "expected IN");
    hg_sql_list(parser, unpivot_column);
}

gboolean hg_sql_pivot(HgSqlParser *parser)
{
    gboolean back = hg_sql_at(parser, T(UNPIVOT));
    if ((!back && !hg_sql_at(parser, T(PIVOT))) || !hg_sql_is_clause(parser))
        return FALSE;
    HgSqlNode *node = hg_sql_open(parser, HG_SQL_NODE_PIVOT);
    parser->at++;
    if (back && (hg_sql_eat(parser, T(INCLUDE)) || hg_sql_eat(parser, T(EXCLUDE))))
        hg_sql_expect(parser, T(NULLS), "expected NULLS");
    hg_sql_expect(parser, T(LEFT_PAREN), "expected (");
    if (back)
        unpivot(parser);
    else
        pivot(parser);
    hg_sql_expect(parser, T(RIGHT_PAREN), "expected )");
    if (back)
        hg_sql_table_alias(parser);
    hg_sql_close(parser, node);
    return TRUE;
}

/* relation, with all that is joined to it. */
static void relation(HgSqlParser *parser)
{
    lateral(parser);
    relation_primary(parser, FALSE);
    while (hg_sql_join(parser) || hg_sql_pivot(parser))
        continue;
}

/* AS a, b behind a lateral view's table. */
static void view_columns(HgSqlParser *parser)
{
    gboolean as = hg_sql_at(parser, T(AS)) && hg_sql_is_name(parser, 1);
    if (as)
        parser->at++;
    else if (!hg_sql_is_name(parser, 0) || hg_sql_is_clause(parser) || join_words(parser) > 0)
        return;
    do {
        hg_sql_word(parser, "expected a column");
    } while (hg_sql_eat(parser, T(COMMA)));
}

void hg_sql_lateral_views(HgSqlParser *parser)
{
    while (hg_sql_at_2(parser, T(LATERAL), T(VIEW))) {
        HgSqlNode *view = hg_sql_open(parser, HG_SQL_NODE_LATERAL_VIEW);
        parser->at += 2;
        if (hg_sql_at(parser, T(OUTER)) && hg_sql_is_name(parser, 1))
            parser->at++;
        HgSqlNode *name = hg_sql_open(parser, HG_SQL_NODE_NAME);
        name->role = HG_SQL_ROLE_FUNCTION;
        hg_sql_path(parser, "expected a function");
        hg_sql_close(parser, name);
        hg_sql_arguments(parser, T(EOF), FALSE);
        HgSqlNode *alias = hg_sql_open(parser, HG_SQL_NODE_ALIAS);
        hg_sql_word(parser, "expected the name of a lateral view");
        view_columns(parser);
        hg_sql_close(parser, alias);
        hg_sql_close(parser, view);
    }
}

void hg_sql_from(HgSqlParser *parser)
{
    HgSqlNode *from = hg_sql_open(parser, HG_SQL_NODE_FROM);
    parser->at++;
    do {
        relation(parser);
    } while (hg_sql_eat(parser, T(COMMA)));
    hg_sql_lateral_views(parser);
    while (hg_sql_pivot(parser))
        continue;
    hg_sql_close(parser, from);
}
