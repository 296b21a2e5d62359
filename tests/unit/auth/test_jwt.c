/* Tests of auth/jwt: tokens with something wrong in their form, header or signature, each refused
 * for its own reason. */
#include "auth/jwt.h"
#include "mint.h"
#include "suites.h"

#define ALL    ((1U << HG_JWS_ALGORITHMS) - 1)
#define CLAIMS "{\"iss\":\"https://i\",\"sub\":\"alice\"}"

static EVP_PKEY *rsa;
static EVP_PKEY *other;
static EVP_PKEY *ec;
static HgJwks *keys;
static char *rsa_jwk;

static void make_keys(void)
{
    rsa = mint_rsa(2048);
    other = mint_rsa(2048);
    ec = mint_ec("P-256");
    rsa_jwk = mint_jwk(rsa, "\"kid\":\"a\",");
    g_autofree char *ec_jwk = mint_jwk(ec, "\"kid\":\"e\",");
    g_autofree char *set = mint_jwks(rsa_jwk, ec_jwk, NULL);
    ck_assert(hg_jwks_read(hg_slice_from_string(set), &keys, NULL));
}

static void free_keys(void)
{
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(other);
    EVP_PKEY_free(ec);
    hg_jwks_unref(keys);
    g_free(rsa_jwk);
}

/* All that can be said of a token: the form, then header and signature. */
static HgTokenFault judge(const char *text, guint allowed, char **why)
{
    g_autoptr(HgJwt) token = NULL;
    HgTokenRefusal refusal = {0};
    HgJwtForm form = hg_jwt_read(hg_slice_from_string(text), &token, &refusal);
    ck_assert_int_ne(form, HG_JWT_OTHER);
    ck_assert_int_eq(form == HG_JWT_READ, token != NULL);
    ck_assert_int_eq(form == HG_JWT_READ, refusal.why == NULL);
    gboolean good = form == HG_JWT_READ && hg_jwt_check_header(token, allowed, &refusal) &&
                    hg_jwt_verify(token, keys, &refusal);
    ck_assert_int_eq(good, refusal.why == NULL);
    ck_assert_int_eq(good, refusal.fault == HG_TOKEN_GOOD);
    *why = refusal.why;
    return refusal.fault;
}

static void check_fault(const char *text, HgTokenFault fault)
{
    g_autofree char *why = NULL;
    HgTokenFault found = judge(text, ALL, &why);
    ck_assert_msg(found == fault, "fault %d: %s", found, why != NULL ? why : "good");
}

