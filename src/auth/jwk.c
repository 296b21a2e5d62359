/* Keys and signatures over OpenSSL: see jwk.h. Owns the key; immutable, any thread. */
#include "auth/jwk.h"

#include "auth/base64url.h"
#include "auth/json.h"
#include "base/error.h"
#include "base/text.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#define ID_MAX_BYTES 256
#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192 /* a check costs the square of it */

typedef enum { TYPE_RSA, TYPE_EC } KeyType;

typedef struct {
    const char *name;
    KeyType type;
    gboolean is_pss;
    const char *digest;
    gsize coordinate; /* EC: bytes of each of r and s, which tells the curve */
} Algorithm;

static const Algorithm algorithms[HG_JWS_ALGORITHMS] = {
    [HG_JWS_RS256] = {"RS256", TYPE_RSA, FALSE, "SHA256", 0},
    [HG_JWS_RS384] = {"RS384", TYPE_RSA, FALSE, "SHA384", 0},
    [HG_JWS_RS512] = {"RS512", TYPE_RSA, FALSE, "SHA512", 0},
    [HG_JWS_PS256] = {"PS256", TYPE_RSA, TRUE, "SHA256", 0},
    [HG_JWS_PS384] = {"PS384", TYPE_RSA, TRUE, "SHA384", 0},
    [HG_JWS_PS512] = {"PS512", TYPE_RSA, TRUE, "SHA512", 0},
    [HG_JWS_ES256] = {"ES256", TYPE_EC, FALSE, "SHA256", 32},
    [HG_JWS_ES384] = {"ES384", TYPE_EC, FALSE, "SHA384", 48},
    [HG_JWS_ES512] = {"ES512", TYPE_EC, FALSE, "SHA512", 66},
};

static const struct {
    const char *name; /* in a JWK */
    const char *group;
    gsize coordinate;
} curves[] = {
    {"P-256", "prime256v1", 32},
    {"P-384", "secp384r1", 48},
    {"P-521", "secp521r1", 66},
};

struct HgJwk {
    char *id;
    EVP_PKEY *key;
    KeyType type;
    gsize coordinate;
    gboolean for_one; /* it is only for `algorithm` */
    HgJwsAlgorithm algorithm;
};

gboolean hg_jws_algorithm_parse(const char *name, HgJwsAlgorithm *out)
{
    for (guint i = 0; i < HG_JWS_ALGORITHMS; i++)
        if (strcmp(algorithms[i].name, name) == 0) {
            *out = (HgJwsAlgorithm)i;
            return TRUE;
        }
    return FALSE;
}

const char *hg_jws_algorithm_name(HgJwsAlgorithm algorithm)
{
    return algorithms[algorithm].name;
}

static gboolean refuse(GError **error, const char *why)
{
    g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID, why);
    return FALSE;
}

/* A key out of its parts; NULL when OpenSSL doesn't take them (a point that isn't on its curve). */
static EVP_PKEY *build(const char *type, OSSL_PARAM_BLD *parts)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(parts);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    ERR_clear_error();
    return key;
}

/* A member in base64url as a number; NULL when it isn't one. */
static BIGNUM *number(const json_t *object, const char *name)
{
    gsize size = 0;
    g_autofree guint8 *bytes =
        hg_base64url_decode(hg_slice_from_string(hg_json_string(object, name)), &size);
    if (bytes == NULL || size == 0 || size > RSA_MAX_BITS / 8 + 1)
        return NULL;
    return BN_bin2bn(bytes, (int)size, NULL);
}

static gboolean read_rsa(const json_t *object, HgJwk *key, GError **error)
{
    BIGNUM *n = number(object, "n");
    BIGNUM *e = number(object, "e");
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    const char *wrong = NULL;
    if (n == NULL || e == NULL)
        wrong = "its \"n\" or \"e\" is missing or isn't a number of at most 8192 bits";
    else if (BN_num_bits(n) < RSA_MIN_BITS || BN_num_bits(n) > RSA_MAX_BITS)
        wrong = "an RSA key must have 2048 to 8192 bits";
    else if (BN_num_bits(e) > 64 || !BN_is_odd(e) || BN_is_one(e) || !BN_is_odd(n))
        wrong = "its \"e\" or \"n\" can't be an RSA key's";
    if (wrong == NULL) {
        OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, n);
        OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_E, e);
        key->type = TYPE_RSA;
        key->key = build("RSA", parts);
        if (key->key == NULL)
            wrong = "OpenSSL doesn't take it";
    }
    OSSL_PARAM_BLD_free(parts);
    BN_free(n);
    BN_free(e);
    return wrong == NULL || refuse(error, wrong);
}

/* Adds a coordinate of just `size` bytes. */
static gboolean add_coordinate(const json_t *object, const char *name, gsize size,
                               GByteArray *point)
{
    gsize got = 0;
    g_autofree guint8 *bytes =
        hg_base64url_decode(hg_slice_from_string(hg_json_string(object, name)), &got);
    if (bytes == NULL || got != size)
        return FALSE;
    g_byte_array_append(point, bytes, (guint)size);
    return TRUE;
}

