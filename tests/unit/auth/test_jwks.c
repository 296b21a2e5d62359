/* Tests of auth/jwks and auth/jwk: which keys are taken, and which signatures are right. */
#include "auth/jwks.h"
#include "mint.h"
#include "suites.h"

#define TEXT "what is signed"

static EVP_PKEY *rsa;
static EVP_PKEY *small_rsa;
static EVP_PKEY *p256;
static EVP_PKEY *p384;
static EVP_PKEY *p521;
static EVP_PKEY *koblitz;

static void make_keys(void)
{
    rsa = mint_rsa(2048);
    small_rsa = mint_rsa(1024);
    p256 = mint_ec("P-256");
    p384 = mint_ec("P-384");
    p521 = mint_ec("P-521");
    koblitz = mint_ec("secp256k1");
}

static void free_keys(void)
{
    EVP_PKEY *all[] = {rsa, small_rsa, p256, p384, p521, koblitz};
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
        EVP_PKEY_free(all[i]);
}

static HgJwks *read_keys(const char *text)
{
    g_autoptr(GError) error = NULL;
    HgJwks *keys = NULL;
    ck_assert_msg(hg_jwks_read(hg_slice_from_string(text), &keys, &error), "%s",
                  error != NULL ? error->message : "");
    return keys;
}

/* A set of a good EC key and `jwk`. */
static HgJwks *read_beside_good(const char *jwk)
{
    g_autofree char *good = mint_jwk(p256, "\"kid\":\"good\",");
    g_autofree char *set = mint_jwks(good, jwk, NULL);
    return read_keys(set);
}

static const struct {
    EVP_PKEY **key;
    const char *more;
    const char *why; /* NULL: it is taken */
} keys_rows[] = {
    {&rsa, "", NULL},
    {&rsa, "\"kid\":\"a\",\"use\":\"sig\",\"alg\":\"PS512\",\"key_ops\":[\"verify\"],", NULL},
    {&p384, "\"alg\":\"ES384\",", NULL},
    {&p521, "", NULL},
    {&small_rsa, "", "2048"},
    {&koblitz, "", "curve"},
    {&rsa, "\"use\":\"enc\",", "use"},
    {&rsa, "\"use\":1,", "use"},
    {&rsa, "\"key_ops\":[\"encrypt\"],", "key_ops"},
    {&rsa, "\"key_ops\":\"verify\",", "key_ops"},
    {&rsa, "\"alg\":\"RSA-OAEP\",", "alg"},
    {&rsa, "\"alg\":\"HS256\",", "alg"},
    {&rsa, "\"alg\":\"ES256\",", "type or curve"},
    {&p256, "\"alg\":\"ES384\",", "type or curve"},
    {&rsa, "\"d\":\"AQAB\",", "private"},
    {&rsa, "\"kid\":7,", "kid"},
    {&rsa, "\"kid\":\"\",", "kid"},
};

START_TEST(test_keys)
{
    g_autofree char *jwk = mint_jwk(*keys_rows[_i].key, keys_rows[_i].more);
    g_autoptr(HgJwks) keys = read_beside_good(jwk);
    gboolean taken = keys_rows[_i].why == NULL;
    ck_assert_uint_eq(hg_jwks_count(keys), taken ? 2 : 1);
    ck_assert_uint_eq(hg_jwks_skipped(keys), taken ? 0 : 1);
    if (!taken)
        ck_assert_msg(strstr(hg_jwks_problem(keys), keys_rows[_i].why) != NULL, "%s",
                      hg_jwks_problem(keys));
    ck_assert(hg_jwks_has(keys, "good"));
    ck_assert(!hg_jwks_has(keys, "bad"));
}
END_TEST

static const char *const unusable[] = {
    "{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}",
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
    "{\"kty\":\"RSA\"}",
    "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
    "{\"kty\":\"RSA\",\"n\":\"!\",\"e\":\"AQAB\"}",
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
    "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
    "{}",
    "7",
    "null",
    "[]",
};

START_TEST(test_unusable)
{
    g_autoptr(HgJwks) keys = read_beside_good(unusable[_i]);
    ck_assert_uint_eq(hg_jwks_count(keys), 1);
    ck_assert_uint_eq(hg_jwks_skipped(keys), 1);
}
END_TEST