static const struct {
    const char *header;
    const char *payload;
    HgTokenFault fault;
} headers[] = {
    {"{\"alg\":\"RS256\",\"kid\":\"a\"}", CLAIMS, HG_TOKEN_GOOD},
    {"{\"alg\":\"RS256\"}", CLAIMS, HG_TOKEN_GOOD},
    {"{\"alg\":\"RS256\",\"typ\":\"JWT\"}", CLAIMS, HG_TOKEN_GOOD},
    {"{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", CLAIMS, HG_TOKEN_GOOD},
    {"{\"alg\":\"RS256\",\"typ\":\"application/AT+JWT\"}", CLAIMS, HG_TOKEN_GOOD},
    {"{\"alg\":\"RS256\",\"jku\":\"https://evil/keys\",\"x5u\":\"https://evil\"}", CLAIMS,
     HG_TOKEN_GOOD},
    {"{\"alg\":\"none\"}", CLAIMS, HG_TOKEN_ALGORITHM},
    {"{\"alg\":\"NONE\"}", CLAIMS, HG_TOKEN_ALGORITHM},
    {"{\"alg\":\"HS256\"}", CLAIMS, HG_TOKEN_ALGORITHM},
    {"{\"alg\":\"rs256\"}", CLAIMS, HG_TOKEN_ALGORITHM},
    {"{\"alg\":[\"RS256\"]}", CLAIMS, HG_TOKEN_HEADER},
    {"{\"alg\":null}", CLAIMS, HG_TOKEN_HEADER},
    {"{}", CLAIMS, HG_TOKEN_HEADER},
    {"{\"alg\":\"RS256\",\"alg\":\"RS256\"}", CLAIMS, HG_TOKEN_HEADER},
    {"{\"alg\":\"RS256\",\"\\u0061lg\":\"none\"}", CLAIMS, HG_TOKEN_HEADER},
    {"{\"alg\":\"RS256\",\"kid\":7}", CLAIMS, HG_TOKEN_HEADER},
    {"{\"alg\":\"RS256\",\"kid\":\"\"}", CLAIMS, HG_TOKEN_HEADER},
    {"{\"alg\":\"RS256\",\"kid\":[\"a\"]}", CLAIMS, HG_TOKEN_HEADER},
    {"{\"alg\":\"RS256\",\"x\":\"\xff\"}", CLAIMS, HG_TOKEN_HEADER},
    {"{\"alg\":\"RS256\",}", CLAIMS, HG_TOKEN_HEADER},
    {"{\"alg\":\"RS256\",\"crit\":[\"exp\"]}", CLAIMS, HG_TOKEN_CRITICAL},
    {"{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}", CLAIMS, HG_TOKEN_CRITICAL},
    {"{\"alg\":\"RS256\",\"crit\":[]}", CLAIMS, HG_TOKEN_CRITICAL},
    {"{\"alg\":\"RS256\",\"crit\":null}", CLAIMS, HG_TOKEN_CRITICAL},
    {"{\"alg\":\"RS256\",\"typ\":\"logout+jwt\"}", CLAIMS, HG_TOKEN_TYPE},
    {"{\"alg\":\"RS256\",\"typ\":\"dpop+jwt\"}", CLAIMS, HG_TOKEN_TYPE},
    {"{\"alg\":\"RS256\",\"typ\":7}", CLAIMS, HG_TOKEN_TYPE},
    {"{\"alg\":\"RS256\",\"kid\":\"zz\"}", CLAIMS, HG_TOKEN_NO_KEY},
    {"{\"alg\":\"RS256\",\"kid\":\"../a\"}", CLAIMS, HG_TOKEN_NO_KEY},
    {"{\"alg\":\"RS256\",\"kid\":\"e\"}", CLAIMS, HG_TOKEN_UNFIT_KEY},
    {"{\"alg\":\"ES384\",\"kid\":\"e\"}", CLAIMS, HG_TOKEN_UNFIT_KEY},
    {"{\"alg\":\"ES384\"}", CLAIMS, HG_TOKEN_UNFIT_KEY},
    {"{\"alg\":\"RS384\",\"kid\":\"a\"}", CLAIMS, HG_TOKEN_SIGNATURE},
    {"{\"alg\":\"PS256\",\"kid\":\"a\"}", CLAIMS, HG_TOKEN_SIGNATURE},
    {"{\"alg\":\"ES256\",\"kid\":\"e\"}", CLAIMS, HG_TOKEN_SIGNATURE},
    {"{\"alg\":\"RS256\"}", "", HG_TOKEN_PAYLOAD},
    {"{\"alg\":\"RS256\"}", "[]", HG_TOKEN_PAYLOAD},
    {"{\"alg\":\"RS256\"}", "hello", HG_TOKEN_PAYLOAD},
    {"{\"alg\":\"RS256\"}", "{\"iss\":\"a\",\"iss\":\"b\"}", HG_TOKEN_PAYLOAD},
    {"{\"alg\":\"RS256\"}", "{\"iss\":\"a\",\"exp\":99999999999999999999}", HG_TOKEN_PAYLOAD},
    {"{\"alg\":\"RS256\"}", "{\"iss\":\"a\",\"sub\":\"\xc3\x28\"}", HG_TOKEN_PAYLOAD},
    {"{\"alg\":\"RS256\"}", "{\"iss\":\"a\",\"sub\":\"b\\u0000c\"}", HG_TOKEN_PAYLOAD},
    {"{\"alg\":\"RS256\"}", "{\"iss\":[\"a\"]}", HG_TOKEN_CLAIM},
    {"{\"alg\":\"RS256\"}", "{\"iss\":null}", HG_TOKEN_CLAIM},
};

/* The signature is RS256 with the right key each time, so that only the header is wrong. */
START_TEST(test_headers)
{
    g_autofree char *token = mint_token(rsa, "RS256", headers[_i].header, headers[_i].payload);
    check_fault(token, headers[_i].fault);
}
END_TEST

START_TEST(test_all_algorithms_verify)
{
    static const char *const names[] = {"RS256", "RS384", "RS512", "PS256",
                                        "PS384", "PS512", "ES256"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *header = g_strdup_printf("{\"alg\":\"%s\"}", names[i]);
        g_autofree char *token =
            mint_token(names[i][0] == 'E' ? ec : rsa, names[i], header, CLAIMS);
        check_fault(token, HG_TOKEN_GOOD);
    }
}
END_TEST

START_TEST(test_only_allowed_algorithms)
{
    g_autofree char *token = mint_token(rsa, "RS256", "{\"alg\":\"RS256\"}", CLAIMS);
    g_autofree char *why = NULL;
    ck_assert_int_eq(judge(token, 1U << HG_JWS_PS256 | 1U << HG_JWS_ES256, &why),
                     HG_TOKEN_NOT_ALLOWED);
}
END_TEST

