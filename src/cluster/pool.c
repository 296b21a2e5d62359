/* A static pool and its least-sessions choice: see pool.h. Owns its endpoints. The list is fixed
 * before threads see it; the counters are atomics. */
#include "cluster/pool.h"

#include <stdatomic.h>
#include <string.h>

#define FIRST_SETBACK 500   /* ms */
#define MAX_SETBACK   10000 /* ms */

struct HgEndpoint {
    char *name;
    char *host;
    char *port;
    guint index;
    atomic_uint sessions;
    atomic_uint failures;         /* in a row */
    atomic_uint_least64_t failed; /* in all */
    atomic_bool tried;            /* it has succeeded or failed once */
    atomic_bool drained;
    atomic_uint_least64_t set_back; /* ms of the clock until when others go first; 0 = not */
};

struct HgPool {
    char *name;
    GPtrArray *endpoints;
    atomic_uint turn; /* where the search starts, so that equals take turns */
    atomic_bool paused;
};

static void free_endpoint(gpointer data)
{
    HgEndpoint *endpoint = data;
    g_free(endpoint->name);
    g_free(endpoint->host);
    g_free(endpoint->port);
    g_free(endpoint);
}

HgPool *hg_pool_new(const char *name)
{
    HgPool *pool = g_new0(HgPool, 1);
    pool->name = g_strdup(name);
    pool->endpoints = g_ptr_array_new_with_free_func(free_endpoint);
    return pool;
}

void hg_pool_free(HgPool *pool)
{
    if (pool == NULL)
        return;
    g_ptr_array_free(pool->endpoints, TRUE);
    g_free(pool->name);
    g_free(pool);
}

void hg_pool_add(HgPool *pool, const char *host, const char *port)
{
    HgEndpoint *endpoint = g_new0(HgEndpoint, 1);
    if (host[0] == '/')
        endpoint->name = g_strconcat("unix:", host, NULL);
    else
        endpoint->name =
            g_strdup_printf(strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
    endpoint->host = g_strdup(host);
    endpoint->port = g_strdup(port);
    endpoint->index = pool->endpoints->len;
    g_ptr_array_add(pool->endpoints, endpoint);
}

const char *hg_pool_name(const HgPool *pool)
{
    return pool->name;
}

guint hg_pool_size(const HgPool *pool)
{
    return pool->endpoints->len;
}

HgEndpoint *hg_pool_endpoint(HgPool *pool, guint index)
{
    return g_ptr_array_index(pool->endpoints, index);
}

guint64 hg_endpoint_bit(const HgEndpoint *endpoint)
{
    return (guint64)1 << (endpoint->index % 64);
}

HgEndpoint *hg_pool_choose(HgPool *pool, guint64 tried, guint64 now)
{
    guint size = pool->endpoints->len;
    guint start = atomic_fetch_add_explicit(&pool->turn, 1, memory_order_relaxed);
    HgEndpoint *best = NULL;
    gboolean best_set_back = FALSE;
    guint best_sessions = 0;
    for (guint i = 0; i < size; i++) {
        HgEndpoint *endpoint = g_ptr_array_index(pool->endpoints, (start + i) % size);
        if ((tried & hg_endpoint_bit(endpoint)) != 0 ||
            atomic_load_explicit(&endpoint->drained, memory_order_relaxed))
            continue;
        gboolean set_back = atomic_load_explicit(&endpoint->set_back, memory_order_relaxed) > now;
        guint sessions = atomic_load_explicit(&endpoint->sessions, memory_order_relaxed);
        if (best == NULL || set_back < best_set_back ||
            (set_back == best_set_back && sessions < best_sessions)) {
            best = endpoint;
            best_set_back = set_back;
            best_sessions = sessions;
        }
    }
    if (best != NULL)
        atomic_fetch_add_explicit(&best->sessions, 1, memory_order_relaxed);
    return best;
}

void hg_endpoint_release(HgEndpoint *endpoint)
{
    atomic_fetch_sub_explicit(&endpoint->sessions, 1, memory_order_relaxed);
}

gboolean hg_endpoint_failed(HgEndpoint *endpoint, guint64 now)
{
    guint before = atomic_fetch_add_explicit(&endpoint->failures, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&endpoint->failed, 1, memory_order_relaxed);
    atomic_store_explicit(&endpoint->tried, TRUE, memory_order_relaxed);
    guint64 pause = MIN((guint64)FIRST_SETBACK << MIN(before, 16), (guint64)MAX_SETBACK);
    atomic_store_explicit(&endpoint->set_back, now + pause, memory_order_relaxed);
    return before == 0;
}

gboolean hg_endpoint_succeeded(HgEndpoint *endpoint)
{
    atomic_store_explicit(&endpoint->tried, TRUE, memory_order_relaxed);
    if (atomic_load_explicit(&endpoint->failures, memory_order_relaxed) == 0)
        return FALSE;
    atomic_store_explicit(&endpoint->set_back, 0, memory_order_relaxed);
    return atomic_exchange_explicit(&endpoint->failures, 0, memory_order_relaxed) != 0;
}

HgEndpointState hg_endpoint_state(const HgEndpoint *endpoint)
{
    if (atomic_load_explicit(&endpoint->drained, memory_order_relaxed))
        return HG_ENDPOINT_DRAINED;
    if (atomic_load_explicit(&endpoint->failures, memory_order_relaxed) > 0)
        return HG_ENDPOINT_DOWN;
    return atomic_load_explicit(&endpoint->tried, memory_order_relaxed) ? HG_ENDPOINT_UP
                                                                        : HG_ENDPOINT_UNTRIED;
}

const char *hg_endpoint_state_name(HgEndpointState state)
{
    static const char *const names[] = {"untried", "up", "down", "drained"};
    g_assert(state < G_N_ELEMENTS(names));
    return names[state];
}

guint64 hg_endpoint_failures(const HgEndpoint *endpoint)
{
    return atomic_load_explicit(&endpoint->failed, memory_order_relaxed);
}

gboolean hg_endpoint_drain(HgEndpoint *endpoint, gboolean drained)
{
    return atomic_exchange_explicit(&endpoint->drained, drained, memory_order_relaxed) != drained;
}

gboolean hg_pool_pause(HgPool *pool, gboolean paused)
{
    return atomic_exchange_explicit(&pool->paused, paused, memory_order_relaxed) != paused;
}

gboolean hg_pool_is_paused(const HgPool *pool)
{
    return atomic_load_explicit(&pool->paused, memory_order_relaxed);
}

gboolean hg_pool_is_ready(const HgPool *pool, guint64 now, const char **why)
{
    guint drained = 0;
    guint set_back = 0;
    for (guint i = 0; i < pool->endpoints->len; i++) {
        const HgEndpoint *endpoint = g_ptr_array_index(pool->endpoints, i);
        if (hg_endpoint_state(endpoint) == HG_ENDPOINT_DRAINED)
            drained++;
        else if (atomic_load_explicit(&endpoint->set_back, memory_order_relaxed) > now)
            set_back++;
    }
    const char *problem = NULL;
    if (hg_pool_is_paused(pool))
        problem = "it is paused by an administrator";
    else if (drained == pool->endpoints->len)
        problem = "all its endpoints are drained by an administrator";
    else if (drained + set_back == pool->endpoints->len)
        problem = drained > 0 ? "the endpoints that aren't drained have just failed"
                              : "all its endpoints have just failed";
    if (why != NULL)
        *why = problem;
    return problem == NULL;
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

guint hg_endpoint_sessions(const HgEndpoint *endpoint)
{
    return atomic_load_explicit(&endpoint->sessions, memory_order_relaxed);
}
