/* The configuration made ready for use: see ldap_rules.h. */
#include "auth/ldap_rules.h"

#include "base/error.h"

static const char *copy(HgLdapRules *rules, const char *text)
{
    if (text == NULL)
        return NULL;
    char *mine = g_strdup(text);
    g_ptr_array_add(rules->owned, mine);
    return mine;
}

static const char *const *copy_list(HgLdapRules *rules, const char *const *list, guint count)
{
    const char **mine = g_new0(const char *, count + 1);
    g_ptr_array_add(rules->owned, mine);
    for (guint i = 0; i < count; i++)
        mine[i] = copy(rules, list[i]);
    return mine;
}

static void copy_config(HgLdapRules *rules, const HgLdapConfig *from)
{
    HgLdapConfig *to = &rules->config;
    *to = *from;
    to->urls = copy_list(rules, from->urls, from->n_urls);
    to->tls.ca_file = copy(rules, from->tls.ca_file);
    to->tls.certificate_file = copy(rules, from->tls.certificate_file);
    to->tls.key_file = copy(rules, from->tls.key_file);
    to->bind_dn = copy(rules, from->bind_dn);
    to->password_file = copy(rules, from->password_file);
    to->base = copy_list(rules, from->base, from->n_base);
    to->user_patterns = copy_list(rules, from->user_patterns, from->n_user_patterns);
    to->user_filter = copy(rules, from->user_filter);
    to->user_attribute = copy(rules, from->user_attribute);
    to->domain = copy(rules, from->domain);
    to->groups.attribute = copy(rules, from->groups.attribute);
    to->groups.base = copy_list(rules, from->groups.base, from->groups.n_base);
    to->groups.object_class = copy(rules, from->groups.object_class);
    to->groups.member = copy(rules, from->groups.member);
    to->groups.filter = copy(rules, from->groups.filter);
    to->groups.name = copy(rules, from->groups.name);
    to->attributes = copy_list(rules, from->attributes, from->n_attributes);
    to->allow_users = copy_list(rules, from->allow_users, from->n_allow_users);
    to->allow_groups = copy_list(rules, from->allow_groups, from->n_allow_groups);
    to->allow_filter = copy(rules, from->allow_filter);
}

char *hg_ldap_default_user_filter(const HgLdapConfig *config)
{
    return g_strdup_printf("(%s={user})", config->user_attribute);
}

/* Groups list their members by DN (groupOfNames, Active Directory) or by name (posixGroup). */
char *hg_ldap_default_group_filter(const HgLdapConfig *config)
{
    const HgLdapGroupsConfig *groups = &config->groups;
    return g_strdup_printf("(&(objectClass=%s)(|(%s={dn})(%s={user})))", groups->object_class,
                           groups->member, groups->member);
}

static HgLdapTemplate *filter(const char *text)
{
    HgLdapTemplate *template = NULL;
    if (text == NULL || !hg_ldap_template_new(HG_LDAP_TEMPLATE_FILTER, text, &template, NULL))
        return NULL;
    return template;
}

static void read_templates(HgLdapRules *rules)
{
    const HgLdapConfig *config = &rules->config;
    g_autofree char *users = hg_ldap_default_user_filter(config);
    g_autofree char *groups = hg_ldap_default_group_filter(config);
    for (guint i = 0; i < config->n_user_patterns; i++) {
        const char *text = config->user_patterns[i];
        HgLdapTemplate *template = NULL;
        if (hg_ldap_template_new(hg_ldap_pattern_kind(text), text, &template, NULL))
            g_ptr_array_add(rules->patterns, template);
    }
    rules->find = filter(config->user_filter != NULL ? config->user_filter : users);
    rules->confirm = filter(config->user_filter);
    rules->allow = filter(config->allow_filter);
    if (config->groups.from == HG_LDAP_GROUPS_SEARCH)
        rules->groups = filter(config->groups.filter != NULL ? config->groups.filter : groups);
    for (guint i = 0; i < config->groups.n_base; i++)
        g_ptr_array_add(rules->group_bases, hg_ldap_dn_normal(config->groups.base[i]));
    rules->wanted = g_new0(const char *, config->n_attributes + 3);
    guint used = 0;
    rules->wanted[used++] = config->user_attribute;
    if (config->groups.from == HG_LDAP_GROUPS_ATTRIBUTE)
        rules->wanted[used++] = config->groups.attribute;
    for (guint i = 0; i < config->n_attributes; i++)
        rules->wanted[used++] = config->attributes[i];
}

static void keep_first(const char *option, const char *text, void *data)
{
    GError **error = data;
    if (*error == NULL)
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "authentication.ldap.%s: %s", option, text);
}

gboolean hg_ldap_rules_new(const HgLdapConfig *config, HgLdapRules **out, GError **error)
{
    GError *problem = NULL;
    hg_ldap_config_check(config, keep_first, &problem);
    if (problem != NULL) {
        g_propagate_error(error, problem);
        return FALSE;
    }
    HgLdapRules *rules = g_new0(HgLdapRules, 1);
    rules->owned = g_ptr_array_new_with_free_func(g_free);
    rules->patterns = g_ptr_array_new_with_free_func((GDestroyNotify)hg_ldap_template_free);
    rules->group_bases = g_ptr_array_new_with_free_func(g_free);
    copy_config(rules, config);
    read_templates(rules);
    *out = rules;
    return TRUE;
}

void hg_ldap_rules_free(HgLdapRules *rules)
{
    if (rules == NULL)
        return;
    hg_ldap_template_free(rules->find);
    hg_ldap_template_free(rules->confirm);
    hg_ldap_template_free(rules->groups);
    hg_ldap_template_free(rules->allow);
    g_ptr_array_unref(rules->patterns);
    g_ptr_array_unref(rules->group_bases);
    g_ptr_array_unref(rules->owned);
    g_free(rules->wanted);
    g_free(rules);
}

gboolean hg_ldap_rules_strip(const HgLdapRules *rules, HgSlice name, HgSlice *out)
{
    const char *domain = rules->config.domain;
    const guint8 *at = name.size > 0 ? memrchr(name.data, '@', name.size) : NULL;
    *out = name;
    if (domain == NULL || at == NULL)
        return TRUE;
    HgSlice user = hg_slice(name.data, (gsize)(at - name.data));
    HgSlice given = hg_slice(at + 1, name.size - user.size - 1);
    if (user.size == 0 || given.size != strlen(domain) ||
        g_ascii_strncasecmp((const char *)given.data, domain, given.size) != 0)
        return FALSE;
    *out = user;
    return TRUE;
}
