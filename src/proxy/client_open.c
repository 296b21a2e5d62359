/* OpenSession: made fit for the backend once, then sent to one endpoint after the other until one
 * answers. The client hears of an endpoint that can't be reached only when none is left. What an
 * endpoint answers, an error too, goes back as it came, with hivegate's handle in place of its own.
 */
#include "proxy/client_audit.h"
#include "proxy/client_trace.h"

#include "auth/name.h"
#include "base/container.h"
#include "base/error.h"
#include "base/text.h"
#include "hs2/open.h"
#include "policy/setting.h"
#include "proxy/admission.h"
#include "proxy/client_route.h"
#include "proxy/orphan.h"
#include "proxy/resident.h"

typedef struct ClientLookUp ClientLookUp;

/* One OpenSession on its way. Owned by the client while it lasts. */
struct ClientOpening {
    HgClient *client;
    HgBuffer request; /* the edited OpenSession */
    gint32 seqid;
    HgDialect dialect; /* of the client */
    char *database;    /* with which the session begins; NULL: not known */
    char *traceparent; /* the variable; NULL: none */
    char *effective_user;
    char
        *asked_user; /* the same as the client names them, when the directory writes it otherwise */
    HgPrincipal *effective; /* what is known of them; NULL: nothing */
    HgPool *pool;           /* that it goes to */
    HgPool *fallback;       /* that is tried when that has no endpoint left; NULL: none */
    GPtrArray *tried;       /* endpoints that failed, referenced; NULL: none */
    HgEndpoint *endpoint;   /* counted by hg_pool_choose(); NULL between attempts */
    guint64 sent_at;        /* to that endpoint: hg_metrics_now() */
    HgBackend *backend;
    char *begins_in;       /* a database, read from its name there; NULL: the default */
    gboolean limited;      /* by policies, when it was asked for */
    gboolean zoned;        /* limited, and the client sets the time zone */
    gboolean counted;      /* by hg_admission_take(); the lease takes that over */
    HgPeerAddress address; /* that it was counted for */
    gboolean kept;         /* the connection came from the cache and may be stale */
    GString *problems;     /* what went wrong at each endpoint */
    guint64 began;         /* hg_metrics_now() */
    ClientLookUp *look_up; /* of another user; not ours, only to know it by */
    HgBuffer message; /* the OpenSession as it came, while that is looked up, or for a fallback */
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
        hg_admission_give(hg_worker_gateway(opening->client->worker), opening->effective_user,
                          &opening->address);
    hg_buffer_clear(&opening->request);
    hg_buffer_clear(&opening->message);
    g_string_free(opening->problems, TRUE);
    g_clear_pointer(&opening->tried, g_ptr_array_unref);
    g_free(opening->database);
    g_free(opening->traceparent);
    g_free(opening->effective_user);
    g_free(opening->asked_user);
    g_free(opening->begins_in);
    hg_principal_unref(opening->effective);
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
    hg_metrics_observe(client->metrics, HG_METRIC_OPEN_SECONDS, hg_client_outcome(sql_state),
                       hg_metrics_now() - opening->began);
    hg_client_trace_open(client, hg_metrics_now() - opening->began, opening->effective_user,
                         opening->traceparent, NULL, text);
    hg_log(hg_client_log(client), HG_LOG_WARN, "session_refused", HG_CLIENT_ADDRESS_FIELDS(client),
           hg_log_text("user", hg_principal_name(client->identity.principal)),
           hg_log_text("as", opening->effective_user), hg_log_text("why", text));
    hg_client_audit_session_refused(client, opening->effective_user, sql_state, text);
    hg_client_answer_error(client, hg_method_get(HG_METHOD_OPEN_SESSION), seqid, sql_state, text);
    hg_client_open_cancel(client);
    hg_client_done(client);
}

