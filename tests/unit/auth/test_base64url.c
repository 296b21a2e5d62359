/* Tests of auth/base64url: one text for each row of bytes, and no other. */
#include "auth/base64url.h"
#include "mint.h"
#include "suites.h"

static const struct {
    const char *text;
    const char *bytes; /* NULL: refused */
} rows[] = {
    {"", ""},        {"Zg", "f"},          {"Zm8", "fo"},
    {"Zm9v", "foo"}, {"Zm9vYg", "foob"},   {"_-8", "\xff\xef"},
    {"Zh", NULL},    {"Zm9", NULL},        {"Z", NULL},
    {"Zm9vY", NULL}, {"Zg==", NULL},       {"Zm9v=", NULL},
    {"Zm 9v", NULL}, {"Zm9v\n", NULL},     {"/+8", NULL},
    {"Zm9.", NULL},  {"Zm\xc3\xbc", NULL},
};

START_TEST(test_rows)
{
    gsize size = 99;
    g_autofree guint8 *bytes = hg_base64url_decode(hg_slice_from_string(rows[_i].text), &size);
    ck_assert_int_eq(bytes != NULL, rows[_i].bytes != NULL);
    if (bytes != NULL) {
        ck_assert(hg_slice_equal_string(hg_slice(bytes, size), rows[_i].bytes));
        ck_assert_int_eq(bytes[size], 0);
    }
}
END_TEST

START_TEST(test_what_was_encoded_comes_back)
{
    guint8 bytes[256];
    for (guint i = 0; i < sizeof bytes; i++)
        bytes[i] = (guint8)(i * 7 + 3);
    for (gsize size = 0; size < sizeof bytes; size++) {
        gsize got = 0;
        g_autofree char *text = mint_base64url(hg_slice(bytes, size));
        g_autofree guint8 *back = hg_base64url_decode(hg_slice_from_string(text), &got);
        ck_assert_ptr_nonnull(back);
        ck_assert(hg_slice_equal(hg_slice(back, got), hg_slice(bytes, size)));
    }
}
END_TEST

Suite *base64url_suite(void)
{
    Suite *suite = suite_create("auth/base64url");
    TCase *tests = tcase_create("decode");
    tcase_add_loop_test(tests, test_rows, 0, G_N_ELEMENTS(rows));
    tcase_add_test(tests, test_what_was_encoded_comes_back);
    suite_add_tcase(suite, tests);
    return suite;
}
