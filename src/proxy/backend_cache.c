/* Idle backend connections of one worker: see backend_cache.h. Owns them while they are kept; a
 * connection that breaks meanwhile is dropped. Worker's thread only. */
#include "proxy/backend_cache.h"

#include "base/container.h"
#include "net/timer.h"

#define KEPT_AT_MOST 16    /* a worker */
#define KEPT_FOR     15000 /* ms */

typedef struct {
    HgBackendCache *cache;
    HgBackend *backend;
    guint64 since;
} Kept;

struct HgBackendCache {
    const HgBackendContext *context;
    GQueue kept; /* of Kept, oldest first */
    HgTimer timer;
};

static void drop(HgBackendCache *cache, Kept *kept)
{
    g_queue_remove(&cache->kept, kept);
    hg_backend_close(kept->backend);
    g_free(kept);
}

static HgFlow on_reply(void *owner, HgReplyPiece *piece)
{
    Kept *kept = owner;
    drop(kept->cache, kept); /* no call is outstanding: what comes is nonsense */
    return HG_FLOW_GO;
}

static void on_lost(void *owner, HgLoss loss, const char *detail)
{
    Kept *kept = owner;
    drop(kept->cache, kept);
}

static const HgBackendEvents kept_events = {on_reply, on_lost};

static void on_timer(HgTimer *timer)
{
    HgBackendCache *cache = HG_CONTAINER_OF(timer, HgBackendCache, timer);
    guint64 now = hg_loop_now(cache->context->loop);
    Kept *oldest;
    while ((oldest = g_queue_peek_head(&cache->kept)) != NULL && oldest->since + KEPT_FOR <= now)
        drop(cache, oldest);
    if (oldest != NULL)
        hg_timer_start(cache->context->loop, timer, oldest->since + KEPT_FOR - now);
}

HgBackendCache *hg_backend_cache_new(const HgBackendContext *context)
{
    HgBackendCache *cache = g_new0(HgBackendCache, 1);
    cache->context = context;
    g_queue_init(&cache->kept);
    hg_timer_init(&cache->timer, on_timer);
    return cache;
}

void hg_backend_cache_free(HgBackendCache *cache)
{
    if (cache == NULL)
        return;
    hg_timer_stop(cache->context->loop, &cache->timer);
    Kept *kept;
    while ((kept = g_queue_peek_head(&cache->kept)) != NULL)
        drop(cache, kept);
    g_free(cache);
}

HgBackend *hg_backend_cache_take(HgBackendCache *cache, HgEndpoint *endpoint, const char *user,
                                 const HgBackendEvents *events, void *owner)
{
    for (GList *link = cache->kept.tail; link != NULL; link = link->prev) {
        Kept *kept = link->data;
        if (hg_backend_endpoint(kept->backend) != endpoint ||
            strcmp(hg_backend_user(kept->backend), user) != 0)
            continue;
        HgBackend *backend = kept->backend;
        g_queue_delete_link(&cache->kept, link);
        g_free(kept);
        hg_backend_set_owner(backend, events, owner);
        return backend;
    }
    return NULL;
}

void hg_backend_cache_put(HgBackendCache *cache, HgBackend *take_backend)
{
    if (cache->kept.length >= KEPT_AT_MOST)
        drop(cache, g_queue_peek_head(&cache->kept));
    Kept *kept = g_new0(Kept, 1);
    kept->cache = cache;
    kept->backend = take_backend;
    kept->since = hg_loop_now(cache->context->loop);
    hg_backend_set_owner(take_backend, &kept_events, kept);
    g_queue_push_tail(&cache->kept, kept);
    if (!hg_timer_is_armed(&cache->timer))
        hg_timer_start(cache->context->loop, &cache->timer, KEPT_FOR);
}
