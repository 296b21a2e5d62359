/* What the tests of pools have in common: see kit.h. */
#include "kit.h"

#include <check.h>
#include <string.h>

HgEndpoint *kit_endpoint(HgPool *pool, guint index)
{
    g_autoptr(GPtrArray) all = hg_pool_endpoints(pool);
    ck_assert_uint_lt(index, all->len);
    return g_ptr_array_index(all, index);
}

void kit_set(HgPool *pool, guint64 now, const char *const *hosts)
{
    GPtrArray *infos = hg_endpoint_infos_new();
    for (; *hosts != NULL; hosts++) {
        gboolean marked = strchr("!?", **hosts) != NULL;
        g_auto(GStrv) parts = g_strsplit(*hosts + marked, "=", 2);
        HgEndpointInfo *info = hg_endpoint_info_new(parts[0], 10000, parts[1]);
        info->terminating = **hosts == '!';
        info->ready = !marked;
        g_ptr_array_add(infos, info);
    }
    g_autoptr(HgEndpointSet) set = NULL;
    guint added;
    guint gone;
    ck_assert(hg_endpoint_set_new(infos, &set, NULL));
    hg_pool_set(pool, set, now, &added, &gone);
}

HgPool *kit_pool(HgBalancing balancing, guint count)
{
    HgPoolSettings settings;
    hg_pool_settings_init(&settings);
    settings.balancing = balancing;
    HgPool *pool = hg_pool_new("many", &settings);
    GPtrArray *infos = hg_endpoint_infos_new();
    for (guint i = 0; i < count; i++) {
        g_autofree char *host = g_strdup_printf("h%u", i);
        g_ptr_array_add(infos, hg_endpoint_info_new(host, 10000, NULL));
    }
    g_autoptr(HgEndpointSet) set = NULL;
    guint added;
    guint gone;
    ck_assert(hg_endpoint_set_new(infos, &set, NULL));
    hg_pool_set(pool, set, 0, &added, &gone);
    ck_assert_uint_eq(added, count);
    return pool;
}

void kit_free(HgPool *pool)
{
    GPtrArray *all = hg_pool_endpoints(pool);
    for (guint i = 0; i < all->len; i++)
        while (hg_endpoint_sessions(g_ptr_array_index(all, i)) > 0)
            hg_endpoint_release(g_ptr_array_index(all, i));
    g_ptr_array_unref(all);
    hg_pool_free(pool);
}

double kit_unevenness(HgPool *pool)
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
