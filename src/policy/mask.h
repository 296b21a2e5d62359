/* The named masks: the SQL that each means. Pure; any thread. */
#pragma once

#include "policy/type.h"

typedef enum {
    HG_MASK_NONE,    /* MASK_NONE: the column as it is */
    HG_MASK_MASK,    /* letters become x and X, digits n */
    HG_MASK_LAST_4,  /* the same but for the last four characters */
    HG_MASK_FIRST_4, /* the same but for the first four */
    HG_MASK_HASH,    /* a keyed hash */
    HG_MASK_NULL,    /* nothing */
    HG_MASK_YEAR,    /* the first day of the year */
    HG_MASK_SQL,     /* an expression of the policy's own */
} HgMaskKind;

/* The kind of a name like MASK_SHOW_LAST_4; FALSE when there is none. */
gboolean hg_mask_kind(const char *name, HgMaskKind *out);

/* The names, for messages; NULL behind the last. */
const char *hg_mask_nth(gsize index);

/* TRUE when the mask keeps something of a column of this type; otherwise it makes it NULL. */
gboolean hg_mask_fits(HgMaskKind kind, const HgType *type);

/* Appends the masked form of `column` (SQL). `key` is what MASK_HASH is keyed with; without one the
 * hash is NULL. Not for HG_MASK_SQL. */
void hg_mask_append(GString *out, HgMaskKind kind, const HgType *type, const char *column,
                    const char *key);
