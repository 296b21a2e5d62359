/* Tests of base/secret: counting, reading from files and the environment, what is refused. */
#include "base/error.h"
#include "base/secret.h"
#include "suites.h"

#include <glib/gstdio.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file of its own, gone at the end of the test. */
typedef struct {
    char path[64];
} TestFile;

static void test_file_clear(TestFile *file)
{
    unlink(file->path);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TestFile, test_file_clear)

static void make_file(TestFile *file, const void *bytes, gsize size, mode_t mode)
{
    g_snprintf(file->path, sizeof file->path, "/tmp/hg-test-secret-XXXXXX");
    int fd = mkstemp(file->path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

START_TEST(test_holds_a_copy)
{
    char bytes[] = "top\0secret";
    HgSecret *secret = hg_secret_new(hg_slice(bytes, sizeof bytes - 1));
    memset(bytes, 'x', sizeof bytes);
    HgSecret *other = hg_secret_ref(secret);
    hg_secret_unref(secret);
    HgSlice slice = hg_secret_slice(other);
    ck_assert_uint_eq(slice.size, 10);
    ck_assert_mem_eq(slice.data, "top\0secret", 11); /* with the NUL behind it */
    hg_secret_unref(other);
    hg_secret_unref(NULL);

    g_autoptr(HgSecret) empty = hg_secret_new(hg_slice(NULL, 0));
    ck_assert_uint_eq(hg_secret_slice(empty).size, 0);
    ck_assert_int_eq(hg_secret_slice(empty).data[0], 0);
}
END_TEST

START_TEST(test_read_file)
{
    g_auto(TestFile) file;
    make_file(&file, "a\nb\0c\n", 6, 0600);
    g_autoptr(HgSecret) secret = NULL;
    HgFileExposure exposure = HG_FILE_WRITABLE;
    ck_assert(hg_secret_read_file(file.path, 6, &secret, &exposure, NULL));
    ck_assert(hg_slice_equal(hg_secret_slice(secret), hg_slice("a\nb\0c\n", 6)));
    ck_assert_int_eq(exposure, HG_FILE_PRIVATE);

    HgSecret *untouched = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_secret_read_file(file.path, 5, &untouched, &exposure, &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_LIMIT));
    ck_assert_ptr_null(untouched);
}
END_TEST

START_TEST(test_exposure)
{
    static const struct {
        mode_t mode;
        HgFileExposure exposure;
    } cases[] = {
        {0600, HG_FILE_PRIVATE},  {0400, HG_FILE_PRIVATE},  {0640, HG_FILE_PRIVATE},
        {0644, HG_FILE_READABLE}, {0604, HG_FILE_READABLE}, {0660, HG_FILE_WRITABLE},
        {0666, HG_FILE_WRITABLE}, {0602, HG_FILE_WRITABLE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(TestFile) file;
        make_file(&file, "x", 1, cases[i].mode);
        g_autoptr(HgSecret) secret = NULL;
        HgFileExposure exposure;
        ck_assert(hg_secret_load_file(file.path, &secret, &exposure, NULL));
        ck_assert_msg(exposure == cases[i].exposure, "mode %o", cases[i].mode);
    }
}
END_TEST

START_TEST(test_load_file)
{
    static const char *const good[] = {"pass word", "pass word\n", "pass word\r\n",
                                       "pass word\n\n\n"};
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_auto(TestFile) file;
        make_file(&file, good[i], strlen(good[i]), 0600);
        g_autoptr(HgSecret) secret = NULL;
        HgFileExposure exposure;
        ck_assert(hg_secret_load_file(file.path, &secret, &exposure, NULL));
        ck_assert(hg_slice_equal_string(hg_secret_slice(secret), "pass word"));
    }
}
END_TEST

static void check_refused(const void *bytes, gsize size, const char *why)
{
    g_auto(TestFile) file;
    make_file(&file, bytes, size, 0600);
    HgSecret *secret = NULL;
    HgFileExposure exposure;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_secret_load_file(file.path, &secret, &exposure, &error));
    ck_assert_msg(strstr(error->message, why) != NULL, "%s", error->message);
    ck_assert_ptr_null(secret);
}

