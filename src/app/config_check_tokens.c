/* Rules for the options of bearer tokens: see config_check.h. One thread. */
#include "app/config_check.h"
#include "base/error.h"

#include <string.h>

#define JWKS_MOST (256 * 1024) /* bytes */

/* Passwords of the ordinary kind, which no token_pattern should take for tokens. */
static const char *const passwords[] = {"wonderland", "Passw0rd!", "correct horse battery staple",
                                        "tr0ub4dor-3", "20240917"};

/* The place of a key's value in a map, or of the map itself when the key isn't there. */
static HgMark place(const HgYaml *map, const char *key)
{
    const HgYaml *value = hg_yaml_get(map, key);
    return hg_yaml_mark(value != NULL ? value : map);
}

/* "path.key: the error's words" */
static void report(HgDiagnostics *diagnostics, const HgYaml *map, const char *path, const char *key,
                   const GError *error)
{
    hg_diagnostics_error(diagnostics, place(map, key), "%s%s%s: %s", path, *key != '\0' ? "." : "",
                         key, error->message);
}

static void check_url(const char *url, gboolean plaintext, const HgYaml *map, const char *path,
                      const char *key, HgDiagnostics *diagnostics)
{
    g_autoptr(GError) error = NULL;
    if (url != NULL && !hg_token_server_check_url(url, plaintext, &error))
        report(diagnostics, map, path, key, error);
}

/* Where the issuer's keys come from: just one place, and one that can be trusted. */
static void check_keys(const HgIssuerConfig *keys, const HgYaml *map, const char *path,
                       HgDiagnostics *diagnostics)
{
    if (keys->jwks_url != NULL && keys->jwks_file != NULL)
        hg_diagnostics_error(diagnostics, place(map, "jwks_file"),
                             "%s: both jwks_url and jwks_file are set; expected one of them", path);
    check_url(keys->jwks_url, keys->plaintext, map, path, "jwks_url", diagnostics);
    if (keys->jwks_url == NULL && keys->jwks_file == NULL)
        check_url(keys->issuer, keys->plaintext, map, path, "issuer", diagnostics);
    if (keys->max_age_ms > 0 && keys->max_age_ms < keys->refresh_ms)
        hg_diagnostics_error(diagnostics, place(map, "keys_max_age"),
                             "%s.keys_max_age is shorter than keys_refresh, so that no key would "
                             "be good all the time; expected a longer one, or 0",
                             path);
}

/* Two issuers of one URL would be a matter of luck. */
static void check_twins(const HgJwtMethodConfig *jwt, const HgYaml *list, guint index,
                        HgDiagnostics *diagnostics)
{
    const HgIssuerConfig *one = &jwt->issuers[index].keys;
    for (guint i = 0; i < index; i++) {
        const HgIssuerConfig *other = &jwt->issuers[i].keys;
        const HgYaml *map = hg_yaml_nth(list, index);
        if (one->issuer != NULL && g_strcmp0(one->issuer, other->issuer) == 0)
            hg_diagnostics_error(diagnostics, place(map, "issuer"),
                                 "authentication.jwt.issuers[%u].issuer: %s is in the list "
                                 "already; expected each issuer once",
                                 index, one->issuer);
    }
}

static void check_issuer(const HgJwtMethodConfig *jwt, const HgYaml *list, guint index,
                         HgDiagnostics *diagnostics)
{
    const HgJwtIssuerConfig *issuer = &jwt->issuers[index];
    const HgYaml *map = hg_yaml_nth(list, index);
    g_autofree char *path = g_strdup_printf("authentication.jwt.issuers[%u]", index);
    g_autoptr(GError) error = NULL;
    check_twins(jwt, list, index, diagnostics);
    check_keys(&issuer->keys, map, path, diagnostics);
    if (!hg_jwt_method_check(issuer, &error))
        report(diagnostics, map, path, "", error);
    if (issuer->claims.n_audience == 0 && issuer->claims.n_authorized_parties == 0)
        hg_diagnostics_error(diagnostics, hg_yaml_mark(map),
                             "%s.audience is missing; expected whom tokens for hivegate are made "
                             "for (or authorized_parties): else any token of the issuer, for any "
                             "service, would log in",
                             path);
}

/* A pattern that takes ordinary passwords for tokens sends them to the server. */
static void check_pattern(const HgTokenLoginConfig *login, const HgYaml *map, const char *path,
                          HgDiagnostics *diagnostics)
{
    g_autoptr(HgTokenLogin) compiled = NULL;
    g_autoptr(GError) error = NULL;
    if (!hg_token_login_new(login, &compiled, &error)) {
        report(diagnostics, map, path, "token_pattern", error);
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(passwords); i++) {
        HgCredentials credentials = {.secret = hg_slice_from_string(passwords[i])};
        if (!hg_token_login_takes(compiled, &credentials))
            continue;
        hg_diagnostics_error(diagnostics, place(map, "token_pattern"),
                             "%s.token_pattern takes passwords such as \"%s\" for tokens, so they "
                             "would be sent to the server; expected a pattern for tokens only",
                             path, passwords[i]);
        return;
    }
}

static void check_rules(const HgClaimsConfig *claims, const HgYaml *map, const char *path,
                        HgDiagnostics *diagnostics)
{
    g_autoptr(HgClaimsRules) rules = NULL;
    g_autoptr(GError) error = NULL;
    if (!hg_claims_rules_new(claims, &rules, &error))
        report(diagnostics, map, path, "", error);
}

static void check_server(const HgTokenServerConfig *server, const HgTokenLoginConfig *login,
                         const HgClaimsConfig *claims, const HgYaml *map, const char *path,
                         HgDiagnostics *diagnostics)
{
    check_url(server->url, server->plaintext, map, path, "url", diagnostics);
    check_pattern(login, map, path, diagnostics);
    check_rules(claims, map, path, diagnostics);
}

