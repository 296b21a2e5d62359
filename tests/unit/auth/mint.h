/* Keys and tokens for tests, made with OpenSSL: whatever header, payload and signature a test
 * wants. Failures end the test. */
#pragma once

#include "base/slice.h"

#include <openssl/evp.h>

/* New keys; free with EVP_PKEY_free. `curve`: P-256, P-384, P-521, secp256k1. */
EVP_PKEY *mint_rsa(guint bits);
EVP_PKEY *mint_ec(const char *curve);

/* base64url of the bytes. Free with g_free, as all texts here. */
char *mint_base64url(HgSlice bytes);

/* The public part as a JWK, with `more` members in front ("\"kid\":\"a\","). */
char *mint_jwk(EVP_PKEY *key, const char *more);

/* A key set of up to three JWKs; NULL for none. */
char *mint_jwks(const char *first, const char *second, const char *third);

/* The signature of the text by `algorithm`, raw r and s for ES. *size in bytes. */
guint8 *mint_signature(EVP_PKEY *key, const char *algorithm, HgSlice text, gsize *size);

/* header.payload.signature of the two JSON texts, signed by `algorithm` whatever the header says;
 * "HS256" signs with `secret`, "none" not at all. */
char *mint_token(EVP_PKEY *key, const char *algorithm, const char *header, const char *payload);
char *mint_hmac_token(HgSlice secret, const char *header, const char *payload);
