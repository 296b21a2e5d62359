/* Logging in: the first bytes, SASL PLAIN, and credentials inside an OpenSession on a listener
 * without SASL. What can't be a login gets an answer in the language that its first byte speaks.
 * Checking a password runs on a job thread; a login that succeeded lately is known without it. */
#include "proxy/client_audit.h"
#include "proxy/client_trace.h"

#include "base/container.h"
#include "wire/sasl.h"

#include <errno.h>

#define TLS_HANDSHAKE 0x16 /* first byte of a TLS ClientHello (RFC 8446 5.1) */
#define THRIFT_STRICT 0x80 /* first byte of a strict Thrift message */

/* What a driver shows when Spark or Hive refuses a password (measured, 3.5.3). */
static const char refused_text[] = "Error validating the login";

void hg_client_send_sasl(HgClient *client, HgSaslStatus status, const char *text)
{
    HgBuffer frame;
    hg_buffer_init(&frame, NULL);
    if (hg_sasl_write_frame(&frame, status, hg_slice_from_string(text)))
        hg_client_write(client, hg_slice(hg_buffer_data(&frame), hg_buffer_size(&frame)));
    hg_buffer_clear(&frame);
}

static void refuse(HgClient *client, HgSaslStatus status, const char *text, const char *why)
{
    hg_log(hg_client_log(client), HG_LOG_INFO, "login_refused", HG_CLIENT_ADDRESS_FIELDS(client),
           hg_log_text("why", why));
    if (client->state == CLIENT_GREETING)
        hg_client_set_state(client, CLIENT_NEGOTIATING);
    hg_client_send_sasl(client, status, text);
    hg_client_linger(client);
}

void hg_client_login_timed_out(HgClient *client)
{
    hg_log(hg_client_log(client), HG_LOG_INFO, "login_timed_out", HG_CLIENT_ADDRESS_FIELDS(client));
    if (client->transport->has_sasl && client->state != CLIENT_GREETING) {
        hg_client_send_sasl(client, HG_SASL_ERROR, "The login took too long; hivegate gave it up.");
        hg_client_linger(client);
    } else {
        hg_client_end(client);
    }
}

void hg_client_count_handshake(HgClient *client, HgConnectOutcome outcome)
{
    if (client->tls_counted || client->listener->tls == NULL)
        return;
    client->tls_counted = TRUE;
    hg_metrics_add(client->metrics, HG_METRIC_TLS_HANDSHAKES, outcome, 1);
}

/* ---- the first byte ---- */

static void answer_http(HgClient *client)
{
    static const char binary[] =
        "This hivegate listener speaks HiveServer2's binary Thrift, not HTTP.\n"
        "Use a jdbc:hive2:// URL without transportMode=http for it.\n";
    static const char no_tls[] = "This hivegate listener needs TLS: use https, or ssl=true.\n";
    const char *body = client->without_tls ? no_tls : binary;
    g_autofree char *text =
        g_strdup_printf("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
                        "Connection: close\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s",
                        strlen(body), body);
    hg_log(hg_client_log(client), HG_LOG_INFO, "login_refused", HG_CLIENT_ADDRESS_FIELDS(client),
           hg_log_text("why", client->without_tls ? "no TLS on a listener that needs it"
                                                  : "an HTTP request on a binary listener"));
    hg_client_set_state(client, CLIENT_NEGOTIATING); /* writing may end the client */
    hg_client_write(client, hg_slice_from_string(text));
    hg_client_linger(client);
}

static void log_limited(HgClient *client, const char *event, const char *why)
{
    hg_log_limited(hg_client_log(client),
                   hg_gateway_request_limit(hg_worker_gateway(client->worker)), HG_LOG_INFO, event,
                   HG_CLIENT_ADDRESS_FIELDS(client), hg_log_text("why", why));
}

gboolean hg_client_read_without_tls(HgClient *client)
{
    client->without_tls = hg_stream_drop_tls(client->stream);
    /* a check of a balancer may end in a reset: no fault of TLS, and no line in the log */
    if (!client->without_tls && hg_stream_error(client->stream) == EPROTO)
        log_limited(client, "tls_failed", hg_stream_problem(client->stream));
    return client->without_tls;
}

