/* Entries and replies: see ldap_entry.h. */
#include "auth/ldap_entry.h"

#include <string.h>

void hg_ldap_reply_clear(HgLdapReply *reply)
{
    g_free(reply->text);
    g_free(reply->server);
    *reply = (HgLdapReply){.policy = HG_LDAP_POLICY_NONE};
}

HgLdapEntry *hg_ldap_entry_new(const char *dn)
{
    HgLdapEntry *entry = g_new0(HgLdapEntry, 1);
    entry->dn = g_strdup(dn);
    entry->values = g_ptr_array_new_with_free_func(g_free);
    return entry;
}

void hg_ldap_entry_free(HgLdapEntry *entry)
{
    if (entry == NULL)
        return;
    g_free(entry->dn);
    g_ptr_array_unref(entry->values);
    g_free(entry);
}

void hg_ldap_entry_add(HgLdapEntry *entry, const char *name, const char *value, gsize size)
{
    if (size > 0 &&
        (memchr(value, '\0', size) != NULL || !g_utf8_validate(value, (gssize)size, NULL)))
        return;
    g_ptr_array_add(entry->values, g_strdup(name));
    g_ptr_array_add(entry->values, size > 0 ? g_strndup(value, size) : g_strdup(""));
}

/* TRUE when `given` is `name`, perhaps with options. */
static gboolean is_attribute(const char *given, const char *name)
{
    gsize size = strlen(name);
    return g_ascii_strncasecmp(given, name, size) == 0 &&
           (given[size] == '\0' || given[size] == ';');
}

GPtrArray *hg_ldap_entry_values(const HgLdapEntry *entry, const char *name)
{
    GPtrArray *found = g_ptr_array_new();
    for (guint i = 0; i + 1 < entry->values->len; i += 2)
        if (is_attribute(g_ptr_array_index(entry->values, i), name))
            g_ptr_array_add(found, g_ptr_array_index(entry->values, i + 1));
    return found;
}

/* The last part ends with a '*' ("range=1500-*"), but it never comes first. */
gboolean hg_ldap_entry_is_partial(const HgLdapEntry *entry, const char *name)
{
    for (guint i = 0; i + 1 < entry->values->len; i += 2) {
        const char *given = g_ptr_array_index(entry->values, i);
        if (is_attribute(given, name) &&
            g_ascii_strncasecmp(given + strlen(name), ";range=", strlen(";range=")) == 0)
            return TRUE;
    }
    return FALSE;
}
