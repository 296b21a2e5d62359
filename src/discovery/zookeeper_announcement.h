/* An announcement: hivegate's own node in a namespace of ZooKeeper, so that a client with
 * jdbc:hive2://zk:2181/;serviceDiscoveryMode=zooKeeper;zooKeeperNamespace=… finds it.
 *
 * The namespace is made when it isn't there. The node goes when the announcement is stopped, and by
 * itself when hivegate dies; it is made again when the session has expired or somebody removed it.
 * A control thread of its own does the work. */
#pragma once

#include "discovery/control.h"
#include "discovery/zookeeper_node.h"
#include "discovery/zookeeper_session.h"

typedef struct HgZookeeperAnnouncement HgZookeeperAnnouncement;

typedef struct {
    HgZookeeperConfig zookeeper;
    const char *namespace;
    HgZookeeperPublication publication;
    gint64 retry_first_ms; /* after the first failure; doubled by each further one */
    gint64 retry_most_ms;
} HgZookeeperAnnouncementConfig;

/* Sets all but the names to their defaults: sessions of 30 s, 500 ms to 10 s between tries. */
void hg_zookeeper_announcement_config_init(HgZookeeperAnnouncementConfig *config);

/* An announcement that wasn't made yet; `config` is copied. HG_ERROR_INVALID says which value won't
 * do. */
gboolean hg_zookeeper_announcement_new(const HgZookeeperAnnouncementConfig *config,
                                       HgZookeeperAnnouncement **out, GError **error);

/* Stops and frees it. NULL does nothing. */
void hg_zookeeper_announcement_free(HgZookeeperAnnouncement *announcement);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgZookeeperAnnouncement, hg_zookeeper_announcement_free)

/* Announces, from now on. `told` (or NULL) hears on the announcement's thread how it stands: fresh
 * while the node is there. Once only. */
gboolean hg_zookeeper_announcement_start(HgZookeeperAnnouncement *announcement, HgControlTold told,
                                         void *data, GError **error);

/* Withdraws the node and waits for that, as the source does. Any thread but its own. */
void hg_zookeeper_announcement_stop(HgZookeeperAnnouncement *announcement);

/* How it stands; clear it with hg_standing_clear(). Any thread. */
void hg_zookeeper_announcement_standing(HgZookeeperAnnouncement *announcement, HgStanding *out);
