/* Endpoint sets: see endpoint_set.h. */
#include "discovery/endpoint_set.h"

#include "base/error.h"

#include <stdatomic.h>
#include <string.h>

struct HgEndpointSet {
    atomic_uint references;
    GPtrArray *infos; /* of HgEndpointInfo, by host and port */
};

HgEndpointInfo *hg_endpoint_info_new(const char *host, guint16 port, const char *instance)
{
    HgEndpointInfo *info = g_new0(HgEndpointInfo, 1);
    info->host = g_strdup(host);
    info->port = port;
    info->instance = g_strdup(instance);
    info->weight = 1;
    info->ready = TRUE;
    info->serving = TRUE;
    return info;
}

void hg_endpoint_info_free(HgEndpointInfo *info)
{
    if (info == NULL)
        return;
    g_free(info->host);
    g_free(info->other_host);
    g_free(info->name);
    g_free(info->instance);
    g_free(info->zone);
    g_free(info);
}

static void free_info(gpointer info)
{
    hg_endpoint_info_free(info);
}

GPtrArray *hg_endpoint_infos_new(void)
{
    return g_ptr_array_new_with_free_func(free_info);
}

static gint compare_places(const HgEndpointInfo *a, const HgEndpointInfo *b)
{
    gint hosts = strcmp(a->host, b->host);
    return hosts != 0 ? hosts : (gint)a->port - (gint)b->port;
}

/* For g_ptr_array_sort(), which gives pointers to the pointers. */
static gint compare_infos(gconstpointer a, gconstpointer b)
{
    return compare_places(*(HgEndpointInfo *const *)a, *(HgEndpointInfo *const *)b);
}

static guint standing(const HgEndpointInfo *info)
{
    return info->ready ? 2 : info->serving ? 1 : 0;
}

/* Leaves one of each host and port; the infos are sorted, and equal ones are still in the order in
 * which they were found. */
static void drop_doubles(GPtrArray *infos)
{
    guint kept = 0;
    for (guint i = 0; i < infos->len; i++) {
        HgEndpointInfo *info = infos->pdata[i];
        HgEndpointInfo *last = kept > 0 ? infos->pdata[kept - 1] : NULL;
        if (last == NULL || compare_places(last, info) != 0) {
            infos->pdata[kept++] = info;
        } else if (standing(info) >= standing(last)) {
            hg_endpoint_info_free(last);
            infos->pdata[kept - 1] = info;
        } else {
            hg_endpoint_info_free(info);
        }
    }
    /* what is behind has moved or is gone: cut without freeing */
    infos->len = kept;
}

gboolean hg_endpoint_set_new(GPtrArray *take_infos, HgEndpointSet **out, GError **error)
{
    g_ptr_array_sort(take_infos, compare_infos); /* a stable sort */
    drop_doubles(take_infos);
    if (take_infos->len > HG_ENDPOINT_SET_MAX) {
        g_set_error(error, HG_ERROR, HG_ERROR_LIMIT,
                    "it has %u endpoints; hivegate takes at most %d", take_infos->len,
                    HG_ENDPOINT_SET_MAX);
        g_ptr_array_unref(take_infos);
        return FALSE;
    }
    HgEndpointSet *set = g_new0(HgEndpointSet, 1);
    atomic_init(&set->references, 1);
    set->infos = take_infos;
    *out = set;
    return TRUE;
}

HgEndpointSet *hg_endpoint_set_ref(HgEndpointSet *set)
{
    atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

void hg_endpoint_set_unref(HgEndpointSet *set)
{
    if (set == NULL || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1)
        return;
    g_ptr_array_unref(set->infos);
    g_free(set);
}

guint hg_endpoint_set_count(const HgEndpointSet *set)
{
    return set->infos->len;
}

const HgEndpointInfo *hg_endpoint_set_get(const HgEndpointSet *set, guint index)
{
    return g_ptr_array_index(set->infos, index);
}

static gboolean same_info(const HgEndpointInfo *a, const HgEndpointInfo *b)
{
    return compare_places(a, b) == 0 && g_strcmp0(a->other_host, b->other_host) == 0 &&
           g_strcmp0(a->name, b->name) == 0 && g_strcmp0(a->instance, b->instance) == 0 &&
           g_strcmp0(a->zone, b->zone) == 0 && a->weight == b->weight &&
           a->priority == b->priority && a->ready == b->ready && a->serving == b->serving &&
           a->terminating == b->terminating;
}

gboolean hg_endpoint_set_equal(const HgEndpointSet *a, const HgEndpointSet *b)
{
    if (a == b)
        return TRUE;
    if (a == NULL || b == NULL || a->infos->len != b->infos->len)
        return FALSE;
    for (guint i = 0; i < a->infos->len; i++)
        if (!same_info(a->infos->pdata[i], b->infos->pdata[i]))
            return FALSE;
    return TRUE;
}
