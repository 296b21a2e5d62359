/* Tests of audit/spool: durability, bounds, recovery after torn and damaged ends, rotation, locks,
 * a disk that fails, threads and loops. */
#include "kit.h"

#include "base/error.h"
#include "suites.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static Kit *kit;

static void set_up(void)
{
    kit = kit_new();
}

static void tear_down(void)
{
    g_clear_pointer(&kit, kit_free);
}

#define ASSERT_KINDS(expected)                                                                     \
    do {                                                                                           \
        g_autofree char *kinds_ = kit_kinds(kit);                                                  \
        ck_assert_str_eq(kinds_, expected);                                                        \
    } while (0)

static HgSpoolStatus status_of(void)
{
    HgSpoolStatus status;
    hg_spool_status(kit->spool, &status, NULL);
    return status;
}

START_TEST(test_told_when_durable)
{
    HgAuditId statement;
    kit_open(kit);
    ck_assert_uint_eq(kit->recovery.sequence, 1);
    ck_assert_int_eq(kit_append(kit, HG_AUDIT_STATEMENT_SUBMITTED, NULL, &statement),
                     HG_SPOOL_TAKEN);
    ck_assert_uint_eq(hg_spool_durable(kit->spool), 2);
    ck_assert_uint_eq(status_of().running, 1);
    ck_assert_int_eq(kit_append(kit, HG_AUDIT_STATEMENT_FINISHED, &statement, NULL),
                     HG_SPOOL_TAKEN);
    ck_assert_uint_eq(status_of().running, 0);
    ASSERT_KINDS("statement_submitted statement_finished");
    kit_close(kit);
    kit_open(kit);
    ck_assert_uint_eq(kit->recovery.unknown, 0);
    ck_assert_uint_eq(kit->recovery.sequence, 3);
    ASSERT_KINDS("statement_submitted statement_finished");
}
END_TEST

START_TEST(test_interval_tells_at_once)
{
    kit->options.durability = HG_SPOOL_INTERVAL;
    kit_open(kit);
    for (guint i = 0; i < 100; i++)
        ck_assert_int_eq(kit_append(kit, HG_AUDIT_LOGIN_ACCEPTED, NULL, NULL), HG_SPOOL_TAKEN);
    hg_spool_wait(kit->spool, 100, 60000);
    ck_assert_uint_eq(hg_spool_durable(kit->spool), 101);
}
END_TEST

START_TEST(test_interval_is_written_at_the_end)
{
    kit->options.durability = HG_SPOOL_INTERVAL;
    kit->options.interval_ms = 3600000;
    kit_open(kit);
    ck_assert_int_eq(kit_append(kit, HG_AUDIT_LOGIN_ACCEPTED, NULL, NULL), HG_SPOOL_TAKEN);
    kit_close(kit);
    ASSERT_KINDS("login_accepted");
}
END_TEST

START_TEST(test_statements_without_an_end_are_unknown)
{
    HgAuditId one, two;
    kit_open(kit);
    kit_append(kit, HG_AUDIT_STATEMENT_SUBMITTED, NULL, &one);
    kit_append(kit, HG_AUDIT_STATEMENT_SUBMITTED, NULL, &two);
    kit_append(kit, HG_AUDIT_STATEMENT_FAILED, &one, NULL);
    kit_close(kit);
    kit_open(kit);
    ck_assert_uint_eq(kit->recovery.unknown, 1);
    kit_settle(kit);
    ASSERT_KINDS("statement_submitted statement_submitted statement_failed statement_unknown");
    kit_close(kit);
    kit_open(kit);
    ck_assert_uint_eq(kit->recovery.unknown, 0);
}
END_TEST

/* The segment in which a statement was submitted may be shipped and gone when its end is missing.
 */