START_TEST(test_load_file_refused)
{
    check_refused("", 0, "is empty");
    check_refused("\n", 1, "is empty");
    check_refused("\nsecret", 7, "more than one line");
    check_refused("one\ntwo\n", 8, "more than one line");
    check_refused("a\0b", 3, "NUL");
    g_autofree char *big = g_strnfill(4097, 'x');
    check_refused(big, 4097, "at most 4096");
}
END_TEST

static void check_not_a_file(const char *path, const char *why)
{
    HgSecret *secret = NULL;
    HgFileExposure exposure;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_secret_load_file(path, &secret, &exposure, &error));
    ck_assert_msg(strstr(error->message, why) != NULL, "%s", error->message);
}

START_TEST(test_not_a_file)
{
    check_not_a_file("/nonexistent/secret", "No such file");
    check_not_a_file("/tmp", "not a regular file");
    check_not_a_file("/dev/zero", "not a regular file");
    g_autofree char *fifo = g_strdup_printf("/tmp/hg-test-fifo-%d", (int)getpid());
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    check_not_a_file(fifo, "not a regular file"); /* and it didn't wait for a writer */
    unlink(fifo);
}
END_TEST

START_TEST(test_env)
{
    g_autoptr(HgSecret) secret = NULL;
    g_autoptr(GError) unset = NULL;
    g_autoptr(GError) empty = NULL;
    g_unsetenv("HG_TEST_SECRET");
    ck_assert(!hg_secret_load_env("HG_TEST_SECRET", &secret, &unset));
    ck_assert_ptr_nonnull(strstr(unset->message, "HG_TEST_SECRET is not set"));
    g_setenv("HG_TEST_SECRET", "", TRUE);
    ck_assert(!hg_secret_load_env("HG_TEST_SECRET", &secret, &empty));
    ck_assert_ptr_nonnull(strstr(empty->message, "is empty"));
    g_setenv("HG_TEST_SECRET", "from outside", TRUE);
    ck_assert(hg_secret_load_env("HG_TEST_SECRET", &secret, NULL));
    ck_assert(hg_slice_equal_string(hg_secret_slice(secret), "from outside"));
}
END_TEST

static void *swap_often(void *data)
{
    HgSecretBox *box = data;
    for (int i = 0; i < 10000; i++) {
        g_autoptr(HgSecret) next = hg_secret_new(hg_slice_from_string(i % 2 != 0 ? "one" : "two"));
        ck_assert(hg_secret_box_put(box, next));
    }
    return NULL;
}

START_TEST(test_box)
{
    pthread_t thread;
    g_autoptr(HgSecret) one = hg_secret_new(hg_slice_from_string("one"));
    g_autoptr(HgSecret) same = hg_secret_new(hg_slice_from_string("one"));
    g_autoptr(HgSecretBox) box = hg_secret_box_new(one);
    ck_assert(!hg_secret_box_put(box, same));
    g_autoptr(HgSecret) present = hg_secret_box_get(box);
    ck_assert_ptr_eq(present, one);
    ck_assert_int_eq(pthread_create(&thread, NULL, swap_often, box), 0);
    for (int i = 0; i < 10000; i++) {
        g_autoptr(HgSecret) got = hg_secret_box_get(box);
        ck_assert_uint_eq(hg_secret_slice(got).size, 3);
    }
    pthread_join(thread, NULL);
    ck_assert(hg_slice_equal_string(hg_secret_slice(present), "one")); /* who holds one keeps it */
    hg_secret_box_free(NULL);
}
END_TEST

Suite *secret_suite(void)
{
    Suite *suite = suite_create("base/secret");
    TCase *tcase = tcase_create("secret");
    tcase_add_test(tcase, test_holds_a_copy);
    tcase_add_test(tcase, test_read_file);
    tcase_add_test(tcase, test_exposure);
    tcase_add_test(tcase, test_load_file);
    tcase_add_test(tcase, test_load_file_refused);
    tcase_add_test(tcase, test_not_a_file);
    tcase_add_test(tcase, test_env);
    tcase_add_test(tcase, test_box);
    suite_add_tcase(suite, tcase);
    return suite;
}
