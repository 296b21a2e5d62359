/* bytes: a growable run of bytes. A Bytes that is all zero is empty and valid; bytes_free()
 * returns it to that state. Running out of memory ends the program. */
#ifndef BENCH_BYTES_H
#define BENCH_BYTES_H

#include <stddef.h>
#include <stdint.h>

typedef struct Bytes {
    uint8_t *data;
    size_t len;
    size_t cap;
} Bytes;

/* Makes room for `extra` more bytes behind the present ones. */
void bytes_reserve(Bytes *bytes, size_t extra);

/* Appends `len` bytes. */
void bytes_put(Bytes *bytes, const void *data, size_t len);

/* Removes `len` bytes (at most all) at offset `at` and closes the gap. */
void bytes_remove(Bytes *bytes, size_t at, size_t len);

/* Frees the memory and empties `bytes`. */
void bytes_free(Bytes *bytes);

#endif
