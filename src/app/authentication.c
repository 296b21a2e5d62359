/* The methods of authentication and their chains, as configured: see authentication.h. */
#include "app/authentication.h"

#include "auth/users_method.h"
#include "base/error.h"

/* ---- the methods ---- */

static gboolean make_users(const HgAuthenticationConfig *config, void **self, GError **error)
{
    return hg_users_method_new(config->users.file, (HgUsersMethod **)self, error);
}

static gboolean make_ldap(const HgAuthenticationConfig *config, void **self, GError **error)
{
    return hg_ldap_new(&config->ldap, (HgLdap **)self, error);
}

static gboolean make_jwt(const HgAuthenticationConfig *config, void **self, GError **error)
{
    return hg_jwt_method_new(&config->jwt, (HgJwtMethod **)self, error);
}

static gboolean make_introspection(const HgAuthenticationConfig *config, void **self,
                                   GError **error)
{
    return hg_introspection_new(&config->introspection, (HgIntrospection **)self, error);
}

static gboolean make_tokeninfo(const HgAuthenticationConfig *config, void **self, GError **error)
{
    return hg_tokeninfo_new(&config->tokeninfo, (HgTokeninfo **)self, error);
}

typedef struct {
    const HgMethodTable *(*table)(void);
    gboolean (*make)(const HgAuthenticationConfig *config, void **self, GError **error);
} Maker;

static const Maker makers[] = {
    {hg_users_method, make_users},
    {hg_ldap_method, make_ldap},
    {hg_jwt_method, make_jwt},
    {hg_introspection_method, make_introspection},
    {hg_tokeninfo_method, make_tokeninfo},
};

/* ---- the chains ---- */

static GPtrArray *collect_chains(const HgConfig *config)
{
    GPtrArray *chains = g_ptr_array_new();
    g_ptr_array_add(chains, (gpointer)config->authentication.chain);
    for (guint i = 0; i < config->n_listeners; i++)
        if (config->listeners[i].chain != NULL)
            g_ptr_array_add(chains, (gpointer)config->listeners[i].chain);
    return chains;
}

static gboolean is_named(const GPtrArray *chains, const char *method)
{
    for (guint i = 0; i < chains->len; i++)
        if (g_strv_contains(g_ptr_array_index(chains, i), method))
            return TRUE;
    return FALSE;
}

static void free_methods(const GArray *methods)
{
    for (guint i = 0; i < methods->len; i++) {
        const HgAuthMethod *method = &g_array_index(methods, HgAuthMethod, i);
        method->table->free(method->self);
    }
}

/* Makes each method that a chain names. */
static gboolean make_methods(const HgAuthenticationConfig *config, const GPtrArray *chains,
                             GArray *methods, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(makers); i++) {
        HgAuthMethod method = {.table = makers[i].table()};
        if (!is_named(chains, method.table->name))
            continue;
        if (!makers[i].make(config, &method.self, error)) {
            free_methods(methods);
            return FALSE;
        }
        g_array_append_val(methods, method);
    }
    return TRUE;
}

gboolean hg_authentication_new(const HgConfig *config, HgAuthenticator **out, GError **error)
{
    const HgAuthenticationConfig *authentication = &config->authentication;
    g_autoptr(GPtrArray) chains = collect_chains(config);
    g_autoptr(GArray) methods = g_array_new(FALSE, FALSE, sizeof(HgAuthMethod));
    if (!make_methods(authentication, chains, methods, error))
        return FALSE;
    HgSlice cookie_key = {NULL, 0};
    if (authentication->cookie.key != NULL)
        cookie_key = hg_secret_slice(authentication->cookie.key);
    HgAuthenticatorConfig plain = {
        .take_methods = (const HgAuthMethod *)(const void *)methods->data,
        .n_methods = methods->len,
        .chains = (const char *const *const *)chains->pdata,
        .n_chains = chains->len,
        .certificate_field = authentication->certificate.field,
        .certificate_pattern = authentication->certificate.pattern,
        .cookie_key = cookie_key,
        .cookie_max_age = (guint)(authentication->cookie.max_age_ms / 1000),
        .cache_ttl_ms = authentication->cache_ttl_ms,
        .failure_ttl_ms = authentication->failure_ttl_ms,
        .cache_entries = authentication->cache_entries,
        .throttle = authentication->throttle,
    };
    return hg_authenticator_new(&plain, out, error);
}

/* ---- the key of cookies ---- */

#define COOKIE_KEY_MOST 4096

gboolean hg_authentication_read_cookie_key(const char *path, HgSecret **out,
                                           HgFileExposure *exposure, GError **error)
{
    HgFileExposure unused = HG_FILE_PRIVATE;
    g_autoptr(HgSecret) key = NULL;
    g_autoptr(HgCookies) cookies = NULL;
    if (!hg_secret_read_file(path, COOKIE_KEY_MOST, &key, exposure != NULL ? exposure : &unused,
                             error) ||
        !hg_cookies_new(hg_secret_slice(key), 1, &cookies, error))
        return FALSE;
    if (hg_secret_slice(key).size == 0) { /* which would stand for a random one */
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "the file is empty; expected at least %d random bytes", HG_COOKIE_KEY_MIN);
        return FALSE;
    }
    *out = g_steal_pointer(&key);
    return TRUE;
}
