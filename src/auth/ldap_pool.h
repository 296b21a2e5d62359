/* The connections to a directory: several servers in order, how they fared, at most so many
 * connections.
 *
 * A connection serves one of two uses and is never lent for the other: for searching it stays bound
 * as the service account (or as nobody), for logins each use begins with a bind, so that who was
 * bound before doesn't matter. A server that failed is left alone for a while, 1 s at first, twice
 * as long each time it fails again, 30 s at most, and then tried by one caller alone; as long as it
 * isn't asked, callers are refused at once or go to the next server. Any thread that may block. */
#pragma once

#include "auth/ldap.h"
#include "auth/ldap_connection.h"

typedef struct HgLdapPool HgLdapPool;

typedef enum {
    HG_LDAP_FOR_SEARCH,
    HG_LDAP_FOR_LOGIN,
} HgLdapUse;

/* A pool without connections yet; reads the password file and the files for TLS. `config` is
 * borrowed for as long as the pool lives. */
gboolean hg_ldap_pool_new(const HgLdapConfig *config, HgLdapPool **out, GError **error);

/* Closes the connections; none may be in use. NULL does nothing. */
void hg_ldap_pool_free(HgLdapPool *pool);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgLdapPool, hg_ldap_pool_free)

/* What is asked of a server over one connection. It fills the reply; when that says that the
 * connection broke or that no answer came, it is called again with a connection to the next server
 * and has to begin anew. */
typedef void (*HgLdapRequest)(HgLdapConnection *connection, gint64 deadline_us, HgLdapReply *reply,
                              void *data);

/* Runs a request over a connection of the pool before `deadline_us` (monotonic). When no server
 * answers, the reply's status isn't HG_LDAP_ANSWERED and its text says why of each server. */
void hg_ldap_pool_run(HgLdapPool *pool, HgLdapUse use, gint64 deadline_us, HgLdapRequest request,
                      void *data, HgLdapReply *reply);

/* Reads the files again, closes what is idle, and forgets what failed. On failure
 * everything stays as it was. */
gboolean hg_ldap_pool_reload(HgLdapPool *pool, GError **error);
