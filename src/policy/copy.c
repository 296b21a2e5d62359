/* Conditions that go below the barrier as well, so that partitions are pruned and files skipped: a
 * plain column against literals of its type, which can neither fail nor tell anything. See
 * analysis.h. Whatever looks unusual stays above. */
#include "policy/analysis.h"
#include "policy/name.h"
#include "sql/keywords.h"

#include <string.h>

#define T(name) HG_SQL_TOKEN_##name

typedef struct {
    const HgAnalysis *analysis;
    const HgUse *use;
    guint32 at;
    guint32 end;
    const HgSelectFacts *facts;
    const HgColumn *column; /* of the condition at hand */
    GString *out;
} Copier;

static guint kind(const Copier *copier, guint32 ahead)
{
    guint32 at = copier->at + ahead;
    return at < copier->end ? hg_analysis_kind_at(copier->analysis, at) : (guint)T(EOF);
}

/* ---- is it allowed at all? ---- */

/* The words of a FROM that change what a condition above it means. */
static gboolean read_from(const HgAnalysis *analysis, const HgSqlNode *from, HgSelectFacts *facts)
{
    for (guint32 i = from->first; i < from->end; i++) {
        guint word = hg_analysis_kind_at(analysis, i);
        if (word == T(SEMI) || word == T(ANTI) || word == T(PIVOT) || word == T(UNPIVOT))
            return FALSE;
        facts->outer_join |= word == T(LEFT) || word == T(RIGHT) || word == T(FULL);
    }
    return TRUE;
}

/* TRUE when each relation of the FROM, at whatever depth of joins, is a table that is known. */
static gboolean is_known(const HgAnalysis *analysis, const HgSqlNode *node)
{
    for (const HgSqlNode *child = node->child; child != NULL; child = child->next) {
        if (child->kind == HG_SQL_NODE_JOIN || child->kind == HG_SQL_NODE_GROUP) {
            if (!is_known(analysis, child))
                return FALSE;
            continue;
        }
        if (child->kind == HG_SQL_NODE_COLUMN || child->kind == HG_SQL_NODE_CALL)
            continue; /* of an ON */
        gboolean known = FALSE;
        for (guint i = 0; i < analysis->uses->len && !known; i++) {
            const HgUse *use = &g_array_index(analysis->uses, HgUse, i);
            known = use->relation == child && use->table != NULL &&
                    (use->alias == NULL || use->alias->end == use->alias->first + 1);
        }
        if (!known)
            return FALSE;
    }
    return TRUE;
}

static gboolean is_conjunction(const HgAnalysis *analysis, const HgSqlNode *where);

/* Looks at a SELECT: has it a WHERE whose conditions may be copied? */
static void look_at(const HgAnalysis *analysis, const HgSqlNode *select, HgSelectFacts *facts)
{
    const HgSqlNode *from = NULL, *where = NULL;
    gboolean views = FALSE;
    *facts = (HgSelectFacts){.select = select};
    if (select->kind != HG_SQL_NODE_SELECT)
        return;
    for (const HgSqlNode *child = select->child; child != NULL; child = child->next) {
        if (child->kind == HG_SQL_NODE_FROM)
            from = child;
        else if (child->kind == HG_SQL_NODE_CLAUSE &&
                 hg_analysis_kind_at(analysis, child->first) == T(WHERE))
            where = child;
        else if (child->kind == HG_SQL_NODE_SELECT || child->kind == HG_SQL_NODE_QUERY)
            return; /* FROM ... SELECT ... SELECT: the rows go to several */
        views |= child->kind == HG_SQL_NODE_LATERAL_VIEW;
    }
    /* to copy is a kindness: huge statements do without it */
    if (where != NULL && (where->end - where->first > 5000 || analysis->uses->len > 200))
        return;
    if (from == NULL || where == NULL || !read_from(analysis, from, facts) ||
        !is_conjunction(analysis, where))
        return;
    facts->where = where;
    facts->alone = !views && is_known(analysis, from);
}

/* A sample or a list of columns' names stands between the table and the condition. */
static gboolean is_plain_relation(const HgUse *use)
{
    for (const HgSqlNode *child = use->relation->child; child != NULL; child = child->next)
        if (child->kind == HG_SQL_NODE_SAMPLE || child->kind == HG_SQL_NODE_TIME_TRAVEL)
            return FALSE;
    return use->alias == NULL || use->alias->end == use->alias->first + 1;
}

/* ---- columns ---- */

/* A keyword may be a column's name; those that begin an expression stay out. */
static gboolean is_name(guint word)
{
    switch (word) {
    case T(IDENTIFIER):
    case T(BACKQUOTED_IDENTIFIER):
        return TRUE;
    case T(NOT):
    case T(CASE):
    case T(NULL):
    case T(TRUE):
    case T(FALSE):
    case T(AND):
    case T(OR):
        return FALSE;
    default:
        return word <= HG_SQL_TOKEN_LAST_KEYWORD &&
               (hg_sql_token_classes((HgSqlTokenKind)word) & (HG_SQL_NAME_35 | HG_SQL_NAME_40));
    }
}

