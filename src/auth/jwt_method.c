/* The method `jwt`: see jwt_method.h. Owns its issuers; any thread. */
#include "auth/jwt_method.h"

#include "auth/jwt.h"
#include "base/error.h"
#include "base/text.h"

typedef struct {
    HgIssuer *issuer;
    HgClaimsRules *rules;
    guint algorithms; /* a set of 1 << HgJwsAlgorithm */
} Trusted;

struct HgJwtMethod {
    GPtrArray *trusted; /* of Trusted */
    HgTokenLogin *login;
};

static void trusted_free(Trusted *trusted)
{
    hg_issuer_free(trusted->issuer);
    hg_claims_rules_free(trusted->rules);
    g_free(trusted);
}

static void free_method(void *self)
{
    HgJwtMethod *method = self;
    g_ptr_array_unref(method->trusted);
    hg_token_login_free(method->login);
    g_free(method);
}

static gboolean read_algorithms(const HgJwtIssuerConfig *config, guint *out, GError **error)
{
    guint set = config->n_algorithms == 0 ? (1U << HG_JWS_ALGORITHMS) - 1 : 0;
    for (guint i = 0; i < config->n_algorithms; i++) {
        HgJwsAlgorithm algorithm = HG_JWS_RS256;
        if (!hg_jws_algorithm_parse(config->algorithms[i], &algorithm)) {
            g_autofree char *shown = hg_text_quote(hg_slice_from_string(config->algorithms[i]));
            g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                        "algorithms: %s is none; expected RS256, RS384, RS512, PS256, PS384, "
                        "PS512, ES256, ES384 or ES512",
                        shown);
            return FALSE;
        }
        set |= 1U << algorithm;
    }
    *out = set;
    return TRUE;
}

gboolean hg_jwt_method_check(const HgJwtIssuerConfig *config, GError **error)
{
    g_autoptr(HgClaimsRules) rules = NULL;
    guint algorithms = 0;
    return read_algorithms(config, &algorithms, error) &&
           hg_claims_rules_new(&config->claims, &rules, error);
}

static gboolean add_issuer(HgJwtMethod *method, const HgJwtIssuerConfig *config, GError **error)
{
    Trusted *trusted = g_new0(Trusted, 1);
    g_ptr_array_add(method->trusted, trusted);
    if (read_algorithms(config, &trusted->algorithms, error) &&
        hg_claims_rules_new(&config->claims, &trusted->rules, error) &&
        hg_issuer_new(&config->keys, &trusted->issuer, error))
        return TRUE;
    g_prefix_error(error, "the issuer %s: ", config->keys.name);
    return FALSE;
}

gboolean hg_jwt_method_new(const HgJwtMethodConfig *config, HgJwtMethod **out, GError **error)
{
    HgJwtMethod *method = g_new0(HgJwtMethod, 1);
    method->trusted = g_ptr_array_new_with_free_func((GDestroyNotify)trusted_free);
    gboolean ok = hg_token_login_new(&config->login, &method->login, error);
    for (guint i = 0; ok && i < config->n_issuers; i++)
        ok = add_issuer(method, &config->issuers[i], error);
    if (!ok) {
        free_method(method);
        return FALSE;
    }
    *out = method;
    return TRUE;
}

char *hg_jwt_method_describe(const HgJwtMethod *method)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < method->trusted->len; i++) {
        const Trusted *trusted = g_ptr_array_index(method->trusted, i);
        g_ptr_array_add(lines, hg_issuer_describe(trusted->issuer));
    }
    g_ptr_array_add(lines, NULL);
    return g_strjoinv("\n", (char **)lines->pdata);
}

static Trusted *find(const HgJwtMethod *method, const char *issuer)
{
    for (guint i = 0; issuer != NULL && i < method->trusted->len; i++) {
        Trusted *trusted = g_ptr_array_index(method->trusted, i);
        if (strcmp(hg_issuer_url(trusted->issuer), issuer) == 0)
            return trusted;
    }
    return NULL;
}

/* TRUE when other keys of the issuer could make a difference. */
static gboolean needs_newer(const HgJwt *token, const HgTokenRefusal *refusal)
{
    return refusal->fault == HG_TOKEN_NO_KEY || refusal->fault == HG_TOKEN_UNFIT_KEY ||
           (refusal->fault == HG_TOKEN_SIGNATURE && hg_jwt_key_id(token) == NULL);
}

