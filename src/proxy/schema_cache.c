/* Pictures of endpoints: see schema_cache.h. The cache has the latest picture of each, under its
 * lock; a picture owns copies of all that it shows. */
#include "proxy/schema_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define FRESH 1000 /* ms within which a table isn't asked about again because of errors */

/* One name, with when it was learned (ms of the monotonic clock). */
typedef struct {
    HgLearnt *learnt;
    gint64 at;
    atomic_uint references; /* of the pictures that show it */
} Entry;

struct HgPicture {
    atomic_uint references;
    HgSchemas *schemas;
    GHashTable *entries; /* key -> Entry */
    GHashTable *absent;  /* keys */
    HgEngineState engine_state;
    HgSqlEngine engine;
    gint64 engine_at; /* when it was asked for */
    gint64 oldest;    /* when the first of what it shows was learned */
};

struct HgSchemaCache {
    guint ttl;
    guint most;
    pthread_mutex_t lock;
    GHashTable *pictures; /* endpoint -> HgPicture; under the lock, as is */
    guint64 generation;
};

static gint64 now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

void hg_learnt_free(HgLearnt *learnt)
{
    if (learnt == NULL)
        return;
    g_free(learnt->key);
    g_clear_pointer(&learnt->columns, g_ptr_array_unref);
    g_free(learnt);
}

static void entry_unref(gpointer data)
{
    Entry *entry = data;
    if (atomic_fetch_sub_explicit(&entry->references, 1, memory_order_acq_rel) != 1)
        return;
    hg_learnt_free(entry->learnt);
    g_free(entry);
}

/* ---- pictures ---- */

static HgPicture *picture_new(void)
{
    HgPicture *picture = g_new0(HgPicture, 1);
    atomic_init(&picture->references, 1);
    picture->schemas = hg_schemas_new();
    picture->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_unref);
    picture->absent = g_hash_table_new(g_str_hash, g_str_equal);
    picture->oldest = G_MAXINT64;
    return picture;
}

static HgPicture *picture_ref(HgPicture *picture)
{
    atomic_fetch_add_explicit(&picture->references, 1, memory_order_relaxed);
    return picture;
}

void hg_picture_unref(HgPicture *picture)
{
    if (picture == NULL ||
        atomic_fetch_sub_explicit(&picture->references, 1, memory_order_acq_rel) != 1)
        return;
    hg_schemas_free(picture->schemas);
    g_hash_table_unref(picture->absent);
    g_hash_table_unref(picture->entries);
    g_free(picture);
}

/* Puts the table into the schemas; FALSE for one that they can't hold, which is as if it weren't
 * there. */
static gboolean add_table(HgSchemas *schemas, const HgLearnt *learnt)
{
    HgTable *table = hg_schemas_add(schemas, learnt->key, NULL);
    if (table == NULL)
        return FALSE;
    table->is_view = learnt->is_view;
    for (guint i = 0; i + 1 < learnt->columns->len; i += 2)
        if (!hg_schemas_add_column(table, g_ptr_array_index(learnt->columns, i),
                                   g_ptr_array_index(learnt->columns, i + 1), NULL))
            table->is_view = TRUE; /* two columns of one name: nobody may read it */
    return TRUE;
}

/* Takes a reference to the entry over. */
static void show(HgPicture *picture, Entry *entry)
{
    const HgLearnt *learnt = entry->learnt;
    if (learnt->columns == NULL || !add_table(picture->schemas, learnt))
        g_hash_table_add(picture->absent, learnt->key);
    g_hash_table_insert(picture->entries, learnt->key, entry);
    picture->oldest = MIN(picture->oldest, entry->at);
}

const HgSchemas *hg_picture_schemas(const HgPicture *picture)
{
    return picture->schemas;
}

const GHashTable *hg_picture_absent(const HgPicture *picture)
{
    return picture->absent;
}

HgEngineState hg_picture_engine(const HgPicture *picture, HgSqlEngine *out)
{
    *out = picture->engine;
    return picture->engine_state;
}

/* ---- the cache ---- */

HgSchemaCache *hg_schema_cache_new(guint ttl, guint most)
{
    HgSchemaCache *cache = g_new0(HgSchemaCache, 1);
    cache->ttl = ttl;
    cache->most = most;
    pthread_mutex_init(&cache->lock, NULL);
    cache->pictures =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)hg_picture_unref);
    return cache;
}

void hg_schema_cache_free(HgSchemaCache *cache)
{
    if (cache == NULL)
        return;
    g_hash_table_unref(cache->pictures);
    pthread_mutex_destroy(&cache->lock);
    g_free(cache);
}

static void copy_engine(HgPicture *picture, const HgPicture *from)
{
    picture->engine_state = from->engine_state;
    picture->engine = from->engine;
    picture->engine_at = from->engine_at;
}

/* Another server may listen there by now. */
static void check_engine(const HgSchemaCache *cache, HgPicture *picture)
{
    if (picture->engine_at < now_ms() - cache->ttl)
        picture->engine_state = HG_ENGINE_UNASKED;
}

