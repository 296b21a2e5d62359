/* Heads of HTTP requests: which are taken, and who sends them. Each request carries its
 * credentials, so the principal of the connection is that of its present request. */
#include "proxy/client_http.h"
#include "proxy/client_trace.h"

#include "wire/forwarded_for.h"

#define AGENT_MOST   (gsize)200    /* bytes of User-Agent that are kept */
#define DISCARD_MOST (1024 * 1024) /* most of a body of known length that is thrown away */

/* Where Databricks' clients look for the reason; bodies they don't show (databricks-jdbc 2.6.40,
 * databricks-sql-connector 4.9.0). */
#define ERROR_FIELD      "X-Thriftserver-Error-Message"
#define ERROR_FIELD_MOST 1024 /* bytes: heads have limits everywhere */

static const char basic_challenge[] = "WWW-Authenticate: Basic realm=\"hivegate\"\r\n";

void hg_client_http_refuse(HgClient *client, const char *status, const char *fields,
                           const char *text, gboolean keep)
{
    ClientHttp *http = client->http;
    /* a client that waits for leave to send its body may send it or not: that can't be followed */
    gboolean stay = keep && http->keep_alive && !http->expects_continue &&
                    !hg_worker_is_draining(client->worker) &&
                    (http->body == HG_HTTP_BODY_CHUNKED || http->left <= DISCARD_MOST);
    g_autofree char *line = hg_http_make_field_value(text, ERROR_FIELD_MOST);
    g_autofree char *answer = g_strdup_printf(
        "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\n" ERROR_FIELD ": %s\r\n%s"
        "Content-Length: %" G_GSIZE_FORMAT "\r\n%s\r\n%s\n",
        status, line, fields, strlen(text) + 1, stay ? "" : "Connection: close\r\n", text);
    http->stage = HTTP_DISCARD;
    client->in_request = TRUE;
    if (client->identity.principal != NULL) /* it is an answer: waiting begins anew */
        client->patience = PATIENCE_NONE;
    hg_client_write(client, hg_slice_from_string(answer));
    if (!stay)
        hg_client_linger(client);
}

/* ---- who ---- */

static void ask_for_login(HgClient *client, const char *text, const char *why)
{
    hg_client_log_refused(client, why);
    g_clear_pointer(&client->identity.principal, hg_principal_unref);
    hg_client_http_refuse(client, "401 Unauthorized", basic_challenge, text, TRUE);
}

void hg_client_http_refused(HgClient *client, ClientRefusal refusal, const char *text)
{
    g_clear_pointer(&client->identity.principal, hg_principal_unref);
    hg_client_set_state(client, CLIENT_READY);
    if (refusal == REFUSAL_WRONG)
        hg_client_http_refuse(client, "401 Unauthorized", basic_challenge, text, TRUE);
    else
        hg_client_http_refuse(client, "503 Service Unavailable", "Retry-After: 1\r\n", text, TRUE);
    hg_client_work(client);
}

void hg_client_http_accepted(HgClient *client)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *other = client->http->acts_as;
    client->http->known = TRUE;
    hg_client_set_state(client, CLIENT_READY);
    if (other != NULL && *other == '\0') {
        hg_client_log_refused(client, "a doAs that can't be understood");
        hg_client_http_refuse(client, "403 Forbidden", "",
                              "hivegate: doAs names nobody; expected the name of one user.", TRUE);
    } else {
        if (client->http->expects_continue)
            hg_client_write(client, hg_slice_from_string(go_on));
        client->http->expects_continue = FALSE;
    }
    hg_client_work(client); /* does nothing when it runs already */
}

/* Checks "user:password" in base64 (RFC 7617). */
static void check_basic(HgClient *client, HgSlice encoded)
{
    gsize size = 0;
    g_autofree char *text = hg_slice_dup_string(encoded);
    guchar *bytes = g_base64_decode(text, &size);
    guchar *colon = size > 0 ? memchr(bytes, ':', size) : NULL;
    gsize name_size = colon != NULL ? (gsize)(colon - bytes) : 0;
    if (colon == NULL || name_size == 0 || name_size + 1 == size)
        ask_for_login(client, "Authentication Error: user and password are needed",
                      "no user or password in the Authorization header");
    else
        hg_client_check(client,
                        &(HgCredentials){.name = hg_slice(bytes, name_size),
                                         .secret = hg_slice(colon + 1, size - name_size - 1)});
    explicit_bzero(bytes, size);
    explicit_bzero(text, encoded.size);
    g_free(bytes);
}

