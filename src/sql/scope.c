/* One walk over the tree, with the CTEs in scope in a table of stacks: see scope.h. Owns the
 * references; any thread. */
#include "sql/scope.h"

#include "base/error.h"
#include "sql/parser.h"
#include "sql/statement.h"
#include "sql/walk.h"

#include <string.h>

struct HgSqlScope {
    GArray *references; /* HgSqlReference */
    const char *opaque;
};

/* A CTE that is in scope. */
typedef struct {
    char *key; /* owned: the folded name */
    const HgSqlNode *cte;
    const HgSqlNode *owner; /* it goes out of scope with this node */
} Visible;

typedef struct {
    const HgSqlTree *tree;
    HgSqlScope *scope;
    gboolean case_sensitive;
    GPtrArray *visible;  /* Visible, the innermost last */
    GHashTable *by_name; /* key -> GPtrArray of Visible, the innermost last */
} Resolver;

static void visible_free(gpointer data)
{
    Visible *visible = data;
    g_free(visible->key);
    g_free(visible);
}

/* A name as Spark compares it: Java's equalsIgnoreCase, which looks at UTF-16 units one by one. */
static char *fold(char *name, gboolean case_sensitive)
{
    if (case_sensitive)
        return name;
    GString *out = g_string_sized_new(strlen(name));
    for (const char *at = name; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar wide = g_utf8_get_char(at);
        if (wide < 0x10000)
            wide = g_unichar_tolower(g_unichar_toupper(wide));
        g_string_append_unichar(out, wide);
    }
    g_free(name);
    return g_string_free(out, FALSE);
}

/* The folded name of a NAME with one part, to be freed; NULL when it has more. */
static char *single_key(const Resolver *resolver, const HgSqlNode *name)
{
    guint32 at = name->first;
    if ((name->flags & HG_SQL_FLAG_DYNAMIC) != 0 || name->end != name->first + 1)
        return NULL;
    return fold(hg_sql_tree_part(resolver->tree, name, &at), resolver->case_sensitive);
}

static void show(Resolver *resolver, const HgSqlNode *cte)
{
    Visible *visible = g_new0(Visible, 1);
    visible->key = single_key(resolver, cte->child);
    visible->cte = cte;
    visible->owner = cte->parent->parent;
    GPtrArray *stack = g_hash_table_lookup(resolver->by_name, visible->key);
    if (stack == NULL) {
        stack = g_ptr_array_new();
        g_hash_table_insert(resolver->by_name, g_strdup(visible->key), stack);
    }
    g_ptr_array_add(stack, visible);
    g_ptr_array_add(resolver->visible, visible);
}

/* Ends the scope of all that belongs to a node. */
static void hide(Resolver *resolver, const HgSqlNode *owner)
{
    GPtrArray *all = resolver->visible;
    while (all->len > 0) {
        Visible *last = g_ptr_array_index(all, all->len - 1);
        if (last->owner != owner)
            break;
        GPtrArray *stack = g_hash_table_lookup(resolver->by_name, last->key);
        g_ptr_array_set_size(stack, (gint)stack->len - 1);
        g_ptr_array_set_size(all, (gint)all->len - 1);
    }
}

static const HgSqlNode *resolve(Resolver *resolver, const HgSqlNode *name)
{
    if (name->role != HG_SQL_ROLE_READ || resolver->visible->len == 0)
        return NULL;
    g_autofree char *key = single_key(resolver, name);
    GPtrArray *stack = key != NULL ? g_hash_table_lookup(resolver->by_name, key) : NULL;
    if (stack == NULL || stack->len == 0)
        return NULL;
    return ((Visible *)g_ptr_array_index(stack, stack->len - 1))->cte;
}

static const HgSqlNode *alias_of(const HgSqlNode *name)
{
    for (const HgSqlNode *node = name->next; node != NULL; node = node->next)
        if (node->kind == HG_SQL_NODE_ALIAS)
            return node;
    return NULL;
}

static gboolean is_recursive(const HgSqlNode *cte)
{
    return (cte->parent->flags & HG_SQL_FLAG_RECURSIVE) != 0;
}

/* The namespace behind a table: SHOW COLUMNS FROM t FROM db. */
static gboolean qualifies(const HgSqlNode *name)
{
    const HgSqlNode *first = name->parent->child;
    return name->role == HG_SQL_ROLE_NAMESPACE && first != name && first->next == name &&
           first->role == HG_SQL_ROLE_OBJECT && name->parent->detail == HG_SQL_STATEMENT_SHOW;
}

static HgSqlWalk enter(const HgSqlNode *node, gpointer data)
{
    Resolver *resolver = data;
    if (node->kind == HG_SQL_NODE_CTE && is_recursive(node))
        show(resolver, node);
    if (node->kind == HG_SQL_NODE_STATEMENT && resolver->scope->opaque == NULL) {
        if (node->detail == HG_SQL_STATEMENT_EXECUTE_IMMEDIATE)
            resolver->scope->opaque = "EXECUTE IMMEDIATE runs a text that can't be known";
        else if (node->detail == HG_SQL_STATEMENT_CALL)
            resolver->scope->opaque = "CALL runs a procedure, and what it touches can't be known";
    }
    if (node->kind == HG_SQL_NODE_NAME && node->role != HG_SQL_ROLE_CTE && !qualifies(node)) {
        HgSqlReference reference = {.name = node, .role = (HgSqlRole)node->role};
        reference.cte = resolve(resolver, node);
        reference.alias = alias_of(node);
        if (node->next != NULL && qualifies(node->next))
            reference.qualifier = node->next;
        g_array_append_val(resolver->scope->references, reference);
    }
    return HG_SQL_WALK_CONTINUE;
}

