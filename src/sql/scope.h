/* What a statement refers to: each name with its role, and the common table expression that it
 * means where it means one.
 *
 * A name of one part means the innermost CTE of that name in scope, else a table, a view, or a
 * temporary view. A CTE sees those in front of it in its WITH, and itself only under RECURSIVE; a
 * target never means a CTE. Pure; any thread. */
#pragma once

#include "sql/tree.h"

/* A reference. */
typedef struct {
    const HgSqlNode *name;  /* a NAME node */
    const HgSqlNode *cte;   /* the CTE that it means, or NULL */
    const HgSqlNode *alias; /* the ALIAS of a relation, or NULL */
    const HgSqlNode
        *qualifier; /* the NAME of the namespace of SHOW COLUMNS FROM t FROM db, or NULL */
    HgSqlRole role;
} HgSqlReference;

typedef struct HgSqlScope HgSqlScope;

/* The references of a tree, in the order of the text; the tree must outlive them. `case_sensitive`:
 * names of CTEs are compared as they are (spark.sql.caseSensitive). */
HgSqlScope *hg_sql_scope_new(const HgSqlTree *tree, gboolean case_sensitive);

/* How many references there are, and each of them. */
gsize hg_sql_scope_count(const HgSqlScope *scope);
const HgSqlReference *hg_sql_scope_at(const HgSqlScope *scope, gsize index);

/* The parts of a reference's name, NULL-terminated (to be freed); NULL with *error when
 * IDENTIFIER() holds anything but constant strings, so that it can't be known. */
char **hg_sql_reference_parts(const HgSqlTree *tree, const HgSqlReference *reference,
                              GError **error);

/* NULL, or why the statement does more than its text says: it runs a text or a procedure. */
const char *hg_sql_scope_opaque(const HgSqlScope *scope);

void hg_sql_scope_free(HgSqlScope *scope);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgSqlScope, hg_sql_scope_free)
