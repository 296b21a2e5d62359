/* The method `ldap` of the chain: a directory says who has which password, what the user is called
 * and which groups the user is in.
 *
 * With user patterns the login binds under a name made of the user's; otherwise the user's entry is
 * searched first, by a service account or anonymously, and the login binds as what was found. The
 * principal's name is the one in the entry, never the one that was typed. Whatever can't be found
 * out (a server that is away or slow, groups that can't be read) makes the login unavailable: it is
 * never let through with less than was asked for.
 *
 * The docs of each option stand in app/options; the meanings of Hive's own options, from which one
 * comes to these, in docs/authentication.md. */
#pragma once

#include "auth/method.h"
#include "net/tls.h"

#define HG_LDAP_REALM "ldap"

typedef enum {
    HG_LDAP_VERIFY_FULL, /* signed by the authority, and made out to the URL's host */
    HG_LDAP_VERIFY_NONE, /* nothing */
} HgLdapVerify;

typedef enum {
    HG_LDAP_GROUPS_NONE,      /* nobody asks: the groups are unknown */
    HG_LDAP_GROUPS_ATTRIBUTE, /* an attribute of the user's entry holds the DNs (memberOf) */
    HG_LDAP_GROUPS_SEARCH,    /* entries of groups that name the user are searched */
} HgLdapGroupsFrom;

/* The plain values of `authentication: ldap`; lists end with NULL and have their length beside
 * them. */
typedef struct {
    HgLdapVerify verify;
    const char *ca_file; /* NULL: the system's authorities */
    const char *certificate_file;
    const char *key_file;
    HgTlsVersion min_version;
} HgLdapTlsConfig;

typedef struct {
    HgLdapGroupsFrom from;
    const char *attribute;   /* of the user, for ATTRIBUTE */
    const char *const *base; /* empty: the base of users */
    guint n_base;
    const char *object_class; /* for SEARCH */
    const char *member;       /* of the group: holds DNs or names of users */
    const char *filter;       /* for SEARCH, instead of class and member; NULL: made of these */
    const char *name;         /* of the group: what it is called */
} HgLdapGroupsConfig;

typedef struct {
    const char *const *urls; /* ldap://HOST[:PORT] or ldaps://HOST[:PORT]; none: no `ldap` at all */
    guint n_urls;
    gboolean start_tls; /* on ldap:// */
    gboolean plaintext; /* ldap:// without TLS is fine, even to another machine */
    HgLdapTlsConfig tls;
    const char *bind_dn;       /* the service account; NULL: none */
    const char *password_file; /* its password */
    const char *const *base;   /* where users are */
    guint n_base;
    const char *const *user_patterns; /* with {user}; empty: search first */
    guint n_user_patterns;
    const char *user_filter;    /* with {user}; NULL: (user_attribute={user}) */
    const char *user_attribute; /* holds what the user is called */
    const char *domain;         /* may stand behind a name; NULL: names are taken as they are */
    HgLdapGroupsConfig groups;
    const char *const *attributes; /* of the user's entry, for the principal */
    guint n_attributes;
    const char *const *allow_users; /* empty: everybody */
    guint n_allow_users;
    const char *const *allow_groups; /* empty: everybody */
    guint n_allow_groups;
    const char *allow_filter; /* finds the user, or an entry that has the user as a member */
    guint connections;        /* at once, for searches and for logins each */
    gint64 connect_timeout_ms;
    gint64 request_timeout_ms;
    gint64 timeout_ms; /* for all of a login */
} HgLdapConfig;

typedef struct HgLdap HgLdap;

/* Reports what is wrong with the values, one call for each problem: `option` is its path below
 * `authentication.ldap`, `text` what was wrong and what was expected. `data` is the caller's. Looks
 * at no file. Any thread. */
typedef void (*HgLdapProblem)(const char *option, const char *text, void *data);
void hg_ldap_config_check(const HgLdapConfig *config, HgLdapProblem problem, void *data);

/* The method's functions; `self` is a HgLdap. Static. */
const HgMethodTable *hg_ldap_method(void);

/* Makes one from a copy of `config`, and reads the files that it names; no server is asked. The
 * first of a process must be made before there are other threads, because libldap initialises
 * itself then. Blocks on the disk. The object is for all threads until hg_ldap_free(). */
gboolean hg_ldap_new(const HgLdapConfig *config, HgLdap **out, GError **error);

/* Closes its connections and frees it; no thread may use it any more. NULL does nothing. */
void hg_ldap_free(HgLdap *ldap);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgLdap, hg_ldap_free)
