/* The score of an endpoint, and the choice by the pool's policy: see pool_private.h. All with the
 * pool's lock held.
 *
 * A score is one number, the less the better, so that the search is one pass over an array:
 *
 *     63        62         50 .. 61    0 .. 49
 *     takes     ejected    level       load for its weight
 *     nothing              of priority
 *
 * The upper bits are its class: no endpoint is chosen while there is one of a lower class. */
#include "cluster/pool_private.h"

#define CLASS_SHIFT  50
#define EJECTED      ((guint64)1 << 62)
#define TAKES_NONE   G_MAXUINT64
#define LEVEL_MAX    0xfffu
#define LOAD_MAX     (((guint64)1 << CLASS_SHIFT) - 1)
#define LOAD_UNIT    1048576.0 /* of one session at a weight of 1 */
#define WHOLE        1024u
#define FIRST_SHARE  102u /* of WHOLE: what a new endpoint takes at first */
#define NO_WEIGHT    (1.0 / 1024)
#define TRIES        16    /* at random, before the search decides */
#define HALF_LATENCY 30000 /* ms after which a latency counts half, and half again */

/* What one more session would make of the load. */
static double load_of(const HgPool *pool, const HgEndpoint *endpoint)
{
    double sessions = atomic_load_explicit(&endpoint->sessions, memory_order_relaxed);
    if (pool->settings.balancing != HG_BALANCING_LEAST_OPERATIONS)
        return sessions + 1;
    double operations = atomic_load_explicit(&endpoint->operations, memory_order_relaxed);
    return operations * 4096 + MIN(sessions, 4094) + 1;
}

/* The share of a full endpoint's sessions that it takes now, of WHOLE. */
static guint32 share_of(const HgPool *pool, HgEndpoint *endpoint)
{
    if (pool->now >= endpoint->starting_until) {
        atomic_store_explicit(&endpoint->starting, FALSE, memory_order_relaxed);
        return WHOLE;
    }
    guint64 passed = pool->now > endpoint->starting_from ? pool->now - endpoint->starting_from : 0;
    guint64 all = endpoint->starting_until - endpoint->starting_from;
    return FIRST_SHARE + (guint32)((WHOLE - FIRST_SHARE) * passed / all);
}

static gboolean takes_sessions(const HgEndpoint *endpoint)
{
    return atomic_load_explicit(&endpoint->place, memory_order_relaxed) == PLACE_MEMBER &&
           !atomic_load_explicit(&endpoint->drained, memory_order_relaxed);
}

static guint64 score_of(const HgPool *pool, const HgEndpoint *endpoint, guint32 share)
{
    if (!takes_sessions(endpoint))
        return TAKES_NONE;
    double weight = endpoint->weight > 0 ? endpoint->weight : NO_WEIGHT;
    double load = load_of(pool, endpoint) * LOAD_UNIT * WHOLE / (weight * share);
    guint64 score = load < (double)LOAD_MAX ? (guint64)load : LOAD_MAX;
    score |= (guint64)MIN(endpoint->level, LEVEL_MAX) << CLASS_SHIFT;
    if (atomic_load_explicit(&endpoint->ejected, memory_order_relaxed))
        score |= EJECTED;
    return score;
}

void hg_choice_update(HgPool *pool, HgEndpoint *endpoint)
{
    if (endpoint->slot == NO_SLOT)
        return;
    Slot *slot = &pool->slots[endpoint->slot];
    slot->share = share_of(pool, endpoint);
    slot->sessions = atomic_load_explicit(&endpoint->sessions, memory_order_relaxed);
    slot->hash = endpoint->hash;
    slot->score = score_of(pool, endpoint, slot->share);
    gboolean timed =
        slot->share != WHOLE || atomic_load_explicit(&endpoint->ejected, memory_order_relaxed);
    if (timed && !endpoint->timed)
        g_ptr_array_add(pool->timed, endpoint);
    else if (!timed && endpoint->timed)
        g_ptr_array_remove_fast(pool->timed, endpoint);
    endpoint->timed = timed;
}

void hg_choice_eject(HgPool *pool, HgEndpoint *endpoint, guint64 until, guint64 now)
{
    pool->now = MAX(pool->now, now);
    if (endpoint->slot == NO_SLOT)
        return;
    endpoint->ejected_until = until;
    guint most = MAX(pool->members->len * pool->settings.ejected_most / 100, 1);
    if (!atomic_load_explicit(&endpoint->ejected, memory_order_relaxed) && pool->ejected < most) {
        pool->ejected++;
        atomic_store_explicit(&endpoint->ejected, TRUE, memory_order_relaxed);
    }
    hg_choice_update(pool, endpoint);
}

void hg_choice_restore(HgPool *pool, HgEndpoint *endpoint)
{
    if (atomic_exchange_explicit(&endpoint->ejected, FALSE, memory_order_relaxed))
        pool->ejected--;
    hg_choice_update(pool, endpoint);
}

void hg_choice_forget(HgPool *pool, HgEndpoint *endpoint)
{
    if (atomic_exchange_explicit(&endpoint->ejected, FALSE, memory_order_relaxed))
        pool->ejected--;
    if (endpoint->timed)
        g_ptr_array_remove_fast(pool->timed, endpoint);
    endpoint->timed = FALSE;
    endpoint->slot = NO_SLOT;
}

