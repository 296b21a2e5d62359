/* Sessions with ZooKeeper: see zookeeper_session.h. Owns the handle. Callbacks come on the
 * library's completion thread; they work under the session's lock and wake the control. A call that
 * nobody waits for any more is freed by its callback, which zookeeper_close() makes for all that
 * are left. */
#include "discovery/zookeeper_session.h"

#include "base/address.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <zookeeper/zookeeper.h>

#define DATA_MAX         (64 * 1024)
#define CHILDREN_MAX     4096
#define POLL_MS          1000
#define RESOLVE_AFTER_MS 10000 /* names of servers are looked up at most this often */

/* A call that was made; shared by the waiting thread and the callback. */
typedef struct {
    HgZookeeperSession *session;
    gboolean done;      /* under the session's lock, as the next */
    gboolean abandoned; /* nobody waits: the callback frees it */
    int code;
    gboolean too_much; /* the answer is over a limit */
    char **names;
    GBytes *data;
    gint64 made_by; /* of the data's node */
    char *path;
} Call;

struct HgZookeeperSession {
    HgControl *control;
    zhandle_t *handle;
    gboolean has_login;
    pthread_mutex_t lock;
    HgZookeeperState state;
    const char *reason;
    gboolean news;
};

/* ---- callbacks ---- */

static void say_nothing(const char *message)
{
    /* what matters comes as a state or a code; the library would write to standard error */
}

/* A session's event, of any state. */
static void take_state(HgZookeeperSession *session, int state)
{
    session->news = TRUE;
    if (state == ZOO_CONNECTED_STATE) {
        session->state = HG_ZOOKEEPER_CONNECTED;
    } else if (state == ZOO_EXPIRED_SESSION_STATE) {
        session->state = HG_ZOOKEEPER_LOST;
        session->reason = "the session with ZooKeeper has expired";
    } else if (state == ZOO_AUTH_FAILED_STATE) {
        session->state = HG_ZOOKEEPER_LOST;
        session->reason = "ZooKeeper refuses the login";
    } else if (session->state != HG_ZOOKEEPER_LOST) {
        session->state = HG_ZOOKEEPER_CONNECTING;
    }
}

static void on_event(zhandle_t *handle, int type, int state, const char *path, void *data)
{
    HgZookeeperSession *session = data;
    pthread_mutex_lock(&session->lock);
    if (type == ZOO_SESSION_EVENT)
        take_state(session, state);
    else
        session->news = TRUE;
    pthread_mutex_unlock(&session->lock);
    hg_control_wake(session->control);
}

static void free_call(Call *call)
{
    g_strfreev(call->names);
    g_bytes_unref(call->data);
    g_free(call->path);
    g_free(call);
}

/* The end of every callback; the call may be gone afterwards. */
static void finish(Call *call, int code)
{
    HgZookeeperSession *session = call->session;
    pthread_mutex_lock(&session->lock);
    gboolean abandoned = call->abandoned;
    call->code = code;
    call->done = TRUE;
    pthread_mutex_unlock(&session->lock);
    if (abandoned)
        free_call(call);
    else
        hg_control_wake(session->control);
}

static void on_names(int code, const struct String_vector *names, const void *data)
{
    Call *call = (Call *)data;
    if (code == ZOK && names->count > CHILDREN_MAX) {
        call->too_much = TRUE;
    } else if (code == ZOK) {
        call->names = g_new0(char *, (gsize)names->count + 1);
        for (gint32 i = 0; i < names->count; i++)
            call->names[i] = g_strdup(names->data[i]);
    }
    finish(call, code);
}

static void on_data(int code, const char *value, int size, const struct Stat *stat,
                    const void *data)
{
    Call *call = (Call *)data;
    if (code == ZOK && size > DATA_MAX)
        call->too_much = TRUE;
    else if (code == ZOK)
        call->data = g_bytes_new(value, (gsize)MAX(size, 0));
    if (code == ZOK)
        call->made_by = stat->czxid;
    finish(call, code);
}

static void on_stat(int code, const struct Stat *stat, const void *data)
{
    finish((Call *)data, code);
}

static void on_path(int code, const char *path, const void *data)
{
    Call *call = (Call *)data;
    if (code == ZOK)
        call->path = g_strdup(path);
    finish(call, code);
}

static void on_login(int code, const void *data)
{
    /* a refusal comes as a state */
}

/* ---- the session ---- */