/* The public key is known to everybody: as an HMAC secret it proves nothing. */
START_TEST(test_public_key_as_secret)
{
    g_autofree char *header = g_strdup("{\"alg\":\"HS256\",\"kid\":\"a\"}");
    g_autofree char *token = mint_hmac_token(hg_slice_from_string(rsa_jwk), header, CLAIMS);
    g_autofree char *disguised =
        mint_hmac_token(hg_slice_from_string(rsa_jwk), "{\"alg\":\"RS256\",\"kid\":\"a\"}", CLAIMS);
    check_fault(token, HG_TOKEN_ALGORITHM);
    check_fault(disguised, HG_TOKEN_SIGNATURE);
}
END_TEST

/* A token that brings the key it was signed with. */
START_TEST(test_key_in_the_token)
{
    g_autofree char *jwk = mint_jwk(other, "\"kid\":\"a\",");
    g_autofree char *header =
        g_strdup_printf("{\"alg\":\"RS256\",\"kid\":\"a\",\"jwk\":%s,\"x5c\":[\"MIIB\"]}", jwk);
    g_autofree char *token = mint_token(other, "RS256", header, CLAIMS);
    check_fault(token, HG_TOKEN_SIGNATURE);
}
END_TEST

START_TEST(test_no_signature)
{
    g_autofree char *none = mint_token(NULL, "none", "{\"alg\":\"none\"}", CLAIMS);
    g_autofree char *empty = mint_token(NULL, "none", "{\"alg\":\"RS256\"}", CLAIMS);
    g_autofree char *bad = g_strconcat(empty, "!!", NULL);
    check_fault(none, HG_TOKEN_ALGORITHM);
    check_fault(empty, HG_TOKEN_SIGNATURE);
    check_fault(bad, HG_TOKEN_SIGNATURE);
}
END_TEST

/* Any bit that is turned over makes another token, which nobody signed. */
START_TEST(test_turned_bits)
{
    g_autofree char *token = mint_token(rsa, "RS256", "{\"alg\":\"RS256\",\"kid\":\"a\"}", CLAIMS);
    gsize size = strlen(token);
    for (gsize i = 0; i < size; i++) {
        g_autofree char *changed = g_strdup(token);
        g_autoptr(HgJwt) read = NULL;
        g_auto(HgTokenRefusal) refusal = {0};
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        HgJwtForm form = hg_jwt_read(hg_slice_from_string(changed), &read, &refusal);
        if (form == HG_JWT_READ && hg_jwt_check_header(read, ALL, &refusal))
            ck_assert(!hg_jwt_verify(read, keys, &refusal));
    }
}
END_TEST

/* Keys of one id, as when an issuer has an RSA and an EC key of the same name; and too many. */
START_TEST(test_keys_of_one_id)
{
    g_autofree char *first = mint_jwk(other, "\"kid\":\"x\",");
    g_autofree char *second = mint_jwk(ec, "\"kid\":\"x\",");
    g_autofree char *third = mint_jwk(rsa, "\"kid\":\"x\",");
    g_autofree char *set = mint_jwks(first, second, third);
    g_autofree char *text = mint_token(rsa, "RS256", "{\"alg\":\"RS256\",\"kid\":\"x\"}", CLAIMS);
    g_autoptr(HgJwks) same = NULL;
    g_autoptr(HgJwt) token = NULL;
    g_auto(HgTokenRefusal) refusal = {0};
    ck_assert(hg_jwks_read(hg_slice_from_string(set), &same, NULL));
    ck_assert_int_eq(hg_jwt_read(hg_slice_from_string(text), &token, &refusal), HG_JWT_READ);
    ck_assert(hg_jwt_verify(token, same, &refusal));
}
END_TEST

START_TEST(test_no_more_keys_than_16_are_tried)
{
    g_autofree char *wrong = mint_jwk(other, "");
    g_autofree char *right = mint_jwk(rsa, "");
    g_autofree char *text = mint_token(rsa, "RS256", "{\"alg\":\"RS256\"}", CLAIMS);
    for (guint before = 15; before <= 16; before++) {
        GString *set = g_string_new("{\"keys\":[");
        for (guint i = 0; i < before; i++)
            g_string_append_printf(set, "%s,", wrong);
        g_string_append_printf(set, "%s]}", right);
        g_autoptr(HgJwks) many = NULL;
        g_autoptr(HgJwt) token = NULL;
        g_auto(HgTokenRefusal) refusal = {0};
        ck_assert(hg_jwks_read(hg_slice(set->str, set->len), &many, NULL));
        ck_assert_int_eq(hg_jwt_read(hg_slice_from_string(text), &token, &refusal), HG_JWT_READ);
        ck_assert_int_eq(hg_jwt_verify(token, many, &refusal), before == 15);
        g_string_free(set, TRUE);
    }
}
END_TEST

