/* A principal: who authenticated. Immutable and counted; any thread.
 *
 * A principal is the pair of a realm (which authenticator vouches for the name) and a name; its
 * groups are what that authenticator said about it at the time. Handles belong to (realm, name). */
#pragma once

#include <glib.h>

typedef struct HgPrincipal HgPrincipal;

/* A principal with copies of the texts. `groups` ends with NULL, and may itself be NULL for none.
 */
HgPrincipal *hg_principal_new(const char *realm, const char *name, const char *const *groups);

/* Takes another reference, and gives it back. Unref of NULL does nothing. */
HgPrincipal *hg_principal_ref(HgPrincipal *principal);
void hg_principal_unref(HgPrincipal *principal);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgPrincipal, hg_principal_unref)

/* Borrowed, for as long as the caller holds a reference. The groups end with NULL. */
const char *hg_principal_realm(const HgPrincipal *principal);
const char *hg_principal_name(const HgPrincipal *principal);
const char *const *hg_principal_groups(const HgPrincipal *principal);

/* TRUE when both are the same person: equal realm and equal name, whatever their groups. */
gboolean hg_principal_equal(const HgPrincipal *a, const HgPrincipal *b);
