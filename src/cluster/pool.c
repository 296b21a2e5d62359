/* Pools: see pool.h. A pool owns its members, those that are gone and still used, and the source
 * that it follows. */
#include "cluster/pool_private.h"

#include <string.h>

#define TRIAL 2000 /* ms that one session has to itself to try an endpoint that had failed */

static void unref_endpoint(gpointer endpoint)
{
    hg_endpoint_unref(endpoint);
}

static GPtrArray *endpoint_array(void)
{
    return g_ptr_array_new_with_free_func(unref_endpoint);
}

void hg_pool_settings_init(HgPoolSettings *settings)
{
    *settings = (HgPoolSettings){
        .balancing = HG_BALANCING_LEAST_SESSIONS, .ejected_most = 80, .affinity_above = 25};
}

HgPool *hg_pool_new(const char *name, const HgPoolSettings *settings)
{
    HgPool *pool = g_new0(HgPool, 1);
    pool->name = g_strdup(name);
    if (settings != NULL)
        pool->settings = *settings;
    else
        hg_pool_settings_init(&pool->settings);
    pthread_mutex_init(&pool->lock, NULL);
    pool->members = endpoint_array();
    pool->gone = endpoint_array();
    pool->timed = g_ptr_array_new();
    return pool;
}

void hg_pool_free(HgPool *pool)
{
    if (pool == NULL)
        return;
    hg_source_free(pool->source);
    g_ptr_array_unref(pool->timed);
    g_ptr_array_unref(pool->gone);
    g_ptr_array_unref(pool->members);
    pthread_mutex_destroy(&pool->lock);
    g_free(pool->slots);
    g_free(pool->name);
    g_free(pool);
}

/* Gives each member its slot. */
static void lay_out(HgPool *pool)
{
    pool->slots = g_renew(Slot, pool->slots, pool->members->len + 1);
    for (guint i = 0; i < pool->members->len; i++) {
        HgEndpoint *endpoint = pool->members->pdata[i];
        endpoint->slot = i;
        hg_choice_update(pool, endpoint);
    }
}

void hg_pool_add(HgPool *pool, const char *host, const char *port, guint weight)
{
    HgEndpoint *endpoint = hg_endpoint_new(pool, host, port, NULL);
    endpoint->weight = weight;
    g_ptr_array_add(pool->members, endpoint);
    lay_out(pool);
}

/* ---- sets ---- */

static char *key_of(const char *host, const char *port, const char *instance)
{
    return g_strconcat(host, " ", port, " ", instance != NULL ? instance : "", NULL);
}

/* What is known by its key, and by its address alone. */
typedef struct {
    GHashTable *known;     /* key -> HgEndpoint, borrowed */
    GHashTable *addresses; /* "host port" of the new set */
    GHashTable *kept;      /* HgEndpoint of the new set */
    GArray *priorities;    /* of the new set, each once, in order */
    gboolean weightless;   /* all weights are 0: shares are equal (RFC 2782) */
} Merge;

static void know_all(GHashTable *known, const GPtrArray *endpoints)
{
    for (guint i = 0; i < endpoints->len; i++) {
        HgEndpoint *endpoint = endpoints->pdata[i];
        g_hash_table_replace(known, key_of(endpoint->host, endpoint->port, endpoint->instance),
                             endpoint);
    }
}

static gint compare_guint(gconstpointer a, gconstpointer b)
{
    guint one = *(const guint *)a;
    guint other = *(const guint *)b;
    return one < other ? -1 : one > other;
}

static void merge_init(Merge *merge, HgPool *pool, const HgEndpointSet *set)
{
    merge->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    merge->addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    merge->kept = g_hash_table_new(NULL, NULL);
    merge->priorities = g_array_new(FALSE, FALSE, sizeof(guint));
    merge->weightless = TRUE;
    know_all(merge->known, pool->gone);
    know_all(merge->known, pool->members);
    for (guint i = 0; i < hg_endpoint_set_count(set); i++) {
        const HgEndpointInfo *info = hg_endpoint_set_get(set, i);
        merge->weightless = merge->weightless && info->weight == 0;
        g_array_append_val(merge->priorities, info->priority);
    }
    g_array_sort(merge->priorities, compare_guint);
}

