/* A pool of endpoints, and the choice of one for a new session.
 *
 * The endpoints of a static pool never change; their counters do, from all threads. The choice is
 * least sessions: the endpoint with the fewest sessions that hasn't refused lately. An endpoint
 * that refused is set back for a moment that grows with every further refusal, and is still tried
 * when nothing else is left: it is the connection that decides. */
#pragma once

#include <glib.h>

typedef struct HgPool HgPool;
typedef struct HgEndpoint HgEndpoint;

/* An empty pool. The caller owns it. */
HgPool *hg_pool_new(const char *name);

/* Frees pool and endpoints; nobody may hold an endpoint any more. NULL is fine. */
void hg_pool_free(HgPool *pool);

/* Adds an endpoint, before the pool is shared between threads. `host` is a name, an address or the
 * path of a Unix socket; the texts are copied. */
void hg_pool_add(HgPool *pool, const char *host, const char *port);

/* The pool's name, and how many endpoints it has. Any thread. */
const char *hg_pool_name(const HgPool *pool);
guint hg_pool_size(const HgPool *pool);

/* The endpoints in the order of the configuration; borrowed. Any thread. */
HgEndpoint *hg_pool_endpoint(HgPool *pool, guint index);

/* Chooses an endpoint for a new session and counts the session in: give it back with
 * hg_endpoint_release(). `tried` has one bit per endpoint that failed for this session already (a
 * pool has at most 64, which the configuration sees to). `now` in ms of the
 * monotonic clock. NULL when all were tried. Any thread. */
HgEndpoint *hg_pool_choose(HgPool *pool, guint64 tried, guint64 now);

/* The bit of this endpoint in `tried`. */
guint64 hg_endpoint_bit(const HgEndpoint *endpoint);

/* Gives back what hg_pool_choose() counted. Any thread. */
void hg_endpoint_release(HgEndpoint *endpoint);

/* Tells how a connection went: after a failure the endpoint is set back, after a success it is as
 * good as any. TRUE when that changed its standing (worth a log line). Any thread. */
gboolean hg_endpoint_failed(HgEndpoint *endpoint, guint64 now);
gboolean hg_endpoint_succeeded(HgEndpoint *endpoint);

/* "host:port", host, port (borrowed); sessions counted in now. Any thread. */
const char *hg_endpoint_name(const HgEndpoint *endpoint);
const char *hg_endpoint_host(const HgEndpoint *endpoint);
const char *hg_endpoint_port(const HgEndpoint *endpoint);
guint hg_endpoint_sessions(const HgEndpoint *endpoint);
