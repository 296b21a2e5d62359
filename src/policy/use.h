/* Where USE and SET CATALOG lead. Pure; any thread. */
#pragma once

#include "sql/parser.h"

/* The names behind USE, with quotes removed. */
typedef struct {
    char *first;
    char *second;     /* NULL: there is one name only */
    gboolean catalog; /* SET CATALOG: the name is a catalog's */
} HgPolicyUse;

/* Reads the text of a USE or SET CATALOG; *out is to be cleared. FALSE when it isn't one, or its
 * names aren't plain. */
gboolean hg_policy_use_read(HgSlice text, const HgSqlOptions *options, HgPolicyUse *out);

void hg_policy_use_clear(HgPolicyUse *use);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgPolicyUse, hg_policy_use_clear)
