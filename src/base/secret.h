/* Secrets: bytes that are wiped when the last reference goes, and the files they come from.
 *
 * A secret is read from a file or the environment, never from the command line or the configuration
 * file itself. Immutable after creation and counted, so that any thread may hold it. Its bytes are
 * followed by a NUL that doesn't count. */
#pragma once

#include "base/slice.h"

typedef struct HgSecret HgSecret;

/* Who besides its owner can get at a file. Group access counts as shared only when writing: letting
 * a group read (0640) is how services are given their secrets. */
typedef enum {
    HG_FILE_PRIVATE,  /* nobody, or its group for reading */
    HG_FILE_READABLE, /* everybody on the machine can read it */
    HG_FILE_WRITABLE, /* its group or everybody can change it */
} HgFileExposure;

/* A secret with a copy of the bytes. */
HgSecret *hg_secret_new(HgSlice bytes);

/* Takes another reference, and gives it back. Unref of NULL does nothing. Any thread. */
HgSecret *hg_secret_ref(HgSecret *secret);
void hg_secret_unref(HgSecret *secret);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgSecret, hg_secret_unref)

/* The bytes; borrowed, NUL-terminated behind the end. */
HgSlice hg_secret_slice(const HgSecret *secret);

/* Reads a whole regular file of at most `max` bytes, as it is. *exposure says who else can get at
 * it. Blocks on the disk: not on a worker thread. */
gboolean hg_secret_read_file(const char *path, gsize max, HgSecret **out, HgFileExposure *exposure,
                             GError **error);

/* Reads a password: the first line of the file, without its line end. An empty one, one with a NUL
 * or a second line that isn't empty is refused. Blocks like hg_secret_read_file(). */
gboolean hg_secret_load_file(const char *path, HgSecret **out, HgFileExposure *exposure,
                             GError **error);

/* Reads a password from the environment variable; refuses one that is unset or empty. Call it
 * before other threads change the environment. */
gboolean hg_secret_load_env(const char *variable, HgSecret **out, GError **error);

/* Wipes a string that held a secret and frees it; for g_malloc'ed strings. NULL is fine. */
void hg_secret_free_string(char *text);

/* The place of a secret that may be exchanged while others use it. Any thread. */
typedef struct HgSecretBox HgSecretBox;

/* A place with a reference of its own to the secret. */
HgSecretBox *hg_secret_box_new(HgSecret *secret);
void hg_secret_box_free(HgSecretBox *box); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgSecretBox, hg_secret_box_free)

/* The present secret; the caller's reference. */
HgSecret *hg_secret_box_get(HgSecretBox *box);

/* Puts another secret there. FALSE when it is the same as before. */
gboolean hg_secret_box_put(HgSecretBox *box, HgSecret *secret);
