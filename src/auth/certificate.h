/* Who a client certificate logs in: the rule that takes a user name out of it.
 *
 * Immutable; any thread. That the certificate is good was checked before (net/tls). */
#pragma once

#include "net/tls.h"

typedef struct HgCertificateRule HgCertificateRule;

/* The part of a certificate that holds the name. */
typedef enum {
    HG_CERTIFICATE_COMMON_NAME,
    HG_CERTIFICATE_EMAIL,
    HG_CERTIFICATE_DNS_NAME,
    HG_CERTIFICATE_URI,
    HG_CERTIFICATE_SUBJECT,
} HgCertificateField;

/* A rule; `pattern` is a regular expression (PCRE) that the whole field has to match, and whose
 * first group, when it has one, is the name. NULL: the field is the name. */
gboolean hg_certificate_rule_new(HgCertificateField field, const char *pattern,
                                 HgCertificateRule **out, GError **error);
void hg_certificate_rule_free(HgCertificateRule *rule); /* NULL is fine */

/* The user name in a certificate, when there is just one that can be a user's; else NULL. Free with
 * g_free. */
char *hg_certificate_rule_name(const HgCertificateRule *rule, const HgTlsPeer *peer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgCertificateRule, hg_certificate_rule_free)
