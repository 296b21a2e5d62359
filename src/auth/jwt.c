/* Signed tokens: see jwt.h. Owns its parts; pure, any thread. */
#include "auth/jwt.h"

#include "auth/base64url.h"
#include "auth/json.h"
#include "base/text.h"

#define KEY_ID_MAX 256
#define KEYS_TRIED 16

struct HgJwt {
    char *signed_text; /* header '.' payload, as they came */
    gsize signed_size;
    guint8 *signature;
    gsize signature_size;
    json_t *header;
    json_t *claims;
};

/* The parts of the compact form, borrowed. */
typedef struct {
    HgSlice header;
    HgSlice payload;
    HgSlice signature;
    HgSlice signed_text;
} Parts;

void hg_jwt_free(HgJwt *token)
{
    if (token == NULL)
        return;
    g_free(token->signed_text);
    g_free(token->signature);
    json_decref(token->header);
    json_decref(token->claims);
    g_free(token);
}

/* FALSE when there are not just three parts. */
static gboolean split(HgSlice text, Parts *out)
{
    const guint8 *first = text.size > 0 ? memchr(text.data, '.', text.size) : NULL;
    if (first == NULL)
        return FALSE;
    gsize before = (gsize)(first - text.data);
    const guint8 *second = memchr(first + 1, '.', text.size - before - 1);
    if (second == NULL)
        return FALSE;
    gsize signed_size = (gsize)(second - text.data);
    *out = (Parts){
        .header = hg_slice(text.data, before),
        .payload = hg_slice(first + 1, signed_size - before - 1),
        .signature = hg_slice(second + 1, text.size - signed_size - 1),
        .signed_text = hg_slice(text.data, signed_size),
    };
    return memchr(second + 1, '.', out->signature.size) == NULL;
}

/* TRUE when the part is the base64url of something in braces: passwords aren't. */
static gboolean is_header(HgSlice part)
{
    gsize size = 0;
    if (part.size < 2 || part.data[0] != 'e') /* of '{', 0x7b, the first six bits */
        return FALSE;
    if (part.size > HG_JWT_MAX_BYTES)
        return TRUE; /* and too long */
    g_autofree guint8 *bytes = hg_base64url_decode(part, &size);
    return bytes != NULL && size >= 2 && bytes[0] == '{' && bytes[size - 1] == '}';
}

/* The object in a part; NULL after a refusal. */
static json_t *read_part(HgSlice part, const char *what, HgTokenFault fault,
                         HgTokenRefusal *refusal)
{
    gsize size = 0;
    g_autofree guint8 *bytes = hg_base64url_decode(part, &size);
    g_autoptr(GError) error = NULL;
    if (bytes == NULL) {
        hg_token_refuse(refusal, fault, "its %s is not base64url", what);
        return NULL;
    }
    json_t *object = hg_json_read(hg_slice(bytes, size), &error);
    if (object == NULL)
        hg_token_refuse(refusal, fault, "its %s is of no use: %s", what, error->message);
    return object;
}

/* FALSE after a refusal. */
static gboolean read_parts(HgJwt *token, const Parts *parts, HgTokenRefusal *refusal)
{
    token->header = read_part(parts->header, "header", HG_TOKEN_HEADER, refusal);
    if (token->header == NULL)
        return FALSE;
    token->claims = read_part(parts->payload, "payload", HG_TOKEN_PAYLOAD, refusal);
    if (token->claims == NULL)
        return FALSE;
    token->signature = hg_base64url_decode(parts->signature, &token->signature_size);
    if (token->signature == NULL)
        return hg_token_refuse(refusal, HG_TOKEN_SIGNATURE, "its signature is not base64url");
    const json_t *issuer = json_object_get(token->claims, "iss");
    if (issuer != NULL && !json_is_string(issuer))
        return hg_token_refuse(refusal, HG_TOKEN_CLAIM, "its \"iss\" is not a text");
    token->signed_text = g_memdup2(parts->signed_text.data, parts->signed_text.size);
    token->signed_size = parts->signed_text.size;
    return TRUE;
}

HgJwtForm hg_jwt_read(HgSlice text, HgJwt **out, HgTokenRefusal *refusal)
{
    Parts parts;
    if (!split(text, &parts) || !is_header(parts.header))
        return HG_JWT_OTHER;
    if (text.size > HG_JWT_MAX_BYTES) {
        hg_token_refuse(refusal, HG_TOKEN_TOO_LONG,
                        "it has %" G_GSIZE_FORMAT " bytes, more than %d", text.size,
                        HG_JWT_MAX_BYTES);
        return HG_JWT_BROKEN;
    }
    g_autoptr(HgJwt) token = g_new0(HgJwt, 1);
    if (!read_parts(token, &parts, refusal))
        return HG_JWT_BROKEN;
    *out = g_steal_pointer(&token);
    return HG_JWT_READ;
}