static void leave(const HgSqlNode *node, gpointer data)
{
    if (node->kind == HG_SQL_NODE_CTE && !is_recursive(node))
        show(data, node);
    else if (node->child != NULL && node->child->kind == HG_SQL_NODE_WITH)
        hide(data, node);
}

static void stack_free(gpointer stack)
{
    g_ptr_array_free(stack, TRUE);
}

HgSqlScope *hg_sql_scope_new(const HgSqlTree *tree, gboolean case_sensitive)
{
    HgSqlScope *scope = g_new0(HgSqlScope, 1);
    scope->references = g_array_new(FALSE, FALSE, sizeof(HgSqlReference));
    Resolver resolver = {.tree = tree, .scope = scope, .case_sensitive = case_sensitive};
    resolver.visible = g_ptr_array_new_with_free_func(visible_free);
    resolver.by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, stack_free);
    hg_sql_walk(hg_sql_tree_root(tree), enter, leave, &resolver);
    g_hash_table_unref(resolver.by_name);
    g_ptr_array_free(resolver.visible, TRUE);
    return scope;
}

gsize hg_sql_scope_count(const HgSqlScope *scope)
{
    return scope->references->len;
}

const HgSqlReference *hg_sql_scope_at(const HgSqlScope *scope, gsize index)
{
    return &g_array_index(scope->references, HgSqlReference, index);
}

const char *hg_sql_scope_opaque(const HgSqlScope *scope)
{
    return scope->opaque;
}

void hg_sql_scope_free(HgSqlScope *scope)
{
    if (scope == NULL)
        return;
    g_array_free(scope->references, TRUE);
    g_free(scope);
}

/* Adds what string literals say, in parentheses or not, with || between them: what Spark computes
 * from constants alone. FALSE for anything else, and for escapes. `name` is a NAME node. */
static gboolean constant_text(const HgSqlTree *tree, const HgSqlNode *name, GString *out)
{
    const HgSqlToken *tokens = hg_sql_tree_tokens(tree, NULL);
    HgSlice text = hg_sql_tree_text(tree);
    gboolean doubled = !hg_sql_tree_options(tree)->double_quoted_names;
    gboolean wants = TRUE;
    for (guint32 i = name->first + 2; i + 1 < name->end; i++) {
        const HgSqlToken *token = &tokens[i];
        if (token->kind == HG_SQL_TOKEN_STRING_LITERAL ||
            (token->kind == HG_SQL_TOKEN_DOUBLEQUOTED_STRING && doubled)) {
            HgSlice inner = hg_slice(text.data + token->start + 1, token->end - token->start - 2);
            if (g_ascii_isalpha((char)text.data[token->start]) ||
                memchr(inner.data, '\\', inner.size) != NULL)
                return FALSE;
            g_string_append_len(out, (const char *)inner.data, (gssize)inner.size);
            wants = FALSE;
        } else if (token->kind == HG_SQL_TOKEN_CONCAT_PIPE && !wants) {
            wants = TRUE;
        } else if (token->kind != (wants ? HG_SQL_TOKEN_LEFT_PAREN : HG_SQL_TOKEN_RIGHT_PAREN)) {
            return FALSE;
        }
    }
    return !wants;
}

/* The name in IDENTIFIER('a.b'): a constant, read by the rules of names. */
static char **dynamic_parts(const HgSqlTree *tree, const HgSqlNode *name)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (!constant_text(tree, name, text))
        return NULL;
    g_autoptr(GStrvBuilder) parts = g_strv_builder_new();
    HgSqlLexer lexer;
    HgSqlToken token;
    hg_sql_lexer_init(&lexer, hg_slice(text->str, text->len), hg_sql_tree_options(tree)->engine);
    while (hg_sql_lexer_next(&lexer, &token) &&
           (token.kind == HG_SQL_TOKEN_IDENTIFIER || token.kind <= HG_SQL_TOKEN_LAST_KEYWORD ||
            token.kind == HG_SQL_TOKEN_BACKQUOTED_IDENTIFIER)) {
        g_autofree char *part =
            hg_sql_unquote(hg_slice(text->str + token.start, token.end - token.start));
        g_strv_builder_add(parts, part);
        if (!hg_sql_lexer_next(&lexer, &token))
            return hg_sql_lexer_has_unclosed_comment(&lexer) ? NULL : g_strv_builder_end(parts);
        if (token.kind != HG_SQL_TOKEN_DOT)
            break;
    }
    return NULL;
}

static void add_parts(GStrvBuilder *parts, const HgSqlTree *tree, const HgSqlNode *name)
{
    guint32 at = name->first;
    for (char *part; (part = hg_sql_tree_part(tree, name, &at)) != NULL; g_free(part))
        g_strv_builder_add(parts, part);
}

char **hg_sql_reference_parts(const HgSqlTree *tree, const HgSqlReference *reference,
                              GError **error)
{
    const HgSqlNode *name = reference->name;
    if ((name->flags & HG_SQL_FLAG_DYNAMIC) != 0) {
        char **parts = dynamic_parts(tree, name);
        if (parts == NULL)
            g_set_error_literal(
                error, HG_ERROR, HG_ERROR_INVALID,
                "IDENTIFIER() holds an expression, so what it names can't be known; "
                "write the name, or a plain string");
        return parts;
    }
    g_autoptr(GStrvBuilder) parts = g_strv_builder_new();
    if (reference->qualifier != NULL && name->end == name->first + 1)
        add_parts(parts, tree, reference->qualifier);
    add_parts(parts, tree, name);
    return g_strv_builder_end(parts);
}
