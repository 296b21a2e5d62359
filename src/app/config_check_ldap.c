/* From what auth/ldap finds wrong to the places of a file: see config_check_ldap.h. One thread. */
#include "app/config_check_ldap.h"

#include "base/text.h"

typedef struct {
    const HgYaml *section;
    HgDiagnostics *diagnostics;
} Report;

/* The place of "groups.filter" below the section; of what is nearest above it, if it isn't there.
 */
static HgMark place(const HgYaml *section, const char *option)
{
    g_auto(GStrv) keys = g_strsplit(option, ".", -1);
    const HgYaml *at = section;
    for (gsize i = 0; keys[i] != NULL; i++) {
        const HgYaml *inner = hg_yaml_get(at, keys[i]);
        if (inner == NULL)
            break;
        at = inner;
    }
    return hg_yaml_mark(at);
}

static void report(const char *option, const char *text, void *data)
{
    const Report *to = data;
    hg_diagnostics_error(to->diagnostics, place(to->section, option), "authentication.ldap.%s: %s",
                         option, text);
}

void hg_config_check_ldap(const HgConfig *config, const HgYaml *map, gboolean chained,
                          HgDiagnostics *diagnostics)
{
    const HgLdapConfig *ldap = &config->authentication.ldap;
    const HgYaml *section = hg_yaml_get(map, "ldap");
    Report to = {section, diagnostics};
    if (section == NULL && chained)
        hg_diagnostics_error(diagnostics, hg_yaml_mark(hg_yaml_get(map, "chain")),
                             "authentication.ldap is missing; expected the directory (urls, base), "
                             "because the chain names ldap");
    if (section == NULL || section->kind != HG_YAML_MAP)
        return;
    if (!chained)
        hg_diagnostics_error(diagnostics, hg_yaml_mark(section),
                             "authentication.ldap is of no use; expected ldap in the chain too");
    if (ldap->n_urls > 0) /* else that was said */
        hg_ldap_config_check(ldap, report, &to);
    if (ldap->timeout_ms > config->limits.login_timeout_ms) {
        g_autofree char *all = hg_text_format_duration(ldap->timeout_ms);
        g_autofree char *login = hg_text_format_duration(config->limits.login_timeout_ms);
        hg_diagnostics_error(diagnostics, place(section, "timeout"),
                             "authentication.ldap.timeout (%s) is above limits.login_timeout (%s), "
                             "so clients would be gone before the directory answers; expected it "
                             "to be shorter",
                             all, login);
    }
}

static void check_password(const HgLdapConfig *ldap, HgMark mark, HgDiagnostics *diagnostics)
{
    g_autoptr(HgSecret) password = NULL;
    g_autoptr(GError) error = NULL;
    HgFileExposure exposure = HG_FILE_PRIVATE;
    g_autofree char *quoted = hg_text_quote(hg_slice_from_string(ldap->password_file));
    if (!hg_secret_load_file(ldap->password_file, &password, &exposure, &error))
        hg_diagnostics_error(diagnostics, mark, "authentication.ldap.password_file: %s",
                             error->message);
    else if (exposure == HG_FILE_READABLE)
        hg_diagnostics_warn(diagnostics, mark,
                            "%s can be read by everybody on this machine; chmod o-r it", quoted);
    else if (exposure == HG_FILE_WRITABLE)
        hg_diagnostics_warn(diagnostics, mark,
                            "%s can be changed by others than its owner; chmod go-w it", quoted);
}

void hg_config_check_ldap_files(const HgConfig *config, const HgYaml *map,
                                HgDiagnostics *diagnostics)
{
    const HgLdapConfig *ldap = &config->authentication.ldap;
    const HgYaml *section = hg_yaml_get(map, "ldap");
    g_autoptr(HgLdap) made = NULL;
    g_autoptr(GError) error = NULL;
    guint before = hg_diagnostics_errors(diagnostics);
    if (ldap->n_urls == 0)
        return;
    if (ldap->password_file != NULL)
        check_password(ldap, place(section, "password_file"), diagnostics);
    if (before == 0 && hg_diagnostics_errors(diagnostics) == 0 && !hg_ldap_new(ldap, &made, &error))
        hg_diagnostics_error(diagnostics, place(section, "tls"), "authentication.ldap: %s",
                             error->message);
}