/* Logs in by the cookie that an earlier answer gave. FALSE when there is none that is good. */
static gboolean take_cookie(HgClient *client, HgSlice fields)
{
    HgHttpField field;
    HgAuthenticator *authenticator = hg_gateway_authenticator(hg_worker_gateway(client->worker));
    while (hg_http_next_field(&fields, &field)) {
        HgSlice value = {NULL, 0};
        g_autoptr(HgPrincipal) principal = NULL;
        if (!hg_http_same_name(field.name, "Cookie") ||
            hg_http_find_cookie(field.value, HG_COOKIE_NAME, &value) == 0 ||
            !hg_authenticator_try_cookie(authenticator, client->listener->chain, value, &principal))
            continue;
        client->http->has_cookie = TRUE;
        client->login_proof = HG_PROOF_COOKIE;
        hg_client_set_state(client, CLIENT_AUTHENTICATING);
        hg_client_login_accepted(client, principal, 0);
        return TRUE;
    }
    return FALSE;
}

/* The rest of the value when it begins with the scheme and a space; else one without data. */
static HgSlice behind_scheme(HgSlice value, const char *scheme)
{
    gsize size = strlen(scheme);
    if (value.size <= size || value.data[size] != ' ' ||
        g_ascii_strncasecmp((const char *)value.data, scheme, size) != 0)
        return hg_slice(NULL, 0);
    return hg_http_strip(hg_slice(value.data + size, value.size - size));
}

static void check_bearer(HgClient *client, HgSlice token)
{
    if (hg_authenticator_takes_bearer(hg_gateway_authenticator(hg_worker_gateway(client->worker)),
                                      client->listener->chain))
        hg_client_check(client, &(HgCredentials){.secret = token, .bearer = TRUE});
    else
        ask_for_login(client, "Authentication Error: hivegate takes no tokens here",
                      "a token, which no method of the chain takes");
}

/* Logs in by the connection's certificate: who shows one may send no credentials. FALSE when there
 * is none, or none that names a user. */
static gboolean take_certificate(HgClient *client)
{
    g_autoptr(HgPrincipal) principal = NULL;
    HgAuthenticator *authenticator = hg_gateway_authenticator(hg_worker_gateway(client->worker));
    if (!hg_authenticator_try_certificate(authenticator, client->listener->chain,
                                          client->identity.certificate,
                                          hg_slice_from_string(HG_AUTH_NO_USER), &principal))
        return FALSE;
    client->login_proof = HG_PROOF_CERTIFICATE;
    hg_client_set_state(client, CLIENT_AUTHENTICATING);
    hg_client_login_accepted(client, principal, 0);
    return TRUE;
}

static void check_login(HgClient *client, HgSlice fields)
{
    HgSlice value = {NULL, 0};
    guint count = hg_http_find_field(fields, "Authorization", &value);
    if (count > 1)
        ask_for_login(client, "Authentication Error: several Authorization headers",
                      "several Authorization headers");
    else if (count == 0 && (take_cookie(client, fields) || take_certificate(client)))
        ;
    else if (count == 0)
        ask_for_login(client,
                      "Authentication Error: Authorization header received from the client is "
                      "empty.",
                      "no Authorization header, and no cookie that is good");
    else if (behind_scheme(value, "Basic").data != NULL)
        check_basic(client, behind_scheme(value, "Basic"));
    else if (behind_scheme(value, "Bearer").data != NULL)
        check_bearer(client, behind_scheme(value, "Bearer"));
    else
        ask_for_login(client, "Authentication Error: hivegate takes Basic authentication here",
                      "an Authorization header that isn't Basic or Bearer");
}

/* ---- what ---- */

/* TRUE for the listener's path and whatever is below it, as Spark maps it (measured, 3.5.3). */
static gboolean is_served(const HgClient *client, HgSlice path)
{
    HgSlice own = hg_slice_from_string(client->listener->http_path);
    if (path.size < own.size + 1 || memcmp(path.data + 1, own.data, own.size) != 0)
        return FALSE;
    return path.size == own.size + 1 || path.data[own.size + 1] == '/' || own.size == 0;
}

/* Whom the request asks to act as (doAs=NAME): NULL without, "" when that can't be understood. The
 * login may be answered when the query is gone. Free with g_free. */
static char *read_acts_as(HgSlice query)
{
    HgSlice value = {NULL, 0};
    guint count = hg_http_find_parameter(query, "doAs", &value);
    if (count == 0)
        return NULL;
    gsize size = 0;
    g_autofree guint8 *name = g_malloc(value.size + 1);
    if (count > 1 || !hg_http_decode(value, HG_HTTP_PLUS_IS_SPACE, name, &size))
        return g_strdup("");
    return g_strndup((const char *)name, size);
}

