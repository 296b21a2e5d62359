/* The source `zookeeper`: see zookeeper_source.h. All but the constructor runs on the source's
 * thread. */
#include "discovery/zookeeper_source.h"

#include "base/secret.h"
#include "discovery/backoff.h"
#include "discovery/source_private.h"
#include "discovery/zookeeper_node.h"

#include <string.h>

#define IDLE_MS 60000

typedef struct {
    char *hosts;
    char *login;
    char *path;
    gint64 timeout_ms;
    HgBackoff backoff;
    HgSource *source;
    HgZookeeperSession *session;
} Zookeeper;

/* Adds what one node says. AWAY ends the listing; anything else that is wrong leaves the node out.
 */
static HgZookeeperOutcome add_node(Zookeeper *self, const char *node, GPtrArray *infos,
                                   char **remark, GError **error)
{
    g_autofree char *path = g_strconcat(self->path, "/", node, NULL);
    g_autoptr(GBytes) data = NULL;
    gint64 made_by = 0;
    g_autoptr(GError) problem = NULL;
    g_auto(HgZookeeperServer) server = {0};
    HgZookeeperOutcome outcome = hg_zookeeper_read(self->session, path, &data, &made_by, &problem);
    if (outcome == HG_ZOOKEEPER_AWAY) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return outcome;
    }
    if (outcome == HG_ZOOKEEPER_NO_NODE) /* gone since it was listed */
        return HG_ZOOKEEPER_DONE;
    gsize size = 0;
    const void *bytes = data != NULL ? g_bytes_get_data(data, &size) : NULL;
    if (outcome != HG_ZOOKEEPER_DONE ||
        !hg_zookeeper_server_read(node, hg_slice(bytes, size), &server, &problem)) {
        g_free(*remark);
        *remark = g_strdup(problem->message);
        return HG_ZOOKEEPER_DONE;
    }
    g_autofree char *instance = g_strdup_printf("zookeeper:%" G_GINT64_MODIFIER "x", made_by);
    g_ptr_array_add(infos, hg_endpoint_info_new(server.host, server.port, instance));
    return HG_ZOOKEEPER_DONE;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static HgZookeeperOutcome list(Zookeeper *self, GPtrArray *infos, char **remark, GError **error)
{
    g_auto(GStrv) names = NULL;
    HgZookeeperOutcome outcome = hg_zookeeper_children(self->session, self->path, &names, error);
    if (outcome != HG_ZOOKEEPER_DONE)
        return outcome;
    /* of two nodes of one server, the one with the higher number is the newer */
    qsort(names, g_strv_length(names), sizeof *names, compare_names);
    for (gsize i = 0; outcome == HG_ZOOKEEPER_DONE && names[i] != NULL; i++)
        outcome = add_node(self, names[i], infos, remark, error);
    return outcome;
}

/* Reads the namespace and tells; FALSE when it has to be done again. */
static gboolean refresh(Zookeeper *self)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *remark = NULL;
    GPtrArray *infos = hg_endpoint_infos_new();
    if (list(self, infos, &remark, &error) == HG_ZOOKEEPER_DONE)
        return hg_source_publish_infos(self->source, infos, remark);
    g_ptr_array_unref(infos);
    if (!hg_control_is_stopping(hg_source_control(self->source)))
        hg_source_fail(self->source, error->message);
    return FALSE;
}

/* Works with the session until it is lost, or the source stops. */
static void serve(Zookeeper *self)
{
    HgControl *control = hg_source_control(self->source);
    gint64 give_up_us = g_get_monotonic_time() + self->timeout_ms * 1000;
    gboolean due = TRUE, was_connected = FALSE;
    while (!hg_control_is_stopping(control)) {
        gint64 wait_ms = IDLE_MS;
        HgZookeeperState state = hg_zookeeper_session_state(self->session);
        due = hg_zookeeper_session_take_news(self->session) || due;
        if (state == HG_ZOOKEEPER_LOST) {
            hg_source_fail(self->source, hg_zookeeper_session_reason(self->session));
            return;
        }
        if (state == HG_ZOOKEEPER_CONNECTED && due) {
            was_connected = TRUE;
            due = !refresh(self);
            if (due)
                wait_ms = hg_backoff_next(&self->backoff);
            else
                hg_backoff_reset(&self->backoff);
        } else if (state == HG_ZOOKEEPER_CONNECTING) {
            gint64 left_ms = (give_up_us - g_get_monotonic_time()) / 1000;
            if (was_connected || left_ms <= 0)
                hg_source_fail(self->source, "no server of ZooKeeper can be reached");
            else
                wait_ms = left_ms + 1;
        }
        hg_zookeeper_session_pause(self->session, wait_ms);
    }
}

static void run(HgSource *source, void *data)
{
    Zookeeper *self = data;
    HgControl *control = hg_source_control(source);
    HgZookeeperConfig config = {self->hosts, self->timeout_ms, self->login};
    self->source = source;
    while (!hg_control_is_stopping(control)) {
        g_autoptr(GError) error = NULL;
        if (hg_zookeeper_session_new(control, &config, &self->session, &error))
            serve(self);
        else
            hg_source_fail(source, error->message);
        g_clear_pointer(&self->session, hg_zookeeper_session_free);
        hg_control_pause(control, hg_backoff_next(&self->backoff));
    }
}

static void free_self(void *data)
{
    Zookeeper *self = data;
    g_free(self->hosts);
    hg_secret_free_string(self->login);
    g_free(self->path);
    g_free(self);
}

void hg_zookeeper_source_config_init(HgZookeeperSourceConfig *config)
{
    *config = (HgZookeeperSourceConfig){
        .zookeeper = {.timeout_ms = 30000},
        .retry_first_ms = 500,
        .retry_most_ms = 10000,
    };
}

gboolean hg_zookeeper_source_new(const HgZookeeperSourceConfig *config, HgSource **out,
                                 GError **error)
{
    static const HgSourceKind kind = {"zookeeper", run, free_self};
    g_autofree char *path = hg_zookeeper_path(config->namespace, error);
    if (path == NULL || !hg_zookeeper_check_hosts(config->zookeeper.hosts, error))
        return FALSE;
    Zookeeper *self = g_new0(Zookeeper, 1);
    self->hosts = g_strdup(config->zookeeper.hosts);
    self->login = g_strdup(config->zookeeper.login);
    self->path = g_steal_pointer(&path);
    self->timeout_ms = config->zookeeper.timeout_ms;
    self->backoff = (HgBackoff){config->retry_first_ms, config->retry_most_ms, 0};
    return hg_source_new(&kind, self, out, error);
}
