/* Counting sessions, in all and by user: see quota.h. Owns the counts, under one mutex: opening a
 * session is rare beside everything else. */
#include "proxy/quota.h"

#include <pthread.h>

struct HgQuota {
    pthread_mutex_t lock;
    guint total;
    guint per_user;
    guint used;
    GHashTable *users; /* name -> sessions; no entry for none */
};

HgQuota *hg_quota_new(guint total, guint per_user)
{
    HgQuota *quota = g_new0(HgQuota, 1);
    pthread_mutex_init(&quota->lock, NULL);
    quota->total = total;
    quota->per_user = per_user;
    quota->users = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return quota;
}

void hg_quota_free(HgQuota *quota)
{
    if (quota == NULL)
        return;
    g_hash_table_destroy(quota->users);
    pthread_mutex_destroy(&quota->lock);
    g_free(quota);
}

HgQuotaVerdict hg_quota_take(HgQuota *quota, const char *user)
{
    HgQuotaVerdict verdict = HG_QUOTA_TAKEN;
    pthread_mutex_lock(&quota->lock);
    guint own = GPOINTER_TO_UINT(g_hash_table_lookup(quota->users, user));
    if (quota->per_user != 0 && own >= quota->per_user) {
        verdict = HG_QUOTA_USER_FULL;
    } else if (quota->total != 0 && quota->used >= quota->total) {
        verdict = HG_QUOTA_FULL;
    } else {
        g_hash_table_replace(quota->users, g_strdup(user), GUINT_TO_POINTER(own + 1));
        quota->used++;
    }
    pthread_mutex_unlock(&quota->lock);
    return verdict;
}

void hg_quota_give(HgQuota *quota, const char *user)
{
    pthread_mutex_lock(&quota->lock);
    guint own = GPOINTER_TO_UINT(g_hash_table_lookup(quota->users, user));
    g_assert(own > 0 && quota->used > 0);
    if (own == 1)
        g_hash_table_remove(quota->users, user);
    else
        g_hash_table_replace(quota->users, g_strdup(user), GUINT_TO_POINTER(own - 1));
    quota->used--;
    pthread_mutex_unlock(&quota->lock);
}

guint hg_quota_used(HgQuota *quota)
{
    pthread_mutex_lock(&quota->lock);
    guint used = quota->used;
    pthread_mutex_unlock(&quota->lock);
    return used;
}
