/* An issuer and the thread that fetches its keys: see issuer.h. */
#include "auth/issuer.h"

#include "auth/json.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "net/http_client.h"

#include <pthread.h>
#include <time.h>

#define ANSWER_MAX     (256 * 1024)
#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS  30000
#define WELL_KNOWN     "/.well-known/openid-configuration"

struct HgIssuer {
    char *name;
    char *issuer;
    char *jwks_url;
    char *jwks_file;
    gboolean plaintext;
    gint64 refresh_us;
    gint64 refetch_us;
    gint64 max_age_us;
    gint64 timeout_us;
    HgHttpClient *client; /* NULL with a file */
    pthread_t thread;
    pthread_mutex_t lock;   /* of all that follows */
    pthread_cond_t changed; /* something is wanted, or was done */
    gboolean stopping;
    gboolean wanted;
    gboolean fetching;
    HgJwks *keys;      /* NULL: never fetched */
    gint64 keys_us;    /* when that fetch began */
    gint64 attempt_us; /* when the last fetch ended, well or not */
    guint64 attempts;  /* fetches that ended */
    gint64 due_us;     /* when the next one is due by itself */
    gint64 retry_ms;   /* after how long a failure is followed by another try */
    char *problem;     /* what was wrong with the last fetch; NULL: nothing */
};

/* Takes a URL when it may be asked: https, unless it stays on this machine or plain text is fine.
 */
static gboolean check_url(const HgIssuer *issuer, const char *what, const char *url, GError **error)
{
    gboolean is_https = FALSE, is_loopback = FALSE;
    g_autoptr(GError) problem = NULL;
    if (!hg_http_url_check(url, &is_https, &is_loopback, NULL, &problem)) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s: %s", what, problem->message);
        return FALSE;
    }
    if (is_https || is_loopback || issuer->plaintext)
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "%s is plain http to another machine, where anybody between could put in keys of "
                "their own; expected https, or plaintext: true",
                what);
    return FALSE;
}

/* The body of a document. */
static gboolean get(HgIssuer *issuer, const char *url, HgHttpAnswer **out, GError **error)
{
    static const char *const headers[] = {"Accept: application/json", NULL};
    HgHttpRequest request = {.url = url, .headers = headers};
    g_autoptr(HgHttpAnswer) answer = NULL;
    if (!hg_http_client_send(issuer->client, &request, &answer, error))
        return FALSE;
    if (answer->status != 200) {
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "%s answered with HTTP status %u%s", url,
                    answer->status,
                    answer->status >= 300 && answer->status < 400
                        ? "; redirects aren't followed: configure where it leads"
                        : "");
        return FALSE;
    }
    *out = g_steal_pointer(&answer);
    return TRUE;
}

/* Where the discovery document says that the keys are; NULL after an error. */
static char *discover(HgIssuer *issuer, GError **error)
{
    gsize size = strlen(issuer->issuer);
    while (size > 0 && issuer->issuer[size - 1] == '/')
        size--;
    g_autofree char *url = g_strdup_printf("%.*s%s", (int)size, issuer->issuer, WELL_KNOWN);
    g_autoptr(HgHttpAnswer) answer = NULL;
    g_autoptr(GError) problem = NULL;
    if (!check_url(issuer, "the issuer's URL", url, error) || !get(issuer, url, &answer, error))
        return NULL;
    json_auto_t *document = hg_json_read(answer->body, &problem);
    const char *stated = hg_json_string(document, "issuer");
    const char *keys = hg_json_string(document, "jwks_uri");
    if (document == NULL) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s is of no use: %s", url,
                    problem->message);
    } else if (g_strcmp0(stated, issuer->issuer) != 0) {
        g_autofree char *shown = hg_text_quote(hg_slice_from_string(stated));
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s is the document of the issuer %s, not of %s; they must be the same to the "
                    "letter",
                    url, shown, issuer->issuer);
    } else if (keys == NULL) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s has no text \"jwks_uri\"", url);
    } else if (check_url(issuer, "jwks_uri of the discovery document", keys, error)) {
        return g_strdup(keys);
    }
    return NULL;
}

static gboolean read_file(HgIssuer *issuer, HgJwks **out, GError **error)
{
    g_autoptr(HgSecret) text = NULL;
    g_autoptr(GError) problem = NULL;
    HgFileExposure exposure = HG_FILE_PRIVATE;
    if (!hg_secret_read_file(issuer->jwks_file, ANSWER_MAX, &text, &exposure, error))
        return FALSE;
    if (hg_jwks_read(hg_secret_slice(text), out, &problem))
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s: %s", issuer->jwks_file, problem->message);
    return FALSE;
}

static gboolean fetch(HgIssuer *issuer, HgJwks **out, GError **error)
{
    if (issuer->jwks_file != NULL)
        return read_file(issuer, out, error);
    g_autofree char *url =
        issuer->jwks_url != NULL ? g_strdup(issuer->jwks_url) : discover(issuer, error);
    g_autoptr(HgHttpAnswer) answer = NULL;
    g_autoptr(GError) problem = NULL;
    if (url == NULL || !get(issuer, url, &answer, error))
        return FALSE;
    if (hg_jwks_read(answer->body, out, &problem))
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s: %s", url, problem->message);
    return FALSE;
}

