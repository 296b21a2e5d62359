/* bytes: a growable run of bytes for the benchmark programs. */
#include "bytes.h"

#include <stdlib.h>
#include <string.h>

#include "common.h"

void bytes_reserve(Bytes *bytes, size_t extra)
{
    size_t need = bytes->len + extra;
    size_t cap = bytes->cap ? bytes->cap : 256;
    if (need <= bytes->cap)
        return;
    while (cap < need)
        cap *= 2;
    bytes->data = realloc(bytes->data, cap);
    if (!bytes->data)
        bench_die("out of memory (%zu bytes)", cap);
    bytes->cap = cap;
}

void bytes_put(Bytes *bytes, const void *data, size_t len)
{
    if (len == 0)
        return;
    bytes_reserve(bytes, len);
    memcpy(bytes->data + bytes->len, data, len);
    bytes->len += len;
}

void bytes_remove(Bytes *bytes, size_t at, size_t len)
{
    if (len == 0)
        return;
    memmove(bytes->data + at, bytes->data + at + len, bytes->len - at - len);
    bytes->len -= len;
}

void bytes_free(Bytes *bytes)
{
    free(bytes->data);
    *bytes = (Bytes){0};
}
