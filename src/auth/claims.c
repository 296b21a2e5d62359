/* The rules for claims: see claims.h. Owns copies of its configuration; immutable, any thread. */
#include "auth/claims.h"

#include "auth/json.h"
#include "auth/name.h"
#include "auth/pattern.h"
#include "base/error.h"
#include "base/text.h"

#define ATTRIBUTE_MAX_BYTES 4096

struct HgClaimsRules {
    char **audience;
    char **parties;
    char **scopes;
    GPtrArray *required;   /* of char **: the claim, then its values */
    GPtrArray *attributes; /* of char **: name and claim */
    char *user_claim;
    GRegex *user_pattern; /* NULL: the claim is the name */
    char *groups_claim;
    gint64 skew; /* seconds */
};

static char **copy_texts(const char *const *texts, guint count)
{
    char **copy = g_new0(char *, count + 1);
    for (guint i = 0; i < count; i++)
        copy[i] = g_strdup(texts[i]);
    return copy;
}

/* A name that hg_json_find() can look for. */
static gboolean check_claim(const char *option, const char *claim, GError **error)
{
    if (claim == NULL || (*claim != '\0' && strcmp(claim, "/") != 0 && strlen(claim) <= 256))
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "%s can't be a claim; expected a name such as groups, a path such as "
                "realm_access.roles, or a JSON pointer such as /realm_access/roles",
                option);
    return FALSE;
}

static gboolean check_names(const HgClaimsConfig *config, GError **error)
{
    gboolean ok = check_claim("user_claim", config->user_claim, error) &&
                  check_claim("groups_claim", config->groups_claim, error);
    for (guint i = 0; ok && i < config->n_attributes; i++)
        ok = check_claim("attributes.claim", config->attributes[i].claim, error);
    for (guint i = 0; ok && i < config->n_required_claims; i++)
        ok = check_claim("required_claims.claim", config->required_claims[i].claim, error);
    return ok;
}

static void copy_lists(HgClaimsRules *rules, const HgClaimsConfig *config)
{
    rules->audience = copy_texts(config->audience, config->n_audience);
    rules->parties = copy_texts(config->authorized_parties, config->n_authorized_parties);
    rules->scopes = copy_texts(config->required_scopes, config->n_required_scopes);
    for (guint i = 0; i < config->n_required_claims; i++) {
        const HgClaimRequirement *one = &config->required_claims[i];
        char **texts = g_new0(char *, one->n_values + 2);
        texts[0] = g_strdup(one->claim);
        for (guint j = 0; j < one->n_values; j++)
            texts[j + 1] = g_strdup(one->values[j]);
        g_ptr_array_add(rules->required, texts);
    }
    for (guint i = 0; i < config->n_attributes; i++) {
        const char *const pair[] = {config->attributes[i].name, config->attributes[i].claim};
        if (pair[0] == NULL || pair[1] == NULL)
            continue; /* the reader of the configuration has refused it */
        g_ptr_array_add(rules->attributes, copy_texts(pair, 2));
    }
}

gboolean hg_claims_rules_new(const HgClaimsConfig *config, HgClaimsRules **out, GError **error)
{
    g_autoptr(GRegex) pattern = NULL;
    if (!check_names(config, error))
        return FALSE;
    if (config->user_pattern != NULL) {
        pattern = hg_pattern_new(config->user_pattern, 1, "user_pattern",
                                 "a regular expression with at most one group, around the user "
                                 "name",
                                 error);
        if (pattern == NULL)
            return FALSE;
    }
    HgClaimsRules *rules = g_new0(HgClaimsRules, 1);
    rules->required = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    rules->attributes = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    copy_lists(rules, config);
    rules->user_claim = g_strdup(config->user_claim);
    rules->user_pattern = g_steal_pointer(&pattern);
    rules->groups_claim = g_strdup(config->groups_claim);
    rules->skew = config->clock_skew_ms / 1000;
    *out = rules;
    return TRUE;
}

void hg_claims_rules_free(HgClaimsRules *rules)
{
    if (rules == NULL)
        return;
    g_strfreev(rules->audience);
    g_strfreev(rules->parties);
    g_strfreev(rules->scopes);
    g_ptr_array_unref(rules->required);
    g_ptr_array_unref(rules->attributes);
    g_clear_pointer(&rules->user_pattern, g_regex_unref);
    g_free(rules->user_claim);
    g_free(rules->groups_claim);
    g_free(rules);
}

/* Reads a time; *out stays as it was when the claim isn't there. */
static gboolean read_time(const json_t *claims, const char *name, gint64 *out,
                          HgTokenRefusal *refusal)
{
    const json_t *value = json_object_get(claims, name);
    if (value != NULL && !hg_json_seconds(value, out))
        return hg_token_refuse(refusal, HG_TOKEN_CLAIM, "its \"%s\" is not a time", name);
    return TRUE;
}

