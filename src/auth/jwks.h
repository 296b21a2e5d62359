/* An issuer's public keys (JWK Set, RFC 7517), as an immutable snapshot. Counted; any thread. */
#pragma once

#include "auth/jwk.h"

typedef struct HgJwks HgJwks;

/* Reads a key set of at most 256 KiB and 100 keys. Keys that can't check signatures are left out
 * and counted: issuers publish others beside them. An error when it is no key set, or no key of it
 * is of use. Pure. */
gboolean hg_jwks_read(HgSlice text, HgJwks **out, GError **error);

/* Takes another reference, and gives it back. Unref of NULL does nothing. */
HgJwks *hg_jwks_ref(HgJwks *keys);
void hg_jwks_unref(HgJwks *keys);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgJwks, hg_jwks_unref)

/* How many keys there are, and one of them; borrowed. */
guint hg_jwks_count(const HgJwks *keys);
const HgJwk *hg_jwks_nth(const HgJwks *keys, guint index);

/* How many were left out, and what was wrong with the first; NULL when there are none. Borrowed. */
guint hg_jwks_skipped(const HgJwks *keys);
const char *hg_jwks_problem(const HgJwks *keys);

/* TRUE when a key has that id. */
gboolean hg_jwks_has(const HgJwks *keys, const char *id);
