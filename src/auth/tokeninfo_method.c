/* The method `tokeninfo`: see tokeninfo_method.h. Immutable but for its server. */
#include "auth/tokeninfo_method.h"

#include "auth/json.h"
#include "auth/token_answer.h"
#include "base/error.h"
#include "base/secret.h"

struct HgTokeninfo {
    char *name;
    HgTokeninfoSend send;
    HgTokenServer *server;
    HgClaimsRules *rules;
    HgTokenLogin *login;
};

static void free_method(void *self)
{
    HgTokeninfo *method = self;
    hg_token_server_free(method->server);
    hg_claims_rules_free(method->rules);
    hg_token_login_free(method->login);
    g_free(method->name);
    g_free(method);
}

gboolean hg_tokeninfo_new(const HgTokeninfoConfig *config, HgTokeninfo **out, GError **error)
{
    HgTokeninfo *method = g_new0(HgTokeninfo, 1);
    method->name = g_strdup(config->name);
    method->send = config->send;
    if (!hg_token_login_new(&config->login, &method->login, error) ||
        !hg_claims_rules_new(&config->claims, &method->rules, error) ||
        !hg_token_server_new(&config->server, &method->server, error)) {
        free_method(method);
        return FALSE;
    }
    *out = method;
    return TRUE;
}

static gboolean ask(const HgTokeninfo *method, HgSlice token, HgHttpAnswer **out, GError **error)
{
    gboolean in_query = method->send == HG_TOKENINFO_QUERY;
    const char *url = hg_token_server_url(method->server);
    char *escaped = g_uri_escape_bytes(token.data, token.size, NULL);
    char *full = in_query ? g_strconcat(url, strchr(url, '?') != NULL ? "&" : "?",
                                        "access_token=", escaped, NULL)
                          : NULL;
    char *bearer = g_strdup_printf("Authorization: Bearer %.*s", (int)token.size, token.data);
    const char *headers[] = {"Accept: application/json", in_query ? NULL : bearer, NULL};
    HgHttpRequest request = {.url = full, .headers = headers};
    gboolean ok = hg_token_server_ask(method->server, &request, out, error);
    hg_secret_free_string(escaped);
    hg_secret_free_string(full);
    hg_secret_free_string(bearer);
    return ok;
}

/* *good_until stays 0 when the server doesn't say. */
static gboolean check_expiry(const void *unused, const json_t *claims, gint64 *good_until,
                             HgTokenRefusal *refusal)
{
    const json_t *value = json_object_get(claims, "expires_in");
    gint64 seconds = 0;
    if (value == NULL)
        return TRUE;
    if (json_is_number(value) && json_number_value(value) <= 0)
        return hg_token_refuse(refusal, HG_TOKEN_EXPIRED, "its \"expires_in\" is %.0f s",
                               json_number_value(value));
    if (!hg_json_seconds(value, &seconds))
        return hg_token_refuse(refusal, HG_TOKEN_CLAIM, "its \"expires_in\" is not a time");
    *good_until = g_get_real_time() / G_USEC_PER_SEC + seconds;
    return TRUE;
}

/* What an answer with status 200 says. */
static void judge(const HgTokeninfo *method, const HgCredentials *credentials,
                  const HgHttpAnswer *answer, HgLogin *out)
{
    HgTokenAnswerRules rules = {.realm = method->name,
                                .login = method->login,
                                .rules = method->rules,
                                .check = check_expiry};
    hg_token_answer_judge(&rules, credentials, answer->body, out);
}

/* Any other status. */
static void judge_status(const HgTokeninfo *method, guint status, HgLogin *out)
{
    g_auto(HgTokenRefusal) refusal = {0};
    if (status == 400 || status == 401) {
        hg_token_refuse(&refusal, HG_TOKEN_INACTIVE,
                        "the server doesn't take it: HTTP status %u from %s", status,
                        hg_token_server_url(method->server));
        hg_token_login_deny(out, method->name, &refusal);
        return;
    }
    g_autofree char *why = g_strdup_printf("%s answered with HTTP status %u",
                                           hg_token_server_url(method->server), status);
    hg_token_login_unavailable(out, method->name, why);
}

static void check(void *self, const HgCredentials *credentials, HgLogin *out)
{
    HgTokeninfo *method = self;
    g_autoptr(HgHttpAnswer) answer = NULL;
    g_autoptr(GError) error = NULL;
    if (!hg_token_login_takes(method->login, credentials)) {
        hg_login_say(out, HG_VERDICT_NOT_MINE, "it isn't Bearer, and doesn't match token_pattern");
        return;
    }
    if (!ask(method, credentials->secret, &answer, &error))
        hg_token_login_unavailable(out, method->name, error->message);
    else if (answer->status == 200)
        judge(method, credentials, answer, out);
    else
        judge_status(method, answer->status, out);
}

const HgMethodTable *hg_tokeninfo_method(void)
{
    static const HgMethodTable table = {
        .name = "tokeninfo",
        .takes_bearer = TRUE,
        .check = check,
        .free = free_method,
    };
    return &table;
}
