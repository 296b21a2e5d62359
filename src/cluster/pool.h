/* A pool of endpoints, and the choice of one for a new session.
 *
 * A pool either has endpoints that the configuration lists, or follows a source of discovery: then
 * they come and go. What can take a session is chosen by a policy (HgBalancing); an endpoint that
 * failed lately is ejected for a while, and still tried when nothing else is left: it is the
 * connection that decides. One mutex guards the choice: it costs about a microsecond, and sessions
 * are opened far less often than statements are run. */
#pragma once

#include "cluster/endpoint.h"
#include "discovery/source.h"

/* How an endpoint is chosen among those that can take a session. */
typedef enum {
    HG_BALANCING_LEAST_SESSIONS,   /* for its weight */
    HG_BALANCING_LEAST_OPERATIONS, /* running statements; among equals, sessions */
    HG_BALANCING_LATENCY,          /* of two at random, the one with less latency times sessions */
    HG_BALANCING_AFFINITY,         /* a user's sessions go to one, unless it has too many */
} HgBalancing;

typedef struct {
    HgBalancing balancing;
    guint ejected_most;   /* percent of the endpoints; one may always be ejected */
    guint slow_start;     /* ms during which a new endpoint takes few sessions; 0: none */
    guint sessions_most;  /* in the pool at once; 0: no limit */
    guint affinity_above; /* percent that an endpoint may have above the mean (AFFINITY) */
} HgPoolSettings;

/* Least sessions, 80 %, no slow start, 25 %. */
void hg_pool_settings_init(HgPoolSettings *settings);

/* An empty pool. The caller owns it. `settings` is copied; NULL: the defaults. */
HgPool *hg_pool_new(const char *name, const HgPoolSettings *settings);

/* Stops following, and frees pool and endpoints; nobody may hold an endpoint any more. NULL is
 * fine. */
void hg_pool_free(HgPool *pool);

/* Adds an endpoint, before the pool is shared between threads. `host` is a name, an address or the
 * path of a Unix socket; the texts are copied. */
void hg_pool_add(HgPool *pool, const char *host, const char *port, guint weight);

/* What following a source brought: on the source's thread. */
typedef struct {
    void (*changed)(void *data, HgPool *pool, guint added, guint gone);
    void (*standing)(void *data, HgPool *pool, const HgStanding *standing);
    void *data;
} HgPoolListener;

/* Has the pool take its endpoints from a source from now on, and starts it. The source is taken in
 * any case; the listener is copied. Once, and not beside hg_pool_add(). */
gboolean hg_pool_follow(HgPool *pool, HgSource *take_source, const HgPoolListener *listener,
                        GError **error);

/* Stops the source that the pool follows, if any; the endpoints stay. */
void hg_pool_unfollow(HgPool *pool);

/* Takes in a set: endpoints that it names again stay what they are, others are gone. *added and
 * *gone say how many are new and how many went. `now` in ms of the monotonic clock. Any thread. */
void hg_pool_set(HgPool *pool, const HgEndpointSet *set, guint64 now, guint *added, guint *gone);

/* The source's kind ("static" when there is none), and how it stands (fresh then); clear it with
 * hg_standing_clear(). Any thread. */
const char *hg_pool_source(const HgPool *pool);
void hg_pool_standing(HgPool *pool, HgStanding *out);

/* The pool's name. Any thread. */
const char *hg_pool_name(const HgPool *pool);

/* What its user keeps with it; borrowed. Set before the pool is shared. */
void hg_pool_set_data(HgPool *pool, const void *data);
const void *hg_pool_data(const HgPool *pool);

/* How many endpoints it has now. Any thread. */
guint hg_pool_size(HgPool *pool);

/* The endpoints, in the order of the configuration or of the set, and behind them those that are
 * gone but still have sessions. Referenced: g_ptr_array_unref(), which unrefs them. Any thread. */
GPtrArray *hg_pool_endpoints(HgPool *pool);

/* Those of them that are leaving (hg_endpoint_is_leaving()), in the same way. Any thread. */
GPtrArray *hg_pool_leaving(HgPool *pool);

/* Chooses an endpoint for a new session of `user` and counts the session in: give it back with
 * hg_endpoint_release(). `tried` has the endpoints that failed for this session already; NULL:
 * none. `now` in ms of the monotonic clock. NULL when none is left. Any thread. */
HgEndpoint *hg_pool_choose(HgPool *pool, const char *user, const GPtrArray *tried, guint64 now);

/* TRUE while the pool has as many sessions as it may: none is chosen then. Any thread. */
gboolean hg_pool_is_full(HgPool *pool);

/* Keeps new sessions out of the whole pool; whoever opens them asks. TRUE when that is a change.
 * Any thread. */
gboolean hg_pool_pause(HgPool *pool, gboolean paused);
gboolean hg_pool_is_paused(const HgPool *pool);

/* TRUE when a new session has somewhere to go: the pool isn't paused, and an endpoint takes
 * sessions and hasn't just failed. `now` in ms of the monotonic clock. *why says in words why not,
 * static; it may be NULL. Any thread. */
gboolean hg_pool_is_ready(HgPool *pool, guint64 now, const char **why);
