/* The parser's parts to each other.
 *
 * A failure is remembered in the parser and moves it to the end of the tokens: no rule has to look
 * whether the one before went well, every loop ends, and hg_sql_parse() throws the tree away. One
 * thread. */
#pragma once

#include "sql/keywords.h"
#include "sql/parser.h"
#include "sql/statement.h"

/* A kind of token, shorter. */
#define T(name) HG_SQL_TOKEN_##name

/* How deep queries, parentheses, types and scripts may nest. */
#define HG_SQL_MAX_DEPTH 1000

typedef struct {
    const HgSqlToken *tokens; /* `count`, and one of kind EOF */
    guint32 count;
    guint32 at; /* the next token */
    guint32 depth;
    guint name_mask; /* which words may be names */
    guint join_mask; /* which of them may be no table alias; 0 when none may be a name */
    HgSqlOptions options;
    struct HgSqlArena *arena;
    HgSqlNode *open;   /* the node that new ones go into */
    const char *wrong; /* NULL, or why the text is refused */
    guint32 wrong_at;
    gboolean too_deep;
    gboolean in_script;
} HgSqlParser;

/* --- tokens (parser.c) --- */

static inline guint hg_sql_peek(const HgSqlParser *parser, guint32 ahead)
{
    guint32 at = parser->at + ahead;
    return parser->tokens[at < parser->count ? at : parser->count].kind;
}

static inline gboolean hg_sql_at(const HgSqlParser *parser, guint kind)
{
    return parser->tokens[parser->at].kind == kind;
}

/* TRUE, and the token is passed, when the next one is of this kind. */
static inline gboolean hg_sql_eat(HgSqlParser *parser, guint kind)
{
    if (parser->tokens[parser->at].kind != kind || parser->at >= parser->count)
        return FALSE;
    parser->at++;
    return TRUE;
}

static inline gboolean hg_sql_is_4(const HgSqlParser *parser)
{
    return parser->options.engine == HG_SQL_SPARK_40;
}

/* Refuses the text at the next token, unless it is refused already. `reason` is constant. */
void hg_sql_refuse(HgSqlParser *parser, const char *reason);

/* Passes a token of this kind, or refuses the text. */
void hg_sql_expect(HgSqlParser *parser, guint kind, const char *reason);

/* TRUE when the next tokens are of these two or three kinds. */
gboolean hg_sql_at_2(const HgSqlParser *parser, guint first, guint second);
gboolean hg_sql_at_3(const HgSqlParser *parser, guint first, guint second, guint third);

/* The same, and the tokens are passed. */
gboolean hg_sql_eat_2(HgSqlParser *parser, guint first, guint second);

/* TRUE, and the tokens are passed, at IF NOT EXISTS or IF EXISTS. */
gboolean hg_sql_eat_if_not_exists(HgSqlParser *parser);
gboolean hg_sql_eat_if_exists(HgSqlParser *parser);

/* Passes all that is left of the statement, as a TEXT node. */
void hg_sql_skip_rest(HgSqlParser *parser);

/* One level deeper; FALSE, and the text is refused, when that is too deep. */
gboolean hg_sql_enter(HgSqlParser *parser);
void hg_sql_leave(HgSqlParser *parser);

/* --- nodes (parser.c) --- */

/* A new node in the open one, which becomes the open one itself. */
HgSqlNode *hg_sql_open(HgSqlParser *parser, HgSqlNodeKind kind);

/* Ends it with the token that was passed last; its parent is open again. */
void hg_sql_close(HgSqlParser *parser, HgSqlNode *node);

/* --- words and names (parse_name.c) --- */

/* TRUE when the token so far ahead may be a name; the second, when it may be a table's alias. */
gboolean hg_sql_is_name(const HgSqlParser *parser, guint32 ahead);
gboolean hg_sql_is_alias_name(const HgSqlParser *parser, guint32 ahead);

/* TRUE for a string literal so far ahead. */
gboolean hg_sql_is_string(const HgSqlParser *parser, guint32 ahead);

/* Passes a name, a string, or a number, or refuses the text. */
void hg_sql_word(HgSqlParser *parser, const char *reason);
void hg_sql_string(HgSqlParser *parser);

/* Passes a.b.c; without a node. */
void hg_sql_path(HgSqlParser *parser, const char *reason);

/* A NAME node: a.b.c or IDENTIFIER(...). */
HgSqlNode *hg_sql_name(HgSqlParser *parser, HgSqlRole role);

/* (a, b, c), with `each` for what is between the commas, at least one. */
void hg_sql_list(HgSqlParser *parser, void (*each)(HgSqlParser *parser));
void hg_sql_word_list(HgSqlParser *parser);

/* TRUE when ( a , b ) comes. */
gboolean hg_sql_is_word_list(const HgSqlParser *parser);

/* TRUE when the next token may begin an expression. */
gboolean hg_sql_is_expression(const HgSqlParser *parser, guint32 ahead);

/* TRUE when the next token begins a clause here, although it could be an alias. */
gboolean hg_sql_is_clause(const HgSqlParser *parser);

/* Passes a column's or a table's alias when there is one. */
void hg_sql_column_alias(HgSqlParser *parser);
void hg_sql_table_alias(HgSqlParser *parser);

/* --- expressions (parse_expression.c, parse_primary.c) --- */

void hg_sql_expression(HgSqlParser *parser);

/* What may follow an operand that was read: operators and more operands. */
void hg_sql_expression_rest(HgSqlParser *parser);

/* An operand with all that binds to it: fields, subscripts, casts. */
void hg_sql_primary(HgSqlParser *parser);

/* Fields, subscripts, casts behind an operand. */
void hg_sql_postfix(HgSqlParser *parser);

