/* Keys that sign anchors: Ed25519, in PEM files.
 *
 * Ed25519 and no keyed hash, so that whoever checks the audit needs the public key alone, and can't
 * make anchors with it. A key is known by its id: the first 16 hexadecimal digits of the SHA-256 of
 * its 32 public bytes. A ring of public keys holds those that were in use one after the other.
 * Blocks on the disk where a path is given; otherwise any thread. */
#pragma once

#include "base/slice.h"

#define HG_ANCHOR_KEY_ID    17 /* with the NUL */
#define HG_ANCHOR_SIGNATURE 64 /* bytes: RFC 8032 5.1.6 */

typedef struct HgAnchorKey HgAnchorKey;

/* Makes a key: *private_pem as PKCS #8, *public_pem as SubjectPublicKeyInfo. Free both with
 * hg_secret_free_string() and g_free(). */
gboolean hg_anchor_key_make(char **private_pem, char **public_pem, GError **error);

/* Reads a private key. Refuses a file that everybody can read or others can change. */
HgAnchorKey *hg_anchor_key_load(const char *path, GError **error);
void hg_anchor_key_free(HgAnchorKey *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgAnchorKey, hg_anchor_key_free)

/* Its id; borrowed. */
const char *hg_anchor_key_id(const HgAnchorKey *key);

/* Signs the text. FALSE only without memory. */
gboolean hg_anchor_key_sign(const HgAnchorKey *key, HgSlice text,
                            guint8 out[HG_ANCHOR_SIGNATURE]) G_GNUC_WARN_UNUSED_RESULT;

/* ---- public keys ---- */

typedef struct HgAnchorKeys HgAnchorKeys;

/* What a look at a signature found. */
typedef enum {
    HG_ANCHOR_GOOD,
    HG_ANCHOR_UNKNOWN, /* the ring has no key with this id */
    HG_ANCHOR_FORGED,  /* the signature isn't this key's over this text */
} HgAnchorTrust;

/* An empty ring. */
HgAnchorKeys *hg_anchor_keys_new(void);
void hg_anchor_keys_free(HgAnchorKeys *keys);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgAnchorKeys, hg_anchor_keys_free)

/* Adds all keys of a PEM file: public ones, or the public halves of private ones. */
gboolean hg_anchor_keys_add(HgAnchorKeys *keys, const char *path, GError **error);

/* How many there are, and the id of one; borrowed. */
guint hg_anchor_keys_count(const HgAnchorKeys *keys);
const char *hg_anchor_keys_id(const HgAnchorKeys *keys, guint number);

/* Checks a signature by the key with this id. */
HgAnchorTrust hg_anchor_keys_check(const HgAnchorKeys *keys, const char *id, HgSlice text,
                                   const guint8 signature[HG_ANCHOR_SIGNATURE]);
