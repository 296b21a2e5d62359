/* Steering a running gateway: see actions.h. Owns nothing but the references that it holds during
 * an action. */
#include "admin/actions.h"

#include "admin/json.h"
#include "proxy/kill.h"
#include "proxy/recorder.h"

#include <string.h>

#define KILL_WITHIN 2000 /* ms that a worker may take */

/* An action under way. */
typedef struct {
    const HgAdminOptions *admin;
    const HgAdminRequest *request;
    json_t *body; /* an object */
    HgAdminAnswer *out;
} Action;

static void note(const Action *action, const char *what, const char *target)
{
    HgAuditEvent event;
    hg_log(action->admin->log, HG_LOG_INFO, "admin_action", hg_log_text("action", what),
           hg_log_text("target", target), hg_log_text("by", action->request->sender));
    hg_audit_event_init(&event, HG_AUDIT_ADMIN_ACTION);
    event.principal = hg_slice_from_string(action->request->sender);
    event.call = hg_slice_from_string(what);
    event.detail = hg_slice_from_string(target);
    hg_recorder_note(hg_gateway_options(action->admin->gateway)->recorder, &event);
}

/* A text of the body; NULL without. */
static const char *text_of(const Action *action, const char *key)
{
    return json_string_value(json_object_get(action->body, key));
}

static void answer_done(const Action *action, const char *what, const char *target, guint count)
{
    note(action, what, target);
    hg_admin_answer_json(action->out, 200,
                         json_pack("{s:s, s:o, s:i}", "done", what, "target",
                                   hg_admin_json_text(target), "count", (int)count));
}

/* ---- kill ---- */

/* TRUE when whoever asks may end it: an administrator, or who has opened it. */
static gboolean may_kill(const Action *action, const HgSession *session)
{
    const HgPrincipal *asks = action->request->principal;
    return asks == NULL || hg_principal_equal(hg_session_principal(session), asks);
}

static gboolean has_id(const HgHandle *handle, const char *id)
{
    char text[HG_HANDLE_TEXT_SIZE];
    hg_handle_text(handle, text);
    return g_ascii_strcasecmp(text, id) == 0;
}

static void answer_kill(const Action *action, const char *what, const char *id, HgKill kill)
{
    if (kill == HG_KILL_DONE)
        answer_done(action, what, id, 1);
    else if (kill == HG_KILL_TOO_LATE)
        hg_admin_answer_error(action->out, 409, "it has ended already");
    else
        hg_admin_answer_error(action->out, 503,
                              "a worker hasn't answered yet; it will end as soon as it does");
}

static void kill_session(const Action *action, const char *id)
{
    HgGateway *gateway = action->admin->gateway;
    g_autoptr(GPtrArray) sessions = hg_directory_sessions(hg_gateway_directory(gateway));
    for (guint i = 0; i < sessions->len; i++) {
        HgSession *session = g_ptr_array_index(sessions, i);
        if (!has_id(hg_session_handle(session), id) || !may_kill(action, session))
            continue;
        answer_kill(action, "kill session", id, hg_kill_session(gateway, session, KILL_WITHIN));
        return;
    }
    hg_admin_answer_error(action->out, 404,
                          "there is no session %s; hivegatectl sessions lists "
                          "them",
                          id);
}

static void kill_operation(const Action *action, const char *id)
{
    HgGateway *gateway = action->admin->gateway;
    g_autoptr(GPtrArray) operations = hg_directory_operations(hg_gateway_directory(gateway));
    for (guint i = 0; i < operations->len; i++) {
        HgOperation *operation = g_ptr_array_index(operations, i);
        if (!has_id(hg_operation_handle(operation), id) ||
            !may_kill(action, hg_operation_session(operation)))
            continue;
        answer_kill(action, "kill operation", id, hg_kill_operation(gateway, operation));
        return;
    }
    hg_admin_answer_error(action->out, 404,
                          "there is no operation %s; hivegatectl operations lists "
                          "them (one that waits has no id: kill its session)",
                          id);
}

/* All sessions that the user has opened, or that run as them. */
static void kill_user(const Action *action, const char *user)
{
    HgGateway *gateway = action->admin->gateway;
    g_autoptr(GPtrArray) sessions = hg_directory_sessions(hg_gateway_directory(gateway));
    guint count = 0;
    gboolean late = FALSE;
    const HgPrincipal *asks = action->request->principal;
    if (asks != NULL && strcmp(hg_principal_name(asks), user) != 0) {
        hg_admin_answer_error(action->out, 403, "%s may end the sessions of %s only",
                              hg_principal_name(asks), hg_principal_name(asks));
        return;
    }
    for (guint i = 0; i < sessions->len; i++) {
        HgSession *session = g_ptr_array_index(sessions, i);
        if (strcmp(hg_principal_name(hg_session_principal(session)), user) != 0 &&
            strcmp(hg_session_effective_user(session), user) != 0)
            continue;
        if (!may_kill(action, session))
            continue;
        HgKill kill = hg_kill_session(gateway, session, KILL_WITHIN);
        count += kill == HG_KILL_DONE;
        late = late || kill == HG_KILL_NO_ANSWER;
    }
    if (late)
        hg_admin_answer_error(action->out, 503,
                              "%u sessions have ended; a worker hasn't answered "
                              "yet, others will end as soon as it does",
                              count);
    else
        answer_done(action, "kill user", user, count);
}

