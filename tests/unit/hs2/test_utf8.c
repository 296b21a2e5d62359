/* Tests of hs2/utf8: against GLib's check of the whole text, wherever the odd bytes stand. */
#include "hs2/utf8.h"
#include "notation.h"
#include "suites.h"

static gboolean is_clean(const char *text, gsize size)
{
    HgSlice copy = tight_copy(hg_slice(text, size));
    gboolean clean = hg_utf8_is_clean(copy);
    HOLDS(clean == g_utf8_validate_len((const char *)copy.data, copy.size, NULL));
    g_free((guint8 *)copy.data);
    return clean;
}

START_TEST(test_ascii)
{
    char text[64];
    memset(text, '\x7f', sizeof text);
    for (gsize size = 0; size <= sizeof text; size++)
        ck_assert(is_clean(text, size));
    text[0] = '\x01'; /* a byte that borrows nothing */
    ck_assert(is_clean(text, sizeof text));
}
END_TEST

START_TEST(test_bad_bytes_anywhere)
{
    static const struct {
        const char *bytes;
        gsize size;
        gboolean clean;
    } parts[] = {
        {"\0", 1, FALSE},          {"\xc3\xa9", 2, TRUE},         {"\xc3", 1, FALSE},
        {"\x80", 1, FALSE},        {"\xc0\x80", 2, FALSE},        {"\xed\xa0\x80", 3, FALSE},
        {"\xff", 1, FALSE},        {"\xf0\x9f\x90\x9d", 4, TRUE}, {"\xf4\x90\x80\x80", 4, FALSE},
        {"\xe2\x82\xac", 3, TRUE}, {"\xe0\x80\x80", 3, FALSE},    {"\xef\xbb\xbf", 3, TRUE},
        {"\x01\0\x01", 3, FALSE},
    };
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        for (gsize before = 0; before < 20; before++) {
            for (gsize after = 0; after < 20; after++) {
                char text[64];
                memset(text, 'a', sizeof text);
                memcpy(text + before, parts[i].bytes, parts[i].size);
                HOLDS(is_clean(text, before + parts[i].size + after) == parts[i].clean);
            }
        }
    }
}
END_TEST

Suite *utf8_suite(void)
{
    Suite *suite = suite_create("hs2/utf8");
    TCase *tests = tcase_create("utf8");
    tcase_add_test(tests, test_ascii);
    tcase_add_test(tests, test_bad_bytes_anywhere);
    suite_add_tcase(suite, tests);
    return suite;
}
