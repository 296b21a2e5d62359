/* A token server: see token_server.h. Owns the client. */
#include "auth/token_server.h"

#include "base/error.h"

#include <pthread.h>

#define ANSWER_MAX    (64 * 1024)
#define FAILURES_MOST 3
#define PAUSE_FIRST   (2 * G_USEC_PER_SEC)
#define PAUSE_MOST    (32 * G_USEC_PER_SEC)

struct HgTokenServer {
    char *url;
    HgHttpClient *client;
    pthread_mutex_t lock; /* of all that follows */
    guint failures;       /* in a row */
    gboolean probing;     /* one request finds out whether it is back */
    gint64 pause_us;
    gint64 paused_until_us;
    char *failure; /* the last one */
};

gboolean hg_token_server_check_url(const char *url, gboolean plaintext, GError **error)
{
    gboolean is_https = FALSE, is_loopback = FALSE;
    if (!hg_http_url_check(url, &is_https, &is_loopback, NULL, error))
        return FALSE;
    if (is_https || is_loopback || plaintext)
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "tokens would go in plain text to another machine; expected https, or plaintext: "
                "true");
    return FALSE;
}

gboolean hg_token_server_new(const HgTokenServerConfig *config, HgTokenServer **out, GError **error)
{
    HgHttpClientConfig http = {
        .ca_file = config->ca_file,
        .proxy = config->proxy,
        .connect_timeout_ms = config->connect_timeout_ms,
        .timeout_ms = config->timeout_ms,
        .answer_max = ANSWER_MAX,
        .requests = config->requests,
    };
    g_autoptr(HgHttpClient) client = NULL;
    if (!hg_token_server_check_url(config->url, config->plaintext, error) ||
        !hg_http_client_new(&http, &client, error))
        return FALSE;
    HgTokenServer *server = g_new0(HgTokenServer, 1);
    server->url = g_strdup(config->url);
    server->client = g_steal_pointer(&client);
    pthread_mutex_init(&server->lock, NULL);
    server->pause_us = PAUSE_FIRST;
    *out = server;
    return TRUE;
}

void hg_token_server_free(HgTokenServer *server)
{
    if (server == NULL)
        return;
    hg_http_client_free(server->client);
    pthread_mutex_destroy(&server->lock);
    g_free(server->failure);
    g_free(server->url);
    g_free(server);
}

const char *hg_token_server_url(const HgTokenServer *server)
{
    return server->url;
}

/* FALSE when the server is left alone at the moment. When a pause is over, one request finds out
 * whether it is back: more would only hold up more threads. */
static gboolean may_ask(HgTokenServer *server, GError **error)
{
    pthread_mutex_lock(&server->lock);
    gboolean is_bad = server->failures >= FAILURES_MOST;
    gboolean ok =
        !is_bad || (!server->probing && g_get_monotonic_time() >= server->paused_until_us);
    if (ok)
        server->probing = is_bad;
    else
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE,
                    "it failed %u times in a row and is left alone for a moment; the last time: %s",
                    server->failures, server->failure);
    pthread_mutex_unlock(&server->lock);
    return ok;
}

/* Counts how it went; `failure` is NULL when it went well. */
static void note(HgTokenServer *server, const char *failure)
{
    pthread_mutex_lock(&server->lock);
    server->probing = FALSE;
    if (failure == NULL) {
        server->failures = 0;
        server->pause_us = PAUSE_FIRST;
    } else {
        server->failures++;
        server->paused_until_us = g_get_monotonic_time() + server->pause_us;
        if (server->failures > FAILURES_MOST)
            server->pause_us = MIN(server->pause_us * 2, PAUSE_MOST);
        g_free(server->failure);
        server->failure = g_strdup(failure);
    }
    pthread_mutex_unlock(&server->lock);
}

gboolean hg_token_server_ask(HgTokenServer *server, const HgHttpRequest *request,
                             HgHttpAnswer **out, GError **error)
{
    HgHttpRequest complete = *request;
    g_autoptr(HgHttpAnswer) answer = NULL;
    GError *problem = NULL;
    if (complete.url == NULL)
        complete.url = server->url;
    if (!may_ask(server, error))
        return FALSE;
    if (hg_http_client_send(server->client, &complete, &answer, &problem) &&
        (answer->status == 429 || answer->status >= 500))
        g_set_error(&problem, HG_ERROR, HG_ERROR_UNAVAILABLE, "%s answered with HTTP status %u",
                    server->url, answer->status);
    note(server, problem != NULL ? problem->message : NULL);
    if (problem != NULL) {
        g_propagate_error(error, problem);
        return FALSE;
    }
    *out = g_steal_pointer(&answer);
    return TRUE;
}