/* "3.5.3 32232e9ed33bb16b93ad58cfde8b82e0f07c0970" */
static void note_engine(HgPicture *picture, const char *engine)
{
    picture->engine_state = HG_ENGINE_SPARK;
    picture->engine_at = now_ms();
    if (g_str_has_prefix(engine, "3.5."))
        picture->engine = HG_SQL_SPARK_35;
    else if (g_str_has_prefix(engine, "4.0."))
        picture->engine = HG_SQL_SPARK_40;
    else
        picture->engine_state = HG_ENGINE_OTHER;
}

/* What the old picture shows and is still believed goes into the new one, as far as there is room,
 * but for the keys in `but` (NULL: none). */
static void keep(const HgSchemaCache *cache, HgPicture *picture, const HgPicture *old,
                 GHashTable *but)
{
    GHashTableIter iter;
    gpointer key, value;
    gint64 now = now_ms();
    copy_engine(picture, old);
    g_hash_table_iter_init(&iter, old->entries);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        Entry *entry = value;
        if (g_hash_table_contains(picture->entries, key) || now - entry->at > cache->ttl ||
            g_hash_table_size(picture->entries) >= cache->most ||
            (but != NULL && g_hash_table_contains(but, key)))
            continue;
        atomic_fetch_add_explicit(&entry->references, 1, memory_order_relaxed);
        show(picture, entry);
    }
}

HgPicture *hg_schema_cache_picture(HgSchemaCache *cache, const char *endpoint)
{
    pthread_mutex_lock(&cache->lock);
    HgPicture *found = g_hash_table_lookup(cache->pictures, endpoint);
    if (found == NULL) {
        found = picture_new();
        g_hash_table_insert(cache->pictures, g_strdup(endpoint), found);
    }
    gboolean asked = found->engine_state != HG_ENGINE_UNASKED;
    if (MIN(found->oldest, asked ? found->engine_at : G_MAXINT64) < now_ms() - cache->ttl) {
        HgPicture *fresh = picture_new();
        keep(cache, fresh, found, NULL);
        check_engine(cache, fresh);
        g_hash_table_insert(cache->pictures, g_strdup(endpoint), fresh);
        found = fresh;
    }
    picture_ref(found);
    pthread_mutex_unlock(&cache->lock);
    return found;
}

static void show_learnt(const HgSchemaCache *cache, HgPicture *picture, GPtrArray *learnt)
{
    for (guint i = 0; i < learnt->len; i++) {
        HgLearnt *one = g_ptr_array_index(learnt, i);
        if (one->generation != cache->generation ||
            g_hash_table_contains(picture->entries, one->key)) {
            hg_learnt_free(one);
            continue;
        }
        Entry *entry = g_new0(Entry, 1);
        entry->learnt = one;
        entry->at = now_ms();
        atomic_init(&entry->references, 1);
        show(picture, entry);
    }
    g_ptr_array_set_free_func(learnt, NULL);
}

guint64 hg_schema_cache_generation(HgSchemaCache *cache)
{
    pthread_mutex_lock(&cache->lock);
    guint64 generation = cache->generation;
    pthread_mutex_unlock(&cache->lock);
    return generation;
}

void hg_schema_cache_learn(HgSchemaCache *cache, const char *endpoint, GPtrArray *take_learnt,
                           const char *engine)
{
    pthread_mutex_lock(&cache->lock);
    HgPicture *picture = picture_new();
    const HgPicture *old = g_hash_table_lookup(cache->pictures, endpoint);
    show_learnt(cache, picture, take_learnt);
    if (old != NULL)
        keep(cache, picture, old, NULL);
    if (engine != NULL)
        note_engine(picture, engine);
    g_hash_table_insert(cache->pictures, g_strdup(endpoint), picture);
    pthread_mutex_unlock(&cache->lock);
    g_ptr_array_unref(take_learnt);
}

void hg_schema_cache_forget(HgSchemaCache *cache)
{
    GHashTableIter iter;
    gpointer value;
    pthread_mutex_lock(&cache->lock);
    cache->generation++;
    g_hash_table_iter_init(&iter, cache->pictures);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        HgPicture *empty = picture_new();
        copy_engine(empty, value);
        g_hash_table_iter_replace(&iter, empty);
    }
    pthread_mutex_unlock(&cache->lock);
}

/* The keys of what the picture has shown for a while. */
static GHashTable *settled_keys(const HgPicture *picture, const GPtrArray *keys)
{
    GHashTable *settled = g_hash_table_new(g_str_hash, g_str_equal);
    gint64 before = now_ms() - FRESH;
    for (guint i = 0; i < keys->len; i++) {
        const Entry *entry = g_hash_table_lookup(picture->entries, g_ptr_array_index(keys, i));
        if (entry != NULL && entry->at <= before)
            g_hash_table_add(settled, g_ptr_array_index(keys, i));
    }
    return settled;
}

void hg_schema_cache_forget_tables(HgSchemaCache *cache, const char *endpoint,
                                   const GPtrArray *keys)
{
    pthread_mutex_lock(&cache->lock);
    const HgPicture *old = g_hash_table_lookup(cache->pictures, endpoint);
    g_autoptr(GHashTable) settled = old != NULL ? settled_keys(old, keys) : NULL;
    if (settled != NULL && g_hash_table_size(settled) > 0) {
        HgPicture *rest = picture_new();
        keep(cache, rest, old, settled);
        g_hash_table_insert(cache->pictures, g_strdup(endpoint), rest);
    }
    pthread_mutex_unlock(&cache->lock);
}
