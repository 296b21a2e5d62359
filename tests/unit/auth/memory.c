/* Searching the process's memory through /proc/self/mem: see memory.h. */
#include "memory.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define MASK             0xa5
#define REGION_MAX_BYTES (64u << 20) /* a sanitizer's shadow is terabytes of nothing */
#define CHUNK_BYTES      65536

HiddenSecret hidden_secret(void)
{
    HiddenSecret secret;
    ck_assert_int_eq(getrandom(secret.masked, SECRET_BYTES, 0), SECRET_BYTES);
    for (int i = 0; i < SECRET_BYTES; i++)
        secret.masked[i] = (guint8)('a' + secret.masked[i] % 26) ^ MASK;
    return secret;
}

void hidden_secret_reveal(const HiddenSecret *secret, char out[SECRET_BYTES])
{
    for (int i = 0; i < SECRET_BYTES; i++)
        out[i] = (char)(secret->masked[i] ^ MASK);
}

static guint count_in(const guint8 *bytes, gsize size, const HiddenSecret *secret)
{
    guint count = 0;
    for (gsize i = 0; i + SECRET_BYTES <= size; i++) {
        int k = 0;
        while (k < SECRET_BYTES && (bytes[i + k] ^ MASK) == secret->masked[k])
            k++;
        count += k == SECRET_BYTES;
    }
    return count;
}

/* Reads a region in overlapping chunks. The chunk itself is masked as it is read, so that it is
 * nowhere in the clear. */
static guint count_region(int mem, guint64 start, guint64 end, const HiddenSecret *secret)
{
    static guint8 chunk[CHUNK_BYTES];
    guint64 own = (guint64)(gsize)chunk;
    guint count = 0;
    for (guint64 at = start; at < end; at += CHUNK_BYTES - SECRET_BYTES) {
        gsize want = (gsize)MIN(end - at, (guint64)CHUNK_BYTES);
        if (at < own + CHUNK_BYTES && own < at + want)
            continue; /* this very chunk */
        ssize_t n = pread(mem, chunk, want, (off_t)at);
        if (n > 0)
            count += count_in(chunk, (gsize)n, secret);
        explicit_bzero(chunk, sizeof chunk);
    }
    return count;
}

guint hidden_secret_count(const HiddenSecret *secret)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int mem = open("/proc/self/mem", O_RDONLY);
    ck_assert_ptr_nonnull(maps);
    ck_assert_int_ge(mem, 0);
    char line[512];
    guint count = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        guint64 start, end;
        char mode[8];
        if (sscanf(line, "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x %7s", &start, &end,
                   mode) == 3 &&
            mode[0] == 'r' && mode[1] == 'w' && end - start <= REGION_MAX_BYTES)
            count += count_region(mem, start, end, secret);
    }
    fclose(maps);
    close(mem);
    return count;
}
