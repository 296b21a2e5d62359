/* Names inside DNs and filters: escaping, templates with {user} and {dn}, comparing DNs.
 *
 * What a client sent goes into a request in no other way than through these. Pure; any thread. */
#pragma once

#include "base/slice.h"

/* `value` as it may stand for the value of an attribute inside a DN (RFC 4514 2.4), and inside a
 * filter (RFC 4515 3). Whatever has a meaning there, and every control character, becomes a
 * backslash and two hexadecimal digits. Free with g_free. */
char *hg_ldap_escape_dn(HgSlice value);
char *hg_ldap_escape_filter(HgSlice value);

typedef enum {
    HG_LDAP_TEMPLATE_DN,     /* a DN; {user} is escaped for it */
    HG_LDAP_TEMPLATE_NAME,   /* a name that isn't a DN, such as {user}@example.org; nothing is
                                escaped */
    HG_LDAP_TEMPLATE_FILTER, /* a filter; {user} and {dn} are escaped for it */
} HgLdapTemplateKind;

typedef struct HgLdapTemplate HgLdapTemplate;

/* Reads a template. A '{' begins {user} or, in filters, {dn}; anything else in braces is an error.
 * *out is the caller's. */
gboolean hg_ldap_template_new(HgLdapTemplateKind kind, const char *text, HgLdapTemplate **out,
                              GError **error);

/* NULL does nothing. */
void hg_ldap_template_free(HgLdapTemplate *template);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgLdapTemplate, hg_ldap_template_free)

/* TRUE when it has {user}, or {dn}. */
gboolean hg_ldap_template_has_user(const HgLdapTemplate *template);
gboolean hg_ldap_template_has_dn(const HgLdapTemplate *template);

/* The text with the two put in; `dn` may be NULL when there is no {dn}. Free with g_free. */
char *hg_ldap_template_expand(const HgLdapTemplate *template, HgSlice user, const char *dn);

/* The kind of a user pattern: a DN when it has a '=', else a name. */
HgLdapTemplateKind hg_ldap_pattern_kind(const char *text);

/* A DN in a form in which two that name the same entry are the same text, as far as one can tell
 * without the directory's schema: types and values without regard to case and to repeated spaces.
 * NULL when it is no DN. Free with g_free. */
char *hg_ldap_dn_normal(const char *dn);

/* TRUE when `dn` is `base` or below it; both are as hg_ldap_dn_normal() writes them. */
gboolean hg_ldap_dn_under(const char *dn, const char *base);

/* The value of `attribute` in the first part of the DN: "x" for cn in "cn=x,dc=y". NULL when it has
 * none. Free with g_free. */
char *hg_ldap_dn_value(const char *dn, const char *attribute);

/* TRUE when `text` names an attribute: letters, digits and '-', or numbers with dots between. */
gboolean hg_ldap_is_attribute(const char *text);

/* TRUE when a list (which ends with NULL, or is NULL) has the text, without regard to case. */
gboolean hg_ldap_list_has(const char *const *list, const char *text);
