/* Tests of auth/authenticator: who gets in, what is remembered, and what reading the file again
 * does. */
#include "auth/authenticator.h"
#include "auth/password.h"
#include "base/error.h"
#include "fixtures.h"
#include "memory.h"
#include "suites.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

static const char *const users_chain[] = {"users", NULL};

/* An authenticator over a file of its own with alice ("secret", group g) and bob ("geheim"). */
typedef struct {
    char *path;
    HgAuthenticator *auth;
} TestAuth;

static void test_auth_clear(TestAuth *test)
{
    hg_authenticator_free(test->auth);
    unlink(test->path);
    g_free(test->path);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TestAuth, test_auth_clear)

static char *two_users(const char *alice_password, const char *alice_group)
{
    g_autofree char *alice = cheap_hash(alice_password);
    g_autofree char *bob = cheap_hash("geheim");
    return g_strdup_printf("alice:%s:%s\nbob:%s\n", alice, alice_group, bob);
}

static HgAuthenticatorConfig make_config(const char *const *chain, const char *path, gint64 ttl_ms,
                                         guint entries)
{
    return (HgAuthenticatorConfig){
        .chain = chain, .users_file = path, .cache_ttl_ms = ttl_ms, .cache_entries = entries};
}

static TestAuth open_auth(gint64 ttl_ms)
{
    g_autofree char *text = two_users("secret", "g");
    TestAuth test = {.path = write_file(text)};
    HgAuthenticatorConfig config = make_config(users_chain, test.path, ttl_ms, 100);
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_authenticator_new(&config, &test.auth, &error);
    ck_assert_msg(ok, "%s", ok ? "" : error->message);
    return test;
}

static void reload_now(HgAuthenticator *auth)
{
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_authenticator_reload(auth, &error);
    ck_assert_msg(ok, "%s", ok ? "" : error->message);
}

static gboolean check(HgAuthenticator *auth, const char *name, const char *password)
{
    g_autoptr(HgPrincipal) principal = NULL;
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_authenticator_check(auth, hg_slice_from_string(name),
                                         hg_slice_from_string(password), &principal, &error);
    if (ok) {
        ck_assert_str_eq(hg_principal_name(principal), name);
        ck_assert_str_eq(hg_principal_realm(principal), "users");
    } else {
        ck_assert_ptr_null(principal);
        ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_DENIED));
        ck_assert_str_eq(error->message, HG_AUTH_DENIED_TEXT);
    }
    return ok;
}

static HgAuthOutcome try(HgAuthenticator *auth, const char *name, const char *password)
{
    g_autoptr(HgPrincipal) principal = NULL;
    HgAuthOutcome outcome = hg_authenticator_try_cached(auth, hg_slice_from_string(name),
                                                        hg_slice_from_string(password), &principal);
    ck_assert_int_eq(principal != NULL, outcome == HG_AUTH_ACCEPTED);
    if (principal != NULL)
        ck_assert_str_eq(hg_principal_name(principal), name);
    return outcome;
}

START_TEST(test_check)
{
    g_auto(TestAuth) test = open_auth(60000);
    ck_assert(check(test.auth, "alice", "secret"));
    ck_assert(check(test.auth, "bob", "geheim"));
    ck_assert(!check(test.auth, "alice", "geheim"));
    ck_assert(!check(test.auth, "bob", "secret"));
    ck_assert(!check(test.auth, "carol", "secret"));
    ck_assert(!check(test.auth, "alice", ""));
    ck_assert(!check(test.auth, "", "secret"));
    ck_assert(!check(test.auth, "Alice", "secret"));
    ck_assert(!check(test.auth, "alice@corp", "secret"));
    ck_assert_uint_eq(hg_authenticator_user_count(test.auth), 2);
}
END_TEST

