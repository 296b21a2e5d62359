/* A signed token (JWT in JWS compact form, RFC 7519 and 7515): taken apart, and its signature
 * checked against keys that are given. Pure: no clock, file or network; any thread.
 *
 * Keys come from the issuer that the configuration trusts, never from the token: its header's
 * `jwk`, `jku`, `x5c` and `x5u` aren't looked at. What is in the token is a stranger's word until
 * hg_jwt_verify() said yes. */
#pragma once

#include "auth/jwks.h"
#include "auth/token.h"

#define HG_JWT_MAX_BYTES 16384

typedef struct HgJwt HgJwt;

typedef enum {
    HG_JWT_READ,   /* *out is the token */
    HG_JWT_OTHER,  /* it isn't a signed JWT: an opaque token, an encrypted one, a password */
    HG_JWT_BROKEN, /* it is one, and of no use: the refusal says why */
} HgJwtForm;

/* Takes a token apart. A text of three parts between dots whose first one is the base64url of
 * something in braces is a signed JWT, and then everything has to be right. */
HgJwtForm hg_jwt_read(HgSlice text, HgJwt **out, HgTokenRefusal *refusal);
void hg_jwt_free(HgJwt *token); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgJwt, hg_jwt_free)

/* Its `iss` and `kid`; NULL when it has none. Borrowed. */
const char *hg_jwt_issuer(const HgJwt *token);
const char *hg_jwt_key_id(const HgJwt *token);

/* Its claims, an object; borrowed. */
json_t *hg_jwt_claims(const HgJwt *token);

/* Checks what the header says against `allowed`, a set of 1 << HgJwsAlgorithm. Needs no key, so it
 * goes before any of them is fetched. */
gboolean hg_jwt_check_header(const HgJwt *token, guint allowed, HgTokenRefusal *refusal);

/* TRUE when a key of the set signed the token: one with its `kid`, or, when it has none, any that
 * fits its algorithm, of 16 at most. hg_jwt_check_header() must have said yes. */
gboolean hg_jwt_verify(const HgJwt *token, const HgJwks *keys, HgTokenRefusal *refusal);
