/* Signed cookies: see cookie.h. The value is v=1&cu=NAME&ex=SECONDS&s=MAC, with name and MAC in
 * base64 for URLs. Owns the key; any thread.
 *
 * A MAC context that is used again costs 0.5 us and a new one 3, so there are some, each with its
 * own lock. */
#include "auth/cookie.h"

#include "base/error.h"
#include "base/secret.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>

#define SIGNERS       8
#define EXPIRES_MOST  18 /* digits */
#define EVIDENCE_MOST ((gsize)4096)
#define CLOCK_SKEW    60 /* seconds by which gateways that share a key may be apart */

typedef struct {
    pthread_mutex_t lock;
    EVP_MAC_CTX *mac; /* keyed; started anew for each value */
} Signer;

struct HgCookies {
    guint max_age;
    Signer signers[SIGNERS];
};

/* With a key of this process when none is given. */
static gboolean start_signers(HgCookies *cookies, HgSlice key)
{
    guint8 random[HG_COOKIE_KEY_MIN];
    OSSL_PARAM digest[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    gboolean ok = key.size > 0 || RAND_bytes(random, sizeof random) == 1;
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (key.size == 0)
        key = hg_slice(random, sizeof random);
    for (guint i = 0; ok && i < SIGNERS; i++) {
        cookies->signers[i].mac = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
        ok = cookies->signers[i].mac != NULL &&
             EVP_MAC_init(cookies->signers[i].mac, key.data, key.size, digest) == 1;
    }
    EVP_MAC_free(hmac);
    explicit_bzero(random, sizeof random);
    return ok;
}

gboolean hg_cookies_new(HgSlice key, guint max_age, HgCookies **out, GError **error)
{
    if (key.size > 0 && key.size < HG_COOKIE_KEY_MIN) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "the key has %" G_GSIZE_FORMAT " bytes; expected at least %d random ones, such "
                    "as openssl rand -hex 32 gives",
                    key.size, HG_COOKIE_KEY_MIN);
        return FALSE;
    }
    g_autoptr(HgCookies) cookies = g_new0(HgCookies, 1);
    cookies->max_age = max_age;
    for (guint i = 0; i < SIGNERS; i++)
        pthread_mutex_init(&cookies->signers[i].lock, NULL);
    if (!start_signers(cookies, key)) {
        g_set_error(error, HG_ERROR, HG_ERROR_FAILED,
                    "OpenSSL offers no HMAC-SHA256 or no random bytes; check its configuration");
        return FALSE;
    }
    *out = g_steal_pointer(&cookies);
    return TRUE;
}

