/* Tests of base/slice: empty and NULL slices, comparing, copying out. */
#include "base/slice.h"
#include "suites.h"

START_TEST(test_from_strings)
{
    HgSlice text = hg_slice_from_string("abc");
    ck_assert_uint_eq(text.size, 3);
    ck_assert_uint_eq(hg_slice_from_string("").size, 0);
    ck_assert_uint_eq(hg_slice_from_string(NULL).size, 0);
}
END_TEST

START_TEST(test_equality)
{
    HgSlice null = hg_slice(NULL, 0);
    ck_assert(hg_slice_equal(null, null));
    ck_assert(hg_slice_equal(null, hg_slice("x", 0)));
    ck_assert(!hg_slice_equal(null, hg_slice("x", 1)));
    ck_assert(hg_slice_equal(hg_slice("a\0b", 3), hg_slice("a\0b", 3)));
    ck_assert(!hg_slice_equal(hg_slice("a\0b", 3), hg_slice("a\0c", 3)));
    ck_assert(!hg_slice_equal(hg_slice("ab", 2), hg_slice("abc", 3)));
    ck_assert(hg_slice_equal_string(hg_slice("abc", 2), "ab"));
    ck_assert(!hg_slice_equal_string(hg_slice("ab\0", 3), "ab"));
    ck_assert(hg_slice_equal_string(null, ""));
}
END_TEST

START_TEST(test_copies)
{
    g_autofree char *some = hg_slice_dup_string(hg_slice("abcdef", 3));
    ck_assert_str_eq(some, "abc");
    g_autofree char *none = hg_slice_dup_string(hg_slice("abc", 0));
    ck_assert_str_eq(none, "");
    g_autofree char *null = hg_slice_dup_string(hg_slice(NULL, 0));
    ck_assert_ptr_nonnull(null); /* the caller may print it */
    ck_assert_str_eq(null, "");
    g_autofree char *inner = hg_slice_dup_string(hg_slice("a\0b", 3));
    ck_assert_mem_eq(inner, "a\0b", 4);
}
END_TEST

Suite *slice_suite(void)
{
    Suite *suite = suite_create("base/slice");
    TCase *tcase = tcase_create("slice");
    tcase_add_test(tcase, test_from_strings);
    tcase_add_test(tcase, test_equality);
    tcase_add_test(tcase, test_copies);
    suite_add_tcase(suite, tcase);
    return suite;
}
