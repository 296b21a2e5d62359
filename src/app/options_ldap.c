/* The rows of `authentication: ldap`; they are read into auth/ldap.h's HgLdapConfig. Static data.
 */
#include "app/options_rows.h"
#include "auth/ldap.h"

G_STATIC_ASSERT(sizeof(HgLdapVerify) == sizeof(int) && sizeof(HgLdapGroupsFrom) == sizeof(int) &&
                sizeof(HgTlsVersion) == sizeof(int) && sizeof(gboolean) == sizeof(int));

#define FLAG(member, words)                                                                        \
    .kind = HG_OPTION_CHOICE, .offset = OFFSET(HgLdapConfig, member, gboolean), .choices = words

static const HgOptionChoice start_tls_words[] = {
    {"true", TRUE, "`ldap://` connections turn to TLS before anything else is said", FALSE},
    {"false", FALSE, "they stay as they are", FALSE},
    {0},
};

static const HgOptionChoice plaintext_words[] = {
    {"true", TRUE, "passwords may go over `ldap://` without TLS", FALSE},
    {"false", FALSE, "they only may to this machine itself", FALSE},
    {0},
};

static const HgOptionChoice verifies[] = {
    {"full", HG_LDAP_VERIFY_FULL, "signed by the authority, and made out to the URL's host", FALSE},
    {"none", HG_LDAP_VERIFY_NONE,
     "nothing: whoever sits between can read every password and let anybody in", FALSE},
    {0},
};

static const HgOptionChoice tls_versions[] = {
    {"1.2", HG_TLS_1_2, "TLS 1.2 and later", FALSE},
    {"1.3", HG_TLS_1_3, "TLS 1.3 and later", FALSE},
    {"1.0", 0, "TLS 1.0 is broken; expected 1.2 or 1.3", TRUE},
    {"1.1", 0, "TLS 1.1 is broken; expected 1.2 or 1.3", TRUE},
    {0},
};

static const HgOptionChoice groups_from[] = {
    {"none", HG_LDAP_GROUPS_NONE,
     "nobody asks for groups; they are unknown, which is not the same "
     "as being in none",
     FALSE},
    {"attribute", HG_LDAP_GROUPS_ATTRIBUTE, "an attribute of the user's entry lists them", FALSE},
    {"search", HG_LDAP_GROUPS_SEARCH, "groups that list the user are searched", FALSE},
    {0},
};

static const HgOption tls_rows[] = {
    {.name = "verify",
     CHOICE(HgLdapTlsConfig, verify, HgLdapVerify, verifies),
     .fallback = "full",
     .text = "What a server's certificate must be."},
    {.name = "ca_file",
     STRING(HgLdapTlsConfig, ca_file, HG_OPTION_PATH),
     .reloadable = TRUE,
     .text = "The authorities that sign the servers' certificates, in PEM. Without it, the "
             "system's. Each new connection reads it."},
    {.name = "certificate_file",
     STRING(HgLdapTlsConfig, certificate_file, HG_OPTION_PATH),
     .reloadable = TRUE,
     .text = "hivegate's own certificate, for servers that ask for one, in PEM."},
    {.name = "key_file",
     STRING(HgLdapTlsConfig, key_file, HG_OPTION_PATH),
     .reloadable = TRUE,
     .text = "Its key, in PEM, without a passphrase."},
    {.name = "min_version",
     CHOICE(HgLdapTlsConfig, min_version, HgTlsVersion, tls_versions),
     .fallback = "1.2",
     .text = "The oldest version of TLS that is spoken."},
};
static const HgSection tls_section = DESCRIBE(HgLdapTlsConfig, tls_rows);

static const HgOption group_rows[] = {
    {.name = "from",
     CHOICE(HgLdapGroupsConfig, from, HgLdapGroupsFrom, groups_from),
     .fallback = "none",
     .text = "How a user's groups are found. When they can't be, the login is refused as "
             "unavailable."},
    {.name = "attribute",
     STRING(HgLdapGroupsConfig, attribute, HG_OPTION_TEXT),
     .fallback = "memberOf",
     .text = "With `from: attribute`: the attribute of the user that holds the groups' DNs. Hive's "
             "`userMembershipKey`."},
    {.name = "base",
     LIST(HgLdapGroupsConfig, base, HG_OPTION_TEXTS),
     .min = 0,
     .max = 16,
     .text = "DNs below which groups are searched; without it, `base` of the users. With `from: "
             "attribute`, only groups below one of these count; without it, all do."},
    {.name = "class",
     STRING(HgLdapGroupsConfig, object_class, HG_OPTION_TEXT),
     .fallback = "groupOfNames",
     .text = "With `from: search`: the object class of groups, such as `groupOfNames`, "
             "`groupOfUniqueNames`, `posixGroup`, `group`. Hive's `groupClassKey`."},
    {.name = "member",
     STRING(HgLdapGroupsConfig, member, HG_OPTION_TEXT),
     .fallback = "member",
     .text = "The attribute of a group that lists its users, by DN or by name, such as `member`, "
             "`uniqueMember`, `memberUid`. Hive's `groupMembershipKey`."},
    {.name = "filter",
     STRING(HgLdapGroupsConfig, filter, HG_OPTION_TEXT),
     .text = "With `from: search`: finds the groups instead of `class` and `member`. `{dn}` is the "
             "user's DN, `{user}` the name. For groups inside groups of Active Directory: "
             "`(member:1.2.840.113556.1.4.1941:={dn})`. Hive's `groupSearchFilter`."},
    {.name = "name",
     STRING(HgLdapGroupsConfig, name, HG_OPTION_TEXT),
     .fallback = "cn",
     .text = "The attribute of a group that holds what it is called."},
};
static const HgSection group_section = DESCRIBE(HgLdapGroupsConfig, group_rows);

