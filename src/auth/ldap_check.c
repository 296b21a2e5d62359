/* What can be wrong with the values of `authentication.ldap`: hg_ldap_config_check() of ldap.h.
 * Pure; any thread. */
#include "auth/ldap.h"
#include "auth/ldap_filter.h"
#include "auth/ldap_rules.h"
#include "auth/ldap_server.h"
#include "base/text.h"

#include <stdarg.h>

typedef struct {
    const HgLdapConfig *config;
    HgLdapProblem problem;
    void *data;
} Check;

static void report(const Check *check, const char *option, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static void report(const Check *check, const char *option, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    g_autofree char *text = g_strdup_vprintf(format, values);
    va_end(values);
    check->problem(option, text, check->data);
}

static char *quote(const char *text)
{
    return hg_text_quote(hg_slice_from_string(text));
}

static void check_plaintext(const Check *check, const HgLdapServer *server)
{
    const HgLdapConfig *config = check->config;
    if (!server->ldaps && !config->start_tls && !config->plaintext &&
        !hg_ldap_server_is_local(server))
        report(check, "urls",
               "passwords would go to %s for everybody to read; expected start_tls: true, an "
               "ldaps:// URL, or plaintext: true if that is meant",
               server->url);
}

static void check_urls(const Check *check)
{
    const HgLdapConfig *config = check->config;
    gboolean plain = FALSE;
    gboolean ldaps = FALSE;
    for (guint i = 0; i < config->n_urls; i++) {
        g_auto(HgLdapServer) server = {0};
        g_autoptr(GError) error = NULL;
        if (!hg_ldap_server_parse(config->urls[i], &server, &error)) {
            report(check, "urls", "%s", error->message);
            return;
        }
        check_plaintext(check, &server);
        ldaps = ldaps || server.ldaps;
        plain = plain || !server.ldaps;
    }
    if (!plain && config->start_tls)
        report(check, "start_tls",
               "ldaps:// is TLS from the beginning; expected no start_tls, or ldap:// URLs");
    if (config->start_tls && config->plaintext)
        report(check, "plaintext", "it contradicts start_tls: true; expected one of the two");
    gboolean tls_options = config->tls.ca_file != NULL || config->tls.certificate_file != NULL ||
                           config->tls.verify == HG_LDAP_VERIFY_NONE;
    if (!ldaps && !config->start_tls && tls_options)
        report(check, "tls", "no connection has TLS; expected ldaps:// URLs or start_tls: true");
}

static void check_tls(const Check *check)
{
    const HgLdapTlsConfig *tls = &check->config->tls;
    if ((tls->certificate_file != NULL) != (tls->key_file != NULL))
        report(check, "tls",
               "certificate_file and key_file belong together; expected both or none");
    if (tls->verify == HG_LDAP_VERIFY_NONE && tls->ca_file != NULL)
        report(check, "tls.ca_file",
               "it is of no use with verify: none; expected verify: full, or no ca_file");
}

static void check_dn(const Check *check, const char *option, const char *dn)
{
    g_autofree char *normal = hg_ldap_dn_normal(dn);
    g_autofree char *quoted = quote(dn);
    if (normal == NULL || *normal == '\0')
        report(check, option, "%s is no DN; expected one such as ou=people,dc=example,dc=org",
               quoted);
}

static void check_account(const Check *check)
{
    const HgLdapConfig *config = check->config;
    if (config->bind_dn != NULL && config->password_file == NULL)
        report(check, "password_file",
               "it is missing; expected a file with the service account's password, because of "
               "bind_dn");
    if (config->bind_dn == NULL && config->password_file != NULL)
        report(check, "password_file", "nobody's password is in it; expected bind_dn too");
    /* Active Directory also takes account@domain */
    if (config->bind_dn != NULL && strchr(config->bind_dn, '=') != NULL)
        check_dn(check, "bind_dn", config->bind_dn);
}

/* A filter with its placeholders filled in has to be a filter. */
static void check_filter(const Check *check, const char *option, const char *text,
                         gboolean needs_user)
{
    g_autoptr(HgLdapTemplate) template = NULL;
    g_autoptr(GError) error = NULL;
    if (text == NULL)
        return;
    if (!hg_ldap_template_new(HG_LDAP_TEMPLATE_FILTER, text, &template, &error)) {
        report(check, option, "%s", error->message);
        return;
    }
    g_autofree char *sample = hg_ldap_template_expand(template, hg_slice_from_string("u"), "cn=u");
    if (!hg_ldap_filter_check(sample, &error))
        report(check, option, "%s (with u for {user} and cn=u for {dn})", error->message);
    else if (needs_user && !hg_ldap_template_has_user(template) &&
             !hg_ldap_template_has_dn(template))
        report(check, option, "it finds the same for everybody; expected {user} in it");
}

static void check_pattern(const Check *check, const char *text)
{
    const HgLdapConfig *config = check->config;
    g_autoptr(HgLdapTemplate) template = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *quoted = quote(text);
    HgLdapTemplateKind kind = hg_ldap_pattern_kind(text);
    if (!hg_ldap_template_new(kind, text, &template, &error)) {
        report(check, "user_patterns", "%s", error->message);
        return;
    }
    if (!hg_ldap_template_has_user(template)) {
        report(check, "user_patterns", "%s is the same for everybody; expected {user} in it",
               quoted);
        return;
    }
    if (kind == HG_LDAP_TEMPLATE_NAME && config->n_base == 0)
        report(check, "base",
               "it is missing; expected where users are, because %s of user_patterns is no DN and "
               "so doesn't say it",
               quoted);
    if (kind == HG_LDAP_TEMPLATE_DN) {
        g_autofree char *sample =
            hg_ldap_template_expand(template, hg_slice_from_string("u"), NULL);
        check_dn(check, "user_patterns", sample);
    }
}

static void check_users(const Check *check)
{
    const HgLdapConfig *config = check->config;
    for (guint i = 0; i < config->n_base; i++)
        check_dn(check, "base", config->base[i]);
    for (guint i = 0; i < config->n_user_patterns; i++)
        check_pattern(check, config->user_patterns[i]);
    if (config->n_user_patterns == 0 && config->n_base == 0)
        report(check, "base",
               "it is missing; expected where users are searched, or user_patterns with their DNs");
    check_filter(check, "user_filter", config->user_filter, config->n_user_patterns == 0);
    check_filter(check, "allow_filter", config->allow_filter, FALSE);
    if (config->allow_filter != NULL && config->n_base == 0)
        report(check, "base", "it is missing; expected where allow_filter searches");
    if (config->domain != NULL &&
        (strchr(config->domain, '@') != NULL || strchr(config->domain, '=') != NULL))
        report(check, "domain", "expected a domain, such as example.org");
}

static void check_groups(const Check *check)
{
    const HgLdapConfig *config = check->config;
    const HgLdapGroupsConfig *groups = &config->groups;
    for (guint i = 0; i < groups->n_base; i++)
        check_dn(check, "groups.base", groups->base[i]);
    check_filter(check, "groups.filter", groups->filter, TRUE);
    if (groups->from == HG_LDAP_GROUPS_SEARCH && groups->n_base == 0 && config->n_base == 0)
        report(check, "groups.base", "it is missing; expected where groups are searched");
    if (groups->from != HG_LDAP_GROUPS_SEARCH && groups->filter != NULL)
        report(check, "groups.filter",
               "nobody searches for groups; expected groups: {from: search}");
    if (groups->from == HG_LDAP_GROUPS_NONE && config->n_allow_groups > 0)
        report(check, "allow_groups",
               "nobody's groups are known, so nobody could log in; expected groups: {from: "
               "attribute} or {from: search}");
}

static void check_attribute(const Check *check, const char *option, const char *name)
{
    g_autofree char *quoted = quote(name);
    if (!hg_ldap_is_attribute(name))
        report(check, option, "%s names no attribute; expected a name such as uid", quoted);
}

static void check_attributes(const Check *check)
{
    const HgLdapConfig *config = check->config;
    check_attribute(check, "user_attribute", config->user_attribute);
    check_attribute(check, "groups.attribute", config->groups.attribute);
    check_attribute(check, "groups.class", config->groups.object_class);
    check_attribute(check, "groups.member", config->groups.member);
    check_attribute(check, "groups.name", config->groups.name);
    for (guint i = 0; i < config->n_attributes; i++)
        check_attribute(check, "attributes", config->attributes[i]);
}

void hg_ldap_config_check(const HgLdapConfig *config, HgLdapProblem problem, void *data)
{
    Check check = {config, problem, data};
    if (config->n_urls == 0) {
        report(&check, "urls", "it is missing; expected the directory's servers");
        return;
    }
    check_urls(&check);
    check_tls(&check);
    check_account(&check);
    check_attributes(&check);
    check_users(&check);
    check_groups(&check);
}