gboolean hg_zookeeper_session_new(HgControl *control, const HgZookeeperConfig *config,
                                  HgZookeeperSession **out, GError **error)
{
    HgZookeeperSession *session = g_new0(HgZookeeperSession, 1);
    session->control = control;
    session->has_login = config->login != NULL;
    pthread_mutex_init(&session->lock, NULL);
    session->handle =
        zookeeper_init2(config->hosts, on_event, (int)CLAMP(config->timeout_ms, 1, G_MAXINT), NULL,
                        session, 0, say_nothing);
    if (session->handle == NULL) {
        g_autofree char *shown = hg_text_quote(hg_slice_from_string(config->hosts));
        hg_error_set_errno(error, errno,
                           "no session with ZooKeeper at %s (can its names be looked "
                           "up?)",
                           shown);
        hg_zookeeper_session_free(session);
        return FALSE;
    }
    zoo_set_servers_resolution_delay(session->handle, RESOLVE_AFTER_MS);
    if (config->login != NULL)
        zoo_add_auth(session->handle, "digest", config->login, (int)strlen(config->login), on_login,
                     NULL);
    *out = session;
    return TRUE;
}

void hg_zookeeper_session_free(HgZookeeperSession *session)
{
    if (session == NULL)
        return;
    /* whatever it returns, the handle is gone */
    if (session->handle != NULL)
        (void)zookeeper_close(session->handle);
    pthread_mutex_destroy(&session->lock);
    g_free(session);
}

HgZookeeperState hg_zookeeper_session_state(HgZookeeperSession *session)
{
    pthread_mutex_lock(&session->lock);
    HgZookeeperState state = session->state;
    pthread_mutex_unlock(&session->lock);
    return state;
}

const char *hg_zookeeper_session_reason(HgZookeeperSession *session)
{
    pthread_mutex_lock(&session->lock);
    const char *reason = session->reason;
    pthread_mutex_unlock(&session->lock);
    return reason;
}

gboolean hg_zookeeper_session_take_news(HgZookeeperSession *session)
{
    pthread_mutex_lock(&session->lock);
    gboolean news = session->news;
    session->news = FALSE;
    pthread_mutex_unlock(&session->lock);
    return news;
}

gboolean hg_zookeeper_session_pause(HgZookeeperSession *session, gint64 ms)
{
    pthread_mutex_lock(&session->lock);
    gboolean news = session->news;
    pthread_mutex_unlock(&session->lock);
    return hg_control_pause(session->control, news ? 0 : ms);
}

/* ---- calls ---- */

static Call *make_call(HgZookeeperSession *session)
{
    Call *call = g_new0(Call, 1);
    call->session = session;
    return call;
}

/* Waits for the answer of a call that was made with this result. FALSE: it was abandoned. */
static gboolean wait_for(Call *call, int made)
{
    HgZookeeperSession *session = call->session;
    gboolean done = FALSE;
    if (made != ZOK) {
        call->code = made; /* there will be no callback */
        return TRUE;
    }
    for (;;) {
        gboolean go_on = !hg_control_is_stopping(session->control);
        pthread_mutex_lock(&session->lock);
        done = call->done;
        go_on = go_on && session->state != HG_ZOOKEEPER_LOST;
        if (!done && !go_on)
            call->abandoned = TRUE;
        pthread_mutex_unlock(&session->lock);
        if (done || !go_on)
            return done;
        hg_control_pause(session->control, POLL_MS);
    }
}

static HgZookeeperOutcome outcome_of(const Call *call)
{
    switch (call->code) {
    case ZOK:
        return call->too_much ? HG_ZOOKEEPER_FAILED : HG_ZOOKEEPER_DONE;
    case ZNONODE:
        return HG_ZOOKEEPER_NO_NODE;
    case ZNODEEXISTS:
        return HG_ZOOKEEPER_IS_THERE;
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
    case ZCLOSING:
    case ZSESSIONEXPIRED:
    case ZINVALIDSTATE:
        return HG_ZOOKEEPER_AWAY;
    default:
        return HG_ZOOKEEPER_FAILED;
    }
}

/* The outcome with its error. Whatever the call holds stays the caller's to take. */
static HgZookeeperOutcome judge(const Call *call, const char *path, GError **error)
{
    HgZookeeperOutcome outcome = outcome_of(call);
    if (call->too_much)
        g_set_error(error, HG_ERROR, HG_ERROR_LIMIT,
                    "%s in ZooKeeper has more than hivegate takes (%d nodes, %d bytes each)", path,
                    CHILDREN_MAX, DATA_MAX);
    else if (outcome == HG_ZOOKEEPER_NO_NODE)
        g_set_error(error, HG_ERROR, HG_ERROR_NOT_FOUND, "there is no %s in ZooKeeper", path);
    else if (outcome != HG_ZOOKEEPER_DONE)
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "ZooKeeper, asked about %s: %s", path,
                    zerror(call->code));
    return outcome;
}

