/* The quota: how many sessions there may be, in all and for one user.
 *
 * A session costs a backend connection and a thread of its server, so one user who opens sessions
 * without end must not take what the others need. Counts are exact: whoever takes gives back. */
#pragma once

#include <glib.h>

typedef struct HgQuota HgQuota;

typedef enum {
    HG_QUOTA_TAKEN,
    HG_QUOTA_FULL,      /* all sessions there may be are open */
    HG_QUOTA_USER_FULL, /* this user has as many as one may have */
} HgQuotaVerdict;

/* A quota of `total` sessions, `per_user` for each user; 0 = no limit. */
HgQuota *hg_quota_new(guint total, guint per_user);

/* Frees it. NULL is fine. */
void hg_quota_free(HgQuota *quota);

/* Counts a session in for `user`, or says why not. Any thread. */
HgQuotaVerdict hg_quota_take(HgQuota *quota, const char *user) G_GNUC_WARN_UNUSED_RESULT;

/* Counts a session out that was counted in. Any thread. */
void hg_quota_give(HgQuota *quota, const char *user);

/* Sessions counted in now. Any thread. */
guint hg_quota_used(HgQuota *quota);