/* Whoever speaks no TLS where it is needed. */
static void refuse_without_tls(HgClient *client, guint8 first)
{
    static const char text[] = "This hivegate listener needs TLS: connect with ssl=true.";
    static const char why[] = "no TLS on a listener that needs it";
    if (first >= HG_SASL_START && first <= HG_SASL_COMPLETE) {
        refuse(client, HG_SASL_ERROR, text, why);
        return;
    }
    log_limited(client, "login_refused", why);
    hg_client_end(client);
}

static gboolean looks_like_http(HgSlice bytes)
{
    static const char *const verbs[] = {"GET ", "POST ", "PUT ", "HEAD ", "OPTIONS ", "DELETE "};
    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++) {
        HgSlice verb = hg_slice_from_string(verbs[i]);
        if (bytes.size >= verb.size && memcmp(bytes.data, verb.data, verb.size) == 0)
            return TRUE;
    }
    return FALSE;
}

/* TRUE when the first bytes were no login at all and have been answered. */
static gboolean answer_stranger(HgClient *client, const ClientWindow *window)
{
    guint8 first = window->at[0];
    if (looks_like_http(hg_slice(window->at, window->size)) &&
        (client->http == NULL || client->without_tls)) {
        answer_http(client);
    } else if (client->without_tls) {
        refuse_without_tls(client, first);
    } else if (first == TLS_HANDSHAKE) {
        refuse(client, HG_SASL_ERROR,
               "This hivegate listener has no TLS: connect without ssl=true.",
               "a TLS handshake on a plain listener");
    } else if (client->transport->has_sasl && first == THRIFT_STRICT) {
        /* the number is Java's signed byte, as Spark words it */
        refuse(client, HG_SASL_ERROR,
               "Invalid status -128: this hivegate listener expects SASL; leave out auth=noSasl.",
               "Thrift without SASL on a SASL listener");
    } else if (client->http != NULL && first <= HG_SASL_COMPLETE) {
        refuse(client, HG_SASL_ERROR,
               "This hivegate listener speaks HTTP: connect with transportMode=http.",
               "binary Thrift on an HTTP listener");
    } else if (client->transport->logs_in_raw && first >= HG_SASL_START &&
               first <= HG_SASL_COMPLETE) {
        refuse(client, HG_SASL_ERROR,
               "This hivegate listener has no SASL: connect with auth=noSasl.",
               "SASL on a listener without it");
    } else {
        return FALSE;
    }
    return TRUE;
}

/* ---- checking credentials ---- */

typedef struct {
    HgTask task; /* brings the outcome back to the worker */
    HgWorker *worker;
    guint64 client; /* the client's id: it may be gone when the outcome comes */
    HgAuthenticator *authenticator;
    guint chain;
    gboolean bearer;
    char *name;
    char *secret;
    HgPeerAddress address;
    HgLogin login; /* the outcome */
    guint delay;   /* ms for which a refusal is kept back */
} Check;

static void free_check(Check *check)
{
    if (check->secret != NULL)
        explicit_bzero(check->secret, strlen(check->secret));
    g_free(check->secret);
    g_free(check->name);
    hg_login_clear(&check->login);
    g_free(check);
}

/* Answers the OpenSession that waits in client->message, whose credentials were refused. */
static void answer_waiting_open(HgClient *client, const char *text)
{
    HgRequest request;
    HgSlice bytes = hg_slice(hg_buffer_data(&client->message), hg_buffer_size(&client->message));
    gint32 seqid = hg_request_read(bytes, &request) == HG_REQUEST_OK ? request.head.seqid : 0;
    hg_client_answer_error(client, hg_method_get(HG_METHOD_OPEN_SESSION), seqid, "28000", text);
}

/* An OpenSession without SASL on a connection that belongs to somebody already. */
static void refuse_other(HgClient *client, const HgPrincipal *other)
{
    const char *name = hg_principal_name(client->identity.principal);
    hg_log(hg_client_log(client), HG_LOG_INFO, "login_refused", HG_CLIENT_ADDRESS_FIELDS(client),
           hg_log_text("user", hg_principal_name(other)),
           hg_log_text("why", "the connection belongs to another user"));
    hg_client_audit_login_refused(client, hg_principal_name(other),
                                  "the connection belongs to another user");
    g_autofree char *text = g_strdup_printf("hivegate: this connection is logged in as %s; open "
                                            "another connection for another user.",
                                            name);
    answer_waiting_open(client, text);
    hg_buffer_clear(&client->message);
    hg_client_done(client);
}

