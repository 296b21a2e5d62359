/* The count of failures: see throttle.h. One table under one lock: only logins that are checked
 * come here, each of which costs a thousand times more. */
#include "auth/throttle.h"

#include "auth/name.h"

#include <pthread.h>
#include <string.h>

#define ENTRIES_MOST 65536
#define DELAY_FIRST  500  /* ms; each further failure doubles it */
#define DELAY_MOST   5000 /* ms */

typedef struct {
    char *key;
    guint failures;
    gint64 last_us;
    gint64 refused_until_us;
    GList link; /* in `used`; its data is this entry */
} Entry;

struct HgThrottle {
    HgThrottleConfig config;
    pthread_mutex_t lock;
    GHashTable *entries; /* key, inside the value -> Entry */
    GQueue used;         /* the one that failed last is at the tail */
};

static void entry_free(gpointer data)
{
    Entry *entry = data;
    g_free(entry->key);
    g_free(entry);
}

HgThrottle *hg_throttle_new(const HgThrottleConfig *config)
{
    HgThrottle *throttle = g_new0(HgThrottle, 1);
    throttle->config = *config;
    pthread_mutex_init(&throttle->lock, NULL);
    throttle->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    g_queue_init(&throttle->used);
    return throttle;
}

void hg_throttle_free(HgThrottle *throttle)
{
    if (throttle == NULL)
        return;
    g_hash_table_destroy(throttle->entries);
    pthread_mutex_destroy(&throttle->lock);
    g_free(throttle);
}

/* ---- keys ---- */

/* Where a client comes from, without its port: whoever has one IPv6 address has the whole /64. */
static char *network_of(const HgPeerAddress *address)
{
    HgPeerAddress network = *address;
    char text[HG_PEER_ADDRESS_TEXT_MAX];
    network.port = 0;
    if (network.family == HG_PEER_IPV6)
        memset(network.ip + 8, 0, 8);
    hg_peer_address_print(&network, text);
    return g_strdup(text);
}

/* A directory takes many spellings for one user, and each would be another few guesses. Characters
 * that stand for whole words make a long skeleton of a name: what is kept stays short. Names have
 * no control characters, so the two kinds of key can't be mixed up. */
static char *pair_key(const char *user, const char *network)
{
    g_autofree char *skeleton = hg_name_skeleton(user);
    g_autofree char *digest = strlen(skeleton) > HG_NAME_MAX_BYTES
                                  ? g_compute_checksum_for_string(G_CHECKSUM_SHA256, skeleton, -1)
                                  : NULL;
    return g_strconcat(digest != NULL ? digest : skeleton, "\n", network, NULL);
}

/* ---- entries, with the lock held ---- */

static void drop(HgThrottle *throttle, Entry *entry)
{
    g_queue_unlink(&throttle->used, &entry->link);
    g_hash_table_remove(throttle->entries, entry->key);
}

/* The entry of a key; NULL when there is none whose failures still count. */
static Entry *find(HgThrottle *throttle, const char *key, gint64 now_us)
{
    Entry *entry = g_hash_table_lookup(throttle->entries, key);
    if (entry == NULL)
        return NULL;
    if (now_us < entry->refused_until_us ||
        now_us - entry->last_us < throttle->config.window_ms * 1000)
        return entry;
    drop(throttle, entry);
    return NULL;
}

static Entry *count(HgThrottle *throttle, const char *key, guint refuse_after, gint64 now_us)
{
    Entry *entry = find(throttle, key, now_us);
    if (entry == NULL) {
        if (g_hash_table_size(throttle->entries) >= ENTRIES_MOST)
            drop(throttle, g_queue_peek_head(&throttle->used));
        entry = g_new0(Entry, 1);
        entry->key = g_strdup(key);
        entry->link.data = entry;
        g_hash_table_insert(throttle->entries, entry->key, entry);
    } else {
        g_queue_unlink(&throttle->used, &entry->link);
    }
    g_queue_push_tail_link(&throttle->used, &entry->link);
    entry->failures++;
    entry->last_us = now_us;
    if (refuse_after > 0 && entry->failures >= refuse_after)
        entry->refused_until_us = now_us + throttle->config.refuse_for_ms * 1000;
    return entry;
}

