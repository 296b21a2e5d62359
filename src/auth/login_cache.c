/* The memory of logins: see login_cache.h. Owns its shards; any thread.
 *
 * Sharded by name (or token), each shard with its own lock and its own MAC context, because a
 * context that is used again costs 0.4 us and a new one 2. */
#include "auth/login_cache.h"

#include "base/error.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>

#define TAG_BYTES      32
#define KEY_BYTES      32
#define SHARDS         16
#define SHARD_MIN_SIZE 64 /* below this many entries a shard, one shard holds them all */

typedef struct {
    guint8 tag[TAG_BYTES];
    gint64 expires_us;
    HgLoginMemory memory;
    GList link; /* in the shard's `used`; its data is this entry */
} Entry;

typedef struct {
    pthread_mutex_t lock;
    EVP_MAC_CTX *mac;    /* keyed; started anew for each tag */
    GHashTable *entries; /* of Entry, owned, by tag */
    GQueue used;         /* the entry used last is at the tail */
} Shard;

struct HgLoginCache {
    gint64 ttl_us;
    guint shard_count;
    guint shard_size; /* entries at most */
    Shard shards[SHARDS];
};

/* A tag is the output of a keyed hash: any four bytes of it are as good as a hash of it, and nobody
 * outside can aim at a bucket or learn from the time a comparison takes. */
static guint tag_hash(gconstpointer entry)
{
    guint hash;
    memcpy(&hash, ((const Entry *)entry)->tag, sizeof hash);
    return hash;
}

static gboolean tag_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(((const Entry *)a)->tag, ((const Entry *)b)->tag, TAG_BYTES) == 0;
}

static void entry_free(gpointer data)
{
    Entry *entry = data;
    hg_login_clear(&entry->memory.login);
    g_free(entry);
}

