/* Reading again what may change while hivegate runs: users, policies, certificates, the key of
 * cookies, the pools' passwords.
 *
 * The main thread does it; others may ask for it and wait for the outcome. */
#pragma once

#include "app/auditing.h"
#include "app/tls_settings.h"
#include "auth/authenticator.h"
#include "base/log.h"
#include "base/metrics.h"
#include "proxy/policies.h"

typedef struct HgReload HgReload;

/* All are borrowed and outlive it; there is a password for each pool; `policies` and `auditing` may
 * be NULL. */
HgReload *hg_reload_new(const HgConfig *config, HgAuthenticator *authenticator,
                        HgPolicies *policies, HgTlsSettings *tls, HgSecretBox *const *passwords,
                        HgMetrics *metrics, HgAuditing *auditing, HgLog *log);
void hg_reload_free(HgReload *reload); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgReload, hg_reload_free)

/* Reads everything again, and says in the log what came of it. Users, policies, key and
 * passwords change together or not at all; certificates each by themselves, as they do when they
 * are only looked at. Main thread. */
void hg_reload_run(HgReload *reload);

/* Has the main thread do that (by SIGHUP to the own process) and waits for at most `timeout` ms. An
 * error says what couldn't be read; what was in use stays then. Any other thread. */
gboolean hg_reload_ask(HgReload *reload, guint timeout, GError **error);