static gint64 refused_for(HgThrottle *throttle, const char *key, gint64 now_us)
{
    const Entry *entry = find(throttle, key, now_us);
    return entry != NULL ? MAX(0, entry->refused_until_us - now_us) : 0;
}

/* ---- the outside ---- */

guint hg_throttle_refused(HgThrottle *throttle, const char *user, const HgPeerAddress *address,
                          gint64 now_us)
{
    g_autofree char *network = network_of(address);
    g_autofree char *pair = pair_key(user, network);
    pthread_mutex_lock(&throttle->lock);
    gint64 left = MAX(refused_for(throttle, pair, now_us), refused_for(throttle, network, now_us));
    pthread_mutex_unlock(&throttle->lock);
    return (guint)((left + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
}

guint hg_throttle_failed(HgThrottle *throttle, const char *user, const HgPeerAddress *address,
                         gint64 now_us)
{
    const HgThrottleConfig *config = &throttle->config;
    g_autofree char *network = network_of(address);
    g_autofree char *pair = pair_key(user, network);
    pthread_mutex_lock(&throttle->lock);
    guint failures = count(throttle, pair, config->refuse_after, now_us)->failures;
    if (config->address_refuse_after > 0)
        count(throttle, network, config->address_refuse_after, now_us);
    pthread_mutex_unlock(&throttle->lock);
    if (failures <= config->delay_after)
        return 0;
    guint doublings = MIN(failures - config->delay_after - 1, 8);
    return MIN((guint)DELAY_FIRST << doublings, (guint)DELAY_MOST);
}

void hg_throttle_succeeded(HgThrottle *throttle, const char *user, const HgPeerAddress *address)
{
    g_autofree char *network = network_of(address);
    g_autofree char *pair = pair_key(user, network);
    pthread_mutex_lock(&throttle->lock);
    Entry *entry = g_hash_table_lookup(throttle->entries, pair);
    if (entry != NULL)
        drop(throttle, entry);
    pthread_mutex_unlock(&throttle->lock);
}

void hg_throttle_forget(HgThrottle *throttle)
{
    pthread_mutex_lock(&throttle->lock);
    g_hash_table_remove_all(throttle->entries);
    g_queue_init(&throttle->used);
    pthread_mutex_unlock(&throttle->lock);
}

/* TRUE when an entry is about the user, whose keys begin so, and the network; NULL is any. An
 * address alone counts for everybody there, so it isn't the user's. */
static gboolean is_about(const Entry *entry, const char *user_key, const char *network)
{
    const char *end = strchr(entry->key, '\n');
    const char *from = end != NULL ? end + 1 : entry->key;
    return (network == NULL || strcmp(from, network) == 0) &&
           (user_key == NULL || g_str_has_prefix(entry->key, user_key));
}

guint hg_throttle_unlock(HgThrottle *throttle, const char *user, const HgPeerAddress *address)
{
    g_autofree char *network = address != NULL ? network_of(address) : NULL;
    g_autofree char *user_key = user != NULL ? pair_key(user, "") : NULL;
    guint count = 0;
    pthread_mutex_lock(&throttle->lock);
    for (GList *link = throttle->used.head; link != NULL;) {
        Entry *entry = link->data;
        link = link->next;
        if (!is_about(entry, user_key, network))
            continue;
        drop(throttle, entry);
        count++;
    }
    pthread_mutex_unlock(&throttle->lock);
    return count;
}

guint hg_throttle_refused_count(HgThrottle *throttle, gint64 now_us)
{
    guint refused = 0;
    pthread_mutex_lock(&throttle->lock);
    for (GList *link = throttle->used.head; link != NULL; link = link->next)
        if (now_us < ((const Entry *)link->data)->refused_until_us)
            refused++;
    pthread_mutex_unlock(&throttle->lock);
    return refused;
}
