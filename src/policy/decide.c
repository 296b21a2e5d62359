/* The steps of a decision, in order: see decide.h.
 *
 *   dangers         everybody: what needs a grant
 *   text, resolve   covered users: is everything in it known?
 *   rules           may it be done?
 *   replace         the derived tables, and names in full
 *   print           from tokens, never from the user's bytes */
#include "policy/decide.h"

#include "policy/analysis.h"
#include "policy/name.h"

#include <string.h>

const char *hg_decision_name(HgDecisionKind kind)
{
    static const char *const names[] = {"unchanged", "rewritten", "refused"};
    return names[kind];
}

void hg_decision_clear(HgDecision *decision)
{
    g_free(decision->sql);
    g_free(decision->reason);
    g_free(decision->detail);
    g_clear_pointer(&decision->policies, g_ptr_array_unref);
    g_clear_pointer(&decision->uses, g_array_unref);
    g_clear_pointer(&decision->missing, g_ptr_array_unref);
    g_clear_pointer(&decision->made, g_ptr_array_unref);
    *decision = (HgDecision){0};
}

gboolean hg_analysis_refuse(HgAnalysis *analysis, guint32 token, const char *format, ...)
{
    guint line, column;
    va_list args;
    if (analysis->out->reason != NULL)
        return FALSE;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    gsize at = analysis->tokens != NULL && analysis->count > 0
                   ? analysis->tokens[MIN(token, analysis->count)].start
                   : 0;
    hg_policy_locate(analysis->text.data, at, &line, &column);
    analysis->out->reason = g_strdup_printf("line %u, column %u: %s", line, column, what);
    return FALSE;
}

void hg_analysis_take_edit(HgAnalysis *analysis, guint32 first, guint32 end, char *take_with)
{
    HgSqlEdit edit = {first, end, take_with};
    g_ptr_array_add(analysis->texts, take_with);
    g_array_append_val(analysis->edits, edit);
}

HgSlice hg_analysis_token(const HgAnalysis *analysis, guint32 token)
{
    const HgSqlToken *at = &analysis->tokens[token];
    return hg_slice(analysis->text.data + at->start, at->end - at->start);
}

char *hg_analysis_text(const HgAnalysis *analysis, const HgSqlNode *node)
{
    return hg_slice_dup_string(hg_sql_tree_span(analysis->tree, node));
}

static void use_clear(gpointer data)
{
    g_free(((HgUse *)data)->exposed);
}

static int compare_edits(gconstpointer a, gconstpointer b)
{
    const HgSqlEdit *one = a, *other = b;
    return one->first < other->first ? -1 : one->first > other->first;
}

static void print(HgAnalysis *analysis)
{
    const HgSqlNode *whole = hg_sql_tree_root(analysis->tree);
    gsize room = analysis->text.size + analysis->count + 64;
    for (guint i = 0; i < analysis->edits->len; i++)
        room += strlen(g_array_index(analysis->edits, HgSqlEdit, i).with) + 2;
    GString *out = g_string_sized_new(room);
    g_array_sort(analysis->edits, compare_edits);
    hg_sql_print_edited(out, analysis->tree, whole->first, whole->end,
                        (const HgSqlEdit *)(void *)analysis->edits->data, analysis->edits->len);
    analysis->out->sql = g_string_free(out, FALSE);
}

static void note_policies(GPtrArray *noted, const GPtrArray *policies)
{
    for (guint i = 0; i < policies->len; i++) {
        const HgPolicy *policy = g_ptr_array_index(policies, i);
        if (!g_ptr_array_find(noted, policy->name, NULL))
            g_ptr_array_add(noted, policy->name);
    }
}

/* Notes each table that is named, and the policies on it. */
static void note_uses(HgAnalysis *analysis)
{
    for (guint i = 0; i < analysis->uses->len; i++) {
        const HgUse *use = &g_array_index(analysis->uses, HgUse, i);
        HgDecisionUse noted = {.at = analysis->tokens[use->name->first].start,
                               .access = use->access};
        if (use->access == NULL)
            continue;
        g_array_append_val(analysis->out->uses, noted);
        note_policies(analysis->out->policies, use->access->policies);
    }
}

/* The aliases of derived tables end in _ and the nonce; a statement that holds that by chance could
 * capture them. */
static gboolean check_nonce(HgAnalysis *analysis)
{
    const char *nonce = analysis->session->nonce;
    gsize size = strlen(nonce);
    for (guint32 i = 0; i < analysis->count; i++) {
        HgSlice word = hg_analysis_token(analysis, i);
        if (word.size > size && memmem(word.data, word.size, nonce, size) != NULL)
            return hg_analysis_refuse(analysis, i,
                                      "this holds the number that was drawn for the statement; "
                                      "send it again");
    }
    return TRUE;
}

/* Covered users: everything is looked at, and the text is made anew. */
static gboolean rewrite(HgAnalysis *analysis)
{
    gboolean good = check_nonce(analysis) && hg_analysis_text_is_known(analysis) &&
                    hg_analysis_resolve(analysis);
    note_uses(analysis);
    if (!good || !hg_analysis_rules(analysis) || !hg_analysis_replace(analysis) ||
        !hg_analysis_qualify(analysis))
        return FALSE;
    print(analysis);
    return TRUE;
}

static gboolean decide_read(HgAnalysis *analysis)
{
    analysis->scope = hg_sql_scope_new(analysis->tree, analysis->session->case_sensitive);
    if (!hg_analysis_dangers(analysis))
        return FALSE;
    if (hg_subject_is_covered(analysis->subject))
        return rewrite(analysis);
    return hg_analysis_view_rules(analysis);
}

