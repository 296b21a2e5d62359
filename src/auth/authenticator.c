/* The chains of methods: see authenticator.h. Owns the methods and the memory of logins; all
 * threads. */
#include "auth/authenticator.h"

#include "auth/login_cache.h"
#include "auth/name.h"
#include "base/error.h"

#include <pthread.h>

#define SECRET_MOST (64 * 1024) /* bytes; the transports take less */
#define CHAIN_MOST  16          /* methods in a chain */

typedef struct {
    guint8 methods[CHAIN_MOST]; /* indices, in order */
    guint n_methods;
    gboolean has_certificate;
} Chain;

struct HgAuthenticator {
    HgCertificateRule *certificate; /* NULL: no chain has the method */
    HgAuthMethod *methods;
    guint n_methods;
    Chain *chains;
    guint n_chains;
    HgLoginCache *successes;
    HgLoginCache *failures;
    HgThrottle *throttle;
    pthread_rwlock_t cookie_lock; /* around the pointers to the two */
    HgCookies *cookies;           /* NULL: there are none */
    HgCookies *old_cookies;       /* of the key before; NULL: none */
    guint cookie_max_age;
    HgMetricsShard *metrics; /* NULL: nobody counts */
};

#define CERTIFICATE "certificate"
#define METHODS     "certificate, users, ldap, jwt, introspection or tokeninfo"

const char *const *hg_authenticator_methods(void)
{
    static const char *const methods[] = {CERTIFICATE,     "users",     "ldap", "jwt",
                                          "introspection", "tokeninfo", NULL};
    return methods;
}

/* ---- making it ---- */

static int find_method(const HgAuthenticator *auth, const char *name)
{
    for (guint i = 0; i < auth->n_methods; i++)
        if (strcmp(auth->methods[i].table->name, name) == 0)
            return (int)i;
    return -1;
}

/* A certificate is looked at first wherever it stands in the chain, because that costs nothing, and
 * decides only for whom it names. */
static gboolean make_chain(const HgAuthenticator *auth, const char *const *names, Chain *chain,
                           GError **error)
{
    if (names[0] == NULL) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "an authentication chain is empty; expected " METHODS);
        return FALSE;
    }
    for (gsize i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], CERTIFICATE) == 0) {
            chain->has_certificate = TRUE;
            continue;
        }
        int method = find_method(auth, names[i]);
        if (method < 0 || chain->n_methods == CHAIN_MOST) {
            g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                        method < 0 ? "there is no authentication method %s here; expected " METHODS
                                   : "the authentication chain is too long at %s",
                        names[i]);
            return FALSE;
        }
        chain->methods[chain->n_methods++] = (guint8)method;
    }
    return TRUE;
}

gboolean hg_authenticator_new(const HgAuthenticatorConfig *config, HgAuthenticator **out,
                              GError **error)
{
    g_autoptr(HgAuthenticator) auth = g_new0(HgAuthenticator, 1);
    auth->methods = g_memdup2(config->take_methods, config->n_methods * sizeof(HgAuthMethod));
    auth->n_methods = config->n_methods;
    auth->chains = g_new0(Chain, config->n_chains);
    auth->n_chains = config->n_chains;
    auth->throttle = hg_throttle_new(&config->throttle);
    auth->cookie_max_age = config->cookie_max_age;
    pthread_rwlock_init(&auth->cookie_lock, NULL);
    gboolean has_certificate = FALSE;
    for (guint i = 0; i < config->n_chains; i++) {
        if (!make_chain(auth, config->chains[i], &auth->chains[i], error))
            return FALSE;
        has_certificate = has_certificate || auth->chains[i].has_certificate;
    }
    if (has_certificate &&
        !hg_certificate_rule_new(config->certificate_field, config->certificate_pattern,
                                 &auth->certificate, error))
        return FALSE;
    if (config->cookie_max_age > 0 &&
        !hg_cookies_new(config->cookie_key, config->cookie_max_age, &auth->cookies, error))
        return FALSE;
    if (!hg_login_cache_new(config->cache_ttl_ms, config->cache_entries, &auth->successes, error) ||
        !hg_login_cache_new(config->failure_ttl_ms, config->cache_entries, &auth->failures, error))
        return FALSE;
    *out = g_steal_pointer(&auth);
    return TRUE;
}