static HgZookeeperOutcome set_away(GError **error)
{
    g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "ZooKeeper isn't waited for any more");
    return HG_ZOOKEEPER_AWAY;
}

HgZookeeperOutcome hg_zookeeper_children(HgZookeeperSession *session, const char *path, char ***out,
                                         GError **error)
{
    Call *call = make_call(session);
    if (!wait_for(call, zoo_aget_children(session->handle, path, 1, on_names, call)))
        return set_away(error);
    HgZookeeperOutcome outcome = judge(call, path, error);
    if (outcome == HG_ZOOKEEPER_DONE)
        *out = g_steal_pointer(&call->names);
    free_call(call);
    return outcome;
}

HgZookeeperOutcome hg_zookeeper_read(HgZookeeperSession *session, const char *path, GBytes **out,
                                     gint64 *made_by, GError **error)
{
    Call *call = make_call(session);
    if (!wait_for(call, zoo_aget(session->handle, path, 1, on_data, call)))
        return set_away(error);
    HgZookeeperOutcome outcome = judge(call, path, error);
    if (outcome == HG_ZOOKEEPER_DONE)
        *out = g_steal_pointer(&call->data);
    *made_by = call->made_by;
    free_call(call);
    return outcome;
}

HgZookeeperOutcome hg_zookeeper_exists(HgZookeeperSession *session, const char *path,
                                       GError **error)
{
    Call *call = make_call(session);
    if (!wait_for(call, zoo_aexists(session->handle, path, 1, on_stat, call)))
        return set_away(error);
    HgZookeeperOutcome outcome = judge(call, path, error);
    free_call(call);
    return outcome;
}

/* Who may do what with a node. */
static void set_acl(const HgZookeeperSession *session, gboolean ephemeral, struct ACL acl[2],
                    struct ACL_vector *out)
{
    *out = ZOO_OPEN_ACL_UNSAFE;
    if (!ephemeral || !session->has_login)
        return;
    acl[0] = ZOO_CREATOR_ALL_ACL.data[0];
    acl[1] = ZOO_READ_ACL_UNSAFE.data[0];
    *out = (struct ACL_vector){.count = 2, .data = acl};
}

HgZookeeperOutcome hg_zookeeper_create(HgZookeeperSession *session, const char *path,
                                       const char *data, gboolean ephemeral, char **created,
                                       GError **error)
{
    Call *call = make_call(session);
    struct ACL acl[2];
    struct ACL_vector acls;
    set_acl(session, ephemeral, acl, &acls);
    int made = zoo_acreate(session->handle, path, data, (int)strlen(data), &acls,
                           ephemeral ? ZOO_EPHEMERAL_SEQUENTIAL : ZOO_PERSISTENT, on_path, call);
    if (!wait_for(call, made))
        return set_away(error);
    HgZookeeperOutcome outcome = judge(call, path, error);
    if (outcome == HG_ZOOKEEPER_DONE)
        *created = g_steal_pointer(&call->path);
    free_call(call);
    return outcome;
}

/* ---- checks ---- */

gboolean hg_zookeeper_check_hosts(const char *hosts, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(hosts, ",", -1);
    gboolean ok = parts[0] != NULL;
    for (gsize i = 0; ok && parts[i] != NULL; i++) {
        g_autofree char *host = NULL;
        guint16 port = 0;
        ok = hg_address_split(parts[i], &host, &port, NULL) && strchr(host, '/') == NULL;
    }
    if (!ok) {
        g_autofree char *shown = hg_text_quote(hg_slice_from_string(hosts));
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s names no servers of ZooKeeper; expected host:port,host:port", shown);
    }
    return ok;
}

char *hg_zookeeper_path(const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", -1);
    GString *path = g_string_new(NULL);
    gboolean ok = g_utf8_validate(text, -1, NULL);
    for (gsize i = 0; parts[i] != NULL; i++) {
        gboolean at_edge = i == 0 || parts[i + 1] == NULL;
        ok = ok && (*parts[i] != '\0' || at_edge) && strcmp(parts[i], ".") != 0 &&
             strcmp(parts[i], "..") != 0;
        if (*parts[i] != '\0')
            g_string_append_printf(path, "/%s", parts[i]);
    }
    if (ok && path->len > 0)
        return g_string_free(path, FALSE);
    g_autofree char *shown = hg_text_quote(hg_slice_from_string(text));
    g_string_free(path, TRUE);
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "%s is no namespace of ZooKeeper; expected a path such as hiveserver2", shown);
    return NULL;
}
