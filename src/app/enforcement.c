/* Reading the policies that are enforced: see enforcement.h. Owns nothing. */
#include "app/enforcement.h"

#include "app/policy_file.h"
#include "base/error.h"

void hg_enforcement_check(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics)
{
    const HgYaml *map = hg_yaml_get(root, "policies");
    if (map == NULL)
        return;
    if (config->policies.file == NULL)
        hg_diagnostics_error(diagnostics, hg_yaml_mark(map),
                             "policies.file is missing; expected the path of a policies file");
    for (guint i = 0; i < config->n_pools && config->policies.user == NULL; i++) {
        if (config->pools[i].login != HG_CONFIG_LOGIN_AS_USER)
            continue;
        hg_diagnostics_error(diagnostics, hg_yaml_mark(map),
                             "policies.user is missing: pools[%u] has login: as-user, so hivegate "
                             "has no name of its own there; expected a user who may DESCRIBE every "
                             "table",
                             i);
        return;
    }
}

void hg_enforcement_check_file(const HgConfig *config, const HgYaml *root,
                               HgDiagnostics *diagnostics)
{
    const HgYaml *map = hg_yaml_get(root, "policies");
    if (config->policies.file == NULL)
        return;
    g_autoptr(HgDiagnostics) problems = hg_diagnostics_new(config->policies.file);
    g_autoptr(HgPolicyFile) file = hg_policy_file_load(config->policies.file, problems);
    hg_diagnostics_sort(problems);
    for (guint i = 0; i < hg_diagnostics_count(problems); i++) {
        const char *text = hg_diagnostics_nth(problems, i);
        if (hg_diagnostics_nth_is_error(problems, i))
            hg_diagnostics_error_elsewhere(diagnostics, hg_yaml_mark(map), text);
        else
            hg_diagnostics_warn(diagnostics, hg_yaml_mark(map), "%s", text);
    }
}

gboolean hg_enforcement_read(const HgConfig *config, HgPolicySet **out, GError **error)
{
    *out = NULL;
    if (config->policies.file == NULL)
        return TRUE;
    g_autoptr(HgDiagnostics) problems = hg_diagnostics_new(config->policies.file);
    g_autoptr(HgPolicyFile) file = hg_policy_file_load(config->policies.file, problems);
    if (file == NULL) {
        hg_diagnostics_sort(problems);
        g_autofree char *text = hg_diagnostics_text(problems);
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s", g_strchomp(text));
        return FALSE;
    }
    *out = g_steal_pointer(&file->set);
    return TRUE;
}

gboolean hg_enforcement_new(const HgConfig *config, HgPolicies **out, GError **error)
{
    const HgPoliciesConfig *section = &config->policies;
    HgPolicySet *set = NULL;
    *out = NULL;
    if (!hg_enforcement_read(config, &set, error))
        return FALSE;
    HgPoliciesOptions options = {.user = section->user,
                                 .schema_ttl = (guint)section->schema_ttl_ms,
                                 .lookup_time = (guint)section->lookup_timeout_ms,
                                 .tables_at_most = section->tables};
    if (set != NULL)
        *out = hg_policies_new(&options, set);
    return TRUE;
}
