/* Streams over libuv's poll handle: see stream.h. A stream owns its descriptor and poll handle;
 * both go in the closing phase of the loop. Loop's thread only. */
#include "net/stream.h"

#include "base/error.h"
#include "net/loop_uv.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a filter supplies. TLS will be a second table. */
typedef struct {
    HgIo (*read)(HgStream *stream, guint8 *bytes, gsize size, gsize *done);
    HgIo (*write)(HgStream *stream, HgSlice bytes, gsize *done);
    void (*end_writing)(HgStream *stream);
} StreamFilter;

struct HgStream {
    uv_poll_t poll;
    const StreamFilter *filter;
    HgStreamReady ready;
    void *owner;
    int fd;
    int error;
    guint8 want;
};

static HgIo failed(HgStream *stream)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return HG_IO_AGAIN;
    stream->error = errno;
    return HG_IO_ERROR;
}

static HgIo plain_read(HgStream *stream, guint8 *bytes, gsize size, gsize *done)
{
    ssize_t n = recv(stream->fd, bytes, size, 0);
    if (n < 0)
        return failed(stream);
    *done = (gsize)n;
    return n > 0 ? HG_IO_OK : HG_IO_END;
}

static HgIo plain_write(HgStream *stream, HgSlice bytes, gsize *done)
{
    ssize_t n = send(stream->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
    if (n < 0)
        return failed(stream);
    *done = (gsize)n;
    return HG_IO_OK;
}

static void plain_end_writing(HgStream *stream)
{
    shutdown(stream->fd, SHUT_WR);
}

static const StreamFilter plain = {plain_read, plain_write, plain_end_writing};

static void on_poll(uv_poll_t *poll, int status, int events)
{
    HgStream *stream = poll->data;
    guint ready = HG_WANT_NOTHING;
    if (status < 0) {
        /* libuv has stopped the handle: let the owner find the error by reading or writing */
        ready = stream->want;
        stream->want = HG_WANT_NOTHING;
    } else {
        ready = (events & UV_READABLE ? HG_WANT_READ : 0) |
                (events & UV_WRITABLE ? HG_WANT_WRITE : 0) |
                (events & UV_DISCONNECT ? HG_WANT_HANGUP : 0);
    }
    if (stream->ready != NULL && ready != HG_WANT_NOTHING)
        stream->ready(stream->owner, ready);
}

HgStream *hg_stream_new_plain(HgLoop *loop, int take_fd, HgStreamReady ready, void *owner,
                              GError **error)
{
    HgStream *stream = g_new0(HgStream, 1);
    int rc = uv_poll_init(hg_loop_uv(loop), &stream->poll, take_fd);
    if (rc != 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_IO, "can't watch a connection: %s", uv_strerror(rc));
        close(take_fd);
        g_free(stream);
        return NULL;
    }
    stream->poll.data = stream;
    stream->filter = &plain;
    stream->ready = ready;
    stream->owner = owner;
    stream->fd = take_fd;
    return stream;
}

void hg_stream_set_owner(HgStream *stream, HgStreamReady ready, void *owner)
{
    stream->ready = ready;
    stream->owner = owner;
}

void hg_stream_want(HgStream *stream, guint want)
{
    if (stream->want == want)
        return;
    stream->want = (guint8)want;
    if (want == HG_WANT_NOTHING) {
        uv_poll_stop(&stream->poll);
        return;
    }
    int events = (want & HG_WANT_READ ? UV_READABLE : 0) |
                 (want & HG_WANT_WRITE ? UV_WRITABLE : 0) |
                 (want & HG_WANT_HANGUP ? UV_DISCONNECT : 0);
    uv_poll_start(&stream->poll, events, on_poll);
}

HgIo hg_stream_read(HgStream *stream, guint8 *bytes, gsize size, gsize *done)
{
    return stream->filter->read(stream, bytes, size, done);
}

HgIo hg_stream_write(HgStream *stream, HgSlice bytes, gsize *done)
{
    return stream->filter->write(stream, bytes, done);
}

void hg_stream_end_writing(HgStream *stream)
{
    stream->filter->end_writing(stream);
}

void hg_stream_break(HgStream *stream)
{
    shutdown(stream->fd, SHUT_RDWR);
}

int hg_stream_error(const HgStream *stream)
{
    return stream->error;
}

static void on_closed(uv_handle_t *handle)
{
    HgStream *stream = handle->data;
    close(stream->fd);
    g_free(stream);
}

void hg_stream_close(HgStream *stream)
{
    if (stream == NULL)
        return;
    stream->ready = NULL;
    stream->owner = NULL;
    uv_close((uv_handle_t *)&stream->poll, on_closed);
}

void hg_stream_abort(HgStream *stream)
{
    if (stream == NULL)
        return;
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    hg_stream_close(stream);
}