START_TEST(test_remembered)
{
    g_auto(TestAuth) test = open_auth(60000);
    ck_assert_int_eq(try(test.auth, "alice", "secret"), HG_AUTH_CHECK);
    ck_assert(check(test.auth, "alice", "secret"));
    ck_assert_int_eq(try(test.auth, "alice", "secret"), HG_AUTH_ACCEPTED);
    ck_assert_int_eq(try(test.auth, "alice", "wrong"), HG_AUTH_CHECK);
    ck_assert(!check(test.auth, "alice", "wrong"));
    ck_assert_int_eq(try(test.auth, "alice", "wrong"), HG_AUTH_CHECK);
    ck_assert_int_eq(try(test.auth, "bob", "geheim"), HG_AUTH_CHECK);
    ck_assert_int_eq(try(test.auth, "carol", "secret"), HG_AUTH_CHECK); /* tells nothing */
}
END_TEST

START_TEST(test_not_remembered)
{
    g_auto(TestAuth) test = open_auth(0);
    ck_assert(check(test.auth, "alice", "secret"));
    ck_assert_int_eq(try(test.auth, "alice", "secret"), HG_AUTH_CHECK);
}
END_TEST

START_TEST(test_impossible)
{
    g_auto(TestAuth) test = open_auth(60000);
    HgPrincipal *principal = NULL;
    g_autofree char *endless = g_strnfill(100000, 'x');
    const HgSlice alice = hg_slice_from_string("alice");
    const struct {
        HgSlice name, password;
    } cases[] = {
        {hg_slice(NULL, 0), hg_slice_from_string("secret")},
        {alice, hg_slice(NULL, 0)},
        {alice, hg_slice(endless, 512)},
        {alice, hg_slice("sec\0ret", 7)},
        {hg_slice(endless, 100000), hg_slice_from_string("secret")},
        {hg_slice("alice\0", 6), hg_slice_from_string("secret")},
        {hg_slice("\xff", 1), hg_slice_from_string("secret")},
        {hg_slice_from_string("alice\n"), hg_slice_from_string("secret")},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        ck_assert_int_eq(
            hg_authenticator_try_cached(test.auth, cases[i].name, cases[i].password, &principal),
            HG_AUTH_DENIED);
        ck_assert(!hg_authenticator_check(test.auth, cases[i].name, cases[i].password, &principal,
                                          &error));
        ck_assert_str_eq(error->message, HG_AUTH_DENIED_TEXT);
    }
    ck_assert_ptr_null(principal);
}
END_TEST

START_TEST(test_reload_changed_password)
{
    g_auto(TestAuth) test = open_auth(60000);
    ck_assert(check(test.auth, "alice", "secret"));
    ck_assert(check(test.auth, "bob", "geheim"));
    g_autofree char *text = two_users("new secret", "g2,g3");
    rewrite_file(test.path, text);
    ck_assert_int_eq(try(test.auth, "alice", "secret"), HG_AUTH_ACCEPTED); /* not read yet */
    reload_now(test.auth);
    ck_assert_int_eq(try(test.auth, "alice", "secret"), HG_AUTH_CHECK);
    ck_assert(!check(test.auth, "alice", "secret"));
    ck_assert(check(test.auth, "alice", "new secret"));
    ck_assert_int_eq(try(test.auth, "bob", "geheim"), HG_AUTH_ACCEPTED); /* unchanged: remembered */
    g_autoptr(HgPrincipal) alice = NULL;
    ck_assert(hg_authenticator_check(test.auth, hg_slice_from_string("alice"),
                                     hg_slice_from_string("new secret"), &alice, NULL));
    ck_assert_str_eq(hg_principal_groups(alice)[1], "g3");
}
END_TEST

START_TEST(test_reload_changed_groups)
{
    g_auto(TestAuth) test = open_auth(60000);
    ck_assert(check(test.auth, "alice", "secret"));
    g_autofree char *text = two_users("secret", "other");
    rewrite_file(test.path, text);
    reload_now(test.auth);
    g_autoptr(HgPrincipal) alice = NULL;
    ck_assert_int_eq(hg_authenticator_try_cached(test.auth, hg_slice_from_string("alice"),
                                                 hg_slice_from_string("secret"), &alice),
                     HG_AUTH_ACCEPTED);
    ck_assert_str_eq(hg_principal_groups(alice)[0], "other");
}
END_TEST

