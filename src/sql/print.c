/* Canonical text: see print.h. Owns nothing; any thread. */
#include "sql/print.h"

#include "sql/keywords.h"

#include <string.h>

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

/* A run of tokens that is being printed. */
typedef struct {
    GString *out;
    const HgSqlToken *tokens;
    HgSlice text;
    guint32 first;
    const guint8 *marks; /* for the tokens from `first` on */
    guint before;        /* the kind printed last */
} Run;

/* As g_string_append_len(), and in place when there is room. */
static inline void append(GString *out, HgSlice text)
{
    if (out->len + text.size >= out->allocated_len) {
        g_string_append_len(out, (const char *)text.data, (gssize)text.size);
        return;
    }
    memcpy(out->str + out->len, text.data, text.size);
    out->len += text.size;
    out->str[out->len] = '\0';
}

static void print_next(Run *run, guint32 i)
{
    const HgSqlToken *token = &run->tokens[i];
    guint8 how = run->marks[i - run->first];
    gboolean inside = how == TEXT && i > run->first && run->marks[i - run->first - 1] == TEXT;
    guint32 start = inside ? run->tokens[i - 1].end : token->start;
    HgSlice text = hg_slice(run->text.data + start, token->end - start);
    /* 1 .x and 1. x are other tokens than 1.x: a number keeps its distance */
    gboolean apart = is_number(token->kind) || is_number(run->before) || how == TEXT ||
                     !may_touch(run->before, token->kind);
    if (apart && !inside && run->before != HG_SQL_TOKEN_EOF)
        g_string_append_c(run->out, ' ');
    if (how == TEXT || token->kind == HG_SQL_TOKEN_IDENTIFIER ||
        (how == NAME && token->kind <= HG_SQL_TOKEN_LAST_KEYWORD))
        append(run->out, text);
    else
        print_token(run->out, token, text);
    run->before = token->kind;
}

void hg_sql_print_tokens(GString *out, const HgSqlTree *tree, guint32 first, guint32 end)
{
    g_autofree guint8 *marks = g_malloc0(end - first + 1);
    Run run = {.out = out, .text = hg_sql_tree_text(tree), .first = first, .marks = marks};
    run.tokens = hg_sql_tree_tokens(tree, NULL);
    mark(hg_sql_tree_root(tree), first, marks, end - first);
    for (guint32 i = first; i < end; i++)
        print_next(&run, i);
}

/* Marks what stands as it is: only statements have such parts, and those directly in them. */
static void mark_texts(const HgSqlNode *statement, guint32 first, guint8 *marks, guint32 count)
{
    for (const HgSqlNode *node = statement->child; node != NULL; node = node->next) {
        if (node->kind == HG_SQL_NODE_STATEMENT)
            mark_texts(node, first, marks, count);
        else if (node->kind == HG_SQL_NODE_TEXT)
            mark(node, first, marks, count);
    }
}

/* What an edit puts in stands apart from all around it but a dot. */
static void print_edit(Run *run, const HgSqlEdit *edit)
{
    if (run->before != HG_SQL_TOKEN_EOF && run->before != HG_SQL_TOKEN_DOT)
        g_string_append_c(run->out, ' ');
    g_string_append(run->out, edit->with);
    run->before = HG_SQL_TOKEN_IDENTIFIER;
}

void hg_sql_print_edited(GString *out, const HgSqlTree *tree, guint32 first, guint32 end,
                         const HgSqlEdit *edits, gsize count)
{
    g_autofree guint8 *marks = g_malloc(end - first + 1);
    Run run = {.out = out, .text = hg_sql_tree_text(tree), .first = first, .marks = marks};
    run.tokens = hg_sql_tree_tokens(tree, NULL);
    memset(marks, NAME, end - first + 1);
    mark_texts(hg_sql_tree_root(tree), first, marks, end - first);
    for (guint32 i = first; i < end;) {
        if (count > 0 && edits->first == i) {
            print_edit(&run, edits);
            i = MAX(i, edits->end);
            edits++;
            count--;
        } else {
            print_next(&run, i++);
        }
    }
    for (; count > 0; count--)
        print_edit(&run, edits++);
}

char *hg_sql_print(const HgSqlTree *tree)
{
    GString *out = g_string_new(NULL);
    const HgSqlNode *root = hg_sql_tree_root(tree);
    hg_sql_print_tokens(out, tree, root->first, root->end);
    return g_string_free(out, FALSE);
}
