/* OpenSession: made fit for the backend once, then sent to one endpoint after the other until one
 * answers. The client hears of an endpoint that can't be reached only when none is left. What an
 * endpoint answers, an error too, goes back as it came, with hivegate's handle in place of its own.
 */
#include "proxy/client_private.h"

#include "base/container.h"
#include "base/error.h"
#include "base/text.h"
#include "hs2/open.h"
#include "proxy/orphan.h"
#include "proxy/resident.h"

/* One OpenSession on its way. Owned by the client while it lasts. */
struct ClientOpening {
    HgClient *client;
    HgBuffer request; /* the edited OpenSession */
    gint32 seqid;
    HgDialect dialect; /* of the client */
    char *effective_user;
    guint64 tried;        /* endpoints that failed: hg_endpoint_bit() */
    HgEndpoint *endpoint; /* counted by hg_pool_choose(); NULL between attempts */
    HgBackend *backend;
    gboolean counted;  /* in the quota; the lease takes that over */
    gboolean kept;     /* the connection came from the cache and may be stale */
    GString *problems; /* what went wrong at each endpoint */
    HgTimer timer;
};

static HgFlow on_reply(void *owner, HgReplyPiece *piece);
static void on_lost(void *owner, HgLoss loss, const char *detail);
static const HgBackendEvents opening_events = {on_reply, on_lost};

/* Lets go of a connection on which the endpoint may still open the session. It closes that with the
 * connection, but for one that isn't tied to it. */
static void let_go(ClientOpening *opening)
{
    HgBackend *backend = g_steal_pointer(&opening->backend);
    if (backend != NULL && hg_backend_is_asked(backend) && !hg_backend_holds_session(backend))
        hg_orphan_start(opening->client->worker, backend);
    else
        hg_backend_close(backend);
}

static void free_opening(ClientOpening *opening)
{
    hg_timer_stop(hg_worker_loop(opening->client->worker), &opening->timer);
    let_go(opening);
    if (opening->endpoint != NULL)
        hg_endpoint_release(opening->endpoint);
    if (opening->counted)
        hg_quota_give(hg_gateway_quota(hg_worker_gateway(opening->client->worker)),
                      opening->effective_user);
    hg_buffer_clear(&opening->request);
    g_string_free(opening->problems, TRUE);
    g_free(opening->effective_user);
    g_free(opening);
}

void hg_client_open_cancel(HgClient *client)
{
    if (client->opening == NULL)
        return;
    free_opening(client->opening);
    client->opening = NULL;
}

static void fail(ClientOpening *opening, const char *sql_state, const char *text)
{
    HgClient *client = opening->client;
    gint32 seqid = opening->seqid;
    hg_log(hg_client_log(client), HG_LOG_WARN, "session_refused",
           hg_log_text("client", client->identity.address),
           hg_log_text("user", opening->effective_user), hg_log_text("why", text));
    hg_client_answer_error(client, hg_method_get(HG_METHOD_OPEN_SESSION), seqid, sql_state, text);
    hg_client_open_cancel(client);
    hg_client_done(client);
}

/* Sends the OpenSession on opening->backend, or fails when there is no memory for it. */
static void send_request(ClientOpening *opening)
{
    const HgProxyOptions *options = hg_client_options(opening->client);
    hg_timer_start(hg_worker_loop(opening->client->worker), &opening->timer,
                   options->pool.open_timeout);
    if (!hg_backend_call(opening->backend, hg_method_get(HG_METHOD_OPEN_SESSION), opening->seqid,
                         hg_buffer_data(&opening->request), hg_buffer_size(&opening->request),
                         TRUE))
        fail(opening, "53200", HG_AT_CEILING "; try again.");
}

