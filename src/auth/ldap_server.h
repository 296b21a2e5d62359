/* Where a directory server is: the URL of the configuration, taken apart. Pure; any thread. */
#pragma once

#include <glib.h>

typedef struct {
    char *url; /* as libldap takes it, and as logs name it: scheme, host and port */
    char *host;
    char *port;
    gboolean ldaps;
} HgLdapServer;

/* Reads ldap://HOST[:PORT] or ldaps://HOST[:PORT]; *out is the caller's, to be cleared. */
gboolean hg_ldap_server_parse(const char *url, HgLdapServer *out, GError **error);

void hg_ldap_server_clear(HgLdapServer *server);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgLdapServer, hg_ldap_server_clear)

/* TRUE for localhost and loopback addresses: what is sent there doesn't leave the machine. */
gboolean hg_ldap_server_is_local(const HgLdapServer *server);
