/* Who authenticated: see principal.h. Owns its texts; immutable, any thread. */
#include "auth/principal.h"

#include <stdatomic.h>
#include <string.h>

struct HgPrincipal {
    atomic_uint references;
    char *realm;
    char *name;
    char **groups;     /* NULL: unknown */
    char **attributes; /* NULL: unknown */
};

HgPrincipal *hg_principal_new(const char *realm, const char *name, const char *const *groups,
                              const char *const *attributes)
{
    HgPrincipal *principal = g_new0(HgPrincipal, 1);
    atomic_init(&principal->references, 1);
    principal->realm = g_strdup(realm);
    principal->name = g_strdup(name);
    principal->groups = g_strdupv((char **)groups);
    principal->attributes = g_strdupv((char **)attributes);
    return principal;
}

HgPrincipal *hg_principal_ref(HgPrincipal *principal)
{
    atomic_fetch_add_explicit(&principal->references, 1, memory_order_relaxed);
    return principal;
}

void hg_principal_unref(HgPrincipal *principal)
{
    if (principal == NULL)
        return;
    if (atomic_fetch_sub_explicit(&principal->references, 1, memory_order_acq_rel) != 1)
        return;
    g_free(principal->realm);
    g_free(principal->name);
    g_strfreev(principal->groups);
    g_strfreev(principal->attributes);
    g_free(principal);
}

const char *hg_principal_realm(const HgPrincipal *principal)
{
    return principal->realm;
}

const char *hg_principal_name(const HgPrincipal *principal)
{
    return principal->name;
}

const char *const *hg_principal_groups(const HgPrincipal *principal)
{
    return (const char *const *)principal->groups;
}

const char *const *hg_principal_attributes(const HgPrincipal *principal)
{
    return (const char *const *)principal->attributes;
}

gboolean hg_principal_equal(const HgPrincipal *a, const HgPrincipal *b)
{
    return strcmp(a->realm, b->realm) == 0 && strcmp(a->name, b->name) == 0;
}
