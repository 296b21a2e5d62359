/* A stream: one connected socket on a loop, with a callback when it is ready.
 *
 * Reading and writing go through a table of functions, so that a filter (TLS) can take the place of
 * the plain socket and nothing above knows. A stream belongs to its loop's thread. Closing is final
 * at once for the owner (no callback comes after hg_stream_close()); the memory goes when the loop
 * has let go of the socket. */
#pragma once

#include "base/slice.h"
#include "net/loop.h"
#include "net/tls.h"

typedef struct HgStream HgStream;

typedef enum {
    HG_WANT_NOTHING = 0,
    HG_WANT_READ = 1,
    HG_WANT_WRITE = 2,
    HG_WANT_HANGUP = 4, /* told when the peer closes, without reading */
} HgWant;

typedef enum {
    HG_IO_OK,    /* *done bytes were moved, at least one */
    HG_IO_AGAIN, /* nothing can be moved now: wait for the callback */
    HG_IO_END,   /* the peer has closed its side (reading only) */
    HG_IO_ERROR, /* the connection is broken: hg_stream_error() says how */
} HgIo;

/* `ready` gets what the stream is ready for. A broken connection is reported as ready for what was
 * wanted, so that the next read or write shows it. */
typedef void (*HgStreamReady)(void *owner, HgWant ready);

/* A stream over a connected non-blocking socket, which it takes; `owner` is borrowed. With `tls` it
 * speaks TLS by these settings, in their role: the handshake runs inside the first reads and
 * writes, and what goes wrong in it is an error of theirs. `host` (the connecting side, else NULL)
 * is the name or address that the server must prove to be. NULL with *error (the socket closed)
 * when it can't be made. Wants nothing yet. */
HgStream *hg_stream_new(HgLoop *loop, int take_fd, HgTls *tls, const char *host,
                        HgStreamReady ready, void *owner, GError **error);

/* Makes a plain stream of the accepting side speak TLS from here on, behind what was read of it in
 * clear. Call hg_stream_want() afterwards. FALSE with *error, and the stream as it was, when that
 * can't be. */
gboolean hg_stream_begin_tls(HgStream *stream, HgTls *tls, GError **error);

/* TRUE when an accepting TLS stream failed because the peer's first byte was no TLS: from now on it
 * is a plain one, nothing of which has been read, so that the peer can be told. */
gboolean hg_stream_drop_tls(HgStream *stream);

/* TRUE when TLS has failed: from now on the stream is a plain one, for nothing but throwing away
 * what the peer still sends, so that our last alert isn't lost in a reset. Nothing may be written.
 */
gboolean hg_stream_bury_tls(HgStream *stream);

/* Who the peer is by its certificate, when it has shown one and it was checked; else NULL. After
 * the handshake, which is over when the first bytes have been read. Free with hg_tls_peer_free().
 */
HgTlsPeer *hg_stream_tls_peer(HgStream *stream);

/* Changes the owner and its callback, for a connection that is handed on within the thread. */
void hg_stream_set_owner(HgStream *stream, HgStreamReady ready, void *owner);

/* Sets what the callback is wanted for (of HgWant). Costs nothing when it is the same as before. */
void hg_stream_want(HgStream *stream, guint want);

/* Reads up to `size` bytes. With less than that nothing is left to be read now. */
HgIo hg_stream_read(HgStream *stream, guint8 *bytes, gsize size, gsize *done);

/* Looks at up to `size` bytes of a plain stream, which stay to be read. What was seen must be read
 * before the next waiting: the callback comes for as long as there is anything. */
HgIo hg_stream_peek(HgStream *stream, guint8 *bytes, gsize size, gsize *done);

/* Writes up to bytes.size bytes; *done may be less. What wasn't written must be what the next write
 * begins with: part of it may have gone into a record already. */
HgIo hg_stream_write(HgStream *stream, HgSlice bytes, gsize *done);

#define HG_STREAM_PARTS 4

/* The same for up to HG_STREAM_PARTS runs of bytes that follow each other: they go out together.
 * *done counts over all. At least one part isn't empty. */
HgIo hg_stream_write_parts(HgStream *stream, const HgSlice *parts, guint count, gsize *done);

/* Says to the peer that no more will be written. */
void hg_stream_end_writing(HgStream *stream);

/* Breaks the connection in both directions: the next read ends. For a peer that can't be told any
 * more what half of a message it got. */
void hg_stream_break(HgStream *stream);

/* The errno of the last HG_IO_ERROR. */
int hg_stream_error(const HgStream *stream);

/* The last HG_IO_ERROR in words; borrowed until the next one. */
const char *hg_stream_problem(const HgStream *stream);

/* Closes and forgets the stream; NULL is fine. */
void hg_stream_close(HgStream *stream);

/* Closes with a reset: what the peer hasn't read is thrown away. NULL is fine. */
void hg_stream_abort(HgStream *stream);
