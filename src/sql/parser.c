/* The frame of the parser: tokens, nodes, failure. See parser.h and parser_private.h. A parser
 * lives within one call; the tree that it makes owns the arena. */
#include "sql/parser.h"

#include "base/error.h"
#include "sql/arena.h"
#include "sql/parser_private.h"

#include <string.h>

struct HgSqlTree {
    HgSqlArena *arena;
    HgSqlOptions options;
    HgSlice text;
    const HgSqlToken *tokens;
    guint32 count;
    HgSqlNode *root;
};

void hg_sql_refuse(HgSqlParser *parser, const char *reason)
{
    if (parser->wrong == NULL) {
        parser->wrong = reason;
        parser->wrong_at = parser->at;
    }
    parser->at = parser->count;
}

void hg_sql_expect(HgSqlParser *parser, guint kind, const char *reason)
{
    if (!hg_sql_eat(parser, kind))
        hg_sql_refuse(parser, reason);
}

gboolean hg_sql_at_2(const HgSqlParser *parser, guint first, guint second)
{
    return hg_sql_at(parser, first) && hg_sql_peek(parser, 1) == second;
}

gboolean hg_sql_at_3(const HgSqlParser *parser, guint first, guint second, guint third)
{
    return hg_sql_at_2(parser, first, second) && hg_sql_peek(parser, 2) == third;
}

gboolean hg_sql_eat_2(HgSqlParser *parser, guint first, guint second)
{
    if (!hg_sql_at_2(parser, first, second))
        return FALSE;
    parser->at += 2;
    return TRUE;
}

gboolean hg_sql_eat_if_not_exists(HgSqlParser *parser)
{
    guint second = hg_sql_peek(parser, 1);
    if (!hg_sql_at(parser, T(IF)) || (second != T(NOT) && second != T(BANG)) ||
        hg_sql_peek(parser, 2) != T(EXISTS))
        return FALSE;
    parser->at += 3;
    return TRUE;
}

gboolean hg_sql_eat_if_exists(HgSqlParser *parser)
{
    return hg_sql_eat_2(parser, T(IF), T(EXISTS));
}

void hg_sql_skip_rest(HgSqlParser *parser)
{
    if (parser->at == parser->count)
        return;
    HgSqlNode *text = hg_sql_open(parser, HG_SQL_NODE_TEXT);
    parser->at = parser->count;
    hg_sql_close(parser, text);
}

gboolean hg_sql_enter(HgSqlParser *parser)
{
    if (++parser->depth <= HG_SQL_MAX_DEPTH)
        return TRUE;
    if (parser->wrong == NULL)
        parser->too_deep = TRUE;
    hg_sql_refuse(parser, "the statement is nested too deeply");
    return FALSE;
}

void hg_sql_leave(HgSqlParser *parser)
{
    parser->depth--;
}

HgSqlNode *hg_sql_open(HgSqlParser *parser, HgSqlNodeKind kind)
{
    HgSqlNode *node = hg_sql_arena_take(parser->arena, sizeof *node);
    HgSqlNode *parent = parser->open;
    node->kind = (guint8)kind;
    node->first = parser->at;
    node->parent = parent;
    if (parent != NULL) {
        if (parent->last != NULL)
            parent->last->next = node;
        else
            parent->child = node;
        parent->last = node;
    }
    parser->open = node;
    return node;
}

void hg_sql_close(HgSqlParser *parser, HgSqlNode *node)
{
    node->end = parser->at;
    parser->open = node->parent;
}

void hg_sql_flag(HgSqlParser *parser, guint8 flag)
{
    HgSqlNode *node = parser->open;
    while (node->kind != HG_SQL_NODE_STATEMENT)
        node = node->parent;
    node->flags |= flag;
}

/* All tokens of the text, with one of kind EOF behind them. */
static gboolean read_tokens(HgSqlTree *tree, const HgSqlOptions *options, const char **wrong)
{
    GArray *tokens =
        g_array_sized_new(FALSE, FALSE, sizeof(HgSqlToken), (guint)(tree->text.size / 5 + 16));
    HgSqlLexer lexer;
    HgSqlToken token;
    hg_sql_lexer_init(&lexer, tree->text, options->engine);
    while (hg_sql_lexer_next(&lexer, &token))
        g_array_append_val(tokens, token);
    g_array_append_val(tokens, token);
    tree->count = tokens->len - 1;
    gsize bytes = tokens->len * sizeof(HgSqlToken);
    HgSqlToken *copy = hg_sql_arena_take(tree->arena, bytes);
    memcpy(copy, tokens->data, bytes);
    tree->tokens = copy;
    g_array_free(tokens, TRUE);
    *wrong = hg_sql_lexer_has_unclosed_comment(&lexer) ? "nothing closes a comment" : NULL;
    return *wrong == NULL;
}

