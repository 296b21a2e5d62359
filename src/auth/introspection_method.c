/* The method `introspection`: see introspection_method.h. Owns the client's secret. */
#include "auth/introspection_method.h"

#include "auth/json.h"
#include "auth/token_answer.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"

#include <pthread.h>

struct HgIntrospection {
    char *name;
    char *issuer;
    HgClientAuth client_auth;
    char *client_id;
    char *secret_file;
    HgTokenServer *server;
    HgClaimsRules *rules;
    HgTokenLogin *login;
    pthread_mutex_t lock;
    HgSecret *secret; /* under the lock */
};

static void free_method(void *self)
{
    HgIntrospection *method = self;
    hg_token_server_free(method->server);
    hg_claims_rules_free(method->rules);
    hg_token_login_free(method->login);
    hg_secret_unref(method->secret);
    pthread_mutex_destroy(&method->lock);
    g_free(method->name);
    g_free(method->issuer);
    g_free(method->client_id);
    g_free(method->secret_file);
    g_free(method);
}

static gboolean reload(void *self, GError **error)
{
    HgIntrospection *method = self;
    HgSecret *secret = NULL;
    HgFileExposure exposure = HG_FILE_PRIVATE;
    if (!hg_secret_load_file(method->secret_file, &secret, &exposure, error))
        return FALSE;
    pthread_mutex_lock(&method->lock);
    HgSecret *old = method->secret;
    method->secret = secret;
    pthread_mutex_unlock(&method->lock);
    hg_secret_unref(old);
    return TRUE;
}

gboolean hg_introspection_new(const HgIntrospectionConfig *config, HgIntrospection **out,
                              GError **error)
{
    HgIntrospection *method = g_new0(HgIntrospection, 1);
    pthread_mutex_init(&method->lock, NULL);
    method->name = g_strdup(config->name);
    method->issuer = g_strdup(config->issuer);
    method->client_auth = config->client_auth;
    method->client_id = g_strdup(config->client_id);
    method->secret_file = g_strdup(config->client_secret_file);
    if (!hg_token_login_new(&config->login, &method->login, error) ||
        !hg_claims_rules_new(&config->claims, &method->rules, error) ||
        !hg_token_server_new(&config->server, &method->server, error) || !reload(method, error)) {
        free_method(method);
        return FALSE;
    }
    *out = method;
    return TRUE;
}

static HgSecret *current_secret(HgIntrospection *method)
{
    pthread_mutex_lock(&method->lock);
    HgSecret *secret = hg_secret_ref(method->secret);
    pthread_mutex_unlock(&method->lock);
    return secret;
}

/* A value as a form and RFC 6749 (2.3.1) want it. */
static char *escape(HgSlice value)
{
    return g_uri_escape_bytes(value.data, value.size, NULL);
}

/* Asks once, with that secret. */
static gboolean ask_with(HgIntrospection *method, const HgSecret *secret, HgSlice token,
                         HgHttpAnswer **out, GError **error)
{
    static const char *const headers[] = {"Accept: application/json", NULL};
    g_autofree char *escaped_token = escape(token);
    g_autofree char *id = escape(hg_slice_from_string(method->client_id));
    g_autofree char *password = escape(hg_secret_slice(secret));
    gboolean in_body = method->client_auth == HG_CLIENT_AUTH_POST;
    char *form = g_strconcat("token=", escaped_token, "&token_type_hint=access_token",
                             in_body ? "&client_id=" : NULL, id, "&client_secret=", password, NULL);
    HgHttpRequest request = {
        .headers = headers,
        .content_type = "application/x-www-form-urlencoded",
        .body = hg_slice_from_string(form),
        .user = in_body ? NULL : id,
        .password = in_body ? NULL : password,
    };
    gboolean ok = hg_token_server_ask(method->server, &request, out, error);
    hg_secret_free_string(form);
    explicit_bzero(password, strlen(password));
    explicit_bzero(escaped_token, strlen(escaped_token));
    return ok;
}

/* Asks; once more when our own secret is refused and the file holds another one now. */
static gboolean ask(HgIntrospection *method, HgSlice token, HgHttpAnswer **out, GError **error)
{
    g_autoptr(HgSecret) secret = current_secret(method);
    g_autoptr(HgHttpAnswer) answer = NULL;
    if (!ask_with(method, secret, token, &answer, error))
        return FALSE;
    if (answer->status == 401 && reload(method, NULL)) {
        g_autoptr(HgSecret) fresh = current_secret(method);
        if (!hg_slice_equal(hg_secret_slice(fresh), hg_secret_slice(secret))) {
            g_clear_pointer(&answer, hg_http_answer_free);
            if (!ask_with(method, fresh, token, &answer, error))
                return FALSE;
        }
    }
    if (answer->status != 200) {
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "%s answered with HTTP status %u%s",
                    hg_token_server_url(method->server), answer->status,
                    answer->status == 401 || answer->status == 403
                        ? ": it doesn't take client_id and client_secret_file"
                        : "");
        return FALSE;
    }
    *out = g_steal_pointer(&answer);
    return TRUE;
}

static gboolean check_answer(const void *self, const json_t *claims, gint64 *good_until,
                             HgTokenRefusal *refusal)
{
    const HgIntrospection *method = self;
    const json_t *active = json_object_get(claims, "active");
    const char *issuer = hg_json_string(claims, "iss");
    if (!json_is_boolean(active))
        return hg_token_refuse(refusal, HG_TOKEN_PAYLOAD,
                               "the server's answer has no boolean \"active\"");
    if (!json_is_true(active))
        return hg_token_refuse(refusal, HG_TOKEN_INACTIVE, "the server says that it isn't active");
    if (method->issuer != NULL && g_strcmp0(method->issuer, issuer) != 0) {
        g_autofree char *shown = hg_text_quote(hg_slice_from_string(issuer));
        return hg_token_refuse(refusal, HG_TOKEN_ISSUER, "it is of the issuer %s (\"iss\"), not %s",
                               shown, method->issuer);
    }
    return hg_claims_check_times(method->rules, claims, g_get_real_time() / G_USEC_PER_SEC, FALSE,
                                 good_until, refusal);
}

/* What the server said. */
static void judge(const HgIntrospection *method, const HgCredentials *credentials,
                  const HgHttpAnswer *answer, HgLogin *out)
{
    HgTokenAnswerRules rules = {.realm = method->name,
                                .login = method->login,
                                .rules = method->rules,
                                .check = check_answer,
                                .self = method};
    hg_token_answer_judge(&rules, credentials, answer->body, out);
}

static void check(void *self, const HgCredentials *credentials, HgLogin *out)
{
    HgIntrospection *method = self;
    g_autoptr(HgHttpAnswer) answer = NULL;
    g_autoptr(GError) error = NULL;
    if (!hg_token_login_takes(method->login, credentials)) {
        hg_login_say(out, HG_VERDICT_NOT_MINE, "it isn't Bearer, and doesn't match token_pattern");
        return;
    }
    if (ask(method, credentials->secret, &answer, &error))
        judge(method, credentials, answer, out);
    else
        hg_token_login_unavailable(out, method->name, error->message);
}

const HgMethodTable *hg_introspection_method(void)
{
    static const HgMethodTable table = {
        .name = "introspection",
        .takes_bearer = TRUE,
        .check = check,
        .reload = reload,
        .free = free_method,
    };
    return &table;
}
