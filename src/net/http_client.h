/* A blocking HTTP client for job threads: one request, one answer of bounded size, within a time.
 *
 * Over libcurl. A client keeps its idle connections and hands them to the next request; several
 * threads may use it at once, and it makes no more requests at a time than it was told. It speaks
 * http and https only, follows no redirect, sends no cookie, reads no proxy, netrc or other setting
 * from the environment, and decompresses nothing. */
#pragma once

#include "base/slice.h"

typedef struct HgHttpClient HgHttpClient;

typedef struct {
    const char *ca_file; /* PEM; NULL: the system's authorities. Read again every minute */
    const char *proxy;   /* NULL: none, whatever the environment says */
    gint64 connect_timeout_ms;
    gint64 timeout_ms; /* from the call to the last byte of the answer, waiting for a place too */
    gsize answer_max;  /* bytes of a body; a longer one is an error */
    guint requests;    /* at once; more wait */
} HgHttpClientConfig;

typedef struct {
    const char *url;            /* http or https */
    const char *const *headers; /* "Name: value" each, ending with NULL; NULL: none */
    const char *content_type;   /* of the body */
    HgSlice body;               /* with data: a POST; data NULL: a GET */
    const char *user;           /* NULL: none; else Basic, as it stands */
    const char *password;
} HgHttpRequest;

typedef struct {
    guint status;       /* 200 to 599 */
    HgSlice body;       /* the answer's own; NUL-terminated behind the end */
    char *content_type; /* as sent, or NULL */
} HgHttpAnswer;

/* A client; `config` is only read during the call. Fails when libcurl can't be used by threads. */
gboolean hg_http_client_new(const HgHttpClientConfig *config, HgHttpClient **out, GError **error);

/* Frees it; no request may be under way. NULL does nothing. */
void hg_http_client_free(HgHttpClient *client);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgHttpClient, hg_http_client_free)

/* Makes the request and waits for the whole answer, whatever its status. An error names the host
 * and what failed, never a query, header or password: HG_ERROR_UNAVAILABLE (no connection, broken
 * off, too slow), HG_ERROR_LIMIT (no place within the time, or the answer is too long),
 * HG_ERROR_INVALID (no such URL). Blocks. Any thread but a loop's. */
gboolean hg_http_client_send(HgHttpClient *client, const HgHttpRequest *request, HgHttpAnswer **out,
                             GError **error);

/* Wipes and frees it. NULL does nothing. */
void hg_http_answer_free(HgHttpAnswer *answer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgHttpAnswer, hg_http_answer_free)

/* Makes the requests under way, and all later ones, fail within about a second. Any thread. */
void hg_http_client_cancel(HgHttpClient *client);

/* The parts of an URL that can be shown and judged: "https" or "http", host (without brackets) and
 * whether it is this machine's own (localhost, 127.0.0.0/8, ::1). FALSE with HG_ERROR_INVALID when
 * it isn't an absolute http or https URL, or holds a user name, a password or a fragment. `host`
 * may be NULL, else free it with g_free. Pure. */
gboolean hg_http_url_check(const char *url, gboolean *is_https, gboolean *is_loopback, char **host,
                           GError **error);
