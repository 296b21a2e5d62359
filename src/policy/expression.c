/* Reading the expressions of policies, and what is refused in them: see expression.h. */
#include "base/error.h"
#include "policy/expression_private.h"
#include "policy/function.h"
#include "policy/name.h"
#include "sql/parser.h"
#include "sql/walk.h"

#include <string.h>

#define PREFIX "SELECT "

static void placeholder_clear(gpointer data)
{
    g_free(((HgPlaceholder *)data)->name);
}

void hg_expression_free(HgExpression *expression)
{
    if (expression == NULL)
        return;
    hg_sql_tree_free(expression->tree);
    g_array_unref(expression->placeholders);
    g_strfreev(expression->reads);
    g_free(expression->text);
    g_free(expression->parsed);
    g_free(expression);
}

const char *hg_expression_text(const HgExpression *expression)
{
    return expression->text;
}

gboolean hg_expression_uses_time_zone(const HgExpression *expression)
{
    return expression->uses_time_zone;
}

/* ---- placeholders ---- */

static gboolean wrong(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean wrong(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID, message);
    return FALSE;
}

static gboolean read_placeholder(const char *name, HgPlaceholder *out, GError **error)
{
    if (strcmp(name, "user") == 0)
        out->kind = HG_PLACEHOLDER_USER;
    else if (strcmp(name, "groups") == 0)
        out->kind = HG_PLACEHOLDER_GROUPS;
    else if (strcmp(name, "col") == 0)
        out->kind = HG_PLACEHOLDER_COLUMN;
    else if (g_str_has_prefix(name, "attr.") && name[5] != '\0') {
        out->kind = HG_PLACEHOLDER_ATTRIBUTE;
        out->name = g_strdup(name + 5);
    } else
        return wrong(error, "there is no {%s}; expected {user}, {groups}, {attr.NAME} or {col}",
                     name);
    return TRUE;
}

/* A string in which somebody expects a placeholder to be replaced. */
static gboolean check_string(HgSlice text, GError **error)
{
    static const char *const names[] = {"{user}", "{groups}", "{col}", "{attr."};
    g_autofree char *copy = hg_slice_dup_string(text);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (strstr(copy, names[i]) != NULL)
            return wrong(error, "%s stands in quotes, where it isn't replaced; write it without",
                         copy);
    return TRUE;
}

/* Puts a literal in the place of each {name}; where in the text each begins is kept in `token`. */
static gboolean replace_placeholders(HgExpression *expression, GError **error)
{
    GString *out = g_string_new(PREFIX);
    HgSlice text = hg_slice_from_string(expression->text);
    HgSqlLexer lexer;
    HgSqlToken token;
    gsize at = 0;
    gboolean good = TRUE;
    hg_sql_lexer_init(&lexer, text, HG_SQL_SPARK_35);
    while (good && hg_sql_lexer_next(&lexer, &token)) {
        HgSlice word = hg_slice(text.data + token.start, token.end - token.start);
        if (token.kind == HG_SQL_TOKEN_STRING_LITERAL ||
            token.kind == HG_SQL_TOKEN_DOUBLEQUOTED_STRING)
            good = check_string(word, error);
        if (token.start < at || token.kind != HG_SQL_TOKEN_UNRECOGNIZED || *word.data != '{')
            continue;
        const guint8 *end = memchr(word.data, '}', text.size - token.start);
        if (end == NULL) {
            good = wrong(error, "nothing closes a {");
            break;
        }
        g_autofree char *name =
            g_strndup((const char *)word.data + 1, (gsize)(end - word.data) - 1);
        HgPlaceholder placeholder = {0};
        good = read_placeholder(name, &placeholder, error);
        g_string_append_len(out, (const char *)text.data + at, (gssize)(token.start - at));
        placeholder.token = (guint32)out->len;
        g_string_append(out, "'?'");
        g_array_append_val(expression->placeholders, placeholder);
        at = (gsize)(end - text.data) + 1;
    }
    g_string_append(out, expression->text + at);
    expression->parsed = g_string_free(out, FALSE);
    return good;
}

/* From places in the text to numbers of tokens. */
static gboolean find_tokens(HgExpression *expression, GError **error)
{
    guint32 count;
    const HgSqlToken *tokens = hg_sql_tree_tokens(expression->tree, &count);
    guint next = 0;
    for (guint32 i = 0; i < count && next < expression->placeholders->len; i++) {
        HgPlaceholder *placeholder = &g_array_index(expression->placeholders, HgPlaceholder, next);
        if (tokens[i].start == placeholder->token) {
            placeholder->token = i;
            next++;
        }
    }
    return next == expression->placeholders->len ||
           wrong(error, "a placeholder stands where no value can be");
}

