/* What choosing an endpoint costs, by policy and size of the pool, and how even it comes out.
 *
 *   bench-choice-cost
 *
 * One line for each policy and size: ns of CPU time for a choice and the release of a session, with
 * ten sessions an endpoint open that come and go at random; max/mean of the sessions at the end;
 * bytes of memory for each endpoint that exists and has no session. */
#include "cluster/pool.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

#define ROUNDS 300000

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static HgPool *make_pool(HgBalancing balancing, guint count)
{
    HgPoolSettings settings;
    hg_pool_settings_init(&settings);
    settings.balancing = balancing;
    HgPool *pool = hg_pool_new("bench", &settings);
    GPtrArray *infos = hg_endpoint_infos_new();
    for (guint i = 0; i < count; i++) {
        char host[32];
        g_snprintf(host, sizeof host, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        g_ptr_array_add(infos, hg_endpoint_info_new(host, 10000, NULL));
    }
    g_autoptr(HgEndpointSet) set = NULL;
    guint added;
    guint gone;
    if (!hg_endpoint_set_new(infos, &set, NULL))
        return NULL;
    hg_pool_set(pool, set, 0, &added, &gone);
    return pool;
}

static double unevenness(HgPool *pool)
{
    g_autoptr(GPtrArray) all = hg_pool_endpoints(pool);
    guint most = 0;
    guint sum = 0;
    for (guint i = 0; i < all->len; i++) {
        guint sessions = hg_endpoint_sessions(g_ptr_array_index(all, i));
        most = MAX(most, sessions);
        sum += sessions;
    }
    return (double)most * all->len / sum;
}

static void measure(const char *name, HgBalancing balancing, guint count)
{
    size_t before = mallinfo2().uordblks;
    HgPool *pool = make_pool(balancing, count);
    if (pool == NULL)
        return;
    size_t bytes = (mallinfo2().uordblks - before) / count;
    guint open = count * 10;
    g_autofree HgEndpoint **sessions = g_new0(HgEndpoint *, open);
    static char users[1000][16];
    for (guint i = 0; i < G_N_ELEMENTS(users); i++)
        g_snprintf(users[i], sizeof users[i], "user%u", i);
    for (guint i = 0; i < open; i++)
        sessions[i] = hg_pool_choose(pool, users[i % 1000], NULL, 0);
    guint64 random = 1;
    double began = now_ns();
    for (guint i = 0; i < ROUNDS; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        guint index = (guint)((random >> 33) % open);
        hg_endpoint_release(sessions[index]);
        sessions[index] = hg_pool_choose(pool, users[(random >> 20) % 1000], NULL, i / 100);
    }
    double cost = (now_ns() - began) / ROUNDS;
    printf("%-17s %6u endpoints %8.0f ns  max/mean %.2f  %zu B/endpoint\n", name, count, cost,
           unevenness(pool), bytes);
    for (guint i = 0; i < open; i++)
        hg_endpoint_release(sessions[i]);
    hg_pool_free(pool);
}

int main(void)
{
    static const struct {
        const char *name;
        HgBalancing balancing;
    } policies[] = {
        {"least-sessions", HG_BALANCING_LEAST_SESSIONS},
        {"least-operations", HG_BALANCING_LEAST_OPERATIONS},
        {"latency", HG_BALANCING_LATENCY},
        {"affinity", HG_BALANCING_AFFINITY},
    };
    static const guint sizes[] = {3, 100, 1000, 10000};
    for (gsize i = 0; i < G_N_ELEMENTS(policies); i++)
        for (gsize k = 0; k < G_N_ELEMENTS(sizes); k++)
            measure(policies[i].name, policies[i].balancing, sizes[k]);
    return 0;
}
