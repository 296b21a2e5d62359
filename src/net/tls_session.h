/* TLS over a connected socket for a thread that may wait: what a library with blocking calls of its
 * own (libldap) reads and writes through. Loops use net/stream.
 *
 * The socket doesn't block; only the handshake waits. The session doesn't own the socket. One
 * thread at a time. */
#pragma once

#include "net/tls.h"

typedef struct HgTlsSession HgTlsSession;

/* Shakes hands as a client with `host` before `deadline_us` (monotonic). *out is the caller's; on
 * failure HG_ERROR_UNAVAILABLE says what was wrong with the server's certificate, if it was that.
 */
gboolean hg_tls_session_new(HgTls *tls, int fd, const char *host, gint64 deadline_us,
                            HgTlsSession **out, GError **error);

/* Tells the peer that nothing more comes, without waiting. From then on the socket isn't touched
 * any more, so it has to come before the socket is closed. */
void hg_tls_session_end(HgTlsSession *session);

/* Frees it without a word to the peer. NULL does nothing. */
void hg_tls_session_free(HgTlsSession *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgTlsSession, hg_tls_session_free)

/* Like read(2) and write(2) on a socket that doesn't block: how many bytes, at least one; -1 with
 * errno, which is EAGAIN when it has to be tried again later. The end of input is 0. */
gssize hg_tls_session_read(HgTlsSession *session, void *out, gsize size);
gssize hg_tls_session_write(HgTlsSession *session, const void *bytes, gsize size);

/* TRUE when a read would bring something without the socket being readable. */
gboolean hg_tls_session_has_pending(const HgTlsSession *session);
