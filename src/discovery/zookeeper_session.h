/* A session with ZooKeeper, over libzookeeper-mt, for one control thread.
 *
 * The library has threads of its own, which only note what came and wake the control; each call
 * here waits for its answer and gives up when the control is stopping or the session is lost. The
 * library finds another server of the ensemble by itself; a session that has expired is lost for
 * good, and its ephemeral nodes with it: free it and open another. Opening looks up names, which
 * may block. */
#pragma once

#include "base/slice.h"
#include "discovery/control.h"

typedef struct HgZookeeperSession HgZookeeperSession;

typedef struct {
    const char *hosts; /* "zk1:2181,zk2:2181", without a chroot */
    gint64 timeout_ms; /* after which the servers take hivegate for dead */
    const char *login; /* "user:password" of the scheme digest; NULL: none */
} HgZookeeperConfig;

typedef enum {
    HG_ZOOKEEPER_CONNECTING, /* the library tries one server after the other */
    HG_ZOOKEEPER_CONNECTED,
    HG_ZOOKEEPER_LOST, /* expired, or the login was refused */
} HgZookeeperState;

/* What became of a call. */
typedef enum {
    HG_ZOOKEEPER_DONE,
    HG_ZOOKEEPER_NO_NODE,  /* the path doesn't exist */
    HG_ZOOKEEPER_IS_THERE, /* the node that was to be created exists */
    HG_ZOOKEEPER_FAILED,   /* refused, or a limit */
    HG_ZOOKEEPER_AWAY, /* the connection went, or the control stops: it may have happened or not */
} HgZookeeperOutcome;

/* Opens a session; it isn't connected yet. */
gboolean hg_zookeeper_session_new(HgControl *control, const HgZookeeperConfig *config,
                                  HgZookeeperSession **out, GError **error);

/* Closes it, which removes its ephemeral nodes, and frees it. NULL does nothing. */
void hg_zookeeper_session_free(HgZookeeperSession *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgZookeeperSession, hg_zookeeper_session_free)

/* Its state, and, when LOST, why (a constant text). */
HgZookeeperState hg_zookeeper_session_state(HgZookeeperSession *session);
const char *hg_zookeeper_session_reason(HgZookeeperSession *session);

/* TRUE when a watch has fired or the state has changed since the last such call. */
gboolean hg_zookeeper_session_take_news(HgZookeeperSession *session);

/* Waits up to `ms` for news, which stay to be taken; returns at once when there are some: a call
 * may have used up their waking. FALSE once the control is stopping. */
gboolean hg_zookeeper_session_pause(HgZookeeperSession *session, gint64 ms);

/* The names of a node's children, NULL-terminated (g_strfreev), and a watch on them. */
HgZookeeperOutcome hg_zookeeper_children(HgZookeeperSession *session, const char *path, char ***out,
                                         GError **error);

/* A node's data (g_bytes_unref) and the transaction that made it (its czxid, of which there is one
 * in the life of an ensemble), and a watch on them. */
HgZookeeperOutcome hg_zookeeper_read(HgZookeeperSession *session, const char *path, GBytes **out,
                                     gint64 *made_by, GError **error);

/* Whether a node exists (DONE or NO_NODE), and a watch on that. */
HgZookeeperOutcome hg_zookeeper_exists(HgZookeeperSession *session, const char *path,
                                       GError **error);

/* Creates a node: ephemeral and sequential with `ephemeral` (then anybody may read it and, with a
 * login, only that may change it), else lasting and open. *created is its name (g_free). */
HgZookeeperOutcome hg_zookeeper_create(HgZookeeperSession *session, const char *path,
                                       const char *data, gboolean ephemeral, char **created,
                                       GError **error);

/* Checks "host:port,host:port". Pure. */
gboolean hg_zookeeper_check_hosts(const char *hosts, GError **error);

/* Makes "/a/b" of "a/b", "/a/b" or "/a/b/". NULL with an error when that is no path but the root.
 * Pure. */
char *hg_zookeeper_path(const char *text, GError **error);
