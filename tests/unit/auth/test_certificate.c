/* Tests of auth/certificate: which name a certificate gives, and which it doesn't. */
#include "auth/certificate.h"
#include "suites.h"

#include <string.h>

static char *nothing[] = {NULL};
static char *one_email[] = {(char *)"alice@example.org", NULL};
static char *two_emails[] = {(char *)"alice@example.org", (char *)"bob@example.org", NULL};
static char *other_email[] = {(char *)"alice@elsewhere.org", (char *)"bob@example.org", NULL};
static char *same_email[] = {(char *)"alice@example.org", (char *)"alice@example.org", NULL};
static char *uris[] = {(char *)"spiffe://cluster/ns/etl/sa/loader", NULL};

typedef struct {
    HgCertificateField field;
    const char *pattern;
    HgTlsPeer peer;
    const char *name; /* NULL: nobody */
} Row;

#define CN(text)                                                                                   \
    {                                                                                              \
        .subject = (char *)"CN=" text, .common_name = (char *)text, .emails = nothing,             \
        .dns_names = nothing, .uris = nothing                                                      \
    }
#define EMAILS(texts)                                                                              \
    {                                                                                              \
        .subject = (char *)"CN=x", .emails = texts, .dns_names = nothing, .uris = nothing          \
    }

static const Row rows[] = {
    {HG_CERTIFICATE_COMMON_NAME, NULL, CN("alice"), "alice"},
    {HG_CERTIFICATE_COMMON_NAME, NULL, CN("a b"), "a b"},
    {HG_CERTIFICATE_COMMON_NAME, NULL, CN("j\u00fcrgen"), "j\u00fcrgen"},
    {HG_CERTIFICATE_COMMON_NAME, NULL, CN(""), NULL},
    {HG_CERTIFICATE_COMMON_NAME, NULL, CN("al\nice"), NULL},
    {HG_CERTIFICATE_COMMON_NAME, NULL, CN("alice@example.org"), NULL},
    {HG_CERTIFICATE_COMMON_NAME, "(.*)@example\\.org", CN("alice@example.org"), "alice"},
    {HG_CERTIFICATE_COMMON_NAME, "(.*)@example\\.org", CN("alice@example.org.evil.org"), NULL},
    {HG_CERTIFICATE_COMMON_NAME, "(.*)@example\\.org", CN("alice@example.org\n"), NULL},
    {HG_CERTIFICATE_COMMON_NAME, "alice|bob", CN("bob"), "bob"},
    {HG_CERTIFICATE_COMMON_NAME, "alice|bob", CN("bobby"), NULL},
    {HG_CERTIFICATE_COMMON_NAME, "alice|bob", CN("xalice"), NULL},
    {HG_CERTIFICATE_COMMON_NAME, NULL, EMAILS(one_email), NULL},
    {HG_CERTIFICATE_SUBJECT, "CN=(.*)", CN("alice"), "alice"},
    {HG_CERTIFICATE_EMAIL, "(.*)@example\\.org", EMAILS(one_email), "alice"},
    {HG_CERTIFICATE_EMAIL, "(.*)@example\\.org", EMAILS(two_emails), NULL},
    {HG_CERTIFICATE_EMAIL, "(.*)@example\\.org", EMAILS(other_email), "bob"},
    {HG_CERTIFICATE_EMAIL, "(.*)@example\\.org", EMAILS(same_email), "alice"},
    {HG_CERTIFICATE_EMAIL, NULL, EMAILS(one_email), NULL}, /* an '@' */
    {HG_CERTIFICATE_EMAIL, NULL, EMAILS(nothing), NULL},
    {HG_CERTIFICATE_URI,
     "spiffe://cluster/ns/[^/]+/sa/([^/]+)",
     {.subject = (char *)"", .emails = nothing, .dns_names = nothing, .uris = uris},
     "loader"},
};

START_TEST(test_names)
{
    const Row *row = &rows[_i];
    g_autoptr(HgCertificateRule) rule = NULL;
    ck_assert(hg_certificate_rule_new(row->field, row->pattern, &rule, NULL));
    g_autofree char *name = hg_certificate_rule_name(rule, &row->peer);
    ck_assert_msg(g_strcmp0(name, row->name) == 0, "%s", name != NULL ? name : "nobody");
}
END_TEST

START_TEST(test_patterns_of_no_use)
{
    static const char *const patterns[] = {"(", "(a)(b)", "[z-a]", "a)|(b"};
    HgCertificateRule *rule = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_certificate_rule_new(HG_CERTIFICATE_SUBJECT, patterns[_i], &rule, &error));
    ck_assert_ptr_null(rule);
    ck_assert_msg(strstr(error->message, "one group, around the user name") != NULL, "%s",
                  error->message);
}
END_TEST

Suite *certificate_suite(void)
{
    Suite *suite = suite_create("auth/certificate");
    TCase *tcase = tcase_create("certificate");
    tcase_add_loop_test(tcase, test_names, 0, G_N_ELEMENTS(rows));
    tcase_add_loop_test(tcase, test_patterns_of_no_use, 0, 4);
    suite_add_tcase(suite, tcase);
    return suite;
}
