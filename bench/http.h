/* http: the part of HTTP/1.1 that the benchmark speaks: the end of a head, a header's value, the
 * head of a chunk. It reads what well-behaved peers send and shares no code with the gateway. No
 * state; any thread. */
#ifndef BENCH_HTTP_H
#define BENCH_HTTP_H

#include <stdbool.h>
#include <sys/types.h>

#include "bytes.h"

enum {
    HTTP_MAX_HEAD_BYTES = 64 * 1024, /* a longer head is none */
};

/* Bytes of the head that begins at `data`, with its blank line; 0 while it isn't all there. */
size_t http_head_size(const uint8_t *data, size_t len);

/* Length of the value of header `name` (in any case), and in `value` its start, borrowed; 0 when
 * the head has no such header or an empty one. With several, the first. */
size_t http_find(const uint8_t *head, size_t size, const char *name, const char **value);

/* The head's Content-Length; false when it has none that is a number. */
bool http_find_length(const uint8_t *head, size_t size, size_t *length);

/* Whether the head says that the body comes in chunks. */
bool http_is_chunked(const uint8_t *head, size_t size);

/* Reads the line in front of a chunk at `data`: its length with the CRLF, and in `size` how many
 * bytes of data follow. 0 while it isn't all there; -1 when it is no such line. */
ssize_t http_chunk_head(const uint8_t *data, size_t len, size_t *size);

/* Appends text (printf style). */
void http_put(Bytes *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends `len` bytes in base64. */
void http_put_base64(Bytes *out, const void *data, size_t len);

#endif
