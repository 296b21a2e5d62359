/* Tests of auth/authenticator: who gets in, what is remembered, and what reading the file again
 * does. */
#include "auth/authenticator.h"
#include "auth/password.h"
#include "auth/users_method.h"
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
    HgUsersMethod *users; /* the authenticator's */
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

/* With the given methods and one chain. */
static HgAuthenticator *make_auth(HgAuthenticatorConfig config, const char *const *chain,
                                  const HgAuthMethod *methods, guint n_methods)
{
    const char *const *chains[] = {chain};
    HgAuthenticator *auth = NULL;
    g_autoptr(GError) error = NULL;
    config.chains = chains;
    config.n_chains = 1;
    config.take_methods = methods;
    config.n_methods = n_methods;
    gboolean ok = hg_authenticator_new(&config, &auth, &error);
    ck_assert_msg(ok, "%s", ok ? "" : error->message);
    return auth;
}

static HgAuthenticator *make_users_auth(HgAuthenticatorConfig config, const char *const *chain,
                                        const char *path, HgUsersMethod **users)
{
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_users_method_new(path, users, &error);
    ck_assert_msg(ok, "%s", ok ? "" : error->message);
    HgAuthMethod method = {hg_users_method(), *users};
    return make_auth(config, chain, &method, 1);
}

static TestAuth open_with(HgAuthenticatorConfig config)
{
    g_autofree char *text = two_users("secret", "g");
    TestAuth test = {.path = write_file(text)};
    test.auth = make_users_auth(config, users_chain, test.path, &test.users);
    return test;
}

static TestAuth open_auth(gint64 ttl_ms)
{
    return open_with((HgAuthenticatorConfig){.cache_ttl_ms = ttl_ms, .cache_entries = 100});
}

static void reload_now(HgAuthenticator *auth)
{
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_authenticator_reload(auth, &error);
    ck_assert_msg(ok, "%s", ok ? "" : error->message);
}

static HgAttempt attempt_of(const char *name, const char *password)
{
    return (HgAttempt){.credentials = {.name = hg_slice_from_string(name),
                                       .secret = hg_slice_from_string(password)},
                       .address = {.ip = {192, 0, 2, 1}, .port = 4711, .family = HG_PEER_IPV4}};
}

static HgLogin check_login(HgAuthenticator *auth, const char *name, const char *password)
{
    HgLogin login;
    guint delay = 0;
    HgAttempt attempt = attempt_of(name, password);
    hg_authenticator_check(auth, &attempt, NULL, NULL, &login, &delay);
    return login;
}

static gboolean check(HgAuthenticator *auth, const char *name, const char *password)
{
    g_auto(HgLogin) login = check_login(auth, name, password);
    if (login.verdict == HG_VERDICT_ACCEPTED) {
        ck_assert_str_eq(hg_principal_name(login.principal), name);
        ck_assert_str_eq(hg_principal_realm(login.principal), "users");
        return TRUE;
    }
    ck_assert_ptr_null(login.principal);
    ck_assert_int_eq(login.verdict, HG_VERDICT_DENIED);
    ck_assert_ptr_nonnull(login.why);
    return FALSE;
}

typedef enum { KNOWN_GOOD, KNOWN_BAD, UNKNOWN } Recall;

static Recall try(HgAuthenticator *auth, const char *name, const char *password)
{
    g_auto(HgLogin) login = {0};
    HgAttempt attempt = attempt_of(name, password);
    if (!hg_authenticator_try(auth, &attempt, &login))
        return UNKNOWN;
    if (login.verdict != HG_VERDICT_ACCEPTED) {
        ck_assert_int_eq(login.verdict, HG_VERDICT_DENIED);
        ck_assert_ptr_null(login.principal);
        return KNOWN_BAD;
    }
    ck_assert_str_eq(hg_principal_name(login.principal), name);
    return KNOWN_GOOD;
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
    ck_assert_uint_eq(hg_users_method_count(test.users), 2);
}
END_TEST