/* ---- what is refused ---- */

const HgSqlNode *hg_expression_outermost(const HgExpression *expression)
{
    return hg_sql_tree_root(expression->tree)->child->child;
}

static guint kind_at(const HgExpression *expression, guint32 token)
{
    return hg_sql_tree_tokens(expression->tree, NULL)[token].kind;
}

gboolean hg_expression_is_clock(const HgExpression *expression, const HgSqlNode *column)
{
    guint kind = kind_at(expression, column->first);
    return column->end == column->first + 1 &&
           (kind == HG_SQL_TOKEN_CURRENT_DATE || kind == HG_SQL_TOKEN_CURRENT_TIMESTAMP);
}

gboolean hg_expression_is_unit(const HgExpression *expression, const HgSqlNode *column)
{
    const HgSqlNode *call = column->parent;
    if (call->kind != HG_SQL_NODE_CALL || column->end != column->first + 1 ||
        column->first != call->child->end + 1)
        return FALSE;
    g_autofree char *name = hg_slice_dup_string(hg_sql_tree_span(expression->tree, call->child));
    if (g_ascii_strcasecmp(name, "extract") == 0)
        return kind_at(expression, column->end) == HG_SQL_TOKEN_FROM;
    return g_ascii_strcasecmp(name, "timestampadd") == 0 ||
           g_ascii_strcasecmp(name, "timestampdiff") == 0;
}

static const char *refused_node(const HgSqlNode *node)
{
    switch (node->kind) {
    case HG_SQL_NODE_PARAMETER:
        return "a parameter";
    case HG_SQL_NODE_TRANSFORM:
        return "a script";
    case HG_SQL_NODE_WITH:
        return "WITH";
    case HG_SQL_NODE_VALUES:
        return "VALUES";
    case HG_SQL_NODE_SET:
        return "a set operator";
    case HG_SQL_NODE_PIPE:
        return "a pipe";
    case HG_SQL_NODE_FUNCTION_RELATION:
        return "a function in the place of a table";
    case HG_SQL_NODE_LATERAL_VIEW:
        return "LATERAL VIEW";
    case HG_SQL_NODE_PIVOT:
        return "PIVOT";
    case HG_SQL_NODE_SAMPLE:
        return "TABLESAMPLE";
    case HG_SQL_NODE_TIME_TRAVEL:
        return "time travel";
    case HG_SQL_NODE_HINT:
        return "a hint";
    case HG_SQL_NODE_LAMBDA:
        return "a lambda";
    case HG_SQL_NODE_TEXT:
        return "a text that isn't SQL";
    default:
        return (node->flags & HG_SQL_FLAG_DYNAMIC) != 0 ? "IDENTIFIER()" : NULL;
    }
}

typedef struct {
    HgExpression *expression;
    GError **error;
} Check;

static gboolean check_function(Check *check, const HgSqlNode *name)
{
    HgSlice text = hg_sql_tree_span(check->expression->tree, name);
    g_autofree char *shown = hg_slice_dup_string(text);
    switch (hg_function_kind(text)) {
    case HG_FUNCTION_PURE:
        return TRUE;
    case HG_FUNCTION_SETTING:
        check->expression->uses_time_zone = TRUE;
        return TRUE;
    case HG_FUNCTION_IDENTITY:
        return wrong(check->error,
                     "%s() says who Spark takes the session for; write {user} instead", shown);
    default:
        return wrong(check->error,
                     "%s() isn't allowed in a policy; only functions that Spark brings are", shown);
    }
}

/* The tables of subqueries: named in full, and listed under reads. */
static gboolean check_relation(Check *check, const HgSqlNode *relation)
{
    const HgSqlNode *name = relation->child;
    const HgSqlTree *tree = check->expression->tree;
    if (name == NULL || name->kind != HG_SQL_NODE_NAME || name->end < name->first + 3)
        return wrong(check->error, "a subquery may read tables only, each by database.table");
    if (name->next != NULL && name->next->end != name->next->first + 1)
        return wrong(check->error, "a table's alias in a policy may have no list of columns");
    g_autofree char *text = hg_slice_dup_string(hg_sql_tree_span(tree, name));
    g_autofree char *folded = hg_policy_fold(text);
    char **reads = check->expression->reads;
    if (reads == NULL || !g_strv_contains((const char *const *)reads, folded))
        return wrong(check->error, "the policy reads %s but doesn't say so; add reads: [%s]", text,
                     text);
    return TRUE;
}

