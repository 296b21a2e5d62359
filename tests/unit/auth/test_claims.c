/* Tests of auth/claims: times, audiences, scopes and required claims, and who comes out of them. */
#include "auth/claims.h"
#include "auth/json.h"
#include "suites.h"

#define NOW 1700000000

static const char *const audience[] = {"hive", "sql"};
static const char *const parties[] = {"console"};
static const char *const scopes[] = {"sql.read", "sql"};
static const char *const departments[] = {"sales", "7", "true"};
static const HgClaimRequirement required[] = {{"department", departments, 3}};
static const HgClaimAttribute attributes[] = {
    {"cost", "cost_center"}, {"site", "place.site"}, {"none", "missing"}};

static const HgClaimsConfig plain = {.user_claim = "sub", .clock_skew_ms = 30000};

static json_t *claims_of(const char *text)
{
    g_autoptr(GError) error = NULL;
    json_t *claims = hg_json_read(hg_slice_from_string(text), &error);
    ck_assert_msg(claims != NULL, "%s: %s", text, error != NULL ? error->message : "");
    return claims;
}

static HgClaimsRules *rules_of(const HgClaimsConfig *config)
{
    g_autoptr(GError) error = NULL;
    HgClaimsRules *rules = NULL;
    ck_assert_msg(hg_claims_rules_new(config, &rules, &error), "%s",
                  error != NULL ? error->message : "");
    return rules;
}

static const struct {
    const char *claims;
    HgTokenFault fault;
    gint64 good_until;
} times[] = {
    {"{\"exp\":1700000001}", HG_TOKEN_GOOD, NOW + 31},
    {"{\"exp\":1699999971}", HG_TOKEN_GOOD, NOW + 1},
    {"{\"exp\":1699999970}", HG_TOKEN_EXPIRED, 0},
    {"{\"exp\":0}", HG_TOKEN_EXPIRED, 0},
    {"{}", HG_TOKEN_NO_EXPIRY, 0},
    {"{\"exp\":\"1800000000\"}", HG_TOKEN_CLAIM, 0},
    {"{\"exp\":-1}", HG_TOKEN_CLAIM, 0},
    {"{\"exp\":null}", HG_TOKEN_CLAIM, 0},
    {"{\"exp\":1e18}", HG_TOKEN_CLAIM, 0},
    {"{\"exp\":9223372036854775807}", HG_TOKEN_CLAIM, 0},
    {"{\"exp\":1700000001.7}", HG_TOKEN_GOOD, NOW + 31},
    {"{\"exp\":1800000000,\"nbf\":1700000030}", HG_TOKEN_GOOD, 1800000030},
    {"{\"exp\":1800000000,\"nbf\":1700000031}", HG_TOKEN_NOT_YET, 0},
    {"{\"exp\":1800000000,\"nbf\":\"x\"}", HG_TOKEN_CLAIM, 0},
    {"{\"exp\":1800000000,\"iat\":1700000030}", HG_TOKEN_GOOD, 1800000030},
    {"{\"exp\":1800000000,\"iat\":1700000031}", HG_TOKEN_ISSUED_LATER, 0},
    {"{\"exp\":1800000000,\"iat\":[]}", HG_TOKEN_CLAIM, 0},
};

START_TEST(test_times)
{
    g_autoptr(HgClaimsRules) rules = rules_of(&plain);
    json_auto_t *claims = claims_of(times[_i].claims);
    g_auto(HgTokenRefusal) refusal = {0};
    gint64 good_until = 0;
    gboolean ok = hg_claims_check_times(rules, claims, NOW, TRUE, &good_until, &refusal);
    ck_assert_int_eq(refusal.fault, times[_i].fault);
    ck_assert_int_eq(ok, times[_i].fault == HG_TOKEN_GOOD);
    ck_assert_int_eq(good_until, times[_i].good_until);
}
END_TEST

START_TEST(test_no_expiry_may_do)
{
    g_autoptr(HgClaimsRules) rules = rules_of(&plain);
    json_auto_t *claims = claims_of("{}");
    g_auto(HgTokenRefusal) refusal = {0};
    gint64 good_until = 7;
    ck_assert(hg_claims_check_times(rules, claims, NOW, FALSE, &good_until, &refusal));
    ck_assert_int_eq(good_until, 0);
}
END_TEST

#define GOOD                                                                                       \
    "\"aud\":\"hive\",\"azp\":\"console\",\"scope\":\"openid sql "                                 \
    "sql.read\",\"department\":\"sales\""

