/* The rows of the options for bearer tokens: see options.h. Static data; any thread. */
#include "app/config.h"
#include "app/options_rows.h"

#define LIST_AT(type, member, count, list_kind)                                                    \
    .kind = list_kind, .offset = offsetof(type, member), .count_offset = OFFSET(type, count, guint)

G_STATIC_ASSERT(sizeof(HgClientAuth) == sizeof(int) && sizeof(HgTokeninfoSend) == sizeof(int) &&
                sizeof(gboolean) == sizeof(int));

static const HgOptionChoice booleans[] = {
    {"false", FALSE, "no", FALSE},
    {"true", TRUE, "yes", FALSE},
    {0},
};

static const HgOptionChoice client_auths[] = {
    {"basic", HG_CLIENT_AUTH_BASIC, "in the header `Authorization: Basic`", FALSE},
    {"post", HG_CLIENT_AUTH_POST, "in the body, as `client_id` and `client_secret`", FALSE},
    {0},
};

static const HgOptionChoice sends[] = {
    {"header", HG_TOKENINFO_HEADER, "in the header `Authorization: Bearer`", FALSE},
    {"query", HG_TOKENINFO_QUERY,
     "in the URL as `access_token`, where servers and proxies write it into their logs", FALSE},
    {0},
};

static const HgOption attribute_rows[] = {
    {.name = "name",
     STRING(HgClaimAttribute, name, HG_OPTION_NAME),
     .required = TRUE,
     .text = "The attribute's name."},
    {.name = "claim",
     STRING(HgClaimAttribute, claim, HG_OPTION_TEXT),
     .required = TRUE,
     .text = "The claim with its value: a text, a number, a boolean, or a list of them."},
};
static const HgSection attribute_section = DESCRIBE(HgClaimAttribute, attribute_rows);

static const HgOption requirement_rows[] = {
    {.name = "claim",
     STRING(HgClaimRequirement, claim, HG_OPTION_TEXT),
     .required = TRUE,
     .text = "The claim. Of a list of values one has to do."},
    {.name = "values",
     LIST(HgClaimRequirement, values, HG_OPTION_NAMES),
     .required = TRUE,
     .min = 1,
     .max = 100,
     .text = "The values that it may have."},
};
static const HgSection requirement_section = DESCRIBE(HgClaimRequirement, requirement_rows);

#define AUDIENCE_ROWS(type)                                                                        \
    {.name = "audience",                                                                           \
     LIST_AT(type, claims.audience, claims.n_audience, HG_OPTION_NAMES),                           \
     .min = 1,                                                                                     \
     .max = 100,                                                                                   \
     .text = "Whom tokens are made for: one of these has to be in `aud`."},                        \
        {.name = "authorized_parties",                                                             \
         LIST_AT(type, claims.authorized_parties, claims.n_authorized_parties, HG_OPTION_NAMES),   \
         .min = 1,                                                                                 \
         .max = 100,                                                                               \
         .text = "The clients that tokens may be made out to: one of these has to be `azp`, or "   \
                 "`client_id` when there is no `azp`."},                                           \
    {                                                                                              \
        .name = "clock_skew", DURATION(type, claims.clock_skew_ms), .fallback = "30s", .min = 0,   \
        .max = MINUTES(10), .step = SECONDS(1),                                                    \
        .text = "How far the clocks of issuer and hivegate may be apart: for so long after `exp` " \
                "and before `nbf` and `iat` a token is good."                                      \
    }

#define MAPPING_ROWS(type, user)                                                                   \
    {.name = "user_claim",                                                                         \
     STRING(type, claims.user_claim, HG_OPTION_TEXT),                                              \
     .fallback = user,                                                                             \
     .text = "The claim that is the user's name. It should be one that users can't choose. A "     \
             "claim is named by its name, by a path (`realm_access.roles`), or by a JSON pointer " \
             "(`/my.claims/user`); one with `://` in it is always one name."},                     \
        {.name = "user_pattern",                                                                   \
         STRING(type, claims.user_pattern, HG_OPTION_TEXT),                                        \
         .text = "A regular expression that the whole claim has to match; its group is the user "  \
                 "name: `(.*)@example\\.org`. Without it the claim is the name."},                 \
        {.name = "groups_claim",                                                                   \
         STRING(type, claims.groups_claim, HG_OPTION_TEXT),                                        \
         .text = "The claim with the user's groups: a list, or a text with commas or else blanks " \
                 "between them. Without it, and in a token without the claim, nobody knows the "   \
                 "user's groups. A group that can't be named in a policy is left out."},           \
        {.name = "attributes",                                                                     \
         LIST_AT(type, claims.attributes, claims.n_attributes, HG_OPTION_SECTIONS),                \
         .section = &attribute_section,                                                            \
         .min = 1,                                                                                 \
         .max = 100,                                                                               \
         .text = "Claims that become attributes of the user."},                                    \
        {.name = "required_scopes",                                                                \
         LIST_AT(type, claims.required_scopes, claims.n_required_scopes, HG_OPTION_NAMES),         \
         .min = 1,                                                                                 \
         .max = 100,                                                                               \
         .text = "Scopes that a token must have, all of them, in `scope` or `scp`."},              \
    {                                                                                              \
        .name = "required_claims",                                                                 \
        LIST_AT(type, claims.required_claims, claims.n_required_claims, HG_OPTION_SECTIONS),       \
        .section = &requirement_section, .min = 1, .max = 100,                                     \
        .text = "Claims that must have certain values, all of them."                               \
    }

