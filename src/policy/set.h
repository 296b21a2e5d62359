/* A set of policies: what a policies file says, ready to be asked.
 *
 * Filled once by its reader, then immutable and read by any thread. Pure. */
#pragma once

#include "policy/expression.h"
#include "policy/grant.h"
#include "policy/mask.h"

/* Whom a policy means: anybody who fits one of the lists. */
typedef struct {
    char **users;      /* patterns; NULL for none */
    char **groups;     /* the same */
    char **attributes; /* name, pattern, name, pattern, ...; NULL for none */
} HgSubjects;

/* The mask of one column. */
typedef struct {
    char *column; /* as written: a name, or a path into a struct */
    char **path;  /* its parts, folded */
    HgMaskKind kind;
    HgExpression *expression; /* SQL; else NULL */
} HgMaskRule;

/* A policy. */
typedef struct {
    char *name;
    guint line;            /* where in the file */
    char **tables;         /* patterns: three parts, folded, with dots between */
    gboolean *any_catalog; /* per pattern: none was written */
    gboolean everyone;     /* no subjects are named */
    HgSubjects subjects;
    HgSubjects except;
    HgExpression *filter; /* or NULL */
    gboolean restrictive; /* the filter is ANDed, not ORed */
    GPtrArray *masks;     /* of HgMaskRule */
    char **columns_allow; /* folded; NULL when all are */
    char **columns_deny;  /* the same; NULL for none */
    guint allow;          /* HG_ACTION_... */
    guint deny;
    guint capabilities; /* HG_CAPABILITY_... */
    char **functions;   /* patterns of functions of users that may be called, folded */
    gboolean refuse_copies;
    char **reads; /* tables that its expressions read: database.table or with a catalog, folded */
    gint64 priority;
    gint64 valid_from;  /* seconds since 1970; G_MININT64 for always */
    gint64 valid_until; /* not after; G_MAXINT64 for ever */
} HgPolicy;

typedef struct HgPolicySet HgPolicySet;

/* An empty set. `version` says which text it comes from. */
HgPolicySet *hg_policy_set_new(const char *version, gboolean default_allow);

/* A new policy, which does nothing and holds for everyone, always. Owned by the caller. */
HgPolicy *hg_policy_new(const char *name, guint line);
void hg_policy_free(HgPolicy *policy);

/* A new mask, which is freed with its policy. */
HgMaskRule *hg_mask_rule_new(const char *column, HgMaskKind kind);

/* Sets a policy's tables from patterns as they are written ("db.t", "cat.db.t", with *). FALSE with
 * *error when one isn't a pattern. */
gboolean hg_policy_set_tables(HgPolicy *policy, char *const *patterns, GError **error);

/* Takes over a policy, behind those that are there. */
void hg_policy_set_take(HgPolicySet *set, HgPolicy *policy);

/* Views whose text is trusted: policies on the tables below them aren't asked for. Patterns. */
gboolean hg_policy_set_trust(HgPolicySet *set, char *const *patterns, GError **error);

/* What MASK_HASH is keyed with. */
void hg_policy_set_hash_key(HgPolicySet *set, const char *key);

/* --- what is in it --- */

const char *hg_policy_set_version(const HgPolicySet *set);
gboolean hg_policy_set_default_allow(const HgPolicySet *set);
const char *hg_policy_set_key(const HgPolicySet *set); /* NULL when there is none */
guint hg_policy_set_count(const HgPolicySet *set);
const HgPolicy *hg_policy_set_nth(const HgPolicySet *set, guint index);
gboolean hg_policy_set_trusts(const HgPolicySet *set, const HgTable *table);

/* TRUE when an expression depends on the session's time zone: then users may not set it. */
gboolean hg_policy_set_uses_time_zone(const HgPolicySet *set);

/* TRUE when the policy is about this table. *elsewhere is set when it is so only because the policy
 * names no catalog and the table is in another than Spark's own: then it limits but grants nothing.
 */
gboolean hg_policy_covers(const HgPolicy *policy, const HgTable *table, gboolean *elsewhere);

/* TRUE when a policy of the set hides something of the table from somebody. */
gboolean hg_policy_set_protects(const HgPolicySet *set, const HgTable *table);

/* TRUE when a policy's expressions read the table. */
gboolean hg_policy_set_reads(const HgPolicySet *set, const HgTable *table);

/* The keys of all tables that the policies' expressions read, and that `schemas` and `absent` (keys
 * that are no table's) say nothing of: appended to `out` as texts that it owns. */
void hg_policy_set_missing_reads(const HgPolicySet *set, const HgSchemas *schemas,
                                 const GHashTable *absent, GPtrArray *out);

/* NULL does nothing. */
void hg_policy_set_free(HgPolicySet *set);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgPolicySet, hg_policy_set_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgPolicy, hg_policy_free)