/* Takes in what a fetch brought; under the lock. */
static void publish(HgIssuer *issuer, HgJwks *take_keys, gint64 begun_us, GError *take_error)
{
    gint64 now = g_get_monotonic_time();
    issuer->attempts++;
    issuer->attempt_us = now;
    g_clear_pointer(&issuer->problem, g_free);
    if (take_keys != NULL) {
        hg_jwks_unref(issuer->keys);
        issuer->keys = take_keys;
        issuer->keys_us = begun_us;
        issuer->retry_ms = RETRY_FIRST_MS;
        issuer->due_us = now + issuer->refresh_us;
    } else {
        issuer->problem = g_strdup(take_error->message);
        issuer->due_us = now + MIN(issuer->retry_ms * 1000, issuer->refresh_us);
        issuer->retry_ms = MIN(issuer->retry_ms * 2, RETRY_MOST_MS);
        g_error_free(take_error);
    }
    pthread_cond_broadcast(&issuer->changed);
}

/* Waits for a change until the moment; FALSE when that has passed. Under the lock. */
static gboolean wait_until(HgIssuer *issuer, gint64 until_us)
{
    struct timespec until = {.tv_sec = until_us / G_USEC_PER_SEC,
                             .tv_nsec = until_us % G_USEC_PER_SEC * 1000};
    return pthread_cond_timedwait(&issuer->changed, &issuer->lock, &until) == 0;
}

static void *run(void *data)
{
    HgIssuer *issuer = data;
    pthread_mutex_lock(&issuer->lock);
    while (!issuer->stopping) {
        gint64 now = g_get_monotonic_time();
        if (!issuer->wanted && now < issuer->due_us) {
            wait_until(issuer, issuer->due_us);
            continue;
        }
        HgJwks *keys = NULL;
        GError *error = NULL;
        issuer->wanted = FALSE;
        issuer->fetching = TRUE;
        pthread_mutex_unlock(&issuer->lock);
        fetch(issuer, &keys, &error);
        pthread_mutex_lock(&issuer->lock);
        issuer->fetching = FALSE;
        publish(issuer, keys, now, error);
    }
    pthread_mutex_unlock(&issuer->lock);
    return NULL;
}

static gboolean make_source(HgIssuer *issuer, const HgIssuerConfig *config, GError **error)
{
    HgHttpClientConfig http = {
        .ca_file = config->ca_file,
        .proxy = config->proxy,
        .connect_timeout_ms = config->connect_timeout_ms,
        .timeout_ms = config->timeout_ms,
        .answer_max = ANSWER_MAX,
        .requests = 1,
    };
    if (config->jwks_file == NULL)
        return hg_http_client_new(&http, &issuer->client, error) &&
               (config->jwks_url == NULL || check_url(issuer, "jwks_url", config->jwks_url, error));
    HgJwks *keys = NULL;
    if (!read_file(issuer, &keys, error))
        return FALSE;
    publish(issuer, keys, g_get_monotonic_time(), NULL);
    return TRUE;
}

static void free_parts(HgIssuer *issuer)
{
    hg_http_client_free(issuer->client);
    hg_jwks_unref(issuer->keys);
    pthread_cond_destroy(&issuer->changed);
    pthread_mutex_destroy(&issuer->lock);
    g_free(issuer->problem);
    g_free(issuer->name);
    g_free(issuer->issuer);
    g_free(issuer->jwks_url);
    g_free(issuer->jwks_file);
    g_free(issuer);
}

gboolean hg_issuer_new(const HgIssuerConfig *config, HgIssuer **out, GError **error)
{
    HgIssuer *issuer = g_new0(HgIssuer, 1);
    pthread_condattr_t monotonic;
    issuer->name = g_strdup(config->name);
    issuer->issuer = g_strdup(config->issuer);
    issuer->jwks_url = g_strdup(config->jwks_url);
    issuer->jwks_file = g_strdup(config->jwks_file);
    issuer->plaintext = config->plaintext;
    issuer->refresh_us = config->refresh_ms * 1000;
    issuer->refetch_us = config->refetch_ms * 1000;
    issuer->max_age_us = config->max_age_ms * 1000;
    issuer->timeout_us = config->timeout_ms * 1000;
    issuer->retry_ms = RETRY_FIRST_MS;
    pthread_mutex_init(&issuer->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&issuer->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    gboolean ok = make_source(issuer, config, error);
    if (ok && pthread_create(&issuer->thread, NULL, run, issuer) != 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_FAILED, "no thread for the issuer %s", config->name);
        ok = FALSE;
    }
    if (!ok) {
        free_parts(issuer);
        return FALSE;
    }
    *out = issuer;
    return TRUE;
}

