/* Canonical text: see print.h. Owns nothing; any thread. */
#include "sql/print.h"

#include "sql/keywords.h"

void hg_sql_print_name(GString *out, const char *name)
{
    g_string_append_c(out, '`');
    for (; *name != '\0'; name++) {
        if (*name == '`')
            g_string_append_c(out, '`');
        g_string_append_c(out, *name);
    }
    g_string_append_c(out, '`');
}

/* A keyword's own spelling, folded to ASCII. */
static void print_keyword(GString *out, HgSlice text)
{
    for (gsize i = 0; i < text.size; i++) {
        guint8 byte = text.data[i];
        if (byte == 0xC5) { /* U+017F, an S in upper case */
            g_string_append_c(out, 'S');
            i++;
        } else if (byte == 0xC4) { /* U+0131, an I */
            g_string_append_c(out, 'I');
            i++;
        } else {
            g_string_append_c(out, g_ascii_toupper((char)byte));
        }
    }
}

/* A string in single quotes that means the same: line ends and quotes are escaped, and so is every
 * backslash of a raw string. */
static void print_string(GString *out, HgSlice text)
{
    gboolean raw = text.data[0] == 'r' || text.data[0] == 'R';
    gsize at = raw ? 2 : 1;
    g_string_append_c(out, '\'');
    for (; at + 1 < text.size; at++) {
        char byte = (char)text.data[at];
        if (byte == '\\' && !raw) {
            g_string_append_c(out, byte);
            byte = (char)text.data[++at];
            if (byte == '\n' || byte == '\r')
                g_string_truncate(out, out->len - 1); /* an escaped line end is a line end */
            else {
                g_string_append_c(out, byte);
                continue;
            }
        }
        if (byte == '\'' || byte == '\\')
            g_string_append_c(out, '\\');
        if (byte == '{' && out->str[out->len - 1] == '$')
            g_string_append_c(out, '\\'); /* never a ${variable}, which Spark would put in */
        if (byte == '\n')
            g_string_append(out, "\\n");
        else if (byte == '\r')
            g_string_append(out, "\\r");
        else
            g_string_append_c(out, byte);
    }
    g_string_append_c(out, '\'');
}

static void print_token(GString *out, const HgSqlToken *token, HgSlice text)
{
    switch (token->kind) {
    case HG_SQL_TOKEN_STRING_LITERAL:
        print_string(out, text);
        break;
    case HG_SQL_TOKEN_DOUBLEQUOTED_STRING:
    case HG_SQL_TOKEN_BACKQUOTED_IDENTIFIER:
        /* what a double-quoted one means is the reader's setting, so it keeps its quotes */
        g_string_append_len(out, (const char *)text.data, (gssize)text.size);
        break;
    case HG_SQL_TOKEN_HENT_START:
        g_string_append(out, "/*+");
        break;
    default:
        if (token->kind <= HG_SQL_TOKEN_LAST_KEYWORD)
            print_keyword(out, text);
        else
            g_string_append_len(out, (const char *)text.data, (gssize)text.size);
        break;
    }
}

/* A keyword keeps its spelling where it may be a name: a column's heading is what the user wrote.
 */
static gboolean is_name_token(const HgSqlNode *node)
{
    return node->kind == HG_SQL_NODE_NAME || node->kind == HG_SQL_NODE_COLUMN ||
           node->kind == HG_SQL_NODE_ALIAS || node->kind == HG_SQL_NODE_STAR;
}

static gboolean may_touch(guint before, guint kind)
{
    return before == HG_SQL_TOKEN_EOF || kind == HG_SQL_TOKEN_COMMA || kind == HG_SQL_TOKEN_DOT ||
           before == HG_SQL_TOKEN_DOT;
}

/* How a token is printed. */
enum {
    PLAIN,
    NAME, /* with its case */
    TEXT, /* with all that stands in front of it, as it is */
};

/* Marks tokens [first, first + count) by the nodes that they belong to. */
static void mark(const HgSqlNode *root, guint32 first, guint8 *marks, guint32 count)
{
    const HgSqlNode *node = root;
    while (node != NULL) {
        gboolean text = node->kind == HG_SQL_NODE_TEXT;
        if (text || is_name_token(node))
            for (guint32 i = MAX(node->first, first); i < node->end && i < first + count; i++)
                marks[i - first] = text ? TEXT : NAME;
        if (node->child != NULL) {
            node = node->child;
            continue;
        }
        while (node != NULL && node->next == NULL)
            node = node->parent;
        if (node != NULL)
            node = node->next;
    }
}

static gboolean is_number(guint kind)
{
    return kind >= HG_SQL_TOKEN_BIGINT_LITERAL && kind <= HG_SQL_TOKEN_BIGDECIMAL_LITERAL;
}

void hg_sql_print_tokens(GString *out, const HgSqlTree *tree, guint32 first, guint32 end)
{
    const HgSqlToken *tokens = hg_sql_tree_tokens(tree, NULL);
    HgSlice all = hg_sql_tree_text(tree);
    g_autofree guint8 *marks = g_malloc0(end - first + 1);
    mark(hg_sql_tree_root(tree), first, marks, end - first);
    guint before = HG_SQL_TOKEN_EOF;
    for (guint32 i = first; i < end; i++) {
        const HgSqlToken *token = &tokens[i];
        guint8 how = marks[i - first];
        gboolean inside = how == TEXT && i > first && marks[i - first - 1] == TEXT;
        guint32 start = inside ? tokens[i - 1].end : token->start;
        HgSlice text = hg_slice(all.data + start, token->end - start);
        /* 1 .x and 1. x are other tokens than 1.x: a number keeps its distance */
        gboolean apart = is_number(token->kind) || is_number(before) || how == TEXT ||
                         !may_touch(before, token->kind);
        if (apart && !inside && before != HG_SQL_TOKEN_EOF)
            g_string_append_c(out, ' ');
        if (how == TEXT || (how == NAME && token->kind <= HG_SQL_TOKEN_LAST_KEYWORD))
            g_string_append_len(out, (const char *)text.data, (gssize)text.size);
        else
            print_token(out, token, text);
        before = token->kind;
    }
}

char *hg_sql_print(const HgSqlTree *tree)
{
    GString *out = g_string_new(NULL);
    const HgSqlNode *root = hg_sql_tree_root(tree);
    hg_sql_print_tokens(out, tree, root->first, root->end);
    return g_string_free(out, FALSE);
}
