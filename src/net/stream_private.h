/* The inside of a stream, for src/net's own stream*.c files: the socket and what all filters share.
 */
#pragma once

#include "net/stream.h"

#include <uv.h>

/* What a filter supplies. `data` is the filter's own, in HgStream. */
typedef struct {
    HgIo (*read)(HgStream *stream, guint8 *bytes, gsize size, gsize *done);
    HgIo (*write)(HgStream *stream, const HgSlice *parts, guint count, gsize *done);
    void (*end_writing)(HgStream *stream);
    /* The events of libuv to wait for, given what is wanted. NULL: one to one. */
    int (*events)(HgStream *stream, guint want);
    /* TRUE when bytes to read are held by the filter: the socket won't tell of them. NULL: never.
     */
    gboolean (*holds_input)(HgStream *stream);
    void (*free)(void *data); /* NULL: there is nothing to free */
} HgStreamFilter;

struct HgStream {
    uv_poll_t poll;
    HgLoop *loop;
    const HgStreamFilter *filter;
    void *data; /* the filter's */
    HgStreamReady ready;
    void *owner;
    int fd;
    int error;     /* errno of the last HG_IO_ERROR */
    char *problem; /* the same in words, where errno doesn't say it */
    int events;    /* of libuv, that are waited for */
    guint8 want;
    gboolean soon;   /* a task is on its way that calls `ready` for input that the filter holds */
    gboolean closed; /* freed when nothing of the loop points here any more */
};

/* The plain socket; static. */
const HgStreamFilter *hg_stream_plain(void);

/* TLS over the socket, for those that make it the stream's: the filter and, in *data, its state;
 * NULL with *error when OpenSSL refuses. */
const HgStreamFilter *hg_stream_tls(int fd, HgTls *tls, const char *host, void **data,
                                    GError **error);

/* Notes the present errno: HG_IO_AGAIN or HG_IO_ERROR. */
HgIo hg_stream_failed(HgStream *stream);
