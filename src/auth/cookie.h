/* Signed cookies: a login over HTTP that was checked, for the requests that follow.
 *
 * A cookie names the user and the second it expires at, under an HMAC-SHA256 that also covers the
 * evidence of the login (for a users file: the user's hash), so that a changed password ends it.
 * Whoever has the key can make and check them: gateways that share a key file accept each other's.
 * Immutable; any thread. */
#pragma once

#include "base/slice.h"

#define HG_COOKIE_NAME    "hive.server2.auth" /* as Hive's and Spark's own (measured, 3.5.3) */
#define HG_COOKIE_KEY_MIN 32                  /* bytes of a key */

typedef struct HgCookies HgCookies;

/* Cookies that are good for `max_age` seconds. `key` is copied; an empty one stands for a random
 * key of this process. Fails when the key is shorter than HG_COOKIE_KEY_MIN. */
gboolean hg_cookies_new(HgSlice key, guint max_age, HgCookies **out, GError **error);

/* Wipes and frees. NULL does nothing. */
void hg_cookies_free(HgCookies *cookies);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgCookies, hg_cookies_free)

/* Seconds that a new cookie is good for. */
guint hg_cookies_max_age(const HgCookies *cookies);

/* The value of a cookie for a user, made at `now` (seconds since 1970). Free with g_free; NULL when
 * OpenSSL fails. */
char *hg_cookies_make(const HgCookies *cookies, const char *user, HgSlice evidence, gint64 now);

/* The user that a value claims, before anything is checked, so that the evidence can be looked up:
 * NULL when it is no value of ours. Free with g_free. */
char *hg_cookies_claimed_user(HgSlice value);

/* TRUE when the value was made with this key for this user and evidence, and isn't too old at
 * `now`. */
gboolean hg_cookies_check(const HgCookies *cookies, HgSlice value, HgSlice evidence, gint64 now);
