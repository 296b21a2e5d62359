/* The rows of `authentication`, but for those of its methods that have files of their own: see
 * options.h. Static data; any thread. */
#include "app/config.h"
#include "app/options_rows.h"

G_STATIC_ASSERT(sizeof(HgCertificateField) == sizeof(int) && sizeof(HgTokenExpiry) == sizeof(int));

static const HgOptionChoice certificate_fields[] = {
    {"common-name", HG_CERTIFICATE_COMMON_NAME, "the subject's CN", FALSE},
    {"email", HG_CERTIFICATE_EMAIL, "an alternative name of the kind email", FALSE},
    {"dns", HG_CERTIFICATE_DNS_NAME, "an alternative name of the kind DNS", FALSE},
    {"uri", HG_CERTIFICATE_URI, "an alternative name of the kind URI (SPIFFE)", FALSE},
    {"subject", HG_CERTIFICATE_SUBJECT, "the whole subject, as RFC 2253 writes it", FALSE},
    {0},
};

static const HgOptionChoice token_expiries[] = {
    {"statements", HG_TOKEN_EXPIRY_STATEMENTS,
     "no new sessions, and no new statements in those that are open", FALSE},
    {"sessions", HG_TOKEN_EXPIRY_SESSIONS, "no new sessions", FALSE},
    {"logins", HG_TOKEN_EXPIRY_LOGINS, "no new logins only", FALSE},
    {0},
};

static const HgOption users_rows[] = {
    {.name = "file",
     STRING(HgUsersConfig, file, HG_OPTION_PATH),
     .reloadable = TRUE,
     .text = "The users file, written by `hivegatectl user add`. Required when the chain names "
             "`users`."},
    {.name = "password",
     .kind = HG_OPTION_NOT_HERE,
     .text = "add users with hivegatectl user add, which hashes their passwords into the users "
             "file"},
};
static const HgSection users_section = DESCRIBE(HgUsersConfig, users_rows);

static const HgOption certificate_login_rows[] = {
    {.name = "field",
     CHOICE(HgCertificateConfig, field, HgCertificateField, certificate_fields),
     .fallback = "common-name",
     .text = "The part of a client certificate that names the user."},
    {.name = "pattern",
     STRING(HgCertificateConfig, pattern, HG_OPTION_TEXT),
     .text = "A regular expression that the whole field has to match; its group is the user name: "
             "`(.*)@example\\\\.org`. Without it the field is the name."},
};
static const HgSection certificate_login_section =
    DESCRIBE(HgCertificateConfig, certificate_login_rows);

static const HgOption cookie_rows[] = {
    {.name = "max_age",
     DURATION(HgCookieConfig, max_age_ms),
     .fallback = "1d",
     .min = 0,
     .max = HOURS(24 * 30),
     .step = SECONDS(1),
     .text =
         "How long a cookie is good for. A changed password or a deleted user ends it at once. 0 "
         "hands out none."},
    {.name = "key_file",
     STRING(HgCookieConfig, key_file, HG_OPTION_PATH),
     .reloadable = TRUE,
     .text = "A file with at least 32 random bytes, with which cookies are signed. Gateways with "
             "the same key accept each other's cookies. Without it each start makes a key of its "
             "own."},
};
static const HgSection cookie_section = DESCRIBE(HgCookieConfig, cookie_rows);

static const HgOption throttle_rows[] = {
    {.name = "delay_after",
     COUNT(HgThrottleConfig, delay_after),
     .fallback = "3",
     .min = 0,
     .max = 1000000,
     .text = "Failed logins of one user from one address that cost nothing. Each further one is "
             "answered later: after 0.5 s, 1 s, 2 s, and 5 s at most."},
    {.name = "refuse_after",
     COUNT(HgThrottleConfig, refuse_after),
     .fallback = "10",
     .min = 0,
     .max = 1000000,
     .text = "Failed logins of one user from one address after which all others are refused for "
             "`refuse_for`, whatever the password. 0 refuses nobody. The same wrong password sent "
             "again within `failure_ttl` counts once."},
    {.name = "address_refuse_after",
     COUNT(HgThrottleConfig, address_refuse_after),
     .fallback = "0",
     .min = 0,
     .max = 1000000,
     .text = "Failed logins from one address, whoever it says it is, after which all others from "
             "there are refused for `refuse_for`. 0 refuses no address: behind a balancer that "
             "doesn't say who its clients are, all of them have one."},
    {.name = "window",
     DURATION(HgThrottleConfig, window_ms),
     .fallback = "10m",
     .min = SECONDS(1),
     .max = HOURS(24),
     .text = "Failures are forgotten when none came for so long. A success, and SIGHUP, ends them "
             "at once."},
    {.name = "refuse_for",
     DURATION(HgThrottleConfig, refuse_for_ms),
     .fallback = "10m",
     .min = SECONDS(1),
     .max = HOURS(24),
     .text = "How long logins are refused."},
};
static const HgSection throttle_section = DESCRIBE(HgThrottleConfig, throttle_rows);

