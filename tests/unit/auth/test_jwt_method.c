/* Tests of auth/jwt_method and auth/token_login: which of the four verdicts, for whom, and under
 * which names; with keys from files. What goes over the network is in tests/auth. */
#include "auth/jwt_method.h"
#include "fixtures.h"
#include "mint.h"
#include "suites.h"

#include <glib/gstdio.h>

#define ISSUER "https://login.example.org"
#define OTHER  "https://login.example.com/"

static const char *const audience[] = {"hive"};

static EVP_PKEY *key;
static EVP_PKEY *next;

static void make_keys(void)
{
    key = mint_ec("P-256");
    next = mint_ec("P-256");
}

static void free_keys(void)
{
    EVP_PKEY_free(key);
    EVP_PKEY_free(next);
}

static char *key_set(EVP_PKEY *of, const char *more)
{
    g_autofree char *jwk = mint_jwk(of, more);
    return mint_jwks(jwk, NULL, NULL);
}

/* Two issuers with one key file. Free the method by its table. */
static HgJwtMethod *make_method(const char *file)
{
    HgJwtIssuerConfig issuers[] = {
        {.keys = {.name = "corporate", .issuer = ISSUER},
         .claims = {.audience = audience,
                    .n_audience = 1,
                    .user_claim = "sub",
                    .groups_claim = "groups",
                    .clock_skew_ms = 30000}},
        {.keys = {.name = "partner", .issuer = OTHER},
         .claims = {.audience = audience, .n_audience = 1, .user_claim = "sub"}},
    };
    HgJwtMethodConfig config = {.issuers = issuers, .n_issuers = 2};
    g_autoptr(GError) error = NULL;
    HgJwtMethod *method = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(issuers); i++) {
        issuers[i].keys.jwks_file = file;
        issuers[i].keys.refresh_ms = 3600000;
        issuers[i].keys.refetch_ms = 3600000;
        issuers[i].keys.timeout_ms = 20000;
    }
    ck_assert_msg(hg_jwt_method_new(&config, &method, &error), "%s",
                  error != NULL ? error->message : "");
    return method;
}

static char *make_token(EVP_PKEY *by, const char *issuer, int lifetime)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autofree char *claims =
        g_strdup_printf("{\"iss\":\"%s\",\"aud\":\"hive\",\"sub\":\"alice\",\"groups\":["
                        "\"analysts\"],\"exp\":%" G_GINT64_FORMAT "}",
                        issuer, now + lifetime);
    return mint_token(by, "ES256", "{\"alg\":\"ES256\",\"kid\":\"k\"}", claims);
}

static HgLogin ask(HgJwtMethod *method, const char *name, const char *secret)
{
    HgLogin login = {0};
    HgCredentials credentials = {.name = hg_slice_from_string(name),
                                 .secret = hg_slice_from_string(secret),
                                 .bearer = name == NULL};
    hg_jwt_method()->check(method, &credentials, &login);
    return login;
}

static void expect(HgLogin login, HgVerdict verdict, const char *in_why)
{
    ck_assert_msg(login.verdict == verdict, "verdict %d: %s", login.verdict,
                  login.why != NULL ? login.why : "");
    if (in_why != NULL)
        ck_assert_msg(strstr(login.why, in_why) != NULL, "%s", login.why);
    hg_login_clear(&login);
}

START_TEST(test_a_login)
{
    g_autofree char *set = key_set(key, "\"kid\":\"k\",");
    g_autofree char *file = write_file(set);
    g_autofree char *token = make_token(key, ISSUER, 600);
    HgJwtMethod *method = make_method(file);
    HgLogin login = ask(method, NULL, token);
    ck_assert_int_eq(login.verdict, HG_VERDICT_ACCEPTED);
    ck_assert_str_eq(hg_principal_realm(login.principal), "corporate");
    ck_assert_str_eq(hg_principal_name(login.principal), "alice");
    ck_assert_str_eq(hg_principal_groups(login.principal)[0], "analysts");
    ck_assert_int_gt(login.good_until, g_get_real_time() / G_USEC_PER_SEC + 600);
    hg_login_clear(&login);
    hg_jwt_method()->free(method);
    g_unlink(file);
}
END_TEST