void hg_authenticator_count_in(HgAuthenticator *auth, HgMetricsShard *shard)
{
    auth->metrics = shard;
}

void hg_authenticator_free(HgAuthenticator *auth)
{
    if (auth == NULL)
        return;
    for (guint i = 0; i < auth->n_methods; i++)
        auth->methods[i].table->free(auth->methods[i].self);
    hg_certificate_rule_free(auth->certificate);
    hg_login_cache_free(auth->successes);
    hg_login_cache_free(auth->failures);
    hg_throttle_free(auth->throttle);
    hg_cookies_free(auth->cookies);
    hg_cookies_free(auth->old_cookies);
    pthread_rwlock_destroy(&auth->cookie_lock);
    g_free(auth->methods);
    g_free(auth->chains);
    g_free(auth);
}

/* The chain of that index; the first for one that there isn't. */
static const Chain *get_chain(const HgAuthenticator *auth, guint chain)
{
    return &auth->chains[chain < auth->n_chains ? chain : 0];
}

gboolean hg_authenticator_takes_bearer(const HgAuthenticator *auth, guint chain)
{
    const Chain *methods = get_chain(auth, chain);
    for (guint i = 0; i < methods->n_methods; i++)
        if (auth->methods[methods->methods[i]].table->takes_bearer)
            return TRUE;
    return FALSE;
}

/* ---- certificates and cookies ---- */

gboolean hg_authenticator_try_certificate(HgAuthenticator *auth, guint chain, const HgTlsPeer *peer,
                                          HgSlice name, HgPrincipal **out)
{
    if (!get_chain(auth, chain)->has_certificate || peer == NULL)
        return FALSE;
    g_autofree char *user = hg_certificate_rule_name(auth->certificate, peer);
    if (user == NULL ||
        (!hg_slice_equal_string(name, user) && !hg_slice_equal_string(name, HG_AUTH_NO_USER)))
        return FALSE;
    *out = hg_principal_new(CERTIFICATE, user, NULL, NULL);
    return TRUE;
}

/* The principal of that name that a method of the chain vouches for, with the evidence. */
static HgPrincipal *vouched(HgAuthenticator *auth, guint chain, const char *name, char **evidence)
{
    const Chain *methods = get_chain(auth, chain);
    for (guint i = 0; i < methods->n_methods; i++) {
        const HgAuthMethod *method = &auth->methods[methods->methods[i]];
        HgPrincipal *principal = method->table->vouch != NULL
                                     ? method->table->vouch(method->self, name, evidence)
                                     : NULL;
        if (principal != NULL)
            return principal;
    }
    return NULL;
}

/* Only principals that a method vouches for get cookies: the evidence is what ends them. A
 * certificate is shown on each connection anyway. */
char *hg_authenticator_make_cookie(HgAuthenticator *auth, guint chain, const HgPrincipal *principal,
                                   guint *max_age)
{
    const char *name = hg_principal_name(principal);
    g_autofree char *evidence = NULL;
    if (auth->cookie_max_age == 0)
        return NULL;
    g_autoptr(HgPrincipal) known = vouched(auth, chain, name, &evidence);
    if (known == NULL || !hg_principal_equal(known, principal))
        return NULL;
    *max_age = auth->cookie_max_age;
    pthread_rwlock_rdlock(&auth->cookie_lock);
    char *value = hg_cookies_make(auth->cookies, name, hg_slice_from_string(evidence),
                                  g_get_real_time() / G_USEC_PER_SEC);
    pthread_rwlock_unlock(&auth->cookie_lock);
    return value;
}

/* By the present key, or by the one before. */
static gboolean is_good_cookie(HgAuthenticator *auth, const HgCookieClaim *claim, HgSlice evidence)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    pthread_rwlock_rdlock(&auth->cookie_lock);
    gboolean good =
        hg_cookies_check(auth->cookies, claim, evidence, now) ||
        (auth->old_cookies != NULL && hg_cookies_check(auth->old_cookies, claim, evidence, now));
    pthread_rwlock_unlock(&auth->cookie_lock);
    return good;
}