/* Line and column, both from 1, of a byte of the text; columns count code points. */
static void locate(HgSlice text, gsize at, guint *line, guint *column)
{
    *line = 1;
    *column = 1;
    for (gsize i = 0; i < at && i < text.size; i++) {
        if (text.data[i] == '\n') {
            (*line)++;
            *column = 1;
        } else if ((text.data[i] & 0xC0) != 0x80) {
            (*column)++;
        }
    }
}

static void set_error(GError **error, HgErrorCode code, HgSlice text, gsize at, const char *reason)
{
    guint line, column;
    locate(text, at, &line, &column);
    g_set_error(error, HG_ERROR, code, "line %u, column %u: %s", line, column, reason);
}

static void begin(HgSqlParser *parser, HgSqlTree *tree, const HgSqlOptions *options)
{
    gboolean old = options->engine == HG_SQL_SPARK_35;
    *parser = (HgSqlParser){
        .tokens = tree->tokens, .count = tree->count, .options = *options, .arena = tree->arena};
    parser->join_mask = old ? HG_SQL_JOIN_35 : HG_SQL_JOIN_40;
    parser->name_mask = old ? HG_SQL_NAME_35 : HG_SQL_NAME_40;
    if (options->reserved_words) {
        parser->join_mask = 0;
        parser->name_mask = old ? HG_SQL_ANSI_NAME_35 : HG_SQL_ANSI_NAME_40;
    }
}

static gboolean parse_tokens(HgSqlTree *tree, const HgSqlOptions *options, GError **error)
{
    HgSqlParser parser;
    begin(&parser, tree, options);
    if (tree->count == 0) {
        set_error(error, HG_ERROR_INVALID, tree->text, tree->text.size, "there is no statement");
        return FALSE;
    }
    tree->root = hg_sql_statement(&parser);
    while (hg_sql_eat(&parser, T(SEMICOLON)))
        continue;
    if (parser.at < parser.count)
        hg_sql_refuse(&parser, "this isn't understood here");
    if (parser.wrong == NULL)
        return TRUE;
    set_error(error, parser.too_deep ? HG_ERROR_LIMIT : HG_ERROR_INVALID, tree->text,
              tree->tokens[parser.wrong_at].start, parser.wrong);
    return FALSE;
}

HgSqlTree *hg_sql_parse(HgSlice text, const HgSqlOptions *options, GError **error)
{
    gsize position;
    const char *wrong;
    if (text.size > HG_SQL_MAX_TEXT) {
        g_set_error(error, HG_ERROR, HG_ERROR_LIMIT,
                    "the statement has %zu bytes; at most %zu can be read", text.size,
                    HG_SQL_MAX_TEXT);
        return NULL;
    }
    if (!hg_sql_text_is_clean(text, &position)) {
        set_error(error, HG_ERROR_INVALID, text, position, "NUL, or bytes that are no UTF-8");
        return NULL;
    }
    if (!options->keeps_variables && hg_sql_text_has_variable(text, &position)) {
        set_error(error, HG_ERROR_INVALID, text, position,
                  "Spark puts something else in for ${...} before it reads the statement, so what "
                  "it touches can't be known; write it out");
        return NULL;
    }
    g_autoptr(HgSqlTree) tree = g_new0(HgSqlTree, 1);
    tree->options = *options;
    tree->arena = hg_sql_arena_new(text.size * 4 + 4096);
    tree->text = text;
    if (!read_tokens(tree, options, &wrong)) {
        set_error(error, HG_ERROR_INVALID, text, text.size, wrong);
        return NULL;
    }
    if (!parse_tokens(tree, options, error))
        return NULL;
    return g_steal_pointer(&tree);
}

const HgSqlNode *hg_sql_tree_root(const HgSqlTree *tree)
{
    return tree->root;
}

HgSlice hg_sql_tree_text(const HgSqlTree *tree)
{
    return tree->text;
}

const HgSqlOptions *hg_sql_tree_options(const HgSqlTree *tree)
{
    return &tree->options;
}

const HgSqlToken *hg_sql_tree_tokens(const HgSqlTree *tree, guint32 *count)
{
    if (count != NULL)
        *count = tree->count;
    return tree->tokens;
}

HgSlice hg_sql_tree_span(const HgSqlTree *tree, const HgSqlNode *node)
{
    if (node->end <= node->first)
        return hg_slice(tree->text.data + tree->tokens[node->first].start, 0);
    guint32 start = tree->tokens[node->first].start;
    return hg_slice(tree->text.data + start, tree->tokens[node->end - 1].end - start);
}

void hg_sql_tree_free(HgSqlTree *tree)
{
    if (tree == NULL)
        return;
    hg_sql_arena_free(tree->arena);
    g_free(tree);
}
