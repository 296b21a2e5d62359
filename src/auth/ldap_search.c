/* Searches for users and groups: see ldap_search.h. */
#include "auth/ldap_search.h"

#include "auth/name.h"
#include "base/error.h"
#include "base/text.h"

#include <ldap.h>

#define GROUPS_MOST     1000 /* of one user */
#define VALUES_MOST     1000 /* of the attributes that a principal gets, in all */
#define GROUP_NAME_MOST 256  /* bytes */
#define ANYTHING        "(objectClass=*)"

void hg_ldap_ask_clear(HgLdapAsk *ask)
{
    hg_ldap_reply_clear(&ask->last);
}

/* A search on its way through the pool, which may begin it anew on another server. */
typedef struct {
    const HgLdapSearch *search;
    GPtrArray *entries;
} Request;

static void send_search(HgLdapConnection *connection, gint64 deadline_us, HgLdapReply *reply,
                        void *data)
{
    Request *request = data;
    g_ptr_array_set_size(request->entries, 0);
    hg_ldap_connection_search(connection, request->search, deadline_us, request->entries, reply);
}

/* The entries that were found, also when the reply (ask->last) isn't success. */
static GPtrArray *search(HgLdapAsk *ask, const HgLdapSearch *what)
{
    GPtrArray *entries = g_ptr_array_new_with_free_func((GDestroyNotify)hg_ldap_entry_free);
    Request request = {what, entries};
    if (ask->connection == NULL) {
        hg_ldap_pool_run(ask->pool, HG_LDAP_FOR_SEARCH, ask->deadline_us, send_search, &request,
                         &ask->last);
    } else {
        send_search(ask->connection, ask->deadline_us, &ask->last, &request);
        ask->last.server = g_strdup(ask->server);
    }
    return entries;
}

static gboolean answered(const HgLdapAsk *ask, int code)
{
    return ask->last.status == HG_LDAP_ANSWERED && ask->last.code == code;
}

/* Sets UNAVAILABLE when the last search failed. */
static gboolean succeeded(const HgLdapAsk *ask, const char *what, const char *base, HgLogin *login)
{
    if (answered(ask, LDAP_SUCCESS))
        return TRUE;
    g_autofree char *text = g_strdup_printf("%s under %s", what, base);
    hg_ldap_judge_search(&ask->last, text, login);
    return FALSE;
}

static gboolean found_twice(HgSlice name, const char *a, const char *b, HgLogin *login)
{
    g_autofree char *quoted = hg_text_quote(name);
    hg_ldap_decide(
        login, HG_VERDICT_DENIED, NULL,
        "the directory has more than one entry for %s, %s and %s among them; user_filter "
        "has to find one only",
        quoted, a, b);
    return FALSE;
}

gboolean hg_ldap_find_user(HgLdapAsk *ask, HgSlice name, HgLdapEntry **out, HgLogin *login)
{
    const HgLdapConfig *config = &ask->rules->config;
    g_autofree char *filter = hg_ldap_template_expand(ask->rules->find, name, NULL);
    g_autoptr(HgLdapEntry) found = NULL;
    for (guint i = 0; i < config->n_base; i++) {
        HgLdapSearch what = {
            .base = config->base[i], .filter = filter, .attributes = ask->rules->wanted, .most = 2};
        g_autoptr(GPtrArray) entries = search(ask, &what);
        const HgLdapEntry *first = entries->len > 0 ? g_ptr_array_index(entries, 0) : NULL;
        const HgLdapEntry *second = entries->len > 1 ? g_ptr_array_index(entries, 1) : NULL;
        if (second != NULL)
            return found_twice(name, first->dn, second->dn, login);
        if (!succeeded(ask, "search for the user", config->base[i], login))
            return FALSE;
        /* bases may lie inside one another */
        if (first != NULL && found != NULL && strcmp(first->dn, found->dn) != 0)
            return found_twice(name, found->dn, first->dn, login);
        if (first != NULL && found == NULL)
            found = g_ptr_array_steal_index(entries, 0);
    }
    if (found == NULL) {
        hg_ldap_decide(login, HG_VERDICT_NOT_MINE, NULL, "%s: nobody is found with %s",
                       ask->last.server, filter);
        return FALSE;
    }
    *out = g_steal_pointer(&found);
    return TRUE;
}

