/* What reading and rendering of expressions share. */
#pragma once

#include "policy/expression.h"
#include "sql/tree.h"

typedef enum {
    HG_PLACEHOLDER_USER,
    HG_PLACEHOLDER_GROUPS,
    HG_PLACEHOLDER_ATTRIBUTE,
    HG_PLACEHOLDER_COLUMN,
} HgPlaceholderKind;

/* A placeholder: one token of the text that was parsed. */
typedef struct {
    guint32 token;
    HgPlaceholderKind kind;
    char *name; /* ATTRIBUTE; owned */
} HgPlaceholder;

struct HgExpression {
    char *text;   /* as written */
    char *parsed; /* "SELECT" and the text, literals for placeholders */
    HgSqlTree *tree;
    GArray *placeholders; /* HgPlaceholder */
    char **reads;         /* folded names */
    gboolean uses_time_zone;
};

/* The SELECT around the expression: the scope of the table itself. */
const HgSqlNode *hg_expression_outermost(const HgExpression *expression);

/* TRUE when the node is a unit of time in a call like extract(YEAR FROM d), and no column. */
gboolean hg_expression_is_unit(const HgExpression *expression, const HgSqlNode *column);

/* TRUE when the node is CURRENT_DATE or CURRENT_TIMESTAMP, without parentheses. */
gboolean hg_expression_is_clock(const HgExpression *expression, const HgSqlNode *column);