gboolean hg_authenticator_set_cookie_key(HgAuthenticator *auth, HgSlice key, GError **error)
{
    HgCookies *fresh = NULL;
    if (auth->cookie_max_age == 0)
        return TRUE;
    if (!hg_cookies_new(key, auth->cookie_max_age, &fresh, error))
        return FALSE;
    pthread_rwlock_wrlock(&auth->cookie_lock);
    HgCookies *oldest = auth->old_cookies;
    auth->old_cookies = auth->cookies;
    auth->cookies = fresh;
    pthread_rwlock_unlock(&auth->cookie_lock);
    hg_cookies_free(oldest);
    return TRUE;
}

gboolean hg_authenticator_try_cookie(HgAuthenticator *auth, guint chain, HgSlice value,
                                     HgPrincipal **out)
{
    HgCookieClaim claim;
    g_autofree char *evidence = NULL;
    if (auth->cookie_max_age == 0 || !hg_cookies_read(value, &claim))
        return FALSE;
    g_autoptr(HgPrincipal) principal = vouched(auth, chain, claim.user, &evidence);
    if (principal == NULL || !is_good_cookie(auth, &claim, hg_slice_from_string(evidence)))
        return FALSE;
    *out = g_steal_pointer(&principal);
    return TRUE;
}

/* ---- the memory of logins ---- */

/* FALSE for what can be refused without looking anybody up, and so without telling anything. */
static gboolean is_possible(const HgCredentials *credentials)
{
    HgSlice name = credentials->name;
    HgSlice secret = credentials->secret;
    if (secret.size == 0 || secret.size > SECRET_MOST || memchr(secret.data, 0, secret.size))
        return FALSE;
    if (credentials->bearer)
        return name.size == 0;
    if (name.size == 0 || name.size > HG_NAME_MAX_BYTES ||
        !g_utf8_validate_len((const char *)name.data, name.size, NULL))
        return FALSE;
    for (gsize i = 0; i < name.size; i++)
        if (name.data[i] < 0x20 || name.data[i] == 0x7f)
            return FALSE;
    return TRUE;
}

/* TRUE when the method decides by passwords, which can be guessed: only these are throttled. Many
 * people share the names under which tokens come (`token`), and often an address. */
static gboolean is_guessable(const HgAuthenticator *auth, guint method)
{
    return !auth->methods[method].table->takes_bearer;
}

/* The method in front of `method` in the chain that has a user of that name; NULL: none has, as far
 * as can be told at once. */
static const HgAuthMethod *who_has(HgAuthenticator *auth, const Chain *chain, guint method,
                                   const char *name)
{
    for (guint i = 0; i < chain->n_methods && chain->methods[i] != method; i++) {
        const HgAuthMethod *before = &auth->methods[chain->methods[i]];
        g_autofree char *evidence = NULL;
        g_autoptr(HgPrincipal) principal = before->table->vouch != NULL
                                               ? before->table->vouch(before->self, name, &evidence)
                                               : NULL;
        if (principal != NULL)
            return before;
    }
    return NULL;
}

/* A method may know a user by more spellings than one in front of it, and the chain decides about a
 * user the same way however the name was typed: whoever is called as a user of a method in front
 * doesn't come in by this one. A token says by itself whose it is. NULL: it is well. */
static const HgAuthMethod *who_precedes(HgAuthenticator *auth, const HgAttempt *attempt,
                                        guint method, const HgPrincipal *principal)
{
    const Chain *chain = get_chain(auth, attempt->chain);
    g_autofree char *typed = hg_slice_dup_string(attempt->credentials.name);
    const HgAuthMethod *before =
        attempt->credentials.bearer ? NULL : who_has(auth, chain, method, typed);
    if (before != NULL || !is_guessable(auth, method))
        return before;
    return who_has(auth, chain, method, hg_principal_name(principal));
}

