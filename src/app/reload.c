/* Reading files again: see reload.h. Owns the key of cookies that is in use, and the outcome of the
 * last run, under a lock. */
#include "app/reload.h"

#include "app/authentication.h"
#include "app/enforcement.h"
#include "base/error.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

struct HgReload {
    const HgConfig *config;
    HgAuthenticator *authenticator;
    HgPolicies *policies; /* NULL: none are configured */
    HgTlsSettings *tls;
    HgSecretBox *const *passwords; /* of the pools */
    HgMetrics *metrics;
    HgAuditing *auditing; /* NULL: none */
    HgLog *log;
    HgSecret *cookie_key; /* in use; NULL: a random one. Main thread */
    pthread_mutex_t lock; /* around all below */
    pthread_cond_t ran;
    guint asked;   /* how often somebody has */
    guint done;    /* of these, answered by the last run */
    char *problem; /* of the last run; NULL: none */
};

HgReload *hg_reload_new(const HgConfig *config, HgAuthenticator *authenticator,
                        HgPolicies *policies, HgTlsSettings *tls, HgSecretBox *const *passwords,
                        HgMetrics *metrics, HgAuditing *auditing, HgLog *log)
{
    HgReload *reload = g_new0(HgReload, 1);
    pthread_condattr_t attributes;
    reload->config = config;
    reload->authenticator = authenticator;
    reload->policies = policies;
    reload->tls = tls;
    reload->passwords = passwords;
    reload->metrics = metrics;
    reload->auditing = auditing;
    reload->log = log;
    if (config->authentication.cookie.key != NULL)
        reload->cookie_key = hg_secret_ref(config->authentication.cookie.key);
    pthread_mutex_init(&reload->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&reload->ran, &attributes);
    pthread_condattr_destroy(&attributes);
    return reload;
}

void hg_reload_free(HgReload *reload)
{
    if (reload == NULL)
        return;
    hg_secret_unref(reload->cookie_key);
    pthread_cond_destroy(&reload->ran);
    pthread_mutex_destroy(&reload->lock);
    g_free(reload->problem);
    g_free(reload);
}

/* ---- the work ---- */

static void note_problem(GString *problems, const char *what, const char *why)
{
    g_string_append_printf(problems, "%s%s: %s", problems->len > 0 ? "; " : "", what, why);
}

/* The key in the file: *out is NULL when it is the one in use, or there is none. */
static gboolean read_cookie_key(HgReload *reload, HgSecret **out, GString *problems)
{
    const char *path = reload->config->authentication.cookie.key_file;
    g_autoptr(GError) error = NULL;
    g_autoptr(HgSecret) key = NULL;
    if (path == NULL)
        return TRUE;
    if (!hg_authentication_read_cookie_key(path, &key, NULL, &error)) {
        hg_log(reload->log, HG_LOG_ERROR, "cookie_key_not_reloaded",
               hg_log_text("why", error->message));
        note_problem(problems, "key of cookies", error->message);
        return FALSE;
    }
    if (!hg_slice_equal(hg_secret_slice(key), hg_secret_slice(reload->cookie_key)))
        *out = g_steal_pointer(&key);
    return TRUE;
}

/* hivegate's own password at a pool's endpoints; *out is NULL when it is in no file. */
static gboolean read_password(HgReload *reload, const HgPoolConfig *pool, HgSecret **out,
                              GString *problems)
{
    HgFileExposure exposure = HG_FILE_PRIVATE;
    g_autoptr(GError) error = NULL;
    if (pool->password_file == NULL ||
        hg_secret_load_file(pool->password_file, out, &exposure, &error))
        return TRUE;
    hg_log(reload->log, HG_LOG_ERROR, "pool_password_not_reloaded", hg_log_text("pool", pool->name),
           hg_log_text("why", error->message));
    note_problem(problems, "password of the pool", error->message);
    return FALSE;
}

/* The set of policies in the file; *out is NULL when none are configured. */
static gboolean read_policies(HgReload *reload, HgPolicySet **out, GString *problems)
{
    g_autoptr(GError) error = NULL;
    if (reload->policies == NULL || hg_enforcement_read(reload->config, out, &error))
        return TRUE;
    hg_log(reload->log, HG_LOG_ERROR, "policies_not_reloaded", hg_log_text("why", error->message));
    note_problem(problems, "policies", error->message);
    return FALSE;
}

/* Holds for every statement from now on. */
static void set_policies(HgReload *reload, HgPolicySet *take_set)
{
    g_autofree char *version = g_strdup(hg_policy_set_version(take_set));
    if (hg_policies_replace(reload->policies, take_set))
        hg_log(reload->log, HG_LOG_INFO, "policies_reloaded", hg_log_text("version", version));
}

