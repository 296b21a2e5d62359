/* Secrets that are wiped on free, and reading them: see secret.h. Any thread. */
#include "base/secret.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWORD_FILE_MAX 4096

struct HgSecret {
    atomic_uint references;
    gsize size;
    char bytes[]; /* size, and a NUL */
};

static HgSecret *allocate(gsize size)
{
    HgSecret *secret = g_malloc0(sizeof *secret + size + 1);
    atomic_init(&secret->references, 1);
    secret->size = size;
    return secret;
}

HgSecret *hg_secret_new(HgSlice bytes)
{
    HgSecret *secret = allocate(bytes.size);
    if (bytes.size > 0)
        memcpy(secret->bytes, bytes.data, bytes.size);
    return secret;
}

HgSecret *hg_secret_ref(HgSecret *secret)
{
    atomic_fetch_add_explicit(&secret->references, 1, memory_order_relaxed);
    return secret;
}

void hg_secret_unref(HgSecret *secret)
{
    if (secret == NULL)
        return;
    if (atomic_fetch_sub_explicit(&secret->references, 1, memory_order_acq_rel) != 1)
        return;
    explicit_bzero(secret->bytes, secret->size);
    g_free(secret);
}

HgSlice hg_secret_slice(const HgSecret *secret)
{
    return hg_slice(secret->bytes, secret->size);
}

/* Fills the secret from the file; a file that shrinks meanwhile makes it shorter. */
static gboolean fill(int fd, const char *path, HgSecret *secret, GError **error)
{
    gsize got = 0;
    while (got < secret->size) {
        ssize_t n = read(fd, secret->bytes + got, secret->size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            hg_error_set_errno(error, errno, "can't read %s", path);
            return FALSE;
        }
        if (n == 0)
            break;
        got += (gsize)n;
    }
    secret->size = got;
    secret->bytes[got] = '\0';
    return TRUE;
}

static HgFileExposure exposure_of(mode_t mode)
{
    if ((mode & (S_IWGRP | S_IWOTH)) != 0)
        return HG_FILE_WRITABLE;
    return (mode & S_IROTH) != 0 ? HG_FILE_READABLE : HG_FILE_PRIVATE;
}

/* Checks what is behind `fd` and makes a secret of its size. */
static gboolean prepare(int fd, const char *path, gsize max, HgSecret **out,
                        HgFileExposure *exposure, GError **error)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        hg_error_set_errno(error, errno, "can't look at %s", path);
        return FALSE;
    }
    if (!S_ISREG(status.st_mode)) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s is not a regular file", path);
        return FALSE;
    }
    if ((guint64)status.st_size > max) {
        g_set_error(error, HG_ERROR, HG_ERROR_LIMIT,
                    "%s has %" G_GUINT64_FORMAT " bytes; expected at most %" G_GSIZE_FORMAT, path,
                    (guint64)status.st_size, max);
        return FALSE;
    }
    *exposure = exposure_of(status.st_mode);
    *out = allocate((gsize)status.st_size);
    return TRUE;
}

gboolean hg_secret_read_file(const char *path, gsize max, HgSecret **out, HgFileExposure *exposure,
                             GError **error)
{
    g_autoptr(HgSecret) secret = NULL;
    HgFileExposure found = HG_FILE_PRIVATE;
    /* without O_NONBLOCK the open itself would wait for the writer of a FIFO */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        hg_error_set_errno(error, errno, "can't open %s", path);
        return FALSE;
    }
    gboolean ok = prepare(fd, path, max, &secret, &found, error) && fill(fd, path, secret, error);
    close(fd);
    if (!ok)
        return FALSE;
    *out = g_steal_pointer(&secret);
    *exposure = found;
    return TRUE;
}

/* Where the first line ends; G_MAXSIZE when what follows it is more than line ends. */
static gsize first_line(HgSlice text)
{
    gsize size = 0;
    while (size < text.size && text.data[size] != '\n' && text.data[size] != '\r')
        size++;
    for (gsize i = size; i < text.size; i++)
        if (text.data[i] != '\n' && text.data[i] != '\r')
            return G_MAXSIZE;
    return size;
}

gboolean hg_secret_load_file(const char *path, HgSecret **out, HgFileExposure *exposure,
                             GError **error)
{
    g_autoptr(HgSecret) file = NULL;
    HgFileExposure found = HG_FILE_PRIVATE;
    if (!hg_secret_read_file(path, PASSWORD_FILE_MAX, &file, &found, error))
        return FALSE;
    HgSlice text = hg_secret_slice(file);
    gsize size = first_line(text);
    const char *wrong = NULL;
    if (size == G_MAXSIZE)
        wrong = "has more than one line";
    else if (size == 0)
        wrong = "is empty";
    else if (memchr(text.data, '\0', size) != NULL)
        wrong = "holds a NUL byte";
    if (wrong != NULL) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s %s; expected one line with the password",
                    path, wrong);
        return FALSE;
    }
    *out = hg_secret_new(hg_slice(text.data, size));
    *exposure = found;
    return TRUE;
}

gboolean hg_secret_load_env(const char *variable, HgSecret **out, GError **error)
{
    const char *value = getenv(variable);
    if (value == NULL || *value == '\0') {
        g_set_error(error, HG_ERROR, HG_ERROR_NOT_FOUND, "the environment variable %s is %s",
                    variable, value == NULL ? "not set" : "empty");
        return FALSE;
    }
    *out = hg_secret_new(hg_slice_from_string(value));
    return TRUE;
}

void hg_secret_free_string(char *text)
{
    if (text == NULL)
        return;
    explicit_bzero(text, strlen(text));
    g_free(text);
}

/* ---- places ---- */

struct HgSecretBox {
    pthread_mutex_t lock;
    HgSecret *secret;
};

HgSecretBox *hg_secret_box_new(HgSecret *secret)
{
    HgSecretBox *box = g_new0(HgSecretBox, 1);
    pthread_mutex_init(&box->lock, NULL);
    box->secret = hg_secret_ref(secret);
    return box;
}

void hg_secret_box_free(HgSecretBox *box)
{
    if (box == NULL)
        return;
    hg_secret_unref(box->secret);
    pthread_mutex_destroy(&box->lock);
    g_free(box);
}

HgSecret *hg_secret_box_get(HgSecretBox *box)
{
    pthread_mutex_lock(&box->lock);
    HgSecret *secret = hg_secret_ref(box->secret);
    pthread_mutex_unlock(&box->lock);
    return secret;
}

gboolean hg_secret_box_put(HgSecretBox *box, HgSecret *secret)
{
    pthread_mutex_lock(&box->lock);
    HgSecret *old = box->secret;
    gboolean other = !hg_slice_equal(hg_secret_slice(old), hg_secret_slice(secret));
    if (other)
        box->secret = hg_secret_ref(secret);
    pthread_mutex_unlock(&box->lock);
    if (other)
        hg_secret_unref(old);
    return other;
}
