/* Pseudonyms by OpenSSL's HMAC: see pseudonym.h. Owns the key. */
#include "audit/pseudonym.h"

#include "base/error.h"

#include <openssl/hmac.h>

struct HgPseudonyms {
    HgSecret *key;
    gboolean addresses;
};

HgPseudonyms *hg_pseudonyms_load(const char *path, gboolean addresses, GError **error)
{
    g_autoptr(HgSecret) key = NULL;
    HgFileExposure exposure;
    if (!hg_secret_load_file(path, &key, &exposure, error))
        return NULL;
    if (exposure != HG_FILE_PRIVATE) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s can be read by everybody or changed by others, and whoever has it can tell "
                    "whose events are whose: run chmod 600 on it",
                    path);
        return NULL;
    }
    if (hg_secret_slice(key).size < HG_PSEUDONYM_KEY_MIN) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s holds a key of less than %d bytes, which could be guessed; hivegatectl "
                    "audit key pseudonyms makes one",
                    path, HG_PSEUDONYM_KEY_MIN);
        return NULL;
    }
    HgPseudonyms *pseudonyms = g_new0(HgPseudonyms, 1);
    pseudonyms->key = g_steal_pointer(&key);
    pseudonyms->addresses = addresses;
    return pseudonyms;
}

void hg_pseudonyms_free(HgPseudonyms *pseudonyms)
{
    if (pseudonyms == NULL)
        return;
    hg_secret_unref(pseudonyms->key);
    g_free(pseudonyms);
}

void hg_pseudonym_make(const HgPseudonyms *pseudonyms, HgSlice name, char out[HG_PSEUDONYM_TEXT])
{
    guint8 digest[EVP_MAX_MD_SIZE];
    HgSlice key = hg_secret_slice(pseudonyms->key);
    unsigned size = 0;
    if (HMAC(EVP_sha256(), key.data, (int)key.size, name.data, name.size, digest, &size) == NULL)
        g_error("OpenSSL's HMAC failed"); /* only without memory */
    memcpy(out, "p-", 2);
    for (guint i = 0; i < (HG_PSEUDONYM_TEXT - 3) / 2; i++)
        g_snprintf(out + 2 + 2 * i, 3, "%02x", digest[i]);
}

static void replace(const HgPseudonyms *pseudonyms, HgSlice *name, char text[HG_PSEUDONYM_TEXT])
{
    if (name->size == 0)
        return;
    hg_pseudonym_make(pseudonyms, *name, text);
    *name = hg_slice(text, HG_PSEUDONYM_TEXT - 1);
}

/* "192.0.2.7:1234" and "[2001:db8::1]:1234" without the port and the brackets. */
static HgSlice host_of(HgSlice address)
{
    if (address.size == 0)
        return address;
    const guint8 *colon = memrchr(address.data, ':', address.size);
    const guint8 *first = memchr(address.data, ':', address.size);
    if (address.data[0] == '[') {
        const guint8 *end = memchr(address.data, ']', address.size);
        return end != NULL ? hg_slice(address.data + 1, (gsize)(end - address.data) - 1) : address;
    }
    return colon != NULL && colon == first ? hg_slice(address.data, (gsize)(colon - address.data))
                                           : address;
}

void hg_pseudonyms_apply(const HgPseudonyms *pseudonyms, HgAuditEvent *event,
                         HgPseudonymTexts *texts)
{
    replace(pseudonyms, &event->principal, texts->texts[0]);
    replace(pseudonyms, &event->effective_user, texts->texts[1]);
    if (!pseudonyms->addresses)
        return;
    event->client_address = host_of(event->client_address);
    event->peer_address = host_of(event->peer_address);
    replace(pseudonyms, &event->client_address, texts->texts[2]);
    replace(pseudonyms, &event->peer_address, texts->texts[3]);
}