static void count_login(HgClient *client, HgLoginOutcome outcome)
{
    guint64 took = client->login_began != 0 ? hg_metrics_now() - client->login_began : 0;
    client->login_began = 0;
    hg_metrics_observe(client->metrics, HG_METRIC_LOGIN_SECONDS,
                       client->login_proof * HG_LOGIN_OUTCOMES + outcome, took);
}

void hg_client_login_accepted(HgClient *client, HgPrincipal *principal, gint64 good_until)
{
    HgPrincipal *before = client->identity.principal;
    gboolean other = before != NULL && !hg_principal_equal(before, principal);
    if (other && client->transport->keeps_sessions) {
        count_login(client, HG_OUTCOME_ACCEPTED);
        refuse_other(client, principal);
        return;
    }
    if (before == NULL || other) { /* over HTTP each request says who asks */
        hg_log(hg_client_log(client), HG_LOG_DEBUG, "login_accepted",
               HG_CLIENT_ADDRESS_FIELDS(client), hg_log_text("user", hg_principal_name(principal)));
        hg_client_audit_login(client, principal);
        hg_client_trace_login(client, hg_principal_name(principal), NULL);
    }
    count_login(client, HG_OUTCOME_ACCEPTED);
    client->identity.principal = hg_principal_ref(principal);
    client->identity.good_until = good_until;
    hg_principal_unref(before);
    client->transport->accepted(client);
}

void hg_client_sasl_accepted(HgClient *client)
{
    hg_client_send_sasl(client, HG_SASL_COMPLETE, "");
    hg_client_done(client);
}

/* The OpenSession that carried the credentials waits in client->message. */
void hg_client_raw_accepted(HgClient *client)
{
    HgBuffer message = client->message;
    hg_buffer_init(&client->message, message.budget);
    HgRequest request;
    HgSlice bytes = hg_slice(hg_buffer_data(&message), hg_buffer_size(&message));
    if (hg_request_read(bytes, &request) == HG_REQUEST_OK)
        hg_client_open(client, &request, bytes);
    hg_buffer_clear(&message);
}

/* `text` goes to the client, `why` to the log. */
void hg_client_login_refused(HgClient *client, const char *name, ClientRefusal refusal,
                             const char *text, const char *why)
{
    hg_client_trace_login(client, name, why);
    count_login(client, refusal == REFUSAL_WRONG ? HG_OUTCOME_DENIED : HG_OUTCOME_UNAVAILABLE);
    hg_log(hg_client_log(client), HG_LOG_INFO, "login_refused", HG_CLIENT_ADDRESS_FIELDS(client),
           hg_log_text("user", name), hg_log_text("why", why));
    hg_client_audit_login_refused(client, name, why);
    client->transport->refused(client, refusal, text);
}

void hg_client_sasl_refused(HgClient *client, ClientRefusal refusal, const char *text)
{
    hg_client_send_sasl(client, HG_SASL_BAD, text);
    hg_client_linger(client);
}

void hg_client_raw_refused(HgClient *client, ClientRefusal refusal, const char *text)
{
    answer_waiting_open(client, text);
    hg_client_linger(client);
}

/* The end of a login that a method has decided about, or none could. */
static void finish_login(HgClient *client, const char *name, const HgLogin *login)
{
    if (login->verdict == HG_VERDICT_ACCEPTED) {
        hg_client_login_accepted(client, login->principal, login->good_until);
    } else if (login->verdict == HG_VERDICT_DENIED) {
        hg_client_login_refused(client, name, REFUSAL_WRONG,
                                login->say != NULL ? login->say : refused_text, login->why);
    } else {
        hg_client_login_refused(client, name, REFUSAL_FAILURE,
                                login->say != NULL
                                    ? login->say
                                    : "hivegate can't check logins at the moment; try again.",
                                login->why);
    }
}

/* ---- refusals that are kept back ---- */