START_TEST(test_remembered)
{
    g_auto(TestAuth) test = open_auth(60000);
    ck_assert_int_eq(try(test.auth, "alice", "secret"), UNKNOWN);
    ck_assert(check(test.auth, "alice", "secret"));
    ck_assert_int_eq(try(test.auth, "alice", "secret"), KNOWN_GOOD);
    ck_assert_int_eq(try(test.auth, "alice", "wrong"), UNKNOWN);
    ck_assert(!check(test.auth, "alice", "wrong"));
    ck_assert_int_eq(try(test.auth, "alice", "wrong"), UNKNOWN);
    ck_assert_int_eq(try(test.auth, "bob", "geheim"), UNKNOWN);
    ck_assert_int_eq(try(test.auth, "carol", "secret"), UNKNOWN); /* tells nothing */
}
END_TEST

START_TEST(test_not_remembered)
{
    g_auto(TestAuth) test = open_auth(0);
    ck_assert(check(test.auth, "alice", "secret"));
    ck_assert_int_eq(try(test.auth, "alice", "secret"), UNKNOWN);
}
END_TEST

START_TEST(test_impossible)
{
    g_auto(TestAuth) test = open_auth(60000);
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
        HgAttempt attempt = {.credentials = {cases[i].name, cases[i].password, FALSE}};
        g_auto(HgLogin) login = {0};
        guint delay = 0;
        gboolean known = hg_authenticator_try(test.auth, &attempt, &login);
        ck_assert_int_eq(known, i != 2); /* a password may be as long as a token */
        if (known)
            ck_assert_int_eq(login.verdict, HG_VERDICT_DENIED);
        hg_login_clear(&login);
        hg_authenticator_check(test.auth, &attempt, NULL, NULL, &login, &delay);
        ck_assert_int_eq(login.verdict, HG_VERDICT_DENIED);
        ck_assert_ptr_null(login.principal);
    }
}
END_TEST

START_TEST(test_reload_changed_password)
{
    g_auto(TestAuth) test = open_auth(60000);
    ck_assert(check(test.auth, "alice", "secret"));
    ck_assert(check(test.auth, "bob", "geheim"));
    g_autofree char *text = two_users("new secret", "g2,g3");
    rewrite_file(test.path, text);
    ck_assert_int_eq(try(test.auth, "alice", "secret"), KNOWN_GOOD); /* not read yet */
    reload_now(test.auth);
    ck_assert_int_eq(try(test.auth, "alice", "secret"), UNKNOWN);
    ck_assert(!check(test.auth, "alice", "secret"));
    ck_assert(check(test.auth, "alice", "new secret"));
    ck_assert_int_eq(try(test.auth, "bob", "geheim"), KNOWN_GOOD); /* unchanged: remembered */
    g_auto(HgLogin) alice = check_login(test.auth, "alice", "new secret");
    ck_assert_str_eq(hg_principal_groups(alice.principal)[1], "g3");
}
END_TEST

START_TEST(test_reload_changed_groups)
{
    g_auto(TestAuth) test = open_auth(60000);
    ck_assert(check(test.auth, "alice", "secret"));
    g_autofree char *text = two_users("secret", "other");
    rewrite_file(test.path, text);
    reload_now(test.auth);
    g_auto(HgLogin) alice = {0};
    HgAttempt attempt = attempt_of("alice", "secret");
    ck_assert(hg_authenticator_try(test.auth, &attempt, &alice));
    ck_assert_str_eq(hg_principal_groups(alice.principal)[0], "other");
}
END_TEST

START_TEST(test_reload_deleted_user)
{
    g_auto(TestAuth) test = open_auth(60000);
    ck_assert(check(test.auth, "alice", "secret"));
    rewrite_file(test.path, "# nobody\n");
    reload_now(test.auth);
    ck_assert_int_eq(try(test.auth, "alice", "secret"), UNKNOWN);
    ck_assert(!check(test.auth, "alice", "secret"));
    ck_assert_uint_eq(hg_users_method_count(test.users), 0);
}
END_TEST

