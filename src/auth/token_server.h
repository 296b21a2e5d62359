/* A server that is asked about tokens (introspection, tokeninfo), and what spares it.
 *
 * Requests at once are bounded, and a server that fails again and again is left alone for a moment,
 * so that it doesn't hold up the logins that need it not. Any job thread. */
#pragma once

#include "net/http_client.h"

typedef struct {
    const char *url;
    const char *ca_file; /* NULL: the system's */
    const char *proxy;   /* NULL: none */
    gboolean plaintext;  /* http may go to other machines */
    gint64 connect_timeout_ms;
    gint64 timeout_ms;
    guint requests; /* at once; more wait */
} HgTokenServerConfig;

typedef struct HgTokenServer HgTokenServer;

/* `config` is only read during the call; nothing is asked yet. */
gboolean hg_token_server_new(const HgTokenServerConfig *config, HgTokenServer **out,
                             GError **error);
void hg_token_server_free(HgTokenServer *server); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgTokenServer, hg_token_server_free)

/* Borrowed. */
const char *hg_token_server_url(const HgTokenServer *server);

/* The URL as config_check and the methods want it: https, or http that stays on this machine or is
 * allowed. Pure. */
gboolean hg_token_server_check_url(const char *url, gboolean plaintext, GError **error);

/* Makes the request (its URL is put in when it has none). No answer, and the statuses 429 and 500
 * to 599, are HG_ERROR_UNAVAILABLE; after three of them in a row requests fail at once but for
 * one after 2 s, the next 4 s later, and so on, up to 32 s. */
gboolean hg_token_server_ask(HgTokenServer *server, const HgHttpRequest *request,
                             HgHttpAnswer **out, GError **error);