START_TEST(test_an_even_exponent)
{
    g_autofree char *jwk = mint_jwk(rsa, "");
    char *at = strstr(jwk, "\"e\":\"AQAB\"");
    ck_assert_ptr_nonnull(at);
    memcpy(at, "\"e\":\"AQAA\"", 10);
    g_autoptr(HgJwks) keys = read_beside_good(jwk);
    ck_assert_uint_eq(hg_jwks_skipped(keys), 1);
}
END_TEST

static const struct {
    const char *text;
    const char *why;
} sets[] = {
    {"{\"keys\":[]}", "it has no keys"},
    {"{\"keys\":{}}", "no list"},
    {"{}", "no list"},
    {"[]", "not an object"},
    {"<html>", "not JSON"},
    {"{\"keys\":[],\"keys\":[]}", "twice"},
    {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}]}", "none of its 1 keys"},
};

START_TEST(test_sets_of_no_use)
{
    g_autoptr(GError) error = NULL;
    HgJwks *keys = NULL;
    ck_assert(!hg_jwks_read(hg_slice_from_string(sets[_i].text), &keys, &error));
    ck_assert_ptr_null(keys);
    ck_assert_msg(strstr(error->message, sets[_i].why) != NULL, "%s", error->message);
}
END_TEST

START_TEST(test_too_many_and_too_long)
{
    g_autoptr(GError) error = NULL;
    HgJwks *keys = NULL;
    GString *text = g_string_new("{\"keys\":[1");
    for (guint i = 1; i <= 100; i++)
        g_string_append(text, ",1");
    g_string_append(text, "]}");
    ck_assert(!hg_jwks_read(hg_slice(text->str, text->len), &keys, &error));
    ck_assert_msg(strstr(error->message, "100 keys") != NULL, "%s", error->message);
    g_clear_error(&error);
    while (text->len <= 256 * 1024)
        g_string_append(text, "                                                                ");
    ck_assert(!hg_jwks_read(hg_slice(text->str, text->len), &keys, &error));
    ck_assert_msg(strstr(error->message, "256 KiB") != NULL, "%s", error->message);
    g_string_free(text, TRUE);
}
END_TEST

static const struct {
    const char *algorithm;
    EVP_PKEY **key;
} signers[] = {
    {"RS256", &rsa}, {"RS384", &rsa},  {"RS512", &rsa},  {"PS256", &rsa},  {"PS384", &rsa},
    {"PS512", &rsa}, {"ES256", &p256}, {"ES384", &p384}, {"ES512", &p521},
};

/* Each signature is right under its own algorithm, and under none of the others. */
START_TEST(test_signatures)
{
    gsize size = 0;
    g_autofree char *jwk = mint_jwk(*signers[_i].key, "");
    g_autofree char *set = mint_jwks(jwk, NULL, NULL);
    g_autoptr(HgJwks) keys = read_keys(set);
    HgSlice text = hg_slice_from_string(TEXT);
    g_autofree guint8 *signature =
        mint_signature(*signers[_i].key, signers[_i].algorithm, text, &size);
    for (guint i = 0; i < HG_JWS_ALGORITHMS; i++) {
        HgJwsAlgorithm algorithm = HG_JWS_RS256;
        const char *name = hg_jws_algorithm_name((HgJwsAlgorithm)i);
        ck_assert(hg_jws_algorithm_parse(name, &algorithm) && algorithm == i);
        ck_assert_int_eq(
            hg_jwk_verify(hg_jwks_nth(keys, 0), algorithm, text, hg_slice(signature, size)),
            strcmp(name, signers[_i].algorithm) == 0);
    }
    signature[size / 2] ^= 1;
    ck_assert(
        !hg_jwk_verify(hg_jwks_nth(keys, 0), (HgJwsAlgorithm)_i, text, hg_slice(signature, size)));
    signature[size / 2] ^= 1;
    ck_assert(!hg_jwk_verify(hg_jwks_nth(keys, 0), (HgJwsAlgorithm)_i,
                             hg_slice_from_string("what is signeD"), hg_slice(signature, size)));
    ck_assert(!hg_jwk_verify(hg_jwks_nth(keys, 0), (HgJwsAlgorithm)_i, text,
                             hg_slice(signature, size - 1)));
    ck_assert(!hg_jwk_verify(hg_jwks_nth(keys, 0), (HgJwsAlgorithm)_i, text, hg_slice(NULL, 0)));
}
END_TEST