static const struct {
    const char *name;
    HgVerdict verdict;
} names[] = {
    {"alice", HG_VERDICT_ACCEPTED},     {"ALICE", HG_VERDICT_ACCEPTED},
    {"anonymous", HG_VERDICT_ACCEPTED}, {"Token", HG_VERDICT_ACCEPTED},
    {"bearer", HG_VERDICT_ACCEPTED},    {"jwt", HG_VERDICT_ACCEPTED},
    {"bob", HG_VERDICT_DENIED},         {"alice2", HG_VERDICT_DENIED},
    {"alic", HG_VERDICT_DENIED},        {"anonymous ", HG_VERDICT_DENIED},
};

START_TEST(test_names)
{
    g_autofree char *set = key_set(key, "\"kid\":\"k\",");
    g_autofree char *file = write_file(set);
    g_autofree char *token = make_token(key, ISSUER, 600);
    HgJwtMethod *method = make_method(file);
    HgLogin login = ask(method, names[_i].name, token);
    if (names[_i].verdict == HG_VERDICT_DENIED)
        ck_assert_ptr_nonnull(strstr(login.say, "somebody else's"));
    expect(login, names[_i].verdict,
           names[_i].verdict == HG_VERDICT_DENIED ? "the token is alice's" : NULL);
    hg_jwt_method()->free(method);
    g_unlink(file);
}
END_TEST

START_TEST(test_verdicts)
{
    g_autofree char *set = key_set(key, "\"kid\":\"k\",");
    g_autofree char *file = write_file(set);
    HgJwtMethod *method = make_method(file);
    g_autofree char *partner = make_token(key, OTHER, 600);
    g_autofree char *almost = make_token(key, ISSUER "/", 600);
    g_autofree char *expired = make_token(key, ISSUER, -600);
    g_autofree char *forged = make_token(next, ISSUER, 600);
    g_autofree char *nobody =
        mint_token(key, "ES256", "{\"alg\":\"ES256\"}", "{\"sub\":\"alice\"}");
    g_autofree char *broken = mint_token(key, "ES256", "{\"alg\":\"ES256\"}", "{");
    HgLogin login = ask(method, NULL, partner);
    ck_assert_str_eq(hg_principal_realm(login.principal), "partner");
    ck_assert_ptr_null(hg_principal_groups(login.principal));
    hg_login_clear(&login);
    expect(ask(method, "alice", "wonderland"), HG_VERDICT_NOT_MINE, "isn't a signed JWT");
    expect(ask(method, NULL, "opaque"), HG_VERDICT_NOT_MINE, NULL);
    expect(ask(method, NULL, almost), HG_VERDICT_NOT_MINE, "isn't among the issuers");
    expect(ask(method, NULL, nobody), HG_VERDICT_NOT_MINE, "isn't among the issuers");
    expect(ask(method, NULL, expired), HG_VERDICT_DENIED, "corporate: it expired");
    expect(ask(method, NULL, forged), HG_VERDICT_DENIED, "corporate: its signature");
    expect(ask(method, NULL, broken), HG_VERDICT_DENIED, "payload");
    hg_jwt_method()->free(method);
    g_unlink(file);
}
END_TEST

/* A new key in the file counts after a reload; a broken file changes nothing. */
START_TEST(test_reload)
{
    g_autofree char *set = key_set(key, "\"kid\":\"k\",");
    g_autofree char *set_next = key_set(next, "\"kid\":\"k\",");
    g_autofree char *file = write_file(set);
    g_autofree char *token = make_token(next, ISSUER, 600);
    g_autoptr(GError) error = NULL;
    HgJwtMethod *method = make_method(file);
    expect(ask(method, NULL, token), HG_VERDICT_DENIED, NULL);
    rewrite_file(file, set_next);
    ck_assert(hg_jwt_method()->reload(method, &error));
    expect(ask(method, NULL, token), HG_VERDICT_ACCEPTED, NULL);
    rewrite_file(file, "{}");
    ck_assert(!hg_jwt_method()->reload(method, &error));
    ck_assert_msg(strstr(error->message, file) != NULL, "%s", error->message);
    expect(ask(method, NULL, token), HG_VERDICT_ACCEPTED, NULL);
    hg_jwt_method()->free(method);
    g_unlink(file);
}
END_TEST

