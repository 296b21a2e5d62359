/* Streams over libuv's poll handle: see stream.h. A stream owns its descriptor, poll handle and
 * filter; they go in the closing phase of the loop. Loop's thread only. */
#include "net/stream_private.h"

#include "base/container.h"
#include "base/error.h"
#include "net/loop_uv.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- the plain socket ---- */

HgIo hg_stream_failed(HgStream *stream)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return HG_IO_AGAIN;
    stream->error = errno;
    return HG_IO_ERROR;
}

static HgIo receive(HgStream *stream, guint8 *bytes, gsize size, int flags, gsize *done)
{
    ssize_t n = recv(stream->fd, bytes, size, flags);
    if (n < 0)
        return hg_stream_failed(stream);
    *done = (gsize)n;
    return n > 0 ? HG_IO_OK : HG_IO_END;
}

static HgIo plain_read(HgStream *stream, guint8 *bytes, gsize size, gsize *done)
{
    return receive(stream, bytes, size, 0, done);
}

static ssize_t send_parts(int fd, const HgSlice *parts, guint count)
{
    struct iovec runs[HG_STREAM_PARTS];
    if (count == 1)
        return send(fd, parts->data, parts->size, MSG_NOSIGNAL);
    for (guint i = 0; i < count; i++)
        runs[i] = (struct iovec){(void *)parts[i].data, parts[i].size};
    return sendmsg(fd, &(struct msghdr){.msg_iov = runs, .msg_iovlen = count}, MSG_NOSIGNAL);
}

static HgIo plain_write(HgStream *stream, const HgSlice *parts, guint count, gsize *done)
{
    ssize_t n = send_parts(stream->fd, parts, count);
    if (n < 0)
        return hg_stream_failed(stream);
    *done = (gsize)n;
    return HG_IO_OK;
}

static void plain_end_writing(HgStream *stream)
{
    shutdown(stream->fd, SHUT_WR);
}

const HgStreamFilter *hg_stream_plain(void)
{
    static const HgStreamFilter plain = {
        .read = plain_read, .write = plain_write, .end_writing = plain_end_writing};
    return &plain;
}

/* ---- waiting ---- */

static void on_poll(uv_poll_t *poll, int status, int events);

/* Waits for what is wanted, as the filter needs it. */
static void watch(HgStream *stream)
{
    guint want = stream->want;
    int events = stream->filter->events != NULL ? stream->filter->events(stream, want)
                                                : (want & HG_WANT_READ ? UV_READABLE : 0) |
                                                      (want & HG_WANT_WRITE ? UV_WRITABLE : 0);
    events |= want & HG_WANT_HANGUP ? UV_DISCONNECT : 0;
    if (events == stream->events)
        return;
    stream->events = events;
    if (events == 0)
        uv_poll_stop(&stream->poll);
    else
        uv_poll_start(&stream->poll, events, on_poll);
}

typedef struct {
    HgTask task;
    HgStream *stream;
} Soon;

static void free_stream(HgStream *stream)
{
    if (stream->soon || !stream->closed)
        return;
    g_free(stream->problem);
    g_free(stream);
}

static void run_soon(HgTask *task)
{
    Soon *soon = HG_CONTAINER_OF(task, Soon, task);
    HgStream *stream = soon->stream;
    g_free(soon);
    stream->soon = FALSE;
    if (stream->closed)
        free_stream(stream);
    else if (stream->ready != NULL && (stream->want & HG_WANT_READ) != 0)
        stream->ready(stream->owner, HG_WANT_READ);
}

/* Input that the filter holds is told of on the next round of the loop. */
static void tell_of_held_input(HgStream *stream)
{
    if (stream->soon || (stream->want & HG_WANT_READ) == 0 || stream->filter->holds_input == NULL ||
        !stream->filter->holds_input(stream))
        return;
    Soon *soon = g_new0(Soon, 1);
    soon->task.run = run_soon;
    soon->stream = stream;
    stream->soon = hg_loop_post(stream->loop, &soon->task);
    if (!stream->soon)
        g_free(soon);
}

