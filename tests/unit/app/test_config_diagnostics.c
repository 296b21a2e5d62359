/* Tests of app/config_diagnostics: form, order, bounds. */
#include "app/config_diagnostics.h"
#include "suites.h"

#include <string.h>

START_TEST(test_form)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("c.yaml");
    hg_diagnostics_error(diagnostics, (HgMark){3, 7}, "%s: wrong", "workers");
    hg_diagnostics_warn(diagnostics, (HgMark){3, 9}, "odd");
    hg_diagnostics_error(diagnostics, (HgMark){0, 0}, "can't be read");
    hg_diagnostics_error_elsewhere(diagnostics, (HgMark){1, 1}, "users.txt:5: no ':'");
    ck_assert_uint_eq(hg_diagnostics_errors(diagnostics), 3);
    ck_assert_uint_eq(hg_diagnostics_warnings(diagnostics), 1);
    hg_diagnostics_sort(diagnostics);
    g_autofree char *text = hg_diagnostics_text(diagnostics);
    ck_assert_str_eq(text, "c.yaml: can't be read\n"
                           "users.txt:5: no ':'\n"
                           "c.yaml:3:7: workers: wrong\n"
                           "c.yaml:3:9: warning: odd\n");
    ck_assert(hg_diagnostics_nth_is_error(diagnostics, 2));
    ck_assert(!hg_diagnostics_nth_is_error(diagnostics, 3));
}
END_TEST

START_TEST(test_order)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("c");
    hg_diagnostics_error(diagnostics, (HgMark){10, 1}, "e");
    hg_diagnostics_error(diagnostics, (HgMark){9, 20}, "c");
    hg_diagnostics_error(diagnostics, (HgMark){9, 3}, "a");
    hg_diagnostics_error(diagnostics, (HgMark){9, 3}, "b");
    hg_diagnostics_error(diagnostics, (HgMark){9, 20}, "d");
    hg_diagnostics_sort(diagnostics);
    for (guint i = 0; i < 5; i++) {
        const char *text = hg_diagnostics_nth(diagnostics, i);
        ck_assert_int_eq(text[strlen(text) - 1], (int)('a' + i));
    }
}
END_TEST

START_TEST(test_bounded)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("c");
    for (guint i = 1; i <= 1000; i++)
        hg_diagnostics_error(diagnostics, (HgMark){i, 1}, "wrong");
    ck_assert_uint_eq(hg_diagnostics_errors(diagnostics), 1000);
    ck_assert_uint_eq(hg_diagnostics_count(diagnostics), 100);
    g_autofree char *text = hg_diagnostics_text(diagnostics);
    ck_assert(g_str_has_suffix(text, "c: and 900 more; these are the first 100\n"));
}
END_TEST

Suite *config_diagnostics_suite(void)
{
    Suite *suite = suite_create("app/config_diagnostics");
    TCase *tcase = tcase_create("config_diagnostics");
    tcase_add_test(tcase, test_form);
    tcase_add_test(tcase, test_order);
    tcase_add_test(tcase, test_bounded);
    suite_add_tcase(suite, tcase);
    return suite;
}
