/* Views of a running gateway: see views.h. Owns nothing but the references that it holds while it
 * writes. */
#include "admin/views.h"

#include "admin/json.h"
#include "proxy/client.h"
#include "proxy/control.h"

#include <string.h>

#define WAIT_MOST 1000 /* ms for what workers are asked */

/* ---- sessions ---- */

static const char *state_name(HgSessionState state)
{
    switch (state) {
    case HG_SESSION_OPEN:
        return "open";
    case HG_SESSION_LOST:
        return "lost";
    case HG_SESSION_CLOSED:
        return "closed";
    }
    g_return_val_if_reached("");
}

static json_t *id_of(const HgHandle *handle)
{
    char text[HG_HANDLE_TEXT_SIZE];
    hg_handle_text(handle, text);
    return json_string(text);
}

static json_t *show_session(HgSession *session)
{
    const HgSessionOrigin *origin = hg_session_origin(session);
    const HgPrincipal *principal = hg_session_principal(session);
    char address[HG_PEER_ADDRESS_TEXT_MAX];
    g_autofree char *why = hg_session_lost_why(session);
    g_autoptr(GPtrArray) operations = hg_session_operations(session);
    hg_peer_address_print(&origin->address, address);
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:o, s:o, s:f, s:b, s:i, s:o}", "id",
        id_of(hg_session_handle(session)), "user", hg_admin_json_text(hg_principal_name(principal)),
        "realm", hg_admin_json_text(hg_principal_realm(principal)), "runs_as",
        hg_admin_json_text(hg_session_effective_user(session)), "endpoint",
        hg_endpoint_name(hg_session_endpoint(session)), "state",
        state_name(hg_session_state(session)), "listener", origin->listener, "client",
        hg_admin_json_text(address), "opened_at", hg_admin_json_time(origin->opened_at),
        "idle_seconds", (double)hg_session_idle_ms(session) / 1000, "busy",
        hg_session_is_busy(session), "operations", (int)operations->len, "why",
        hg_admin_json_text(why));
}

/* TRUE when whoever asks may see it: an administrator, or who has opened it. */
static gboolean is_visible(const HgSession *session, const HgPrincipal *asks)
{
    return asks == NULL || hg_principal_equal(hg_session_principal(session), asks);
}

static json_t *show_sessions(const HgAdminOptions *admin, const HgPrincipal *asks)
{
    g_autoptr(GPtrArray) sessions = hg_directory_sessions(hg_gateway_directory(admin->gateway));
    json_t *list = json_array();
    for (guint i = 0; i < sessions->len; i++)
        if (is_visible(g_ptr_array_index(sessions, i), asks))
            json_array_append_new(list, show_session(g_ptr_array_index(sessions, i)));
    return list;
}

/* ---- operations ---- */

static const char *operation_state_name(HgOperationState state)
{
    if (state == HG_OPERATION_RUNNING)
        return "running";
    return hg_metric_row(HG_METRIC_OPERATIONS_ENDED)
        ->labels[0]
        .values[state - HG_OPERATION_FINISHED];
}

static json_t *show_operation(json_t *take_id, HgSession *session, const char *state,
                              const char *statement, gint64 began_us)
{
    gint64 now = g_get_monotonic_time();
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:f, s:o, s:o}", "id", take_id, "session",
                     id_of(hg_session_handle(session)), "user",
                     hg_admin_json_text(hg_principal_name(hg_session_principal(session))),
                     "runs_as", hg_admin_json_text(hg_session_effective_user(session)), "endpoint",
                     hg_endpoint_name(hg_session_endpoint(session)), "state", state, "seconds",
                     (double)(now - began_us) / 1e6, "started_at",
                     hg_admin_json_time((g_get_real_time() - (now - began_us)) / G_USEC_PER_SEC),
                     "statement", hg_admin_json_text(statement));
}

static json_t *show_operations(const HgAdminOptions *admin, const HgPrincipal *asks)
{
    g_autoptr(GPtrArray) operations = hg_directory_operations(hg_gateway_directory(admin->gateway));
    g_autoptr(GArray) waits = hg_control_waits(admin->gateway, WAIT_MOST);
    json_t *list = json_array();
    for (guint i = 0; i < operations->len; i++) {
        HgOperation *operation = g_ptr_array_index(operations, i);
        if (!is_visible(hg_operation_session(operation), asks))
            continue;
        json_array_append_new(
            list,
            show_operation(id_of(hg_operation_handle(operation)), hg_operation_session(operation),
                           operation_state_name(hg_operation_state(operation)),
                           hg_operation_statement(operation), hg_operation_began_us(operation)));
    }
    for (guint i = 0; i < waits->len; i++) {
        const HgClientWait *wait = &g_array_index(waits, HgClientWait, i);
        if (is_visible(wait->session, asks))
            json_array_append_new(list, show_operation(json_null(), wait->session, "waiting",
                                                       wait->statement, wait->began_us));
    }
    return list;
}

