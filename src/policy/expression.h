/* The expressions of policies: row filters and masks, SQL with {user}, {groups}, {attr.x} and
 * {col} in it.
 *
 * Read and checked when the policies are loaded; rendered for one identity and one table. What
 * comes out names each column by the alias of its own relation, so that nothing around it can
 * capture one. Pure; an expression is immutable and read by any thread. */
#pragma once

#include "policy/identity.h"
#include "policy/schema.h"

/* Stands for the statement's nonce in what is rendered. */
#define HG_NONCE_MARK '\x01'

typedef struct HgExpression HgExpression;

/* What an expression is rendered for. */
typedef struct {
    const HgSchemas *schemas;   /* the tables that subqueries read */
    const HgTable *table;       /* the table that the policy is on */
    const HgIdentity *identity; /* whose values stand for {user} and the others */
    const char *column;         /* what {col} stands for, SQL; NULL where it isn't allowed */
} HgRendering;

typedef enum {
    HG_RENDERED,
    HG_RENDER_DENIED, /* an attribute is missing: the expression can't be true */
    HG_RENDER_BROKEN, /* *error: it doesn't fit the table */
} HgRendered;

/* Reads an expression. `reads` (NULL-terminated, may be NULL) names the tables that subqueries in
 * it may read. NULL with *error when it isn't one, or means different things to different sessions.
 */
HgExpression *hg_expression_parse(const char *text, char *const *reads, GError **error);

/* The text as it was written. */
const char *hg_expression_text(const HgExpression *expression);

/* TRUE when what it means depends on the session's time zone or on the clock. */
gboolean hg_expression_uses_time_zone(const HgExpression *expression);

/* Appends the expression. The table's alias is p_N, N being the mark of the nonce. */
HgRendered hg_expression_render(const HgExpression *expression, const HgRendering *rendering,
                                GString *out, GError **error);

/* NULL does nothing. */
void hg_expression_free(HgExpression *expression);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgExpression, hg_expression_free)