static void merge_clear(Merge *merge)
{
    g_hash_table_unref(merge->known);
    g_hash_table_unref(merge->addresses);
    g_hash_table_unref(merge->kept);
    g_array_unref(merge->priorities);
}

/* The order of a priority among those of the set. */
static guint level_of(const Merge *merge, guint priority)
{
    guint level = 0;
    for (guint i = 1; i < merge->priorities->len; i++) {
        guint before = g_array_index(merge->priorities, guint, i - 1);
        if (before >= priority)
            break;
        level += g_array_index(merge->priorities, guint, i) != before;
    }
    return level;
}

static void start_slowly(HgPool *pool, HgEndpoint *endpoint)
{
    if (!pool->was_set || pool->settings.slow_start == 0)
        return;
    endpoint->starting_from = pool->now;
    endpoint->starting_until = pool->now + pool->settings.slow_start;
    atomic_store_explicit(&endpoint->starting, TRUE, memory_order_relaxed);
}

/* The endpoint that the info is about, referenced: one that is known, or a new one. */
static HgEndpoint *take_in(HgPool *pool, Merge *merge, const HgEndpointInfo *info, guint *added)
{
    g_autofree char *port = g_strdup_printf("%u", info->port);
    g_autofree char *key = key_of(info->host, port, info->instance);
    HgEndpoint *endpoint = g_hash_table_lookup(merge->known, key);
    gboolean is_member = endpoint != NULL && endpoint->slot != NO_SLOT;
    endpoint = endpoint != NULL ? hg_endpoint_ref(endpoint)
                                : hg_endpoint_new(pool, info->host, port, info->instance);
    if (!is_member) {
        (*added)++;
        start_slowly(pool, endpoint);
    }
    endpoint->weight = merge->weightless ? 1 : info->weight;
    endpoint->level = level_of(merge, info->priority);
    atomic_store_explicit(&endpoint->place,
                          info->terminating ? PLACE_TERMINATING
                          : info->ready     ? PLACE_MEMBER
                                            : PLACE_UNREADY,
                          memory_order_relaxed);
    g_hash_table_add(merge->kept, endpoint);
    g_hash_table_add(merge->addresses, key_of(info->host, port, NULL));
    return endpoint;
}

/* Keeps of those that left what somebody still has; their addresses may belong to others now. */
static void see_off(HgPool *pool, const Merge *merge, GPtrArray *former, guint *gone)
{
    for (guint i = 0; i < former->len; i++) {
        HgEndpoint *endpoint = former->pdata[i];
        if (g_hash_table_contains(merge->kept, endpoint))
            continue;
        if (endpoint->slot != NO_SLOT) {
            (*gone)++;
            hg_choice_forget(pool, endpoint);
        }
        g_autofree char *address = key_of(endpoint->host, endpoint->port, NULL);
        gboolean replaced = g_hash_table_contains(merge->addresses, address);
        if (replaced || !hg_endpoint_is_replaced(endpoint))
            atomic_store_explicit(&endpoint->place, replaced ? PLACE_REPLACED : PLACE_GONE,
                                  memory_order_release);
        if (atomic_load_explicit(&endpoint->references, memory_order_acquire) > 1)
            g_ptr_array_add(pool->gone, hg_endpoint_ref(endpoint));
    }
}

