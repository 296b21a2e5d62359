/* Tests of hs2/writer: values at their ends, and room that runs out at every byte. */
#include "hs2/writer.h"
#include "notation.h"
#include "suites.h"

static void write_all(HgWriter *writer)
{
    hg_writer_head(writer, HG_MESSAGE_EXCEPTION, hg_slice("name", 4), G_MININT32);
    hg_writer_field_bool(writer, 1, TRUE);
    hg_writer_field_bool(writer, 2, FALSE);
    hg_writer_field_i16(writer, -1, G_MININT16);
    hg_writer_field_i32(writer, G_MAXINT16, G_MAXINT32);
    hg_writer_field_i64(writer, G_MININT16, G_MININT64);
    hg_writer_field_string(writer, 0x501, hg_slice("a\0\xff", 3));
    hg_writer_field(writer, HG_THRIFT_STRUCT, 3);
    hg_writer_field_string(writer, 1, hg_slice(NULL, 0));
    hg_writer_stop(writer);
    hg_writer_stop(writer);
}

START_TEST(test_values)
{
    HgBuffer out;
    hg_buffer_init(&out, NULL);
    HgWriter writer = hg_writer(&out);
    write_all(&writer);
    ck_assert(hg_writer_finish(&writer));
    AUTO_MESSAGE(expected, "exception name -2147483648 {1:t 2:f -1:-32768s 32767:2147483647 "
                           "-32768:-9223372036854775808l 0x501:'a\\x00\\xff' 3:{1:''}}");
    ck_assert(hg_slice_equal(hg_slice(hg_buffer_data(&out), hg_buffer_size(&out)),
                             bytes_slice(expected)));
    hg_buffer_clear(&out);
}
END_TEST

/* Whatever the ceiling: all is written, or the buffer is as it was and its memory given back. */
START_TEST(test_no_room)
{
    static const char filled[1000] = {1};
    guint failures = 0;
    for (gsize before = 0; before <= sizeof filled; before++) {
        for (guint ceiling = 600; ceiling <= 2200; ceiling += 800) {
            HgBudget budget;
            hg_budget_init(&budget, ceiling);
            HgBuffer out;
            hg_buffer_init(&out, &budget);
            if (!hg_buffer_append(&out, hg_slice(filled, before), G_MAXSIZE))
                continue;
            HgWriter writer = hg_writer(&out);
            write_all(&writer);
            if (!hg_writer_finish(&writer)) {
                failures++;
                HOLDS(hg_buffer_size(&out) == before);
                HOLDS(before == 0 || memcmp(hg_buffer_data(&out), filled, before) == 0);
            }
            hg_buffer_clear(&out);
            HOLDS(hg_budget_used(&budget) == 0);
        }
    }
    ck_assert_uint_gt(failures, 10);
}
END_TEST

START_TEST(test_abandon)
{
    HgBuffer out;
    hg_buffer_init(&out, NULL);
    HgWriter writer = hg_writer(&out);
    write_all(&writer);
    hg_writer_abandon(&writer);
    ck_assert_ptr_null(out.bytes);
    ck_assert(hg_buffer_append(&out, hg_slice("abc", 3), G_MAXSIZE));
    writer = hg_writer(&out);
    write_all(&writer);
    hg_writer_abandon(&writer);
    ck_assert(!hg_writer_finish(&writer));
    ck_assert_uint_eq(hg_buffer_size(&out), 3);
    ck_assert(memcmp(hg_buffer_data(&out), "abc", 3) == 0);
    hg_buffer_clear(&out);
}
END_TEST

Suite *writer_suite(void)
{
    Suite *suite = suite_create("hs2/writer");
    TCase *tests = tcase_create("writer");
    tcase_add_test(tests, test_values);
    tcase_add_test(tests, test_no_room);
    tcase_add_test(tests, test_abandon);
    suite_add_tcase(suite, tests);
    return suite;
}