START_TEST(test_unknown_outlives_the_segment)
{
    kit->options.segment = 200;
    kit_open(kit);
    kit_append(kit, HG_AUDIT_STATEMENT_SUBMITTED, NULL, NULL);
    for (guint i = 0; i < 5; i++)
        kit_append(kit, HG_AUDIT_LOGIN_ACCEPTED, NULL, NULL);
    ck_assert_uint_gt(kit_count_segments(kit), 2);
    ck_assert(hg_spool_release(kit->spool, 6, NULL));
    ck_assert_uint_le(kit_count_segments(kit), 2);
    kit_close(kit);
    kit_open(kit);
    ck_assert_uint_eq(kit->recovery.unknown, 1);
}
END_TEST

/* Whatever length a killed process leaves behind, the whole records count and nothing else. */
START_TEST(test_torn_at_any_byte)
{
    kit_open(kit);
    kit_append(kit, HG_AUDIT_LOGIN_ACCEPTED, NULL, NULL);
    g_autofree char *path = kit_last_segment(kit);
    goffset first = file_size(path);
    kit_append(kit, HG_AUDIT_SESSION_OPENED, NULL, NULL);
    goffset second = file_size(path);
    kit_close(kit);
    g_autofree char *bytes = NULL;
    ck_assert(g_file_get_contents(path, &bytes, NULL, NULL));
    for (goffset size = first; size < second; size += 7) {
        g_autofree char *later = kit_last_segment(kit);
        if (strcmp(later, path) != 0)
            g_unlink(later);
        ck_assert(g_file_set_contents(path, bytes, size, NULL));
        kit_open(kit);
        ck_assert_uint_eq(kit->recovery.torn_bytes, (guint64)(size - first));
        ck_assert_uint_eq(kit->recovery.sequence, 2);
        ck_assert_uint_eq(kit->recovery.damaged, 0);
        kit_close(kit);
        ASSERT_KINDS("login_accepted");
    }
}
END_TEST

START_TEST(test_zeros_behind_the_end)
{
    static const guint8 zeros[5000];
    kit_open(kit);
    kit_append(kit, HG_AUDIT_LOGIN_ACCEPTED, NULL, NULL);
    g_autofree char *path = kit_last_segment(kit);
    kit_close(kit);
    file_append(path, hg_slice(zeros, sizeof zeros));
    kit_open(kit);
    ck_assert_uint_eq(kit->recovery.torn_bytes, sizeof zeros);
    kit_append(kit, HG_AUDIT_SESSION_OPENED, NULL, NULL);
    ASSERT_KINDS("login_accepted session_opened");
}
END_TEST

START_TEST(test_damage_before_the_end_is_kept_and_counted)
{
    kit_open(kit);
    kit_append(kit, HG_AUDIT_LOGIN_ACCEPTED, NULL, NULL);
    g_autofree char *path = kit_last_segment(kit);
    goffset first = file_size(path);
    kit_append(kit, HG_AUDIT_SESSION_OPENED, NULL, NULL);
    kit_append(kit, HG_AUDIT_SESSION_CLOSED, NULL, NULL);
    goffset whole = file_size(path);
    kit_close(kit);
    file_flip(path, first + 100);
    kit_open(kit);
    ck_assert_uint_eq(kit->recovery.damaged, 1);
    ck_assert_uint_eq(kit->recovery.torn_bytes, 0);
    ck_assert_uint_eq(kit->recovery.sequence, 4);
    ck_assert_int_eq(file_size(path), whole);
    kit_append(kit, HG_AUDIT_ADMIN_ACTION, NULL, NULL);
    ASSERT_KINDS("login_accepted ! session_closed admin_action");
}
END_TEST

START_TEST(test_two_processes_cant_share_it)
{
    g_autoptr(GError) error = NULL;
    HgSpoolRecovery recovery;
    kit_open(kit);
    ck_assert_ptr_null(hg_spool_open(&kit->options, &recovery, &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_UNAVAILABLE));
    kit_close(kit);
    kit_open(kit);
}
END_TEST

