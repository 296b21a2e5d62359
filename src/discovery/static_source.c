/* The source `static`: see static_source.h. */
#include "discovery/static_source.h"

#include "base/error.h"
#include "discovery/source_private.h"

static void run(HgSource *source, void *self)
{
    hg_source_publish(source, hg_endpoint_set_ref(self), NULL);
    while (hg_control_pause(hg_source_control(source), G_MAXINT))
        ;
}

static void free_self(void *self)
{
    hg_endpoint_set_unref(self);
}

static const HgSourceKind kind = {"static", run, free_self};

gboolean hg_static_source_new(const HgStaticEndpoint *endpoints, gsize count, HgSource **out,
                              GError **error)
{
    HgEndpointSet *set = NULL;
    GPtrArray *infos = hg_endpoint_infos_new();
    for (gsize i = 0; i < count; i++) {
        HgEndpointInfo *info = hg_endpoint_info_new(endpoints[i].host, endpoints[i].port, NULL);
        info->weight = endpoints[i].weight;
        info->zone = g_strdup(endpoints[i].zone);
        g_ptr_array_add(infos, info);
    }
    if (!hg_endpoint_set_new(infos, &set, error))
        return FALSE;
    if (hg_endpoint_set_count(set) < count) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "a host and port is named twice; name each endpoint once");
        hg_endpoint_set_unref(set);
        return FALSE;
    }
    return hg_source_new(&kind, set, out, error);
}
