/* Tests of wire/layout: what can't be seen through the cursor, at its edges. */
#include "bytes.h"
#include "suites.h"
#include "wire/layout.h"

#include <sys/mman.h>

START_TEST(test_sizes_of_types)
{
    static const guint8 sizes[] = {0, 0, 1, 1, 8, 0, 2, 0, 4, 0, 8, 0, 0, 0, 0, 0};
    for (guint type = 0; type < 256; type++) {
        guint size = type < G_N_ELEMENTS(sizes) ? sizes[type] : 0;
        ck_assert_uint_eq(hg_layout_fixed_size((guint8)type), size);
        gboolean variable = type >= 11 && type <= 15;
        ck_assert_int_eq(hg_layout_is_value_type((guint8)type), size > 0 || variable);
    }
}
END_TEST

START_TEST(test_length_that_may_still_fit)
{
    const guint8 bytes[] = {0x00, 0x00, 0x20, 0x01}; /* 8193 */
    for (gsize size = 0; size <= 4; size++) {
        ck_assert(hg_layout_length_fits(bytes, size, 8193));
        ck_assert_int_eq(hg_layout_length_fits(bytes, size, 8192), size < 4);
        ck_assert_int_eq(hg_layout_length_fits(bytes, size, 8191), size < 3);
    }
    ck_assert(hg_layout_length_fits(NULL, 0, 0));
}
END_TEST

START_TEST(test_size_of_a_run_does_not_wrap)
{
    guint64 size = 0;
    HgRun list = {.key = HG_THRIFT_I64, .value = HG_THRIFT_I64, .values = G_MAXINT32};
    ck_assert(hg_layout_run_is_fixed(list, &size));
    ck_assert_uint_eq(size, 8 * (guint64)G_MAXINT32);
    HgRun map = {.key = HG_THRIFT_I64, .value = HG_THRIFT_BYTE, .values = 2 * (guint32)G_MAXINT32};
    ck_assert(hg_layout_run_is_fixed(map, &size));
    ck_assert_uint_eq(size, 9 * (guint64)G_MAXINT32);
    HgRun odd = {.key = HG_THRIFT_I16, .value = HG_THRIFT_I16, .values = 3};
    ck_assert(hg_layout_run_is_fixed(odd, &size));
    ck_assert_uint_eq(size, 6);
    HgRun mixed = {.key = HG_THRIFT_I16, .value = HG_THRIFT_STRING, .values = 2};
    ck_assert(!hg_layout_run_is_fixed(mixed, &size));
    HgRun empty = {.key = 99, .value = HG_THRIFT_STRUCT, .values = 0};
    ck_assert(hg_layout_run_is_fixed(empty, &size));
    ck_assert_uint_eq(size, 0);
}
END_TEST

START_TEST(test_a_map_of_the_greatest_count_keeps_it)
{
    AUTO_BYTES(bytes);
    put_map(bytes, HG_THRIFT_STRUCT, HG_THRIFT_STRING, G_MAXINT32);
    HgRun run;
    HgWireStatus status =
        hg_layout_read_run(hg_slice(bytes->data, bytes->len), HG_THRIFT_MAP, &run);
    ck_assert_int_eq(status, HG_WIRE_OK);
    ck_assert_uint_eq(run.values, 2 * (guint32)G_MAXINT32);
}
END_TEST

/* Strings of the given lengths in a tight copy cut at every byte: it passes those that are whole.
 */
static void check_strings(const guint *lengths, guint count)
{
    AUTO_BYTES(bytes);
    g_autofree gsize *ends = g_new(gsize, count + 1);
    ends[0] = 0;
    for (guint i = 0; i < count; i++) {
        put_u32(bytes, lengths[i]);
        for (guint k = 0; k < lengths[i]; k++)
            put_u8(bytes, 0xff); /* reads as a negative length when a step goes wrong */
        ends[i + 1] = bytes->len;
    }
    for (gsize size = 0; size <= bytes->len; size++) {
        guint whole = 0;
        while (whole < count && ends[whole + 1] <= size)
            whole++;
        for (guint32 asked = 0; asked <= count + 1; asked++) {
            HgSlice cut = tight_copy(bytes, size);
            guint32 left = asked;
            const guint8 *at = hg_layout_skip_strings(cut.data, cut.data + cut.size, &left);
            guint passed = MIN(whole, asked);
            HOLDS(left == asked - passed && (gsize)(at - cut.data) == ends[passed]);
            g_free((guint8 *)cut.data);
        }
    }
}

START_TEST(test_strings_of_one_and_of_many_lengths)
{
    check_strings((const guint[]){3, 3, 3, 3}, 4);
    check_strings((const guint[]){0, 0, 0}, 3);
    check_strings((const guint[]){0, 1, 2, 3, 2, 2, 0}, 7);
    check_strings((const guint[]){5, 5, 1, 5, 5, 9, 9}, 7);
}
END_TEST

START_TEST(test_strings_stop_at_a_negative_length)
{
    AUTO_BYTES(bytes);
    put_text(bytes, "ab");
    put_text(bytes, "cd");
    put_u32(bytes, 0xffffffffu);
    put_text(bytes, "ef");
    guint32 left = 4;
    const guint8 *at = hg_layout_skip_strings(bytes->data, bytes->data + bytes->len, &left);
    ck_assert_uint_eq(left, 2);
    ck_assert_uint_eq((gsize)(at - bytes->data), 12);
}
END_TEST

START_TEST(test_a_negative_length_in_more_than_2_gib)
{
    gsize size = (gsize)3 << 30; /* never touched but for its first page */
    guint8 *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(bytes, MAP_FAILED);
    bytes[0] = 0x80;
    guint32 left = 1;
    ck_assert_ptr_eq(hg_layout_skip_strings(bytes, bytes + size, &left), bytes);
    ck_assert_uint_eq(left, 1);
    bytes[0] = 0x7f;
    ck_assert_ptr_eq(hg_layout_skip_strings(bytes, bytes + size, &left), bytes + 0x7f000004);
    ck_assert_uint_eq(left, 0);
    munmap(bytes, size);
}
END_TEST

Suite *layout_suite(void)
{
    Suite *suite = suite_create("wire/layout");
    TCase *tcase = tcase_create("layout");
    tcase_add_test(tcase, test_sizes_of_types);
    tcase_add_test(tcase, test_length_that_may_still_fit);
    tcase_add_test(tcase, test_size_of_a_run_does_not_wrap);
    tcase_add_test(tcase, test_a_map_of_the_greatest_count_keeps_it);
    tcase_add_test(tcase, test_strings_of_one_and_of_many_lengths);
    tcase_add_test(tcase, test_strings_stop_at_a_negative_length);
    tcase_add_test(tcase, test_a_negative_length_in_more_than_2_gib);
    suite_add_tcase(suite, tcase);
    return suite;
}
