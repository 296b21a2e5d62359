/* Tests of app/config_check_tokens: which settings for bearer tokens are refused, and how. */
#include "app/config.h"
#include "suites.h"

#define HEAD                                                                                       \
    "listeners: [{name: a, bind: '127.0.0.1:10000'}]\n"                                            \
    "pools: [{name: p, endpoints: ['127.0.0.1:10001']}]\n"
#define JWT(issuers) HEAD "authentication: {chain: [jwt], jwt: {issuers: [" issuers "]}}\n"
#define INTRO(settings)                                                                            \
    HEAD "authentication: {chain: [introspection], introspection: {" settings "}}\n"
#define INFO(settings) HEAD "authentication: {chain: [tokeninfo], tokeninfo: {" settings "}}\n"
#define GOOD           "name: c, issuer: 'https://i.example.org', audience: [a]"
#define CLIENT         "url: 'https://i.example.org', client_id: a, client_secret_file: s"

/* What the diagnostics say; "" when all is well. Free with g_free. */
static char *problems_of(const char *text)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("hivegate.yaml");
    g_autoptr(HgConfig) config =
        hg_config_parse("hivegate.yaml", hg_slice_from_string(text), diagnostics);
    return hg_diagnostics_text(diagnostics);
}

static const struct {
    const char *text;
    const char *problem;
} refused[] = {
    {HEAD "authentication: {chain: [jwt]}\n", "authentication.jwt is missing"},
    {HEAD "authentication: {chain: [introspection]}\n", "authentication.introspection is missing"},
    {HEAD "authentication: {chain: [tokeninfo]}\n", "authentication.tokeninfo is missing"},
    {HEAD "authentication: {chain: [users], users: {file: u}, jwt: {issuers: [{" GOOD "}]}}\n",
     "authentication.jwt is of no use"},
    {JWT(""), "authentication.jwt.issuers: the list is empty"},
    {JWT("{name: c, audience: [a]}"), "issuers[0].issuer is missing"},
    {JWT("{name: c, issuer: 'https://i.example.org'}"), "issuers[0].audience is missing"},
    {JWT("{" GOOD ", jwks_url: 'https://k.example.org', jwks_file: k}"), "both jwks_url and"},
    {JWT("{" GOOD ", jwks_url: 'http://k.example.org'}"), "issuers[0].jwks_url: "},
    {JWT("{" GOOD ", jwks_url: 'ftp://k.example.org'}"), "isn't one of http or https"},
    {JWT("{name: c, issuer: 'http://i.example.org', audience: [a]}"), "expected https"},
    {JWT("{name: c, issuer: corporate, audience: [a]}"), "issuers[0].issuer: "},
    {JWT("{" GOOD ", algorithms: [RS256, HS256]}"), "\"HS256\" is none"},
    {JWT("{" GOOD ", algorithms: [none]}"), "\"none\" is none"},
    {JWT("{" GOOD ", user_pattern: '('}"), "user_pattern is of no use"},
    {JWT("{" GOOD ", groups_claim: '/'}"), "groups_claim can't be a claim"},
    {JWT("{" GOOD ", keys_refresh: 1h, keys_max_age: 1m}"), "keys_max_age is shorter"},
    {JWT("{" GOOD "}, {name: c, issuer: 'https://j.example.org', audience: [a]}"),
     "issuers[1].name: c is the realm of authentication.jwt.issuers[0].name already"},
    {JWT("{name: users, issuer: 'https://i.example.org', audience: [a]}"),
     "issuers[0].name: users is the realm of a method of its own name already"},
    {JWT("{name: ldap, issuer: 'https://i.example.org', audience: [a]}"), "ldap is the realm of"},
    {JWT("{name: certificate, issuer: 'https://i.example.org', audience: [a]}"),
     "certificate is the realm of"},
    {INTRO(CLIENT ", name: users"), "authentication.introspection.name: users is the realm of"},
    {INFO("url: 'https://i.example.org', name: ldap"), "authentication.tokeninfo.name: ldap is"},
    {HEAD "authentication: {chain: [jwt, tokeninfo], jwt: {issuers: [{" GOOD "}]}, tokeninfo: "
          "{url: 'https://i.example.org', name: c}}\n",
     "authentication.tokeninfo.name: c is the realm of authentication.jwt.issuers[0].name"},
    {HEAD "authentication: {chain: [introspection, tokeninfo], introspection: {" CLIENT
          ", name: tokeninfo}, tokeninfo: {url: 'https://i.example.org'}}\n",
     "authentication.tokeninfo.name: tokeninfo is the realm of authentication.introspection.name"},
    {JWT("{" GOOD "}") "impersonation: [{principal: a, realm: d, may_act_as: {users: [b]}}]\n",
     "impersonation[0].realm: there is no realm d; expected one of users, certificate, ldap, c"},
    {JWT("{" GOOD
         "}, {name: d, issuer: 'https://j.example.org', audience: [a]}") "impersonation: "
                                                                         "[{principal: a, "
                                                                         "may_act_as: {users: "
                                                                         "[b]}}]\n",
     "impersonation[0] has no realm, so whoever is called so in any of c, d may act as others"},
    {JWT("{" GOOD "}, {name: d, issuer: 'https://i.example.org', audience: [a]}"),
     "issuers[1].issuer: https://i.example.org is in the list"},
    {JWT("{" GOOD ", required_claims: [{claim: a}]}"), "required_claims[0].values is missing"},
    {JWT("{" GOOD ", attributes: [{name: 'a b', claim: a}]}"), "attributes[0].name"},
    {INTRO("url: 'https://i.example.org', client_id: a"), "client_secret_file is missing"},
    {INTRO(CLIENT ", client_secret: hush"), "secrets are not read from this file"},
    {INTRO("url: 'http://i.example.org', client_id: a, client_secret_file: s"),
     "authentication.introspection.url: tokens would go in plain text"},
    {INTRO("url: 'https://u:p@i.example.org', client_id: a, client_secret_file: s"),
     "holds a user name"},
    {INTRO(CLIENT ", token_pattern: '('"), "token_pattern is of no use"},
    {INTRO(CLIENT ", token_pattern: '.*'"), "takes passwords such as \"wonderland\""},
    {INTRO(CLIENT ", token_pattern: '\\d+'"), "takes passwords such as \"20240917\""},
    {INFO("url: 'http://i.example.org'"), "authentication.tokeninfo.url: tokens would go"},
    {INFO("url: 'https://i.example.org', token_pattern: '\\w+'"), "takes passwords such as"},
    {INFO("url: 'https://i.example.org', audience: [a]"), "unknown key \"audience\""},
    {INFO("url: 'https://i.example.org', send: body"), "authentication.tokeninfo.send"},
};