/* Sends the OpenSession on opening->backend, or fails when there is no memory for it. */
static void send_request(ClientOpening *opening)
{
    hg_timer_start(hg_worker_loop(opening->client->worker), &opening->timer,
                   hg_pool_options(opening->endpoint)->open_timeout);
    opening->sent_at = hg_metrics_now();
    if (!hg_backend_call(opening->backend, hg_method_get(HG_METHOD_OPEN_SESSION), opening->seqid,
                         hg_buffer_data(&opening->request), hg_buffer_size(&opening->request),
                         TRUE))
        fail(opening, "53200", HG_AT_CEILING "; try again.");
}

/* No endpoint is left: says what was wrong with each, or why there was none. */
static void fail_without_endpoint(ClientOpening *opening, guint64 now)
{
    const char *why = opening->problems->str;
    if (opening->problems->len == 0 && hg_pool_is_full(opening->pool)) {
        g_autofree char *full = g_strdup_printf(
            "hivegate: pool %s has as many sessions as it may (pools: sessions); try again.",
            hg_pool_name(opening->pool));
        fail(opening, "53300", full);
        return;
    }
    if (opening->problems->len == 0 && hg_pool_is_ready(opening->pool, now, &why))
        why = "none took sessions at that moment; try again";
    g_autofree char *text =
        g_strdup_printf("hivegate: no endpoint of pool %s could open the session: %s",
                        hg_pool_name(opening->pool), why);
    fail(opening, "08001", text);
}

static gboolean fall_back(ClientOpening *opening);