START_TEST(test_rotation_by_size_and_age)
{
    kit->options.segment = 1000;
    kit_open(kit);
    for (guint i = 0; i < 50; i++)
        kit_append(kit, HG_AUDIT_LOGIN_ACCEPTED, NULL, NULL);
    guint many = kit_count_segments(kit);
    ck_assert_uint_gt(many, 10);
    ck_assert_uint_eq(status_of().segments, many);
    kit_close(kit);
    kit->options.segment = 1 << 30;
    kit->options.segment_age_ms = 1;
    kit_open(kit);
    for (guint i = 0; i < 5; i++) {
        kit_append(kit, HG_AUDIT_LOGIN_ACCEPTED, NULL, NULL);
        g_usleep(2000);
    }
    ck_assert_uint_ge(kit_count_segments(kit), many + 3);
}
END_TEST

START_TEST(test_release_keeps_what_isnt_shipped)
{
    kit->options.segment = 1000;
    kit_open(kit);
    for (guint i = 0; i < 50; i++)
        kit_append(kit, HG_AUDIT_LOGIN_ACCEPTED, NULL, NULL);
    ck_assert(hg_spool_release(kit->spool, 25, NULL));
    g_autoptr(HgSpoolReader) reader = hg_spool_reader_new(kit->folder, NULL);
    guint64 first = 0;
    ck_assert(hg_spool_reader_first(reader, &first, NULL));
    ck_assert_uint_gt(first, 15);
    ck_assert_uint_le(first, 25);
    ck_assert(hg_spool_release(kit->spool, G_MAXUINT64, NULL));
    ck_assert_uint_eq(kit_count_segments(kit), 1);
    kit_close(kit);
    kit_open(kit);
    ck_assert_uint_eq(kit->recovery.sequence, 51);
}
END_TEST

START_TEST(test_at_the_bound_new_things_are_refused)
{
    HgAuditId statement;
    kit->options.limit = 20000;
    kit_open(kit);
    kit_append(kit, HG_AUDIT_STATEMENT_SUBMITTED, NULL, &statement);
    while (kit_append(kit, HG_AUDIT_SESSION_OPENED, NULL, NULL) == HG_SPOOL_TAKEN)
        ;
    ck_assert_int_eq(kit_append(kit, HG_AUDIT_STATEMENT_SUBMITTED, NULL, NULL), HG_SPOOL_REFUSED);
    ck_assert_uint_eq(status_of().refused, 2);
    ck_assert_int_eq(kit_append(kit, HG_AUDIT_STATEMENT_FINISHED, &statement, NULL),
                     HG_SPOOL_TAKEN);
    ck_assert_uint_le(status_of().disk_bytes, 20000);
    while (kit_append(kit, HG_AUDIT_SESSION_CLOSED, NULL, NULL) == HG_SPOOL_TAKEN)
        ;
    ck_assert_uint_eq(status_of().lost, 1);
    ck_assert_uint_le(status_of().disk_bytes, 20000);
}
END_TEST

START_TEST(test_what_is_dropped_is_told_of_later)
{
    kit->options.limit = 20000;
    kit->options.segment = 2000;
    kit->options.when_full = HG_SPOOL_DROP;
    kit_open(kit);
    while (kit_append(kit, HG_AUDIT_STATEMENT_SUBMITTED, NULL, NULL) != HG_SPOOL_LOST)
        ;
    for (guint i = 0; i < 6; i++)
        ck_assert_int_eq(kit_append(kit, HG_AUDIT_STATEMENT_SUBMITTED, NULL, NULL), HG_SPOOL_LOST);
    ck_assert(hg_spool_release(kit->spool, G_MAXUINT64, NULL));
    ck_assert_int_eq(kit_append(kit, HG_AUDIT_LOGIN_ACCEPTED, NULL, NULL), HG_SPOOL_TAKEN);
    g_autofree char *kinds = kit_kinds(kit);
    ck_assert(g_str_has_suffix(kinds, "gap login_accepted"));
    g_autofree char *path = kit_last_segment(kit);
    g_autofree char *bytes = NULL;
    gsize size = 0;
    ck_assert(g_file_get_contents(path, &bytes, &size, NULL));
    ck_assert_ptr_nonnull(memmem(bytes, size, "\"lost\":7}", 9));
}
END_TEST

