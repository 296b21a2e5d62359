/* Remembers successful logins for a while, so that logging in again costs a microsecond.
 *
 * An entry is an HMAC-SHA256, under a random key of this process, over name, password and evidence
 * (for a users file: the user's hash). The password is in no way kept, and an entry of a user whose
 * hash changed can't match any more. Bounded; the entry unused for longest goes first. Any thread.
 */
#pragma once

#include "base/slice.h"

typedef struct HgLoginCache HgLoginCache;

/* A cache of at most about `entries` logins, each remembered for `ttl_ms` from the moment it was
 * checked (not longer by being used). With 0 of either it remembers nothing. Fails only when
 * OpenSSL lacks HMAC-SHA256. */
gboolean hg_login_cache_new(gint64 ttl_ms, guint entries, HgLoginCache **out, GError **error);

/* Wipes and frees. NULL does nothing. */
void hg_login_cache_free(HgLoginCache *cache);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgLoginCache, hg_login_cache_free)

/* TRUE when exactly this login was added and its time isn't over at `now_us` (monotonic). Never
 * blocks for longer than another look-up. */
gboolean hg_login_cache_has(HgLoginCache *cache, HgSlice name, HgSlice password, HgSlice evidence,
                            gint64 now_us);

/* Remembers a login that was checked at `now_us`. */
void hg_login_cache_add(HgLoginCache *cache, HgSlice name, HgSlice password, HgSlice evidence,
                        gint64 now_us);

/* Logins remembered now, the outdated ones among them too. */
guint hg_login_cache_count(HgLoginCache *cache);
