/* Announcements in ZooKeeper: see zookeeper_announcement.h. All but the constructor and start and
 * stop runs on the control's thread. */
#include "discovery/zookeeper_announcement.h"

#include "base/secret.h"
#include "discovery/backoff.h"

#include <string.h>

#define IDLE_MS 60000

struct HgZookeeperAnnouncement {
    HgControl *control;
    HgControlTold told;
    void *told_data;
    char *hosts;
    char *login;
    char *path; /* of the namespace */
    char *node; /* whole path up to the number */
    char *data;
    gint64 timeout_ms;
    HgBackoff backoff;
    HgZookeeperSession *session;
    char *created; /* whole path of the node that was made in this session; NULL: none */
};

/* Makes the namespace, each part of it. */
static HgZookeeperOutcome make_namespace(HgZookeeperAnnouncement *self, GError **error)
{
    HgZookeeperOutcome outcome = HG_ZOOKEEPER_DONE;
    const char *at = self->path;
    do {
        at = strchr(at + 1, '/');
        g_autofree char *part =
            at != NULL ? g_strndup(self->path, (gsize)(at - self->path)) : g_strdup(self->path);
        g_autofree char *created = NULL;
        g_autoptr(GError) problem = NULL;
        outcome = hg_zookeeper_create(self->session, part, "", FALSE, &created, &problem);
        if (outcome == HG_ZOOKEEPER_IS_THERE)
            outcome = HG_ZOOKEEPER_DONE;
        else if (outcome != HG_ZOOKEEPER_DONE)
            g_propagate_error(error, g_steal_pointer(&problem));
    } while (outcome == HG_ZOOKEEPER_DONE && at != NULL);
    return outcome;
}

/* Makes the node, or looks whether it is still there. */
static HgZookeeperOutcome see_to_it(HgZookeeperAnnouncement *self, GError **error)
{
    HgZookeeperOutcome outcome = HG_ZOOKEEPER_DONE;
    if (self->created != NULL) {
        outcome = hg_zookeeper_exists(self->session, self->created, error);
        if (outcome == HG_ZOOKEEPER_NO_NODE)
            g_clear_pointer(&self->created, g_free);
        return outcome;
    }
    outcome =
        hg_zookeeper_create(self->session, self->node, self->data, TRUE, &self->created, error);
    if (outcome == HG_ZOOKEEPER_NO_NODE) {
        g_clear_error(error);
        outcome = make_namespace(self, error);
        if (outcome == HG_ZOOKEEPER_DONE)
            outcome = hg_zookeeper_create(self->session, self->node, self->data, TRUE,
                                          &self->created, error);
    }
    if (outcome == HG_ZOOKEEPER_DONE)
        outcome = hg_zookeeper_exists(self->session, self->created, error); /* for its watch */
    return outcome;
}

/* FALSE when the session has to go: a node may have been made that nobody knows the name of, and it
 * goes with the session. *wait_ms: how long to wait before the next look. */
static gboolean look(HgZookeeperAnnouncement *self, gboolean *due, gint64 *wait_ms)
{
    g_autoptr(GError) error = NULL;
    HgZookeeperOutcome outcome = see_to_it(self, &error);
    *due = outcome != HG_ZOOKEEPER_DONE;
    if (outcome == HG_ZOOKEEPER_DONE) {
        hg_backoff_reset(&self->backoff);
        hg_control_set_fresh(self->control, NULL);
        return TRUE;
    }
    if (hg_control_is_stopping(self->control))
        return FALSE;
    hg_control_set_stale(self->control, error->message);
    *wait_ms = hg_backoff_next(&self->backoff);
    return outcome != HG_ZOOKEEPER_AWAY || self->created != NULL;
}

