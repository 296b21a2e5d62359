/* Checks of `audit`: see config_check_audit.h. Pure. */
#include "app/config_check_audit.h"

#include "audit/database.h"
#include "sql/redact.h"

static HgMark place(const HgYaml *section, const char *key)
{
    const HgYaml *value = hg_yaml_get(section, key);
    return hg_yaml_mark(value != NULL ? value : section);
}

static void check_postgres(const HgAuditConfig *audit, const HgYaml *section,
                           HgDiagnostics *diagnostics)
{
    g_autoptr(GError) error = NULL;
    if (audit->postgres == NULL) {
        if (audit->password_file != NULL)
            hg_diagnostics_error(diagnostics, place(section, "password_file"),
                                 "audit.password_file is of no use; expected audit.postgres too");
        return;
    }
    if (!hg_database_check_conninfo(audit->postgres, &error))
        hg_diagnostics_error(diagnostics, place(section, "postgres"), "audit.postgres: %s",
                             error->message);
    else if (hg_database_has_password(audit->postgres))
        hg_diagnostics_error(diagnostics, place(section, "postgres"),
                             "audit.postgres holds a password, which doesn't belong into this "
                             "file; expected it in audit.password_file");
}

void hg_config_check_audit(const HgConfig *config, const HgYaml *root, HgDiagnostics *diagnostics)
{
    const HgAuditConfig *audit = &config->audit;
    const HgYaml *section = hg_yaml_get(root, "audit");
    g_autoptr(GError) error = NULL;
    if (section == NULL || section->kind != HG_YAML_MAP)
        return;
    if (hg_yaml_get(section, "spool") == NULL)
        hg_diagnostics_error(diagnostics, hg_yaml_mark(section),
                             "audit.spool is missing; expected the folder in which events are kept "
                             "until PostgreSQL has them");
    check_postgres(audit, section, diagnostics);
    g_autoptr(HgSqlRedaction) redaction =
        hg_sql_redaction_new(audit->redact.hide_literals, audit->redact.patterns, &error);
    if (redaction == NULL)
        hg_diagnostics_error(diagnostics, place(hg_yaml_get(section, "redact"), "patterns"),
                             "audit.redact.patterns: %s", error->message);
}
