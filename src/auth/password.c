/* Hashing and checking passwords by libcrypt: see password.h. Owns nothing; job threads only. */
#include "auth/password.h"

#include "base/error.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>

#define ALPHABET "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* crypt(5): the prefix of a method, and how many characters of hash follow the last '$'. For bcrypt
 * that is salt and hash together. */
static const struct {
    const char *prefix;
    gsize tail;
} methods[] = {
    {"$y$", 43}, {"$gy$", 43}, {"$7$", 43},  {"$6$", 86},
    {"$5$", 43}, {"$2b$", 53}, {"$2y$", 53}, {"$2a$", 53},
};

G_STATIC_ASSERT(HG_PASSWORD_MAX_BYTES < CRYPT_MAX_PASSPHRASE_SIZE);

gboolean hg_password_check(HgSlice password, GError **error)
{
    const char *wrong = NULL;
    if (password.size == 0)
        wrong = "is empty";
    else if (password.size > HG_PASSWORD_MAX_BYTES)
        wrong = "is longer than 511 bytes";
    else if (memchr(password.data, '\0', password.size) != NULL)
        wrong = "holds a NUL byte";
    if (wrong == NULL)
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "the password %s", wrong);
    return FALSE;
}

/* Runs crypt(3). *out is the caller's. */
static gboolean run_crypt(HgSlice password, const char *setting, char **out, GError **error)
{
    if (!hg_password_check(password, error))
        return FALSE;
    char phrase[CRYPT_MAX_PASSPHRASE_SIZE];
    memcpy(phrase, password.data, password.size);
    phrase[password.size] = '\0';
    struct crypt_data *data = g_new0(struct crypt_data, 1);
    errno = 0;
    const char *result = crypt_r(phrase, setting, data);
    int errnum = errno;
    /* libxcrypt answers a failure with a text that begins with '*' */
    gboolean ok = result != NULL && result[0] != '*';
    if (ok)
        *out = g_strdup(result);
    else
        hg_error_set_errno(error, errnum, "crypt(3) can't hash the password");
    explicit_bzero(phrase, sizeof phrase);
    explicit_bzero(data, sizeof *data);
    g_free(data);
    return ok;
}

gboolean hg_password_hash(HgSlice password, char **out, GError **error)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof setting) == NULL) {
        hg_error_set_errno(error, errno, "crypt(3) can't make a salt");
        return FALSE;
    }
    return run_crypt(password, setting, out, error);
}

gboolean hg_password_verify(HgSlice password, const char *hash, gboolean *right, GError **error)
{
    g_autofree char *result = NULL;
    if (!run_crypt(password, hash, &result, error))
        return FALSE;
    gsize size = strlen(hash);
    *right = strlen(result) == size && CRYPTO_memcmp(result, hash, size) == 0;
    return TRUE;
}

gboolean hg_password_hash_check(const char *hash, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++) {
        if (!g_str_has_prefix(hash, methods[i].prefix))
            continue;
        const char *tail = strrchr(hash, '$') + 1;
        if (strlen(tail) == methods[i].tail && strspn(tail, ALPHABET) == methods[i].tail &&
            crypt_checksalt(hash) != CRYPT_SALT_INVALID)
            return TRUE;
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "the hash is cut or damaged; make a new one with hivegatectl user add");
        return FALSE;
    }
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "the hash is of no method that is fit for passwords (yescrypt, scrypt, bcrypt, "
                "sha512crypt, sha256crypt); make a new one with hivegatectl user add");
    return FALSE;
}