gboolean hg_ldap_read_user(HgLdapAsk *ask, const char *dn, HgSlice name, HgLdapEntry **out,
                           HgLogin *login)
{
    g_autofree char *filter = ask->rules->confirm != NULL
                                  ? hg_ldap_template_expand(ask->rules->confirm, name, dn)
                                  : g_strdup(ANYTHING);
    HgLdapSearch what = {.base = dn,
                         .only_base = TRUE,
                         .filter = filter,
                         .attributes = ask->rules->wanted,
                         .most = 1};
    g_autoptr(GPtrArray) entries = search(ask, &what);
    *out = NULL;
    if (answered(ask, LDAP_NO_SUCH_OBJECT) || answered(ask, LDAP_INVALID_DN_SYNTAX))
        return TRUE;
    if (!succeeded(ask, "reading the user", dn, login))
        return FALSE;
    if (entries->len > 0)
        *out = g_ptr_array_steal_index(entries, 0);
    return TRUE;
}

/* The one value of an attribute: that in the DN, if it is there, for `uid` and `cn` may have more
 * than one. NULL when there is none, or several. The caller's. */
static char *one_value(const HgLdapEntry *entry, const char *attribute)
{
    g_autofree char *in_dn = hg_ldap_dn_value(entry->dn, attribute);
    g_autoptr(GPtrArray) values = hg_ldap_entry_values(entry, attribute);
    if (values->len == 1)
        return g_strdup(g_ptr_array_index(values, 0));
    for (guint i = 0; in_dn != NULL && i < values->len; i++)
        if (strcmp(g_ptr_array_index(values, i), in_dn) == 0)
            return g_steal_pointer(&in_dn);
    return NULL;
}

/* What the user is called, as the entry has it. */
static char *read_name(const HgLdapAsk *ask, const HgLdapEntry *entry, HgLogin *login)
{
    const char *attribute = ask->rules->config.user_attribute;
    g_autofree char *name = one_value(entry, attribute);
    g_autoptr(GError) error = NULL;
    if (name == NULL) {
        g_autoptr(GPtrArray) values = hg_ldap_entry_values(entry, attribute);
        hg_ldap_decide(login, HG_VERDICT_DENIED, NULL,
                       "%s has %s values of %s that can be read, so what the user is called isn't "
                       "known; expected one (user_attribute)",
                       entry->dn, values->len == 0 ? "no" : "several", attribute);
        return NULL;
    }
    if (!hg_user_name_check(hg_slice_from_string(name), &error)) {
        hg_ldap_decide(login, HG_VERDICT_DENIED, NULL, "%s: %s: %s", entry->dn, attribute,
                       error->message);
        return NULL;
    }
    return g_steal_pointer(&name);
}

/* Adds a group's name once. One that no rule could be written for (Active Directory has entries in
 * conflict with a line break in their names) is left out: no rule can mean it. */
static void add_group(GPtrArray *groups, const char *name)
{
    if (*name == '\0' || strlen(name) > GROUP_NAME_MOST)
        return;
    for (const char *at = name; *at != '\0'; at = g_utf8_next_char(at))
        if (!g_unichar_isprint(g_utf8_get_char(at)))
            return;
    if (!g_ptr_array_find_with_equal_func(groups, name, g_str_equal, NULL))
        g_ptr_array_add(groups, g_strdup(name));
}

/* A group is called what its DN says, if that says it, else what its entry says. */
static void add_group_entry(const HgLdapAsk *ask, const HgLdapEntry *entry, GPtrArray *groups)
{
    const char *attribute = ask->rules->config.groups.name;
    g_autofree char *in_dn = hg_ldap_dn_value(entry->dn, attribute);
    g_autoptr(GPtrArray) values = hg_ldap_entry_values(entry, attribute);
    if (in_dn != NULL && g_utf8_validate(in_dn, -1, NULL))
        add_group(groups, in_dn);
    for (guint i = 0; in_dn == NULL && i < values->len; i++)
        add_group(groups, g_ptr_array_index(values, i));
}

/* Only groups below a group base count, so that a group of the same name elsewhere doesn't. */
static gboolean is_below_bases(const HgLdapRules *rules, const char *dn)
{
    g_autofree char *normal = hg_ldap_dn_normal(dn);
    if (rules->group_bases->len == 0)
        return TRUE;
    for (guint i = 0; normal != NULL && i < rules->group_bases->len; i++)
        if (hg_ldap_dn_under(normal, g_ptr_array_index(rules->group_bases, i)))
            return TRUE;
    return FALSE;
}