/* RLIMIT_FSIZE makes write(2) fail as a full disk does, in the middle of a record too. Check's own
 * file is under the limit as well: nothing is asserted meanwhile. */
START_TEST(test_a_disk_that_fails)
{
    HgAuditId statement;
    signal(SIGXFSZ, SIG_IGN);
    kit_open(kit);
    kit_append(kit, HG_AUDIT_STATEMENT_SUBMITTED, NULL, &statement);
    g_autofree char *path = kit_last_segment(kit);
    goffset good = file_size(path);
    struct rlimit limit, tight;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    tight = limit;
    tight.rlim_cur = (rlim_t)good + 100;
    setrlimit(RLIMIT_FSIZE, &tight);
    HgSpoolOutcome first = kit_append(kit, HG_AUDIT_STATEMENT_SUBMITTED, NULL, NULL);
    gboolean failing = status_of().failing;
    HgSpoolOutcome second = kit_append(kit, HG_AUDIT_STATEMENT_SUBMITTED, NULL, NULL);
    HgSpoolOutcome end = kit_append(kit, HG_AUDIT_STATEMENT_FINISHED, &statement, NULL);
    struct stat status;
    int rc = stat(path, &status);
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert_int_eq(first, HG_SPOOL_REFUSED);
    ck_assert(failing);
    ck_assert_int_eq(second, HG_SPOOL_REFUSED);
    ck_assert_int_eq(end, HG_SPOOL_LATE);
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(status.st_size, good);
    kit_settle(kit);
    ck_assert(!status_of().failing);
    ASSERT_KINDS("statement_submitted statement_finished");
    ck_assert_uint_eq(status_of().running, 0);
}
END_TEST

START_TEST(test_a_folder_that_cant_be)
{
    g_autoptr(GError) error = NULL;
    HgSpoolRecovery recovery;
    HgSpoolOptions options = kit->options;
    options.folder = "/proc/no/such";
    ck_assert_ptr_null(hg_spool_open(&options, &recovery, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "/proc/no/such"));
    g_autofree char *inner = g_build_filename(kit->folder, "made", NULL);
    struct stat status;
    options.folder = inner;
    HgSpool *spool = hg_spool_open(&options, &recovery, NULL);
    ck_assert_ptr_nonnull(spool);
    hg_spool_close(spool);
    ck_assert_int_eq(stat(inner, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0700);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *file =
            g_build_filename(inner, i == 0 ? "lock" : "00000000000000000001.seg", NULL);
        ck_assert_int_eq(g_unlink(file), 0);
    }
    ck_assert_int_eq(g_rmdir(inner), 0);
}
END_TEST

#define APPENDS 300

static void *append_many(void *data)
{
    guint *taken = data;
    for (guint i = 0; i < APPENDS; i++)
        *taken += kit_append(kit, HG_AUDIT_METADATA_CALL, NULL, NULL) == HG_SPOOL_TAKEN;
    return NULL;
}

START_TEST(test_threads_share_a_sync)
{
    pthread_t threads[8];
    guint taken[8] = {0}, sum = 0;
    kit->options.segment = 20000;
    kit_open(kit);
    for (guint i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, append_many, &taken[i]), 0);
    for (guint i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        sum += taken[i];
    }
    ck_assert_uint_eq(sum, 8 * APPENDS);
    ck_assert_uint_eq(hg_spool_durable(kit->spool), 8 * APPENDS + 1);
    ck_assert_uint_lt(status_of().syncs, 8 * APPENDS);
    g_autofree char *kinds = kit_kinds(kit);
    g_auto(GStrv) words = g_strsplit(kinds, " ", -1);
    ck_assert_uint_eq(g_strv_length(words), 8 * APPENDS);
    ck_assert_ptr_null(strchr(kinds, '!'));
}
END_TEST

