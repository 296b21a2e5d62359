/* From configuration to TLS settings, and the watch over their files.
 *
 * Main thread. */
#pragma once

#include "app/config.h"

/* The settings that the configuration asks for; NULL without *error when it asks for no TLS, NULL
 * with *error when the files are of no use. Blocks on the disk. */
HgTls *hg_tls_settings_of_listener(const HgListenerConfig *listener, GError **error);
HgTls *hg_tls_settings_of_pool(const HgPoolConfig *pool, GError **error);

/* The settings of all listeners and pools. */
typedef struct HgTlsSettings HgTlsSettings;

/* Makes all of them; NULL with *error when one can't be made. `config` outlives the result. */
HgTlsSettings *hg_tls_settings_new(const HgConfig *config, GError **error);
void hg_tls_settings_free(HgTlsSettings *settings); /* NULL is fine */

/* Borrowed; NULL: no TLS there. */
HgTls *hg_tls_settings_listener(const HgTlsSettings *settings, guint index);
HgTls *hg_tls_settings_pool(const HgTlsSettings *settings, guint index);

/* Reads again what has changed on the disk, and says in the log what came of it. The same fault is
 * told once, until it is another one or `anew`. FALSE when something couldn't be read. */
gboolean hg_tls_settings_reload(HgTlsSettings *settings, gboolean anew, HgLog *log);

/* Warns of certificates that expire within two weeks. */
void hg_tls_settings_warn(HgTlsSettings *settings, HgLog *log);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgTlsSettings, hg_tls_settings_free)
