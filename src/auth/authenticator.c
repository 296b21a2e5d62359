/* The chain of authentication methods: see authenticator.h. Owns the users snapshot and the memory
 * of logins; all threads. */
#include "auth/authenticator.h"

#include "auth/login_cache.h"
#include "auth/name.h"
#include "auth/password.h"
#include "auth/users.h"
#include "base/error.h"

#include <pthread.h>

#define NO_USER                                                                                    \
    "anonymous" /* what Hive's JDBC sends when the URL names no user (measured, 3.1.3) */

struct HgAuthenticator {
    HgCertificateRule *certificate; /* NULL: the chain doesn't have the method */
    char *users_file;               /* NULL: the chain doesn't have `users` */
    HgLoginCache *cache;
    HgCookies *cookies;   /* NULL: there are none */
    pthread_mutex_t lock; /* around `users`: the pointer, not what it points to */
    HgUsers *users;       /* empty without a file */
};

static const char *const methods[] = {"certificate", "users", NULL};

const char *const *hg_authenticator_methods(void)
{
    return methods;
}

/* The order of the two methods makes no difference: a certificate is looked at first, because that
 * costs nothing, and decides only for whom it names. */
static gboolean check_chain(const char *const *chain, GError **error)
{
    if (chain[0] == NULL) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "the authentication chain is empty; expected certificate or users");
        return FALSE;
    }
    for (gsize i = 0; chain[i] != NULL; i++) {
        if (!g_strv_contains(methods, chain[i])) {
            g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                        "there is no authentication method %s; expected certificate or users",
                        chain[i]);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean load_users(const char *path, HgUsers **out, GError **error)
{
    HgFileExposure exposure = HG_FILE_PRIVATE;
    if (path != NULL)
        return hg_users_load(path, out, &exposure, NULL, error);
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    *out = hg_users_parse("", hg_slice("", 0), problems);
    return TRUE;
}

gboolean hg_authenticator_new(const HgAuthenticatorConfig *config, HgAuthenticator **out,
                              GError **error)
{
    g_autoptr(HgAuthenticator) auth = g_new0(HgAuthenticator, 1);
    pthread_mutex_init(&auth->lock, NULL);
    if (!check_chain(config->chain, error))
        return FALSE;
    if (g_strv_contains(config->chain, "users"))
        auth->users_file = g_strdup(config->users_file);
    if (g_strv_contains(config->chain, "certificate") &&
        !hg_certificate_rule_new(config->certificate_field, config->certificate_pattern,
                                 &auth->certificate, error))
        return FALSE;
    if (config->cookie_max_age > 0 &&
        !hg_cookies_new(config->cookie_key, config->cookie_max_age, &auth->cookies, error))
        return FALSE;
    if (!hg_login_cache_new(config->cache_ttl_ms, config->cache_entries, &auth->cache, error) ||
        !load_users(auth->users_file, &auth->users, error))
        return FALSE;
    *out = g_steal_pointer(&auth);
    return TRUE;
}

void hg_authenticator_free(HgAuthenticator *auth)
{
    if (auth == NULL)
        return;
    hg_certificate_rule_free(auth->certificate);
    hg_users_unref(auth->users);
    hg_login_cache_free(auth->cache);
    hg_cookies_free(auth->cookies);
    pthread_mutex_destroy(&auth->lock);
    g_free(auth->users_file);
    g_free(auth);
}

static HgUsers *current_users(HgAuthenticator *auth)
{
    pthread_mutex_lock(&auth->lock);
    HgUsers *users = hg_users_ref(auth->users);
    pthread_mutex_unlock(&auth->lock);
    return users;
}

/* FALSE for what can be refused without looking anybody up, and so without telling anything. */
static gboolean possible(HgSlice name, HgSlice password)
{
    return hg_user_name_check(name, NULL) && hg_password_check(password, NULL);
}

/* The principal when the login is remembered and its user still has the same hash. */
static HgPrincipal *recall(HgAuthenticator *auth, HgUsers *users, HgSlice name, HgSlice password)
{
    const char *hash = NULL;
    HgPrincipal *principal = hg_users_find(users, name, &hash);
    if (principal == NULL ||
        !hg_login_cache_has(auth->cache, name, password, hg_slice_from_string(hash),
                            g_get_monotonic_time()))
        return NULL;
    return hg_principal_ref(principal);
}

HgAuthOutcome hg_authenticator_try_certificate(HgAuthenticator *auth, const HgTlsPeer *peer,
                                               HgSlice name, HgPrincipal **out)
{
    if (auth->certificate == NULL || peer == NULL)
        return HG_AUTH_CHECK;
    g_autofree char *user = hg_certificate_rule_name(auth->certificate, peer);
    if (user == NULL ||
        (!hg_slice_equal_string(name, user) && !hg_slice_equal_string(name, NO_USER)))
        return HG_AUTH_CHECK;
    *out = hg_principal_new("certificate", user, NULL, NULL);
    return HG_AUTH_ACCEPTED;
}

HgAuthOutcome hg_authenticator_try_cached(HgAuthenticator *auth, HgSlice name, HgSlice password,
                                          HgPrincipal **out)
{
    if (!possible(name, password))
        return HG_AUTH_DENIED;
    g_autoptr(HgUsers) users = current_users(auth);
    HgPrincipal *principal = recall(auth, users, name, password);
    if (principal == NULL)
        return HG_AUTH_CHECK;
    *out = principal;
    return HG_AUTH_ACCEPTED;
}

/* Only users of the file get cookies: their hash is the evidence that ends them. A certificate is
 * shown on each connection anyway. */
char *hg_authenticator_make_cookie(HgAuthenticator *auth, const HgPrincipal *principal,
                                   guint *max_age)
{
    const char *hash = NULL;
    const char *name = hg_principal_name(principal);
    if (auth->cookies == NULL)
        return NULL;
    g_autoptr(HgUsers) users = current_users(auth);
    HgPrincipal *known = hg_users_find(users, hg_slice_from_string(name), &hash);
    if (known == NULL || !hg_principal_equal(known, principal))
        return NULL;
    *max_age = hg_cookies_max_age(auth->cookies);
    return hg_cookies_make(auth->cookies, name, hg_slice_from_string(hash),
                           g_get_real_time() / G_USEC_PER_SEC);
}

HgAuthOutcome hg_authenticator_try_cookie(HgAuthenticator *auth, HgSlice value, HgPrincipal **out)
{
    const char *hash = NULL;
    g_autofree char *name = auth->cookies != NULL ? hg_cookies_claimed_user(value) : NULL;
    if (name == NULL)
        return HG_AUTH_DENIED;
    g_autoptr(HgUsers) users = current_users(auth);
    HgPrincipal *principal = hg_users_find(users, hg_slice_from_string(name), &hash);
    if (principal == NULL || !hg_cookies_check(auth->cookies, value, hg_slice_from_string(hash),
                                               g_get_real_time() / G_USEC_PER_SEC))
        return HG_AUTH_DENIED;
    *out = hg_principal_ref(principal);
    return HG_AUTH_ACCEPTED;
}

static gboolean deny(GError **error)
{
    g_set_error_literal(error, HG_ERROR, HG_ERROR_DENIED, HG_AUTH_DENIED_TEXT);
    return FALSE;
}

/* TRUE when the users file was read again since `users` and the user of that name has another hash
 * now, or is gone. */
static gboolean outdated(HgAuthenticator *auth, HgUsers *users, HgSlice name, const char *hash)
{
    g_autoptr(HgUsers) now = current_users(auth);
    const char *hash_now = NULL;
    if (now == users)
        return FALSE;
    return hg_users_find(now, name, &hash_now) == NULL || strcmp(hash, hash_now) != 0;
}

/* One check against one snapshot. */
static gboolean check_users(HgAuthenticator *auth, HgUsers *users, HgSlice name, HgSlice password,
                            HgPrincipal **out, GError **error)
{
    const char *hash = NULL;
    gboolean right = FALSE;
    HgPrincipal *principal = hg_users_find(users, name, &hash);
    if (principal == NULL)
        hash = hg_users_decoy(users, name);
    if (!hg_password_verify(password, hash, &right, error))
        return FALSE;
    /* a login that was under way while its user was deleted must not be let in by the old file */
    if (principal == NULL || !right || outdated(auth, users, name, hash))
        return deny(error);
    hg_login_cache_add(auth->cache, name, password, hg_slice_from_string(hash),
                       g_get_monotonic_time());
    *out = hg_principal_ref(principal);
    return TRUE;
}

gboolean hg_authenticator_check(HgAuthenticator *auth, HgSlice name, HgSlice password,
                                HgPrincipal **out, GError **error)
{
    if (!possible(name, password))
        return deny(error);
    g_autoptr(HgUsers) users = current_users(auth);
    /* many connections of one user often begin at once: the first check answers for the others */
    HgPrincipal *principal = recall(auth, users, name, password);
    if (principal != NULL) {
        *out = principal;
        return TRUE;
    }
    return check_users(auth, users, name, password, out, error);
}

gboolean hg_authenticator_reload(HgAuthenticator *auth, GError **error)
{
    HgUsers *fresh = NULL;
    if (!load_users(auth->users_file, &fresh, error))
        return FALSE;
    pthread_mutex_lock(&auth->lock);
    HgUsers *old = auth->users;
    auth->users = fresh;
    pthread_mutex_unlock(&auth->lock);
    hg_users_unref(old);
    return TRUE;
}

guint hg_authenticator_user_count(HgAuthenticator *auth)
{
    g_autoptr(HgUsers) users = current_users(auth);
    return hg_users_count(users);
}
