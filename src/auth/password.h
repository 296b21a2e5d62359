/* Password hashes in the form of crypt(3), by libcrypt.
 *
 * Making and checking one takes 20 ms of CPU and 16 MiB for a while (yescrypt at its default cost):
 * only on a job thread. Nothing of a password stays in memory afterwards. */
#pragma once

#include "base/slice.h"

#define HG_PASSWORD_MAX_BYTES 511 /* what crypt(3) takes; longer ones are refused, never cut */

/* TRUE when the password can be hashed: 1 to 511 bytes, none of them NUL. Cheap. */
gboolean hg_password_check(HgSlice password, GError **error);

/* Hashes the password by yescrypt with a new salt. *out is the caller's (g_free). */
gboolean hg_password_hash(HgSlice password, char **out, GError **error);

/* Says in *right whether the password belongs to the hash, comparing in constant time. FALSE only
 * when that can't be found out (no memory, a hash that hg_password_hash_check() refuses). */
gboolean hg_password_verify(HgSlice password, const char *hash, gboolean *right, GError **error);

/* TRUE when `hash` is whole and of a method that is fit for use: yescrypt, gost-yescrypt, scrypt,
 * bcrypt, sha512crypt or sha256crypt. Nothing is hashed. */
gboolean hg_password_hash_check(const char *hash, GError **error);