/* ---- endpoints and pools ---- */

static json_t *show_endpoint(HgPool *pool, const HgEndpoint *endpoint)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:I, s:f, s:o}", "endpoint",
                     hg_endpoint_name(endpoint), "pool", hg_pool_name(pool), "state",
                     hg_endpoint_state_name(hg_endpoint_state(endpoint)), "sessions",
                     (int)hg_endpoint_sessions(endpoint), "operations",
                     (int)hg_endpoint_operations(endpoint), "failures",
                     (json_int_t)hg_endpoint_failures(endpoint), "latency_ms",
                     (double)hg_endpoint_latency_us(endpoint) / 1000, "instance",
                     hg_admin_json_text(hg_endpoint_instance(endpoint)));
}

static json_t *show_endpoints(const HgAdminOptions *admin, const HgPrincipal *asks)
{
    json_t *list = json_array();
    for (guint i = 0; i < hg_gateway_pools(admin->gateway); i++) {
        HgPool *pool = hg_gateway_pool_at(admin->gateway, i);
        g_autoptr(GPtrArray) endpoints = hg_pool_endpoints(pool);
        for (guint k = 0; k < endpoints->len; k++)
            json_array_append_new(list, show_endpoint(pool, g_ptr_array_index(endpoints, k)));
    }
    return list;
}

static json_t *show_pool(HgPool *pool)
{
    static const char *const standings[] = {"starting", "fresh", "stale"};
    const char *why = NULL;
    guint sessions = 0;
    gboolean ready = hg_pool_is_ready(pool, (guint64)g_get_monotonic_time() / 1000, &why);
    g_autoptr(GPtrArray) endpoints = hg_pool_endpoints(pool);
    g_auto(HgStanding) standing = {0};
    hg_pool_standing(pool, &standing);
    for (guint i = 0; i < endpoints->len; i++)
        sessions += hg_endpoint_sessions(g_ptr_array_index(endpoints, i));
    return json_pack("{s:s, s:i, s:i, s:b, s:b, s:o, s:s, s:s, s:o}", "pool", hg_pool_name(pool),
                     "endpoints", (int)hg_pool_size(pool), "sessions", (int)sessions, "paused",
                     hg_pool_is_paused(pool), "ready", ready, "why", hg_admin_json_text(why),
                     "source", hg_pool_source(pool), "source_state", standings[standing.kind],
                     "source_problem", hg_admin_json_text(standing.problem));
}

static json_t *show_pools(const HgAdminOptions *admin, const HgPrincipal *asks)
{
    json_t *list = json_array();
    for (guint i = 0; i < hg_gateway_pools(admin->gateway); i++)
        json_array_append_new(list, show_pool(hg_gateway_pool_at(admin->gateway, i)));
    return list;
}

/* ---- users and limits ---- */

typedef struct {
    guint sessions;
    guint operations;
    guint running;
} UserCounts;

static void count_session(GHashTable *users, HgSession *session)
{
    const char *name = hg_session_effective_user(session);
    UserCounts *counts = g_hash_table_lookup(users, name);
    g_autoptr(GPtrArray) operations = hg_session_operations(session);
    if (counts == NULL) {
        counts = g_new0(UserCounts, 1);
        g_hash_table_insert(users, g_strdup(name), counts);
    }
    counts->sessions++;
    counts->operations += operations->len;
    for (guint i = 0; i < operations->len; i++)
        counts->running += !hg_operation_has_ended(g_ptr_array_index(operations, i));
}

static json_t *show_users(const HgAdminOptions *admin, const HgPrincipal *asks)
{
    g_autoptr(GHashTable) users = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) sessions = hg_directory_sessions(hg_gateway_directory(admin->gateway));
    json_t *list = json_array();
    GHashTableIter iter;
    gpointer name;
    gpointer value;
    for (guint i = 0; i < sessions->len; i++)
        count_session(users, g_ptr_array_index(sessions, i));
    g_hash_table_iter_init(&iter, users);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
        const UserCounts *counts = value;
        json_array_append_new(
            list,
            json_pack("{s:o, s:i, s:i, s:i, s:i}", "user", hg_admin_json_text(name), "sessions",
                      (int)counts->sessions, "sessions_max",
                      (int)hg_gateway_options(admin->gateway)->sessions_per_user, "operations",
                      (int)counts->operations, "running", (int)counts->running));
    }
    return list;
}

