/* What one table is to one identity: which actions, which rows and columns, and the derived table
 * that stands for it in a query. Pure; immutable once made. */
#pragma once

#include "policy/set.h"

typedef struct {
    const HgTable *table;
    guint actions;          /* that are allowed: HG_ACTION_... */
    guint granted;          /* those of them that a policy names */
    gboolean limited;       /* rows or columns are hidden or masked */
    gboolean refuse_copies; /* what is read may not be written elsewhere */
    char *broken;           /* NULL, or why nobody whom the policies mean may use it now */
    gboolean *shown;        /* by column: it is there */
    gboolean *plain;        /* by column: it is there as it is stored */
    GPtrArray *policies;    /* of const HgPolicy: those that apply */
    gsize room;             /* about how much hg_access_append() appends */
    char *head;             /* the derived table up to the table's name; NULL unless limited */
    char *filter;           /* NULL, or the condition on its rows */
} HgTableAccess;

/* What the policies (of const HgPolicy, those that mean the identity, most important first) make of
 * a table. */
HgTableAccess *hg_access_new(const HgPolicySet *set, const GPtrArray *policies,
                             const HgRendering *rendering);

/* Appends the derived table without an alias. `travel` (SQL, may be empty) stands behind the
 * table's name; `copied` (SQL, may be empty) are conditions that are ANDed to the filter. */
void hg_access_append(const HgTableAccess *access, GString *out, const char *nonce,
                      const char *travel, const char *copied);

/* TRUE when the identity may do all of this with the table. */
gboolean hg_access_allows(const HgTableAccess *access, guint actions);

/* NULL does nothing. */
void hg_access_free(HgTableAccess *access);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgTableAccess, hg_access_free)
