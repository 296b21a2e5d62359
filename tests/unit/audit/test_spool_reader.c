/* Tests of audit/spool_reader: seeking, holes of every kind, reading while another writes. */
#include "kit.h"

#include "base/error.h"
#include "suites.h"

#include <glib/gstdio.h>
#include <pthread.h>

static Kit *kit;

/* Three segments or more, of login events. */
static void set_up(void)
{
    kit = kit_new();
    kit->options.segment = 1000;
    kit_open(kit);
    for (guint i = 0; i < 12; i++)
        kit_append(kit, HG_AUDIT_LOGIN_ACCEPTED, NULL, NULL);
    kit_close(kit);
    ck_assert_uint_ge(kit_count_segments(kit), 4);
}

static void tear_down(void)
{
    g_clear_pointer(&kit, kit_free);
}

/* What reading finds, as "RECORDS HOLES". */
static void count(guint *records, guint *holes)
{
    g_autofree char *kinds = kit_kinds(kit);
    g_auto(GStrv) words = g_strsplit(kinds, " ", -1);
    *records = *holes = 0;
    for (guint i = 0; words[i] != NULL; i++) {
        *holes += words[i][0] == '!';
        *records += words[i][0] == 'l';
    }
}

START_TEST(test_seeking)
{
    g_autoptr(HgSpoolReader) reader = hg_spool_reader_new(kit->folder, NULL);
    HgRecord record;
    for (guint64 wanted = 1; wanted <= 12; wanted++) {
        ck_assert(hg_spool_reader_seek(reader, wanted, NULL));
        ck_assert_int_eq(hg_spool_reader_next(reader, 13, &record, NULL), HG_SPOOL_READ_RECORD);
        ck_assert_uint_eq(record.sequence, wanted);
    }
    ck_assert(hg_spool_reader_seek(reader, 13, NULL));
    ck_assert_int_eq(hg_spool_reader_next(reader, G_MAXUINT64, &record, NULL),
                     HG_SPOOL_READ_NOTHING);
    ck_assert(hg_spool_reader_seek(reader, 3, NULL));
    ck_assert_int_eq(hg_spool_reader_next(reader, 3, &record, NULL), HG_SPOOL_READ_NOTHING);
}
END_TEST

START_TEST(test_whole_is_whole)
{
    guint records, holes;
    count(&records, &holes);
    ck_assert_uint_eq(records, 12);
    ck_assert_uint_eq(holes, 0);
}
END_TEST

START_TEST(test_a_missing_segment)
{
    guint records, holes;
    g_autofree char *second = kit_segment(kit, 1);
    g_unlink(second);
    count(&records, &holes);
    ck_assert_uint_lt(records, 12);
    ck_assert_uint_eq(holes, 1);
}
END_TEST

START_TEST(test_a_segment_cut_between_records)
{
    guint records, holes;
    g_autofree char *second = kit_segment(kit, 1);
    file_cut(second, 96);
    count(&records, &holes);
    ck_assert_uint_lt(records, 12);
    ck_assert_uint_eq(holes, 1);
}
END_TEST

START_TEST(test_a_segment_cut_inside_a_record)
{
    guint records, holes;
    g_autofree char *second = kit_segment(kit, 1);
    file_cut(second, file_size(second) - 5);
    count(&records, &holes);
    ck_assert_uint_eq(records, 11);
    ck_assert_uint_eq(holes, 1);
}
END_TEST

START_TEST(test_any_changed_byte_of_a_record)
{
    g_autofree char *second = kit_segment(kit, 1);
    goffset size = file_size(second);
    for (goffset at = 96; at < size; at += 11) {
        guint records, holes;
        file_flip(second, at);
        count(&records, &holes);
        ck_assert_uint_eq(records, 11);
        ck_assert_uint_eq(holes, 1);
        file_flip(second, at);
    }
}
END_TEST