void hg_pool_set(HgPool *pool, const HgEndpointSet *set, guint64 now, guint *added, guint *gone)
{
    Merge merge;
    *added = 0;
    *gone = 0;
    pthread_mutex_lock(&pool->lock);
    pool->now = MAX(pool->now, now);
    merge_init(&merge, pool, set);
    g_autoptr(GPtrArray) members = pool->members;
    g_autoptr(GPtrArray) others = pool->gone;
    g_autoptr(GPtrArray) next = endpoint_array();
    for (guint i = 0; i < hg_endpoint_set_count(set); i++)
        g_ptr_array_add(next, take_in(pool, &merge, hg_endpoint_set_get(set, i), added));
    pool->gone = endpoint_array();
    see_off(pool, &merge, members, gone);
    see_off(pool, &merge, others, gone);
    pool->members = g_steal_pointer(&next);
    pool->was_set = TRUE;
    lay_out(pool);
    merge_clear(&merge);
    pthread_mutex_unlock(&pool->lock);
}

/* ---- following a source ---- */

static void on_changed(void *owner, HgEndpointSet *set)
{
    HgPool *pool = owner;
    guint added;
    guint gone;
    hg_pool_set(pool, set, (guint64)g_get_monotonic_time() / 1000, &added, &gone);
    if (pool->listener.changed != NULL)
        pool->listener.changed(pool->listener.data, pool, added, gone);
}

static void on_standing(void *owner, const HgStanding *standing)
{
    HgPool *pool = owner;
    if (pool->listener.standing != NULL)
        pool->listener.standing(pool->listener.data, pool, standing);
}

gboolean hg_pool_follow(HgPool *pool, HgSource *take_source, const HgPoolListener *listener,
                        GError **error)
{
    HgSourceListener ours = {on_changed, on_standing, pool};
    pool->source = take_source;
    pool->listener = *listener;
    return hg_source_start(take_source, &ours, error);
}

void hg_pool_unfollow(HgPool *pool)
{
    if (pool->source != NULL)
        hg_source_stop(pool->source);
}

const char *hg_pool_source(const HgPool *pool)
{
    return pool->source != NULL ? hg_source_kind(pool->source) : "static";
}

void hg_pool_standing(HgPool *pool, HgStanding *out)
{
    if (pool->source != NULL)
        hg_source_standing(pool->source, out);
    else
        *out = (HgStanding){.kind = HG_STANDING_FRESH};
}

/* ---- what is asked of it ---- */

const char *hg_pool_name(const HgPool *pool)
{
    return pool->name;
}

void hg_pool_set_data(HgPool *pool, const void *data)
{
    pool->data = data;
}

const void *hg_pool_data(const HgPool *pool)
{
    return pool->data;
}

guint hg_pool_size(HgPool *pool)
{
    pthread_mutex_lock(&pool->lock);
    guint size = pool->members->len;
    pthread_mutex_unlock(&pool->lock);
    return size;
}

static void drop_unused(GPtrArray *gone)
{
    for (guint i = gone->len; i-- > 0;) {
        HgEndpoint *endpoint = gone->pdata[i];
        if (atomic_load_explicit(&endpoint->references, memory_order_acquire) == 1)
            g_ptr_array_remove_index(gone, i);
    }
}

GPtrArray *hg_pool_endpoints(HgPool *pool)
{
    GPtrArray *all = endpoint_array();
    pthread_mutex_lock(&pool->lock);
    drop_unused(pool->gone);
    for (guint i = 0; i < pool->members->len; i++)
        g_ptr_array_add(all, hg_endpoint_ref(pool->members->pdata[i]));
    for (guint i = 0; i < pool->gone->len; i++)
        if (hg_endpoint_sessions(pool->gone->pdata[i]) > 0)
            g_ptr_array_add(all, hg_endpoint_ref(pool->gone->pdata[i]));
    pthread_mutex_unlock(&pool->lock);
    return all;
}

GPtrArray *hg_pool_leaving(HgPool *pool)
{
    GPtrArray *leaving = endpoint_array();
    pthread_mutex_lock(&pool->lock);
    for (guint i = 0; i < pool->members->len; i++)
        if (hg_endpoint_is_leaving(pool->members->pdata[i]))
            g_ptr_array_add(leaving, hg_endpoint_ref(pool->members->pdata[i]));
    for (guint i = 0; i < pool->gone->len; i++)
        if (hg_endpoint_sessions(pool->gone->pdata[i]) > 0)
            g_ptr_array_add(leaving, hg_endpoint_ref(pool->gone->pdata[i]));
    pthread_mutex_unlock(&pool->lock);
    return leaving;
}