static void try_endpoint(ClientOpening *opening)
{
    HgWorker *worker = opening->client->worker;
    guint64 now = hg_loop_now(hg_worker_loop(worker));
    opening->endpoint = hg_pool_choose(opening->pool, opening->effective_user, opening->tried, now);
    if (opening->endpoint == NULL) {
        if (!fall_back(opening))
            fail_without_endpoint(opening, now);
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
        opening->backend =
            hg_backend_new(hg_worker_backend_context(worker), opening->endpoint,
                           hg_worker_login_name(opening->endpoint, opening->effective_user),
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
        if (opening->tried == NULL)
            opening->tried = g_ptr_array_new_with_free_func((GDestroyNotify)hg_endpoint_unref);
        g_ptr_array_add(opening->tried, hg_endpoint_ref(endpoint));
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
    hg_endpoint_note_latency(opening->endpoint, (hg_metrics_now() - opening->sent_at) / 1000,
                             hg_loop_now(hg_worker_loop(client->worker)));
    hg_reply_get_handle(piece->head, piece->bytes, &theirs);
    g_autoptr(HgSession) session =
        hg_session_new(client->identity.principal, opening->effective_user,
                       g_steal_pointer(&opening->endpoint), &theirs, keeps ? client->id : 0);
    hg_session_set_asked_user(session, opening->asked_user);
    hg_session_set_dialect(session, opening->dialect);
    if (hg_client_options(client)->policies != NULL)
        hg_session_set_policy(session,
                              hg_session_policy_new(opening->effective_user, opening->effective,
                                                    opening->limited, opening->begins_in));
    if (opening->zoned)
        hg_session_policy_note_zone(hg_session_policy(session));
    hg_session_set_origin(session,
                          &(HgSessionOrigin){.address = opening->address,
                                             .listener = client->listener->name,
                                             .opened_at = g_get_real_time() / G_USEC_PER_SEC});
    hg_session_set_database(session, opening->database != NULL ? opening->database : "default");
    hg_reply_set_handle(piece->head, piece->bytes, hg_session_handle(session));
    hg_client_audit_session(client, session);
    hg_client_trace_open(client, hg_metrics_now() - opening->began, opening->effective_user,
                         opening->traceparent, session, NULL);
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
    hg_log(hg_client_log(client), HG_LOG_INFO, "session_opened", HG_CLIENT_ADDRESS_FIELDS(client),
           hg_log_text("user", hg_principal_name(client->identity.principal)),
           hg_log_text("as", opening->effective_user),
           hg_log_text("endpoint", hg_endpoint_name(hg_session_endpoint(session))));
}

static HgFlow on_reply(void *owner, HgReplyPiece *piece)
{
    ClientOpening *opening = owner;
    HgClient *client = opening->client;
    hg_client_enter(client);
    const HgReplyHead *head = piece->head;
    gboolean opened = head->has_handle && !head->exception && head->status_code != HG_STATUS_ERROR;
    HgCallOutcome outcome = opened ? HG_CALL_SUCCESS : HG_CALL_ERROR;
    hg_client_count_call(client, hg_method_get(HG_METHOD_OPEN_SESSION), outcome);
    hg_metrics_observe(client->metrics, HG_METRIC_OPEN_SECONDS, outcome,
                       hg_metrics_now() - opening->began);
    if (hg_endpoint_succeeded(opening->endpoint))
        hg_log(hg_client_log(client), HG_LOG_INFO, "endpoint_recovered",
               hg_log_text("endpoint", hg_endpoint_name(opening->endpoint)));
    if (opened)
        adopt(opening, piece);
    else
        hg_client_trace_open(client, hg_metrics_now() - opening->began, opening->effective_user,
                             opening->traceparent, NULL, "the endpoint refused it");
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

static gboolean is_any(const char *const *names, const char *name)
{
    return names != NULL && g_strv_contains(names, name);
}

/* TRUE when an entry of defaults is about the session. Groups that nobody knows match none. */
static gboolean is_meant(const HgSessionDefaults *entry, const ClientOpening *opening)
{
    if (entry->users == NULL && entry->groups == NULL)
        return TRUE;
    if (is_any(entry->users, opening->effective_user))
        return TRUE;
    const char *const *groups =
        opening->effective != NULL ? hg_principal_groups(opening->effective) : NULL;
    for (gsize i = 0; groups != NULL && groups[i] != NULL; i++)
        if (is_any(entry->groups, groups[i]))
            return TRUE;
    return FALSE;
}

/* The variables that the operator has for the session: names and values in turns, borrowed, behind
 * which is NULL; a later entry goes before an earlier one. */
static GPtrArray *collect_defaults(const ClientOpening *opening)
{
    const HgProxyOptions *options = hg_client_options(opening->client);
    GPtrArray *defaults = g_ptr_array_new();
    for (const char *const *pin = hg_policy_pinned_settings(); opening->limited && *pin != NULL;
         pin++)
        g_ptr_array_add(defaults, (gpointer)*pin);
    for (guint i = options->n_defaults; i-- > 0;) {
        const char *const *set = options->defaults[i].set;
        if (!is_meant(&options->defaults[i], opening))
            continue;
        for (; set[0] != NULL; set += 2) {
            gboolean known = FALSE;
            for (guint k = 0; k < defaults->len && !known; k += 2)
                known = g_ascii_strcasecmp(g_ptr_array_index(defaults, k), set[0]) == 0;
            if (known)
                continue;
            g_ptr_array_add(defaults, (gpointer)set[0]);
            g_ptr_array_add(defaults, (gpointer)set[1]);
        }
    }
    g_ptr_array_add(defaults, NULL);
    return defaults;
}

typedef struct {
    const HgPolicySet *set;
    ClientOpening *opening;
} VariableJudge;

static gboolean limited_may_set(const void *data, const char *name)
{
    const VariableJudge *judge = data;
    judge->opening->zoned |= hg_policy_is_time_zone(name);
    return hg_policy_may_set(judge->set, name);
}

static gboolean others_may_set(const void *data G_GNUC_UNUSED, const char *name)
{
    return !hg_policy_is_quoting(name);
}

/* A session of somebody whom policies limit has the settings that these want. */
static void limit(ClientOpening *opening, HgPolicyVersion *version, HgVariableRules *variables,
                  VariableJudge *judge)
{
    opening->limited =
        hg_policy_version_limits(version, opening->effective_user, opening->effective);
    *judge = (VariableJudge){hg_policy_version_set(version), opening};
    variables->policy = judge;
    if (opening->limited)
        variables->policy_allows = limited_may_set;
    else if (!hg_policy_version_trusts(version, opening->effective_user, opening->effective))
        variables->policy_allows = others_may_set;
}

/* Where the session begins: what names mean depends on it. */
static gboolean find_database(ClientOpening *opening, GError **error)
{
    g_autofree char *value = NULL;
    HgSlice message =
        hg_slice(hg_buffer_data(&opening->request), hg_buffer_size(&opening->request));
    g_clear_pointer(&opening->begins_in, g_free); /* of the pool that this one steps in for */
    if (hg_open_read_database(message, &value) &&
        (value == NULL || hg_session_policy_read_database(value, &opening->begins_in)))
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "hivegate: the database that the session begins in (use:database) isn't a plain "
                "name; write it without quotes.");
    return FALSE;
}

/* What the session's backend is told: the user as themselves, or by a service account. */
static gboolean edit_request(ClientOpening *opening, const HgRequest *request, HgSlice message,
                             GError **error)
{
    HgClient *client = opening->client;
    const HgPoolOptions *pool = hg_pool_data(opening->pool);
    if (!check_login_name(pool, opening->effective_user, error))
        return FALSE;
    HgOpenPlan plan = {.effective_user = opening->effective_user,
                       .asked_user = opening->asked_user,
                       .login_name =
                           pool->login == HG_LOGIN_SERVICE ? pool->user : opening->effective_user,
                       .name_proxy_user = pool->login == HG_LOGIN_SERVICE,
                       .variables = {.allow = hg_client_options(client)->variables_allow,
                                     .deny = hg_client_options(client)->variables_deny}};
    HgPolicies *policies = hg_client_options(client)->policies;
    g_autoptr(HgPolicyVersion) version = policies != NULL ? hg_policies_current(policies) : NULL;
    VariableJudge judge;
    if (version != NULL)
        limit(opening, version, &plan.variables, &judge);
    g_autoptr(GPtrArray) defaults = collect_defaults(opening);
    if (defaults->len > 1)
        plan.variables.defaults = (const char *const *)defaults->pdata;
    return hg_open_rewrite(request, message, &plan, &opening->request, error) &&
           (version == NULL || find_database(opening, error));
}

/* Counts the session in; fails when there are too many. */
static gboolean count_in(ClientOpening *opening)
{
    HgClient *client = opening->client;
    g_autoptr(GError) error = NULL;
    opening->address = *hg_client_address(client);
    opening->counted = hg_admission_take(hg_worker_gateway(client->worker), opening->effective_user,
                                         &opening->address, &error);
    if (opening->counted)
        return TRUE;
    fail(opening, "53300", error->message); /* which frees it */
    return FALSE;
}

static void fail_with(ClientOpening *opening, const GError *error)
{
    fail(opening, g_error_matches(error, HG_ERROR, HG_ERROR_DENIED) ? "42501" : "HY000",
         error->message);
}

/* Finds the pool. For one that takes no sessions its fallback steps in at once; else the message is
 * kept, as the fallback may want another OpenSession made of it. */
static gboolean route(ClientOpening *opening, const HgRequest *request, HgSlice message,
                      GError **error)
{
    HgClient *client = opening->client;
    guint64 now = hg_loop_now(hg_worker_loop(client->worker));
    HgRouteQuery query = {.request = request,
                          .message = message,
                          .user = opening->effective_user,
                          .principal = opening->effective,
                          .listener = client->listener->name,
                          .databricks = opening->dialect.protocol != 0};
    if (!hg_client_route(hg_worker_gateway(client->worker), &query, &opening->pool,
                         &opening->fallback, error))
        return FALSE;
    if (opening->fallback == NULL)
        return TRUE;
    if (!hg_pool_is_ready(opening->pool, now, NULL))
        opening->pool = g_steal_pointer(&opening->fallback);
    else if (hg_buffer_size(&opening->message) == 0 &&
             !hg_buffer_append(&opening->message, message, G_MAXINT32))
        opening->fallback = NULL; /* at the memory ceiling: it is tried without one */
    return TRUE;
}

/* No endpoint of the pool is left: goes on with the fallback. FALSE when there is none. */
static gboolean fall_back(ClientOpening *opening)
{
    g_autoptr(GError) error = NULL;
    HgRequest request;
    HgSlice message =
        hg_slice(hg_buffer_data(&opening->message), hg_buffer_size(&opening->message));
    if (opening->fallback == NULL || hg_request_read(message, &request) != HG_REQUEST_OK)
        return FALSE;
    opening->pool = g_steal_pointer(&opening->fallback);
    g_clear_pointer(&opening->tried, g_ptr_array_unref);
    hg_buffer_clear(&opening->request);
    if (edit_request(opening, &request, message, &error))
        try_endpoint(opening);
    else
        fail_with(opening, error);
    return TRUE;
}

/* It is known whom the session runs as. */
static void begin(ClientOpening *opening, const HgRequest *request, HgSlice message)
{
    g_autoptr(GError) error = NULL;
    if (hg_recorder_refuses(hg_client_recorder(opening->client))) {
        fail(opening, "53100", HG_RECORDER_FULL_TEXT);
        return;
    }
    if (!route(opening, request, message, &error)) {
        fail_with(opening, error);
        return;
    }
    if (hg_pool_is_paused(opening->pool)) {
        g_autofree char *text =
            g_strdup_printf("hivegate: an administrator has paused pool %s: no session can be "
                            "opened at the moment; try again later.",
                            hg_pool_name(opening->pool));
        fail(opening, "57P03", text);
        return;
    }
    if (!count_in(opening))
        return;
    if (edit_request(opening, request, message, &error))
        try_endpoint(opening);
    else
        fail_with(opening, error);
}

/* ---- whom the session runs as ---- */

/* The user whom a principal wants to act as, looked up on a job thread. */
struct ClientLookUp {
    HgTask task; /* brings the outcome back to the worker */
    HgWorker *worker;
    guint64 client;         /* the client's id: it may be gone when the outcome comes */
    ClientOpening *opening; /* it may be over then: only to be compared */
    HgAuthenticator *authenticator;
    guint chain;
    char *name;
    HgPrincipal *found; /* the outcome; NULL: nobody knows the name, or it can't be told */
    GError *error;
};

static void free_look_up(ClientLookUp *look_up)
{
    g_free(look_up->name);
    hg_principal_unref(look_up->found);
    g_clear_error(&look_up->error);
    g_free(look_up);
}

static void refuse_other(ClientOpening *opening, const char *other, const char *why)
{
    g_autofree char *quoted = hg_text_quote(hg_slice_from_string(other));
    g_autofree char *text = g_strdup_printf(
        "hivegate: user %s may not run a session as %s: %s. Leave out " HG_VARIABLE_PROXY_USER
        " (or doAs).",
        hg_principal_name(opening->client->identity.principal), quoted, why);
    fail(opening, "42501", text);
}

/* TRUE when nobody can tell, or knows, who the name means. */
static gboolean is_unknown(const ClientLookUp *look_up)
{
    return look_up->found == NULL &&
           (look_up->error == NULL ||
            g_error_matches(look_up->error, HG_ERROR, HG_ERROR_NOT_FOUND));
}

static gboolean is_allowed(const ClientOpening *opening, const ClientLookUp *look_up)
{
    HgClient *client = opening->client;
    const HgImpersonation *rules = hg_client_options(client)->impersonation;
    const HgPrincipal *who = client->identity.principal;
    if (is_unknown(look_up))
        return hg_impersonation_check_unknown(rules, who, look_up->name);
    return look_up->found != NULL && hg_impersonation_check_known(rules, who, look_up->found);
}

static void refuse_looked_up(ClientOpening *opening, const ClientLookUp *look_up)
{
    HgClient *client = opening->client;
    if (look_up->error != NULL)
        hg_log(hg_client_log(client), HG_LOG_WARN, "look_up_failed",
               hg_log_text("user", look_up->name), hg_log_text("why", look_up->error->message));
    if (look_up->error == NULL)
        refuse_other(opening, look_up->name, "no impersonation rule allows it");
    else if (g_error_matches(look_up->error, HG_ERROR, HG_ERROR_DENIED) ||
             g_error_matches(look_up->error, HG_ERROR, HG_ERROR_INVALID))
        refuse_other(opening, look_up->name, "they can't log in themselves");
    else if (g_error_matches(look_up->error, HG_ERROR, HG_ERROR_NOT_FOUND))
        refuse_other(opening, look_up->name, "their groups can't be looked up");
    else
        refuse_other(opening, look_up->name, "they can't be looked up at the moment; try again");
}

/* As the directory has the name, however it was typed. `found` is NULL when nobody knows it. */
static void begin_as(ClientOpening *opening, const char *name, HgPrincipal *found,
                     const HgRequest *request, HgSlice message)
{
    opening->asked_user = g_strdup(name);
    g_free(opening->effective_user);
    opening->effective_user = g_strdup(found != NULL ? hg_principal_name(found) : name);
    hg_principal_unref(opening->effective);
    opening->effective = found != NULL ? hg_principal_ref(found) : NULL;
    begin(opening, request, message);
}

/* Goes on at once as somebody who is remembered. FALSE: they have to be looked up. */
static gboolean begin_known(ClientOpening *opening, const char *name, const HgRequest *request,
                            HgSlice message)
{
    HgClient *client = opening->client;
    g_autoptr(HgPrincipal) found = NULL;
    if (!hg_authenticator_try_look_up(hg_gateway_authenticator(hg_worker_gateway(client->worker)),
                                      client->listener->chain, name, &found))
        return FALSE;
    if (hg_impersonation_check_known(hg_client_options(client)->impersonation,
                                     client->identity.principal, found))
        begin_as(opening, name, found, request, message);
    else
        refuse_other(opening, name, "no impersonation rule allows it");
    return TRUE;
}

static void on_looked_up(HgTask *task)
{
    ClientLookUp *look_up = (ClientLookUp *)(void *)task;
    HgClient *client = hg_worker_find_client(look_up->worker, look_up->client);
    if (client != NULL && client->opening == look_up->opening && client->opening != NULL &&
        client->opening->look_up == look_up) {
        ClientOpening *opening = client->opening;
        HgRequest request;
        HgSlice message =
            hg_slice(hg_buffer_data(&opening->message), hg_buffer_size(&opening->message));
        hg_client_enter(client);
        opening->look_up = NULL;
        if (!is_allowed(opening, look_up))
            refuse_looked_up(opening, look_up);
        else if (hg_request_read(message, &request) == HG_REQUEST_OK)
            begin_as(opening, look_up->name, look_up->found, &request, message);
        else
            fail(opening, "HY000", "hivegate can't read this OpenSession any more.");
        hg_client_leave(client);
    }
    free_look_up(look_up);
}

static void run_look_up(void *data, gboolean cancelled)
{
    ClientLookUp *look_up = data;
    if (!cancelled) {
        look_up->found = hg_authenticator_look_up(look_up->authenticator, look_up->chain,
                                                  look_up->name, &look_up->error);
        look_up->task.run = on_looked_up;
        if (hg_loop_post(hg_worker_loop(look_up->worker), &look_up->task))
            return;
    }
    free_look_up(look_up);
}

/* Lets a job thread look the other up; the OpenSession waits. */
static void look_up(ClientOpening *opening, const char *other, HgSlice message)
{
    HgClient *client = opening->client;
    HgGateway *gateway = hg_worker_gateway(client->worker);
    if (!hg_buffer_append(&opening->message, message, G_MAXINT32)) {
        fail(opening, "53200", HG_AT_CEILING "; try again.");
        return;
    }
    ClientLookUp *job = g_new0(ClientLookUp, 1);
    job->worker = client->worker;
    job->client = client->id;
    job->opening = opening;
    job->authenticator = hg_gateway_authenticator(gateway);
    job->chain = client->listener->chain;
    job->name = g_strdup(other);
    opening->look_up = job;
    if (hg_jobs_submit(hg_gateway_jobs(gateway), run_look_up, job))
        return;
    free_look_up(job);
    fail(opening, "53300", "hivegate has too much to look up at the moment; try again.");
}

/* The user whom the client asks to act as, in OpenSession or in the URL; NULL: nobody else. g_free.
 * FALSE when that can't be followed. */
static gboolean read_other(HgClient *client, const HgRequest *request, HgSlice message, char **out,
                           GError **error)
{
    g_autofree char *variable = NULL;
    const char *url = hg_client_http_acts_as(client);
    if (!hg_open_find_proxy_user(request, message, &variable, error))
        return FALSE;
    if (url != NULL && variable != NULL && strcmp(url, variable) != 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_DENIED,
                    "hivegate: doAs and hive.server2.proxy.user name different users; name one.");
        return FALSE;
    }
    const char *other = url != NULL ? url : variable;
    if (other == NULL || strcmp(other, hg_principal_name(client->identity.principal)) == 0)
        return TRUE;
    if (!hg_user_name_check(hg_slice_from_string(other), error)) {
        g_prefix_error(error, "hivegate: " HG_VARIABLE_PROXY_USER
                              " (or doAs): nobody can act as such a user: ");
        return FALSE;
    }
    *out = g_strdup(other);
    return TRUE;
}

void hg_client_open(HgClient *client, const HgRequest *request, HgSlice message)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *other = NULL;
    g_auto(HgOpenWishes) wishes = {0};
    hg_client_set_state(client, CLIENT_OPENING);
    ClientOpening *opening = g_new0(ClientOpening, 1);
    client->opening = opening;
    opening->client = client;
    opening->began = hg_metrics_now();
    opening->seqid = request->head.seqid;
    opening->dialect = hg_dialect_find(request);
    if (hg_open_read_wishes(request, message, &wishes, NULL)) /* else routing says why not */
        opening->database = g_steal_pointer(&wishes.database);
    opening->traceparent = g_steal_pointer(&wishes.traceparent);
    opening->effective_user = g_strdup(hg_principal_name(client->identity.principal));
    opening->effective = hg_principal_ref(client->identity.principal);
    opening->problems = g_string_new(NULL);
    hg_buffer_init(&opening->request, hg_gateway_budget(hg_worker_gateway(client->worker)));
    hg_buffer_init(&opening->message, hg_gateway_budget(hg_worker_gateway(client->worker)));
    hg_timer_init(&opening->timer, on_timeout);
    if (!read_other(client, request, message, &other, &error)) {
        fail_with(opening, error);
        return;
    }
    if (other == NULL) {
        begin(opening, request, message);
        return;
    }
    switch (hg_impersonation_check(hg_client_options(client)->impersonation,
                                   client->identity.principal, other)) {
    case HG_IMPERSONATION_ALLOWED:
        g_free(opening->effective_user);
        opening->effective_user = g_steal_pointer(&other);
        g_clear_pointer(&opening->effective, hg_principal_unref);
        begin(opening, request, message);
        break;
    case HG_IMPERSONATION_LOOK_UP:
        if (!begin_known(opening, other, request, message))
            look_up(opening, other, message);
        break;
    case HG_IMPERSONATION_REFUSED:
        refuse_other(opening, other, "no impersonation rule allows it");
        break;
    }
}
