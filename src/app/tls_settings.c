/* TLS settings of listeners and pools: see tls_settings.h. Main thread. */
#include "app/tls_settings.h"

#define WARN_BEFORE (14 * 86400) /* seconds before a certificate expires */

/* One listener's or pool's. */
typedef struct {
    const char *kind; /* "listener" or "pool" */
    const char *name;
    HgTls *tls;    /* NULL: no TLS */
    char *problem; /* of the last reload, when it failed */
} Entry;

struct HgTlsSettings {
    Entry *entries; /* listeners, then pools */
    guint n_listeners;
    guint n_entries;
};

HgTls *hg_tls_settings_of_listener(const HgListenerConfig *listener, GError **error)
{
    const HgListenerTlsConfig *tls = &listener->tls;
    if (tls->n_certificates == 0)
        return NULL;
    HgTlsOptions options = {.pairs = tls->certificates,
                            .n_pairs = tls->n_certificates,
                            .ca_file = tls->client_ca_file,
                            .min_version = tls->min_version,
                            .ciphers = tls->ciphers,
                            .ciphersuites = tls->ciphersuites,
                            .client_certificate = tls->client_certificate};
    return hg_tls_new_server(&options, error);
}

static HgTlsVerify verify_of(HgConfigVerify verify)
{
    switch (verify) {
    case HG_CONFIG_TLS_CHAIN:
        return HG_TLS_VERIFY_CHAIN;
    case HG_CONFIG_TLS_NO_CHECK:
        return HG_TLS_VERIFY_NONE;
    case HG_CONFIG_TLS_OFF:
    case HG_CONFIG_TLS_FULL:
        return HG_TLS_VERIFY_FULL;
    }
    g_return_val_if_reached(HG_TLS_VERIFY_FULL);
}

HgTls *hg_tls_settings_of_pool(const HgPoolConfig *pool, GError **error)
{
    const HgPoolTlsConfig *tls = &pool->tls;
    if (tls->verify == HG_CONFIG_TLS_OFF)
        return NULL;
    HgTlsPair pair = {tls->certificate_file, tls->key_file};
    HgTlsOptions options = {.pairs = &pair,
                            .n_pairs = tls->certificate_file != NULL ? 1 : 0,
                            .ca_file = tls->ca_file,
                            .min_version = tls->min_version,
                            .ciphers = tls->ciphers,
                            .ciphersuites = tls->ciphersuites,
                            .verify = verify_of(tls->verify)};
    return hg_tls_new_client(&options, error);
}

HgTlsSettings *hg_tls_settings_new(const HgConfig *config, GError **error)
{
    g_autoptr(HgTlsSettings) settings = g_new0(HgTlsSettings, 1);
    settings->n_listeners = config->n_listeners;
    settings->n_entries = config->n_listeners + config->n_pools;
    settings->entries = g_new0(Entry, settings->n_entries);
    for (guint i = 0; i < settings->n_entries; i++) {
        GError *problem = NULL;
        Entry *entry = &settings->entries[i];
        gboolean listens = i < config->n_listeners;
        guint index = listens ? i : i - config->n_listeners;
        entry->kind = listens ? "listener" : "pool";
        entry->name = listens ? config->listeners[index].name : config->pools[index].name;
        entry->tls = listens ? hg_tls_settings_of_listener(&config->listeners[index], &problem)
                             : hg_tls_settings_of_pool(&config->pools[index], &problem);
        if (problem == NULL)
            continue;
        g_propagate_prefixed_error(error, problem, "%s %s: ", entry->kind, entry->name);
        return NULL;
    }
    return g_steal_pointer(&settings);
}

void hg_tls_settings_free(HgTlsSettings *settings)
{
    if (settings == NULL)
        return;
    for (guint i = 0; i < settings->n_entries; i++) {
        hg_tls_unref(settings->entries[i].tls);
        g_free(settings->entries[i].problem);
    }
    g_free(settings->entries);
    g_free(settings);
}

HgTls *hg_tls_settings_listener(const HgTlsSettings *settings, guint index)
{
    return settings->entries[index].tls;
}

HgTls *hg_tls_settings_pool(const HgTlsSettings *settings, guint index)
{
    return settings->entries[settings->n_listeners + index].tls;
}

static void warn_of(const Entry *entry, HgLog *log)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    gint64 expires = entry->tls != NULL ? hg_tls_expires(entry->tls) : 0;
    if (expires == 0 || expires > now + WARN_BEFORE)
        return;
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(expires);
    g_autofree char *text = when != NULL ? g_date_time_format_iso8601(when) : NULL;
    hg_log(log, HG_LOG_WARN, expires > now ? "certificate_expires" : "certificate_expired",
           hg_log_text(entry->kind, entry->name), hg_log_text("at", text));
}

void hg_tls_settings_warn(HgTlsSettings *settings, HgLog *log)
{
    for (guint i = 0; i < settings->n_entries; i++)
        warn_of(&settings->entries[i], log);
}

static void reload(Entry *entry, HgLog *log)
{
    gboolean changed = FALSE;
    g_autoptr(GError) error = NULL;
    if (hg_tls_reload(entry->tls, &changed, &error)) {
        g_clear_pointer(&entry->problem, g_free);
        if (!changed)
            return;
        hg_log(log, HG_LOG_INFO, "certificates_reloaded", hg_log_text(entry->kind, entry->name));
        warn_of(entry, log);
    } else if (g_strcmp0(entry->problem, error->message) != 0) {
        hg_log(log, HG_LOG_ERROR, "certificates_not_reloaded",
               hg_log_text(entry->kind, entry->name), hg_log_text("why", error->message));
        g_free(entry->problem);
        entry->problem = g_strdup(error->message);
    }
}

gboolean hg_tls_settings_reload(HgTlsSettings *settings, gboolean anew, HgLog *log)
{
    gboolean all = TRUE;
    for (guint i = 0; i < settings->n_entries; i++) {
        Entry *entry = &settings->entries[i];
        if (anew)
            g_clear_pointer(&entry->problem, g_free);
        if (entry->tls != NULL)
            reload(entry, log);
        all = all && entry->problem == NULL;
    }
    return all;
}
