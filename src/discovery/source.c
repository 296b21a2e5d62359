/* Sources: see source.h. Owns the control, the last set and the kind's own part. */
#include "discovery/source_private.h"

#include <pthread.h>

struct HgSource {
    const HgSourceKind *kind;
    void *self;
    HgControl *control;
    HgSourceListener listener;
    pthread_mutex_t lock; /* of set */
    HgEndpointSet *set;   /* NULL: none yet */
};

gboolean hg_source_new(const HgSourceKind *kind, void *take_self, HgSource **out, GError **error)
{
    HgSource *source = g_new0(HgSource, 1);
    source->kind = kind;
    source->self = take_self;
    pthread_mutex_init(&source->lock, NULL);
    if (!hg_control_new(&source->control, error)) {
        hg_source_free(source);
        return FALSE;
    }
    *out = source;
    return TRUE;
}

void hg_source_free(HgSource *source)
{
    if (source == NULL)
        return;
    if (source->control != NULL)
        hg_control_stop(source->control);
    source->kind->free(source->self);
    hg_control_free(source->control);
    hg_endpoint_set_unref(source->set);
    pthread_mutex_destroy(&source->lock);
    g_free(source);
}

static void run(HgControl *control, void *data)
{
    HgSource *source = data;
    source->kind->run(source, source->self);
}

static void told(void *data, const HgStanding *standing)
{
    HgSource *source = data;
    if (source->listener.standing != NULL)
        source->listener.standing(source->listener.owner, standing);
}

gboolean hg_source_start(HgSource *source, const HgSourceListener *listener, GError **error)
{
    source->listener = *listener;
    return hg_control_start(source->control, run, told, source, error);
}

void hg_source_stop(HgSource *source)
{
    hg_control_stop(source->control);
}

const char *hg_source_kind(const HgSource *source)
{
    return source->kind->name;
}

HgEndpointSet *hg_source_set(HgSource *source)
{
    pthread_mutex_lock(&source->lock);
    HgEndpointSet *set = source->set != NULL ? hg_endpoint_set_ref(source->set) : NULL;
    pthread_mutex_unlock(&source->lock);
    return set;
}

void hg_source_standing(HgSource *source, HgStanding *out)
{
    hg_control_standing(source->control, out);
}

HgControl *hg_source_control(HgSource *source)
{
    return source->control;
}

void hg_source_publish(HgSource *source, HgEndpointSet *take_set, const char *remark)
{
    /* only this thread changes it, so it may be read here without the lock */
    gboolean is_new = !hg_endpoint_set_equal(source->set, take_set);
    HgEndpointSet *old = take_set;
    if (is_new) {
        pthread_mutex_lock(&source->lock);
        old = source->set;
        source->set = take_set;
        pthread_mutex_unlock(&source->lock);
    }
    hg_endpoint_set_unref(old);
    if (is_new)
        source->listener.changed(source->listener.owner, source->set);
    hg_control_set_fresh(source->control, remark);
}

gboolean hg_source_publish_infos(HgSource *source, GPtrArray *take_infos, const char *remark)
{
    g_autoptr(GError) error = NULL;
    HgEndpointSet *set = NULL;
    if (!hg_endpoint_set_new(take_infos, &set, &error)) {
        hg_source_fail(source, error->message);
        return FALSE;
    }
    hg_source_publish(source, set, remark);
    return TRUE;
}

void hg_source_fail(HgSource *source, const char *problem)
{
    hg_control_set_stale(source->control, problem);
}
