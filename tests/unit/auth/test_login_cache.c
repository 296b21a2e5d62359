/* Tests of auth/login_cache: what is remembered, how long, how much, and on how many threads. */
#include "auth/login_cache.h"
#include "memory.h"
#include "suites.h"

#include <pthread.h>

#define SECOND G_USEC_PER_SEC

static HgLoginCache *cache_new(gint64 ttl_ms, guint entries)
{
    HgLoginCache *cache = NULL;
    ck_assert(hg_login_cache_new(ttl_ms, entries, &cache, NULL));
    return cache;
}

static HgCredentials credentials(const char *name, const char *password)
{
    return (HgCredentials){.name = hg_slice_from_string(name),
                           .secret = hg_slice_from_string(password)};
}

static void add(HgLoginCache *cache, const char *name, const char *password, gint64 now)
{
    HgCredentials these = credentials(name, password);
    HgLoginMemory memory = {.login = {.verdict = HG_VERDICT_DENIED, .why = (char *)"why"},
                            .method = 3};
    hg_login_cache_add(cache, 1, &these, now, &memory);
}

static gboolean find(HgLoginCache *cache, guint chain, const HgCredentials *these, gint64 now)
{
    HgLoginMemory memory = {0};
    if (!hg_login_cache_find(cache, chain, these, now, &memory))
        return FALSE;
    ck_assert_int_eq(memory.login.verdict, HG_VERDICT_DENIED);
    ck_assert_str_eq(memory.login.why, "why");
    ck_assert_uint_eq(memory.method, 3);
    hg_login_clear(&memory.login);
    return TRUE;
}

static gboolean has(HgLoginCache *cache, const char *name, const char *password, gint64 now)
{
    HgCredentials these = credentials(name, password);
    return find(cache, 1, &these, now);
}

START_TEST(test_exactly_this_login)
{
    g_autoptr(HgLoginCache) cache = cache_new(1000, 100);
    ck_assert(!has(cache, "alice", "secret", 0));
    add(cache, "alice", "secret", 0);
    ck_assert(has(cache, "alice", "secret", 1));
    ck_assert(!has(cache, "alice", "Secret", 1));
    ck_assert(!has(cache, "alice", "", 1));
    ck_assert(!has(cache, "bob", "secret", 1));
    ck_assert(!has(cache, "alices", "ecret", 1)); /* the same bytes, cut elsewhere */
    ck_assert(!has(cache, "", "alicesecret", 1));
    HgCredentials these = credentials("alice", "secret");
    ck_assert(!find(cache, 2, &these, 1)); /* another chain */
    these.bearer = TRUE;
    ck_assert(!find(cache, 1, &these, 1));
}
END_TEST

START_TEST(test_what_is_remembered)
{
    g_autoptr(HgLoginCache) cache = cache_new(1000, 100);
    HgCredentials these = credentials("alice", "secret");
    g_autoptr(HgPrincipal) alice = hg_principal_new("users", "alice", NULL, NULL);
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    HgLoginMemory memory = {.login = {.verdict = HG_VERDICT_ACCEPTED,
                                      .principal = alice,
                                      .good_until = now + 1000,
                                      .evidence = (char *)"hash"}};
    HgLoginMemory out = {0};
    hg_login_cache_add(cache, 1, &these, 0, &memory);
    ck_assert(hg_login_cache_find(cache, 1, &these, 1, &out));
    ck_assert_ptr_eq(out.login.principal, alice);
    ck_assert_str_eq(out.login.evidence, "hash");
    ck_assert_int_eq(out.login.good_until, now + 1000);
    hg_login_clear(&out.login);
    memory.login.good_until = now; /* a token that has expired since */
    hg_login_cache_add(cache, 1, &these, 0, &memory);
    ck_assert(!hg_login_cache_find(cache, 1, &these, 1, &out));
    hg_login_cache_add(cache, 1, &these, 0, &memory);
    hg_login_cache_forget(cache);
    ck_assert_uint_eq(hg_login_cache_count(cache), 0);
    add(cache, "alice", "secret", 0);
    ck_assert(has(cache, "alice", "secret", 1));
}
END_TEST

START_TEST(test_ttl)
{
    g_autoptr(HgLoginCache) cache = cache_new(1000, 100);
    add(cache, "alice", "secret", 5 * SECOND);
    ck_assert(has(cache, "alice", "secret", 6 * SECOND - 1));
    ck_assert(has(cache, "alice", "secret", 6 * SECOND - 1)); /* use doesn't make it longer */
    ck_assert(!has(cache, "alice", "secret", 6 * SECOND));
    ck_assert_uint_eq(hg_login_cache_count(cache), 0); /* and it is gone */
    add(cache, "alice", "secret", 7 * SECOND);
    add(cache, "alice", "secret", 7 * SECOND + 500000); /* a new check does */
    ck_assert_uint_eq(hg_login_cache_count(cache), 1);
    ck_assert(has(cache, "alice", "secret", 8 * SECOND + 400000));
}
END_TEST

