/* Ed25519 by OpenSSL: see anchor_key.h. Owns OpenSSL's keys. */
#include "audit/anchor_key.h"

#include "base/error.h"
#include "base/secret.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#define FILE_MAX 65536
#define RAW      32

struct HgAnchorKey {
    EVP_PKEY *key;
    char id[HG_ANCHOR_KEY_ID];
};

struct HgAnchorKeys {
    GPtrArray *list; /* of HgAnchorKey */
};

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)

void hg_anchor_key_free(HgAnchorKey *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->key);
    g_free(key);
}

/* Takes the key; NULL when it is none for Ed25519. */
static HgAnchorKey *key_take(EVP_PKEY *key)
{
    guint8 raw[RAW], digest[EVP_MAX_MD_SIZE];
    gsize size = sizeof raw;
    if (EVP_PKEY_is_a(key, "ED25519") != 1 || EVP_PKEY_get_raw_public_key(key, raw, &size) != 1 ||
        size != RAW || EVP_Digest(raw, RAW, digest, NULL, EVP_sha256(), NULL) != 1) {
        EVP_PKEY_free(key);
        return NULL;
    }
    HgAnchorKey *taken = g_new0(HgAnchorKey, 1);
    taken->key = key;
    for (guint i = 0; i < (HG_ANCHOR_KEY_ID - 1) / 2; i++)
        g_snprintf(taken->id + 2 * i, 3, "%02x", digest[i]);
    return taken;
}

/* What was written, as text. */
static char *text_of(BIO *bio)
{
    char *bytes = NULL;
    long size = BIO_get_mem_data(bio, &bytes);
    return g_strndup(bytes, size > 0 ? (gsize)size : 0);
}

gboolean hg_anchor_key_make(char **private_pem, char **public_pem, GError **error)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    g_autoptr(BIO) secret = BIO_new(BIO_s_secmem());
    g_autoptr(BIO) known = BIO_new(BIO_s_mem());
    gboolean ok = key != NULL && secret != NULL && known != NULL &&
                  PEM_write_bio_PKCS8PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                  PEM_write_bio_PUBKEY(known, key) == 1;
    EVP_PKEY_free(key);
    if (!ok) {
        g_set_error_literal(error, HG_ERROR, HG_ERROR_FAILED, "OpenSSL can't make an Ed25519 key");
        return FALSE;
    }
    *private_pem = text_of(secret);
    *public_pem = text_of(known);
    return TRUE;
}

/* A passphrase isn't asked for: nobody is there to type it. */
static int no_passphrase(char *buffer, int size, int writing, void *data)
{
    return -1;
}

HgAnchorKey *hg_anchor_key_load(const char *path, GError **error)
{
    g_autoptr(HgSecret) text = NULL;
    HgFileExposure exposure;
    if (!hg_secret_read_file(path, FILE_MAX, &text, &exposure, error))
        return NULL;
    if (exposure != HG_FILE_PRIVATE) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s can be read by everybody or changed by others, and whoever has it can sign "
                    "anchors: run chmod 600 on it",
                    path);
        return NULL;
    }
    HgSlice pem = hg_secret_slice(text);
    g_autoptr(BIO) bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    HgAnchorKey *taken = key != NULL ? key_take(key) : NULL;
    if (taken == NULL)
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s holds no private Ed25519 key without a passphrase; hivegatectl audit key "
                    "new makes one",
                    path);
    return taken;
}

const char *hg_anchor_key_id(const HgAnchorKey *key)
{
    return key->id;
}

gboolean hg_anchor_key_sign(const HgAnchorKey *key, HgSlice text, guint8 out[HG_ANCHOR_SIGNATURE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    gsize size = HG_ANCHOR_SIGNATURE;
    gboolean ok = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) == 1 &&
                  EVP_DigestSign(context, out, &size, text.data, text.size) == 1 &&
                  size == HG_ANCHOR_SIGNATURE;
    EVP_MD_CTX_free(context);
    return ok;
}

/* ---- public keys ---- */

HgAnchorKeys *hg_anchor_keys_new(void)
{
    HgAnchorKeys *keys = g_new0(HgAnchorKeys, 1);
    keys->list = g_ptr_array_new_with_free_func((GDestroyNotify)hg_anchor_key_free);
    return keys;
}

void hg_anchor_keys_free(HgAnchorKeys *keys)
{
    if (keys == NULL)
        return;
    g_ptr_array_unref(keys->list);
    g_free(keys);
}

/* Adds what the reader finds, one after the other. */
static void add_all(HgAnchorKeys *keys, HgSlice pem, gboolean secret)
{
    g_autoptr(BIO) bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    for (;;) {
        EVP_PKEY *key = secret ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL)
                               : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
        HgAnchorKey *taken = key != NULL ? key_take(key) : NULL;
        if (key == NULL)
            return;
        if (taken != NULL)
            g_ptr_array_add(keys->list, taken);
    }
}

gboolean hg_anchor_keys_add(HgAnchorKeys *keys, const char *path, GError **error)
{
    g_autoptr(HgSecret) text = NULL;
    HgFileExposure exposure;
    guint before = keys->list->len;
    if (!hg_secret_read_file(path, FILE_MAX, &text, &exposure, error))
        return FALSE;
    add_all(keys, hg_secret_slice(text), FALSE);
    if (keys->list->len == before)
        add_all(keys, hg_secret_slice(text), TRUE);
    if (keys->list->len > before)
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "%s holds no Ed25519 key in PEM; hivegatectl audit key new writes one", path);
    return FALSE;
}

guint hg_anchor_keys_count(const HgAnchorKeys *keys)
{
    return keys->list->len;
}

const char *hg_anchor_keys_id(const HgAnchorKeys *keys, guint number)
{
    const HgAnchorKey *key = g_ptr_array_index(keys->list, number);
    return key->id;
}

static gboolean is_signed(const HgAnchorKey *key, HgSlice text, const guint8 *signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    gboolean ok =
        context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->key) == 1 &&
        EVP_DigestVerify(context, signature, HG_ANCHOR_SIGNATURE, text.data, text.size) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

HgAnchorTrust hg_anchor_keys_check(const HgAnchorKeys *keys, const char *id, HgSlice text,
                                   const guint8 signature[HG_ANCHOR_SIGNATURE])
{
    HgAnchorTrust trust = HG_ANCHOR_UNKNOWN;
    for (guint i = 0; i < keys->list->len && trust != HG_ANCHOR_GOOD; i++) {
        const HgAnchorKey *key = g_ptr_array_index(keys->list, i);
        if (strcmp(key->id, id) == 0)
            trust = is_signed(key, text, signature) ? HG_ANCHOR_GOOD : HG_ANCHOR_FORGED;
    }
    return trust;
}
