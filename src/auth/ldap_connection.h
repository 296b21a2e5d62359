/* One connection to a directory server, over libldap: connect, bind, search, each before a
 * deadline.
 *
 * The socket is our own and never blocks, so that a server that answers with half a message costs
 * no more than the deadline. Referrals are never followed, aliases never dereferenced. TLS is our
 * own, too (net/tls_session). Whoever holds a connection is the only one who
 * uses it; any thread that may block. Deadlines are monotonic microseconds. */
#pragma once

#include "auth/ldap_entry.h"
#include "auth/ldap_server.h"
#include "base/slice.h"
#include "net/tls.h"

typedef struct HgLdapConnection HgLdapConnection;

/* Lets libldap initialise itself. Before other threads use it, the first time. */
gboolean hg_ldap_connection_prepare(GError **error);

/* Connects; nobody is bound yet. With `tls`, the connection has it from the beginning (ldaps://) or
 * asks for it (StartTLS), and is none without it; NULL: plain. On failure HG_ERROR_UNAVAILABLE. */
gboolean hg_ldap_connection_open(const HgLdapServer *server, HgTls *tls, gint64 deadline_us,
                                 HgLdapConnection **out, GError **error);

/* Closes and frees it. NULL does nothing. */
void hg_ldap_connection_free(HgLdapConnection *connection);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgLdapConnection, hg_ldap_connection_free)

/* FALSE when it is of no more use: the server closed it, or left something unread on it. */
gboolean hg_ldap_connection_is_good(HgLdapConnection *connection);

/* Binds as `name` (a DN, or what else the directory takes). An empty password is never sent: RFC
 * 4513 5.1.2 makes it a bind that succeeds for anybody; the reply is then
 * inappropriateAuthentication. */
void hg_ldap_connection_bind(HgLdapConnection *connection, const char *name, HgSlice password,
                             gint64 deadline_us, HgLdapReply *reply);

/* Asks who is bound ("Who am I?", RFC 4532): *out is "dn:..." or "u:..."; NULL when the reply isn't
 * success. Free with g_free. */
void hg_ldap_connection_who(HgLdapConnection *connection, gint64 deadline_us, char **out,
                            HgLdapReply *reply);

/* What to search for. */
typedef struct {
    const char *base;
    gboolean only_base;            /* the entry `base` itself; else everything below it too */
    const char *filter;            /* */
    const char *const *attributes; /* ends with NULL; empty: none are wanted */
    guint most;                    /* entries; more of them are sizeLimitExceeded */
} HgLdapSearch;

/* Adds to `entries` (of HgLdapEntry, owned) what is found, at most `most` of them, also when the
 * reply isn't success. References to other servers are passed over. */
void hg_ldap_connection_search(HgLdapConnection *connection, const HgLdapSearch *search,
                               gint64 deadline_us, GPtrArray *entries, HgLdapReply *reply);
