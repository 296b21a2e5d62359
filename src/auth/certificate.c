/* The rule from certificate to user name: see certificate.h. Owns the compiled pattern. */
#include "auth/certificate.h"

#include "auth/name.h"
#include "auth/pattern.h"
#include "base/error.h"

struct HgCertificateRule {
    HgCertificateField field;
    GRegex *pattern; /* NULL: the whole field */
};

gboolean hg_certificate_rule_new(HgCertificateField field, const char *pattern,
                                 HgCertificateRule **out, GError **error)
{
    g_autoptr(GRegex) compiled = NULL;
    if (pattern != NULL) {
        compiled = hg_pattern_new(pattern, 1, "the pattern",
                                  "a regular expression with at most one group, around the user "
                                  "name",
                                  error);
        if (compiled == NULL)
            return FALSE;
    }
    HgCertificateRule *rule = g_new0(HgCertificateRule, 1);
    rule->field = field;
    rule->pattern = g_steal_pointer(&compiled);
    *out = rule;
    return TRUE;
}

void hg_certificate_rule_free(HgCertificateRule *rule)
{
    if (rule == NULL)
        return;
    g_clear_pointer(&rule->pattern, g_regex_unref);
    g_free(rule);
}

/* The name in one field; NULL when it doesn't match or can't be a user's. */
static char *name_in(const HgCertificateRule *rule, const char *field)
{
    g_autoptr(GMatchInfo) match = NULL;
    g_autofree char *name = NULL;
    if (rule->pattern == NULL)
        name = g_strdup(field);
    else if (g_regex_match(rule->pattern, field, 0, &match))
        name = g_match_info_fetch(match, g_regex_get_capture_count(rule->pattern));
    if (name == NULL || !hg_user_name_check(hg_slice_from_string(name), NULL))
        return NULL;
    return g_steal_pointer(&name);
}

char *hg_certificate_rule_name(const HgCertificateRule *rule, const HgTlsPeer *peer)
{
    const char *one[] = {
        rule->field == HG_CERTIFICATE_COMMON_NAME ? peer->common_name : peer->subject, NULL};
    const char *const *fields = one;
    if (rule->field == HG_CERTIFICATE_EMAIL)
        fields = (const char *const *)peer->emails;
    else if (rule->field == HG_CERTIFICATE_DNS_NAME)
        fields = (const char *const *)peer->dns_names;
    else if (rule->field == HG_CERTIFICATE_URI)
        fields = (const char *const *)peer->uris;
    g_autofree char *found = NULL;
    for (gsize i = 0; fields[i] != NULL; i++) {
        g_autofree char *name = name_in(rule, fields[i]);
        if (name == NULL)
            continue;
        if (found != NULL && strcmp(found, name) != 0)
            return NULL; /* two names: which is meant? */
        g_free(found);
        found = g_steal_pointer(&name);
    }
    return g_steal_pointer(&found);
}