/* Works with the session until it is lost, or it shall stop. */
static void serve(HgZookeeperAnnouncement *self)
{
    gint64 give_up_us = g_get_monotonic_time() + self->timeout_ms * 1000;
    gboolean due = TRUE, was_connected = FALSE;
    while (!hg_control_is_stopping(self->control)) {
        gint64 wait_ms = IDLE_MS;
        HgZookeeperState state = hg_zookeeper_session_state(self->session);
        due = hg_zookeeper_session_take_news(self->session) || due;
        if (state == HG_ZOOKEEPER_LOST) {
            hg_control_set_stale(self->control, hg_zookeeper_session_reason(self->session));
            return;
        }
        if (state == HG_ZOOKEEPER_CONNECTED && due) {
            was_connected = TRUE;
            if (!look(self, &due, &wait_ms))
                return;
        } else if (state == HG_ZOOKEEPER_CONNECTING) {
            gint64 left_ms = (give_up_us - g_get_monotonic_time()) / 1000;
            if (was_connected || left_ms <= 0)
                hg_control_set_stale(self->control, "no server of ZooKeeper can be reached");
            else
                wait_ms = left_ms + 1;
        }
        hg_zookeeper_session_pause(self->session, wait_ms);
    }
}

static void run(HgControl *control, void *data)
{
    HgZookeeperAnnouncement *self = data;
    HgZookeeperConfig config = {self->hosts, self->timeout_ms, self->login};
    while (!hg_control_is_stopping(control)) {
        g_autoptr(GError) error = NULL;
        if (hg_zookeeper_session_new(control, &config, &self->session, &error))
            serve(self);
        else
            hg_control_set_stale(control, error->message);
        g_clear_pointer(&self->session, hg_zookeeper_session_free);
        g_clear_pointer(&self->created, g_free);
        hg_control_pause(control, hg_backoff_next(&self->backoff));
    }
}

static void tell(void *data, const HgStanding *standing)
{
    HgZookeeperAnnouncement *self = data;
    if (self->told != NULL)
        self->told(self->told_data, standing);
}

void hg_zookeeper_announcement_config_init(HgZookeeperAnnouncementConfig *config)
{
    *config = (HgZookeeperAnnouncementConfig){
        .zookeeper = {.timeout_ms = 30000},
        .retry_first_ms = 500,
        .retry_most_ms = 10000,
    };
}

gboolean hg_zookeeper_announcement_new(const HgZookeeperAnnouncementConfig *config,
                                       HgZookeeperAnnouncement **out, GError **error)
{
    g_autofree char *path = hg_zookeeper_path(config->namespace, error);
    g_autoptr(HgControl) control = NULL;
    if (path == NULL || !hg_zookeeper_check_hosts(config->zookeeper.hosts, error) ||
        !hg_zookeeper_publication_check(&config->publication, error) ||
        !hg_control_new(&control, error))
        return FALSE;
    g_autofree char *node = hg_zookeeper_publication_node(&config->publication);
    HgZookeeperAnnouncement *self = g_new0(HgZookeeperAnnouncement, 1);
    self->control = g_steal_pointer(&control);
    self->hosts = g_strdup(config->zookeeper.hosts);
    self->login = g_strdup(config->zookeeper.login);
    self->timeout_ms = config->zookeeper.timeout_ms;
    self->node = g_strconcat(path, "/", node, NULL);
    self->data = hg_zookeeper_publication_data(&config->publication);
    self->path = g_steal_pointer(&path);
    self->backoff = (HgBackoff){config->retry_first_ms, config->retry_most_ms, 0};
    *out = self;
    return TRUE;
}

void hg_zookeeper_announcement_free(HgZookeeperAnnouncement *self)
{
    if (self == NULL)
        return;
    hg_control_stop(self->control);
    hg_control_free(self->control);
    g_free(self->hosts);
    hg_secret_free_string(self->login);
    g_free(self->path);
    g_free(self->node);
    g_free(self->data);
    g_free(self);
}

gboolean hg_zookeeper_announcement_start(HgZookeeperAnnouncement *self, HgControlTold told,
                                         void *data, GError **error)
{
    self->told = told;
    self->told_data = data;
    return hg_control_start(self->control, run, tell, self, error);
}

void hg_zookeeper_announcement_stop(HgZookeeperAnnouncement *self)
{
    hg_control_stop(self->control);
}

void hg_zookeeper_announcement_standing(HgZookeeperAnnouncement *self, HgStanding *out)
{
    hg_control_standing(self->control, out);
}