static const struct {
    const char *claims;
    HgTokenFault fault;
} checks[] = {
    {"{" GOOD "}", HG_TOKEN_GOOD},
    {"{" GOOD ",\"typ\":\"Bearer\",\"token_use\":\"access_token\"}", HG_TOKEN_GOOD},
    {"{" GOOD ",\"typ\":\"Refresh\"}", HG_TOKEN_TYPE},
    {"{" GOOD ",\"token_use\":\"refresh_token\"}", HG_TOKEN_TYPE},
    {"{\"aud\":[\"x\",\"sql\"],\"client_id\":\"console\",\"scp\":[\"sql\",\"sql.read\"],"
     "\"department\":[\"x\",\"sales\"]}",
     HG_TOKEN_GOOD},
    {"{\"aud\":\"hive\",\"azp\":\"console\",\"scope\":\"sql,sql.read\",\"department\":7}",
     HG_TOKEN_GOOD},
    {"{\"aud\":\"hive\",\"azp\":\"console\",\"scope\":\"sql sql.read\",\"department\":true}",
     HG_TOKEN_GOOD},
    {"{\"azp\":\"console\",\"scope\":\"sql sql.read\",\"department\":\"sales\"}",
     HG_TOKEN_AUDIENCE},
    {"{\"aud\":\"\"}", HG_TOKEN_AUDIENCE},
    {"{\"aud\":\"Hive\"}", HG_TOKEN_AUDIENCE},
    {"{\"aud\":\"hive sql\"}", HG_TOKEN_AUDIENCE},
    {"{\"aud\":[]}", HG_TOKEN_AUDIENCE},
    {"{\"aud\":[\"x\",\"y\"]}", HG_TOKEN_AUDIENCE},
    {"{\"aud\":7}", HG_TOKEN_CLAIM},
    {"{\"aud\":null}", HG_TOKEN_CLAIM},
    {"{\"aud\":[\"hive\",7]}", HG_TOKEN_CLAIM},
    {"{\"aud\":{\"hive\":1}}", HG_TOKEN_CLAIM},
    {"{\"aud\":\"hive\"}", HG_TOKEN_PARTY},
    {"{\"aud\":\"hive\",\"azp\":\"x\"}", HG_TOKEN_PARTY},
    {"{\"aud\":\"hive\",\"azp\":\"x\",\"client_id\":\"console\"}", HG_TOKEN_PARTY},
    {"{\"aud\":\"hive\",\"azp\":[\"console\"]}", HG_TOKEN_CLAIM},
    {"{\"aud\":\"hive\",\"azp\":\"console\"}", HG_TOKEN_SCOPE},
    {"{\"aud\":\"hive\",\"azp\":\"console\",\"scope\":\"sql\"}", HG_TOKEN_SCOPE},
    {"{\"aud\":\"hive\",\"azp\":\"console\",\"scope\":\"sql.reader sql\"}", HG_TOKEN_SCOPE},
    {"{\"aud\":\"hive\",\"azp\":\"console\",\"scope\":7}", HG_TOKEN_SCOPE},
    {"{\"aud\":\"hive\",\"azp\":\"console\",\"scope\":\"\",\"scp\":\"sql sql.read\"}",
     HG_TOKEN_SCOPE},
    {"{\"aud\":\"hive\",\"azp\":\"console\",\"scope\":\"sql sql.read\"}", HG_TOKEN_REQUIRED_CLAIM},
    {"{\"aud\":\"hive\",\"azp\":\"console\",\"scope\":\"sql sql.read\",\"department\":\"it\"}",
     HG_TOKEN_REQUIRED_CLAIM},
    {"{\"aud\":\"hive\",\"azp\":\"console\",\"scope\":\"sql sql.read\",\"department\":{}}",
     HG_TOKEN_REQUIRED_CLAIM},
};

START_TEST(test_checks)
{
    HgClaimsConfig config = {
        .audience = audience,
        .n_audience = 2,
        .authorized_parties = parties,
        .n_authorized_parties = 1,
        .required_scopes = scopes,
        .n_required_scopes = 2,
        .required_claims = required,
        .n_required_claims = 1,
        .user_claim = "sub",
    };
    g_autoptr(HgClaimsRules) rules = rules_of(&config);
    json_auto_t *claims = claims_of(checks[_i].claims);
    g_auto(HgTokenRefusal) refusal = {0};
    gboolean ok = hg_claims_check(rules, claims, &refusal);
    ck_assert_msg(refusal.fault == checks[_i].fault, "%s", refusal.why != NULL ? refusal.why : "");
    ck_assert_int_eq(ok, checks[_i].fault == HG_TOKEN_GOOD);
}
END_TEST