const char *hg_jwt_issuer(const HgJwt *token)
{
    return hg_json_string(token->claims, "iss");
}

const char *hg_jwt_key_id(const HgJwt *token)
{
    return hg_json_string(token->header, "kid");
}

json_t *hg_jwt_claims(const HgJwt *token)
{
    return token->claims;
}

/* The types of what logs somebody in: RFC 7519, 5.1, and RFC 9068, 2.1. */
static gboolean is_type(const json_t *type)
{
    const char *name = json_string_value(type);
    if (name == NULL)
        return FALSE;
    if (g_ascii_strncasecmp(name, "application/", 12) == 0)
        name += 12;
    return g_ascii_strcasecmp(name, "JWT") == 0 || g_ascii_strcasecmp(name, "at+jwt") == 0;
}

static char *quote(const json_t *value)
{
    const char *text = json_string_value(value);
    return text != NULL ? hg_text_quote(hg_slice_from_string(text)) : g_strdup("(not a text)");
}

static gboolean check_algorithm(const HgJwt *token, guint allowed, HgTokenRefusal *refusal)
{
    const json_t *value = json_object_get(token->header, "alg");
    const char *name = json_string_value(value);
    HgJwsAlgorithm algorithm = HG_JWS_RS256;
    if (name == NULL)
        return hg_token_refuse(refusal, HG_TOKEN_HEADER, "its header has no text \"alg\"");
    g_autofree char *shown = quote(value);
    if (!hg_jws_algorithm_parse(name, &algorithm))
        return hg_token_refuse(refusal, HG_TOKEN_ALGORITHM,
                               "its algorithm %s is never trusted (no signature, a shared secret, "
                               "or unknown)",
                               shown);
    if ((allowed & (1U << algorithm)) == 0)
        return hg_token_refuse(refusal, HG_TOKEN_NOT_ALLOWED,
                               "its algorithm %s isn't among the issuer's `algorithms`", shown);
    return TRUE;
}

gboolean hg_jwt_check_header(const HgJwt *token, guint allowed, HgTokenRefusal *refusal)
{
    const json_t *type = json_object_get(token->header, "typ");
    const json_t *id = json_object_get(token->header, "kid");
    if (!check_algorithm(token, allowed, refusal))
        return FALSE;
    if (json_object_get(token->header, "crit") != NULL)
        return hg_token_refuse(refusal, HG_TOKEN_CRITICAL,
                               "its header demands extensions (\"crit\"), and hivegate has none");
    if (type != NULL && !is_type(type)) {
        g_autofree char *shown = quote(type);
        return hg_token_refuse(refusal, HG_TOKEN_TYPE,
                               "its type %s isn't JWT or at+jwt: it is for something else", shown);
    }
    if (id != NULL &&
        (!json_is_string(id) || json_string_length(id) == 0 || json_string_length(id) > KEY_ID_MAX))
        return hg_token_refuse(refusal, HG_TOKEN_HEADER,
                               "its \"kid\" is not a text of 1 to 256 bytes");
    return TRUE;
}

gboolean hg_jwt_verify(const HgJwt *token, const HgJwks *keys, HgTokenRefusal *refusal)
{
    const char *id = hg_jwt_key_id(token);
    const char *name = hg_json_string(token->header, "alg");
    HgJwsAlgorithm algorithm = HG_JWS_RS256;
    guint tried = 0;
    if (!hg_jws_algorithm_parse(name, &algorithm))
        return hg_token_refuse(refusal, HG_TOKEN_ALGORITHM, "its algorithm is never trusted");
    HgSlice text = hg_slice(token->signed_text, token->signed_size);
    HgSlice signature = hg_slice(token->signature, token->signature_size);
    for (guint i = 0; i < hg_jwks_count(keys) && tried < KEYS_TRIED; i++) {
        const HgJwk *key = hg_jwks_nth(keys, i);
        if ((id != NULL && g_strcmp0(hg_jwk_id(key), id) != 0) || !hg_jwk_fits(key, algorithm))
            continue;
        tried++;
        if (hg_jwk_verify(key, algorithm, text, signature))
            return TRUE;
    }
    g_autofree char *shown = hg_text_quote(hg_slice_from_string(id));
    if (tried > 0)
        return hg_token_refuse(refusal, HG_TOKEN_SIGNATURE, "its signature (%s) is wrong", name);
    if (id != NULL && !hg_jwks_has(keys, id))
        return hg_token_refuse(refusal, HG_TOKEN_NO_KEY, "the issuer has no key of its \"kid\" %s",
                               shown);
    return hg_token_refuse(refusal, HG_TOKEN_UNFIT_KEY,
                           "the issuer has no key for the algorithm %s%s%s", name,
                           id != NULL ? " with its \"kid\" " : "", id != NULL ? shown : "");
}