START_TEST(test_reload_broken_file)
{
    g_auto(TestAuth) test = open_auth(60000);
    g_autoptr(GError) broken = NULL;
    g_autoptr(GError) gone = NULL;
    rewrite_file(test.path, "alice\n");
    ck_assert(!hg_authenticator_reload(test.auth, &broken));
    ck_assert_ptr_nonnull(strstr(broken->message, ":1: "));
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
    HgUsersMethod *users = NULL;
    g_autofree char *path = write_file("");
    const struct {
        const char *const *chain;
        const char *why;
    } cases[] = {
        {nothing, "chain is empty"},
        {ldap, "no authentication method ldap"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        const char *const *chains[] = {users_chain, cases[i].chain};
        ck_assert(hg_users_method_new(path, &users, NULL));
        HgAuthMethod method = {hg_users_method(), users};
        HgAuthenticatorConfig config = {
            .chains = chains, .n_chains = 2, .take_methods = &method, .n_methods = 1};
        ck_assert(!hg_authenticator_new(&config, &auth, &error));
        ck_assert_msg(strstr(error->message, cases[i].why) != NULL, "%s", error->message);
    }
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_users_method_new("/nonexistent/users", &users, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "No such file"));
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
        gboolean accepted;
    } cases[] = {
        {both, &peer, "alice", TRUE},      {alone, &peer, "alice", TRUE},
        {alone, &peer, "anonymous", TRUE}, {alone, &peer, "bob", FALSE},
        {alone, &peer, "Alice", FALSE},    {alone, &peer, "", FALSE},
        {alone, NULL, "alice", FALSE},     {users_chain, &peer, "alice", FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        HgUsersMethod *users = NULL;
        HgAuthenticatorConfig config = {.cache_ttl_ms = 1000, .cache_entries = 10};
        g_autoptr(HgAuthenticator) auth = make_users_auth(config, cases[i].chain, path, &users);
        g_autoptr(HgPrincipal) principal = NULL;
        HgSlice name = hg_slice_from_string(cases[i].name);
        gboolean accepted =
            hg_authenticator_try_certificate(auth, 0, cases[i].peer, name, &principal);
        ck_assert_msg(accepted == cases[i].accepted, "case %" G_GSIZE_FORMAT, i);
        if (accepted) {
            ck_assert_str_eq(hg_principal_name(principal), "alice");
            ck_assert_str_eq(hg_principal_realm(principal), "certificate");
            ck_assert_ptr_null(hg_principal_groups(principal)); /* nobody has said */
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

/* ---- chains of several methods ---- */

/* A method that says what its script says of whoever logs in. */
typedef struct {
    HgVerdict verdict;
    const char *name; /* of the principal */
    gint64 good_until;
    guint asked;
} Script;

static void script_check(void *self, const HgCredentials *credentials, HgLogin *out)
{
    Script *script = self;
    script->asked++;
    if (script->verdict == HG_VERDICT_ACCEPTED) {
        out->verdict = HG_VERDICT_ACCEPTED;
        out->principal = hg_principal_new("script", script->name, NULL, NULL);
        out->good_until = script->good_until;
    } else {
        hg_login_say(out, script->verdict, "as the script has it");
    }
}

static HgPrincipal *script_look_up(void *self, const char *name, GError **error)
{
    const Script *script = self;
    if (script->verdict == HG_VERDICT_UNAVAILABLE)
        g_set_error_literal(error, HG_ERROR, HG_ERROR_FAILED, "away");
    return script->verdict == HG_VERDICT_ACCEPTED ? hg_principal_new("script", name, NULL, NULL)
                                                  : NULL;
}

static void script_free(void *self)
{
}

static const HgMethodTable first_table = {.name = "first",
                                          .takes_bearer = TRUE,
                                          .check = script_check,
                                          .look_up = script_look_up,
                                          .free = script_free};
static const HgMethodTable second_table = {
    .name = "second", .check = script_check, .look_up = script_look_up, .free = script_free};
static const char *const two_chain[] = {"first", "second", NULL};

static HgAuthenticator *make_two(HgAuthenticatorConfig config, Script *first, Script *second)
{
    HgAuthMethod methods[] = {{&first_table, first}, {&second_table, second}};
    return make_auth(config, two_chain, methods, 2);
}

/* Only "not mine" lets the next one be asked. */
START_TEST(test_who_is_asked)
{
    static const struct {
        HgVerdict first, second, all;
        guint asked; /* the second one */
        const char *why;
    } cases[] = {
        {HG_VERDICT_ACCEPTED, HG_VERDICT_DENIED, HG_VERDICT_ACCEPTED, 0, NULL},
        {HG_VERDICT_DENIED, HG_VERDICT_ACCEPTED, HG_VERDICT_DENIED, 0, "first: as the script has"},
        {HG_VERDICT_UNAVAILABLE, HG_VERDICT_ACCEPTED, HG_VERDICT_UNAVAILABLE, 0, "first: as the"},
        {HG_VERDICT_NOT_MINE, HG_VERDICT_ACCEPTED, HG_VERDICT_ACCEPTED, 1, NULL},
        {HG_VERDICT_NOT_MINE, HG_VERDICT_DENIED, HG_VERDICT_DENIED, 1, "second: as the script"},
        {HG_VERDICT_NOT_MINE, HG_VERDICT_UNAVAILABLE, HG_VERDICT_UNAVAILABLE, 1, "second: as"},
        {HG_VERDICT_NOT_MINE, HG_VERDICT_NOT_MINE, HG_VERDICT_DENIED, 1,
         "first: as the script has it; second: as the script has it"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Script first = {.verdict = cases[i].first, .name = "alice"};
        Script second = {.verdict = cases[i].second, .name = "alice"};
        g_autoptr(HgAuthenticator) auth = make_two((HgAuthenticatorConfig){0}, &first, &second);
        g_auto(HgLogin) login = check_login(auth, "alice", "secret");
        ck_assert_int_eq(login.verdict, cases[i].all);
        ck_assert_uint_eq(first.asked, 1);
        ck_assert_uint_eq(second.asked, cases[i].asked);
        if (cases[i].why != NULL)
            ck_assert_msg(strstr(login.why, cases[i].why) != NULL, "%s", login.why);
    }
}
END_TEST

/* Whatever a method says, the name must be one that a user can have, and the login not over. */
START_TEST(test_unfit_principals)
{
    static const struct {
        const char *name;
        gint64 good_until;
    } cases[] = {{"alice@example.org", 0}, {"", 0}, {"a/b", 0}, {"alice", 1}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Script first = {HG_VERDICT_ACCEPTED, cases[i].name, cases[i].good_until, 0};
        Script second = {HG_VERDICT_ACCEPTED, "alice", 0, 0};
        g_autoptr(HgAuthenticator) auth = make_two((HgAuthenticatorConfig){0}, &first, &second);
        g_auto(HgLogin) login = check_login(auth, "alice", "secret");
        ck_assert_int_eq(login.verdict, HG_VERDICT_DENIED);
        ck_assert_ptr_null(login.principal);
        ck_assert_uint_eq(second.asked, 0);
    }
}
END_TEST

START_TEST(test_memory_of_failures)
{
    Script first = {.verdict = HG_VERDICT_DENIED};
    Script second = {.verdict = HG_VERDICT_ACCEPTED, .name = "alice"};
    HgAuthenticatorConfig config = {
        .cache_ttl_ms = 60000, .failure_ttl_ms = 60000, .cache_entries = 100};
    g_autoptr(HgAuthenticator) auth = make_two(config, &first, &second);
    for (int i = 0; i < 3; i++) {
        g_auto(HgLogin) login = check_login(auth, "alice", "secret");
        ck_assert_int_eq(login.verdict, HG_VERDICT_DENIED);
    }
    ck_assert_uint_eq(first.asked, 1);
    ck_assert_int_eq(try(auth, "alice", "secret"), KNOWN_BAD);
    ck_assert_int_eq(try(auth, "alice", "other"), UNKNOWN);
    reload_now(auth); /* whatever was wrong may be right now */
    ck_assert_int_eq(try(auth, "alice", "secret"), UNKNOWN);
    first.verdict = HG_VERDICT_UNAVAILABLE; /* never remembered */
    for (int i = 0; i < 3; i++) {
        g_auto(HgLogin) login = check_login(auth, "alice", "secret");
        ck_assert_int_eq(login.verdict, HG_VERDICT_UNAVAILABLE);
    }
    ck_assert_uint_eq(first.asked, 4);
}
END_TEST

/* A token's memory ends with the token. */
START_TEST(test_memory_of_tokens)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    Script first = {HG_VERDICT_ACCEPTED, "alice", now + 2, 0};
    Script second = {.verdict = HG_VERDICT_NOT_MINE};
    HgAuthenticatorConfig config = {.cache_ttl_ms = 600000, .cache_entries = 100};
    g_autoptr(HgAuthenticator) auth = make_two(config, &first, &second);
    HgAttempt attempt = {.credentials = {.secret = hg_slice_from_string("token"), .bearer = TRUE}};
    guint delay = 0;
    g_auto(HgLogin) login = {0};
    g_auto(HgLogin) again = {0};
    hg_authenticator_check(auth, &attempt, NULL, NULL, &login, &delay);
    ck_assert_int_eq(login.verdict, HG_VERDICT_ACCEPTED);
    ck_assert(hg_authenticator_try(auth, &attempt, &again));
    ck_assert_int_eq(again.good_until, now + 2);
    ck_assert(hg_authenticator_takes_bearer(auth, 0));
    while (g_get_real_time() / G_USEC_PER_SEC < now + 2)
        g_usleep(50000);
    hg_login_clear(&again);
    ck_assert(!hg_authenticator_try(auth, &attempt, &again));
}
END_TEST

START_TEST(test_failing_again_and_again)
{
    HgAuthenticatorConfig config = {
        .throttle = {
            .delay_after = 2, .refuse_after = 4, .window_ms = 60000, .refuse_for_ms = 60000}};
    g_auto(TestAuth) test = open_with(config);
    static const guint delays[] = {0, 0, 500, 1000};
    for (gsize i = 0; i < G_N_ELEMENTS(delays); i++) {
        g_auto(HgLogin) login = {0};
        guint delay = 0;
        HgAttempt attempt = attempt_of("alice", "wrong");
        ck_assert(!hg_authenticator_try(test.auth, &attempt, &login));
        hg_authenticator_check(test.auth, &attempt, NULL, NULL, &login, &delay);
        ck_assert_uint_eq(delay, delays[i]);
    }
    g_auto(HgLogin) refused = check_login(test.auth, "alice", "secret");
    ck_assert_int_eq(refused.verdict, HG_VERDICT_DENIED);
    ck_assert_ptr_nonnull(strstr(refused.say, "Too many failed logins; try again in"));
    ck_assert_int_eq(try(test.auth, "alice", "secret"), KNOWN_BAD);
    ck_assert(check(test.auth, "bob", "geheim")); /* somebody else from there */
    HgAttempt elsewhere = attempt_of("alice", "secret");
    g_auto(HgLogin) login = {0};
    guint delay = 0;
    elsewhere.address.ip[3] = 2;
    hg_authenticator_check(test.auth, &elsewhere, NULL, NULL, &login, &delay);
    ck_assert_int_eq(login.verdict, HG_VERDICT_ACCEPTED);
    reload_now(test.auth);
    ck_assert(check(test.auth, "alice", "secret"));
}
END_TEST

/* Many share the name under which tokens come, and nobody can guess one. */
START_TEST(test_tokens_are_not_throttled)
{
    Script first = {.verdict = HG_VERDICT_DENIED, .name = "alice"}; /* takes tokens */
    Script second = {.verdict = HG_VERDICT_DENIED, .name = "alice"};
    HgAuthenticatorConfig config = {
        .throttle = {.refuse_after = 3, .window_ms = 60000, .refuse_for_ms = 60000}};
    g_autoptr(HgAuthenticator) auth = make_two(config, &first, &second);
    for (guint i = 1; i <= 10; i++) {
        g_auto(HgLogin) login = check_login(auth, "token", "expired");
        ck_assert_ptr_null(login.say);
        ck_assert_uint_eq(first.asked, i);
    }
    first.verdict = HG_VERDICT_NOT_MINE;
    for (guint i = 0; i < 10; i++) {
        g_auto(HgLogin) login = check_login(auth, "token", "guessed");
        ck_assert_int_eq(login.verdict, HG_VERDICT_DENIED);
    }
    ck_assert_uint_eq(second.asked, 3); /* passwords are */
    first.verdict = HG_VERDICT_ACCEPTED;
    g_auto(HgLogin) good = check_login(auth, "token", "good");
    ck_assert_int_eq(good.verdict, HG_VERDICT_ACCEPTED);
}
END_TEST

/* A method that knows users by any spelling, as directories do. */
static void folding_check(void *self, const HgCredentials *credentials, HgLogin *out)
{
    g_autofree char *name = hg_slice_dup_string(credentials->name);
    g_autofree char *small = g_ascii_strdown(name, -1);
    out->verdict = HG_VERDICT_ACCEPTED;
    out->principal = hg_principal_new("folding", small, NULL, NULL);
}

static HgPrincipal *folding_look_up(void *self, const char *name, GError **error)
{
    static const char *const groups[] = {"analysts", NULL};
    g_autofree char *small = g_ascii_strdown(name, -1);
    return hg_principal_new("folding", small, groups, NULL);
}

static const HgMethodTable folding_table = {
    .name = "folding", .check = folding_check, .look_up = folding_look_up, .free = script_free};

/* A users file in front of it; *path as write_file() gives it. */
static HgAuthenticator *make_folding(const char *text, char **path)
{
    static const char *const chain[] = {"users", "folding", NULL};
    HgUsersMethod *users = NULL;
    *path = write_file(text);
    ck_assert(hg_users_method_new(*path, &users, NULL));
    HgAuthMethod methods[] = {{hg_users_method(), users}, {&folding_table, NULL}};
    return make_auth((HgAuthenticatorConfig){.cache_ttl_ms = 60000, .cache_entries = 100}, chain,
                     methods, 2);
}

/* A user of the method in front is nobody else's by another spelling of the name. */
START_TEST(test_spellings_of_users_in_front)
{
    g_autofree char *text = two_users("secret", "g");
    g_autofree char *path = NULL;
    g_autoptr(HgAuthenticator) auth = make_folding(text, &path);
    static const char *const spellings[] = {"alice", "ALICE", "Alice", "aLiCe"};
    for (gsize i = 0; i < G_N_ELEMENTS(spellings); i++) {
        g_auto(HgLogin) login = check_login(auth, spellings[i], "the directory's");
        ck_assert_int_eq(login.verdict, HG_VERDICT_DENIED);
        ck_assert_ptr_null(login.principal);
        if (i > 0)
            ck_assert_ptr_nonnull(strstr(login.why, "alice is a user of users, which the chain"));
    }
    g_auto(HgLogin) carol = check_login(auth, "CAROL", "any");
    ck_assert_int_eq(carol.verdict, HG_VERDICT_ACCEPTED);
    ck_assert_str_eq(hg_principal_name(carol.principal), "carol");
    unlink(path);
}
END_TEST

/* What is remembered of a later method ends when a method in front gets a user of that name. */
START_TEST(test_a_user_in_front_is_new)
{
    g_autofree char *path = NULL;
    g_autoptr(HgAuthenticator) auth = make_folding("# nobody\n", &path);
    static const char *const spellings[] = {"alice", "ALICE", "carol"};
    for (gsize i = 0; i < G_N_ELEMENTS(spellings); i++) {
        HgAttempt attempt = attempt_of(spellings[i], "the directory's");
        g_auto(HgLogin) login = check_login(auth, spellings[i], "the directory's");
        g_auto(HgLogin) again = {0};
        ck_assert_int_eq(login.verdict, HG_VERDICT_ACCEPTED);
        ck_assert(hg_authenticator_try(auth, &attempt, &again));
        ck_assert_int_eq(again.verdict, HG_VERDICT_ACCEPTED);
    }
    g_autofree char *text = two_users("secret", "g");
    rewrite_file(path, text);
    reload_now(auth);
    for (gsize i = 0; i < G_N_ELEMENTS(spellings); i++) {
        HgAttempt attempt = attempt_of(spellings[i], "the directory's");
        g_auto(HgLogin) known = {0};
        gboolean other = strcmp(spellings[i], "carol") == 0;
        ck_assert_int_eq(hg_authenticator_try(auth, &attempt, &known), other);
        g_auto(HgLogin) checked = check_login(auth, spellings[i], "the directory's");
        ck_assert_int_eq(checked.verdict, other ? HG_VERDICT_ACCEPTED : HG_VERDICT_DENIED);
    }
    unlink(path);
}
END_TEST

/* Nor does another spelling lend a user of the method in front the groups of somebody else. */
START_TEST(test_look_up_of_spellings)
{
    g_autofree char *text = two_users("secret", "g");
    g_autofree char *path = NULL;
    g_autoptr(HgAuthenticator) auth = make_folding(text, &path);
    static const char *const spellings[] = {"alice", "ALICE", "Alice"};
    for (gsize i = 0; i < G_N_ELEMENTS(spellings); i++) {
        g_autoptr(HgPrincipal) alice = hg_authenticator_look_up(auth, 0, spellings[i], NULL);
        ck_assert_str_eq(hg_principal_realm(alice), "users");
        ck_assert_str_eq(hg_principal_name(alice), "alice");
        ck_assert_str_eq(hg_principal_groups(alice)[0], "g");
    }
    g_autoptr(HgPrincipal) carol = hg_authenticator_look_up(auth, 0, "CAROL", NULL);
    ck_assert_str_eq(hg_principal_name(carol), "carol");
    ck_assert_str_eq(hg_principal_realm(carol), "folding");
    unlink(path);
}
END_TEST

/* Whom a directory has told of is known for a while: no login, and nobody whom a method in front
 * has by now. */
START_TEST(test_look_ups_are_remembered)
{
    g_autofree char *path = NULL;
    g_autoptr(HgAuthenticator) auth = make_folding("# nobody\n", &path);
    g_autoptr(HgPrincipal) none = NULL;
    static const char *const spellings[] = {"alice", "ALICE"};
    for (gsize i = 0; i < G_N_ELEMENTS(spellings); i++) {
        g_autoptr(HgPrincipal) again = NULL;
        ck_assert(!hg_authenticator_try_look_up(auth, 0, spellings[i], &none));
        g_autoptr(HgPrincipal) first = hg_authenticator_look_up(auth, 0, spellings[i], NULL);
        ck_assert_str_eq(hg_principal_name(first), "alice");
        ck_assert(hg_authenticator_try_look_up(auth, 0, spellings[i], &again));
        ck_assert_ptr_eq(again, first);
        ck_assert_int_eq(try(auth, spellings[i], ""), KNOWN_BAD);
    }
    g_autofree char *text = two_users("secret", "g");
    rewrite_file(path, text);
    reload_now(auth);
    for (gsize i = 0; i < G_N_ELEMENTS(spellings); i++) {
        ck_assert(!hg_authenticator_try_look_up(auth, 0, spellings[i], &none));
        g_autoptr(HgPrincipal) alice = hg_authenticator_look_up(auth, 0, spellings[i], NULL);
        ck_assert_str_eq(hg_principal_realm(alice), "users");
        ck_assert(!hg_authenticator_try_look_up(auth, 0, spellings[i], &none));
    }
    unlink(path);
}
END_TEST

START_TEST(test_look_up)
{
    Script first = {.verdict = HG_VERDICT_NOT_MINE};
    Script second = {.verdict = HG_VERDICT_ACCEPTED};
    g_autoptr(HgAuthenticator) auth = make_two((HgAuthenticatorConfig){0}, &first, &second);
    g_autoptr(GError) error = NULL;
    g_autoptr(HgPrincipal) carol = hg_authenticator_look_up(auth, 0, "carol", &error);
    ck_assert_str_eq(hg_principal_name(carol), "carol");
    second.verdict = HG_VERDICT_NOT_MINE;
    ck_assert_ptr_null(hg_authenticator_look_up(auth, 0, "carol", &error));
    ck_assert_ptr_null(error);
    first.verdict = HG_VERDICT_UNAVAILABLE;
    ck_assert_ptr_null(hg_authenticator_look_up(auth, 0, "carol", &error));
    ck_assert_str_eq(error->message, "first: away");
    first.verdict = HG_VERDICT_ACCEPTED; /* nobody can act as such a user */
    g_clear_error(&error);
    ck_assert_ptr_null(hg_authenticator_look_up(auth, 0, "carol@example.org", &error));
    ck_assert_ptr_nonnull(error);
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
    HgUsersMethod *users = NULL;
    HgAuthenticatorConfig config = {.cache_ttl_ms = 60000, .cache_entries = 10};
    g_autoptr(HgAuthenticator) auth = make_users_auth(config, users_chain, path, &users);
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
    HgAttempt attempt = attempt_of("alice", "secret");
    struct timespec before, after;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    for (int i = 0; i < 10000; i++) {
        HgLogin login;
        if (!hg_authenticator_try(test.auth, &attempt, &login) || login.principal == NULL)
            ck_abort_msg("forgotten");
        hg_login_clear(&login);
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
    HgUsersMethod *users = NULL;
    HgAuthenticatorConfig config = {.cache_ttl_ms = 60000, .cache_entries = 10};
    g_autoptr(HgAuthenticator) auth = make_users_auth(config, users_chain, path, &users);
    ck_assert(check(auth, "alice", bytes));
    ck_assert_int_eq(try(auth, "alice", bytes), KNOWN_GOOD);
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
        HgAttempt good = attempt_of("bob", "geheim");
        HgLogin login;
        guint delay = 0;
        if (!hg_authenticator_try(shared->auth, &good, &login))
            hg_authenticator_check(shared->auth, &good, NULL, NULL, &login, &delay);
        shared->wrong += login.verdict != HG_VERDICT_ACCEPTED;
        hg_login_clear(&login);
        if (i % 20 != 0)
            continue;
        login = check_login(shared->auth, "bob", "nein");
        shared->wrong += login.verdict == HG_VERDICT_ACCEPTED;
        hg_login_clear(&login);
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
    tcase_add_test(tcase, test_who_is_asked);
    tcase_add_test(tcase, test_unfit_principals);
    tcase_add_test(tcase, test_memory_of_failures);
    tcase_add_test(tcase, test_memory_of_tokens);
    tcase_add_test(tcase, test_failing_again_and_again);
    tcase_add_test(tcase, test_tokens_are_not_throttled);
    tcase_add_test(tcase, test_spellings_of_users_in_front);
    tcase_add_test(tcase, test_a_user_in_front_is_new);
    tcase_add_test(tcase, test_look_up_of_spellings);
    tcase_add_test(tcase, test_look_ups_are_remembered);
    tcase_add_test(tcase, test_look_up);
    tcase_add_test(tcase, test_unknown_names_cost_the_same);
    tcase_add_test(tcase, test_remembered_is_cheap);
    tcase_add_test(tcase, test_password_is_not_kept);
    tcase_add_test(tcase, test_threads);
    tcase_add_test(tcase, test_deleted_during_a_check);
    suite_add_tcase(suite, tcase);
    return suite;
}
