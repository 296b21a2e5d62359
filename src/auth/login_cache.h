/* Remembers how logins ended for a while, so that the next one costs a microsecond.
 *
 * An entry is found by an HMAC-SHA256, under a random key of this process, over the chain and the
 * credentials: the password is in no way kept. Bounded; the entry unused for longest goes first.
 * Any thread. */
#pragma once

#include "auth/method.h"

typedef struct HgLoginCache HgLoginCache;

/* A cache of at most about `entries` logins, each remembered for `ttl_ms` from the moment it was
 * checked (not longer by being used), and no longer than it is good. With 0 of either it remembers
 * nothing. Fails only when OpenSSL lacks HMAC-SHA256. */
gboolean hg_login_cache_new(gint64 ttl_ms, guint entries, HgLoginCache **out, GError **error);

/* Wipes and frees. NULL does nothing. */
void hg_login_cache_free(HgLoginCache *cache);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgLoginCache, hg_login_cache_free)

/* What a remembered login was, and which method of the chain has decided. */
typedef struct {
    HgLogin login;
    guint method;
} HgLoginMemory;

/* TRUE when a login with these credentials by this chain was added and its time isn't over at
 * `now_us` (monotonic; and the wall clock's for good_until). *out is then a copy; clear its login.
 * Never blocks for longer than another look-up. */
gboolean hg_login_cache_find(HgLoginCache *cache, guint chain, const HgCredentials *credentials,
                             gint64 now_us, HgLoginMemory *out);

/* Remembers a login that was checked at `now_us`; the memory is copied. */
void hg_login_cache_add(HgLoginCache *cache, guint chain, const HgCredentials *credentials,
                        gint64 now_us, const HgLoginMemory *memory);

/* Forgets everything. */
void hg_login_cache_forget(HgLoginCache *cache);

/* Logins remembered now, the outdated ones among them too. */
guint hg_login_cache_count(HgLoginCache *cache);
