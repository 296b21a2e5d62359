/* The rules of impersonation: see impersonation.h. Owns copies of all they say. */
#include "auth/impersonation.h"

#include "auth/pattern.h"

#include <string.h>

typedef struct {
    char *realm;
    char *principal;
    char *principal_group;
    GRegex *principal_pattern;
    char **users;
    char **groups;
    GRegex *pattern;
} Rule;

struct HgImpersonation {
    GArray *rules;
};

static void rule_clear(gpointer data)
{
    Rule *rule = data;
    g_free(rule->realm);
    g_free(rule->principal);
    g_free(rule->principal_group);
    g_strfreev(rule->users);
    g_strfreev(rule->groups);
    g_clear_pointer(&rule->principal_pattern, g_regex_unref);
    g_clear_pointer(&rule->pattern, g_regex_unref);
}

static gboolean compile(const char *pattern, GRegex **out, GError **error)
{
    if (pattern == NULL)
        return TRUE;
    g_autofree char *what = g_strdup_printf("the pattern \"%s\"", pattern);
    *out = hg_pattern_new(pattern, G_MAXUINT, what, "a regular expression that matches whole names",
                          error);
    return *out != NULL;
}

gboolean hg_impersonation_new(const HgImpersonationRule *rules, guint n_rules,
                              HgImpersonation **out, GError **error)
{
    g_autoptr(HgImpersonation) made = g_new0(HgImpersonation, 1);
    made->rules = g_array_new(FALSE, TRUE, sizeof(Rule));
    g_array_set_clear_func(made->rules, rule_clear);
    for (guint i = 0; i < n_rules; i++) {
        Rule rule = {.realm = g_strdup(rules[i].realm),
                     .principal = g_strdup(rules[i].principal),
                     .principal_group = g_strdup(rules[i].principal_group),
                     .users = g_strdupv((char **)rules[i].users),
                     .groups = g_strdupv((char **)rules[i].groups)};
        g_array_append_val(made->rules, rule);
        Rule *kept = &g_array_index(made->rules, Rule, i);
        if (!compile(rules[i].principal_pattern, &kept->principal_pattern, error) ||
            !compile(rules[i].pattern, &kept->pattern, error))
            return FALSE;
    }
    *out = g_steal_pointer(&made);
    return TRUE;
}

void hg_impersonation_free(HgImpersonation *impersonation)
{
    if (impersonation == NULL)
        return;
    g_array_unref(impersonation->rules);
    g_free(impersonation);
}

static gboolean is_in(const HgPrincipal *principal, const char *group)
{
    const char *const *groups = hg_principal_groups(principal);
    return group != NULL && groups != NULL && g_strv_contains(groups, group);
}

static gboolean matches(const GRegex *pattern, const char *name)
{
    return pattern != NULL && g_regex_match(pattern, name, 0, NULL);
}

static gboolean is_about(const Rule *rule, const HgPrincipal *who)
{
    const char *name = hg_principal_name(who);
    if (rule->realm != NULL && strcmp(rule->realm, hg_principal_realm(who)) != 0)
        return FALSE;
    return g_strcmp0(rule->principal, name) == 0 || is_in(who, rule->principal_group) ||
           matches(rule->principal_pattern, name);
}

static gboolean is_listed(const Rule *rule, const char *name)
{
    return rule->users != NULL && g_strv_contains((const char *const *)rule->users, name);
}

HgImpersonationVerdict hg_impersonation_check(const HgImpersonation *impersonation,
                                              const HgPrincipal *who, const char *other)
{
    HgImpersonationVerdict verdict = HG_IMPERSONATION_REFUSED;
    for (guint i = 0; i < impersonation->rules->len; i++) {
        const Rule *rule = &g_array_index(impersonation->rules, Rule, i);
        if (!is_about(rule, who))
            continue;
        if (is_listed(rule, other))
            return HG_IMPERSONATION_ALLOWED;
        if (rule->pattern != NULL || (rule->groups != NULL && rule->groups[0] != NULL))
            verdict = HG_IMPERSONATION_LOOK_UP;
    }
    return verdict;
}

gboolean hg_impersonation_check_known(const HgImpersonation *impersonation, const HgPrincipal *who,
                                      const HgPrincipal *other)
{
    const char *name = hg_principal_name(other);
    for (guint i = 0; i < impersonation->rules->len; i++) {
        const Rule *rule = &g_array_index(impersonation->rules, Rule, i);
        if (!is_about(rule, who))
            continue;
        if (is_listed(rule, name) || matches(rule->pattern, name))
            return TRUE;
        for (gsize k = 0; rule->groups != NULL && rule->groups[k] != NULL; k++)
            if (is_in(other, rule->groups[k]))
                return TRUE;
    }
    return FALSE;
}

gboolean hg_impersonation_check_unknown(const HgImpersonation *impersonation,
                                        const HgPrincipal *who, const char *other)
{
    for (guint i = 0; i < impersonation->rules->len; i++) {
        const Rule *rule = &g_array_index(impersonation->rules, Rule, i);
        if (is_about(rule, who) && matches(rule->pattern, other))
            return TRUE;
    }
    return FALSE;
}