static void try_endpoint(ClientOpening *opening)
{
    HgWorker *worker = opening->client->worker;
    HgPool *pool = hg_gateway_pool(hg_worker_gateway(worker));
    opening->endpoint = hg_pool_choose(pool, opening->tried, hg_loop_now(hg_worker_loop(worker)));
    if (opening->endpoint == NULL) {
        g_autofree char *text =
            g_strdup_printf("hivegate: no endpoint of pool %s could open the session: %s",
                            hg_pool_name(pool), opening->problems->str);
        fail(opening, "08001", text);
        return;
    }
    opening->backend = hg_worker_take_backend(worker, opening->endpoint, opening->effective_user,
                                              &opening_events, opening, &opening->kept);
    send_request(opening);
}

static void on_lost(void *owner, HgLoss loss, const char *detail)
{
    ClientOpening *opening = owner;
    HgClient *client = opening->client;
    HgWorker *worker = client->worker;
    hg_client_enter(client);
    hg_backend_close(opening->backend);
    opening->backend = NULL;
    if (opening->kept && loss != HG_LOSS_TIMEOUT) {
        /* gone stale while it was kept: that says nothing about the endpoint */
        opening->kept = FALSE;
        opening->backend = hg_backend_new(hg_worker_backend_context(worker), opening->endpoint,
                                          hg_worker_login_name(worker, opening->effective_user),
                                          &opening_events, opening);
        send_request(opening);
    } else {
        HgEndpoint *endpoint = opening->endpoint;
        if (hg_endpoint_failed(endpoint, hg_loop_now(hg_worker_loop(worker))))
            hg_log(hg_client_log(client), HG_LOG_WARN, "endpoint_failed",
                   hg_log_text("endpoint", hg_endpoint_name(endpoint)), hg_log_text("why", detail));
        g_string_append_printf(opening->problems, "%s%s: %s",
                               opening->problems->len > 0 ? "; " : "", hg_endpoint_name(endpoint),
                               detail);
        opening->tried |= hg_endpoint_bit(endpoint);
        hg_endpoint_release(endpoint);
        opening->endpoint = NULL;
        try_endpoint(opening);
    }
    hg_client_leave(client);
}

static void on_timeout(HgTimer *timer)
{
    ClientOpening *opening = HG_CONTAINER_OF(timer, ClientOpening, timer);
    let_go(opening);
    on_lost(opening, HG_LOSS_TIMEOUT, "the endpoint didn't answer OpenSession in time");
}

/* The endpoint has opened a session: it becomes one of ours. */
static void adopt(ClientOpening *opening, HgReplyPiece *piece)
{
    HgClient *client = opening->client;
    gboolean keeps = client->transport->keeps_sessions;
    HgHandle theirs;
    hg_reply_get_handle(piece->head, piece->bytes, &theirs);
    g_autoptr(HgSession) session =
        hg_session_new(client->identity.principal, opening->effective_user,
                       g_steal_pointer(&opening->endpoint), &theirs, keeps ? client->id : 0);
    hg_session_set_dialect(session, opening->dialect);
    hg_reply_set_handle(piece->head, piece->bytes, hg_session_handle(session));
    if (keeps) {
        hg_client_add_home(client, session, g_steal_pointer(&opening->backend));
    } else {
        hg_session_set_worker(session, client->worker);
        hg_residents_add(hg_worker_residents(client->worker), session,
                         g_steal_pointer(&opening->backend));
    }
    hg_directory_add_session(hg_gateway_directory(hg_worker_gateway(client->worker)), session);
    opening->counted = FALSE;
    hg_client_speak(session, hg_method_get(HG_METHOD_OPEN_SESSION), piece);
    hg_log(hg_client_log(client), HG_LOG_INFO, "session_opened",
           hg_log_text("client", client->identity.address),
           hg_log_text("user", hg_principal_name(client->identity.principal)),
           hg_log_text("endpoint", hg_endpoint_name(hg_session_endpoint(session))));
}