/* Those of all pools, with NULL for what is in no file. */
static gboolean read_passwords(HgReload *reload, GPtrArray *out, GString *problems)
{
    gboolean read = TRUE;
    g_ptr_array_set_size(out, (gint)reload->config->n_pools);
    for (guint i = 0; i < reload->config->n_pools; i++)
        read = read_password(reload, &reload->config->pools[i], (HgSecret **)&out->pdata[i],
                             problems) &&
               read;
    return read;
}

/* New logins at the endpoints, and over HTTP all requests, carry these passwords from now on. */
static void set_passwords(HgReload *reload, const GPtrArray *passwords)
{
    for (guint i = 0; i < passwords->len; i++)
        if (passwords->pdata[i] != NULL &&
            hg_secret_box_put(reload->passwords[i], passwords->pdata[i]))
            hg_log(reload->log, HG_LOG_INFO, "pool_password_reloaded",
                   hg_log_text("pool", reload->config->pools[i].name));
}

static gboolean reload_users(HgReload *reload, GString *problems)
{
    g_autoptr(GError) error = NULL;
    if (hg_authenticator_reload(reload->authenticator, &error)) {
        hg_log(reload->log, HG_LOG_INFO, "users_reloaded");
        return TRUE;
    }
    hg_log(reload->log, HG_LOG_ERROR, "users_not_reloaded", hg_log_text("why", error->message));
    note_problem(problems, "users", error->message);
    return FALSE;
}

/* Another key signs cookies from now on. */
static void set_cookie_key(HgReload *reload, HgSecret *key, GString *problems)
{
    g_autoptr(GError) error = NULL;
    if (hg_authenticator_set_cookie_key(reload->authenticator, hg_secret_slice(key), &error)) {
        hg_secret_unref(reload->cookie_key);
        reload->cookie_key = hg_secret_ref(key);
        hg_log(reload->log, HG_LOG_INFO, "cookie_key_reloaded");
        return;
    }
    hg_log(reload->log, HG_LOG_ERROR, "cookie_key_not_reloaded",
           hg_log_text("why", error->message));
    note_problem(problems, "key of cookies", error->message);
}

void hg_reload_run(HgReload *reload)
{
    g_autoptr(GString) problems = g_string_new(NULL);
    g_autoptr(HgSecret) key = NULL;
    g_autoptr(GPtrArray) passwords =
        g_ptr_array_new_with_free_func((GDestroyNotify)hg_secret_unref);
    g_autoptr(HgPolicySet) policies = NULL;
    pthread_mutex_lock(&reload->lock);
    guint asked = reload->asked;
    pthread_mutex_unlock(&reload->lock);
    if (!hg_tls_settings_reload(reload->tls, TRUE, reload->log))
        note_problem(problems, "certificates", "some couldn't be read, as the log says");
    gboolean read = read_cookie_key(reload, &key, problems);
    read = read_passwords(reload, passwords, problems) && read;
    read = read_policies(reload, &policies, problems) && read;
    if (!read) {
        hg_log(reload->log, HG_LOG_ERROR, "users_not_reloaded",
               hg_log_text("why", "something else couldn't be read: all or nothing"));
    } else if (reload_users(reload, problems)) {
        if (key != NULL)
            set_cookie_key(reload, key, problems);
        set_passwords(reload, passwords);
        if (policies != NULL)
            set_policies(reload, g_steal_pointer(&policies));
    }
    gboolean failed = problems->len > 0;
    hg_auditing_note_reload(reload->auditing, failed ? problems->str : NULL);
    hg_metrics_add(hg_metrics_shared(reload->metrics), HG_METRIC_RELOADS,
                   failed ? HG_CONNECTED_FAILED : HG_CONNECTED_DONE, 1);
    pthread_mutex_lock(&reload->lock);
    reload->done = asked;
    g_free(reload->problem);
    reload->problem = failed ? g_strdup(problems->str) : NULL;
    pthread_cond_broadcast(&reload->ran);
    pthread_mutex_unlock(&reload->lock);
}

gboolean hg_reload_ask(HgReload *reload, guint timeout, GError **error)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout / 1000;
    pthread_mutex_lock(&reload->lock);
    guint number = ++reload->asked;
    kill(getpid(), SIGHUP); /* which only the main thread takes */
    int rc = 0;
    while ((gint)(reload->done - number) < 0 && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&reload->ran, &reload->lock, &until);
    gboolean ran = (gint)(reload->done - number) >= 0;
    g_autofree char *problem = ran ? g_strdup(reload->problem) : NULL;
    pthread_mutex_unlock(&reload->lock);
    if (!ran)
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE,
                    "hivegate hasn't read its files within %u s; its log will say what came of it",
                    timeout / 1000);
    else if (problem != NULL)
        g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID, problem);
    return ran && problem == NULL;
}
