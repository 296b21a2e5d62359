/* Checks of `audit`: see config_check_audit.h. Owns nothing. */
#include "app/config_check_audit.h"

#include "audit/anchor_key.h"
#include "audit/database.h"
#include "audit/pseudonym.h"
#include "net/http_client.h"
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

static void check_anchors(const HgAuditAnchorsConfig *anchors, const HgYaml *section,
                          HgDiagnostics *diagnostics)
{
    gboolean https = FALSE, loopback = FALSE;
    g_autoptr(GError) error = NULL;
    if (anchors->key_file == NULL && (anchors->file != NULL || anchors->url != NULL))
        hg_diagnostics_error(diagnostics, hg_yaml_mark(section),
                             "audit.anchors has no key_file, so none are made; hivegatectl audit "
                             "key new makes a key");
    if (anchors->url == NULL)
        return;
    if (!hg_http_url_check(anchors->url, &https, &loopback, NULL, &error))
        hg_diagnostics_error(diagnostics, place(section, "url"), "audit.anchors.url: %s",
                             error->message);
    else if (!https && !loopback)
        hg_diagnostics_error(diagnostics, place(section, "url"),
                             "audit.anchors.url is plain http to another machine; expected https");
}

static void check_export(const HgAuditExportConfig *export, const HgYaml *section,
                         HgDiagnostics *diagnostics)
{
    if (export->host == NULL)
        hg_diagnostics_error(diagnostics, hg_yaml_mark(section),
                             "audit.export.host is missing; expected the collector's name");
    if ((export->certificate_file == NULL) != (export->key_file == NULL))
        hg_diagnostics_error(diagnostics, hg_yaml_mark(section),
                             "audit.export has one of certificate_file and key_file; expected both "
                             "or none");
}

void hg_config_check_audit_files(const HgConfig *config, const HgYaml *root,
                                 HgDiagnostics *diagnostics)
{
    const HgYaml *section = hg_yaml_get(root, "audit");
    const HgAuditConfig *audit = &config->audit;
    g_autoptr(GError) error = NULL;
    if (audit->anchors.key_file != NULL) {
        g_autoptr(HgAnchorKey) key = hg_anchor_key_load(audit->anchors.key_file, &error);
        if (key == NULL)
            hg_diagnostics_error(diagnostics, place(hg_yaml_get(section, "anchors"), "key_file"),
                                 "audit.anchors.key_file: %s", error->message);
        g_clear_error(&error);
    }
    if (audit->pseudonyms.key_file != NULL) {
        g_autoptr(HgPseudonyms) key = hg_pseudonyms_load(audit->pseudonyms.key_file, FALSE, &error);
        if (key == NULL)
            hg_diagnostics_error(diagnostics, place(hg_yaml_get(section, "pseudonyms"), "key_file"),
                                 "audit.pseudonyms.key_file: %s", error->message);
    }
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
    if (hg_yaml_get(section, "anchors") != NULL)
        check_anchors(&audit->anchors, hg_yaml_get(section, "anchors"), diagnostics);
    if (hg_yaml_get(section, "export") != NULL)
        check_export(&audit->export, hg_yaml_get(section, "export"), diagnostics);
    g_autoptr(HgSqlRedaction) redaction =
        hg_sql_redaction_new(audit->redact.hide_literals, audit->redact.patterns, &error);
    if (redaction == NULL)
        hg_diagnostics_error(diagnostics, place(hg_yaml_get(section, "redact"), "patterns"),
                             "audit.redact.patterns: %s", error->message);
}