void hg_cookies_free(HgCookies *cookies)
{
    if (cookies == NULL)
        return;
    for (guint i = 0; i < SIGNERS; i++) {
        EVP_MAC_CTX_free(cookies->signers[i].mac); /* wipes the key */
        pthread_mutex_destroy(&cookies->signers[i].lock);
    }
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

/* The six bits that a character stands for; -1 for none. */
static int bits_of(guint8 byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    return byte == '-' ? 62 : byte == '_' ? 63 : -1;
}

/* Decodes a text that is exactly what encode() writes, into at most `room` bytes. FALSE for any
 * other: a value has one spelling. */
static gboolean decode(HgSlice text, guint8 *out, gsize room, gsize *size)
{
    guint32 held = 0;
    guint count = 0; /* bits in `held` */
    gsize made = 0;
    for (gsize i = 0; i < text.size; i++) {
        int bits = bits_of(text.data[i]);
        if (bits < 0)
            return FALSE;
        held = (held << 6 | (guint)bits) & 0xfff;
        count += 6;
        if (count < 8)
            continue;
        if (made == room)
            return FALSE;
        count -= 8;
        out[made++] = (guint8)(held >> count);
    }
    *size = made;
    return count < 6 && (held & ((1u << count) - 1)) == 0;
}

/* ---- values ---- */

/* Cuts `prefix` and what follows it up to the next '&', or to the end for the last part, off the
 * front. FALSE when it isn't so. */
static gboolean cut_part(HgSlice *rest, const char *prefix, gboolean last, HgSlice *out)
{
    gsize skip = strlen(prefix);
    if (rest->size < skip || memcmp(rest->data, prefix, skip) != 0)
        return FALSE;
    *rest = hg_slice(rest->data + skip, rest->size - skip);
    const guint8 *end = rest->size > 0 ? memchr(rest->data, '&', rest->size) : NULL;
    if ((end == NULL) != last)
        return FALSE;
    *out = hg_slice(rest->data, last ? rest->size : (gsize)(end - rest->data));
    gsize used = out->size + (last ? 0 : 1);
    *rest = hg_slice(rest->data + used, rest->size - used);
    return TRUE;
}

static gboolean read_seconds(HgSlice text, gint64 *out)
{
    gint64 seconds = 0;
    for (gsize i = 0; i < text.size; i++) {
        if (!g_ascii_isdigit(text.data[i]))
            return FALSE;
        seconds = seconds * 10 + (text.data[i] - '0');
    }
    *out = seconds;
    return text.size > 0 && text.data[0] != '0';
}

gboolean hg_cookies_read(HgSlice value, HgCookieClaim *out)
{
    HgSlice version, user, expires, mac;
    gsize size = 0;
    if (!cut_part(&value, "v=", FALSE, &version) || !hg_slice_equal_string(version, "1") ||
        !cut_part(&value, "cu=", FALSE, &user) || !cut_part(&value, "ex=", FALSE, &expires) ||
        !cut_part(&value, "s=", TRUE, &mac))
        return FALSE;
    if (expires.size > EXPIRES_MOST || !read_seconds(expires, &out->expires) ||
        !decode(mac, out->mac, HG_COOKIE_MAC, &size) || size != HG_COOKIE_MAC ||
        !decode(user, (guint8 *)out->user, HG_NAME_MAX_BYTES, &size))
        return FALSE;
    out->user[size] = '\0';
    return hg_user_name_check(hg_slice(out->user, size), NULL);
}

/* Puts a part with its length in front, so that no two sets of parts are the same bytes. */
static guint8 *put_part(guint8 *to, HgSlice part)
{
    guint64 size = part.size;
    memcpy(to, &size, sizeof size);
    if (part.size > 0)
        memcpy(to + sizeof size, part.data, part.size);
    return to + sizeof size + part.size;
}

/* `hint`: anything that differs from value to value. */
static gboolean sign(HgCookies *cookies, guint hint, const char *user, gint64 expires,
                     HgSlice evidence, guint8 mac[HG_COOKIE_MAC])
{
    static const char purpose[] = "hivegate cookie 1";
    guint8 bytes[4 * sizeof(guint64) + sizeof purpose + HG_NAME_MAX_BYTES + sizeof expires +
                 EVIDENCE_MOST];
    HgSlice name = hg_slice_from_string(user);
    size_t size = 0;
    if (name.size > HG_NAME_MAX_BYTES || evidence.size > EVIDENCE_MOST)
        return FALSE;
    guint8 *end = put_part(bytes, hg_slice_from_string(purpose));
    end = put_part(end, name);
    end = put_part(end, hg_slice(&expires, sizeof expires));
    end = put_part(end, evidence);
    Signer *signer = &cookies->signers[hint % SIGNERS];
    pthread_mutex_lock(&signer->lock);
    gboolean ok = EVP_MAC_init(signer->mac, NULL, 0, NULL) == 1 &&
                  EVP_MAC_update(signer->mac, bytes, (gsize)(end - bytes)) == 1 &&
                  EVP_MAC_final(signer->mac, mac, &size, HG_COOKIE_MAC) == 1 &&
                  size == HG_COOKIE_MAC;
    pthread_mutex_unlock(&signer->lock);
    return ok;
}

char *hg_cookies_make(HgCookies *cookies, const char *user, HgSlice evidence, gint64 now)
{
    guint8 mac[HG_COOKIE_MAC];
    gint64 expires = now + cookies->max_age;
    if (!sign(cookies, (guint)expires, user, expires, evidence, mac))
        return NULL;
    g_autofree char *name = encode(hg_slice_from_string(user));
    g_autofree char *signature = encode(hg_slice(mac, sizeof mac));
    return g_strdup_printf("v=1&cu=%s&ex=%" G_GINT64_FORMAT "&s=%s", name, expires, signature);
}

gboolean hg_cookies_check(HgCookies *cookies, const HgCookieClaim *claim, HgSlice evidence,
                          gint64 now)
{
    guint8 mac[HG_COOKIE_MAC];
    return sign(cookies, claim->mac[0], claim->user, claim->expires, evidence, mac) &&
           CRYPTO_memcmp(mac, claim->mac, HG_COOKIE_MAC) == 0 && now < claim->expires &&
           claim->expires <= now + cookies->max_age + CLOCK_SKEW;
}