static char *folded_name(const Copier *copier, guint32 ahead)
{
    HgSlice word = hg_analysis_token(copier->analysis, copier->at + ahead);
    if (word.data[0] == '`')
        word = hg_slice(word.data + 1, word.size - 2);
    return hg_policy_fold_slice(word);
}

/* TRUE when the name, alone, is a column of this use's table and of no other in the FROM. */
static gboolean is_only_here(const Copier *copier, const char *name)
{
    for (guint i = 0; i < copier->analysis->uses->len; i++) {
        const HgUse *other = &g_array_index(copier->analysis->uses, HgUse, i);
        if (other != copier->use && other->owner == copier->use->owner && other->table != NULL &&
            hg_table_column(other->table, name) >= 0)
            return FALSE;
    }
    return TRUE;
}

/* TRUE when no other relation of the FROM is called so. */
static gboolean is_only_called(const Copier *copier, const char *name)
{
    for (guint i = 0; i < copier->analysis->uses->len; i++) {
        const HgUse *other = &g_array_index(copier->analysis->uses, HgUse, i);
        if (other != copier->use && other->owner == copier->use->owner &&
            strcmp(other->exposed, name) == 0)
            return FALSE;
    }
    return TRUE;
}

/* TRUE when what follows the column at the beginning could be a safe condition: most aren't, and
 * are told by two tokens. */
static gboolean has_shape(const Copier *copier)
{
    guint32 words = kind(copier, 1) == T(DOT) ? 3 : 1;
    switch (kind(copier, words)) {
    case T(IN):
        return kind(copier, words + 1) == T(LEFT_PAREN) && kind(copier, words + 2) != T(SELECT) &&
               kind(copier, words + 2) != T(IDENTIFIER);
    case T(BETWEEN):
    case T(EQ):
    case T(NSEQ):
    case T(NEQ):
    case T(NEQJ):
    case T(LT):
    case T(LTE):
    case T(GT):
    case T(GTE):
        /* a literal: DATE and TIMESTAMP are the only words */
        return kind(copier, words + 2) != T(DOT) && kind(copier, words + 2) != T(LEFT_PAREN) &&
               kind(copier, words + 1) != T(IDENTIFIER) && kind(copier, words + 1) != T(LEFT_PAREN);
    case T(IS):
        return TRUE;
    default:
        return FALSE;
    }
}

/* Reads the column at the beginning; FALSE when it isn't one of this use's table, or is masked. */
static gboolean read_column(Copier *copier)
{
    const HgTableAccess *access = copier->use->access;
    gboolean qualified = kind(copier, 1) == T(DOT);
    if (!has_shape(copier) || !is_name(kind(copier, 0)) || (qualified && !is_name(kind(copier, 2))))
        return FALSE;
    g_autofree char *first = folded_name(copier, 0);
    g_autofree char *name = folded_name(copier, qualified ? 2 : 0);
    if (qualified && (strcmp(first, copier->use->exposed) != 0 || !is_only_called(copier, first)))
        return FALSE;
    if (!qualified && (!copier->facts->alone || !is_only_here(copier, name)))
        return FALSE;
    int index = hg_table_column(copier->use->table, name);
    if (index < 0 || !access->plain[index])
        return FALSE;
    copier->column = &g_array_index(copier->use->table->columns, HgColumn, (guint)index);
    copier->at += qualified ? 3 : 1;
    return copier->column->type != NULL;
}

/* ---- literals ---- */

/* A number that no comparison with the column can make overflow. */
static gboolean is_small_number(const Copier *copier, guint32 ahead)
{
    HgSlice text = hg_analysis_token(copier->analysis, copier->at + ahead);
    return text.size <= 9;
}

/* How many tokens the literal of the column's type takes here; 0 when none comes. */
static guint32 literal_tokens(const Copier *copier)
{
    guint sign = kind(copier, 0) == T(MINUS);
    guint word = kind(copier, sign);
    switch (copier->column->type->kind) {
    case HG_TYPE_STRING:
        return word == T(STRING_LITERAL) && sign == 0 && kind(copier, 1) != T(STRING_LITERAL);
    case HG_TYPE_INTEGER:
        return word == T(INTEGER_VALUE) && is_small_number(copier, sign) ? sign + 1 : 0;
    case HG_TYPE_DECIMAL:
        if (copier->column->type->digits > 25)
            return 0;
        G_GNUC_FALLTHROUGH;
    case HG_TYPE_FLOAT:
        return (word == T(INTEGER_VALUE) || word == T(DECIMAL_VALUE)) &&
                       is_small_number(copier, sign)
                   ? sign + 1
                   : 0;
    case HG_TYPE_DATE:
        return word == T(DATE) && kind(copier, 1) == T(STRING_LITERAL) &&
                       kind(copier, 2) != T(STRING_LITERAL)
                   ? 2
                   : 0;
    case HG_TYPE_TIMESTAMP:
        return word == T(TIMESTAMP) && kind(copier, 1) == T(STRING_LITERAL) &&
                       kind(copier, 2) != T(STRING_LITERAL)
                   ? 2
                   : 0;
    case HG_TYPE_BOOLEAN:
        return word == T(TRUE) || word == T(FALSE);
    default:
        return 0;
    }
}