START_TEST(test_nothing_required)
{
    g_autoptr(HgClaimsRules) rules = rules_of(&plain);
    json_auto_t *claims = claims_of("{\"aud\":\"x\",\"azp\":\"y\"}");
    g_auto(HgTokenRefusal) refusal = {0};
    ck_assert(hg_claims_check(rules, claims, &refusal));
}
END_TEST

static const struct {
    const char *user_claim;
    const char *pattern;
    const char *claims;
    HgTokenFault fault;
    const char *name;
} users[] = {
    {"sub", NULL, "{\"sub\":\"alice\"}", HG_TOKEN_GOOD, "alice"},
    {"sub", NULL, "{\"sub\":\"J\xc3\xbcrgen M\"}", HG_TOKEN_GOOD, "J\xc3\xbcrgen M"},
    {"a.b", NULL, "{\"a\":{\"b\":\"bob\"}}", HG_TOKEN_GOOD, "bob"},
    {"email", "(.*)@example\\.org", "{\"email\":\"bob@example.org\"}", HG_TOKEN_GOOD, "bob"},
    {"email", "(.*)@example\\.org", "{\"email\":\"bob@example.org\",\"email_verified\":true}",
     HG_TOKEN_GOOD, "bob"},
    {"email", "(.*)@example\\.org", "{\"email\":\"bob@example.org\",\"email_verified\":false}",
     HG_TOKEN_EMAIL, NULL},
    {"email", "(.*)@example\\.org", "{\"email\":\"bob@example.org\",\"email_verified\":\"true\"}",
     HG_TOKEN_EMAIL, NULL},
    {"/email", "(.*)@example\\.org", "{\"email\":\"bob@example.org\",\"email_verified\":false}",
     HG_TOKEN_EMAIL, NULL},
    {"email", "(.*)@example\\.org", "{\"email\":\"bob@example.org.evil\"}", HG_TOKEN_USER_NAME,
     NULL},
    {"email", "(.*)@example\\.org", "{\"email\":\"bob@example.org\\n\"}", HG_TOKEN_USER_NAME, NULL},
    {"email", NULL, "{\"email\":\"bob@example.org\"}", HG_TOKEN_USER_NAME, NULL},
    {"sub", NULL, "{}", HG_TOKEN_NO_USER, NULL},
    {"sub", NULL, "{\"sub\":7}", HG_TOKEN_NO_USER, NULL},
    {"sub", NULL, "{\"sub\":[\"alice\"]}", HG_TOKEN_NO_USER, NULL},
    {"sub", NULL, "{\"sub\":null}", HG_TOKEN_NO_USER, NULL},
    {"sub", NULL, "{\"sub\":\"\"}", HG_TOKEN_USER_NAME, NULL},
    {"sub", NULL, "{\"sub\":\"a/b\"}", HG_TOKEN_USER_NAME, NULL},
    {"sub", NULL, "{\"sub\":\"a\\nb\"}", HG_TOKEN_USER_NAME, NULL},
    {"sub", NULL, "{\"sub\":\" a\"}", HG_TOKEN_USER_NAME, NULL},
};

START_TEST(test_users)
{
    HgClaimsConfig config = {.user_claim = users[_i].user_claim, .user_pattern = users[_i].pattern};
    g_autoptr(HgClaimsRules) rules = rules_of(&config);
    json_auto_t *claims = claims_of(users[_i].claims);
    g_autoptr(HgPrincipal) principal = NULL;
    g_auto(HgTokenRefusal) refusal = {0};
    gboolean ok = hg_claims_principal(rules, claims, "corporate", &principal, &refusal);
    ck_assert_msg(refusal.fault == users[_i].fault, "%s", refusal.why != NULL ? refusal.why : "");
    ck_assert_int_eq(ok, users[_i].fault == HG_TOKEN_GOOD);
    ck_assert_int_eq(principal != NULL, ok);
    if (ok) {
        ck_assert_str_eq(hg_principal_name(principal), users[_i].name);
        ck_assert_str_eq(hg_principal_realm(principal), "corporate");
    }
}
END_TEST

