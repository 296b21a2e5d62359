/* One public key of an issuer (JWK, RFC 7517), and the check of a signature with it (RFC 7518).
 *
 * Signatures are checked with OpenSSL itself. cjose 0.6.2 was looked at and left: it halves an ES
 * signature wherever it is long enough for it (so one signature has many forms), takes any curve
 * for any ES algorithm, and parses the header once more with another reader that takes a name
 * twice. Immutable; any thread. */
#pragma once

#include "base/slice.h"

#include <jansson.h>

/* The algorithms that there are: never "none", and none with a shared secret. */
typedef enum {
    HG_JWS_RS256,
    HG_JWS_RS384,
    HG_JWS_RS512,
    HG_JWS_PS256,
    HG_JWS_PS384,
    HG_JWS_PS512,
    HG_JWS_ES256,
    HG_JWS_ES384,
    HG_JWS_ES512,
    HG_JWS_ALGORITHMS,
} HgJwsAlgorithm;

/* The algorithm of that name, exactly as RFC 7518 writes it. */
gboolean hg_jws_algorithm_parse(const char *name, HgJwsAlgorithm *out);

/* Static. */
const char *hg_jws_algorithm_name(HgJwsAlgorithm algorithm);

typedef struct HgJwk HgJwk;

/* The key of a JWK object, when it can check signatures: RSA of 2048 to 8192 bits or EC of the
 * curves P-256, P-384, P-521; public; not restricted by `use`, `key_ops` or `alg` to something
 * else. NULL with HG_ERROR_INVALID and what is wrong with it. */
HgJwk *hg_jwk_new(const json_t *object, GError **error);
void hg_jwk_free(HgJwk *key); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgJwk, hg_jwk_free)

/* Its `kid`; NULL when it has none. Borrowed. */
const char *hg_jwk_id(const HgJwk *key);

/* TRUE when the key is for that algorithm: its type, for ES its curve, and its `alg` if it has one.
 */
gboolean hg_jwk_fits(const HgJwk *key, HgJwsAlgorithm algorithm);

/* TRUE when the signature over the text is right. FALSE too for a key that doesn't fit. An ES
 * signature is r and s of just the curve's size. */
gboolean hg_jwk_verify(const HgJwk *key, HgJwsAlgorithm algorithm, HgSlice text, HgSlice signature);