static void act_kill(const Action *action)
{
    const char *session = text_of(action, "session");
    const char *operation = text_of(action, "operation");
    const char *user = text_of(action, "user");
    if ((session != NULL) + (operation != NULL) + (user != NULL) != 1)
        hg_admin_answer_error(action->out, 400, "expected one of session, operation and user");
    else if (session != NULL)
        kill_session(action, session);
    else if (operation != NULL)
        kill_operation(action, operation);
    else
        kill_user(action, user);
}

/* ---- endpoints and pools ---- */

/* Drains what has that name in the pool, and counts its sessions. */
static guint drain_in(HgPool *pool, const char *name, gboolean drained, guint *sessions)
{
    g_autoptr(GPtrArray) endpoints = hg_pool_endpoints(pool);
    guint found = 0;
    for (guint i = 0; i < endpoints->len; i++) {
        HgEndpoint *endpoint = g_ptr_array_index(endpoints, i);
        if (strcmp(hg_endpoint_name(endpoint), name) != 0)
            continue;
        hg_endpoint_drain(endpoint, drained);
        *sessions += hg_endpoint_sessions(endpoint);
        found++;
    }
    return found;
}

static void drain(const Action *action, gboolean drained)
{
    const char *name = text_of(action, "endpoint");
    guint found = 0;
    guint sessions = 0;
    if (name == NULL) {
        hg_admin_answer_error(action->out, 400, "expected endpoint");
        return;
    }
    for (guint i = 0; i < hg_gateway_pools(action->admin->gateway); i++)
        found += drain_in(hg_gateway_pool_at(action->admin->gateway, i), name, drained, &sessions);
    if (found > 0)
        answer_done(action, drained ? "drain endpoint" : "undrain endpoint", name, sessions);
    else
        hg_admin_answer_error(action->out, 404,
                              "there is no endpoint %s; hivegatectl endpoints lists them", name);
}

static void act_drain(const Action *action)
{
    drain(action, TRUE);
}

static void act_undrain(const Action *action)
{
    drain(action, FALSE);
}

static void set_paused(const Action *action, gboolean paused)
{
    const char *name = text_of(action, "pool");
    HgPool *pool = name != NULL ? hg_gateway_find_pool(action->admin->gateway, name) : NULL;
    if (name == NULL) {
        hg_admin_answer_error(action->out, 400, "expected pool");
    } else if (pool == NULL) {
        hg_admin_answer_error(action->out, 404, "there is no pool %s; hivegatectl pools lists them",
                              name);
    } else {
        hg_pool_pause(pool, paused);
        answer_done(action, paused ? "pause pool" : "resume pool", name, 0);
    }
}

static void act_pause(const Action *action)
{
    set_paused(action, TRUE);
}

static void act_resume(const Action *action)
{
    set_paused(action, FALSE);
}

/* ---- reload and unlock ---- */

static void act_reload(const Action *action)
{
    g_autoptr(GError) error = NULL;
    note(action, "reload", NULL);
    if (action->admin->reload(action->admin->app, &error))
        hg_admin_answer_json(action->out, 200, json_pack("{s:s}", "done", "reload"));
    else
        hg_admin_answer_error(action->out, 500, "%s", error->message);
}

static void act_unlock(const Action *action)
{
    HgAuthenticator *authenticator = hg_gateway_authenticator(action->admin->gateway);
    const char *user = text_of(action, "user");
    const char *text = text_of(action, "address");
    HgPeerAddress address;
    if (text != NULL && !hg_peer_address_parse(hg_slice_from_string(text), &address)) {
        hg_admin_answer_error(action->out, 400,
                              "%s is not an address; expected one such as "
                              "192.0.2.7 or 2001:db8::7",
                              text);
        return;
    }
    guint count = hg_authenticator_unlock(authenticator, user, text != NULL ? &address : NULL);
    g_autofree char *target =
        g_strdup_printf("%s%s%s", user != NULL ? user : "everybody", text != NULL ? " from " : "",
                        text != NULL ? text : "");
    answer_done(action, "auth unlock", target, count);
}

gboolean hg_admin_route_actions(const HgAdminOptions *admin, const HgAdminRequest *request,
                                HgAdminAnswer *out)
{
    static const struct {
        const char *path;
        void (*act)(const Action *action);
    } routes[] = {
        {"/v1/kill", act_kill},     {"/v1/drain", act_drain},   {"/v1/undrain", act_undrain},
        {"/v1/pause", act_pause},   {"/v1/resume", act_resume}, {"/v1/reload", act_reload},
        {"/v1/unlock", act_unlock},
    };
    gsize i = 0;
    while (i < G_N_ELEMENTS(routes) && strcmp(request->path, routes[i].path) != 0)
        i++;
    if (i == G_N_ELEMENTS(routes) || strcmp(request->method, "POST") != 0)
        return FALSE;
    json_error_t problem;
    json_t *body = json_loadb((const char *)request->body.data, request->body.size,
                              JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(body)) {
        hg_admin_answer_error(out, 400, "expected a JSON object%s%s", body == NULL ? ": " : "",
                              body == NULL ? problem.text : "");
    } else {
        Action action = {admin, request, body, out};
        routes[i].act(&action);
    }
    json_decref(body);
    return TRUE;
}