/* TRUE when a success that is remembered still holds; its principal is what is known of it now. */
static gboolean still_holds(HgAuthenticator *auth, guint method, HgLogin *login)
{
    const HgAuthMethod *by = &auth->methods[method];
    if (by->table->vouch == NULL)
        return TRUE;
    g_autofree char *evidence = NULL;
    HgPrincipal *now = by->table->vouch(by->self, hg_principal_name(login->principal), &evidence);
    if (now == NULL)
        return FALSE;
    hg_principal_unref(login->principal);
    login->principal = now;
    return g_strcmp0(evidence, login->evidence) == 0;
}

/* TRUE when a success with these credentials is remembered, and holds. */
static gboolean recall_success(HgAuthenticator *auth, const HgAttempt *attempt, HgLogin *out)
{
    HgLoginMemory memory = {0};
    if (!hg_login_cache_find(auth->successes, attempt->chain, &attempt->credentials,
                             g_get_monotonic_time(), &memory))
        return FALSE;
    *out = memory.login;
    if (still_holds(auth, memory.method, out) &&
        who_precedes(auth, attempt, memory.method, out->principal) == NULL)
        return TRUE;
    hg_login_clear(out);
    return FALSE;
}

static gboolean recall_failure(HgAuthenticator *auth, const HgAttempt *attempt, HgLogin *out)
{
    HgLoginMemory memory = {0};
    if (!hg_login_cache_find(auth->failures, attempt->chain, &attempt->credentials,
                             g_get_monotonic_time(), &memory))
        return FALSE;
    *out = memory.login;
    return TRUE;
}

/* TRUE when the client has failed too often. */
static gboolean is_throttled(HgAuthenticator *auth, const HgAttempt *attempt, HgLogin *out)
{
    if (attempt->credentials.bearer)
        return FALSE; /* nobody guesses tokens */
    g_autofree char *name = hg_slice_dup_string(attempt->credentials.name);
    guint left =
        hg_throttle_refused(auth->throttle, name, &attempt->address, g_get_monotonic_time());
    if (left == 0)
        return FALSE;
    g_autofree char *why =
        g_strdup_printf("too many failed logins; refused for another %u s", left);
    hg_login_say(out, HG_VERDICT_DENIED, why);
    out->say = g_strdup_printf("Too many failed logins; try again in %u s.", left);
    return TRUE;
}

gboolean hg_authenticator_try(HgAuthenticator *auth, const HgAttempt *attempt, HgLogin *out)
{
    *out = (HgLogin){0};
    if (!is_possible(&attempt->credentials)) {
        hg_login_say(out, HG_VERDICT_DENIED, "no user could have this name and password");
        return TRUE;
    }
    if (recall_success(auth, attempt, out))
        return TRUE;
    /* where tokens are taken, a method has to say first whether this is one */
    if (!hg_authenticator_takes_bearer(auth, attempt->chain) && is_throttled(auth, attempt, out))
        return TRUE;
    return recall_failure(auth, attempt, out);
}

/* ---- checking ---- */

static void tell(HgAuthTrace trace, void *data, const HgMethodTable *table, const HgLogin *login)
{
    if (trace != NULL)
        trace(data, table, login);
}

/* What a method has accepted must be fit for everything behind it. */
static void check_accepted(HgAuthenticator *auth, const HgAttempt *attempt, guint method,
                           HgLogin *login)
{
    g_autoptr(GError) error = NULL;
    HgSlice name = hg_slice_from_string(hg_principal_name(login->principal));
    const HgAuthMethod *before = who_precedes(auth, attempt, method, login->principal);
    const char *why = NULL;
    if (!hg_user_name_check(name, &error))
        why = error->message;
    else if (login->good_until != 0 && g_get_real_time() / G_USEC_PER_SEC >= login->good_until)
        why = "what was shown has expired";
    else if (!still_holds(auth, method, login)) /* its file was read again meanwhile */
        why = "the user was changed while the login was checked";
    if (why == NULL && before == NULL)
        return;
    g_autofree char *kept =
        why != NULL ? g_strdup(why)
                    : g_strdup_printf("%s is a user of %s, which the chain asks before this",
                                      hg_principal_name(login->principal), before->table->name);
    hg_login_clear(login);
    hg_login_say(login, HG_VERDICT_DENIED, kept);
}

