/* Who is asking: the effective user of a session with what the directory or token says of them.
 * Pure; immutable while it is used; any thread. */
#pragma once

#include <glib.h>

/* All borrowed from the caller. */
typedef struct {
    const char *user;
    const char *const *groups; /* NULL-terminated; NULL for none */
    gboolean groups_unknown;   /* they couldn't be learned: what depends on a group is refused */
    const char *const *attributes; /* name, value, name, value, ...; NULL-terminated; a name may
                                      come more than once; NULL for none */
    gboolean attributes_unknown;   /* as for groups */
} HgIdentity;

/* TRUE when the user is in a group that one of the patterns means. */
gboolean hg_identity_in_group(const HgIdentity *identity, char *const *patterns);

/* TRUE when an attribute of this name has a value that the pattern means. */
gboolean hg_identity_has(const HgIdentity *identity, const char *name, const char *pattern);

/* The values of an attribute: the n-th one, NULL when there are no more. */
const char *hg_identity_value(const HgIdentity *identity, const char *name, guint index);