struct ClientLateRefusal {
    HgClient *client;
    char *name;
    HgLogin login;
    HgTimer timer;
};

void hg_client_login_cancel(HgClient *client)
{
    ClientLateRefusal *late = client->late_refusal;
    if (late == NULL)
        return;
    client->late_refusal = NULL;
    hg_timer_stop(hg_worker_loop(client->worker), &late->timer);
    hg_login_clear(&late->login);
    g_free(late->name);
    g_free(late);
}

static void on_late_refusal(HgTimer *timer)
{
    ClientLateRefusal *late = HG_CONTAINER_OF(timer, ClientLateRefusal, timer);
    HgClient *client = late->client;
    g_autofree char *name = g_steal_pointer(&late->name);
    g_auto(HgLogin) login = late->login;
    late->login = (HgLogin){0};
    hg_client_enter(client);
    hg_client_login_cancel(client);
    finish_login(client, name, &login);
    hg_client_leave(client);
}

/* Whoever guesses waits for each answer. */
static void refuse_later(HgClient *client, Check *check)
{
    ClientLateRefusal *late = g_new0(ClientLateRefusal, 1);
    late->client = client;
    late->name = g_steal_pointer(&check->name);
    late->login = check->login;
    check->login = (HgLogin){0};
    hg_timer_init(&late->timer, on_late_refusal);
    hg_timer_start(hg_worker_loop(client->worker), &late->timer, check->delay);
    client->late_refusal = late;
}

/* ---- the check itself ---- */

static void on_checked(HgTask *task)
{
    Check *check = (Check *)(void *)task;
    HgClient *client = hg_worker_find_client(check->worker, check->client);
    if (client != NULL && client->state == CLIENT_AUTHENTICATING) {
        hg_client_enter(client);
        if (check->delay > 0)
            refuse_later(client, check);
        else
            finish_login(client, check->name, &check->login);
        hg_client_leave(client);
    }
    free_check(check);
}

static void run_check(void *data, gboolean cancelled)
{
    Check *check = data;
    if (cancelled) {
        free_check(check);
        return;
    }
    HgAttempt attempt = {
        .chain = check->chain,
        .credentials = {.name = hg_slice_from_string(check->name),
                        .secret = hg_slice_from_string(check->secret),
                        .bearer = check->bearer},
        .address = check->address,
    };
    hg_authenticator_check(check->authenticator, &attempt, NULL, NULL, &check->login,
                           &check->delay);
    check->task.run = on_checked;
    if (!hg_loop_post(hg_worker_loop(check->worker), &check->task))
        free_check(check);
}

/* Lets a job thread find out. */
static void submit_check(HgClient *client, const HgAttempt *attempt)
{
    HgGateway *gateway = hg_worker_gateway(client->worker);
    Check *check = g_new0(Check, 1);
    check->worker = client->worker;
    check->client = client->id;
    check->authenticator = hg_gateway_authenticator(gateway);
    check->chain = attempt->chain;
    check->bearer = attempt->credentials.bearer;
    check->name = hg_slice_dup_string(attempt->credentials.name);
    check->secret = hg_slice_dup_string(attempt->credentials.secret);
    check->address = attempt->address;
    if (hg_jobs_submit(hg_gateway_jobs(gateway), run_check, check))
        return;
    hg_client_login_refused(client, check->name, REFUSAL_FAILURE,
                            "hivegate has too many logins to check at the moment; try again.",
                            "the queue of logins is full (jobs: queue)");
    free_check(check);
}

void hg_client_check(HgClient *client, const HgCredentials *credentials)
{
    HgAuthenticator *authenticator = hg_gateway_authenticator(hg_worker_gateway(client->worker));
    guint chain = client->listener->chain;
    g_autoptr(HgPrincipal) principal = NULL;
    g_auto(HgLogin) login = {0};
    HgAttempt attempt = {
        .chain = chain, .credentials = *credentials, .address = *hg_client_address(client)};
    hg_client_set_state(client, CLIENT_AUTHENTICATING);
    client->login_began = hg_metrics_now();
    client->login_proof = credentials->bearer ? HG_PROOF_TOKEN : HG_PROOF_PASSWORD;
    if (!credentials->bearer &&
        hg_authenticator_try_certificate(authenticator, chain, client->identity.certificate,
                                         credentials->name, &principal)) {
        client->login_proof = HG_PROOF_CERTIFICATE;
        hg_client_login_accepted(client, principal, 0);
    } else if (hg_authenticator_try(authenticator, &attempt, &login)) {
        /* a name that is refused at once may hold a NUL, behind which a job wouldn't look */
        g_autofree char *name = hg_slice_dup_string(credentials->name);
        finish_login(client, name, &login);
    } else {
        submit_check(client, &attempt);
    }
}

