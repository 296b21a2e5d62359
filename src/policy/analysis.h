/* A statement that is being decided on: what the steps of a decision share. See decide.h for the
 * order of the steps. One thread; lives within one call. */
#pragma once

#include "policy/decide.h"
#include "sql/print.h"
#include "sql/scope.h"

/* How many tables a statement may name, how long its new text may be, and how much work may go into
 * columns that name their tables in full: nobody may keep a thread busy or fill the memory. */
#define HG_POLICY_MAX_USES 1000
#define HG_POLICY_MAX_TEXT ((gsize)16 << 20)
#define HG_POLICY_MAX_WORK 10000000

/* A name of a table in the statement. */
typedef struct {
    const HgSqlNode *name;
    const HgSqlNode *alias;      /* or NULL */
    const HgSqlNode *relation;   /* the node that the name stands in */
    const HgSqlNode *owner;      /* the SELECT or QUERY whose FROM it is in */
    const HgTable *table;        /* NULL for a common table expression or a temporary view */
    const HgTableAccess *access; /* NULL without a table */
    char *exposed;               /* folded: what the user calls it */
    HgSqlRole role;
    gboolean derived; /* the derived table takes its place */
} HgUse;

/* What is known of a SELECT whose conditions may be copied. */
typedef struct {
    const HgSqlNode *select; /* NULL when nothing is known yet */
    const HgSqlNode *where;  /* NULL when nothing may be copied */
    gboolean alone;          /* all relations of its FROM are known tables */
    gboolean outer_join;     /* rows may be made up of NULLs: IS NULL stays above */
} HgSelectFacts;

/* Words without which some things can't be in a statement: then nobody has to look for them. */
enum {
    HG_SEEN_SCRIPT = 1 << 0,    /* TRANSFORM, MAP, REDUCE */
    HG_SEEN_PARAMETER = 1 << 1, /* ? and : */
    HG_SEEN_PATH = 1 << 2,      /* a name of three parts or more */
};

typedef struct {
    HgSubject *subject;
    const HgPolicySession *session;
    HgSlice text;
    HgSqlTree *tree;
    HgSqlScope *scope;
    const HgSqlToken *tokens;
    guint32 count;           /* of the tokens */
    guint seen;              /* HG_SEEN_...: which words there are */
    const HgSqlNode *root;   /* the statement; within EXPLAIN, what is explained */
    HgSqlStatementKind kind; /* of root */
    GArray *uses;            /* HgUse */
    GArray *edits;           /* HgSqlEdit */
    GPtrArray *texts;        /* what the edits put in; owned */
    gsize added;             /* bytes of derived tables */
    guint work;              /* steps taken for columns */
    GHashTable *asked;       /* keys of out->missing; NULL: none yet */
    guint unknown;           /* names that wait for what is missing */
    HgSelectFacts facts;     /* of the SELECT that was looked at last */
    HgDecision *out;
} HgAnalysis;

/* Refuses the statement at a token, unless it is refused already; returns FALSE. */
gboolean hg_analysis_refuse(HgAnalysis *analysis, guint32 token, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Adds an edit; takes its text. */
void hg_analysis_take_edit(HgAnalysis *analysis, guint32 first, guint32 end, char *take_with);

static inline guint hg_analysis_kind_at(const HgAnalysis *analysis, guint32 token)
{
    return analysis->tokens[token < analysis->count ? token : analysis->count].kind;
}

/* The bytes of a token; of a node, to be freed. */
HgSlice hg_analysis_token(const HgAnalysis *analysis, guint32 token);
char *hg_analysis_text(const HgAnalysis *analysis, const HgSqlNode *node);

/* --- the steps; each is FALSE when it refused --- */

/* What nobody may do without a grant (danger.c). */
gboolean hg_analysis_dangers(HgAnalysis *analysis);

/* The same for a text that can't be read, by its words alone. */
gboolean hg_analysis_unread_dangers(HgAnalysis *analysis);

/* What can't be understood in a covered user's statement: letters outside ASCII, parameters,
 * functions that aren't known (text.c). */
gboolean hg_analysis_text_is_known(HgAnalysis *analysis);

/* Which table each name means (resolve.c). */
gboolean hg_analysis_resolve(HgAnalysis *analysis);

/* TRUE for a table that no schema is known of (rules.c). */
gboolean hg_analysis_is_made_up(const HgAnalysis *analysis, const HgUse *use);

/* May this be done with these tables (rules.c). */
gboolean hg_analysis_rules(HgAnalysis *analysis);

/* Permanent views over protected tables need a grant, for everyone (rules.c). */
gboolean hg_analysis_view_rules(HgAnalysis *analysis);

/* SHOW and DESCRIBE (rules_show.c). */
gboolean hg_analysis_show_rules(HgAnalysis *analysis);
gboolean hg_analysis_describe_rules(HgAnalysis *analysis);

/* SET, RESET and USE (rules_session.c). */
gboolean hg_analysis_set_rules(HgAnalysis *analysis);
gboolean hg_analysis_use_rules(HgAnalysis *analysis);

/* The key that SET names, folded; NULL for none (to be freed). *writes: it is set, not shown. */
char *hg_analysis_set_key(const HgAnalysis *analysis, gboolean *writes);

/* The edits: derived tables and full names (replace.c), qualified columns (qualify.c). */
gboolean hg_analysis_replace(HgAnalysis *analysis);
gboolean hg_analysis_qualify(HgAnalysis *analysis);

/* The conditions of a use's WHERE that may go below the barrier, as SQL with marks for the nonce;
 * empty or NULL when there are none (copy.c). To be freed. */
char *hg_analysis_copies(HgAnalysis *analysis, const HgUse *use);
