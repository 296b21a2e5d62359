/* Tests of base/error: the domain, and errors of the operating system. */
#include "base/error.h"
#include "suites.h"

#include <errno.h>

START_TEST(test_domain)
{
    ck_assert_str_eq(g_quark_to_string(HG_ERROR), "hivegate-error");
    g_autoptr(GError) error = g_error_new(HG_ERROR, HG_ERROR_LIMIT, "full");
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_LIMIT));
    ck_assert(!g_error_matches(error, HG_ERROR, HG_ERROR_FAILED));
}
END_TEST

START_TEST(test_errno)
{
    g_autoptr(GError) error = NULL;
    hg_error_set_errno(&error, ENOENT, "can't open %s (%d%%)", "users.txt", 100);
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_IO));
    ck_assert_str_eq(error->message, "can't open users.txt (100%): No such file or directory");
}
END_TEST

START_TEST(test_nobody_asks)
{
    hg_error_set_errno(NULL, EACCES, "can't read %s", "%s%n"); /* no crash, no format of a value */
    g_autoptr(GError) error = NULL;
    hg_error_set_errno(&error, EACCES, "can't read %s", "%s%n");
    ck_assert_str_eq(error->message, "can't read %s%n: Permission denied");
}
END_TEST

Suite *error_suite(void)
{
    Suite *suite = suite_create("base/error");
    TCase *tcase = tcase_create("error");
    tcase_add_test(tcase, test_domain);
    tcase_add_test(tcase, test_errno);
    tcase_add_test(tcase, test_nobody_asks);
    suite_add_tcase(suite, tcase);
    return suite;
}
