/* Looking at an identity: see identity.h. Owns nothing; any thread. */
#include "policy/identity.h"

#include "policy/name.h"

#include <string.h>

gboolean hg_identity_in_group(const HgIdentity *identity, char *const *patterns)
{
    const char *const *group = identity->groups;
    for (; group != NULL && *group != NULL; group++)
        if (hg_policy_glob_any(patterns, *group))
            return TRUE;
    return FALSE;
}

gboolean hg_identity_has(const HgIdentity *identity, const char *name, const char *pattern)
{
    const char *value;
    for (guint i = 0; (value = hg_identity_value(identity, name, i)) != NULL; i++)
        if (hg_policy_glob(pattern, value))
            return TRUE;
    return FALSE;
}

const char *hg_identity_value(const HgIdentity *identity, const char *name, guint index)
{
    const char *const *pair = identity->attributes;
    for (; pair != NULL && pair[0] != NULL; pair += 2)
        if (strcmp(pair[0], name) == 0 && index-- == 0)
            return pair[1];
    return NULL;
}
