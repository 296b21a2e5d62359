/* Calls of functions, with what Spark allows between and behind their arguments; windows. See
 * parser_private.h. */
#include "sql/parser_private.h"

/* TABLE t, TABLE(t), TABLE(query), with 4.0's partitioning. */
static void table_argument(HgSqlParser *parser)
{
    HgSqlNode *relation = hg_sql_open(parser, HG_SQL_NODE_RELATION);
    parser->at++;
    if (hg_sql_eat(parser, T(LEFT_PAREN))) {
        if (hg_sql_is_query(parser) || hg_sql_at(parser, T(LEFT_PAREN)))
            hg_sql_query(parser);
        else
            hg_sql_name(parser, HG_SQL_ROLE_READ);
        hg_sql_expect(parser, T(RIGHT_PAREN), "expected )");
    } else {
        hg_sql_name(parser, HG_SQL_ROLE_READ);
    }
    if (hg_sql_at_2(parser, T(WITH), T(SINGLE))) {
        parser->at += 2;
        hg_sql_expect(parser, T(PARTITION), "expected PARTITION");
    } else if (hg_sql_eat_2(parser, T(PARTITION), T(BY)) ||
               hg_sql_eat_2(parser, T(DISTRIBUTE), T(BY))) {
        hg_sql_expressions(parser);
    }
    if (hg_sql_eat_2(parser, T(ORDER), T(BY)) || hg_sql_eat_2(parser, T(SORT), T(BY)))
        hg_sql_sort_items(parser);
    hg_sql_close(parser, relation);
}

static gboolean is_table_argument(const HgSqlParser *parser)
{
    return hg_sql_at(parser, T(TABLE)) &&
           (hg_sql_is_name(parser, 1) || hg_sql_peek(parser, 1) == T(LEFT_PAREN));
}

/* What stands between two arguments: a comma, or a word for some functions. */
static gboolean separator(HgSqlParser *parser, guint name)
{
    if (hg_sql_eat(parser, T(COMMA)))
        return TRUE;
    switch (name) {
    case T(SUBSTR):
    case T(SUBSTRING):
        return hg_sql_eat(parser, T(FROM)) || hg_sql_eat(parser, T(FOR));
    case T(OVERLAY):
        return hg_sql_eat(parser, T(PLACING)) || hg_sql_eat(parser, T(FROM)) ||
               hg_sql_eat(parser, T(FOR));
    case T(TRIM):
    case T(EXTRACT):
        return hg_sql_eat(parser, T(FROM));
    case T(POSITION):
        return hg_sql_eat(parser, T(IN));
    default:
        return FALSE;
    }
}

/* What may stand behind an argument. */
static void argument_tail(HgSqlParser *parser, guint name)
{
    switch (name) {
    case T(CAST):
    case T(TRY_CAST):
        if (hg_sql_eat(parser, T(AS)))
            hg_sql_type(parser);
        break;
    case T(STRUCT):
        hg_sql_column_alias(parser);
        break;
    case T(FIRST):
    case T(LAST):
    case T(ANY_VALUE):
        hg_sql_eat_2(parser, T(IGNORE), T(NULLS));
        break;
    default:
        break;
    }
}

static void argument(HgSqlParser *parser, guint name, gboolean tables)
{
    if (hg_sql_is_name(parser, 0) && hg_sql_peek(parser, 1) == T(FAT_ARROW))
        parser->at += 2;
    if (tables && is_table_argument(parser)) {
        table_argument(parser);
        return;
    }
    hg_sql_expression(parser);
    argument_tail(parser, name);
}

/* DISTINCT or ALL, TRIM's words: what may stand in front of all arguments. */
static void argument_head(HgSqlParser *parser, guint name)
{
    guint kind = hg_sql_peek(parser, 0);
    if ((kind == T(DISTINCT) || kind == T(ALL)) && hg_sql_is_expression(parser, 1))
        parser->at++;
    if (name != T(TRIM))
        return;
    if ((kind == T(BOTH) || kind == T(LEADING) || kind == T(TRAILING)) &&
        hg_sql_is_expression(parser, 1))
        parser->at++;
    if (hg_sql_at(parser, T(FROM)) && hg_sql_is_expression(parser, 1))
        parser->at++;
}

void hg_sql_arguments(HgSqlParser *parser, guint name, gboolean tables)
{
    hg_sql_expect(parser, T(LEFT_PAREN), "expected (");
    if (hg_sql_eat(parser, T(RIGHT_PAREN)))
        return;
    argument_head(parser, name);
    do {
        argument(parser, name, tables);
    } while (separator(parser, name));
    hg_sql_expect(parser, T(RIGHT_PAREN), "expected , or ) in the arguments of a function");
}

