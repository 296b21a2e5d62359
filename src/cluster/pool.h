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

/* How an endpoint stands. */
typedef enum {
    HG_ENDPOINT_UNTRIED, /* nothing was asked of it yet */
    HG_ENDPOINT_UP,
    HG_ENDPOINT_DOWN,    /* it failed the last time */
    HG_ENDPOINT_DRAINED, /* kept out of the choice, whatever else */
} HgEndpointState;
HgEndpointState hg_endpoint_state(const HgEndpoint *endpoint);

/* "untried", "up", "down" or "drained". Static. */
const char *hg_endpoint_state_name(HgEndpointState state);

/* Failures that hg_endpoint_failed() was told of since the start. Any thread. */
guint64 hg_endpoint_failures(const HgEndpoint *endpoint);

/* Keeps new sessions away from an endpoint, or lets them come again; those there stay. TRUE when
 * that is a change. Any thread. */
gboolean hg_endpoint_drain(HgEndpoint *endpoint, gboolean drained);

/* Keeps new sessions out of the whole pool; whoever opens them asks. TRUE when that is a change.
 * Any thread. */
gboolean hg_pool_pause(HgPool *pool, gboolean paused);
gboolean hg_pool_is_paused(const HgPool *pool);

/* TRUE when a new session has somewhere to go: the pool isn't paused, and an endpoint is neither
 * drained nor set back. `now` in ms of the monotonic clock. *why says in words why not, static; it
 * may be NULL. Any thread. */
gboolean hg_pool_is_ready(const HgPool *pool, guint64 now, const char **why);

/* "host:port", host, port (borrowed); sessions counted in now. Any thread. */
const char *hg_endpoint_name(const HgEndpoint *endpoint);
const char *hg_endpoint_host(const HgEndpoint *endpoint);
const char *hg_endpoint_port(const HgEndpoint *endpoint);
guint hg_endpoint_sessions(const HgEndpoint *endpoint);