gboolean hg_claims_check_times(const HgClaimsRules *rules, const json_t *claims, gint64 now,
                               gboolean needed, gint64 *good_until, HgTokenRefusal *refusal)
{
    gint64 expires = -1, not_before = 0, issued = 0;
    if (!read_time(claims, "exp", &expires, refusal) ||
        !read_time(claims, "nbf", &not_before, refusal) ||
        !read_time(claims, "iat", &issued, refusal))
        return FALSE;
    if (expires < 0 && needed)
        return hg_token_refuse(refusal, HG_TOKEN_NO_EXPIRY,
                               "it has no \"exp\", so it would be "
                               "good for ever");
    if (expires >= 0 && now >= expires + rules->skew)
        return hg_token_refuse(refusal, HG_TOKEN_EXPIRED, "it expired %" G_GINT64_FORMAT " s ago",
                               now - expires);
    if (not_before > now + rules->skew)
        return hg_token_refuse(refusal, HG_TOKEN_NOT_YET,
                               "it is good only in %" G_GINT64_FORMAT " s (\"nbf\"); do the clocks "
                               "agree?",
                               not_before - now);
    if (issued > now + rules->skew)
        return hg_token_refuse(refusal, HG_TOKEN_ISSUED_LATER,
                               "it was issued %" G_GINT64_FORMAT " s in the future (\"iat\"); do "
                               "the clocks agree?",
                               issued - now);
    *good_until = expires >= 0 ? expires + rules->skew : 0;
    return TRUE;
}

static gboolean overlap(char **wanted, char **found)
{
    for (gsize i = 0; found != NULL && found[i] != NULL; i++)
        if (g_strv_contains((const char *const *)wanted, found[i]))
            return TRUE;
    return FALSE;
}

/* The texts, quoted, as a message names them. */
static char *list(char **texts)
{
    g_autofree char *joined = texts != NULL ? g_strjoinv(", ", texts) : g_strdup("");
    return hg_text_quote(hg_slice_from_string(joined));
}

static gboolean check_audience(const HgClaimsRules *rules, const json_t *claims,
                               HgTokenRefusal *refusal)
{
    const json_t *value = json_object_get(claims, "aud");
    gsize count = json_is_array(value) ? json_array_size(value) : value != NULL;
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    for (gsize i = 0; i < count; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_string(one))
            return hg_token_refuse(refusal, HG_TOKEN_CLAIM,
                                   "its \"aud\" is not a text or a list of texts");
        g_ptr_array_add(found, (gpointer)json_string_value(one));
    }
    g_ptr_array_add(found, NULL);
    if (rules->audience[0] == NULL || overlap(rules->audience, (char **)found->pdata))
        return TRUE;
    g_autofree char *shown = list((char **)found->pdata);
    return hg_token_refuse(refusal, HG_TOKEN_AUDIENCE,
                           count == 0 ? "it has no audience (\"aud\")%s"
                                      : "it is for the audience %s, none of ours",
                           count == 0 ? "" : shown);
}

static gboolean check_party(const HgClaimsRules *rules, const json_t *claims,
                            HgTokenRefusal *refusal)
{
    const json_t *value = json_object_get(claims, "azp");
    if (value == NULL)
        value = json_object_get(claims, "client_id");
    const char *party = json_string_value(value);
    if (value != NULL && party == NULL)
        return hg_token_refuse(refusal, HG_TOKEN_CLAIM,
                               "its \"azp\" or \"client_id\" is not a text");
    if (rules->parties[0] == NULL ||
        (party != NULL && g_strv_contains((const char *const *)rules->parties, party)))
        return TRUE;
    g_autofree char *shown = hg_text_quote(hg_slice_from_string(party));
    return hg_token_refuse(refusal, HG_TOKEN_PARTY,
                           "it was made out to the client %s (\"azp\"), none of the authorized "
                           "parties",
                           shown);
}

static gboolean check_scopes(const HgClaimsRules *rules, const json_t *claims,
                             HgTokenRefusal *refusal)
{
    const json_t *value = json_object_get(claims, "scope");
    if (value == NULL)
        value = json_object_get(claims, "scp");
    g_auto(GStrv) found = hg_json_words(value);
    for (gsize i = 0; rules->scopes[i] != NULL; i++) {
        if (found != NULL && g_strv_contains((const char *const *)found, rules->scopes[i]))
            continue;
        g_autofree char *shown = list(found);
        return hg_token_refuse(refusal, HG_TOKEN_SCOPE, "it lacks the scope %s; it has %s",
                               rules->scopes[i], shown);
    }
    return TRUE;
}

/* A refresh token gets new tokens and is for nobody but its issuer; servers that are asked about
 * one say that it is active. The names are those of dex and Cognito, Keycloak, and RFC 7662. */
static gboolean check_use(const json_t *claims, HgTokenRefusal *refusal)
{
    static const char *const names[] = {"token_use", "typ", "token_type"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        const char *use = hg_json_string(claims, names[i]);
        if (use != NULL && g_ascii_strncasecmp(use, "refresh", 7) == 0)
            return hg_token_refuse(refusal, HG_TOKEN_TYPE,
                                   "it is a refresh token (\"%s\"), which must be shown to nobody "
                                   "but its issuer",
                                   names[i]);
    }
    return TRUE;
}

