/* Chunked bodies (RFC 9112, 7.1): taken apart while they arrive in pieces, and what writing one
 * takes.
 *
 * The decoder works in place, allocates nothing and is linear in the bytes however they are cut.
 * Extensions and trailers are checked and dropped. Pure; one thread at a time. */
#pragma once

#include "wire/http.h"

#define HG_HTTP_CHUNK_LINE_MAX                                                                     \
    256 /* bytes of a chunk's first line, extensions and CRLF included                             \
         */

/* How far a chunked body was read. A value: all zeros begins a body. */
typedef struct {
    guint8 state;
    guint16 line;       /* bytes of the line with the size that were seen */
    guint64 left;       /* bytes of data to come; while its line is read, the size so far */
    HgHttpScan trailer; /* of the lines behind the last chunk */
    const char *why;    /* BAD: static, says what is wrong */
} HgHttpChunks;

typedef enum {
    HG_HTTP_CHUNKS_MORE, /* all bytes belong to the body, and it goes on */
    HG_HTTP_CHUNKS_DONE, /* the body ended; *used says where */
    HG_HTTP_CHUNKS_BAD,  /* it isn't chunked, or passes a cap: nothing more can be known */
} HgHttpChunksStatus;

/* Decodes the next window of bytes, which may be cut anywhere: the data among them is moved to the
 * front. *used gets the bytes of the window that belong to the body (all of them for MORE; for BAD
 * those in front of the byte that can't be), *made the bytes of data that are now at the front,
 * which is never more. Bytes behind *used are as they were. After DONE or BAD no more bytes are
 * used and the same is said again. How long the body may become is the caller's to say. */
HgHttpChunksStatus hg_http_chunks_feed(HgHttpChunks *chunks, guint8 *bytes, gsize size, gsize *used,
                                       gsize *made) G_GNUC_WARN_UNUSED_RESULT;

/* To write a body: for each piece of data a head, the data, HG_HTTP_CHUNK_END; then
 * HG_HTTP_LAST_CHUNK. */
#define HG_HTTP_CHUNK_HEAD_MAX 18 /* bytes of a head: 16 digits and CRLF */
#define HG_HTTP_CHUNK_END      "\r\n"
#define HG_HTTP_LAST_CHUNK     "0\r\n\r\n"

/* Writes the head of a chunk of `size` bytes and returns the head's size. There is no NUL. A chunk
 * of no bytes would end the body: for that nothing is written and the result is 0. */
gsize hg_http_write_chunk_head(char out[HG_HTTP_CHUNK_HEAD_MAX], guint64 size);
