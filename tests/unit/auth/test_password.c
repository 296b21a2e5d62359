/* Tests of auth/password: hashing, checking, what is refused, and that nothing is left behind. */
#include "auth/password.h"
#include "base/error.h"
#include "base/secret.h"
#include "memory.h"
#include "suites.h"

#include <pthread.h>

static gboolean verify(const char *password, const char *hash)
{
    gboolean right = 2;
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_password_verify(hg_slice_from_string(password), hash, &right, &error);
    ck_assert_msg(ok, "%s", ok ? "" : error->message);
    ck_assert(right == TRUE || right == FALSE);
    return right;
}

START_TEST(test_hash)
{
    g_autofree char *one = NULL;
    g_autofree char *two = NULL;
    ck_assert(hg_password_hash(hg_slice_from_string("pass w\xc3\xb6rd:"), &one, NULL));
    ck_assert(hg_password_hash(hg_slice_from_string("pass w\xc3\xb6rd:"), &two, NULL));
    ck_assert(g_str_has_prefix(one, "$y$"));
    ck_assert_str_ne(one, two); /* each has a salt of its own */
    ck_assert(hg_password_hash_check(one, NULL));
    ck_assert(verify("pass w\xc3\xb6rd:", one));
    ck_assert(verify("pass w\xc3\xb6rd:", two));
    ck_assert(!verify("pass word:", one));
    ck_assert(!verify("pass w\xc3\xb6rd: ", one));
    ck_assert(!verify("p", one));
}
END_TEST

/* Hashes that other tools made (mkpasswd, htpasswd -B, openssl passwd), of the password "secret".
 */
START_TEST(test_other_methods)
{
    static const char *const hashes[] = {
        "$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/"
        "j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00",
        "$5$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6",
        "$2y$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u",
        "$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u",
        "$y$j9T$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlEu9",
        "$gy$j9T$abcdefgh$Fi3mUfLMwr2ZyDlmydp6rw5RwzYJnsb1LquZlQ2CYq0",
        "$7$CU..../....salt$mnfL2zuQXIymN2nHniqJ5KmqyvgMmwtKROPb98iDaED",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++) {
        g_autoptr(GError) error = NULL;
        ck_assert_msg(hg_password_hash_check(hashes[i], &error), "%s", hashes[i]);
        ck_assert_msg(verify("secret", hashes[i]), "%s", hashes[i]);
        ck_assert_msg(!verify("Secret", hashes[i]), "%s", hashes[i]);
    }
}
END_TEST

START_TEST(test_refused_hashes)
{
    static const char *const hashes[] = {
        "",
        "secret",
        "*",
        "!",
        "x",
        "$",
        "$y$",
        "$y$j9T$abcdefgh$",
        "$y$j9T$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlEu", /* cut */
        "$y$j9T$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlEu9 ",
        "$y$j9T$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlEu99",
        "$y$j9T$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlE*9",
        "$1$salt$kYLkJam5pWsPGdaLYq0Yj1",    /* MD5 */
        "abNANd1rDfiNc",                     /* DES: eight characters count */
        "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", /* LDAP's own */
        "$apr1$salt$kYLkJam5pWsPGdaLYq0Yj1",
        "$2y$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++) {
        g_autoptr(GError) error = NULL;
        ck_assert_msg(!hg_password_hash_check(hashes[i], &error), "%s was taken", hashes[i]);
        ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_INVALID));
        ck_assert_ptr_nonnull(strstr(error->message, "hivegatectl user add"));
    }
}
END_TEST

START_TEST(test_refused_passwords)
{
    g_autofree char *long_text = g_strnfill(512, 'x');
    g_autofree char *hash = NULL;
    ck_assert(!hg_password_check(hg_slice_from_string(""), NULL));
    ck_assert(!hg_password_check(hg_slice("a\0b", 3), NULL));
    ck_assert(!hg_password_check(hg_slice(long_text, 512), NULL));
    ck_assert(hg_password_check(hg_slice(long_text, 511), NULL));
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_password_hash(hg_slice("", 0), &hash, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "empty"));
    ck_assert_ptr_null(hash);
    ck_assert(hg_password_hash(hg_slice(long_text, 511), &hash, NULL));
    long_text[511] = '\0';
    ck_assert(verify(long_text, hash));
    long_text[510] = '\0'; /* the last byte counts too */
    ck_assert(!verify(long_text, hash));
}
END_TEST