/* Whoever changes a payload and makes the checksum right again still breaks the chain. */
START_TEST(test_a_record_sealed_anew)
{
    g_autofree char *second = kit_segment(kit, 1);
    g_autofree char *bytes = NULL;
    gsize size = 0, read = 0;
    guint records, holes;
    HgRecord record;
    ck_assert(g_file_get_contents(second, &bytes, &size, NULL));
    guint8 *at = (guint8 *)bytes + 96;
    ck_assert_int_eq(hg_record_read(hg_slice(at, size - 96), &record, &read), HG_RECORD_OK);
    char *name = memmem(at, read, "alice", 5);
    memcpy(name, "mally", 5);
    hg_record_seal(&record, at);
    ck_assert_int_eq(hg_record_read(hg_slice(at, size - 96), &record, &read), HG_RECORD_OK);
    ck_assert(g_file_set_contents(second, bytes, (gssize)size, NULL));
    count(&records, &holes);
    ck_assert_uint_eq(holes, 1);
    ck_assert_uint_eq(records, 12);
}
END_TEST

START_TEST(test_records_in_another_order)
{
    g_autofree char *second = kit_segment(kit, 1);
    g_autofree char *bytes = NULL;
    gsize size = 0, first = 0, other = 0;
    guint records, holes;
    HgRecord record;
    ck_assert(g_file_get_contents(second, &bytes, &size, NULL));
    guint8 *at = (guint8 *)bytes + 96;
    hg_record_read(hg_slice(at, size - 96), &record, &first);
    hg_record_read(hg_slice(at + first, size - 96 - first), &record, &other);
    g_autofree guint8 *turned = g_malloc(first + other);
    memcpy(turned, at + first, other);
    memcpy(turned + other, at, first);
    memcpy(at, turned, first + other);
    ck_assert(g_file_set_contents(second, bytes, (gssize)size, NULL));
    count(&records, &holes);
    ck_assert_uint_ge(holes, 1);
    ck_assert_uint_le(records, 11);
}
END_TEST

START_TEST(test_no_spool)
{
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(hg_spool_reader_new("/proc/self", &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_NOT_FOUND));
}
END_TEST

static void *write_on(void *data)
{
    for (guint i = 0; i < 300; i++)
        ck_assert_int_eq(kit_append(kit, HG_AUDIT_LOGIN_ACCEPTED, NULL, NULL), HG_SPOOL_TAKEN);
    return NULL;
}

START_TEST(test_reading_while_another_writes)
{
    pthread_t writer;
    HgRecord record;
    kit_open(kit);
    g_autoptr(HgSpoolReader) reader = hg_spool_reader_new(kit->folder, NULL);
    ck_assert(hg_spool_reader_seek(reader, 0, NULL));
    ck_assert_int_eq(pthread_create(&writer, NULL, write_on, NULL), 0);
    for (guint64 sequence = 1; sequence <= 312;) {
        HgSpoolRead read = hg_spool_reader_next(reader, G_MAXUINT64, &record, NULL);
        if (read == HG_SPOOL_READ_NOTHING)
            continue;
        ck_assert_int_eq(read, HG_SPOOL_READ_RECORD);
        ck_assert_uint_eq(record.sequence, sequence++);
    }
    pthread_join(writer, NULL);
}
END_TEST

Suite *spool_reader_suite(void)
{
    Suite *suite = suite_create("spool_reader");
    TCase *tests = tcase_create("spool_reader");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_seeking);
    tcase_add_test(tests, test_whole_is_whole);
    tcase_add_test(tests, test_a_missing_segment);
    tcase_add_test(tests, test_a_segment_cut_between_records);
    tcase_add_test(tests, test_a_segment_cut_inside_a_record);
    tcase_add_test(tests, test_any_changed_byte_of_a_record);
    tcase_add_test(tests, test_a_record_sealed_anew);
    tcase_add_test(tests, test_records_in_another_order);
    tcase_add_test(tests, test_no_spool);
    tcase_add_test(tests, test_reading_while_another_writes);
    suite_add_tcase(suite, tests);
    return suite;
}