static const HgOption authentication_rows[] = {
    {.name = "chain",
     LIST(HgAuthenticationConfig, chain, HG_OPTION_NAMES),
     .required = TRUE,
     .min = 1,
     .max = 8,
     .text =
         "Who is asked whether a login is right, in this order. The next one is asked only when "
         "one knows nothing of such a user: a wrong password is wrong. There are `certificate` "
         "(the "
         "client's certificate says who it is, and its password doesn't count), `users`, `ldap`, "
         "`jwt`, `introspection` and `tokeninfo`."},
    {.name = "certificate",
     SECTION(HgAuthenticationConfig, certificate, certificate_login_section),
     .text = "Users by client certificate, on listeners that ask for one. It counts when the "
             "client logs in under the certificate's name or as `anonymous` (what JDBC sends when "
             "the URL names nobody)."},
    {.name = "users",
     SECTION(HgAuthenticationConfig, users, users_section),
     .text = "Users from a file."},
    {.name = "ldap",
     SECTION_ELSEWHERE(HgAuthenticationConfig, ldap, hg_option_ldap_section),
     .text = "Users of a directory: OpenLDAP, Active Directory and others. Complete examples: "
             "docs/authentication.md."},
    {.name = "jwt",
     SECTION_ELSEWHERE(HgAuthenticationConfig, jwt, hg_option_jwt_section),
     .text = "Signed tokens (JWT) of trusted issuers, checked with their public keys: as "
             "`Authorization: Bearer` over HTTP, and as the password anywhere."},
    {.name = "introspection",
     SECTION_ELSEWHERE(HgAuthenticationConfig, introspection, hg_option_introspection_section),
     .text = "Tokens that a server is asked about (OAuth 2.0 Token Introspection, RFC 7662)."},
    {.name = "tokeninfo",
     SECTION_ELSEWHERE(HgAuthenticationConfig, tokeninfo, hg_option_tokeninfo_section),
     .text = "Tokens that a server is asked about in the style of Zalando's tokeninfo: it answers "
             "with `uid`, `scope`, `realm` and `expires_in`."},
    {.name = "cookie",
     SECTION(HgAuthenticationConfig, cookie, cookie_section),
     .text =
         "The cookie `hive.server2.auth`, which HTTP clients such as Hive's JDBC send instead of "
         "name and password once they have it."},
    {.name = "cache_ttl",
     DURATION(HgAuthenticationConfig, cache_ttl_ms),
     .fallback = "5m",
     .min = 0,
     .max = HOURS(24),
     .text = "How long a successful login is remembered (never its password), so that the next one "
             "costs nothing. A changed or deleted user is refused as soon as the users file is "
             "read again. 0 remembers nothing."},
    {.name = "failure_ttl",
     DURATION(HgAuthenticationConfig, failure_ttl_ms),
     .fallback = "10s",
     .min = 0,
     .max = HOURS(1),
     .text = "How long a refused login is remembered, so that a tool with an old password that "
             "tries again and again costs nothing. 0 remembers none."},
    {.name = "token_expiry",
     CHOICE(HgAuthenticationConfig, token_expiry, HgTokenExpiry, token_expiries),
     .fallback = "statements",
     .text = "What is over when the token of a login expires. What runs is never ended by it. Over "
             "HTTP each request brings its token, so an expired one is always refused."},
    {.name = "throttle",
     SECTION(HgAuthenticationConfig, throttle, throttle_section),
     .text = "What becomes of who fails to log in again and again."},
    {.name = "cache_entries",
     COUNT(HgAuthenticationConfig, cache_entries),
     .fallback = "10000",
     .min = 0,
     .max = 1000000,
     .text = "How many logins are remembered at most, and as many refused ones, about 300 bytes "
             "each."},
};
const HgSection *hg_option_authentication_section(void)
{
    static const HgSection section = DESCRIBE(HgAuthenticationConfig, authentication_rows);
    return &section;
}