/* ( expression, ... ) or ( query ): a GROUP or a QUERY node. TRUE when it was a query. */
gboolean hg_sql_parentheses(HgSqlParser *parser);

/* expression [AS alias], ...: as ITEMs, or as they are. */
void hg_sql_item(HgSqlParser *parser);
void hg_sql_items(HgSqlParser *parser);
void hg_sql_expressions(HgSqlParser *parser);

/* name(arguments) and what follows it, as a CALL; `words` tokens of it are the name. */
void hg_sql_call(HgSqlParser *parser, guint32 words);

/* ( arguments ) of a function; `tables` allows TABLE(...) among them. `name` is the kind of the
 * function's name, or of anything else: some have words between their arguments. */
void hg_sql_arguments(HgSqlParser *parser, guint name, gboolean tables);

/* An INTERVAL literal when there is one. */
gboolean hg_sql_interval(HgSqlParser *parser);

/* CASE ... END. */
void hg_sql_case(HgSqlParser *parser);

/* A window: a name, or what stands in parentheses. */
void hg_sql_window(HgSqlParser *parser);

/* expression [ASC | DESC] [NULLS ...], ... */
void hg_sql_sort_items(HgSqlParser *parser);

/* --- types (parse_type.c) --- */

void hg_sql_type(HgSqlParser *parser);

/* name type [NOT NULL] [DEFAULT ...] [COMMENT ...] ..., with commas between. */
void hg_sql_columns(HgSqlParser *parser);

/* (key = value, ...); the second with expressions for values. */
void hg_sql_properties(HgSqlParser *parser);
void hg_sql_expression_properties(HgSqlParser *parser);

/* A constant: what a partition's value may be. */
void hg_sql_constant(HgSqlParser *parser);

/* PARTITION (name = value, ...) when it comes. */
void hg_sql_partition(HgSqlParser *parser);

/* --- queries (parse_query.c, parse_select.c, parse_from.c) --- */

/* TRUE when a query begins here, and not a column of that name. */
gboolean hg_sql_is_query(const HgSqlParser *parser);

/* TRUE when what comes continues a query whose first term was in parentheses. */
gboolean hg_sql_is_query_rest(const HgSqlParser *parser);

/* A query as a new node; into the open node; and the rest, when its first term was read. */
void hg_sql_query(HgSqlParser *parser);
void hg_sql_query_body(HgSqlParser *parser);
void hg_sql_query_rest(HgSqlParser *parser);

/* ( query ) as a node. */
void hg_sql_query_in_parentheses(HgSqlParser *parser);

/* WITH ..., when it comes. */
void hg_sql_with(HgSqlParser *parser);

/* SELECT ..., TRANSFORM, MAP or REDUCE, with their clauses but without FROM in front of them. */
void hg_sql_select(HgSqlParser *parser, gboolean from_allowed);
void hg_sql_where(HgSqlParser *parser);
void hg_sql_window_clause(HgSqlParser *parser);
void hg_sql_aggregation(HgSqlParser *parser);

/* ORDER BY ... LIMIT ... OFFSET. */
void hg_sql_organization(HgSqlParser *parser);

/* What follows FROM and its relations when they come first. */
void hg_sql_from_bodies(HgSqlParser *parser);

/* FROM and its relations. */
void hg_sql_from(HgSqlParser *parser);
void hg_sql_lateral_views(HgSqlParser *parser);
gboolean hg_sql_join(HgSqlParser *parser);
gboolean hg_sql_pivot(HgSqlParser *parser);
void hg_sql_sample(HgSqlParser *parser);
void hg_sql_values(HgSqlParser *parser);

/* |> operators, when they come. */
void hg_sql_pipe(HgSqlParser *parser);

/* --- statements --- */

/* One statement, as a node. */
HgSqlNode *hg_sql_statement(HgSqlParser *parser);

/* Each reads one family of statements into the open STATEMENT node and says which it is. */
HgSqlStatementKind hg_sql_query_or_dml(HgSqlParser *parser);
HgSqlStatementKind hg_sql_create(HgSqlParser *parser);
HgSqlStatementKind hg_sql_replace(HgSqlParser *parser);
HgSqlStatementKind hg_sql_alter(HgSqlParser *parser);
HgSqlStatementKind hg_sql_drop(HgSqlParser *parser);
HgSqlStatementKind hg_sql_show(HgSqlParser *parser);
HgSqlStatementKind hg_sql_describe(HgSqlParser *parser);
HgSqlStatementKind hg_sql_create_function(HgSqlParser *parser, gboolean temporary);
HgSqlStatementKind hg_sql_maintain(HgSqlParser *parser);
HgSqlStatementKind hg_sql_set(HgSqlParser *parser);
HgSqlStatementKind hg_sql_declare(HgSqlParser *parser);
HgSqlStatementKind hg_sql_execute_immediate(HgSqlParser *parser);

/* BEGIN ... END (4.0). */
HgSqlStatementKind hg_sql_script(HgSqlParser *parser);

/* The parts that INSERT OVERWRITE DIRECTORY shares with CREATE TABLE. */
void hg_sql_row_format(HgSqlParser *parser);
gboolean hg_sql_file_format(HgSqlParser *parser);

/* DATABASE, SCHEMA or NAMESPACE; DATABASES ... */
gboolean hg_sql_is_namespace(guint kind);
gboolean hg_sql_is_namespaces(guint kind);

/* a = expression, ... as SET of UPDATE has it. */
void hg_sql_assignments(HgSqlParser *parser);

/* Sets the flag on the open statement. */
void hg_sql_flag(HgSqlParser *parser, guint8 flag);
