/* What policies make of the columns of a table: hidden, masked, or as they are. Pure. */
#pragma once

#include "policy/set.h"

typedef struct {
    gboolean shown;
    gboolean masked; /* the whole column, or a field in it */
    char *sql;       /* owned: what stands for it in the derived table's inner SELECT */
} HgColumnAccess;

/* Fills `out`, one for each column of rendering->table, from the policies that apply (most
 * important first). NULL, or why that can't be done (to be freed), with *guilty the policy; then
 * what is filled shows nothing that is masked. */
char *hg_access_columns(const GPtrArray *policies, const HgRendering *rendering, const char *key,
                        HgColumnAccess *out, const HgPolicy **guilty);