static const char *const others[] = {
    "",
    "wonderland",
    ".",
    "..",
    "...",
    "a.b",
    "a.b.c",
    "e.b.c",
    "ez.b.c",
    "eyJ.b.c",
    "secret.key.",
    "eyJhbGciOiJSUzI1NiJ9",
    "eyJhbGciOiJSUzI1NiJ9.e30",
    "eyJhbGciOiJSUzI1NiJ9.e30.AA.AA",
    /* an encrypted token (JWE) has five parts */
    "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d",
    "eyJhbGciOiJSUzI1NiJ9=.e30.AA",
    " eyJhbGciOiJSUzI1NiJ9.e30.AA",
    "eyJhbGciOiJSUzI1NiJ.e30.AA",
    "2YotnFZFEjr1zCsicMWpAA",
    "W10.e30.AA",
};

START_TEST(test_what_is_no_jwt)
{
    HgJwt *token = NULL;
    HgTokenRefusal refusal = {0};
    ck_assert_int_eq(hg_jwt_read(hg_slice_from_string(others[_i]), &token, &refusal), HG_JWT_OTHER);
    ck_assert_ptr_null(token);
    ck_assert_ptr_null(refusal.why);
}
END_TEST

START_TEST(test_too_long)
{
    g_autofree char *filler = g_strnfill(HG_JWT_MAX_BYTES, 'x');
    g_autofree char *claims = g_strdup_printf("{\"iss\":\"https://i\",\"x\":\"%s\"}", filler);
    g_autofree char *in_payload = mint_token(rsa, "RS256", "{\"alg\":\"RS256\"}", claims);
    g_autofree char *header = g_strdup_printf("{\"alg\":\"RS256\",\"x\":\"%s\"}", filler);
    g_autofree char *in_header = mint_token(rsa, "RS256", header, CLAIMS);
    check_fault(in_payload, HG_TOKEN_TOO_LONG);
    check_fault(in_header, HG_TOKEN_TOO_LONG);
}
END_TEST

START_TEST(test_deep)
{
    GString *claims = g_string_new("{\"iss\":");
    for (guint i = 0; i < 3000; i++)
        g_string_append_c(claims, '[');
    g_autofree char *token = mint_token(rsa, "RS256", "{\"alg\":\"RS256\"}", claims->str);
    check_fault(token, HG_TOKEN_PAYLOAD);
    g_string_free(claims, TRUE);
}
END_TEST

START_TEST(test_what_a_client_hears)
{
    for (HgTokenFault i = HG_TOKEN_TOO_LONG; i < HG_TOKEN_FAULTS; i++)
        ck_assert_str_ne(hg_token_say(i), "");
    ck_assert_str_eq(hg_token_say(HG_TOKEN_EXPIRED), "The token has expired");
    /* what would pass is nobody's business */
    ck_assert_str_eq(hg_token_say(HG_TOKEN_SIGNATURE), hg_token_say(HG_TOKEN_ALGORITHM));
    ck_assert_str_eq(hg_token_say(HG_TOKEN_SIGNATURE), hg_token_say(HG_TOKEN_NO_KEY));
}
END_TEST

Suite *jwt_suite(void)
{
    Suite *suite = suite_create("auth/jwt");
    TCase *tests = tcase_create("tokens");
    tcase_add_unchecked_fixture(tests, make_keys, free_keys);
    tcase_add_loop_test(tests, test_headers, 0, G_N_ELEMENTS(headers));
    tcase_add_test(tests, test_all_algorithms_verify);
    tcase_add_test(tests, test_only_allowed_algorithms);
    tcase_add_test(tests, test_public_key_as_secret);
    tcase_add_test(tests, test_key_in_the_token);
    tcase_add_test(tests, test_no_signature);
    tcase_add_test(tests, test_turned_bits);
    tcase_add_test(tests, test_keys_of_one_id);
    tcase_add_test(tests, test_no_more_keys_than_16_are_tried);
    tcase_add_loop_test(tests, test_what_is_no_jwt, 0, G_N_ELEMENTS(others));
    tcase_add_test(tests, test_too_long);
    tcase_add_test(tests, test_deep);
    tcase_add_test(tests, test_what_a_client_hears);
    suite_add_tcase(suite, tests);
    return suite;
}