/* The statement, or what EXPLAIN explains. */
static const HgSqlNode *innermost(const HgSqlNode *root)
{
    while (root->detail == HG_SQL_STATEMENT_EXPLAIN && root->child != NULL &&
           root->child->kind == HG_SQL_NODE_STATEMENT)
        root = root->child;
    return root;
}

static guint words_seen(const HgAnalysis *analysis)
{
    guint seen = 0;
    for (guint32 i = 0; i < analysis->count; i++) {
        switch (analysis->tokens[i].kind) {
        case HG_SQL_TOKEN_TRANSFORM:
        case HG_SQL_TOKEN_MAP:
        case HG_SQL_TOKEN_REDUCE:
            seen |= HG_SEEN_SCRIPT;
            break;
        case HG_SQL_TOKEN_QUESTION:
        case HG_SQL_TOKEN_COLON:
            seen |= HG_SEEN_PARAMETER;
            break;
        case HG_SQL_TOKEN_DOT:
            if (i + 2 < analysis->count && analysis->tokens[i + 2].kind == HG_SQL_TOKEN_DOT)
                seen |= HG_SEEN_PATH;
            break;
        default:
            break;
        }
    }
    return seen;
}

static gboolean decide_text(HgAnalysis *analysis)
{
    g_autoptr(GError) error = NULL;
    gboolean covered = hg_subject_is_covered(analysis->subject);
    HgSqlOptions options = analysis->session->options;
    options.keeps_variables = TRUE; /* that was looked at before */
    analysis->tree = hg_sql_parse(analysis->text, &options, &error);
    if (covered && (analysis->tree == NULL || analysis->session->unsupported != NULL)) {
        analysis->out->reason =
            g_strdup(error != NULL ? error->message : analysis->session->unsupported);
        return FALSE;
    }
    if (analysis->tree == NULL)
        return hg_analysis_unread_dangers(analysis);
    analysis->tokens = hg_sql_tree_tokens(analysis->tree, &analysis->count);
    analysis->seen = words_seen(analysis);
    analysis->root = innermost(hg_sql_tree_root(analysis->tree));
    analysis->kind = (HgSqlStatementKind)analysis->root->detail;
    analysis->out->statement = (HgSqlStatementKind)hg_sql_tree_root(analysis->tree)->detail;
    return decide_read(analysis);
}

/* The place of ${ in a text; NULL when there is none. */
static const guint8 *find_variable(HgSlice text)
{
    const guint8 *end = text.data + text.size;
    for (const guint8 *at = text.data; at < end; at++) {
        at = memchr(at, '$', (gsize)(end - at));
        if (at == NULL)
            return NULL;
        if (at + 1 < end && at[1] == '{')
            return at;
    }
    return NULL;
}

/* Spark puts values in the place of ${...} before it reads the text, in strings and comments, too.
 */
static gboolean check_substitution(HgAnalysis *analysis)
{
    const guint8 *found = find_variable(analysis->text);
    guint line, column;
    if (found == NULL || analysis->session->options.keeps_variables ||
        hg_subject_can(analysis->subject, HG_CAPABILITY_SUBSTITUTION))
        return TRUE;
    hg_policy_locate(analysis->text.data, (gsize)(found - analysis->text.data), &line, &column);
    analysis->out->reason = g_strdup_printf(
        "line %u, column %u: ${ would be replaced by the value of a variable, so what runs can't "
        "be known; write the value itself (in a string: \\u0024{)",
        line, column);
    return FALSE;
}

/* TRUE when nothing is limited and everything granted: nobody looks at the text. */
static gboolean is_free(const HgSubject *subject)
{
    const HgPolicySet *set = hg_subject_set(subject);
    if (hg_subject_is_covered(subject))
        return FALSE;
    return hg_policy_set_count(set) == 0 || hg_subject_can(subject, HG_CAPABILITY_ALL);
}

static gboolean decide(HgAnalysis *analysis)
{
    if (analysis->text.size > 0 && memchr(analysis->text.data, 0, analysis->text.size) != NULL) {
        analysis->out->reason = g_strdup("there is a NUL in the statement");
        return FALSE;
    }
    return check_substitution(analysis) && decide_text(analysis);
}

static void finish(HgAnalysis *analysis, gboolean good)
{
    HgDecision *out = analysis->out;
    if (!good) {
        g_clear_pointer(&out->sql, g_free);
        out->kind = HG_DECISION_REFUSED;
    } else if (out->sql == NULL || hg_slice_equal_string(analysis->text, out->sql)) {
        g_free(out->sql);
        out->sql = hg_slice_dup_string(analysis->text);
        out->kind = HG_DECISION_UNCHANGED;
    } else {
        out->kind = HG_DECISION_REWRITTEN;
    }
}

void hg_policy_decide(HgSubject *subject, const HgPolicySession *session, HgSlice text,
                      HgDecision *out)
{
    HgAnalysis analysis = {.subject = subject, .session = session, .text = text, .out = out};
    *out = (HgDecision){.policies = g_ptr_array_new(),
                        .uses = g_array_sized_new(FALSE, FALSE, sizeof(HgDecisionUse), 16)};
    analysis.uses = g_array_sized_new(FALSE, FALSE, sizeof(HgUse), 16);
    g_array_set_clear_func(analysis.uses, use_clear);
    analysis.edits = g_array_sized_new(FALSE, FALSE, sizeof(HgSqlEdit), 16);
    analysis.texts = g_ptr_array_new_with_free_func(g_free);
    finish(&analysis, is_free(subject) || decide(&analysis));
    g_clear_pointer(&analysis.asked, g_hash_table_unref);
    hg_sql_scope_free(analysis.scope);
    hg_sql_tree_free(analysis.tree);
    g_array_unref(analysis.uses);
    g_array_unref(analysis.edits);
    g_ptr_array_unref(analysis.texts);
}