/* One method's check, counted. */
static void ask_method(HgAuthenticator *auth, const HgAuthMethod *step,
                       const HgCredentials *credentials, HgLogin *out)
{
    const HgMetricLabel *labels = hg_metric_row(HG_METRIC_CHECK_SECONDS)->labels;
    guint64 began = hg_metrics_now();
    step->table->check(step->self, credentials, out);
    guint method = 0;
    while (labels[0].values[method + 1] != NULL && /* the last one is "other" */
           strcmp(labels[0].values[method], step->table->name) != 0)
        method++;
    guint series = method * g_strv_length((char **)labels[1].values) + out->verdict;
    hg_metrics_observe(auth->metrics, HG_METRIC_CHECK_SECONDS, series, hg_metrics_now() - began);
}

/* Asks one method after the other until one decides. *method is the one that did. FALSE when the
 * client is refused because it has failed too often. */
static gboolean ask_chain(HgAuthenticator *auth, const HgAttempt *attempt, HgAuthTrace trace,
                          void *data, guint *method, HgLogin *out)
{
    const Chain *chain = get_chain(auth, attempt->chain);
    g_autoptr(GString) whys = g_string_new(NULL);
    for (guint i = 0; i < chain->n_methods; i++) {
        const HgAuthMethod *step = &auth->methods[chain->methods[i]];
        *method = chain->methods[i];
        if (trace == NULL && is_guessable(auth, *method) && is_throttled(auth, attempt, out))
            return FALSE;
        ask_method(auth, step, &attempt->credentials, out);
        if (out->verdict == HG_VERDICT_ACCEPTED)
            check_accepted(auth, attempt, *method, out);
        tell(trace, data, step->table, out);
        if (out->verdict != HG_VERDICT_NOT_MINE) {
            if (out->why != NULL) {
                char *why = g_strdup_printf("%s: %s", step->table->name, out->why);
                g_free(out->why);
                out->why = why;
            }
            return TRUE;
        }
        g_string_append_printf(whys, "%s%s: %s", whys->len > 0 ? "; " : "", step->table->name,
                               out->why != NULL ? out->why : "not for this method");
        hg_login_clear(out);
    }
    hg_login_say(out, HG_VERDICT_DENIED,
                 whys->len > 0 ? whys->str : "no method of the chain takes such a login");
    return TRUE;
}

static void remember(HgAuthenticator *auth, const HgAttempt *attempt, const HgLogin *login,
                     guint method)
{
    if (login->verdict == HG_VERDICT_UNAVAILABLE)
        return;
    HgLoginMemory memory = {*login, method};
    hg_login_cache_add(login->verdict == HG_VERDICT_ACCEPTED ? auth->successes : auth->failures,
                       attempt->chain, &attempt->credentials, g_get_monotonic_time(), &memory);
}

void hg_authenticator_check(HgAuthenticator *auth, const HgAttempt *attempt, HgAuthTrace trace,
                            void *data, HgLogin *out, guint *delay_ms)
{
    guint method = 0;
    *delay_ms = 0;
    *out = (HgLogin){0};
    if (!is_possible(&attempt->credentials)) {
        hg_login_say(out, HG_VERDICT_DENIED, "no user could have this name and password");
        tell(trace, data, NULL, out);
        return;
    }
    /* many connections of one user often begin at once: the first check answers for the others */
    if (trace == NULL && (recall_success(auth, attempt, out) || recall_failure(auth, attempt, out)))
        return;
    if (!ask_chain(auth, attempt, trace, data, &method, out))
        return;
    remember(auth, attempt, out, method);
    if (attempt->credentials.bearer || trace != NULL || auth->n_methods == 0 ||
        !is_guessable(auth, method))
        return;
    g_autofree char *name = hg_slice_dup_string(attempt->credentials.name);
    if (out->verdict == HG_VERDICT_ACCEPTED)
        hg_throttle_succeeded(auth->throttle, name, &attempt->address);
    else if (out->verdict == HG_VERDICT_DENIED)
        *delay_ms =
            hg_throttle_failed(auth->throttle, name, &attempt->address, g_get_monotonic_time());
}

