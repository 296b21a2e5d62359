/* What HiveServer2 writes into ZooKeeper, and clients read there: the nodes of a namespace.
 *
 * A server's node is named serverUri=HOST:PORT;version=VERSION;sequence=NUMBER (ephemeral and
 * sequential). Its data are settings, hive.server2.thrift.bind.host=HOST;hive.server2.…=…, or, from
 * servers with hive.server2.zookeeper.publish.configs=false, old ones and Spark's, just HOST:PORT.
 * From Hive's HiveServer2.addServerInstanceToZooKeeper() and addConfsToPublish(), and from the JDBC
 * driver's ZooKeeperHiveClientHelper, which prefers the data. Pure; any thread. */
#pragma once

#include "base/slice.h"

/* A server as its node says. */
typedef struct {
    char *host;
    guint16 port;
} HgZookeeperServer;

/* Reads a node's name and data; clear *out with hg_zookeeper_server_clear(). HG_ERROR_INVALID when
 * neither tells a host and a port. */
gboolean hg_zookeeper_server_read(const char *node, HgSlice data, HgZookeeperServer *out,
                                  GError **error);

/* Frees its texts. */
void hg_zookeeper_server_clear(HgZookeeperServer *server);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HgZookeeperServer, hg_zookeeper_server_clear)

/* How clients reach hivegate. */
typedef struct {
    const char *host; /* a name or an address that clients can connect to */
    guint16 port;
    const char *version;        /* in the node's name only */
    const char *http_path;      /* NULL: the binary transport */
    const char *authentication; /* hive.server2.authentication: "NONE", "NOSASL", "LDAP" … */
    gboolean tls;
} HgZookeeperPublication;

/* HG_ERROR_INVALID when a text has a character that would break the node's name or data. */
gboolean hg_zookeeper_publication_check(const HgZookeeperPublication *publication, GError **error);

/* The node's name up to the sequence number, and its data. Free with g_free. */
char *hg_zookeeper_publication_node(const HgZookeeperPublication *publication);
char *hg_zookeeper_publication_data(const HgZookeeperPublication *publication);