static const HgOption rows[] = {
    {.name = "urls",
     LIST(HgLdapConfig, urls, HG_OPTION_TEXTS),
     .required = TRUE,
     .min = 1,
     .max = 16,
     .text =
         "The directory's servers, `ldap://HOST[:PORT]` or `ldaps://HOST[:PORT]`, tried in this "
         "order. One that fails is left alone for a second, then for twice as long each time, "
         "30 s at most."},
    {.name = "start_tls",
     FLAG(start_tls, start_tls_words),
     .fallback = "false",
     .text = "Whether `ldap://` connections ask for TLS (StartTLS)."},
    {.name = "plaintext",
     FLAG(plaintext, plaintext_words),
     .fallback = "false",
     .text = "Says that passwords going over the network in plain text is meant."},
    {.name = "tls",
     SECTION(HgLdapConfig, tls, tls_section),
     .text = "TLS towards the directory, with `ldaps://` or `start_tls`."},
    {.name = "bind_dn",
     STRING(HgLdapConfig, bind_dn, HG_OPTION_TEXT),
     .text = "The service account that searches. Without it users are searched anonymously, or, "
             "with `user_patterns`, in their own names. Hive's `binddn`."},
    {.name = "password_file",
     STRING(HgLdapConfig, password_file, HG_OPTION_PATH),
     .reloadable = TRUE,
     .text = "A file with one line: the service account's password. Each new connection reads it, "
             "so a new password needs no restart. Required with `bind_dn`."},
    {.name = "password",
     .kind = HG_OPTION_NOT_HERE,
     .text = "put it into a file of its own and name that in password_file"},
    {.name = "base",
     LIST(HgLdapConfig, base, HG_OPTION_TEXTS),
     .min = 0,
     .max = 16,
     .text = "DNs below which users are searched, all of them. Required without `user_patterns`. "
             "Hive's `baseDN`."},
    {.name = "user_patterns",
     LIST(HgLdapConfig, user_patterns, HG_OPTION_TEXTS),
     .min = 0,
     .max = 16,
     .text = "As whom users log in, without a search before: DNs with `{user}` in them, "
             "`uid={user},ou=people,dc=example,dc=org`, or for Active Directory "
             "`{user}@example.org`. Tried in this order; a name must not stand for two people. "
             "Without `bind_dn`, a name that doesn't exist can't be told from a wrong password, "
             "and so ends the chain. Hive's `userDNPattern`."},
    {.name = "user_filter",
     STRING(HgLdapConfig, user_filter, HG_OPTION_TEXT),
     .text = "The filter that finds the entry of `{user}`; it must find one only. Without it, "
             "`(USER_ATTRIBUTE={user})`. With a DN in `user_patterns` it is what that entry has to "
             "be. Hive's `userSearchFilter` (its `userFilter` is `allow_users`)."},
    {.name = "user_attribute",
     STRING(HgLdapConfig, user_attribute, HG_OPTION_TEXT),
     .fallback = "uid",
     .text = "The attribute that holds what a user is called, in sessions, rules and logs, however "
             "the name was typed. Active Directory: `sAMAccountName`. Hive's `guidKey`."},
    {.name = "domain",
     STRING(HgLdapConfig, domain, HG_OPTION_TEXT),
     .text = "The domain that users may put behind their names: `alice@example.org` is `alice` "
             "then, and names with another domain aren't asked for. Without it a name is taken as "
             "it is, `@` included."},
    {.name = "groups",
     SECTION(HgLdapConfig, groups, group_section),
     .text = "The groups of users."},
    {.name = "attributes",
     LIST(HgLdapConfig, attributes, HG_OPTION_TEXTS),
     .min = 0,
     .max = 32,
     .text = "Attributes of the user's entry that rules may look at."},
    {.name = "allow_users",
     LIST(HgLdapConfig, allow_users, HG_OPTION_TEXTS),
     .min = 0,
     .max = 10000,
     .text = "Only these users may log in, named as `user_attribute` has them. Hive's "
             "`userFilter`."},
    {.name = "allow_groups",
     LIST(HgLdapConfig, allow_groups, HG_OPTION_TEXTS),
     .min = 0,
     .max = 10000,
     .text = "Only members of one of these groups may log in. Hive's `groupFilter`."},
    {.name = "allow_filter",
     STRING(HgLdapConfig, allow_filter, HG_OPTION_TEXT),
     .text = "Only users that this filter finds may log in: it has to match the user's own entry, "
             "or one below `base` that lists the user in `groups.member`. `{user}` and `{dn}` may "
             "stand in it. Hive's `customLDAPQuery`."},
    {.name = "connections",
     COUNT(HgLdapConfig, connections),
     .fallback = "8",
     .min = 1,
     .max = 256,
     .text = "Connections to the directory at once, for searches and for logins each. Logins wait "
             "for a free one within `timeout`."},
    {.name = "connect_timeout",
     DURATION(HgLdapConfig, connect_timeout_ms),
     .fallback = "3s",
     .min = 10,
     .max = MINUTES(1),
     .text = "How long connecting to one server may take, TLS included."},
    {.name = "request_timeout",
     DURATION(HgLdapConfig, request_timeout_ms),
     .fallback = "5s",
     .min = 10,
     .max = MINUTES(1),
     .text = "How long one answer of a server may take before the next server is tried."},
    {.name = "timeout",
     DURATION(HgLdapConfig, timeout_ms),
     .fallback = "15s",
     .min = 10,
     .max = MINUTES(5),
     .text = "How long all of a login may take."},
};

const HgSection *hg_option_ldap_section(void)
{
    static const HgSection section = DESCRIBE(HgLdapConfig, rows);
    return &section;
}
