/* Signed cookies: a login over HTTP that was checked, for the requests that follow.
 *
 * A cookie names the user and the second it expires at, under an HMAC-SHA256 that also covers the
 * evidence of the login (for a users file: the user's hash), so that a changed password ends it.
 * Whoever has the key can make and check them: gateways that share a key file accept each other's.
 * Any thread. Checking one is on the path of every request: it allocates nothing. */
#pragma once

#include "auth/name.h"

#define HG_COOKIE_NAME    "hive.server2.auth" /* as Hive's and Spark's own (measured, 3.5.3) */
#define HG_COOKIE_KEY_MIN 32                  /* bytes of a key */

#define HG_COOKIE_MAC 32 /* bytes */

typedef struct HgCookies HgCookies;

/* What a value claims, before anything is checked. */
typedef struct {
    char user[HG_NAME_MAX_BYTES + 1];
    gint64 expires; /* seconds since 1970 */
    guint8 mac[HG_COOKIE_MAC];
} HgCookieClaim;

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
char *hg_cookies_make(HgCookies *cookies, const char *user, HgSlice evidence, gint64 now);

/* Reads what a value claims, so that the user's evidence can be looked up. FALSE, with nothing in
 * *out that may be used, when it is no value as hg_cookies_make() writes it. */
gboolean hg_cookies_read(HgSlice value, HgCookieClaim *out) G_GNUC_WARN_UNUSED_RESULT;

/* TRUE when the value that claims this was made with this key for this user and evidence, and isn't
 * too old at `now`. */
gboolean hg_cookies_check(HgCookies *cookies, const HgCookieClaim *claim, HgSlice evidence,
                          gint64 now) G_GNUC_WARN_UNUSED_RESULT;