START_TEST(test_configurations_of_no_use)
{
    static const char *const algorithms[] = {"RS256", "HS256"};
    HgJwtIssuerConfig issuer = {
        .keys = {.name = "corporate", .issuer = ISSUER, .jwks_file = "/nowhere/keys.json"},
        .claims = {.user_claim = "sub"},
    };
    HgJwtMethodConfig config = {.issuers = &issuer, .n_issuers = 1};
    HgJwtMethod *method = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_jwt_method_new(&config, &method, &error));
    ck_assert_msg(strstr(error->message, "the issuer corporate: ") != NULL, "%s", error->message);
    g_clear_error(&error);
    issuer.keys.jwks_file = NULL;
    issuer.keys.jwks_url = "http://keys.example.org/";
    ck_assert(!hg_jwt_method_new(&config, &method, &error));
    ck_assert_msg(strstr(error->message, "plain http") != NULL, "%s", error->message);
    g_clear_error(&error);
    issuer.algorithms = algorithms;
    issuer.n_algorithms = 2;
    ck_assert(!hg_jwt_method_new(&config, &method, &error));
    ck_assert_msg(strstr(error->message, "HS256") != NULL, "%s", error->message);
}
END_TEST

static const struct {
    const char *pattern;
    const char *secret;
    gboolean bearer;
    gboolean taken;
} gates[] = {
    {NULL, "wonderland", FALSE, FALSE},
    {NULL, "wonderland", TRUE, TRUE},
    {"tok_[a-z]+", "tok_abc", FALSE, TRUE},
    {"tok_[a-z]+", "tok_abc1", FALSE, FALSE},
    {"tok_[a-z]+", "xtok_abc", FALSE, FALSE},
    {"tok_[a-z]+", "tok_abc\n", FALSE, FALSE},
    {"tok_[a-z]+", "whatever", TRUE, TRUE},
    {"a|tok", "atok", FALSE, FALSE},
    {".*", "two words", FALSE, FALSE},
    {".*", "two words", TRUE, FALSE},
    {NULL, "a\r\nX-Evil: 1", TRUE, FALSE},
    {NULL, "\xc3\xbc", TRUE, FALSE},
    {NULL, "", TRUE, FALSE},
};

START_TEST(test_what_may_go_to_a_server)
{
    HgTokenLoginConfig config = {.token_pattern = gates[_i].pattern};
    HgCredentials credentials = {.secret = hg_slice_from_string(gates[_i].secret),
                                 .bearer = gates[_i].bearer};
    g_autoptr(HgTokenLogin) login = NULL;
    ck_assert(hg_token_login_new(&config, &login, NULL));
    ck_assert_int_eq(hg_token_login_takes(login, &credentials), gates[_i].taken);
}
END_TEST

START_TEST(test_a_pattern_of_no_use)
{
    HgTokenLoginConfig config = {.token_pattern = "("};
    HgTokenLogin *login = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_token_login_new(&config, &login, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "token_pattern"));
}
END_TEST

Suite *jwt_method_suite(void)
{
    Suite *suite = suite_create("auth/jwt_method");
    TCase *tests = tcase_create("method");
    tcase_add_unchecked_fixture(tests, make_keys, free_keys);
    tcase_add_test(tests, test_a_login);
    tcase_add_loop_test(tests, test_names, 0, G_N_ELEMENTS(names));
    tcase_add_test(tests, test_verdicts);
    tcase_add_test(tests, test_reload);
    tcase_add_test(tests, test_configurations_of_no_use);
    tcase_add_loop_test(tests, test_what_may_go_to_a_server, 0, G_N_ELEMENTS(gates));
    tcase_add_test(tests, test_a_pattern_of_no_use);
    suite_add_tcase(suite, tests);
    return suite;
}