static gboolean read_literal(Copier *copier)
{
    guint32 tokens = literal_tokens(copier);
    copier->at += tokens;
    return tokens > 0;
}

/* ---- conditions ---- */

static gboolean read_list(Copier *copier)
{
    if (kind(copier, 0) != T(LEFT_PAREN))
        return FALSE;
    do {
        copier->at++;
        if (!read_literal(copier))
            return FALSE;
    } while (kind(copier, 0) == T(COMMA));
    if (kind(copier, 0) != T(RIGHT_PAREN))
        return FALSE;
    copier->at++;
    return TRUE;
}

static gboolean read_between(Copier *copier)
{
    if (!read_literal(copier) || kind(copier, 0) != T(AND))
        return FALSE;
    copier->at++;
    return read_literal(copier);
}

static gboolean read_is(Copier *copier)
{
    gboolean negated = kind(copier, 0) == T(NOT);
    copier->at += negated;
    if (kind(copier, 0) != T(NULL) || (!negated && copier->facts->outer_join))
        return FALSE;
    copier->at++;
    return TRUE;
}

static gboolean is_comparison(guint word)
{
    return word == T(EQ) || word == T(NSEQ) || word == T(NEQ) || word == T(NEQJ) || word == T(LT) ||
           word == T(LTE) || word == T(GT) || word == T(GTE);
}

/* Reads what follows the column. */
static gboolean read_rest(Copier *copier)
{
    guint word = kind(copier, 0);
    copier->at++;
    if (is_comparison(word))
        return read_literal(copier);
    if (word == T(IN))
        return read_list(copier);
    if (word == T(BETWEEN))
        return read_between(copier);
    return word == T(IS) && read_is(copier);
}

/* Reads one condition, and appends it when it is safe and ends where it should. */
static gboolean copy_one(Copier *copier)
{
    guint32 rest;
    if (!read_column(copier))
        return FALSE;
    rest = copier->at;
    if (!read_rest(copier) || (kind(copier, 0) != T(AND) && kind(copier, 0) != T(EOF)))
        return FALSE;
    if (copier->out->len > 0)
        g_string_append(copier->out, " AND ");
    g_string_append_len(copier->out, (const char[]){'p', '_', HG_NONCE_MARK, '.'}, 4);
    hg_sql_print_name(copier->out, copier->column->name);
    g_string_append_c(copier->out, ' ');
    hg_sql_print_edited(copier->out, copier->analysis->tree, rest, copier->at, NULL, 0);
    return TRUE;
}

/* Moves behind the next AND that joins conditions; FALSE when there is none. */
static gboolean next_condition(Copier *copier)
{
    guint depth = 0, bounds = 0;
    for (; copier->at < copier->end; copier->at++) {
        guint word = kind(copier, 0);
        if (word == T(LEFT_PAREN) || word == T(LEFT_BRACKET))
            depth++;
        else if (word == T(RIGHT_PAREN) || word == T(RIGHT_BRACKET))
            depth--;
        else if (depth == 0 && word == T(BETWEEN))
            bounds++;
        else if (depth == 0 && word == T(AND) && bounds-- == 0) {
            copier->at++;
            return TRUE;
        }
    }
    return FALSE;
}

/* TRUE when the WHERE is conditions with AND between, as far as its words tell. */
static gboolean is_conjunction(const HgAnalysis *analysis, const HgSqlNode *where)
{
    guint depth = 0;
    for (guint32 i = where->first + 1; i < where->end; i++) {
        guint word = hg_analysis_kind_at(analysis, i);
        depth += word == T(LEFT_PAREN) || word == T(LEFT_BRACKET);
        depth -= word == T(RIGHT_PAREN) || word == T(RIGHT_BRACKET);
        if (depth == 0 && (word == T(OR) || word == T(CASE) || word == T(ARROW)))
            return FALSE;
    }
    return depth == 0;
}

char *hg_analysis_copies(HgAnalysis *analysis, const HgUse *use)
{
    Copier copier = {.analysis = analysis, .use = use, .facts = &analysis->facts};
    if (!is_plain_relation(use))
        return NULL;
    if (analysis->facts.select != use->owner)
        look_at(analysis, use->owner, &analysis->facts);
    if (analysis->facts.where == NULL)
        return NULL;
    copier.at = analysis->facts.where->first + 1;
    copier.end = analysis->facts.where->end;
    copier.out = g_string_new(NULL);
    do {
        guint32 start = copier.at;
        if (!copy_one(&copier))
            copier.at = start;
    } while (next_condition(&copier));
    return g_string_free(copier.out, FALSE);
}