static void stop_loop(HgTask *task)
{
    HgSpoolReceipt *receipt = (HgSpoolReceipt *)task;
    hg_loop_stop(receipt->loop);
}

START_TEST(test_a_receipt_reaches_its_loop)
{
    HgLoop *loop = hg_loop_new(NULL);
    HgSpoolReceipt receipt = {.task = {.run = stop_loop}, .loop = loop};
    kit_open(kit);
    HgAuditEvent event = kit_event(kit, HG_AUDIT_STATEMENT_SUBMITTED);
    event.statement_id = event.stamp.id;
    ck_assert_int_eq(hg_spool_append(kit->spool, &event, &receipt), HG_SPOOL_WAIT);
    hg_loop_run(loop); /* ends by the receipt */
    ck_assert_int_eq(receipt.outcome, HG_SPOOL_TAKEN);
    hg_loop_free(loop);
}
END_TEST

START_TEST(test_killed_while_appending)
{
    for (guint round = 0; round < 5; round++) {
        int pipe_fds[2];
        guint told = 0;
        ck_assert_int_eq(pipe(pipe_fds), 0);
        pid_t child = fork();
        if (child == 0) {
            kit->options.segment = 3000;
            kit_open(kit);
            while (kit_append(kit, HG_AUDIT_LOGIN_ACCEPTED, NULL, NULL) == HG_SPOOL_TAKEN)
                if (write(pipe_fds[1], "x", 1) != 1)
                    _exit(1);
            _exit(1);
        }
        close(pipe_fds[1]);
        char byte;
        while (told < 20 + round * 17 && read(pipe_fds[0], &byte, 1) == 1)
            told++;
        kill(child, SIGKILL);
        while (read(pipe_fds[0], &byte, 1) == 1)
            told++;
        close(pipe_fds[0]);
        waitpid(child, NULL, 0);
        guint64 before = kit->recovery.sequence > 0 ? kit->recovery.sequence : 1;
        kit_open(kit);
        ck_assert_uint_ge(kit->recovery.sequence, before + told);
        ck_assert_uint_le(kit->recovery.sequence, before + told + 1);
        kit_close(kit);
    }
    g_autofree char *kinds = kit_kinds(kit);
    ck_assert_ptr_null(strchr(kinds, '!'));
}
END_TEST

Suite *spool_suite(void)
{
    Suite *suite = suite_create("spool");
    TCase *tests = tcase_create("spool");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_told_when_durable);
    tcase_add_test(tests, test_interval_tells_at_once);
    tcase_add_test(tests, test_interval_is_written_at_the_end);
    tcase_add_test(tests, test_statements_without_an_end_are_unknown);
    tcase_add_test(tests, test_unknown_outlives_the_segment);
    tcase_add_test(tests, test_torn_at_any_byte);
    tcase_add_test(tests, test_zeros_behind_the_end);
    tcase_add_test(tests, test_damage_before_the_end_is_kept_and_counted);
    tcase_add_test(tests, test_two_processes_cant_share_it);
    tcase_add_test(tests, test_rotation_by_size_and_age);
    tcase_add_test(tests, test_release_keeps_what_isnt_shipped);
    tcase_add_test(tests, test_at_the_bound_new_things_are_refused);
    tcase_add_test(tests, test_what_is_dropped_is_told_of_later);
    tcase_add_test(tests, test_a_disk_that_fails);
    tcase_add_test(tests, test_a_folder_that_cant_be);
    tcase_add_test(tests, test_threads_share_a_sync);
    tcase_add_test(tests, test_a_receipt_reaches_its_loop);
    tcase_add_test(tests, test_killed_while_appending);
    suite_add_tcase(suite, tests);
    return suite;
}
