/* What a directory answers: a result, and entries with values that are texts.
 *
 * Open values without behaviour of their own; owned by whoever asked, one thread. */
#pragma once

#include <glib.h>

typedef enum {
    HG_LDAP_ANSWERED, /* `code` is the server's result */
    HG_LDAP_LOST,     /* the connection broke; `text` says how */
    HG_LDAP_LATE,     /* no answer in time */
} HgLdapStatus;

typedef struct {
    HgLdapStatus status;
    int code;       /* a result code of RFC 4511 appendix A; libldap's own are negative */
    int policy;     /* error of the password policy control (draft-behera-ldap-password-policy);
                       HG_LDAP_POLICY_NONE without one */
    gboolean fresh; /* the connection was made for this very request */
    char *text;     /* the server's diagnostic message, or what broke; never NULL after a request */
    char *server;   /* the URL of who answered; NULL when nobody was reached */
} HgLdapReply;

#define HG_LDAP_POLICY_NONE (-1)

/* Frees the texts and makes it an empty reply. */
void hg_ldap_reply_clear(HgLdapReply *reply);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgLdapReply, hg_ldap_reply_clear)

typedef struct {
    char *dn;
    GPtrArray *values; /* of char *: names and values in turns; values that are no text are left out
                        */
} HgLdapEntry;

HgLdapEntry *hg_ldap_entry_new(const char *dn);

/* NULL does nothing. */
void hg_ldap_entry_free(HgLdapEntry *entry);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgLdapEntry, hg_ldap_entry_free)

/* Adds a copy of a value; what holds a NUL or is no UTF-8 is left out. */
void hg_ldap_entry_add(HgLdapEntry *entry, const char *name, const char *value, gsize size);

/* The values of an attribute, without regard to the case of its name and to options behind a ';'.
 * The array is the caller's, the texts are borrowed from the entry. */
GPtrArray *hg_ldap_entry_values(const HgLdapEntry *entry, const char *name);

/* TRUE when the directory gave only a part of the attribute's values: "memberOf;range=0-1499", as
 * Active Directory does ([MS-ADTS] 3.1.1.3.1.3.3). */
gboolean hg_ldap_entry_is_partial(const HgLdapEntry *entry, const char *name);
