/* Tests of audit/pseudonym: a known value, what is hidden of an event, and keys that are refused.
 */
#include "audit/pseudonym.h"
#include "suites.h"

#include <glib/gstdio.h>

#define KEY "0123456789abcdef0123456789abcdef"
/* printf %s alice | openssl dgst -sha256 -hmac KEY */
#define ALICE "p-433deb45467e4e53dbaba594c88bc3a2"

static HgPseudonyms *load(const char *key, mode_t mode, gboolean addresses)
{
    g_autofree char *folder = g_dir_make_tmp("hivegate-pseudonym-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "key", NULL);
    ck_assert(g_file_set_contents(path, key, -1, NULL));
    ck_assert_int_eq(g_chmod(path, mode), 0);
    HgPseudonyms *pseudonyms = hg_pseudonyms_load(path, addresses, NULL);
    g_unlink(path);
    g_rmdir(folder);
    return pseudonyms;
}

START_TEST(test_known_value)
{
    g_autoptr(HgPseudonyms) pseudonyms = load(KEY "\n", 0600, FALSE);
    char text[HG_PSEUDONYM_TEXT];
    hg_pseudonym_make(pseudonyms, hg_slice_from_string("alice"), text);
    ck_assert_str_eq(text, ALICE);
}
END_TEST

START_TEST(test_keys_that_are_refused)
{
    ck_assert_ptr_null(load("short\n", 0600, FALSE));
    ck_assert_ptr_null(load(KEY "\n", 0644, FALSE));
    ck_assert_ptr_null(hg_pseudonyms_load("/nonexistent/key", FALSE, NULL));
}
END_TEST

START_TEST(test_events)
{
    static const struct {
        const char *address, *host;
    } rows[] = {
        {"192.0.2.7:1234", "192.0.2.7"},
        {"192.0.2.7", "192.0.2.7"},
        {"[2001:db8::1]:99", "2001:db8::1"},
        {"2001:db8::1", "2001:db8::1"},
        {"unix", "unix"},
        {"[", "["},
    };
    for (gsize i = 0; i < 2 * G_N_ELEMENTS(rows); i++) {
        gboolean addresses = i % 2 == 1;
        g_autoptr(HgPseudonyms) pseudonyms = load(KEY, 0600, addresses);
        char host[HG_PSEUDONYM_TEXT];
        HgPseudonymTexts texts;
        HgAuditEvent event;
        hg_audit_event_init(&event, HG_AUDIT_LOGIN_ACCEPTED);
        event.principal = hg_slice_from_string("alice");
        event.client_address = hg_slice_from_string(rows[i / 2].address);
        hg_pseudonyms_apply(pseudonyms, &event, &texts);
        hg_pseudonym_make(pseudonyms, hg_slice_from_string(rows[i / 2].host), host);
        ck_assert(hg_slice_equal_string(event.principal, ALICE));
        ck_assert_uint_eq(event.effective_user.size, 0);
        ck_assert_uint_eq(event.peer_address.size, 0);
        ck_assert(
            hg_slice_equal_string(event.client_address, addresses ? host : rows[i / 2].address));
    }
}
END_TEST

Suite *pseudonym_suite(void)
{
    Suite *suite = suite_create("pseudonym");
    TCase *tests = tcase_create("pseudonym");
    tcase_add_test(tests, test_known_value);
    tcase_add_test(tests, test_keys_that_are_refused);
    tcase_add_test(tests, test_events);
    suite_add_tcase(suite, tests);
    return suite;
}