/* The principal of that name at the first of `count` methods that knows it, and which that is. */
static HgPrincipal *look_up(HgAuthenticator *auth, const Chain *methods, guint count,
                            const char *name, guint *by, GError **error)
{
    for (guint i = 0; i < count; i++) {
        const HgAuthMethod *method = &auth->methods[methods->methods[i]];
        GError *problem = NULL;
        HgPrincipal *principal = method->table->look_up != NULL
                                     ? method->table->look_up(method->self, name, &problem)
                                     : NULL;
        if (principal != NULL &&
            !hg_user_name_check(hg_slice_from_string(hg_principal_name(principal)), &problem))
            g_clear_pointer(&principal, hg_principal_unref);
        if (problem != NULL)
            g_propagate_prefixed_error(error, problem, "%s: ", method->table->name);
        *by = i;
        if (principal != NULL || problem != NULL)
            return principal;
    }
    return NULL;
}

/* A look-up is remembered like the login of who has no password, which is_possible() lets nobody
 * try. */
static HgAttempt attempt_of_look_up(guint chain, const char *name)
{
    return (HgAttempt){.chain = chain, .credentials = {.name = hg_slice_from_string(name)}};
}

gboolean hg_authenticator_try_look_up(HgAuthenticator *auth, guint chain, const char *name,
                                      HgPrincipal **out)
{
    HgAttempt attempt = attempt_of_look_up(chain, name);
    g_auto(HgLogin) login = {0};
    if (!recall_success(auth, &attempt, &login))
        return FALSE;
    *out = g_steal_pointer(&login.principal);
    return TRUE;
}

/* What a method vouches for is known at once anyway. */
static void remember_look_up(HgAuthenticator *auth, guint chain, const char *name, guint method,
                             HgPrincipal *principal)
{
    HgAttempt attempt = attempt_of_look_up(chain, name);
    HgLogin login = {.verdict = HG_VERDICT_ACCEPTED, .principal = principal};
    if (auth->methods[method].table->vouch == NULL)
        remember(auth, &attempt, &login, method);
}

/* However the name was typed, the first method that knows the user counts: one in front of the one
 * that knew that spelling may know the user by its own. */
HgPrincipal *hg_authenticator_look_up(HgAuthenticator *auth, guint chain, const char *name,
                                      GError **error)
{
    const Chain *methods = get_chain(auth, chain);
    guint by = 0, first_by = 0;
    GError *problem = NULL;
    g_autoptr(HgPrincipal) found = NULL;
    if (hg_authenticator_try_look_up(auth, chain, name, &found))
        return g_steal_pointer(&found);
    found = look_up(auth, methods, methods->n_methods, name, &by, error);
    if (found == NULL)
        return NULL;
    const char *own = hg_principal_name(found);
    HgPrincipal *first =
        strcmp(own, name) != 0 ? look_up(auth, methods, by, own, &first_by, &problem) : NULL;
    if (problem != NULL)
        g_propagate_error(error, problem);
    if (first != NULL || problem != NULL)
        return first;
    remember_look_up(auth, chain, name, methods->methods[by], found);
    return g_steal_pointer(&found);
}

guint hg_authenticator_unlock(HgAuthenticator *auth, const char *user, const HgPeerAddress *address)
{
    hg_login_cache_forget(auth->failures);
    return hg_throttle_unlock(auth->throttle, user, address);
}

guint hg_authenticator_throttled(HgAuthenticator *auth)
{
    return hg_throttle_refused_count(auth->throttle, g_get_monotonic_time());
}

gboolean hg_authenticator_reload(HgAuthenticator *auth, GError **error)
{
    g_autoptr(GString) problems = g_string_new(NULL);
    for (guint i = 0; i < auth->n_methods; i++) {
        const HgAuthMethod *method = &auth->methods[i];
        g_autoptr(GError) problem = NULL;
        if (method->table->reload == NULL || method->table->reload(method->self, &problem))
            continue;
        g_string_append_printf(problems, "%s%s", problems->len > 0 ? "; " : "", problem->message);
    }
    hg_login_cache_forget(auth->failures);
    hg_throttle_forget(auth->throttle);
    if (problems->len == 0)
        return TRUE;
    g_set_error_literal(error, HG_ERROR, HG_ERROR_FAILED, problems->str);
    return FALSE;
}