START_TEST(test_off)
{
    g_autoptr(HgLoginCache) no_time = cache_new(0, 100);
    g_autoptr(HgLoginCache) no_room = cache_new(1000, 0);
    add(no_time, "alice", "secret", 0);
    add(no_room, "alice", "secret", 0);
    ck_assert(!has(no_time, "alice", "secret", 0));
    ck_assert(!has(no_room, "alice", "secret", 0));
}
END_TEST

START_TEST(test_bounded)
{
    g_autoptr(HgLoginCache) cache = cache_new(3600000, 10);
    char name[32];
    add(cache, "kept", "secret", 0);
    for (int i = 0; i < 1000; i++) {
        g_snprintf(name, sizeof name, "user%d", i);
        add(cache, name, "secret", 1);
        ck_assert(has(cache, "kept", "secret", 1)); /* what is used stays */
        ck_assert_uint_le(hg_login_cache_count(cache), 10);
    }
    ck_assert(has(cache, "user999", "secret", 2));
    ck_assert(has(cache, "user991", "secret", 2));
    ck_assert(!has(cache, "user990", "secret", 2));
}
END_TEST

START_TEST(test_bounded_shards)
{
    g_autoptr(HgLoginCache) cache = cache_new(3600000, 5000);
    char name[32];
    for (int i = 0; i < 20000; i++) {
        g_snprintf(name, sizeof name, "user%d", i);
        add(cache, name, "secret", 1);
    }
    ck_assert_uint_le(hg_login_cache_count(cache), 5000);
    ck_assert_uint_ge(hg_login_cache_count(cache), 4000); /* names spread over the shards */
}
END_TEST

START_TEST(test_keys_differ)
{
    /* what one process remembers means nothing to another: the key is random */
    g_autoptr(HgLoginCache) one = cache_new(1000, 10);
    g_autoptr(HgLoginCache) two = cache_new(1000, 10);
    add(one, "alice", "secret", 0);
    ck_assert(!has(two, "alice", "secret", 0));
}
END_TEST

START_TEST(test_password_is_not_kept)
{
    HiddenSecret hidden = hidden_secret();
    char bytes[SECRET_BYTES];
    g_autoptr(HgLoginCache) cache = cache_new(3600000, 100);
    HgCredentials these = {hg_slice_from_string("alice"), hg_slice(bytes, SECRET_BYTES), FALSE};
    HgLoginMemory memory = {.login = {.verdict = HG_VERDICT_DENIED, .why = (char *)"why"},
                            .method = 3};
    hidden_secret_reveal(&hidden, bytes);
    hg_login_cache_add(cache, 1, &these, 0, &memory);
    ck_assert(find(cache, 1, &these, 1));
    explicit_bzero(bytes, sizeof bytes);
    ck_assert_uint_eq(hidden_secret_count(&hidden), 0);
}
END_TEST

#define THREADS 4
#define ROUNDS  5000

static void *use_cache(void *data)
{
    HgLoginCache *cache = data;
    char name[32];
    for (int i = 0; i < ROUNDS; i++) {
        g_snprintf(name, sizeof name, "user%d", i % 300);
        add(cache, name, "secret", i);
        has(cache, name, "secret", i);
        if (has(cache, name, "wrong", i))
            return cache; /* never */
    }
    return NULL;
}

START_TEST(test_threads)
{
    static const guint sizes[] = {100, 2000};
    for (gsize k = 0; k < G_N_ELEMENTS(sizes); k++) {
        g_autoptr(HgLoginCache) cache = cache_new(2, sizes[k]); /* so that entries expire too */
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, use_cache, cache), 0);
        for (int i = 0; i < THREADS; i++) {
            void *wrong = NULL;
            pthread_join(threads[i], &wrong);
            ck_assert_ptr_null(wrong);
        }
        ck_assert_uint_le(hg_login_cache_count(cache), sizes[k]);
    }
}
END_TEST

Suite *login_cache_suite(void)
{
    Suite *suite = suite_create("auth/login_cache");
    TCase *tcase = tcase_create("login_cache");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_exactly_this_login);
    tcase_add_test(tcase, test_what_is_remembered);
    tcase_add_test(tcase, test_ttl);
    tcase_add_test(tcase, test_off);
    tcase_add_test(tcase, test_bounded);
    tcase_add_test(tcase, test_bounded_shards);
    tcase_add_test(tcase, test_keys_differ);
    tcase_add_test(tcase, test_password_is_not_kept);
    tcase_add_test(tcase, test_threads);
    suite_add_tcase(suite, tcase);
    return suite;
}
