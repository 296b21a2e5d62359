/* The sharded map of handles: see directory.h. Each shard has a mutex and two hash tables, keyed by
 * the guid half, which is random and so its own hash. Any thread. */
#include "proxy/directory.h"

#include <pthread.h>

#define SHARDS 64 /* a power of two */

typedef struct {
    pthread_mutex_t lock;
    GHashTable *sessions;   /* guid (inside the value) -> HgSession */
    GHashTable *operations; /* guid (inside the value) -> HgOperation */
} Shard;

struct HgDirectory {
    Shard shards[SHARDS];
};

static guint hash_guid(gconstpointer key)
{
    guint32 word;
    memcpy(&word, (const guint8 *)key + 4, sizeof word);
    return word;
}

static gboolean equal_guid(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, HG_HANDLE_HALF) == 0;
}

static Shard *shard_of(HgDirectory *directory, const HgHandle *handle)
{
    return &directory->shards[handle->guid[0] % SHARDS];
}

HgDirectory *hg_directory_new(void)
{
    HgDirectory *directory = g_new0(HgDirectory, 1);
    for (guint i = 0; i < SHARDS; i++) {
        Shard *shard = &directory->shards[i];
        pthread_mutex_init(&shard->lock, NULL);
        shard->sessions =
            g_hash_table_new_full(hash_guid, equal_guid, NULL, (GDestroyNotify)hg_session_unref);
        shard->operations =
            g_hash_table_new_full(hash_guid, equal_guid, NULL, (GDestroyNotify)hg_operation_unref);
    }
    return directory;
}

void hg_directory_free(HgDirectory *directory)
{
    if (directory == NULL)
        return;
    for (guint i = 0; i < SHARDS; i++) {
        g_hash_table_destroy(directory->shards[i].operations);
        g_hash_table_destroy(directory->shards[i].sessions);
        pthread_mutex_destroy(&directory->shards[i].lock);
    }
    g_free(directory);
}

void hg_directory_add_session(HgDirectory *directory, HgSession *session)
{
    const HgHandle *handle = hg_session_handle(session);
    Shard *shard = shard_of(directory, handle);
    pthread_mutex_lock(&shard->lock);
    g_hash_table_insert(shard->sessions, (gpointer)handle->guid, hg_session_ref(session));
    pthread_mutex_unlock(&shard->lock);
}

void hg_directory_add_operation(HgDirectory *directory, HgOperation *operation)
{
    const HgHandle *handle = hg_operation_handle(operation);
    Shard *shard = shard_of(directory, handle);
    pthread_mutex_lock(&shard->lock);
    g_hash_table_insert(shard->operations, (gpointer)handle->guid, hg_operation_ref(operation));
    pthread_mutex_unlock(&shard->lock);
}

HgSession *hg_directory_find_session(HgDirectory *directory, const HgHandle *handle)
{
    Shard *shard = shard_of(directory, handle);
    pthread_mutex_lock(&shard->lock);
    HgSession *session = g_hash_table_lookup(shard->sessions, handle->guid);
    if (session != NULL && hg_handle_equal(hg_session_handle(session), handle))
        hg_session_ref(session);
    else
        session = NULL;
    pthread_mutex_unlock(&shard->lock);
    return session;
}

HgOperation *hg_directory_find_operation(HgDirectory *directory, const HgHandle *handle)
{
    Shard *shard = shard_of(directory, handle);
    pthread_mutex_lock(&shard->lock);
    HgOperation *operation = g_hash_table_lookup(shard->operations, handle->guid);
    if (operation != NULL && hg_handle_equal(hg_operation_handle(operation), handle))
        hg_operation_ref(operation);
    else
        operation = NULL;
    pthread_mutex_unlock(&shard->lock);
    return operation;
}

void hg_directory_remove_operation(HgDirectory *directory, HgOperation *operation)
{
    hg_operation_unlink(operation);
    Shard *shard = shard_of(directory, hg_operation_handle(operation));
    gpointer held = NULL;
    pthread_mutex_lock(&shard->lock);
    g_hash_table_steal_extended(shard->operations, hg_operation_handle(operation)->guid, NULL,
                                &held);
    pthread_mutex_unlock(&shard->lock);
    hg_operation_unref(held); /* may free the session: outside the lock */
}

