/* Tests of discovery/backoff: the waits grow, are spread, and have an end. */
#include "discovery/backoff.h"
#include "suites.h"

START_TEST(test_growth)
{
    HgBackoff backoff = {100, 1000, 0};
    gint64 most = 100;
    for (guint i = 0; i < 100; i++) {
        gint64 wait = hg_backoff_next(&backoff);
        ck_assert_int_ge(wait, most / 2);
        ck_assert_int_le(wait, most);
        most = MIN(most * 2, 1000);
    }
    hg_backoff_reset(&backoff);
    ck_assert_int_le(hg_backoff_next(&backoff), 100);
}
END_TEST

START_TEST(test_spread)
{
    gint64 least = G_MAXINT64, most = 0;
    for (guint i = 0; i < 1000; i++) {
        HgBackoff backoff = {1000, 1000, 0};
        gint64 wait = hg_backoff_next(&backoff);
        least = MIN(least, wait);
        most = MAX(most, wait);
    }
    /* missing either tenth of the range in 1000 draws has a chance of 1 in 10^45 */
    ck_assert_int_lt(least, 550);
    ck_assert_int_gt(most, 950);
}
END_TEST

START_TEST(test_nothing)
{
    HgBackoff backoff = {0, 0, 0};
    ck_assert_int_ge(hg_backoff_next(&backoff), 1);
}
END_TEST

Suite *backoff_suite(void)
{
    Suite *suite = suite_create("backoff");
    TCase *tests = tcase_create("waits");
    tcase_add_test(tests, test_growth);
    tcase_add_test(tests, test_spread);
    tcase_add_test(tests, test_nothing);
    suite_add_tcase(suite, tests);
    return suite;
}