static void add_limit(json_t *list, const char *name, gint64 used, gint64 most, const char *option)
{
    json_array_append_new(list,
                          json_pack("{s:s, s:I, s:I, s:s}", "limit", name, "used", (json_int_t)used,
                                    "most", (json_int_t)most, "option", option));
}

static json_t *show_limits(const HgAdminOptions *admin, const HgPrincipal *asks)
{
    HgGateway *gateway = admin->gateway;
    const HgProxyOptions *options = hg_gateway_options(gateway);
    json_t *list = json_array();
    add_limit(list, "connections", hg_control_connections(gateway), options->connections,
              "limits: connections");
    add_limit(list, "sessions", hg_quota_used(hg_gateway_quota(gateway)), options->sessions,
              "limits: sessions");
    add_limit(list, "memory", (gint64)hg_budget_used(hg_gateway_budget(gateway)),
              (gint64)options->memory, "limits: memory");
    add_limit(list, "jobs", hg_jobs_waiting(hg_gateway_jobs(gateway)), options->job_queue,
              "jobs: queue");
    return list;
}

/* ---- the whole ---- */

static gint64 sum_of(HgMetrics *metrics, HgMetric metric, guint series, guint step, guint count)
{
    gint64 sum = 0;
    for (guint i = 0; i < count; i++)
        sum += hg_metrics_read(metrics, metric, series + i * step);
    return sum;
}

static json_t *show_status(const HgAdminOptions *admin, const HgPrincipal *asks)
{
    HgMetrics *metrics = admin->metrics;
    g_autoptr(GString) why = g_string_new(NULL);
    gboolean ready = hg_control_is_ready(admin->gateway, why);
    HgDirectoryCounts counts;
    hg_directory_count(hg_gateway_directory(admin->gateway), &counts);
    guint methods = HG_CALL_METHOD_OTHER + 1;
    return json_pack(
        "{s:s, s:b, s:o, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I}", "version",
        admin->version, "ready", ready, "why",
        hg_admin_json_text(ready ? NULL : g_strchomp(why->str)), "connections",
        (int)hg_control_connections(admin->gateway), "sessions", (int)counts.sessions_open,
        "sessions_lost", (int)counts.sessions_lost, "running", (int)counts.operations_running,
        "ended", (int)counts.operations_ended, "calls",
        (json_int_t)sum_of(metrics, HG_METRIC_CALLS, 0, 1, methods * HG_CALL_OUTCOMES), "errors",
        (json_int_t)(sum_of(metrics, HG_METRIC_CALLS, HG_CALL_ERROR, HG_CALL_OUTCOMES, methods) +
                     sum_of(metrics, HG_METRIC_CALLS, HG_CALL_REFUSED, HG_CALL_OUTCOMES, methods) +
                     sum_of(metrics, HG_METRIC_CALLS, HG_CALL_UNAVAILABLE, HG_CALL_OUTCOMES,
                            methods)),
        "received", (json_int_t)hg_metrics_read(metrics, HG_METRIC_CLIENT_BYTES, HG_BYTES_RECEIVED),
        "sent", (json_int_t)hg_metrics_read(metrics, HG_METRIC_CLIENT_BYTES, HG_BYTES_SENT),
        "memory", (json_int_t)hg_budget_used(hg_gateway_budget(admin->gateway)));
}

gboolean hg_admin_route_views(const HgAdminOptions *admin, const HgAdminRequest *request,
                              HgAdminAnswer *out)
{
    static const struct {
        const char *path;
        json_t *(*show)(const HgAdminOptions *admin, const HgPrincipal *asks);
    } routes[] = {
        {"/v1/status", show_status},         {"/v1/sessions", show_sessions},
        {"/v1/operations", show_operations}, {"/v1/endpoints", show_endpoints},
        {"/v1/pools", show_pools},           {"/v1/users", show_users},
        {"/v1/limits", show_limits},
    };
    if (strcmp(request->method, "GET") != 0)
        return FALSE;
    if (strcmp(request->path, "/v1/config") == 0) {
        *out = (HgAdminAnswer){200, "application/json", admin->show_config(admin->app)};
        return TRUE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(routes); i++) {
        if (strcmp(request->path, routes[i].path) != 0)
            continue;
        hg_admin_answer_json(out, 200, routes[i].show(admin, request->principal));
        return TRUE;
    }
    return FALSE;
}
