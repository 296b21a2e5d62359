/* Endpoints: see endpoint.h. Owns their texts; counters that the choice depends on change under the
 * pool's lock. */
#include "cluster/pool_private.h"

#include <string.h>

#define FIRST_SETBACK 500   /* ms */
#define MAX_SETBACK   10000 /* ms */

/* FNV-1a and a final mix, so that each bit of the text reaches all bits. */
static guint64 hash_text(guint64 hash, const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        hash = (hash ^ (guint8)*c) * 0x100000001b3u;
    hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53u;
    return hash ^ (hash >> 33);
}

HgEndpoint *hg_endpoint_new(HgPool *pool, const char *host, const char *port, const char *instance)
{
    HgEndpoint *endpoint = g_new0(HgEndpoint, 1);
    atomic_init(&endpoint->references, 1);
    endpoint->pool = pool;
    if (host[0] == '/')
        endpoint->name = g_strconcat("unix:", host, NULL);
    else
        endpoint->name =
            g_strdup_printf(strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
    endpoint->host = g_strdup(host);
    endpoint->port = g_strdup(port);
    endpoint->instance = g_strdup(instance);
    endpoint->hash = hash_text(0xcbf29ce484222325u, endpoint->name);
    endpoint->slot = NO_SLOT;
    endpoint->weight = 1;
    return endpoint;
}

HgEndpoint *hg_endpoint_ref(HgEndpoint *endpoint)
{
    atomic_fetch_add_explicit(&endpoint->references, 1, memory_order_relaxed);
    return endpoint;
}

void hg_endpoint_unref(HgEndpoint *endpoint)
{
    if (endpoint == NULL ||
        atomic_fetch_sub_explicit(&endpoint->references, 1, memory_order_acq_rel) != 1)
        return;
    g_free(endpoint->name);
    g_free(endpoint->host);
    g_free(endpoint->port);
    g_free(endpoint->instance);
    g_free(endpoint);
}

/* ---- counters ---- */

void hg_endpoint_release(HgEndpoint *endpoint)
{
    HgPool *pool = endpoint->pool;
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_sub_explicit(&endpoint->sessions, 1, memory_order_relaxed);
    pool->sessions--;
    hg_choice_update(pool, endpoint);
    pthread_mutex_unlock(&pool->lock);
    hg_endpoint_unref(endpoint);
}

/* Only one policy looks at the statements: the others don't pay for the lock. */
static void update_operations(HgEndpoint *endpoint)
{
    HgPool *pool = endpoint->pool;
    if (pool->settings.balancing != HG_BALANCING_LEAST_OPERATIONS)
        return;
    pthread_mutex_lock(&pool->lock);
    hg_choice_update(pool, endpoint);
    pthread_mutex_unlock(&pool->lock);
}

void hg_endpoint_operation_began(HgEndpoint *endpoint)
{
    atomic_fetch_add_explicit(&endpoint->operations, 1, memory_order_relaxed);
    update_operations(endpoint);
}

void hg_endpoint_operation_ended(HgEndpoint *endpoint)
{
    atomic_fetch_sub_explicit(&endpoint->operations, 1, memory_order_relaxed);
    update_operations(endpoint);
}

gboolean hg_endpoint_failed(HgEndpoint *endpoint, guint64 now)
{
    return hg_endpoint_failed_for(endpoint, now, 0);
}

gboolean hg_endpoint_failed_for(HgEndpoint *endpoint, guint64 now, guint64 ms)
{
    HgPool *pool = endpoint->pool;
    pthread_mutex_lock(&pool->lock);
    guint before = atomic_fetch_add_explicit(&endpoint->failures, 1, memory_order_relaxed);
    guint64 pause = MIN((guint64)FIRST_SETBACK << MIN(before, 16), (guint64)MAX_SETBACK);
    pause = MAX(pause, ms);
    atomic_fetch_add_explicit(&endpoint->failed, 1, memory_order_relaxed);
    atomic_store_explicit(&endpoint->tried, TRUE, memory_order_relaxed);
    atomic_store_explicit(&endpoint->set_back, now + pause, memory_order_relaxed);
    hg_choice_eject(pool, endpoint, now + pause, now);
    pthread_mutex_unlock(&pool->lock);
    return before == 0;
}

gboolean hg_endpoint_succeeded(HgEndpoint *endpoint)
{
    HgPool *pool = endpoint->pool;
    atomic_store_explicit(&endpoint->tried, TRUE, memory_order_relaxed);
    if (atomic_load_explicit(&endpoint->failures, memory_order_relaxed) == 0)
        return FALSE;
    pthread_mutex_lock(&pool->lock);
    gboolean changed = atomic_exchange_explicit(&endpoint->failures, 0, memory_order_relaxed) != 0;
    atomic_store_explicit(&endpoint->set_back, 0, memory_order_relaxed);
    hg_choice_restore(pool, endpoint);
    pthread_mutex_unlock(&pool->lock);
    return changed;
}

void hg_endpoint_note_latency(HgEndpoint *endpoint, guint64 us, guint64 now)
{
    HgPool *pool = endpoint->pool;
    pthread_mutex_lock(&pool->lock);
    guint64 before = atomic_load_explicit(&endpoint->latency, memory_order_relaxed);
    guint64 after = before == 0 ? us : (before * 7 + us * 3) / 10;
    atomic_store_explicit(&endpoint->latency, MAX(after, 1), memory_order_relaxed);
    endpoint->latency_at = now;
    pthread_mutex_unlock(&pool->lock);
}

gboolean hg_endpoint_drain(HgEndpoint *endpoint, gboolean drained)
{
    HgPool *pool = endpoint->pool;
    pthread_mutex_lock(&pool->lock);
    gboolean before = atomic_exchange_explicit(&endpoint->drained, drained, memory_order_relaxed);
    hg_choice_update(pool, endpoint);
    pthread_mutex_unlock(&pool->lock);
    return before != drained;
}

/* ---- what is asked of it ---- */

static Place place_of(const HgEndpoint *endpoint)
{
    return (Place)atomic_load_explicit(&endpoint->place, memory_order_relaxed);
}

HgEndpointState hg_endpoint_state(const HgEndpoint *endpoint)
{
    Place place = place_of(endpoint);
    if (place == PLACE_GONE || place == PLACE_REPLACED)
        return place == PLACE_GONE ? HG_ENDPOINT_GONE : HG_ENDPOINT_REPLACED;
    if (atomic_load_explicit(&endpoint->drained, memory_order_relaxed))
        return HG_ENDPOINT_DRAINED;
    if (place != PLACE_MEMBER)
        return place == PLACE_TERMINATING ? HG_ENDPOINT_DRAINING : HG_ENDPOINT_UNREADY;
    if (atomic_load_explicit(&endpoint->failures, memory_order_relaxed) > 0)
        return HG_ENDPOINT_DOWN;
    if (atomic_load_explicit(&endpoint->starting, memory_order_relaxed))
        return HG_ENDPOINT_STARTING;
    return atomic_load_explicit(&endpoint->tried, memory_order_relaxed) ? HG_ENDPOINT_UP
                                                                        : HG_ENDPOINT_UNTRIED;
}

const char *hg_endpoint_state_name(HgEndpointState state)
{
    static const char *const names[] = {"untried", "up",       "starting", "down",    "unready",
                                        "drained", "draining", "gone",     "replaced"};
    G_STATIC_ASSERT(G_N_ELEMENTS(names) == HG_ENDPOINT_STATES);
    g_assert(state < G_N_ELEMENTS(names));
    return names[state];
}

gboolean hg_endpoint_is_replaced(const HgEndpoint *endpoint)
{
    return place_of(endpoint) == PLACE_REPLACED;
}

gboolean hg_endpoint_is_leaving(const HgEndpoint *endpoint)
{
    HgEndpointState state = hg_endpoint_state(endpoint);
    return state == HG_ENDPOINT_DRAINED || state == HG_ENDPOINT_DRAINING ||
           state == HG_ENDPOINT_GONE || state == HG_ENDPOINT_REPLACED;
}

guint64 hg_endpoint_failures(const HgEndpoint *endpoint)
{
    return atomic_load_explicit(&endpoint->failed, memory_order_relaxed);
}

const char *hg_endpoint_name(const HgEndpoint *endpoint)
{
    return endpoint->name;
}

const char *hg_endpoint_host(const HgEndpoint *endpoint)
{
    return endpoint->host;
}

const char *hg_endpoint_port(const HgEndpoint *endpoint)
{
    return endpoint->port;
}

const char *hg_endpoint_instance(const HgEndpoint *endpoint)
{
    return endpoint->instance;
}

HgPool *hg_endpoint_pool(const HgEndpoint *endpoint)
{
    return endpoint->pool;
}

guint hg_endpoint_sessions(const HgEndpoint *endpoint)
{
    return atomic_load_explicit(&endpoint->sessions, memory_order_relaxed);
}

guint hg_endpoint_operations(const HgEndpoint *endpoint)
{
    return atomic_load_explicit(&endpoint->operations, memory_order_relaxed);
}

guint64 hg_endpoint_latency_us(const HgEndpoint *endpoint)
{
    return atomic_load_explicit(&endpoint->latency, memory_order_relaxed);
}