static gboolean shard_start(Shard *shard, EVP_MAC *hmac, const guint8 *key)
{
    OSSL_PARAM digest[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    shard->mac = EVP_MAC_CTX_new(hmac);
    return shard->mac != NULL && EVP_MAC_init(shard->mac, key, KEY_BYTES, digest) == 1;
}

gboolean hg_login_cache_new(gint64 ttl_ms, guint entries, HgLoginCache **out, GError **error)
{
    guint8 key[KEY_BYTES];
    g_autoptr(HgLoginCache) cache = g_new0(HgLoginCache, 1);
    cache->ttl_us = ttl_ms * 1000;
    cache->shard_count = entries < SHARDS * SHARD_MIN_SIZE ? 1 : SHARDS;
    cache->shard_size = entries / cache->shard_count;
    for (guint i = 0; i < cache->shard_count; i++) {
        pthread_mutex_init(&cache->shards[i].lock, NULL);
        g_queue_init(&cache->shards[i].used);
        cache->shards[i].entries = g_hash_table_new_full(tag_hash, tag_equal, entry_free, NULL);
    }
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    gboolean ok = hmac != NULL && RAND_bytes(key, sizeof key) == 1;
    for (guint i = 0; ok && i < cache->shard_count; i++)
        ok = shard_start(&cache->shards[i], hmac, key);
    explicit_bzero(key, sizeof key);
    EVP_MAC_free(hmac);
    if (!ok) {
        g_set_error(error, HG_ERROR, HG_ERROR_FAILED,
                    "OpenSSL offers no HMAC-SHA256 or no random bytes; check its configuration");
        return FALSE;
    }
    *out = g_steal_pointer(&cache);
    return TRUE;
}

void hg_login_cache_free(HgLoginCache *cache)
{
    if (cache == NULL)
        return;
    for (guint i = 0; i < cache->shard_count; i++) {
        EVP_MAC_CTX_free(cache->shards[i].mac);
        g_hash_table_unref(cache->shards[i].entries);
        pthread_mutex_destroy(&cache->shards[i].lock);
    }
    g_free(cache);
}

static Shard *shard_of(HgLoginCache *cache, const HgCredentials *credentials)
{
    HgSlice name = credentials->bearer ? credentials->secret : credentials->name;
    guint32 hash = 2166136261u; /* FNV-1a */
    for (gsize i = 0; i < name.size; i++)
        hash = (hash ^ name.data[i]) * 16777619u;
    return &cache->shards[(hash ^ hash >> 16) % cache->shard_count];
}

/* A part with its length in front, so that no two logins are the same bytes. */
static gboolean add_part(EVP_MAC_CTX *mac, HgSlice part)
{
    guint64 size = part.size;
    return EVP_MAC_update(mac, (const guint8 *)&size, sizeof size) == 1 &&
           (part.size == 0 || EVP_MAC_update(mac, part.data, part.size) == 1);
}

/* With the shard's lock held. A failure of OpenSSL costs a check, never a wrong answer. */
static gboolean make_tag(Shard *shard, guint chain, const HgCredentials *credentials, guint8 *tag)
{
    size_t size = 0;
    const guint32 kind[] = {chain, credentials->bearer ? 1 : 0};
    return EVP_MAC_init(shard->mac, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(shard->mac, (const guint8 *)kind, sizeof kind) == 1 &&
           add_part(shard->mac, credentials->name) && add_part(shard->mac, credentials->secret) &&
           EVP_MAC_final(shard->mac, tag, &size, TAG_BYTES) == 1 && size == TAG_BYTES;
}

static void drop(Shard *shard, Entry *entry)
{
    g_queue_unlink(&shard->used, &entry->link);
    g_hash_table_remove(shard->entries, entry);
}

/* The entry of this login, made the one used last; NULL when there is none. With the lock held. */
static Entry *find(Shard *shard, const Entry *wanted)
{
    Entry *entry = g_hash_table_lookup(shard->entries, wanted);
    if (entry == NULL)
        return NULL;
    g_queue_unlink(&shard->used, &entry->link);
    g_queue_push_tail_link(&shard->used, &entry->link);
    return entry;
}

/* TRUE while the entry's time isn't over. */
static gboolean is_good(const Entry *entry, gint64 now_us)
{
    gint64 until = entry->memory.login.good_until;
    return now_us < entry->expires_us && (until == 0 || g_get_real_time() / G_USEC_PER_SEC < until);
}

gboolean hg_login_cache_find(HgLoginCache *cache, guint chain, const HgCredentials *credentials,
                             gint64 now_us, HgLoginMemory *out)
{
    if (cache->ttl_us == 0 || cache->shard_size == 0)
        return FALSE;
    Entry wanted;
    gboolean found = FALSE;
    Shard *shard = shard_of(cache, credentials);
    pthread_mutex_lock(&shard->lock);
    if (make_tag(shard, chain, credentials, wanted.tag)) {
        Entry *entry = find(shard, &wanted);
        found = entry != NULL && is_good(entry, now_us);
        if (found)
            *out = (HgLoginMemory){hg_login_copy(&entry->memory.login), entry->memory.method};
        else if (entry != NULL)
            drop(shard, entry);
    }
    pthread_mutex_unlock(&shard->lock);
    return found;
}

/* Makes a new entry, in the place of the one unused for longest when the shard is full. */
static Entry *insert(HgLoginCache *cache, Shard *shard, const Entry *wanted)
{
    if (g_hash_table_size(shard->entries) >= cache->shard_size)
        drop(shard, g_queue_peek_head(&shard->used));
    Entry *entry = g_new0(Entry, 1);
    memcpy(entry->tag, wanted->tag, TAG_BYTES);
    entry->link.data = entry;
    g_hash_table_add(shard->entries, entry);
    g_queue_push_tail_link(&shard->used, &entry->link);
    return entry;
}

void hg_login_cache_add(HgLoginCache *cache, guint chain, const HgCredentials *credentials,
                        gint64 now_us, const HgLoginMemory *memory)
{
    if (cache->ttl_us == 0 || cache->shard_size == 0)
        return;
    Entry wanted;
    Shard *shard = shard_of(cache, credentials);
    pthread_mutex_lock(&shard->lock);
    if (make_tag(shard, chain, credentials, wanted.tag)) {
        Entry *entry = find(shard, &wanted);
        if (entry == NULL)
            entry = insert(cache, shard, &wanted);
        entry->expires_us = now_us + cache->ttl_us;
        hg_login_clear(&entry->memory.login);
        entry->memory = (HgLoginMemory){hg_login_copy(&memory->login), memory->method};
    }
    pthread_mutex_unlock(&shard->lock);
}

void hg_login_cache_forget(HgLoginCache *cache)
{
    for (guint i = 0; i < cache->shard_count; i++) {
        pthread_mutex_lock(&cache->shards[i].lock);
        g_hash_table_remove_all(cache->shards[i].entries);
        g_queue_init(&cache->shards[i].used);
        pthread_mutex_unlock(&cache->shards[i].lock);
    }
}

guint hg_login_cache_count(HgLoginCache *cache)
{
    guint count = 0;
    for (guint i = 0; i < cache->shard_count; i++) {
        pthread_mutex_lock(&cache->shards[i].lock);
        count += g_hash_table_size(cache->shards[i].entries);
        pthread_mutex_unlock(&cache->shards[i].lock);
    }
    return count;
}