/* A method of a chain needs its section, and a section its method. */
static void check_chained(const HgConfig *config, const HgYaml *authentication, const char *method,
                          HgDiagnostics *diagnostics)
{
    const HgYaml *map = hg_yaml_get(authentication, method);
    gboolean chained = hg_config_is_chained(config, method);
    if (chained && map == NULL)
        hg_diagnostics_error(diagnostics, hg_yaml_mark(authentication),
                             "authentication.%s is missing; expected its settings, because a chain "
                             "names %s",
                             method, method);
    if (!chained && map != NULL)
        hg_diagnostics_error(diagnostics, hg_yaml_mark(map),
                             "authentication.%s is of no use; expected %s in a chain too", method,
                             method);
}

static gboolean is_map(const HgYaml *node)
{
    return node != NULL && node->kind == HG_YAML_MAP;
}

void hg_config_check_tokens(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics)
{
    const HgAuthenticationConfig *all = &config->authentication;
    const HgYaml *map = hg_yaml_get(root, "authentication");
    const HgYaml *jwt = hg_yaml_get(map, "jwt");
    const HgYaml *introspection = hg_yaml_get(map, "introspection");
    const HgYaml *tokeninfo = hg_yaml_get(map, "tokeninfo");
    static const char *const methods[] = {"jwt", "introspection", "tokeninfo"};
    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++)
        check_chained(config, map, methods[i], diagnostics);
    for (guint i = 0; is_map(jwt) && i < all->jwt.n_issuers; i++)
        check_issuer(&all->jwt, hg_yaml_get(jwt, "issuers"), i, diagnostics);
    if (is_map(introspection))
        check_server(&all->introspection.server, &all->introspection.login,
                     &all->introspection.claims, introspection, "authentication.introspection",
                     diagnostics);
    if (is_map(tokeninfo))
        check_server(&all->tokeninfo.server, &all->tokeninfo.login, &all->tokeninfo.claims,
                     tokeninfo, "authentication.tokeninfo", diagnostics);
}

static void check_ca_file(const char *ca_file, const HgYaml *map, const char *path,
                          HgDiagnostics *diagnostics)
{
    g_autoptr(HgSecret) text = NULL;
    g_autoptr(GError) error = NULL;
    HgFileExposure exposure = HG_FILE_PRIVATE;
    if (ca_file != NULL &&
        !hg_secret_read_file(ca_file, 16 * 1024 * 1024, &text, &exposure, &error))
        report(diagnostics, map, path, "ca_file", error);
}

static void check_issuer_files(const HgIssuerConfig *keys, const HgYaml *map, guint index,
                               HgDiagnostics *diagnostics)
{
    g_autofree char *path = g_strdup_printf("authentication.jwt.issuers[%u]", index);
    g_autoptr(HgSecret) text = NULL;
    g_autoptr(HgJwks) set = NULL;
    g_autoptr(GError) error = NULL;
    HgFileExposure exposure = HG_FILE_PRIVATE;
    check_ca_file(keys->ca_file, map, path, diagnostics);
    if (keys->jwks_file == NULL)
        return;
    if (!hg_secret_read_file(keys->jwks_file, JWKS_MOST, &text, &exposure, &error) ||
        !hg_jwks_read(hg_secret_slice(text), &set, &error)) {
        report(diagnostics, map, path, "jwks_file", error);
        return;
    }
    if (exposure == HG_FILE_WRITABLE)
        hg_diagnostics_warn(diagnostics, place(map, "jwks_file"),
                            "%s can be changed by others than its owner, and so can who is let "
                            "in; chmod go-w it",
                            keys->jwks_file);
    if (hg_jwks_skipped(set) > 0)
        hg_diagnostics_warn(diagnostics, place(map, "jwks_file"),
                            "%s: %u of its keys are left out; the first: %s", keys->jwks_file,
                            hg_jwks_skipped(set), hg_jwks_problem(set));
}

static void check_client_secret(const char *file, const HgYaml *map, HgDiagnostics *diagnostics)
{
    g_autoptr(HgSecret) secret = NULL;
    g_autoptr(GError) error = NULL;
    HgFileExposure exposure = HG_FILE_PRIVATE;
    if (!hg_secret_load_file(file, &secret, &exposure, &error))
        report(diagnostics, map, "authentication.introspection", "client_secret_file", error);
    else if (exposure != HG_FILE_PRIVATE)
        hg_diagnostics_warn(diagnostics, place(map, "client_secret_file"),
                            "%s can be read or changed by others than its owner; chmod go-w,o-r it",
                            file);
}

void hg_config_check_token_files(const HgConfig *config, const HgYaml *root,
                                 HgDiagnostics *diagnostics)
{
    const HgAuthenticationConfig *all = &config->authentication;
    const HgYaml *map = hg_yaml_get(root, "authentication");
    const HgYaml *issuers = hg_yaml_get(hg_yaml_get(map, "jwt"), "issuers");
    const HgYaml *introspection = hg_yaml_get(map, "introspection");
    for (guint i = 0; i < all->jwt.n_issuers; i++)
        check_issuer_files(&all->jwt.issuers[i].keys, hg_yaml_nth(issuers, i), i, diagnostics);
    if (introspection != NULL && all->introspection.client_secret_file != NULL)
        check_client_secret(all->introspection.client_secret_file, introspection, diagnostics);
    check_ca_file(all->introspection.server.ca_file, introspection, "authentication.introspection",
                  diagnostics);
    check_ca_file(all->tokeninfo.server.ca_file, hg_yaml_get(map, "tokeninfo"),
                  "authentication.tokeninfo", diagnostics);
}
