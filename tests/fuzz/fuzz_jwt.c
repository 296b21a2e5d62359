/* Fuzz target: a token. The first byte says what the rest is: the token as it stands, or its header
 * and claims as JSON, with their sizes. Either something is refused, with a reason, or what comes
 * out obeys the rules; and nobody comes in without a signature. */
#include "auth/base64url.h"
#include "auth/claims.h"
#include "auth/json.h"
#include "auth/jwt.h"
#include "auth/name.h"
#include "fuzz.h"

#define NOW 1700000000
#define KEYS                                                                                       \
    "{\"keys\":[{\"kid\":\"r\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":"                              \
    "\"68Z9LLTYri3GUuWe7b-JwyTTgAbztjWyEKWGKbKG1iD-_pF7vUUtTbEp4dwmaSdSOOV08gr8m2uWAtoRsYUoxUIn-"  \
    "pFsHqDFm66QNrbbUVCAuJv5W9n9sdVJ2MwIIqFeb4OMZT2nsSbdYqODBCL8zvYb6vR1zB7PGGf0qTN1h-"            \
    "t6r9CbB7f7KYiBjexvrXMEgV68FaUAujnOtzLfIve6eRBHJGh5i9PeaaRpudTajdbD7QgsOTKR2YvRMean0lYrdSF7ng" \
    "u"                                                                                            \
    "7qhkmp0PWwpWm9OXQajmm7GyGpToCOeH66XyTg4L7G2DoEdh_eCH_StY0CrXX67Rp38-n2hFzrnDFcw\"},"          \
    "{\"kid\":\"e\",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"                                       \
    "\"DhPBF7zxmD1aGRf2Nxhle_eoGBWLSuAIj7CQTv2-s-0\",\"y\":"                                       \
    "\"N5o9xFxpTetPqDfdXfvxD9RkvzGCQM0BlovKBlFbP_I\"}]}"

static void append_base64url(GString *out, HgSlice bytes)
{
    g_autofree char *text = g_base64_encode(bytes.data, bytes.size);
    for (const char *at = text; *at != '\0' && *at != '='; at++)
        g_string_append_c(out, *at == '+' ? '-' : *at == '/' ? '_' : *at);
    if (bytes.size == 0)
        return;
    gsize size = 0;
    const char *dot = strrchr(out->str, '.');
    g_autofree guint8 *back =
        hg_base64url_decode(hg_slice_from_string(dot != NULL ? dot + 1 : out->str), &size);
    FUZZ_CHECK(back != NULL && hg_slice_equal(hg_slice(back, size), bytes));
}

static HgClaimsRules *make_rules(void)
{
    static const char *const audience[] = {"hive"};
    static const char *const scopes[] = {"sql"};
    static const char *const values[] = {"x", "1", "true"};
    static const HgClaimRequirement required[] = {{"a.b", values, 3}};
    static const HgClaimAttribute attributes[] = {{"dept", "/d/0"}, {"site", "https://s.t/u"}};
    HgClaimsConfig config = {
        .audience = audience,
        .n_audience = 1,
        .required_scopes = scopes,
        .n_required_scopes = 1,
        .required_claims = required,
        .n_required_claims = 1,
        .user_claim = "sub",
        .groups_claim = "groups",
        .attributes = attributes,
        .n_attributes = 2,
        .clock_skew_ms = 30000,
    };
    HgClaimsRules *rules = NULL;
    FUZZ_CHECK(hg_claims_rules_new(&config, &rules, NULL));
    return rules;
}

/* A refusal says why, to a terminal too. */
static void check_refusal(HgTokenRefusal *refusal, gboolean refused)
{
    FUZZ_CHECK(refused == (refusal->why != NULL));
    FUZZ_CHECK(refused == (refusal->fault != HG_TOKEN_GOOD));
    if (refused) {
        FUZZ_CHECK(g_utf8_validate(refusal->why, -1, NULL));
        FUZZ_CHECK(*hg_token_say(refusal->fault) != '\0');
        for (const char *at = refusal->why; *at != '\0'; at++)
            FUZZ_CHECK((guchar)*at >= ' ' && *at != 0x7f);
    }
    hg_token_refusal_clear(refusal);
}

static void check_principal(const HgPrincipal *principal)
{
    FUZZ_CHECK(hg_user_name_check(hg_slice_from_string(hg_principal_name(principal)), NULL));
    const char *const *groups = hg_principal_groups(principal);
    for (gsize i = 0; groups != NULL && groups[i] != NULL; i++)
        FUZZ_CHECK(hg_group_name_check(hg_slice_from_string(groups[i]), NULL));
    const char *const *attributes = hg_principal_attributes(principal);
    for (gsize i = 0; attributes[i] != NULL; i += 2)
        FUZZ_CHECK(attributes[i + 1] != NULL);
}

static void check_claims(json_t *claims)
{
    HgTokenRefusal refusal = {0};
    gint64 good_until = 0;
    g_autoptr(HgClaimsRules) rules = make_rules();
    g_autoptr(HgPrincipal) principal = NULL;
    gboolean ok = hg_claims_check_times(rules, claims, NOW, TRUE, &good_until, &refusal);
    FUZZ_CHECK(!ok || (good_until > NOW && good_until < G_GINT64_CONSTANT(253402300799) + 31));
    check_refusal(&refusal, !ok);
    ok = hg_claims_check(rules, claims, &refusal);
    check_refusal(&refusal, !ok);
    ok = hg_claims_principal(rules, claims, "realm", &principal, &refusal);
    check_refusal(&refusal, !ok);
    FUZZ_CHECK(ok == (principal != NULL));
    if (ok)
        check_principal(principal);
}

static void check_token(HgSlice text)
{
    HgTokenRefusal refusal = {0};
    g_autoptr(HgJwt) token = NULL;
    g_autoptr(HgJwks) keys = NULL;
    HgJwtForm form = hg_jwt_read(text, &token, &refusal);
    FUZZ_CHECK((form == HG_JWT_READ) == (token != NULL));
    check_refusal(&refusal, form == HG_JWT_BROKEN);
    if (form != HG_JWT_READ)
        return;
    gboolean ok = hg_jwt_check_header(token, (1U << HG_JWS_ALGORITHMS) - 1, &refusal);
    check_refusal(&refusal, !ok);
    if (ok) {
        FUZZ_CHECK(hg_jwks_read(hg_slice_from_string(KEYS), &keys, NULL));
        FUZZ_CHECK(!hg_jwt_verify(token, keys, &refusal));
        check_refusal(&refusal, TRUE);
    }
    check_claims(hg_jwt_claims(token));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice input = hg_slice(data, size);
    guint mode = fuzz_take_u8(&input);
    g_autoptr(GString) text = g_string_new(NULL);
    if (mode % 2 == 0) {
        g_string_append_len(text, (const char *)input.data, (gssize)input.size);
    } else {
        HgSlice header = fuzz_take(&input, fuzz_take_u16(&input));
        append_base64url(text, header);
        g_string_append_c(text, '.');
        append_base64url(text, input);
        g_string_append(text, ".AAAA");
    }
    HgSlice token = fuzz_copy(hg_slice(text->str, text->len));
    check_token(token);
    fuzz_free(token);
    return 0;
}