START_TEST(test_reload_deleted_user)
{
    g_auto(TestAuth) test = open_auth(60000);
    ck_assert(check(test.auth, "alice", "secret"));
    rewrite_file(test.path, "# nobody\n");
    reload_now(test.auth);
    ck_assert_int_eq(try(test.auth, "alice", "secret"), HG_AUTH_CHECK);
    ck_assert(!check(test.auth, "alice", "secret"));
    ck_assert_uint_eq(hg_authenticator_user_count(test.auth), 0);
}
END_TEST

START_TEST(test_reload_broken_file)
{
    g_auto(TestAuth) test = open_auth(60000);
    g_autoptr(GError) broken = NULL;
    g_autoptr(GError) gone = NULL;
    rewrite_file(test.path, "alice\n");
    ck_assert(!hg_authenticator_reload(test.auth, &broken));
    ck_assert(g_error_matches(broken, HG_ERROR, HG_ERROR_INVALID));
    unlink(test.path);
    ck_assert(!hg_authenticator_reload(test.auth, &gone));
    ck_assert(check(test.auth, "alice", "secret")); /* as before */
    rewrite_file(test.path, "");
}
END_TEST

START_TEST(test_refused_configs)
{
    static const char *const nothing[] = {NULL};
    static const char *const ldap[] = {"users", "ldap", NULL};
    HgAuthenticator *auth = NULL;
    g_autofree char *path = write_file("");
    const struct {
        const char *const *chain;
        const char *path;
        const char *why;
    } cases[] = {
        {nothing, path, "chain is empty"},
        {ldap, path, "no authentication method ldap"},
        {users_chain, "/nonexistent/users", "No such file"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        HgAuthenticatorConfig config = make_config(cases[i].chain, cases[i].path, 1000, 10);
        ck_assert(!hg_authenticator_new(&config, &auth, &error));
        ck_assert_msg(strstr(error->message, cases[i].why) != NULL, "%s", error->message);
    }
    ck_assert_ptr_null(auth);
    unlink(path);
}
END_TEST

START_TEST(test_certificates)
{
    static const char *const both[] = {"users", "certificate", NULL};
    static const char *const alone[] = {"certificate", NULL};
    g_autofree char *text = two_users("secret", "g");
    g_autofree char *path = write_file(text);
    char *none[] = {NULL};
    HgTlsPeer peer = {.subject = (char *)"CN=alice",
                      .common_name = (char *)"alice",
                      .emails = none,
                      .dns_names = none,
                      .uris = none};
    const struct {
        const char *const *chain;
        const HgTlsPeer *peer;
        const char *name;
        HgAuthOutcome outcome;
    } cases[] = {
        {both, &peer, "alice", HG_AUTH_ACCEPTED},      {alone, &peer, "alice", HG_AUTH_ACCEPTED},
        {alone, &peer, "anonymous", HG_AUTH_ACCEPTED}, {alone, &peer, "bob", HG_AUTH_CHECK},
        {alone, &peer, "Alice", HG_AUTH_CHECK},        {alone, &peer, "", HG_AUTH_CHECK},
        {alone, NULL, "alice", HG_AUTH_CHECK},         {users_chain, &peer, "alice", HG_AUTH_CHECK},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(HgAuthenticator) auth = NULL;
        g_autoptr(HgPrincipal) principal = NULL;
        HgAuthenticatorConfig config = make_config(cases[i].chain, path, 1000, 10);
        ck_assert(hg_authenticator_new(&config, &auth, NULL));
        HgSlice name = hg_slice_from_string(cases[i].name);
        HgAuthOutcome outcome =
            hg_authenticator_try_certificate(auth, cases[i].peer, name, &principal);
        ck_assert_msg(outcome == cases[i].outcome, "case %" G_GSIZE_FORMAT, i);
        if (outcome == HG_AUTH_ACCEPTED) {
            ck_assert_str_eq(hg_principal_name(principal), "alice");
            ck_assert_str_eq(hg_principal_realm(principal), "certificate");
        } else {
            ck_assert_ptr_null(principal);
        }
        /* passwords count for the users of a file only */
        ck_assert_int_eq(check(auth, "alice", "secret"), cases[i].chain != alone);
        ck_assert(!check(auth, "anonymous", "anonymous"));
        ck_assert(hg_authenticator_reload(auth, NULL));
    }
    unlink(path);
}
END_TEST

/* CPU time of one check, the smallest of several. */
static gint64 cost_us(HgAuthenticator *auth, const char *name)
{
    gint64 best = G_MAXINT64;
    for (int i = 0; i < 7; i++) {
        struct timespec before, after;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
        ck_assert(!check(auth, name, "wrong"));
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
        gint64 cost = (after.tv_sec - before.tv_sec) * G_USEC_PER_SEC +
                      (after.tv_nsec - before.tv_nsec) / 1000;
        best = MIN(best, cost);
    }
    return best;
}

START_TEST(test_unknown_names_cost_the_same)
{
    g_autofree char *hash = NULL;
    ck_assert(hg_password_hash(hg_slice_from_string("secret"), &hash, NULL));
    g_autofree char *text = g_strdup_printf("alice:%s\n", hash);
    g_autofree char *path = write_file(text);
    HgAuthenticatorConfig config = make_config(users_chain, path, 60000, 10);
    g_autoptr(HgAuthenticator) auth = NULL;
    ck_assert(hg_authenticator_new(&config, &auth, NULL));
    double known = (double)cost_us(auth, "alice");
    double unknown = (double)cost_us(auth, "mallory");
    ck_assert_double_gt(known, 1000); /* it is work */
    ck_assert_msg(unknown / known > 0.7 && unknown / known < 1.4, "known %.0f us, unknown %.0f us",
                  known, unknown);
    rewrite_file(path, ""); /* in an empty file too */
    reload_now(auth);
    double empty = (double)cost_us(auth, "mallory");
    ck_assert_msg(empty / known > 0.7 && empty / known < 1.4, "known %.0f us, empty file %.0f us",
                  known, empty);
    unlink(path);
}
END_TEST

START_TEST(test_remembered_is_cheap)
{
    g_auto(TestAuth) test = open_auth(60000);
    ck_assert(check(test.auth, "alice", "secret"));
    HgSlice name = hg_slice_from_string("alice");
    HgSlice password = hg_slice_from_string("secret");
    struct timespec before, after;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    for (int i = 0; i < 10000; i++) {
        HgPrincipal *principal = NULL;
        if (hg_authenticator_try_cached(test.auth, name, password, &principal) != HG_AUTH_ACCEPTED)
            ck_abort_msg("forgotten");
        hg_principal_unref(principal);
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    double us = ((double)(after.tv_sec - before.tv_sec) * 1e6 +
                 (double)(after.tv_nsec - before.tv_nsec) / 1e3) /
                10000;
    ck_assert_msg(us < 50, "%.2f us", us); /* 1 us; sanitizers and busy machines may take longer */
}
END_TEST

START_TEST(test_password_is_not_kept)
{
    HiddenSecret hidden = hidden_secret();
    char bytes[SECRET_BYTES + 1] = {0};
    hidden_secret_reveal(&hidden, bytes);
    g_autofree char *hash = NULL;
    ck_assert(hg_password_hash(hg_slice(bytes, SECRET_BYTES), &hash, NULL));
    g_autofree char *text = g_strdup_printf("alice:%s\n", hash);
    g_autofree char *path = write_file(text);
    HgAuthenticatorConfig config = make_config(users_chain, path, 60000, 10);
    g_autoptr(HgAuthenticator) auth = NULL;
    ck_assert(hg_authenticator_new(&config, &auth, NULL));
    ck_assert(check(auth, "alice", bytes));
    ck_assert_int_eq(try(auth, "alice", bytes), HG_AUTH_ACCEPTED);
    explicit_bzero(bytes, sizeof bytes);
    ck_assert_uint_eq(hidden_secret_count(&hidden), 0);
    unlink(path);
}
END_TEST

#define THREADS 4

typedef struct {
    HgAuthenticator *auth;
    _Atomic gboolean stop;
    _Atomic guint wrong;
} Shared;

static void *log_in(void *data)
{
    Shared *shared = data;
    for (int i = 0; i < 200; i++) {
        HgPrincipal *principal = NULL;
        HgSlice name = hg_slice_from_string("bob");
        HgSlice good = hg_slice_from_string("geheim");
        HgSlice bad = hg_slice_from_string("nein");
        HgAuthOutcome outcome = hg_authenticator_try_cached(shared->auth, name, good, &principal);
        if (outcome == HG_AUTH_CHECK &&
            !hg_authenticator_check(shared->auth, name, good, &principal, NULL))
            shared->wrong++;
        g_clear_pointer(&principal, hg_principal_unref);
        if (i % 20 == 0 && hg_authenticator_check(shared->auth, name, bad, &principal, NULL))
            shared->wrong++;
    }
    return NULL;
}

static void *reload(void *data)
{
    Shared *shared = data;
    while (!shared->stop)
        if (!hg_authenticator_reload(shared->auth, NULL))
            shared->wrong++;
    return NULL;
}

START_TEST(test_threads)
{
    g_auto(TestAuth) test = open_auth(1);
    Shared shared = {.auth = test.auth};
    pthread_t threads[THREADS], reloader;
    ck_assert_int_eq(pthread_create(&reloader, NULL, reload, &shared), 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, log_in, &shared), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    shared.stop = TRUE;
    pthread_join(reloader, NULL);
    ck_assert_uint_eq(shared.wrong, 0);
}
END_TEST

static void *reload_later(void *data)
{
    TestAuth *test = data;
    g_usleep(60000);
    rewrite_file(test->path, "# nobody\n");
    hg_authenticator_reload(test->auth, NULL);
    return NULL;
}

/* A check takes a while; a user who is deleted meanwhile isn't let in by it. */
START_TEST(test_deleted_during_a_check)
{
    g_auto(TestAuth) test = open_auth(60000);
    /* half a second of hashing */
    rewrite_file(test.path, "slow:$2y$13$abcdefghijklmnopqrstuuyd9ipDgNyTEie103vumVuve9x.2WtxW\n");
    reload_now(test.auth);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, reload_later, &test), 0);
    gboolean in = check(test.auth, "slow", "secret");
    pthread_join(thread, NULL);
    ck_assert(!in);
}
END_TEST

Suite *authenticator_suite(void)
{
    Suite *suite = suite_create("auth/authenticator");
    TCase *tcase = tcase_create("authenticator");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_check);
    tcase_add_test(tcase, test_remembered);
    tcase_add_test(tcase, test_not_remembered);
    tcase_add_test(tcase, test_impossible);
    tcase_add_test(tcase, test_reload_changed_password);
    tcase_add_test(tcase, test_reload_changed_groups);
    tcase_add_test(tcase, test_reload_deleted_user);
    tcase_add_test(tcase, test_reload_broken_file);
    tcase_add_test(tcase, test_refused_configs);
    tcase_add_test(tcase, test_certificates);
    tcase_add_test(tcase, test_unknown_names_cost_the_same);
    tcase_add_test(tcase, test_remembered_is_cheap);
    tcase_add_test(tcase, test_password_is_not_kept);
    tcase_add_test(tcase, test_threads);
    tcase_add_test(tcase, test_deleted_during_a_check);
    suite_add_tcase(suite, tcase);
    return suite;
}