static gboolean read_ec(const json_t *object, HgJwk *key, GError **error)
{
    const char *curve = hg_json_string(object, "crv");
    const char *group = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(curves); i++)
        if (g_strcmp0(curve, curves[i].name) == 0) {
            group = curves[i].group;
            key->coordinate = curves[i].coordinate;
        }
    if (group == NULL)
        return refuse(error, "its curve isn't one of P-256, P-384 and P-521");
    g_autoptr(GByteArray) point = g_byte_array_new();
    g_byte_array_append(point, (const guint8 *)"\x04", 1); /* uncompressed: SEC 1, 2.3.3 */
    if (!add_coordinate(object, "x", key->coordinate, point) ||
        !add_coordinate(object, "y", key->coordinate, point))
        return refuse(error, "its \"x\" or \"y\" isn't of the size of its curve");
    OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
    OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point->data, point->len);
    key->type = TYPE_EC;
    key->key = build("EC", parts);
    OSSL_PARAM_BLD_free(parts);
    return key->key != NULL || refuse(error, "its point isn't on its curve");
}

/* What `use`, `key_ops`, `alg` and `kid` say. */
static gboolean read_purpose(const json_t *object, HgJwk *key, GError **error)
{
    const json_t *use = json_object_get(object, "use");
    const json_t *operations = json_object_get(object, "key_ops");
    const json_t *algorithm = json_object_get(object, "alg");
    const json_t *id = json_object_get(object, "kid");
    gboolean verifies = operations == NULL;
    for (gsize i = 0; i < json_array_size(operations); i++)
        verifies |= g_strcmp0(json_string_value(json_array_get(operations, i)), "verify") == 0;
    if (use != NULL && g_strcmp0(json_string_value(use), "sig") != 0)
        return refuse(error, "its \"use\" isn't \"sig\"");
    if (!verifies)
        return refuse(error, "its \"key_ops\" don't hold \"verify\"");
    if (algorithm != NULL) {
        const char *name = json_string_value(algorithm);
        if (name == NULL || !hg_jws_algorithm_parse(name, &key->algorithm))
            return refuse(error, "its \"alg\" is none that is trusted");
        key->for_one = TRUE;
    }
    if (id != NULL && (!json_is_string(id) || json_string_length(id) == 0 ||
                       json_string_length(id) > ID_MAX_BYTES))
        return refuse(error, "its \"kid\" isn't a text of 1 to 256 bytes");
    key->id = g_strdup(json_string_value(id));
    return TRUE;
}

HgJwk *hg_jwk_new(const json_t *object, GError **error)
{
    g_autoptr(HgJwk) key = g_new0(HgJwk, 1);
    const char *type = hg_json_string(object, "kty");
    gboolean ok = read_purpose(object, key, error);
    if (!ok)
        return NULL;
    if (json_object_get(object, "d") != NULL)
        ok = refuse(error, "it is a private key, which is none any more once it is published");
    else if (g_strcmp0(type, "RSA") == 0)
        ok = read_rsa(object, key, error);
    else if (g_strcmp0(type, "EC") == 0)
        ok = read_ec(object, key, error);
    else
        ok = refuse(error, "its type isn't RSA or EC");
    if (ok && key->for_one && !hg_jwk_fits(key, key->algorithm))
        ok = refuse(error, "its \"alg\" doesn't go with its type or curve");
    return ok ? g_steal_pointer(&key) : NULL;
}

void hg_jwk_free(HgJwk *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->key);
    g_free(key->id);
    g_free(key);
}

const char *hg_jwk_id(const HgJwk *key)
{
    return key->id;
}

gboolean hg_jwk_fits(const HgJwk *key, HgJwsAlgorithm algorithm)
{
    const Algorithm *wanted = &algorithms[algorithm];
    if (key->for_one && key->algorithm != algorithm)
        return FALSE;
    return key->type == wanted->type && key->coordinate == wanted->coordinate;
}

/* r and s in the form that OpenSSL wants; NULL when the size is another. Free with OPENSSL_free. */
static guint8 *to_der(HgSlice signature, gsize coordinate, gsize *size)
{
    if (signature.size != 2 * coordinate)
        return NULL;
    guint8 *der = NULL;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature.data, (int)coordinate, NULL);
    BIGNUM *s = BN_bin2bn(signature.data + coordinate, (int)coordinate, NULL);
    ECDSA_SIG_set0(pair, r, s);
    int length = i2d_ECDSA_SIG(pair, &der);
    ECDSA_SIG_free(pair);
    *size = length > 0 ? (gsize)length : 0;
    return der;
}

static gboolean verify(const HgJwk *key, const Algorithm *algorithm, HgSlice text,
                       HgSlice signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how = NULL; /* belongs to the context */
    gboolean ok =
        EVP_DigestVerifyInit_ex(context, &how, algorithm->digest, NULL, NULL, key->key, NULL) == 1;
    /* RFC 7518, 3.5: MGF1 with the same hash, which is OpenSSL's default, and a salt as long */
    if (ok && algorithm->is_pss)
        ok = EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1;
    ok = ok && EVP_DigestVerify(context, signature.data, signature.size, text.data, text.size) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return ok;
}

gboolean hg_jwk_verify(const HgJwk *key, HgJwsAlgorithm algorithm, HgSlice text, HgSlice signature)
{
    const Algorithm *wanted = &algorithms[algorithm];
    if (!hg_jwk_fits(key, algorithm))
        return FALSE;
    if (wanted->type == TYPE_RSA)
        return verify(key, wanted, text, signature);
    gsize size = 0;
    guint8 *der = to_der(signature, wanted->coordinate, &size);
    gboolean ok = der != NULL && verify(key, wanted, text, hg_slice(der, size));
    OPENSSL_free(der);
    return ok;
}