static void note_request(ClientHttp *http, const HgHttpRequest *request)
{
    http->body = request->head.body;
    http->left = request->head.length;
    http->minor = request->head.minor;
    /* every answer here has a body, which none to HEAD may have: its end is the connection's */
    http->keep_alive = request->head.keep_alive && !hg_slice_equal_string(request->method, "HEAD");
    g_free(http->acts_as);
    http->acts_as = read_acts_as(request->query);
    http->expects_continue = request->expect_continue;
    http->chunks = (HgHttpChunks){0};
    http->has_cookie = FALSE;
    http->stage = HTTP_BODY;
}

/* Notes who the client of the request is, when a trusted proxy has sent it. FALSE, and the request
 * answered, when that can't be known: nobody is taken for somebody else. */
static gboolean note_forwarded(HgClient *client, HgSlice fields)
{
    HgNetworks trusted = client->listener->trusted_proxies;
    const char *why = NULL;
    if (!hg_networks_have(trusted, &client->identity.address) ||
        hg_forwarded_for_read(fields, trusted, &client->http->forwarded, &why) != HG_FORWARDED_BAD)
        return TRUE;
    hg_client_log_refused(client, why);
    hg_client_http_refuse(client, "400 Bad Request", "", why, TRUE);
    return FALSE;
}

/* Refuses what a page in a browser could have sent (http: xsrf_header), as Hive does before it
 * looks at the login. TRUE when it did. */
static gboolean refuse_without_xsrf_header(HgClient *client, HgSlice fields)
{
    HgSlice value;
    if (!client->listener->needs_xsrf_header ||
        hg_http_find_field(fields, "X-XSRF-HEADER", &value) > 0)
        return FALSE;
    hg_client_log_refused(client, "an HTTP request without X-XSRF-HEADER");
    hg_client_http_refuse(client, "400 Bad Request", "",
                          "The request has no X-XSRF-HEADER, which this listener requires: add "
                          "`X-XSRF-HEADER: true` (JDBC: http.header.X-XSRF-HEADER=true).",
                          TRUE);
    return TRUE;
}

/* Answers a request that no login could make right. TRUE when it did. */
static gboolean refuse_request(HgClient *client, const HgHttpRequest *request)
{
    const char *path = client->listener->http_path;
    if (!is_served(client, request->path)) {
        g_autofree char *text =
            g_strdup_printf("hivegate serves HiveServer2 at /%s: set httpPath=%s.", path, path);
        hg_client_log_refused(client, "an HTTP request for another path");
        hg_client_http_refuse(client, "404 Not Found", "", text, TRUE);
        return TRUE;
    }
    if (!hg_slice_equal_string(request->method, "POST")) {
        hg_client_log_refused(client, "an HTTP request that isn't POST");
        hg_client_http_refuse(client, "405 Method Not Allowed", "Allow: POST\r\n",
                              "hivegate takes Thrift messages by POST here.", TRUE);
        return TRUE;
    }
    if (refuse_without_xsrf_header(client, request->head.fields))
        return TRUE;
    if (client->http->body != HG_HTTP_BODY_CHUNKED && client->http->left == 0) {
        hg_client_log_refused(client, "an HTTP request without a body");
        hg_client_http_refuse(client, "400 Bad Request", "",
                              "The request has no body; expected a Thrift message.", TRUE);
        return TRUE;
    }
    if (client->http->body == HG_HTTP_BODY_LENGTH &&
        client->http->left > hg_client_options(client)->message_size) {
        hg_client_log_refused(client, "a request is larger than limits: message_size");
        hg_client_http_refuse(client, "413 Content Too Large", "",
                              "The request is larger than hivegate takes (limits: message_size).",
                              FALSE);
        return TRUE;
    }
    return FALSE;
}

/* For the record: what the client calls itself, once. */
static void note_agent(HgClient *client, HgSlice fields)
{
    HgSlice agent;
    if (hg_client_options(client)->recorder == NULL || client->http->agent != NULL ||
        hg_http_find_field(fields, "User-Agent", &agent) == 0)
        return;
    client->http->agent = hg_slice_dup_string(hg_slice(agent.data, MIN(agent.size, AGENT_MOST)));
}

void hg_client_http_take_head(HgClient *client, const HgHttpRequest *request)
{
    note_request(client->http, request);
    note_agent(client, request->head.fields);
    client->in_request = TRUE;
    hg_client_trace_head(client, request->head.fields);
    if (note_forwarded(client, request->head.fields) && !refuse_request(client, request))
        check_login(client, request->head.fields);
}
