/* Signed cookies: see cookie.h. The value is v=1&cu=NAME&ex=SECONDS&s=MAC, with name and MAC in
 * base64 for URLs. Owns the key. */
#include "auth/cookie.h"

#include "auth/name.h"
#include "base/error.h"
#include "base/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#define MAC_BYTES  32
#define VALUE_MOST 1024 /* bytes of a value of ours */

struct HgCookies {
    HgSecret *key;
    guint max_age;
};

/* A value taken apart. */
typedef struct {
    char *user;
    gint64 expires;
    guint8 mac[MAC_BYTES];
} Parts;

gboolean hg_cookies_new(HgSlice key, guint max_age, HgCookies **out, GError **error)
{
    guint8 random[HG_COOKIE_KEY_MIN];
    if (key.size > 0 && key.size < HG_COOKIE_KEY_MIN) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "the key has %" G_GSIZE_FORMAT " bytes; expected at least %d random ones, such "
                    "as openssl rand -hex 32 gives",
                    key.size, HG_COOKIE_KEY_MIN);
        return FALSE;
    }
    if (key.size == 0 && RAND_bytes(random, sizeof random) != 1) {
        g_set_error(error, HG_ERROR, HG_ERROR_FAILED,
                    "OpenSSL has no random bytes; check its configuration");
        return FALSE;
    }
    HgCookies *cookies = g_new0(HgCookies, 1);
    cookies->key = hg_secret_new(key.size > 0 ? key : hg_slice(random, sizeof random));
    cookies->max_age = max_age;
    explicit_bzero(random, sizeof random);
    *out = cookies;
    return TRUE;
}

void hg_cookies_free(HgCookies *cookies)
{
    if (cookies == NULL)
        return;
    hg_secret_unref(cookies->key);
    g_free(cookies);
}

guint hg_cookies_max_age(const HgCookies *cookies)
{
    return cookies->max_age;
}

/* ---- base64 for URLs (RFC 4648 5), without padding ---- */

static char *encode(HgSlice bytes)
{
    char *text = g_base64_encode(bytes.data, bytes.size);
    g_strdelimit(text, "+", '-');
    g_strdelimit(text, "/", '_');
    text[strcspn(text, "=")] = '\0';
    return text;
}

/* The bytes of a text that is exactly what encode() writes; NULL otherwise. */
static GBytes *decode(const char *text)
{
    gsize size = 0;
    gsize length = strlen(text);
    g_autofree char *padded = g_strconcat(text,
                                          length % 4 == 2   ? "=="
                                          : length % 4 == 3 ? "="
                                                            : "",
                                          NULL);
    g_strdelimit(padded, "-", '+');
    g_strdelimit(padded, "_", '/');
    guchar *bytes = g_base64_decode(padded, &size);
    g_autofree char *again = encode(hg_slice(bytes, size));
    if (strcmp(again, text) == 0)
        return g_bytes_new_take(bytes, size);
    g_free(bytes);
    return NULL;
}

/* ---- values ---- */

/* Takes a value of ours apart; the caller frees parts->user. */
static gboolean take_apart(HgSlice value, Parts *parts)
{
    if (value.size == 0 || value.size > VALUE_MOST)
        return FALSE;
    g_autofree char *text = hg_slice_dup_string(value);
    g_auto(GStrv) fields = g_strsplit(text, "&", 5);
    if (strlen(text) != value.size || g_strv_length(fields) != 4 || strcmp(fields[0], "v=1") != 0 ||
        !g_str_has_prefix(fields[1], "cu=") || !g_str_has_prefix(fields[2], "ex=") ||
        !g_str_has_prefix(fields[3], "s="))
        return FALSE;
    guint64 expires;
    if (!g_ascii_string_to_unsigned(fields[2] + 3, 10, 0, G_MAXINT64 / 2, &expires, NULL))
        return FALSE;
    g_autoptr(GBytes) user = decode(fields[1] + 3);
    g_autoptr(GBytes) mac = decode(fields[3] + 2);
    if (user == NULL || mac == NULL || g_bytes_get_size(mac) != MAC_BYTES)
        return FALSE;
    HgSlice name = hg_slice(g_bytes_get_data(user, NULL), g_bytes_get_size(user));
    if (!hg_user_name_check(name, NULL))
        return FALSE;
    parts->user = hg_slice_dup_string(name);
    parts->expires = (gint64)expires;
    memcpy(parts->mac, g_bytes_get_data(mac, NULL), MAC_BYTES);
    return TRUE;
}

static void add_part(GByteArray *to, HgSlice part)
{
    guint64 size = part.size;
    g_byte_array_append(to, (const guint8 *)&size, sizeof size);
    g_byte_array_append(to, part.data, (guint)part.size);
}

static gboolean sign(const HgCookies *cookies, const char *user, gint64 expires, HgSlice evidence,
                     guint8 mac[MAC_BYTES])
{
    HgSlice key = hg_secret_slice(cookies->key);
    guint size = 0;
    g_autoptr(GByteArray) signed_bytes = g_byte_array_new();
    add_part(signed_bytes, hg_slice_from_string("hivegate cookie 1"));
    add_part(signed_bytes, hg_slice_from_string(user));
    add_part(signed_bytes, hg_slice(&expires, sizeof expires));
    add_part(signed_bytes, evidence);
    return HMAC(EVP_sha256(), key.data, (int)key.size, signed_bytes->data, signed_bytes->len, mac,
                &size) != NULL &&
           size == MAC_BYTES;
}

char *hg_cookies_make(const HgCookies *cookies, const char *user, HgSlice evidence, gint64 now)
{
    guint8 mac[MAC_BYTES];
    gint64 expires = now + cookies->max_age;
    if (!sign(cookies, user, expires, evidence, mac))
        return NULL;
    g_autofree char *name = encode(hg_slice_from_string(user));
    g_autofree char *signature = encode(hg_slice(mac, sizeof mac));
    return g_strdup_printf("v=1&cu=%s&ex=%" G_GINT64_FORMAT "&s=%s", name, expires, signature);
}

char *hg_cookies_claimed_user(HgSlice value)
{
    Parts parts;
    return take_apart(value, &parts) ? parts.user : NULL;
}

gboolean hg_cookies_check(const HgCookies *cookies, HgSlice value, HgSlice evidence, gint64 now)
{
    Parts parts;
    guint8 mac[MAC_BYTES];
    if (!take_apart(value, &parts))
        return FALSE;
    g_autofree char *user = parts.user;
    return sign(cookies, user, parts.expires, evidence, mac) &&
           CRYPTO_memcmp(mac, parts.mac, MAC_BYTES) == 0 && now < parts.expires &&
           parts.expires <= now + cookies->max_age;
}
