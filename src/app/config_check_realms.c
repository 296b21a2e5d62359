/* Rules about realms: each vouches for users of its own, and rules of impersonation name them. See
 * config_check.h. One thread. */
#include "app/config_check.h"
#include "auth/ldap.h"

#include <string.h>

/* One realm, and where the configuration names it. */
typedef struct {
    const char *name;
    char *path; /* of the option with its name; NULL: a method's own */
    HgMark mark;
    gboolean used; /* a chain names its method */
} Realm;

static void realm_clear(gpointer data)
{
    g_free(((Realm *)data)->path);
}

static void add_own(GArray *realms, const HgConfig *config, const char *name)
{
    Realm realm = {.name = name, .used = hg_config_is_chained(config, name)};
    g_array_append_val(realms, realm);
}

/* A realm that an option names; `map` is the section. */
static void add_named(GArray *realms, const HgConfig *config, const char *method, const char *name,
                      char *take_path, const HgYaml *map)
{
    const HgYaml *value = hg_yaml_get(map, "name");
    Realm realm = {.name = name,
                   .path = take_path,
                   .mark = hg_yaml_mark(value != NULL ? value : map),
                   .used = hg_config_is_chained(config, method)};
    if (name != NULL)
        g_array_append_val(realms, realm);
    else
        g_free(take_path);
}

static GArray *collect(const HgConfig *config, const HgYaml *root)
{
    static const char *const own[] = {"users", "certificate", HG_LDAP_REALM};
    const HgAuthenticationConfig *all = &config->authentication;
    const HgYaml *map = hg_yaml_get(root, "authentication");
    const HgYaml *issuers = hg_yaml_get(hg_yaml_get(map, "jwt"), "issuers");
    const HgYaml *introspection = hg_yaml_get(map, "introspection");
    const HgYaml *tokeninfo = hg_yaml_get(map, "tokeninfo");
    GArray *realms = g_array_new(FALSE, TRUE, sizeof(Realm));
    g_array_set_clear_func(realms, realm_clear);
    for (gsize i = 0; i < G_N_ELEMENTS(own); i++)
        add_own(realms, config, own[i]);
    for (guint i = 0; i < all->jwt.n_issuers; i++)
        add_named(realms, config, "jwt", all->jwt.issuers[i].keys.name,
                  g_strdup_printf("authentication.jwt.issuers[%u].name", i),
                  hg_yaml_nth(issuers, i));
    if (introspection != NULL)
        add_named(realms, config, "introspection", all->introspection.name,
                  g_strdup("authentication.introspection.name"), introspection);
    if (tokeninfo != NULL)
        add_named(realms, config, "tokeninfo", all->tokeninfo.name,
                  g_strdup("authentication.tokeninfo.name"), tokeninfo);
    return realms;
}

/* Two of one name would make one person of two. */
static void check_names(const GArray *realms, HgDiagnostics *diagnostics)
{
    for (guint i = 0; i < realms->len; i++) {
        const Realm *one = &g_array_index(realms, Realm, i);
        for (guint k = 0; k < i; k++) {
            const Realm *other = &g_array_index(realms, Realm, k);
            if (strcmp(one->name, other->name) != 0)
                continue;
            hg_diagnostics_error(diagnostics, one->mark,
                                 "%s: %s is the realm of %s already, whose users would become the "
                                 "same people; expected a name of its own",
                                 one->path, one->name,
                                 other->path != NULL ? other->path : "a method of its own name");
            break;
        }
    }
}

/* "a, b and so on", of those in use or of all. */
static char *list(const GArray *realms, gboolean used, guint *count)
{
    GString *text = g_string_new(NULL);
    *count = 0;
    for (guint i = 0; i < realms->len; i++) {
        const Realm *realm = &g_array_index(realms, Realm, i);
        if (used && !realm->used)
            continue;
        g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", realm->name);
        ++*count;
    }
    return g_string_free(text, FALSE);
}

static gboolean is_known(const GArray *realms, const char *name)
{
    for (guint i = 0; i < realms->len; i++)
        if (strcmp(g_array_index(realms, Realm, i).name, name) == 0)
            return TRUE;
    return FALSE;
}

/* Which realm a rule's principal has to be of. */
static void check_rule_realm(const HgImpersonationConfig *rule, const GArray *realms,
                             const HgYaml *map, guint index, HgDiagnostics *diagnostics)
{
    guint count = 0;
    if (rule->realm == NULL) {
        g_autofree char *all = list(realms, TRUE, &count);
        if (count > 1)
            hg_diagnostics_warn(diagnostics, map->mark,
                                "impersonation[%u] has no realm, so whoever is called so in any of "
                                "%s may act as others; say which realm is meant",
                                index, all);
    } else if (!is_known(realms, rule->realm)) {
        g_autofree char *all = list(realms, FALSE, &count);
        hg_diagnostics_error(diagnostics, hg_yaml_mark(hg_yaml_get(map, "realm")),
                             "impersonation[%u].realm: there is no realm %s; expected one of %s",
                             index, rule->realm, all);
    }
}

/* One rule of impersonation: about somebody, and as somebody. */
static void check_rule(const HgImpersonationConfig *rule, const HgYaml *map, guint index,
                       HgDiagnostics *diagnostics)
{
    guint about = (rule->principal != NULL) + (rule->principal_group != NULL) +
                  (rule->principal_pattern != NULL);
    if (about != 1)
        hg_diagnostics_error(diagnostics, map->mark,
                             "impersonation[%u]: expected one of principal, principal_group and "
                             "principal_pattern",
                             index);
    const HgMayActAsConfig *as = &rule->may_act_as;
    const HgYaml *target = hg_yaml_get(map, "may_act_as");
    if (target != NULL && as->n_users == 0 && as->n_groups == 0 && as->pattern == NULL)
        hg_diagnostics_error(diagnostics, hg_yaml_mark(target),
                             "impersonation[%u].may_act_as: expected users, groups or a pattern",
                             index);
    HgImpersonationRule patterns = {.principal_pattern = rule->principal_pattern,
                                    .pattern = as->pattern};
    g_autoptr(HgImpersonation) made = NULL;
    g_autoptr(GError) error = NULL;
    if (!hg_impersonation_new(&patterns, 1, &made, &error))
        hg_diagnostics_error(diagnostics, map->mark, "impersonation[%u]: %s", index,
                             error->message);
}

void hg_config_check_realms(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics)
{
    const HgYaml *rules = hg_yaml_get(root, "impersonation");
    g_autoptr(GArray) realms = collect(config, root);
    check_names(realms, diagnostics);
    for (guint i = 0; i < config->n_impersonation; i++) {
        const HgYaml *map = hg_yaml_nth(rules, i);
        if (map->kind != HG_YAML_MAP)
            continue;
        check_rule(&config->impersonation[i], map, i, diagnostics);
        check_rule_realm(&config->impersonation[i], realms, map, i, diagnostics);
    }
}