/* What time has changed since the last choice. */
static void let_time_pass(HgPool *pool, guint64 now)
{
    pool->now = MAX(pool->now, now);
    for (guint i = pool->timed->len; i-- > 0;) { /* backwards: an update may remove this one */
        HgEndpoint *endpoint = pool->timed->pdata[i];
        if (atomic_load_explicit(&endpoint->ejected, memory_order_relaxed) &&
            pool->now >= endpoint->ejected_until)
            hg_choice_restore(pool, endpoint);
        else
            hg_choice_update(pool, endpoint);
    }
}

/* The slot with the lowest score; equals take turns. */
static guint search(HgPool *pool)
{
    const Slot *slots = pool->slots;
    guint size = pool->members->len;
    guint start = size > 0 ? pool->turn++ % size : 0;
    guint64 lowest = TAKES_NONE;
    guint best = NO_SLOT;
    for (guint i = start; i < size; i++)
        if (slots[i].score < lowest) {
            lowest = slots[i].score;
            best = i;
        }
    for (guint i = 0; i < start; i++)
        if (slots[i].score < lowest) {
            lowest = slots[i].score;
            best = i;
        }
    return best;
}

static guint64 mix(guint64 value)
{
    value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdu;
    value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53u;
    return value ^ (value >> 33);
}

/* ---- latency ---- */

static double cost_of(const HgPool *pool, guint slot)
{
    const HgEndpoint *endpoint = pool->members->pdata[slot];
    guint64 latency = atomic_load_explicit(&endpoint->latency, memory_order_relaxed);
    guint64 age = pool->now > endpoint->latency_at ? pool->now - endpoint->latency_at : 0;
    double weight = endpoint->weight > 0 ? endpoint->weight : NO_WEIGHT;
    latency >>= MIN(age / HALF_LATENCY, 63); /* nobody stays shunned for what was long ago */
    return (double)(latency + 1) * (pool->slots[slot].sessions + 1) /
           (weight * pool->slots[slot].share);
}

/* Of two at random of the class, the better one; `best` is what the search found. */
static guint choose_of_two(HgPool *pool, guint best)
{
    guint64 class = pool->slots[best].score >> CLASS_SHIFT;
    guint first = NO_SLOT;
    for (guint i = 0; i < TRIES; i++) {
        guint slot = (guint)(mix(++pool->random) % pool->members->len);
        if (pool->slots[slot].score >> CLASS_SHIFT != class || slot == first)
            continue;
        if (first != NO_SLOT)
            return cost_of(pool, slot) < cost_of(pool, first) ? slot : first;
        first = slot;
    }
    return first != NO_SLOT ? first : best;
}

/* ---- affinity ---- */

/* The endpoint of the class that the user's name leads to (by the highest hash of both: when one
 * goes, only its users move), unless it has its share and more. */
static guint choose_for_user(HgPool *pool, guint best, const char *user)
{
    const Slot *slots = pool->slots;
    guint64 class = slots[best].score >> CLASS_SHIFT;
    guint64 sessions = 0;
    guint64 count = 1; /* `best`, at least */
    for (guint i = 0; i < pool->members->len; i++) {
        gboolean in = slots[i].score >> CLASS_SHIFT == class;
        sessions += in ? slots[i].sessions : 0;
        count += in && i != best;
    }
    /* rounded up, so that one endpoint at least is always below it */
    guint64 most =
        ((sessions + 1) * (100 + pool->settings.affinity_above) + 100 * count - 1) / (100 * count);
    guint64 name = 0xcbf29ce484222325u;
    for (const char *c = user; *c != '\0'; c++)
        name = (name ^ (guint8)*c) * 0x100000001b3u;
    name = mix(name);
    guint64 highest = 0;
    guint chosen = best;
    for (guint i = 0; i < pool->members->len; i++) {
        /* both were mixed: one product is enough */
        guint64 hash = (slots[i].hash ^ name) * 0xff51afd7ed558ccdu;
        if (hash < highest || slots[i].score >> CLASS_SHIFT != class ||
            (guint64)slots[i].sessions * WHOLE >= most * slots[i].share)
            continue;
        highest = hash;
        chosen = i;
    }
    return chosen;
}

/* ---- the choice ---- */

static guint choose(HgPool *pool, const char *user)
{
    guint best = search(pool);
    if (best == NO_SLOT)
        return best;
    switch (pool->settings.balancing) {
    case HG_BALANCING_LEAST_SESSIONS:
    case HG_BALANCING_LEAST_OPERATIONS:
        return best;
    case HG_BALANCING_LATENCY:
        return choose_of_two(pool, best);
    case HG_BALANCING_AFFINITY:
        return choose_for_user(pool, best, user);
    }
    g_return_val_if_reached(best);
}

guint hg_choice_make(HgPool *pool, const char *user, const GPtrArray *tried, guint64 now)
{
    let_time_pass(pool, now);
    for (guint i = 0; tried != NULL && i < tried->len; i++) {
        const HgEndpoint *endpoint = tried->pdata[i];
        if (endpoint->slot != NO_SLOT)
            pool->slots[endpoint->slot].score = TAKES_NONE;
    }
    guint slot = choose(pool, user);
    for (guint i = 0; tried != NULL && i < tried->len; i++)
        hg_choice_update(pool, tried->pdata[i]);
    return slot;
}