#define REMOTE_ROWS(type, part)                                                                    \
    {.name = "ca_file",                                                                            \
     STRING(type, part.ca_file, HG_OPTION_PATH),                                                   \
     .reloadable = TRUE,                                                                           \
     .text = "The authorities that sign the server's certificate, in PEM; read again within a "    \
             "minute. Without it, the system's."},                                                 \
        {.name = "proxy",                                                                          \
         STRING(type, part.proxy, HG_OPTION_TEXT),                                                 \
         .text =                                                                                   \
             "The HTTP proxy on the way there, such as `http://outbound.example.org:8080`. The "   \
             "environment's proxies don't count."},                                                \
        {.name = "plaintext",                                                                      \
         CHOICE(type, part.plaintext, gboolean, booleans),                                         \
         .fallback = "false",                                                                      \
         .text = "Whether plain http may go to another machine than this one. Whoever is between " \
                 "can then be anybody."},                                                          \
        {.name = "connect_timeout",                                                                \
         DURATION(type, part.connect_timeout_ms),                                                  \
         .fallback = "2s",                                                                         \
         .min = 10,                                                                                \
         .max = MINUTES(1),                                                                        \
         .text = "How long connecting may take."},                                                 \
    {                                                                                              \
        .name = "timeout", DURATION(type, part.timeout_ms), .fallback = "5s", .min = 10,           \
        .max = MINUTES(1), .text = "How long a request may take in all. No login waits longer."    \
    }

#define SERVER_ROWS(type)                                                                          \
    {.name = "token_pattern",                                                                      \
     STRING(type, login.token_pattern, HG_OPTION_TEXT),                                            \
     .text = "A regular expression that tells tokens from passwords, such as "                     \
             "`[0-9a-f]{8}-[0-9a-f-]{27}`: a password that matches it as a whole is sent to the "  \
             "server. Without it only `Authorization: Bearer` is."},                               \
        {.name = "any_user",                                                                       \
         LIST_AT(type, login.any_user, login.n_any_user, HG_OPTION_NAMES),                         \
         .min = 1,                                                                                 \
         .max = 100,                                                                               \
         .text = ANY_USER_TEXT},                                                                   \
    {                                                                                              \
        .name = "requests", COUNT(type, server.requests), .fallback = "8", .min = 1, .max = 1000,  \
        .text = "Requests to the server at once; more wait."                                       \
    }

#define ANY_USER_TEXT                                                                              \
    "User names under which any token may come, because clients send them when they have none. "   \
    "Under another name only its own user's token logs in. Without it: `anonymous` (Hive's JDBC "  \
    "without a user), `token` (dbt, the Databricks drivers), `bearer` and `jwt`."

static const HgOption issuer_rows[] = {
    {.name = "name",
     STRING(HgJwtIssuerConfig, keys.name, HG_OPTION_NAME),
     .required = TRUE,
     .text = "Names the issuer; it is the realm of its users: the same user name from two issuers "
             "is two users."},
    {.name = "issuer",
     STRING(HgJwtIssuerConfig, keys.issuer, HG_OPTION_TEXT),
     .required = TRUE,
     .text = "What `iss` is in its tokens, to the letter. Without `jwks_url` and `jwks_file` its "
             "keys are found by its OpenID Connect discovery document: this URL with "
             "`/.well-known/openid-configuration` behind it."},
    {.name = "jwks_url",
     STRING(HgJwtIssuerConfig, keys.jwks_url, HG_OPTION_TEXT),
     .text = "Where its public keys are (a JWK set)."},
    {.name = "jwks_file",
     STRING(HgJwtIssuerConfig, keys.jwks_file, HG_OPTION_PATH),
     .reloadable = TRUE,
     .text = "A file with its public keys (a JWK set); read again every `keys_refresh`, too."},
    {.name = "algorithms",
     LIST(HgJwtIssuerConfig, algorithms, HG_OPTION_NAMES),
     .min = 1,
     .max = 9,
     .text = "The algorithms that it signs with. Without it: RS256, RS384, RS512, PS256, PS384, "
             "PS512, ES256, ES384 and ES512; there are no others."},
    AUDIENCE_ROWS(HgJwtIssuerConfig),
    MAPPING_ROWS(HgJwtIssuerConfig, "sub"),
    {.name = "keys_refresh",
     DURATION(HgJwtIssuerConfig, keys.refresh_ms),
     .fallback = "10m",
     .min = SECONDS(1),
     .max = HOURS(24),
     .text = "The age at which its keys are fetched again: so long a withdrawn key may still be "
             "trusted."},
    {.name = "keys_refetch",
     DURATION(HgJwtIssuerConfig, keys.refetch_ms),
     .fallback = "30s",
     .min = SECONDS(1),
     .max = HOURS(1),
     .text = "A token signed with an unknown key has the keys fetched at once, but not more often "
             "than this."},
    {.name = "keys_max_age",
     DURATION(HgJwtIssuerConfig, keys.max_age_ms),
     .fallback = "1d",
     .min = 0,
     .max = HOURS(24 * 30),
     .text = "While the issuer is away, the last keys are good up to this age. 0 sets no limit."},
    REMOTE_ROWS(HgJwtIssuerConfig, keys),
};
static const HgSection issuer_section = DESCRIBE(HgJwtIssuerConfig, issuer_rows);