/* What the owner is told for these events: with a filter that needs the one to do the other, all
 * that it wants. */
static guint readiness(const HgStream *stream, int events)
{
    guint plain =
        (events & UV_READABLE ? HG_WANT_READ : 0) | (events & UV_WRITABLE ? HG_WANT_WRITE : 0);
    if (stream->filter->events != NULL && plain != 0)
        plain = stream->want & (HG_WANT_READ | HG_WANT_WRITE);
    return plain | (events & UV_DISCONNECT ? HG_WANT_HANGUP : 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    HgStream *stream = poll->data;
    guint ready = HG_WANT_NOTHING;
    if (status < 0) {
        /* libuv has stopped the handle: let the owner find the error by reading or writing */
        ready = stream->want;
        stream->want = HG_WANT_NOTHING;
        stream->events = 0;
    } else {
        ready = readiness(stream, events);
    }
    if (stream->ready != NULL && ready != HG_WANT_NOTHING)
        stream->ready(stream->owner, ready);
}

/* ---- the stream ---- */

HgStream *hg_stream_new(HgLoop *loop, int take_fd, HgTls *tls, const char *host,
                        HgStreamReady ready, void *owner, GError **error)
{
    void *data = NULL;
    const HgStreamFilter *filter =
        tls != NULL ? hg_stream_tls(take_fd, tls, host, &data, error) : hg_stream_plain();
    if (filter == NULL) {
        close(take_fd);
        return NULL;
    }
    HgStream *stream = g_new0(HgStream, 1);
    int rc = uv_poll_init(hg_loop_uv(loop), &stream->poll, take_fd);
    if (rc != 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_IO, "can't watch a connection: %s", uv_strerror(rc));
        close(take_fd);
        if (filter->free != NULL)
            filter->free(data);
        g_free(stream);
        return NULL;
    }
    stream->poll.data = stream;
    stream->loop = loop;
    stream->filter = filter;
    stream->data = data;
    stream->ready = ready;
    stream->owner = owner;
    stream->fd = take_fd;
    return stream;
}

gboolean hg_stream_begin_tls(HgStream *stream, HgTls *tls, GError **error)
{
    g_assert(stream->filter == hg_stream_plain());
    void *data = NULL;
    const HgStreamFilter *filter = hg_stream_tls(stream->fd, tls, NULL, &data, error);
    if (filter == NULL)
        return FALSE;
    stream->filter = filter;
    stream->data = data;
    return TRUE;
}

void hg_stream_set_owner(HgStream *stream, HgStreamReady ready, void *owner)
{
    stream->ready = ready;
    stream->owner = owner;
}

void hg_stream_want(HgStream *stream, guint want)
{
    stream->want = (guint8)want;
    watch(stream);
    tell_of_held_input(stream);
}

HgIo hg_stream_read(HgStream *stream, guint8 *bytes, gsize size, gsize *done)
{
    return stream->filter->read(stream, bytes, size, done);
}

HgIo hg_stream_peek(HgStream *stream, guint8 *bytes, gsize size, gsize *done)
{
    g_assert(stream->filter == hg_stream_plain());
    return receive(stream, bytes, size, MSG_PEEK, done);
}

HgIo hg_stream_write(HgStream *stream, HgSlice bytes, gsize *done)
{
    return stream->filter->write(stream, &bytes, 1, done);
}

HgIo hg_stream_write_parts(HgStream *stream, const HgSlice *parts, guint count, gsize *done)
{
    g_assert(count > 0 && count <= HG_STREAM_PARTS);
    return stream->filter->write(stream, parts, count, done);
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

const char *hg_stream_problem(const HgStream *stream)
{
    if (stream->problem != NULL)
        return stream->problem;
    return stream->error == EPIPE ? "the peer closed the connection" : g_strerror(stream->error);
}

static void on_closed(uv_handle_t *handle)
{
    HgStream *stream = handle->data;
    if (stream->filter->free != NULL)
        stream->filter->free(stream->data);
    close(stream->fd);
    stream->closed = TRUE;
    free_stream(stream);
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
