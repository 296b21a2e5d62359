/* Handles: see handle.h. Owns nothing; any thread. */
#include "hs2/handle.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void hg_handle_random(HgHandle *out)
{
    guint8 bytes[2 * HG_HANDLE_HALF];
    ssize_t size;
    do {
        size = getrandom(bytes, sizeof bytes, 0); /* up to 256 bytes come whole or not at all */
    } while (size < 0 && errno == EINTR);
    if (size != (ssize_t)sizeof bytes)
        abort(); /* a guessable handle is worse than no gateway */
    memcpy(out->guid, bytes, HG_HANDLE_HALF);
    memcpy(out->secret, bytes + HG_HANDLE_HALF, HG_HANDLE_HALF);
}

gboolean hg_handle_equal(const HgHandle *a, const HgHandle *b)
{
    guint8 difference = 0;
    for (gsize i = 0; i < HG_HANDLE_HALF; i++) {
        difference |= a->guid[i] ^ b->guid[i];
        difference |= a->secret[i] ^ b->secret[i];
    }
    return difference == 0;
}

void hg_handle_text(const HgHandle *handle, char out[HG_HANDLE_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (gsize i = 0; i < HG_HANDLE_HALF; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[handle->guid[i] >> 4];
        *at++ = digits[handle->guid[i] & 0xf];
    }
    *at = '\0';
}