static const HgOption jwt_rows[] = {
    {.name = "issuers",
     LIST(HgJwtMethodConfig, issuers, HG_OPTION_SECTIONS),
     .section = &issuer_section,
     .required = TRUE,
     .min = 1,
     .max = 64,
     .text = "Whose tokens are trusted. A token of any other issuer is left to the next method of "
             "the chain."},
    {.name = "any_user",
     LIST_AT(HgJwtMethodConfig, login.any_user, login.n_any_user, HG_OPTION_NAMES),
     .min = 1,
     .max = 100,
     .text = ANY_USER_TEXT},
};
const HgSection *hg_option_jwt_section(void)
{
    static const HgSection section = DESCRIBE(HgJwtMethodConfig, jwt_rows);
    return &section;
}

static const HgOption introspection_rows[] = {
    {.name = "name",
     STRING(HgIntrospectionConfig, name, HG_OPTION_NAME),
     .fallback = "introspection",
     .text = "The realm of its users: the same user name elsewhere is another user."},
    {.name = "url",
     STRING(HgIntrospectionConfig, server.url, HG_OPTION_TEXT),
     .required = TRUE,
     .text = "The introspection endpoint."},
    {.name = "client_id",
     STRING(HgIntrospectionConfig, client_id, HG_OPTION_TEXT),
     .required = TRUE,
     .text = "hivegate's own name at the server."},
    {.name = "client_secret_file",
     STRING(HgIntrospectionConfig, client_secret_file, HG_OPTION_PATH),
     .required = TRUE,
     .reloadable = TRUE,
     .text = "A file with one line: hivegate's own secret there. It is read again, too, when the "
             "server doesn't take it."},
    {.name = "client_secret",
     .kind = HG_OPTION_NOT_HERE,
     .text = "put it into a file of its own and name that in client_secret_file"},
    {.name = "client_auth",
     CHOICE(HgIntrospectionConfig, client_auth, HgClientAuth, client_auths),
     .fallback = "basic",
     .text = "How hivegate logs in there."},
    {.name = "issuer",
     STRING(HgIntrospectionConfig, issuer, HG_OPTION_TEXT),
     .text = "What `iss` has to be in the answer. Without it any issuer will do, or none."},
    AUDIENCE_ROWS(HgIntrospectionConfig),
    MAPPING_ROWS(HgIntrospectionConfig, "username"),
    SERVER_ROWS(HgIntrospectionConfig),
    REMOTE_ROWS(HgIntrospectionConfig, server),
};
const HgSection *hg_option_introspection_section(void)
{
    static const HgSection section = DESCRIBE(HgIntrospectionConfig, introspection_rows);
    return &section;
}

static const HgOption tokeninfo_rows[] = {
    {.name = "name",
     STRING(HgTokeninfoConfig, name, HG_OPTION_NAME),
     .fallback = "tokeninfo",
     .text = "The realm of its users: the same user name elsewhere is another user."},
    {.name = "url",
     STRING(HgTokeninfoConfig, server.url, HG_OPTION_TEXT),
     .required = TRUE,
     .text = "The tokeninfo endpoint."},
    {.name = "send",
     CHOICE(HgTokeninfoConfig, send, HgTokeninfoSend, sends),
     .fallback = "header",
     .text = "How the token goes there."},
    MAPPING_ROWS(HgTokeninfoConfig, "uid"),
    SERVER_ROWS(HgTokeninfoConfig),
    REMOTE_ROWS(HgTokeninfoConfig, server),
};
const HgSection *hg_option_tokeninfo_section(void)
{
    static const HgSection section = DESCRIBE(HgTokeninfoConfig, tokeninfo_rows);
    return &section;
}
