/* From configuration to pools: their endpoints or the sources they follow, how they are spoken to,
 * the rules of routing, and hivegate's announcement. Main thread. */
#pragma once

#include "app/config.h"
#include "app/tls_settings.h"
#include "base/log.h"
#include "proxy/options.h"

typedef struct HgPools HgPools;

/* Makes all pools; their sources don't run yet. NULL with *error when a source can't be made.
 * Config, settings and log are borrowed and outlive it. Before other threads are started. */
HgPools *hg_pools_new(const HgConfig *config, const HgTlsSettings *tls, HgLog *log, GError **error);

/* Ends all sources and frees everything; nobody may hold an endpoint any more. NULL is fine. */
void hg_pools_free(HgPools *pools);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgPools, hg_pools_free)

/* Puts the pools' part into the options; borrowed. */
void hg_pools_fill(const HgPools *pools, HgProxyOptions *options);

/* The pools, and hivegate's passwords at them, in the order of the configuration; borrowed. */
HgPool *const *hg_pools_list(const HgPools *pools);
HgSecretBox *const *hg_pools_passwords(const HgPools *pools);

/* Starts the sources. */
gboolean hg_pools_start(HgPools *pools, GError **error);

/* Announces hivegate if it is to be announced, and withdraws that. */
gboolean hg_pools_announce(HgPools *pools, const char *version, GError **error);
void hg_pools_withdraw(HgPools *pools);
