/* What becomes of a statement: it passes as it is, is written anew, or is refused.
 *
 * The whole of a policy decision in one call, without any input or output of its own: the caller
 * says who asks (the subject), in which session, and what. What can't be analysed is refused. Pure;
 * one thread per subject. */
#pragma once

#include "policy/subject.h"
#include "sql/parser.h"
#include "sql/statement.h"

/* How many names may be missing: with more, the statement is refused by whoever would look them
 * up. */
#define HG_POLICY_MAX_MISSING 200

/* What a statement depends on beside its text. All borrowed. */
typedef struct {
    const char *catalog;  /* the current one; NULL for Spark's own */
    const char *database; /* the current one; NULL for "default" */
    HgSqlOptions options; /* how Spark reads the text in this session */
    gboolean case_sensitive;
    const char *const *temporary_views; /* names of the session's own, folded; NULL for none */
    const char *unsupported;  /* NULL, or a setting under which texts mean something else than is
                                 read here */
    const GHashTable *absent; /* NULL: all tables are among the subject's schemas. Else the keys of
                                 names that are surely no table's; what is named and in neither is
                                 in the decision's `missing` */
    const char *nonce; /* letters and digits that nobody can guess, fresh for each statement */
} HgPolicySession;

typedef enum {
    HG_DECISION_UNCHANGED,
    HG_DECISION_REWRITTEN,
    HG_DECISION_REFUSED,
} HgDecisionKind;

/* A table that the statement names. */
typedef struct {
    guint32 at;                  /* where in the text, in bytes */
    const HgTableAccess *access; /* borrowed from the subject or the decision */
} HgDecisionUse;

typedef struct {
    HgDecisionKind kind;
    HgSqlStatementKind statement;
    char *sql;           /* what is to run; NULL when refused */
    char *reason;        /* REFUSED: for the user: what, where, and nothing hidden */
    char *detail;        /* the same for an operator: the policy and why; may be NULL */
    GPtrArray *policies; /* of const char: names of the policies that apply to what it names */
    GArray *uses;        /* of HgDecisionUse */
    gboolean sets_zone;  /* it sets the session's time zone */
    GPtrArray *missing;  /* NULL, or keys (char *): decide again when they are known. At most one
                            more than HG_POLICY_MAX_MISSING: then there may be others */
    GPtrArray *made;     /* what was made up for names that aren't known: the decision's own */
} HgDecision;

/* Decides; *out is to be cleared. */
void hg_policy_decide(HgSubject *subject, const HgPolicySession *session, HgSlice text,
                      HgDecision *out);

void hg_decision_clear(HgDecision *decision);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgDecision, hg_decision_clear)

/* "unchanged", "rewritten", "refused". */
const char *hg_decision_name(HgDecisionKind kind);