gboolean hg_claims_check(const HgClaimsRules *rules, json_t *claims, HgTokenRefusal *refusal)
{
    if (!check_use(claims, refusal))
        return FALSE;
    if (!check_audience(rules, claims, refusal) || !check_party(rules, claims, refusal) ||
        !check_scopes(rules, claims, refusal))
        return FALSE;
    for (guint i = 0; i < rules->required->len; i++) {
        char **one = g_ptr_array_index(rules->required, i);
        g_auto(GStrv) found = hg_json_texts(hg_json_find(claims, one[0]));
        if (overlap(one + 1, found))
            continue;
        g_autofree char *shown = list(found);
        return hg_token_refuse(refusal, HG_TOKEN_REQUIRED_CLAIM,
                               "its claim %s must have one of the `values`; it %s %s", one[0],
                               found != NULL ? "is" : "isn't there", found != NULL ? shown : "");
    }
    return TRUE;
}

/* The user name in the claim's text; NULL after a refusal. */
static char *name_of(const HgClaimsRules *rules, const char *text, HgTokenRefusal *refusal)
{
    g_autofree char *name = NULL;
    g_autoptr(GMatchInfo) match = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *shown = hg_text_quote(hg_slice_from_string(text));
    if (rules->user_pattern == NULL)
        name = g_strdup(text);
    else if (g_regex_match(rules->user_pattern, text, 0, &match))
        name = g_match_info_fetch(match, g_regex_get_capture_count(rules->user_pattern));
    if (name == NULL) {
        hg_token_refuse(refusal, HG_TOKEN_USER_NAME, "its claim %s, %s, doesn't match user_pattern",
                        rules->user_claim, shown);
        return NULL;
    }
    if (!hg_user_name_check(hg_slice_from_string(name), &error)) {
        hg_token_refuse(refusal, HG_TOKEN_USER_NAME, "its claim %s is of no use: %s",
                        rules->user_claim, error->message);
        return NULL;
    }
    return g_steal_pointer(&name);
}

/* The groups; NULL when they are unknown. */
static char **groups_of(const HgClaimsRules *rules, json_t *claims)
{
    if (rules->groups_claim == NULL)
        return NULL;
    g_auto(GStrv) words = hg_json_words(hg_json_find(claims, rules->groups_claim));
    if (words == NULL)
        return NULL;
    g_autoptr(GStrvBuilder) groups = g_strv_builder_new();
    for (gsize i = 0; words[i] != NULL; i++)
        if (hg_group_name_check(hg_slice_from_string(words[i]), NULL))
            g_strv_builder_add(groups, words[i]);
    return g_strv_builder_end(groups);
}

/* Names and values in turns. */
static char **attributes_of(const HgClaimsRules *rules, json_t *claims)
{
    g_autoptr(GStrvBuilder) pairs = g_strv_builder_new();
    for (guint i = 0; i < rules->attributes->len; i++) {
        char **one = g_ptr_array_index(rules->attributes, i);
        g_auto(GStrv) values = hg_json_texts(hg_json_find(claims, one[1]));
        for (gsize j = 0; values != NULL && values[j] != NULL; j++)
            if (strlen(values[j]) <= ATTRIBUTE_MAX_BYTES)
                g_strv_builder_add_many(pairs, one[0], values[j], NULL);
    }
    return g_strv_builder_end(pairs);
}

gboolean hg_claims_principal(const HgClaimsRules *rules, json_t *claims, const char *realm,
                             HgPrincipal **out, HgTokenRefusal *refusal)
{
    const json_t *user = hg_json_find(claims, rules->user_claim);
    if (user == NULL)
        return hg_token_refuse(refusal, HG_TOKEN_NO_USER,
                               "it has no claim %s, which would name the user", rules->user_claim);
    if (!json_is_string(user))
        return hg_token_refuse(refusal, HG_TOKEN_NO_USER,
                               "its claim %s, which would name the user, is not a text",
                               rules->user_claim);
    gboolean by_email =
        strcmp(rules->user_claim, "email") == 0 || strcmp(rules->user_claim, "/email") == 0;
    if (by_email && !json_is_true(json_object_get(claims, "email_verified")) &&
        json_object_get(claims, "email_verified") != NULL)
        return hg_token_refuse(refusal, HG_TOKEN_EMAIL, "its \"email_verified\" isn't true");
    g_autofree char *name = name_of(rules, json_string_value(user), refusal);
    if (name == NULL)
        return FALSE;
    g_auto(GStrv) groups = groups_of(rules, claims);
    g_auto(GStrv) attributes = attributes_of(rules, claims);
    *out =
        hg_principal_new(realm, name, (const char *const *)groups, (const char *const *)attributes);
    return TRUE;
}
