/* Finding users, their groups, and whether they are among those let in.
 *
 * Every function either succeeds or sets the login's verdict and reasons and returns FALSE (or
 * NULL). One thread per HgLdapAsk. */
#pragma once

#include "auth/ldap_pool.h"
#include "auth/ldap_rules.h"
#include "auth/ldap_verdict.h"

/* In whose name, and until when, is searched. */
typedef struct {
    const HgLdapRules *rules;
    HgLdapPool *pool;
    HgLdapConnection *connection; /* bound as the user; NULL: one of the pool's, for searching */
    const char *server;           /* of `connection`, for reasons */
    gint64 deadline_us;
    HgLdapReply last; /* of the last search: whether `connection` still is of use */
} HgLdapAsk;

void hg_ldap_ask_clear(HgLdapAsk *ask);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgLdapAsk, hg_ldap_ask_clear)

/* The entry of the user of that name (without a domain): searched under each base. Nobody:
 * NOT_MINE; more than one: DENIED. *out is the caller's. */
gboolean hg_ldap_find_user(HgLdapAsk *ask, HgSlice name, HgLdapEntry **out, HgLogin *login);

/* The entry `dn`, when the user filter lets it be a user; *out is NULL when there is none. */
gboolean hg_ldap_read_user(HgLdapAsk *ask, const char *dn, HgSlice name, HgLdapEntry **out,
                           HgLogin *login);

/* Who the entry is: the name that it gives, the groups, the attributes; all allow lists are looked
 * at. The caller's reference; NULL when the user may not come in, or that can't be told. */
HgPrincipal *hg_ldap_make_principal(HgLdapAsk *ask, const HgLdapEntry *entry, HgLogin *login);