/* One statement with one SELECT of one item is left; everything inside is looked at here. */
static HgSqlWalk check_node(const HgSqlNode *node, gpointer data)
{
    Check *check = data;
    const char *refused = refused_node(node);
    gboolean good = TRUE;
    if (refused != NULL)
        good = wrong(check->error, "%s isn't allowed in a policy", refused);
    else if (node->kind == HG_SQL_NODE_NAME && node->role == HG_SQL_ROLE_FUNCTION)
        good = check_function(check, node);
    else if (node->kind == HG_SQL_NODE_RELATION)
        good = check_relation(check, node);
    else if (node->kind == HG_SQL_NODE_STAR && node->parent->kind != HG_SQL_NODE_CALL)
        good = wrong(check->error, "* isn't allowed in a policy; name the columns");
    else if (node->kind == HG_SQL_NODE_COLUMN && hg_expression_is_clock(check->expression, node))
        check->expression->uses_time_zone = TRUE;
    return good ? HG_SQL_WALK_CONTINUE : HG_SQL_WALK_ABORT;
}

/* DATE '...' and TIMESTAMP '...' are read by the session's rules, too. */
static void look_for_time(HgExpression *expression)
{
    guint32 count;
    const HgSqlToken *tokens = hg_sql_tree_tokens(expression->tree, &count);
    for (guint32 i = 0; i + 1 < count; i++)
        if ((tokens[i].kind == HG_SQL_TOKEN_TIMESTAMP ||
             tokens[i].kind == HG_SQL_TOKEN_TIMESTAMP_LTZ) &&
            tokens[i + 1].kind == HG_SQL_TOKEN_STRING_LITERAL)
            expression->uses_time_zone = TRUE;
}

static gboolean check_shape(const HgExpression *expression, GError **error)
{
    guint32 count;
    hg_sql_tree_tokens(expression->tree, &count);
    const HgSqlNode *root = hg_sql_tree_root(expression->tree);
    const HgSqlNode *query = root->child;
    const HgSqlNode *select = query != NULL ? query->child : NULL;
    const HgSqlNode *item = select != NULL ? select->child : NULL;
    gboolean one = item != NULL && item->kind == HG_SQL_NODE_ITEM && item->next == NULL &&
                   select->next == NULL && query->next == NULL && item->first == 1 &&
                   item->end == count;
    if (!one)
        return wrong(error, "expected one expression, such as dept = {attr.dept}");
    if (item->last != NULL && item->last->kind == HG_SQL_NODE_ALIAS)
        return wrong(error, "an expression of a policy has no alias");
    return TRUE;
}

static gboolean check_expression(HgExpression *expression, GError **error)
{
    Check check = {.expression = expression, .error = error};
    if (!check_shape(expression, error))
        return FALSE;
    look_for_time(expression);
    return hg_sql_walk(hg_sql_tree_root(expression->tree), check_node, NULL, &check);
}

HgExpression *hg_expression_parse(const char *text, char *const *reads, GError **error)
{
    g_autoptr(HgExpression) expression = g_new0(HgExpression, 1);
    expression->text = g_strdup(text);
    expression->reads = g_strdupv((char **)reads);
    expression->placeholders = g_array_new(FALSE, FALSE, sizeof(HgPlaceholder));
    g_array_set_clear_func(expression->placeholders, placeholder_clear);
    for (guint i = 0; reads != NULL && reads[i] != NULL; i++) {
        g_free(expression->reads[i]);
        expression->reads[i] = hg_policy_fold(reads[i]);
    }
    if (strstr(text, "${") != NULL) {
        wrong(error, "${ would be substituted by Spark; write it as \\044{");
        return NULL;
    }
    if (strchr(text, HG_NONCE_MARK) != NULL) {
        wrong(error, "a control character is in the expression");
        return NULL;
    }
    if (!replace_placeholders(expression, error))
        return NULL;
    HgSqlOptions options = {.engine = HG_SQL_SPARK_35};
    g_autoptr(GError) why = NULL;
    expression->tree = hg_sql_parse(hg_slice_from_string(expression->parsed), &options, &why);
    if (expression->tree == NULL) {
        wrong(error, "not an expression that Spark reads: %s (counted with SELECT in front)",
              why->message);
        return NULL;
    }
    if (!find_tokens(expression, error) || !check_expression(expression, error))
        return NULL;
    return g_steal_pointer(&expression);
}
