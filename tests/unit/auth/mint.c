/* Keys and tokens: see mint.h. */
#include "mint.h"

#include <check.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

EVP_PKEY *mint_rsa(guint bits)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
    ck_assert_ptr_nonnull(key);
    return key;
}

EVP_PKEY *mint_ec(const char *curve)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);
    ck_assert_ptr_nonnull(key);
    return key;
}

char *mint_base64url(HgSlice bytes)
{
    char *text = g_base64_encode(bytes.data, bytes.size);
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '+')
            *at = '-';
        else if (*at == '/')
            *at = '_';
        else if (*at == '=')
            *at = '\0';
        if (*at == '\0')
            break;
    }
    return text;
}

/* A number of the key as base64url, in `size` bytes, or as few as it takes with 0. */
static char *number(EVP_PKEY *key, const char *name, gsize size)
{
    BIGNUM *value = NULL;
    guint8 bytes[1024];
    ck_assert_int_eq(EVP_PKEY_get_bn_param(key, name, &value), 1);
    gsize used = size > 0 ? size : (gsize)BN_num_bytes(value);
    ck_assert_int_eq(BN_bn2binpad(value, bytes, (int)used), (int)used);
    BN_free(value);
    return mint_base64url(hg_slice(bytes, used));
}

char *mint_jwk(EVP_PKEY *key, const char *more)
{
    if (EVP_PKEY_is_a(key, "RSA")) {
        g_autofree char *n = number(key, OSSL_PKEY_PARAM_RSA_N, 0);
        g_autofree char *e = number(key, OSSL_PKEY_PARAM_RSA_E, 0);
        return g_strdup_printf("{%s\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", more, n, e);
    }
    char group[64];
    ck_assert_int_eq(
        EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL),
        1);
    gsize size = ((gsize)EVP_PKEY_get_bits(key) + 7) / 8;
    const char *curve = size == 32 ? "P-256" : size == 48 ? "P-384" : "P-521";
    g_autofree char *x = number(key, OSSL_PKEY_PARAM_EC_PUB_X, size);
    g_autofree char *y = number(key, OSSL_PKEY_PARAM_EC_PUB_Y, size);
    return g_strdup_printf("{%s\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}", more,
                           strcmp(group, "secp256k1") == 0 ? group : curve, x, y);
}

char *mint_jwks(const char *first, const char *second, const char *third)
{
    return g_strdup_printf("{\"keys\":[%s%s%s%s%s]}", first != NULL ? first : "",
                           second != NULL ? "," : "", second != NULL ? second : "",
                           third != NULL ? "," : "", third != NULL ? third : "");
}

/* r and s out of OpenSSL's form. */
static guint8 *to_raw(const guint8 *der, gsize der_size, gsize coordinate, gsize *size)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)der_size);
    guint8 *raw = g_malloc(2 * coordinate);
    ck_assert_ptr_nonnull(pair);
    ck_assert_int_gt(BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, (int)coordinate), 0);
    ck_assert_int_gt(BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + coordinate, (int)coordinate), 0);
    ECDSA_SIG_free(pair);
    *size = 2 * coordinate;
    return raw;
}

guint8 *mint_signature(EVP_PKEY *key, const char *algorithm, HgSlice text, gsize *size)
{
    g_autofree char *digest = g_strconcat("SHA", algorithm + 2, NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how = NULL;
    ck_assert_int_eq(EVP_DigestSignInit_ex(context, &how, digest, NULL, NULL, key, NULL), 1);
    if (algorithm[0] == 'P') {
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING), 1);
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST), 1);
    }
    gsize most = (gsize)EVP_PKEY_get_size(key) + 16;
    guint8 *signature = g_malloc(most);
    *size = most;
    ck_assert_int_eq(EVP_DigestSign(context, signature, size, text.data, text.size), 1);
    EVP_MD_CTX_free(context);
    if (algorithm[0] != 'E')
        return signature;
    guint8 *raw = to_raw(signature, *size, ((gsize)EVP_PKEY_get_bits(key) + 7) / 8, size);
    g_free(signature);
    return raw;
}

/* header.payload */
static char *join(const char *header, const char *payload)
{
    g_autofree char *first = mint_base64url(hg_slice_from_string(header));
    g_autofree char *second = mint_base64url(hg_slice_from_string(payload));
    return g_strconcat(first, ".", second, NULL);
}

char *mint_token(EVP_PKEY *key, const char *algorithm, const char *header, const char *payload)
{
    g_autofree char *text = join(header, payload);
    gsize size = 0;
    if (strcmp(algorithm, "none") == 0)
        return g_strconcat(text, ".", NULL);
    g_autofree guint8 *signature =
        mint_signature(key, algorithm, hg_slice_from_string(text), &size);
    g_autofree char *last = mint_base64url(hg_slice(signature, size));
    return g_strconcat(text, ".", last, NULL);
}

char *mint_hmac_token(HgSlice secret, const char *header, const char *payload)
{
    g_autofree char *text = join(header, payload);
    guint8 mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    ck_assert_ptr_nonnull(HMAC(EVP_sha256(), secret.data, (int)secret.size, (const guint8 *)text,
                               strlen(text), mac, &size));
    g_autofree char *last = mint_base64url(hg_slice(mac, size));
    return g_strconcat(text, ".", last, NULL);
}
