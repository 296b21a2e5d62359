/* Tests of audit/archive_file: manifests and lines come back as they went in, and no cut or changed
 * one is taken; files that aren't whole are refused. */
#include "audit/archive_file.h"
#include "suites.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define EVENT "{\"kind\":\"gap\"}"

static void fill(HgArchiveManifest *manifest)
{
    HgArchiveRun run = {.spool = {{1, 2, 3}}, .first = 7, .last = 9};
    memset(&run.before, 0xab, sizeof run.before);
    memset(&run.hash, 0xcd, sizeof run.hash);
    hg_archive_manifest_init(manifest, "2026-11-21");
    memset(manifest->sha256, 'e', 64);
    manifest->size = 1234;
    manifest->events = 6;
    g_array_append_val(manifest->runs, run);
    run.first = run.last = 20;
    g_array_append_val(manifest->runs, run);
}

START_TEST(test_manifests)
{
    g_auto(HgArchiveManifest) manifest = {0}, back = {0};
    fill(&manifest);
    g_autofree char *text = hg_archive_manifest_print(&manifest);
    gsize size = strlen(text);
    ck_assert(hg_archive_manifest_parse(hg_slice(text, size), &back));
    g_autofree char *again = hg_archive_manifest_print(&back);
    ck_assert_str_eq(text, again);
    ck_assert_uint_eq(back.runs->len, 2);
    ck_assert_uint_eq(g_array_index(back.runs, HgArchiveRun, 0).last, 9);
    for (gsize i = 0; i < size; i++) {
        HgArchiveManifest none;
        ck_assert(!hg_archive_manifest_parse(hg_slice(text, i), &none));
    }
}
END_TEST

static char *make_line(guint64 sequence)
{
    HgAuditHash hash = {{5}};
    char text[HG_AUDIT_HASH_TEXT];
    hg_audit_hash_print(&hash, text);
    return g_strdup_printf("{\"spool\":\"019aa5dd-b67b-7000-8000-0000000000ff\",\"sequence\":"
                           "%" G_GUINT64_FORMAT ",\"hash\":\"%s\",\"event\":" EVENT "}",
                           sequence, text);
}

START_TEST(test_lines)
{
    g_autofree char *text = make_line(42);
    gsize size = strlen(text);
    HgArchiveLine line;
    ck_assert(hg_archive_line_parse(hg_slice(text, size), &line));
    ck_assert_uint_eq(line.sequence, 42);
    ck_assert_uint_eq(line.hash.bytes[0], 5);
    ck_assert(hg_slice_equal_string(line.event, EVENT));
    for (gsize i = 0; i < size - 1; i++)
        if (hg_archive_line_parse(hg_slice(text, i), &line))
            ck_assert_uint_lt(line.event.size, strlen(EVENT)); /* the chain's hash tells */
    g_autofree char *zero = make_line(0);
    ck_assert(!hg_archive_line_parse(hg_slice_from_string(zero), &line));
}
END_TEST

static gboolean count(void *data, const HgArchiveLine *line, GError **error)
{
    guint *lines = data;
    ck_assert_uint_eq(line->sequence, ++*lines);
    return TRUE;
}

START_TEST(test_files)
{
    g_autofree char *folder = g_dir_make_tmp("hivegate-archive-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "file", NULL);
    HgArchiveWriter *writer = hg_archive_writer_new(path, NULL);
    char sha256[65];
    guint64 size = 0;
    guint lines = 0;
    ck_assert_ptr_nonnull(writer);
    for (guint i = 1; i <= 5000; i++) {
        g_autofree char *line = make_line(i);
        ck_assert(hg_archive_writer_add(writer, hg_slice_from_string(line), NULL));
    }
    ck_assert(hg_archive_writer_finish(writer, NULL));
    ck_assert(hg_archive_read(path, count, &lines, NULL));
    ck_assert_uint_eq(lines, 5000);
    ck_assert(hg_archive_hash_file(path, sha256, &size, NULL));
    ck_assert_uint_lt(size, 5000 * 100);
    ck_assert_int_eq(truncate(path, (off_t)size - 20), 0);
    lines = 0;
    ck_assert(!hg_archive_read(path, count, &lines, NULL));
    ck_assert_uint_le(lines, 5000);
    g_unlink(path);
    ck_assert(!hg_archive_read(path, count, &lines, NULL));
    g_rmdir(folder);
}
END_TEST

Suite *archive_file_suite(void)
{
    Suite *suite = suite_create("archive_file");
    TCase *tests = tcase_create("archive_file");
    tcase_add_test(tests, test_manifests);
    tcase_add_test(tests, test_lines);
    tcase_add_test(tests, test_files);
    suite_add_tcase(suite, tests);
    return suite;
}