START_TEST(test_refused)
{
    g_autofree char *problems = problems_of(refused[_i].text);
    ck_assert_msg(strstr(problems, refused[_i].problem) != NULL, "%s", problems);
}
END_TEST

static const char *const good[] = {
    JWT("{" GOOD "}"),
    JWT("{" GOOD ", jwks_file: keys.json, algorithms: [RS256, ES512], clock_skew: 1m}"),
    JWT("{name: c, issuer: any, jwks_file: keys.json, authorized_parties: [a]}"),
    JWT("{name: c, issuer: 'http://127.0.0.1:5556/dex', audience: [a]}"),
    JWT("{name: c, issuer: 'http://i.example.org', audience: [a], plaintext: true}"),
    JWT("{" GOOD ", keys_max_age: 0, user_pattern: '(.*)@x', required_scopes: [a], "
        "required_claims: [{claim: a.b, values: [c]}], attributes: [{name: a, claim: /b}]}"),
    INTRO(CLIENT ", client_auth: post, token_pattern: 'tok_[a-z]+'"),
    INFO("url: 'https://i.example.org?x=y', send: query"),
    JWT("{name: tokeninfo, issuer: 'https://i.example.org', audience: [a]}") "impersonation: "
                                                                             "[{principal: a, "
                                                                             "may_act_as: {users: "
                                                                             "[b]}}]\n",
    JWT("{" GOOD
        "}, {name: d, issuer: 'https://j.example.org', audience: [a]}") "impersonation: "
                                                                        "[{principal: a, realm: d, "
                                                                        "may_act_as: {users: "
                                                                        "[b]}}]\n",
};

/* Whether the chain knows the method is another matter. */
START_TEST(test_good)
{
    g_autofree char *problems = problems_of(good[_i]);
    ck_assert_msg(strstr(problems, "authentication.jwt") == NULL, "%s", problems);
    ck_assert_msg(strstr(problems, "authentication.introspection") == NULL, "%s", problems);
    ck_assert_msg(strstr(problems, "authentication.tokeninfo") == NULL, "%s", problems);
    ck_assert_msg(strstr(problems, "impersonation") == NULL, "%s", problems);
}
END_TEST

Suite *config_tokens_suite(void)
{
    Suite *suite = suite_create("app/config, tokens");
    TCase *tests = tcase_create("tokens");
    tcase_add_loop_test(tests, test_refused, 0, G_N_ELEMENTS(refused));
    tcase_add_loop_test(tests, test_good, 0, G_N_ELEMENTS(good));
    suite_add_tcase(suite, tests);
    return suite;
}