/* A hash that crypt(3) refuses is an error, not a wrong password. */
START_TEST(test_broken_hash)
{
    gboolean right = 2;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_password_verify(hg_slice_from_string("secret"), "$y$", &right, &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_IO));
    ck_assert_int_eq(right, 2);
}
END_TEST

/* The search itself works: it finds what is there, and not what isn't. */
START_TEST(test_search)
{
    HiddenSecret secret = hidden_secret();
    ck_assert_uint_eq(hidden_secret_count(&secret), 0);
    g_autofree char *bytes = g_malloc(SECRET_BYTES);
    hidden_secret_reveal(&secret, bytes);
    ck_assert_uint_ge(hidden_secret_count(&secret), 1);
    explicit_bzero(bytes, SECRET_BYTES);
    ck_assert_uint_eq(hidden_secret_count(&secret), 0);
}
END_TEST

START_TEST(test_secrets_are_wiped)
{
    HiddenSecret hidden = hidden_secret();
    char bytes[SECRET_BYTES + 1] = {0};
    hidden_secret_reveal(&hidden, bytes);
    HgSecret *secret = hg_secret_new(hg_slice(bytes, SECRET_BYTES));
    char *copy = g_strdup(bytes);
    explicit_bzero(bytes, sizeof bytes);
    ck_assert_uint_ge(hidden_secret_count(&hidden), 2);
    hg_secret_free_string(copy);
    hg_secret_unref(secret);
    ck_assert_uint_eq(hidden_secret_count(&hidden), 0);
}
END_TEST

/* A job thread that has checked a password and now waits, its stack as the work left it. */
typedef struct {
    HiddenSecret hidden;
    pthread_barrier_t worked, searched;
    gboolean right;
} Job;

/* Hashes 16 KiB down the stack, where what is called later doesn't write over what is left. */
static G_GNUC_NO_INLINE gboolean hash_deep_down(HgSlice password, char **hash)
{
    volatile char above[16384];
    above[0] = 1;
    return hg_password_hash(password, hash, NULL) && above[0] == 1;
}

static void *run_job(void *data)
{
    Job *job = data;
    char bytes[SECRET_BYTES];
    HgSlice password = hg_slice(bytes, SECRET_BYTES);
    g_autofree char *hash = NULL;
    g_autofree char *again = NULL;
    hidden_secret_reveal(&job->hidden, bytes);
    if (!hg_password_hash(password, &hash, NULL) ||
        !hg_password_verify(password, hash, &job->right, NULL) || !hash_deep_down(password, &again))
        job->right = FALSE;
    explicit_bzero(bytes, sizeof bytes);
    pthread_barrier_wait(&job->worked);
    pthread_barrier_wait(&job->searched);
    return NULL;
}

START_TEST(test_passwords_are_wiped)
{
    Job job = {.hidden = hidden_secret()};
    pthread_t thread;
    pthread_barrier_init(&job.worked, NULL, 2);
    pthread_barrier_init(&job.searched, NULL, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, run_job, &job), 0);
    pthread_barrier_wait(&job.worked);
    guint found = hidden_secret_count(&job.hidden);
    pthread_barrier_wait(&job.searched);
    pthread_join(thread, NULL);
    ck_assert(job.right);
    ck_assert_uint_eq(found, 0);
}
END_TEST

Suite *password_suite(void)
{
    Suite *suite = suite_create("auth/password");
    TCase *tcase = tcase_create("password");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_hash);
    tcase_add_test(tcase, test_other_methods);
    tcase_add_test(tcase, test_refused_hashes);
    tcase_add_test(tcase, test_refused_passwords);
    tcase_add_test(tcase, test_broken_hash);
    tcase_add_test(tcase, test_search);
    tcase_add_test(tcase, test_secrets_are_wiped);
    tcase_add_test(tcase, test_passwords_are_wiped);
    suite_add_tcase(suite, tcase);
    return suite;
}
