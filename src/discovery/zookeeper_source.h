/* The source `zookeeper`: the servers that announce themselves in a namespace of HiveServer2's kind
 * (see zookeeper_node.h).
 *
 * A node that goes takes its endpoint along: ZooKeeper knows that the server has left or is silent.
 * While ZooKeeper itself is away, or the namespace is gone, the last set stays. A new session is
 * opened when the old one has expired. Stopping waits for the session to be closed, up to about
 * three seconds when the server hangs; a name of a server that can't be looked up may delay it by
 * the resolver's time. */
#pragma once

#include "discovery/source.h"
#include "discovery/zookeeper_session.h"

typedef struct {
    HgZookeeperConfig zookeeper;
    const char *namespace; /* "hiveserver2" */
    gint64 retry_first_ms; /* after the first failure; doubled by each further one */
    gint64 retry_most_ms;
} HgZookeeperSourceConfig;

/* Sets all but hosts, login and namespace to their defaults: sessions of 30 s, 500 ms to 10 s
 * between tries. */
void hg_zookeeper_source_config_init(HgZookeeperSourceConfig *config);

/* The source; `config` is copied. HG_ERROR_INVALID says which value won't do. */
gboolean hg_zookeeper_source_new(const HgZookeeperSourceConfig *config, HgSource **out,
                                 GError **error);
