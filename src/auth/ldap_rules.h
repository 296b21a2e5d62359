/* The configuration of the method, copied and with its templates read: what a login goes by.
 * Immutable once made; any thread. */
#pragma once

#include "auth/ldap.h"
#include "auth/ldap_text.h"

typedef struct {
    HgLdapConfig config;     /* texts belong to the rules */
    GPtrArray *owned;        /* */
    GPtrArray *patterns;     /* of HgLdapTemplate; in the order of config.user_patterns */
    HgLdapTemplate *find;    /* the filter that finds a user by name */
    HgLdapTemplate *confirm; /* what an entry found by its DN has to be; NULL: anything */
    HgLdapTemplate *groups;  /* the filter that finds groups; NULL: no search for them */
    HgLdapTemplate *allow;   /* config.allow_filter; NULL: none */
    GPtrArray *group_bases;  /* of char *, as hg_ldap_dn_normal() writes them; may be empty */
    const char **wanted;     /* attributes of a user's entry; ends with NULL */
} HgLdapRules;

/* Copies and reads; the first problem of hg_ldap_config_check() is the error. */
gboolean hg_ldap_rules_new(const HgLdapConfig *config, HgLdapRules **out, GError **error);

/* NULL does nothing. */
void hg_ldap_rules_free(HgLdapRules *rules);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgLdapRules, hg_ldap_rules_free)

/* The default filters, as templates. Free with g_free. */
char *hg_ldap_default_user_filter(const HgLdapConfig *config);
char *hg_ldap_default_group_filter(const HgLdapConfig *config);

/* The part of a login name that names the user: without the configured domain, if it is there.
 * FALSE when the name has another domain. */
gboolean hg_ldap_rules_strip(const HgLdapRules *rules, HgSlice name, HgSlice *out);