static const struct {
    const char *claim; /* NULL: not configured */
    const char *claims;
    const char *groups; /* between '|'; NULL: unknown */
} groups[] = {
    {NULL, "{\"sub\":\"a\",\"groups\":[\"x\"]}", NULL},
    {"groups", "{\"sub\":\"a\"}", NULL},
    {"groups", "{\"sub\":\"a\",\"groups\":null}", NULL},
    {"groups", "{\"sub\":\"a\",\"groups\":{}}", NULL},
    {"groups", "{\"sub\":\"a\",\"groups\":7}", NULL},
    {"groups", "{\"sub\":\"a\",\"groups\":[\"x\",7]}", NULL},
    {"groups", "{\"sub\":\"a\",\"groups\":[]}", ""},
    {"groups", "{\"sub\":\"a\",\"groups\":\"\"}", ""},
    {"groups", "{\"sub\":\"a\",\"groups\":[\"x\",\"/a/b\",\"Domain Users\"]}",
     "x|/a/b|Domain Users"},
    {"groups", "{\"sub\":\"a\",\"groups\":\"x y\"}", "x|y"},
    {"groups", "{\"sub\":\"a\",\"groups\":\"x, y z\"}", "x|y z"},
    {"groups", "{\"sub\":\"a\",\"groups\":[\"x\",\"a:b\",\"\",\"c\\nd\"]}", "x"},
    {"https://a.b/groups", "{\"sub\":\"a\",\"https://a.b/groups\":[\"x\"]}", "x"},
    {"realm_access.roles", "{\"sub\":\"a\",\"realm_access\":{\"roles\":[\"x\"]}}", "x"},
};

START_TEST(test_groups)
{
    HgClaimsConfig config = {.user_claim = "sub", .groups_claim = groups[_i].claim};
    g_autoptr(HgClaimsRules) rules = rules_of(&config);
    json_auto_t *claims = claims_of(groups[_i].claims);
    g_autoptr(HgPrincipal) principal = NULL;
    g_auto(HgTokenRefusal) refusal = {0};
    ck_assert(hg_claims_principal(rules, claims, "r", &principal, &refusal));
    const char *const *found = hg_principal_groups(principal);
    g_autofree char *joined = found != NULL ? g_strjoinv("|", (char **)found) : NULL;
    ck_assert_msg(g_strcmp0(joined, groups[_i].groups) == 0, "%s",
                  joined != NULL ? joined : "unknown");
}
END_TEST

START_TEST(test_attributes)
{
    HgClaimsConfig config = {.user_claim = "sub", .attributes = attributes, .n_attributes = 3};
    g_autoptr(HgClaimsRules) rules = rules_of(&config);
    json_auto_t *claims = claims_of(
        "{\"sub\":\"a\",\"cost_center\":[4711,\"x\",true,1.5],\"place\":{\"site\":\"Ulm\"}}");
    g_autoptr(HgPrincipal) principal = NULL;
    g_auto(HgTokenRefusal) refusal = {0};
    ck_assert(hg_claims_principal(rules, claims, "r", &principal, &refusal));
    g_autofree char *joined = g_strjoinv("|", (char **)hg_principal_attributes(principal));
    ck_assert_str_eq(joined, "cost|4711|cost|x|cost|true|cost|1.5|site|Ulm");
}
END_TEST

static const HgClaimAttribute bad_attribute[] = {{"a", "/"}};
static const HgClaimsConfig bad_rules[] = {
    {.user_claim = "sub", .user_pattern = "("},
    {.user_claim = "sub", .user_pattern = "(a)(b)"},
    {.user_claim = "sub", .user_pattern = "a)|(b"},
    {.user_claim = ""},
    {.user_claim = "sub", .groups_claim = "/"},
    {.user_claim = "sub", .attributes = bad_attribute, .n_attributes = 1},
};

START_TEST(test_rules_of_no_use)
{
    HgClaimsRules *rules = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_claims_rules_new(&bad_rules[_i], &rules, &error));
    ck_assert_ptr_null(rules);
    ck_assert_ptr_nonnull(strstr(error->message, "expected"));
}
END_TEST

Suite *claims_suite(void)
{
    Suite *suite = suite_create("auth/claims");
    TCase *tests = tcase_create("claims");
    tcase_add_loop_test(tests, test_times, 0, G_N_ELEMENTS(times));
    tcase_add_test(tests, test_no_expiry_may_do);
    tcase_add_loop_test(tests, test_checks, 0, G_N_ELEMENTS(checks));
    tcase_add_test(tests, test_nothing_required);
    tcase_add_loop_test(tests, test_users, 0, G_N_ELEMENTS(users));
    tcase_add_loop_test(tests, test_groups, 0, G_N_ELEMENTS(groups));
    tcase_add_test(tests, test_attributes);
    tcase_add_loop_test(tests, test_rules_of_no_use, 0, G_N_ELEMENTS(bad_rules));
    suite_add_tcase(suite, tests);
    return suite;
}