/* The same r and s, written longer, shorter, as DER: only the standard's form counts. */
START_TEST(test_forms_of_es_signatures)
{
    gsize size = 0;
    g_autofree char *jwk = mint_jwk(p256, "");
    g_autofree char *set = mint_jwks(jwk, NULL, NULL);
    g_autoptr(HgJwks) keys = read_keys(set);
    const HgJwk *key = hg_jwks_nth(keys, 0);
    HgSlice text = hg_slice_from_string(TEXT);
    g_autofree guint8 *raw = mint_signature(p256, "ES256", text, &size);
    guint8 longer[68] = {0};
    guint8 zeros[64] = {0};
    ck_assert_uint_eq(size, 64);
    ck_assert(hg_jwk_verify(key, HG_JWS_ES256, text, hg_slice(raw, 64)));
    memcpy(longer + 2, raw, 32);
    memcpy(longer + 36, raw + 32, 32);
    ck_assert(!hg_jwk_verify(key, HG_JWS_ES256, text, hg_slice(longer, 68)));
    memcpy(longer, raw, 64);
    ck_assert(!hg_jwk_verify(key, HG_JWS_ES256, text, hg_slice(longer, 65)));
    ck_assert(!hg_jwk_verify(key, HG_JWS_ES256, text, hg_slice(zeros, 64)));
    ck_assert(!hg_jwk_verify(key, HG_JWS_ES384, text, hg_slice(raw, 64)));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    guint8 der[80];
    gsize der_size = sizeof der;
    ck_assert_int_eq(EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, p256, NULL), 1);
    ck_assert_int_eq(EVP_DigestSign(context, der, &der_size, text.data, text.size), 1);
    EVP_MD_CTX_free(context);
    ck_assert(!hg_jwk_verify(key, HG_JWS_ES256, text, hg_slice(der, der_size)));
}
END_TEST

START_TEST(test_a_key_for_one_algorithm)
{
    gsize size = 0;
    g_autofree char *jwk = mint_jwk(rsa, "\"alg\":\"PS256\",");
    g_autofree char *set = mint_jwks(jwk, NULL, NULL);
    g_autoptr(HgJwks) keys = read_keys(set);
    HgSlice text = hg_slice_from_string(TEXT);
    g_autofree guint8 *signature = mint_signature(rsa, "RS256", text, &size);
    ck_assert(!hg_jwk_fits(hg_jwks_nth(keys, 0), HG_JWS_RS256));
    ck_assert(!hg_jwk_verify(hg_jwks_nth(keys, 0), HG_JWS_RS256, text, hg_slice(signature, size)));
    ck_assert(hg_jwk_fits(hg_jwks_nth(keys, 0), HG_JWS_PS256));
}
END_TEST

static const char *const strangers[] = {"none",   "None",  "HS256", "HS512", "rs256",
                                        "ES256K", "EdDSA", "RS1",   "",      "RS256 "};

START_TEST(test_no_such_algorithm)
{
    HgJwsAlgorithm algorithm = HG_JWS_ES512;
    ck_assert(!hg_jws_algorithm_parse(strangers[_i], &algorithm));
    ck_assert_int_eq(algorithm, HG_JWS_ES512);
}
END_TEST

Suite *jwks_suite(void)
{
    Suite *suite = suite_create("auth/jwks");
    TCase *tests = tcase_create("keys");
    tcase_add_unchecked_fixture(tests, make_keys, free_keys);
    tcase_add_loop_test(tests, test_keys, 0, G_N_ELEMENTS(keys_rows));
    tcase_add_loop_test(tests, test_unusable, 0, G_N_ELEMENTS(unusable));
    tcase_add_test(tests, test_an_even_exponent);
    tcase_add_loop_test(tests, test_sets_of_no_use, 0, G_N_ELEMENTS(sets));
    tcase_add_test(tests, test_too_many_and_too_long);
    tcase_add_loop_test(tests, test_signatures, 0, G_N_ELEMENTS(signers));
    tcase_add_test(tests, test_forms_of_es_signatures);
    tcase_add_test(tests, test_a_key_for_one_algorithm);
    tcase_add_loop_test(tests, test_no_such_algorithm, 0, G_N_ELEMENTS(strangers));
    suite_add_tcase(suite, tests);
    return suite;
}