/* A group of which only the DN is known; its entry is read when the DN doesn't hold the name. */
static gboolean add_group_dn(HgLdapAsk *ask, const char *dn, GPtrArray *groups, HgLogin *login)
{
    const char *const wanted[] = {ask->rules->config.groups.name, NULL};
    g_autofree char *in_dn = hg_ldap_dn_value(dn, wanted[0]);
    if (!is_below_bases(ask->rules, dn))
        return TRUE;
    if (in_dn != NULL) {
        if (g_utf8_validate(in_dn, -1, NULL))
            add_group(groups, in_dn);
        return TRUE;
    }
    HgLdapSearch what = {
        .base = dn, .only_base = TRUE, .filter = ANYTHING, .attributes = wanted, .most = 1};
    g_autoptr(GPtrArray) entries = search(ask, &what);
    if (!succeeded(ask, "reading the group", dn, login))
        return FALSE;
    for (guint i = 0; i < entries->len; i++)
        add_group_entry(ask, g_ptr_array_index(entries, i), groups);
    return TRUE;
}

static gboolean groups_of_attribute(HgLdapAsk *ask, const HgLdapEntry *entry, GPtrArray *groups,
                                    HgLogin *login)
{
    const char *attribute = ask->rules->config.groups.attribute;
    g_autoptr(GPtrArray) values = hg_ldap_entry_values(entry, attribute);
    if (values->len > GROUPS_MOST || hg_ldap_entry_is_partial(entry, attribute)) {
        hg_ldap_decide(login, HG_VERDICT_UNAVAILABLE, NULL,
                       "%s has more values of %s than the directory gives at once, or more than "
                       "%d, so the groups aren't known; take groups: {from: search} instead",
                       entry->dn, attribute, GROUPS_MOST);
        return FALSE;
    }
    for (guint i = 0; i < values->len; i++)
        if (!add_group_dn(ask, g_ptr_array_index(values, i), groups, login))
            return FALSE;
    return TRUE;
}

