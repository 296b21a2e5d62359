/* A principal: who authenticated. Immutable and counted; any thread.
 *
 * A principal is the pair of a realm (which authenticator vouches for the name) and a name; its
 * groups and attributes are what that authenticator said about it at the time. Handles belong to
 * (realm, name). */
#pragma once

#include <glib.h>

typedef struct HgPrincipal HgPrincipal;

/* A principal with copies of the texts. `groups` ends with NULL; NULL itself says that nobody knows
 * the groups, which is not the same as being in none. `attributes` holds names and values in turns
 * and ends with NULL; a name with several values comes several times. NULL: nobody knows them. */
HgPrincipal *hg_principal_new(const char *realm, const char *name, const char *const *groups,
                              const char *const *attributes);

/* Takes another reference, and gives it back. Unref of NULL does nothing. */
HgPrincipal *hg_principal_ref(HgPrincipal *principal);
void hg_principal_unref(HgPrincipal *principal);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgPrincipal, hg_principal_unref)

/* Borrowed, for as long as the caller holds a reference. */
const char *hg_principal_realm(const HgPrincipal *principal);
const char *hg_principal_name(const HgPrincipal *principal);

/* The groups, ending with NULL; NULL when nobody knows them. Borrowed. */
const char *const *hg_principal_groups(const HgPrincipal *principal);

/* Names and values in turns, ending with NULL; NULL when nobody knows them. Borrowed. */
const char *const *hg_principal_attributes(const HgPrincipal *principal);

/* TRUE when both are the same person: equal realm and equal name, whatever their groups. */
gboolean hg_principal_equal(const HgPrincipal *a, const HgPrincipal *b);