/* Checks the signature, with newer keys if it takes them. FALSE when `out` is filled. */
static gboolean check_signature(const Trusted *trusted, const HgJwt *token, HgLogin *out)
{
    const char *who = hg_issuer_name(trusted->issuer);
    g_autoptr(HgJwks) keys = NULL;
    g_autoptr(HgJwks) newer = NULL;
    g_autofree char *why = NULL;
    g_auto(HgTokenRefusal) refusal = {0};
    if (!hg_issuer_keys(trusted->issuer, &keys, &why)) {
        hg_token_login_unavailable(out, who, why);
        return FALSE;
    }
    if (hg_jwt_verify(token, keys, &refusal))
        return TRUE;
    if (needs_newer(token, &refusal)) {
        HgKeysOutcome outcome = hg_issuer_newer_keys(trusted->issuer, keys, &newer, &why);
        if (outcome == HG_KEYS_UNKNOWN) {
            g_autofree char *both = g_strdup_printf("%s; %s", refusal.why, why);
            hg_token_login_unavailable(out, who, both);
            return FALSE;
        }
        if (outcome == HG_KEYS_NEWER) {
            hg_token_refusal_clear(&refusal);
            if (hg_jwt_verify(token, newer, &refusal))
                return TRUE;
        }
    }
    hg_token_login_deny(out, who, &refusal);
    return FALSE;
}

/* The claims of a token whose signature is right. */
static void check_claims(const HgJwtMethod *method, const Trusted *trusted, const HgJwt *token,
                         const HgCredentials *credentials, HgLogin *out)
{
    const char *who = hg_issuer_name(trusted->issuer);
    json_t *claims = hg_jwt_claims(token);
    gint64 good_until = 0;
    g_autoptr(HgPrincipal) principal = NULL;
    g_auto(HgTokenRefusal) refusal = {0};
    if (hg_claims_check_times(trusted->rules, claims, g_get_real_time() / G_USEC_PER_SEC, TRUE,
                              &good_until, &refusal) &&
        hg_claims_check(trusted->rules, claims, &refusal) &&
        hg_claims_principal(trusted->rules, claims, who, &principal, &refusal) &&
        hg_token_login_check_name(method->login, credentials, principal, &refusal))
        hg_token_login_accept(out, g_steal_pointer(&principal), good_until);
    else
        hg_token_login_deny(out, who, &refusal);
}

static void check(void *self, const HgCredentials *credentials, HgLogin *out)
{
    const HgJwtMethod *method = self;
    g_autoptr(HgJwt) token = NULL;
    g_auto(HgTokenRefusal) refusal = {0};
    switch (hg_jwt_read(credentials->secret, &token, &refusal)) {
    case HG_JWT_OTHER:
        hg_login_say(out, HG_VERDICT_NOT_MINE, "it isn't a signed JWT");
        return;
    case HG_JWT_BROKEN:
        hg_token_login_deny(out, "a JWT", &refusal);
        return;
    case HG_JWT_READ:
        break;
    }
    const Trusted *trusted = find(method, hg_jwt_issuer(token));
    if (trusted == NULL) {
        g_autofree char *shown = hg_text_quote(hg_slice_from_string(hg_jwt_issuer(token)));
        out->verdict = HG_VERDICT_NOT_MINE;
        out->why = g_strdup_printf("a JWT of the issuer %s, which isn't among the issuers", shown);
        return;
    }
    if (!hg_jwt_check_header(token, trusted->algorithms, &refusal))
        hg_token_login_deny(out, hg_issuer_name(trusted->issuer), &refusal);
    else if (check_signature(trusted, token, out))
        check_claims(method, trusted, token, credentials, out);
}

static gboolean reload(void *self, GError **error)
{
    const HgJwtMethod *method = self;
    gboolean ok = TRUE;
    for (guint i = 0; i < method->trusted->len; i++) {
        const Trusted *trusted = g_ptr_array_index(method->trusted, i);
        ok &= hg_issuer_reload(trusted->issuer, ok ? error : NULL);
    }
    return ok;
}

const HgMethodTable *hg_jwt_method(void)
{
    static const HgMethodTable table = {
        .name = "jwt",
        .takes_bearer = TRUE,
        .check = check,
        .reload = reload,
        .free = free_method,
    };
    return &table;
}