static HgFlow on_reply(void *owner, HgReplyPiece *piece)
{
    ClientOpening *opening = owner;
    HgClient *client = opening->client;
    hg_client_enter(client);
    const HgReplyHead *head = piece->head;
    if (hg_endpoint_succeeded(opening->endpoint))
        hg_log(hg_client_log(client), HG_LOG_INFO, "endpoint_recovered",
               hg_log_text("endpoint", hg_endpoint_name(opening->endpoint)));
    if (head->has_handle && !head->exception && head->status_code != HG_STATUS_ERROR)
        adopt(opening, piece);
    hg_client_open_cancel(client);
    client->transport->write_piece(client, piece);
    hg_client_done(client);
    hg_client_leave(client);
    return HG_FLOW_GO;
}

/* Spark and Hive read the name of a SASL login byte by byte, not as UTF-8 (measured, 3.5.3 and
 * 4.0.1): any other name than an ASCII one would become somebody else's. */
static gboolean check_login_name(const HgPoolOptions *pool, const char *name, GError **error)
{
    if (pool->login == HG_LOGIN_SERVICE || (!pool->sasl && !pool->http) || g_str_is_ascii(name))
        return TRUE;
    g_autofree char *quoted = hg_text_quote(hg_slice_from_string(name));
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "hivegate: the user name %s holds characters beyond ASCII, which the endpoints "
                "can't read in a login; an operator can set the pool's login: service, or give "
                "you another name.",
                quoted);
    return FALSE;
}

/* What the session's backend is told: the user as themselves, or by a service account. */
static gboolean edit_request(ClientOpening *opening, const HgRequest *request, HgSlice message,
                             GError **error)
{
    HgClient *client = opening->client;
    const HgPoolOptions *pool = &hg_client_options(client)->pool;
    if (!check_login_name(pool, opening->effective_user, error))
        return FALSE;
    HgOpenPlan plan = {.principal = hg_principal_name(client->identity.principal),
                       .effective_user = opening->effective_user,
                       .login_name = hg_worker_login_name(client->worker, opening->effective_user),
                       .name_proxy_user = pool->login == HG_LOGIN_SERVICE};
    return hg_open_rewrite(request, message, &plan, &opening->request, error);
}

/* Counts the session in; fails when there are too many. */
static gboolean count_in(ClientOpening *opening)
{
    HgClient *client = opening->client;
    HgQuota *quota = hg_gateway_quota(hg_worker_gateway(client->worker));
    switch (hg_quota_take(quota, opening->effective_user)) {
    case HG_QUOTA_TAKEN:
        opening->counted = TRUE;
        return TRUE;
    case HG_QUOTA_USER_FULL:
        fail(opening, "53300",
             "hivegate: you have as many sessions open as one user may (limits: "
             "sessions_per_user); close some.");
        return FALSE;
    case HG_QUOTA_FULL:
        fail(opening, "53300",
             "hivegate has as many sessions as it may (limits: sessions); try again.");
        return FALSE;
    }
    g_return_val_if_reached(FALSE);
}

void hg_client_open(HgClient *client, const HgRequest *request, HgSlice message)
{
    hg_client_set_state(client, CLIENT_OPENING);
    ClientOpening *opening = g_new0(ClientOpening, 1);
    client->opening = opening;
    opening->client = client;
    opening->seqid = request->head.seqid;
    opening->dialect = hg_dialect_find(request);
    opening->effective_user = g_strdup(hg_principal_name(client->identity.principal));
    opening->problems = g_string_new(NULL);
    hg_buffer_init(&opening->request, hg_gateway_budget(hg_worker_gateway(client->worker)));
    hg_timer_init(&opening->timer, on_timeout);
    g_autoptr(GError) error = NULL;
    if (!count_in(opening))
        return;
    if (edit_request(opening, request, message, &error))
        try_endpoint(opening);
    else
        fail(opening, g_error_matches(error, HG_ERROR, HG_ERROR_DENIED) ? "42501" : "HY000",
             error->message);
}
