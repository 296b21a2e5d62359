/* Tests of hs2/handle. */
#include "hs2/handle.h"
#include "suites.h"

START_TEST(test_random_handles_differ)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < 1000; i++) {
        HgHandle handle = {{0}, {0}};
        hg_handle_random(&handle);
        HOLDS(memcmp(handle.guid, handle.secret, HG_HANDLE_HALF) != 0);
        char text[HG_HANDLE_TEXT_SIZE];
        hg_handle_text(&handle, text);
        HOLDS(g_hash_table_add(seen, g_strdup(text)));
    }
}
END_TEST

START_TEST(test_equal_looks_at_every_byte)
{
    HgHandle a;
    hg_handle_random(&a);
    HgHandle b = a;
    ck_assert(hg_handle_equal(&a, &b));
    for (guint i = 0; i < HG_HANDLE_HALF; i++) {
        b = a;
        b.guid[i] ^= 0x80;
        ck_assert(!hg_handle_equal(&a, &b));
        b = a;
        b.secret[i] ^= 1;
        ck_assert(!hg_handle_equal(&a, &b));
    }
}
END_TEST

START_TEST(test_text_is_a_java_uuid)
{
    HgHandle handle = {{0}, {0}};
    for (guint i = 0; i < HG_HANDLE_HALF; i++)
        handle.guid[i] = (guint8)(i * 0x11);
    char text[HG_HANDLE_TEXT_SIZE];
    hg_handle_text(&handle, text);
    ck_assert_str_eq(text, "00112233-4455-6677-8899-aabbccddeeff");
}
END_TEST

Suite *handle_suite(void)
{
    Suite *suite = suite_create("hs2/handle");
    TCase *tests = tcase_create("handle");
    tcase_add_test(tests, test_random_handles_differ);
    tcase_add_test(tests, test_equal_looks_at_every_byte);
    tcase_add_test(tests, test_text_is_a_java_uuid);
    suite_add_tcase(suite, tests);
    return suite;
}
