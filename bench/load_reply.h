/* load_reply: takes replies out of the bytes that come, as the transport has them: in SASL frames,
 * bare, or as bodies of HTTP responses. Pure: bytes in, bytes out. */
#ifndef BENCH_LOAD_REPLY_H
#define BENCH_LOAD_REPLY_H

#include "bytes.h"
#include "load.h"

/* Where in an HTTP response the bytes behind `whole` are. */
typedef enum ReplyPart {
    PART_HEAD,       /* in its head */
    PART_BODY,       /* in a body with a length, or in a chunk */
    PART_CHUNK_HEAD, /* in the line in front of a chunk */
    PART_CHUNK_END,  /* in the line's end behind a chunk */
    PART_LAST,       /* in the line's end behind the last chunk */
} ReplyPart;

/* What has come: [0, head) is in front of a reply, [head, whole) belongs to it, then comes what
 * isn't looked at yet. A reply in several parts is joined by taking out what stands between them.
 * All zero is empty and valid. */
typedef struct Inbox {
    Bytes bytes;
    size_t head;
    size_t whole;
    size_t left; /* bytes of the present frame, body or chunk that aren't in `whole` yet */
    ReplyPart part;
    bool chunked;
    char *cookie; /* HTTP: "NAME=VALUE" as the server set it last; NULL when it never did */
} Inbox;

/* Looks at what has come since. `ended` says that the reply may be whole: surely so over HTTP; a
 * SASL frame may be followed by another, and without frames only the reply itself can tell. NULL,
 * or what is wrong with what came, in a static text or in `text`. */
const char *inbox_look(Inbox *inbox, LoadTransport transport, bool *ended, char *text,
                       size_t text_size);

/* Forgets the reply; everything that has come belonged to it. */
void inbox_clear(Inbox *inbox);

/* Gives the memory back. */
void inbox_free(Inbox *inbox);

#endif