static gboolean is_full(const HgPool *pool)
{
    return pool->settings.sessions_most > 0 && pool->sessions >= pool->settings.sessions_most;
}

gboolean hg_pool_is_full(HgPool *pool)
{
    pthread_mutex_lock(&pool->lock);
    gboolean full = is_full(pool);
    pthread_mutex_unlock(&pool->lock);
    return full;
}

HgEndpoint *hg_pool_choose(HgPool *pool, const char *user, const GPtrArray *tried, guint64 now)
{
    HgEndpoint *chosen = NULL;
    pthread_mutex_lock(&pool->lock);
    guint slot = is_full(pool) ? NO_SLOT : hg_choice_make(pool, user, tried, now);
    if (slot != NO_SLOT) {
        chosen = hg_endpoint_ref(pool->members->pdata[slot]);
        atomic_fetch_add_explicit(&chosen->sessions, 1, memory_order_relaxed);
        pool->sessions++;
        /* the first after a failure finds out whether it works again; the others go elsewhere */
        if (atomic_load_explicit(&chosen->failures, memory_order_relaxed) > 0 &&
            !atomic_load_explicit(&chosen->ejected, memory_order_relaxed))
            hg_choice_eject(pool, chosen, now + TRIAL, now);
        hg_choice_update(pool, chosen);
    }
    pthread_mutex_unlock(&pool->lock);
    return chosen;
}

gboolean hg_pool_pause(HgPool *pool, gboolean paused)
{
    return atomic_exchange_explicit(&pool->paused, paused, memory_order_relaxed) != paused;
}

gboolean hg_pool_is_paused(const HgPool *pool)
{
    return atomic_load_explicit(&pool->paused, memory_order_relaxed);
}

/* How many members are kept out by their source or by an administrator, and have just failed. */
static void count_absent(const HgPool *pool, guint64 now, guint *unready, guint *drained,
                         guint *set_back)
{
    for (guint i = 0; i < pool->members->len; i++) {
        const HgEndpoint *endpoint = pool->members->pdata[i];
        HgEndpointState state = hg_endpoint_state(endpoint);
        if (state == HG_ENDPOINT_DRAINED)
            (*drained)++;
        else if (state == HG_ENDPOINT_UNREADY || state == HG_ENDPOINT_DRAINING)
            (*unready)++;
        else if (atomic_load_explicit(&endpoint->set_back, memory_order_relaxed) > now)
            (*set_back)++;
    }
}

gboolean hg_pool_is_ready(HgPool *pool, guint64 now, const char **why)
{
    guint unready = 0;
    guint drained = 0;
    guint set_back = 0;
    pthread_mutex_lock(&pool->lock);
    guint size = pool->members->len;
    gboolean waits = pool->source != NULL && !pool->was_set;
    count_absent(pool, now, &unready, &drained, &set_back);
    pthread_mutex_unlock(&pool->lock);
    const char *problem = NULL;
    if (hg_pool_is_paused(pool))
        problem = "it is paused by an administrator";
    else if (waits)
        problem = "its source of endpoints hasn't answered yet";
    else if (size == 0)
        problem = "its source knows no endpoint";
    else if (drained == size)
        problem = "all its endpoints are drained by an administrator";
    else if (drained + unready == size)
        problem = drained > 0 ? "the endpoints that aren't drained by an administrator aren't ready"
                              : "none of its endpoints is ready";
    else if (drained + unready + set_back == size)
        problem = drained > 0   ? "the endpoints that aren't drained have just failed"
                  : unready > 0 ? "the endpoints that are ready have just failed"
                                : "all its endpoints have just failed";
    if (why != NULL)
        *why = problem;
    return problem == NULL;
}