GPtrArray *hg_directory_remove_session(HgDirectory *directory, HgSession *session)
{
    Shard *shard = shard_of(directory, hg_session_handle(session));
    gpointer held = NULL;
    pthread_mutex_lock(&shard->lock);
    g_hash_table_steal_extended(shard->sessions, hg_session_handle(session)->guid, NULL, &held);
    pthread_mutex_unlock(&shard->lock);
    GPtrArray *operations = hg_session_take_operations(session);
    for (guint i = 0; i < operations->len; i++)
        hg_directory_remove_operation(directory, g_ptr_array_index(operations, i));
    hg_session_unref(held);
    return operations;
}

guint hg_directory_size(HgDirectory *directory)
{
    guint size = 0;
    for (guint i = 0; i < SHARDS; i++) {
        Shard *shard = &directory->shards[i];
        pthread_mutex_lock(&shard->lock);
        size += g_hash_table_size(shard->sessions) + g_hash_table_size(shard->operations);
        pthread_mutex_unlock(&shard->lock);
    }
    return size;
}

void hg_directory_count(HgDirectory *directory, HgDirectoryCounts *out)
{
    *out = (HgDirectoryCounts){0};
    for (guint i = 0; i < SHARDS; i++) {
        Shard *shard = &directory->shards[i];
        GHashTableIter iter;
        gpointer entry;
        pthread_mutex_lock(&shard->lock);
        g_hash_table_iter_init(&iter, shard->sessions);
        while (g_hash_table_iter_next(&iter, NULL, &entry)) {
            HgSessionState state = hg_session_state(entry);
            out->sessions_open += state == HG_SESSION_OPEN;
            out->sessions_lost += state == HG_SESSION_LOST;
        }
        g_hash_table_iter_init(&iter, shard->operations);
        while (g_hash_table_iter_next(&iter, NULL, &entry))
            *(hg_operation_has_ended(entry) ? &out->operations_ended : &out->operations_running) +=
                1;
        pthread_mutex_unlock(&shard->lock);
    }
}

GPtrArray *hg_directory_sessions(HgDirectory *directory)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)hg_session_unref);
    for (guint i = 0; i < SHARDS; i++) {
        Shard *shard = &directory->shards[i];
        GHashTableIter iter;
        gpointer session;
        pthread_mutex_lock(&shard->lock);
        g_hash_table_iter_init(&iter, shard->sessions);
        while (g_hash_table_iter_next(&iter, NULL, &session))
            g_ptr_array_add(all, hg_session_ref(session));
        pthread_mutex_unlock(&shard->lock);
    }
    return all;
}

GPtrArray *hg_directory_operations(HgDirectory *directory)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)hg_operation_unref);
    for (guint i = 0; i < SHARDS; i++) {
        Shard *shard = &directory->shards[i];
        GHashTableIter iter;
        gpointer operation;
        pthread_mutex_lock(&shard->lock);
        g_hash_table_iter_init(&iter, shard->operations);
        while (g_hash_table_iter_next(&iter, NULL, &operation))
            g_ptr_array_add(all, hg_operation_ref(operation));
        pthread_mutex_unlock(&shard->lock);
    }
    return all;
}

guint hg_directory_resident_work(HgDirectory *directory)
{
    guint work = 0;
    for (guint i = 0; i < SHARDS; i++) {
        Shard *shard = &directory->shards[i];
        GHashTableIter iter;
        gpointer session;
        pthread_mutex_lock(&shard->lock);
        g_hash_table_iter_init(&iter, shard->sessions);
        while (g_hash_table_iter_next(&iter, NULL, &session))
            if (hg_session_worker(session) != NULL)
                work += hg_session_work(session);
        pthread_mutex_unlock(&shard->lock);
    }
    return work;
}