/* UNBOUNDED PRECEDING, CURRENT ROW, expression FOLLOWING. */
static void frame_bound(HgSqlParser *parser)
{
    if (hg_sql_eat_2(parser, T(CURRENT), T(ROW)))
        return;
    if (!hg_sql_eat_2(parser, T(UNBOUNDED), T(PRECEDING)) &&
        !hg_sql_eat_2(parser, T(UNBOUNDED), T(FOLLOWING))) {
        hg_sql_expression(parser);
        if (!hg_sql_eat(parser, T(PRECEDING)))
            hg_sql_expect(parser, T(FOLLOWING), "expected PRECEDING or FOLLOWING");
    }
}

static void frame(HgSqlParser *parser)
{
    if (!hg_sql_eat(parser, T(RANGE)) && !hg_sql_eat(parser, T(ROWS)))
        return;
    if (!hg_sql_eat(parser, T(BETWEEN))) {
        frame_bound(parser);
        return;
    }
    frame_bound(parser);
    hg_sql_expect(parser, T(AND), "expected AND");
    frame_bound(parser);
}

void hg_sql_window(HgSqlParser *parser)
{
    if (!hg_sql_eat(parser, T(LEFT_PAREN))) {
        hg_sql_word(parser, "expected a window");
        return;
    }
    if (hg_sql_is_name(parser, 0) && hg_sql_peek(parser, 1) == T(RIGHT_PAREN))
        parser->at++;
    if (hg_sql_eat_2(parser, T(CLUSTER), T(BY)) || hg_sql_eat_2(parser, T(PARTITION), T(BY)) ||
        hg_sql_eat_2(parser, T(DISTRIBUTE), T(BY)))
        hg_sql_expressions(parser);
    if (hg_sql_eat_2(parser, T(ORDER), T(BY)) || hg_sql_eat_2(parser, T(SORT), T(BY)))
        hg_sql_sort_items(parser);
    frame(parser);
    hg_sql_expect(parser, T(RIGHT_PAREN), "expected ) behind a window");
}

/* What may stand behind a function's arguments. */
static void call_tail(HgSqlParser *parser)
{
    if (hg_sql_at_3(parser, T(WITHIN), T(GROUP), T(LEFT_PAREN))) {
        parser->at += 3;
        hg_sql_expect(parser, T(ORDER), "expected ORDER BY");
        hg_sql_expect(parser, T(BY), "expected BY");
        hg_sql_sort_items(parser);
        hg_sql_expect(parser, T(RIGHT_PAREN), "expected )");
    }
    if (hg_sql_at_3(parser, T(FILTER), T(LEFT_PAREN), T(WHERE))) {
        parser->at += 3;
        hg_sql_expression(parser);
        hg_sql_expect(parser, T(RIGHT_PAREN), "expected )");
    }
    if (hg_sql_at_2(parser, T(IGNORE), T(NULLS)) || hg_sql_at_2(parser, T(RESPECT), T(NULLS)))
        parser->at += 2;
    if (hg_sql_at(parser, T(OVER)) &&
        (hg_sql_is_name(parser, 1) || hg_sql_peek(parser, 1) == T(LEFT_PAREN))) {
        parser->at++;
        hg_sql_window(parser);
    }
}

/* IDENTIFIER('f')(...): the call's name is the first parentheses' value. FALSE when nothing is
 * called behind them: then they are the arguments of a function called IDENTIFIER. */
static gboolean dynamic_name(HgSqlParser *parser, HgSqlNode *call, HgSqlNode *name)
{
    hg_sql_arguments(parser, T(IDENTIFIER_KW), FALSE);
    hg_sql_close(parser, name);
    if (hg_sql_at(parser, T(LEFT_PAREN))) {
        name->flags |= HG_SQL_FLAG_DYNAMIC;
        return TRUE;
    }
    name->end = name->first + 1;
    for (HgSqlNode *child = name->child; child != NULL; child = child->next)
        child->parent = call;
    name->next = name->child;
    if (name->last != NULL)
        call->last = name->last;
    name->child = name->last = NULL;
    return FALSE;
}

void hg_sql_call(HgSqlParser *parser, guint32 words)
{
    guint kind = words == 1 ? hg_sql_peek(parser, 0) : T(EOF);
    HgSqlNode *call = hg_sql_open(parser, HG_SQL_NODE_CALL);
    HgSqlNode *name = hg_sql_open(parser, HG_SQL_NODE_NAME);
    name->role = HG_SQL_ROLE_FUNCTION;
    parser->at += words;
    gboolean done = FALSE;
    if (kind == T(IDENTIFIER_KW))
        done = !dynamic_name(parser, call, name);
    else
        hg_sql_close(parser, name);
    if (kind == T(EXISTS))
        hg_sql_parentheses(parser); /* a query mostly, maybe in more parentheses */
    else if (!done)
        hg_sql_arguments(parser, kind, FALSE);
    call_tail(parser);
    hg_sql_close(parser, call);
}
