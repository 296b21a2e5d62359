/* Rates by address: see rate.h. Owns the buckets; the acceptor's thread only. */
#include "proxy/rate.h"

#include <string.h>

#define BURST       2000 /* ms whose tokens a bucket holds */
#define FORGET_FROM 1024 /* buckets; from then on full ones are looked for now and then */

/* The key comes first, so that a bucket is its own key. */
typedef struct {
    HgPeerAddress address; /* without the port */
    guint64 at;            /* ms: when `tokens` was so */
    guint64 tokens;        /* in thousandths */
} Bucket;

struct HgRate {
    guint per_second;
    GHashTable *buckets;
    guint forget_at; /* how many buckets there are when full ones are looked for next */
};

static guint hash_address(gconstpointer key)
{
    const HgPeerAddress *address = key;
    guint hash = 2166136261u;
    for (gsize i = 0; i < sizeof address->ip; i++)
        hash = (hash ^ address->ip[i]) * 16777619u;
    return hash;
}

static gboolean same_address(gconstpointer a, gconstpointer b)
{
    return hg_peer_address_same_host(a, b);
}

HgRate *hg_rate_new(guint per_second)
{
    HgRate *rate = g_new0(HgRate, 1);
    rate->per_second = per_second;
    rate->buckets = g_hash_table_new_full(hash_address, same_address, NULL, g_free);
    rate->forget_at = FORGET_FROM;
    return rate;
}

void hg_rate_free(HgRate *rate)
{
    if (rate == NULL)
        return;
    g_hash_table_unref(rate->buckets);
    g_free(rate);
}

static guint64 most(const HgRate *rate)
{
    return (guint64)rate->per_second * BURST;
}

static guint64 tokens_at(const HgRate *rate, const Bucket *bucket, guint64 now)
{
    guint64 passed = now > bucket->at ? now - bucket->at : 0;
    return MIN(bucket->tokens + MIN(passed, BURST) * rate->per_second, most(rate));
}

static void forget(HgRate *rate, guint64 now)
{
    GHashTableIter iter;
    gpointer bucket;
    g_hash_table_iter_init(&iter, rate->buckets);
    while (g_hash_table_iter_next(&iter, NULL, &bucket))
        if (tokens_at(rate, bucket, now) >= most(rate))
            g_hash_table_iter_remove(&iter);
    /* not at each connection while many are really there */
    rate->forget_at = MAX(FORGET_FROM, 2 * g_hash_table_size(rate->buckets));
}

gboolean hg_rate_take(HgRate *rate, const HgPeerAddress *address, guint64 now)
{
    if (address->family != HG_PEER_IPV4 && address->family != HG_PEER_IPV6)
        return TRUE;
    Bucket *bucket = g_hash_table_lookup(rate->buckets, address);
    if (bucket == NULL) {
        if (g_hash_table_size(rate->buckets) >= rate->forget_at)
            forget(rate, now);
        bucket = g_new0(Bucket, 1);
        bucket->address = *address;
        bucket->tokens = most(rate);
        bucket->at = now;
        g_hash_table_insert(rate->buckets, bucket, bucket);
    }
    bucket->tokens = tokens_at(rate, bucket, now);
    bucket->at = MAX(bucket->at, now);
    if (bucket->tokens < 1000)
        return FALSE;
    bucket->tokens -= 1000;
    return TRUE;
}

guint hg_rate_size(const HgRate *rate)
{
    return g_hash_table_size(rate->buckets);
}