/* ---- SASL ---- */

static void take_sasl_frame(HgClient *client, const HgSaslFrame *frame)
{
    if (client->state == CLIENT_GREETING) {
        hg_client_set_state(client, CLIENT_NEGOTIATING);
        if (frame->status != HG_SASL_START) {
            refuse(client, HG_SASL_ERROR, "SASL must begin with START", "SASL without START");
        } else if (!hg_slice_equal_string(frame->payload, "PLAIN")) {
            g_autofree char *mechanism = g_utf8_make_valid(
                (const char *)frame->payload.data, (gssize)MIN(frame->payload.size, (gsize)100));
            g_autofree char *text = g_strconcat("Unsupported mechanism type ", mechanism, NULL);
            refuse(client, HG_SASL_BAD, text, text);
        }
        return;
    }
    HgSaslPlain plain;
    if (frame->status != HG_SASL_OK && frame->status != HG_SASL_COMPLETE) {
        refuse(client, HG_SASL_ERROR, "The SASL response must come as OK or COMPLETE",
               "SASL response under another status");
        return;
    }
    const char *wrong = hg_sasl_read_plain(frame->payload, &plain);
    if (wrong != NULL)
        refuse(client, HG_SASL_BAD, wrong, wrong);
    else
        hg_client_check(client, &(HgCredentials){.name = plain.authcid, .secret = plain.password});
}

gboolean hg_client_take_login(HgClient *client, ClientWindow *window)
{
    if (client->identity.certificate == NULL) /* the handshake is over when bytes have come */
        client->identity.certificate = hg_stream_tls_peer(client->stream);
    if (!client->without_tls)
        hg_client_count_handshake(client, HG_CONNECTED_DONE);
    if (client->state == CLIENT_GREETING && answer_stranger(client, window))
        return FALSE;
    if (!client->transport->has_sasl) {
        hg_client_set_state(client, CLIENT_READY);
        return TRUE;
    }
    HgSaslFrame frame;
    HgWireStatus status = hg_sasl_read_frame(hg_slice(window->at, window->size), &frame);
    if (status == HG_WIRE_SHORT)
        return FALSE;
    if (status == HG_WIRE_BAD) {
        g_autofree char *text = window->at[0] >= HG_SASL_START && window->at[0] <= HG_SASL_COMPLETE
                                    ? g_strdup("A SASL frame is longer than a login can be")
                                    : g_strdup_printf("Invalid status %d", (gint8)window->at[0]);
        refuse(client, HG_SASL_ERROR, text, text);
        return FALSE;
    }
    window->at += frame.size;
    window->size -= frame.size;
    take_sasl_frame(client, &frame);
    return TRUE;
}

void hg_client_login_raw(HgClient *client, const HgRequest *request, const guint8 *message)
{
    HgSlice name = hg_slice(message + request->username.offset, request->username.size);
    HgSlice password = hg_slice(message + request->password.offset, request->password.size);
    hg_buffer_clear(&client->message);
    if (!hg_buffer_append(&client->message, hg_slice(message, request->size), G_MAXINT32)) {
        hg_client_drop(client);
        return;
    }
    if (client->identity.certificate != NULL) { /* it may say who it is; no password counts then */
        if (name.size == 0)
            name = hg_slice_from_string(HG_AUTH_NO_USER);
    } else if (name.size == 0 || password.size == 0) {
        hg_client_set_state(client, CLIENT_AUTHENTICATING);
        hg_client_login_refused(client, "", REFUSAL_WRONG,
                                "Error validating the login: user and password are needed",
                                "no user or password in OpenSession");
        return;
    }
    hg_client_check(client, &(HgCredentials){.name = name, .secret = password});
}