void hg_issuer_free(HgIssuer *issuer)
{
    if (issuer == NULL)
        return;
    pthread_mutex_lock(&issuer->lock);
    issuer->stopping = TRUE;
    pthread_cond_broadcast(&issuer->changed);
    pthread_mutex_unlock(&issuer->lock);
    if (issuer->client != NULL)
        hg_http_client_cancel(issuer->client);
    pthread_join(issuer->thread, NULL);
    free_parts(issuer);
}

const char *hg_issuer_name(const HgIssuer *issuer)
{
    return issuer->name;
}

const char *hg_issuer_url(const HgIssuer *issuer)
{
    return issuer->issuer;
}

static const char *problem_of(const HgIssuer *issuer)
{
    return issuer->problem != NULL ? issuer->problem : "it hasn't answered yet";
}

gboolean hg_issuer_keys(HgIssuer *issuer, HgJwks **out, char **why)
{
    gint64 now = g_get_monotonic_time();
    gint64 until = now + issuer->timeout_us;
    gboolean ok = FALSE;
    pthread_mutex_lock(&issuer->lock);
    while (issuer->attempts == 0 && wait_until(issuer, until))
        ;
    if (issuer->keys == NULL)
        *why = g_strdup_printf("its keys were never fetched: %s", problem_of(issuer));
    else if (issuer->max_age_us > 0 && now - issuer->keys_us > issuer->max_age_us)
        *why = g_strdup_printf("its keys are %" G_GINT64_FORMAT " s old, and newer ones can't be "
                               "fetched: %s",
                               (now - issuer->keys_us) / G_USEC_PER_SEC, problem_of(issuer));
    else
        ok = TRUE;
    if (ok)
        *out = hg_jwks_ref(issuer->keys);
    pthread_mutex_unlock(&issuer->lock);
    return ok;
}

/* Has the keys fetched, when that may be, and waits for it. Under the lock. */
static void ask_for_newer(HgIssuer *issuer, gint64 now)
{
    gint64 until = now + issuer->timeout_us;
    guint64 attempts = issuer->attempts;
    if (!issuer->fetching) {
        if (issuer->attempts > 0 && now < issuer->attempt_us + issuer->refetch_us)
            return;
        issuer->wanted = TRUE;
        pthread_cond_broadcast(&issuer->changed);
    }
    while (issuer->attempts == attempts && !issuer->stopping && wait_until(issuer, until))
        ;
}

HgKeysOutcome hg_issuer_newer_keys(HgIssuer *issuer, const HgJwks *tried, HgJwks **out, char **why)
{
    HgKeysOutcome outcome = HG_KEYS_NEWER;
    gint64 now = g_get_monotonic_time();
    pthread_mutex_lock(&issuer->lock);
    if (issuer->keys == tried)
        ask_for_newer(issuer, now);
    if (issuer->keys != tried) {
        *out = hg_jwks_ref(issuer->keys);
    } else if (issuer->problem != NULL || issuer->fetching || issuer->wanted) {
        outcome = HG_KEYS_UNKNOWN;
        *why = g_strdup_printf("newer keys can't be fetched: %s", problem_of(issuer));
    } else {
        outcome = HG_KEYS_NO_NEW;
        *why = g_strdup_printf("it was asked for its keys %" G_GINT64_FORMAT " s ago",
                               (now - issuer->attempt_us) / G_USEC_PER_SEC);
    }
    pthread_mutex_unlock(&issuer->lock);
    return outcome;
}

gboolean hg_issuer_reload(HgIssuer *issuer, GError **error)
{
    HgJwks *keys = NULL;
    gint64 begun = g_get_monotonic_time();
    if (issuer->jwks_file != NULL && !read_file(issuer, &keys, error))
        return FALSE;
    pthread_mutex_lock(&issuer->lock);
    if (keys != NULL) {
        publish(issuer, keys, begun, NULL);
    } else {
        issuer->wanted = TRUE;
        pthread_cond_broadcast(&issuer->changed);
    }
    pthread_mutex_unlock(&issuer->lock);
    return TRUE;
}

char *hg_issuer_describe(HgIssuer *issuer)
{
    gint64 now = g_get_monotonic_time();
    pthread_mutex_lock(&issuer->lock);
    GString *text = g_string_new(issuer->name);
    if (issuer->keys == NULL) {
        g_string_append(text, ": no keys");
    } else {
        g_string_append_printf(text, ": %u keys, fetched %" G_GINT64_FORMAT " s ago",
                               hg_jwks_count(issuer->keys),
                               (now - issuer->keys_us) / G_USEC_PER_SEC);
        if (hg_jwks_skipped(issuer->keys) > 0)
            g_string_append_printf(text, ", %u left out (the first: %s)",
                                   hg_jwks_skipped(issuer->keys), hg_jwks_problem(issuer->keys));
    }
    if (issuer->problem != NULL)
        g_string_append_printf(text, "; the last fetch failed: %s", issuer->problem);
    pthread_mutex_unlock(&issuer->lock);
    return g_string_free(text, FALSE);
}