static gboolean groups_of_search(HgLdapAsk *ask, const HgLdapEntry *entry, const char *name,
                                 GPtrArray *groups, HgLogin *login)
{
    const HgLdapConfig *config = &ask->rules->config;
    gboolean own = config->groups.n_base > 0;
    const char *const *bases = own ? config->groups.base : config->base;
    const char *const wanted[] = {config->groups.name, NULL};
    g_autofree char *filter =
        hg_ldap_template_expand(ask->rules->groups, hg_slice_from_string(name), entry->dn);
    for (guint i = 0; i < (own ? config->groups.n_base : config->n_base); i++) {
        HgLdapSearch what = {
            .base = bases[i], .filter = filter, .attributes = wanted, .most = GROUPS_MOST};
        g_autoptr(GPtrArray) entries = search(ask, &what);
        if (!succeeded(ask, "search for the groups", bases[i], login))
            return FALSE;
        for (guint k = 0; k < entries->len; k++)
            add_group_entry(ask, g_ptr_array_index(entries, k), groups);
    }
    return TRUE;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the groups, ending with NULL; *out is NULL when nobody is to ask. A login whose
 * groups can't be read doesn't succeed with fewer: rules may take rights away by group. */
static gboolean read_groups(HgLdapAsk *ask, const HgLdapEntry *entry, const char *name,
                            GPtrArray **out, HgLogin *login)
{
    HgLdapGroupsFrom from = ask->rules->config.groups.from;
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(g_free);
    *out = NULL;
    if (from == HG_LDAP_GROUPS_NONE)
        return TRUE;
    gboolean ok = from == HG_LDAP_GROUPS_ATTRIBUTE
                      ? groups_of_attribute(ask, entry, groups, login)
                      : groups_of_search(ask, entry, name, groups, login);
    if (!ok)
        return FALSE;
    g_ptr_array_sort(groups, compare_names);
    g_ptr_array_add(groups, NULL);
    *out = g_steal_pointer(&groups);
    return TRUE;
}

static gboolean read_attributes(const HgLdapAsk *ask, const HgLdapEntry *entry, GPtrArray *out,
                                HgLogin *login)
{
    const HgLdapConfig *config = &ask->rules->config;
    for (guint i = 0; i < config->n_attributes; i++) {
        const char *name = config->attributes[i];
        g_autoptr(GPtrArray) values = hg_ldap_entry_values(entry, name);
        if (out->len / 2 + values->len > VALUES_MOST || hg_ldap_entry_is_partial(entry, name)) {
            hg_ldap_decide(login, HG_VERDICT_UNAVAILABLE, NULL,
                           "%s has too many values of %s; expected at most %d of all attributes",
                           entry->dn, name, VALUES_MOST);
            return FALSE;
        }
        for (guint k = 0; k < values->len; k++) {
            g_ptr_array_add(out, (gpointer)name);
            g_ptr_array_add(out, g_ptr_array_index(values, k));
        }
    }
    g_ptr_array_add(out, NULL);
    return TRUE;
}

/* TRUE and *found when the search finds anything; one entry is enough to know. */
static gboolean finds(HgLdapAsk *ask, const HgLdapSearch *what, gboolean *found, HgLogin *login)
{
    g_autoptr(GPtrArray) entries = search(ask, what);
    *found = entries->len > 0;
    return *found || answered(ask, LDAP_SIZELIMIT_EXCEEDED) ||
           succeeded(ask, "allow_filter", what->base, login);
}

/* allow_filter: finds the user's own entry, or one that has the user as a member. */
static gboolean passes_filter(HgLdapAsk *ask, const HgLdapEntry *entry, const char *name,
                              gboolean *passes, HgLogin *login)
{
    static const char *const nothing[] = {NULL};
    const HgLdapConfig *config = &ask->rules->config;
    const char *member = config->groups.member;
    g_autofree char *filter =
        hg_ldap_template_expand(ask->rules->allow, hg_slice_from_string(name), entry->dn);
    g_autofree char *dn_value = hg_ldap_escape_filter(hg_slice_from_string(entry->dn));
    g_autofree char *name_value = hg_ldap_escape_filter(hg_slice_from_string(name));
    g_autofree char *with_member =
        g_strdup_printf("(&%s(|(%s=%s)(%s=%s)))", filter, member, dn_value, member, name_value);
    HgLdapSearch own = {
        .base = entry->dn, .only_base = TRUE, .filter = filter, .attributes = nothing, .most = 1};
    if (!finds(ask, &own, passes, login))
        return FALSE;
    for (guint i = 0; !*passes && i < config->n_base; i++) {
        HgLdapSearch members = {
            .base = config->base[i], .filter = with_member, .attributes = nothing, .most = 1};
        if (!finds(ask, &members, passes, login))
            return FALSE;
    }
    return TRUE;
}

static gboolean in_allowed_group(const HgLdapConfig *config, const GPtrArray *groups)
{
    for (guint i = 0; groups != NULL && i + 1 < groups->len; i++)
        if (hg_ldap_list_has(config->allow_groups, g_ptr_array_index(groups, i)))
            return TRUE;
    return FALSE;
}

/* Each list that is there has to let the user in. */
static gboolean check_allowed(HgLdapAsk *ask, const HgLdapEntry *entry, const char *name,
                              const GPtrArray *groups, HgLogin *login)
{
    const HgLdapConfig *config = &ask->rules->config;
    const char *list = NULL;
    gboolean passes = TRUE;
    if (config->n_allow_users > 0 && !hg_ldap_list_has(config->allow_users, name))
        list = "allow_users";
    else if (config->n_allow_groups > 0 && !in_allowed_group(config, groups))
        list = "allow_groups";
    if (list == NULL && ask->rules->allow != NULL) {
        if (!passes_filter(ask, entry, name, &passes, login))
            return FALSE;
        list = passes ? NULL : "allow_filter";
    }
    if (list == NULL)
        return TRUE;
    hg_ldap_decide(login, HG_VERDICT_DENIED, NULL, "%s (%s) is not let in by %s", name, entry->dn,
                   list);
    return FALSE;
}

HgPrincipal *hg_ldap_make_principal(HgLdapAsk *ask, const HgLdapEntry *entry, HgLogin *login)
{
    g_autofree char *name = read_name(ask, entry, login);
    g_autoptr(GPtrArray) groups = NULL;
    g_autoptr(GPtrArray) attributes = g_ptr_array_new();
    if (name == NULL || !read_groups(ask, entry, name, &groups, login) ||
        !read_attributes(ask, entry, attributes, login) ||
        !check_allowed(ask, entry, name, groups, login))
        return NULL;
    return hg_principal_new(HG_LDAP_REALM, name,
                            groups != NULL ? (const char *const *)groups->pdata : NULL,
                            (const char *const *)attributes->pdata);
}
