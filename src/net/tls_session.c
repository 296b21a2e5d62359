/* TLS with a handshake that waits: see tls_session.h. Owns OpenSSL's state, not the socket. */
#include "net/tls_session.h"

#include "base/error.h"
#include "net/tls_private.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>

struct HgTlsSession {
    SSL *ssl;
    gboolean broken; /* nothing may be read or written any more */
};

/* What came of a call that didn't succeed, as errno; 0 for the end of input. */
static int outcome(HgTlsSession *session, int rc)
{
    int errnum = errno;
    switch (SSL_get_error(session->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        session->broken = TRUE;
        return errnum != 0 ? errnum : ECONNRESET;
    default:
        session->broken = TRUE;
        return EPROTO;
    }
}

/* Waits until the socket is ready for what the handshake wants; FALSE when the time is over. */
static gboolean wait_ready(const HgTlsSession *session, gint64 deadline_us)
{
    struct pollfd watched = {.fd = SSL_get_fd(session->ssl),
                             .events = SSL_want_write(session->ssl) ? POLLOUT : POLLIN};
    int ready;
    do {
        gint64 left = MAX(deadline_us - g_get_monotonic_time(), 0);
        ready = poll(&watched, 1, (int)MIN((left + 999) / 1000, G_MAXINT));
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static gboolean shake_hands(HgTlsSession *session, gint64 deadline_us, GError **error)
{
    for (;;) {
        ERR_clear_error();
        errno = 0;
        int rc = SSL_do_handshake(session->ssl);
        if (rc == 1)
            return TRUE;
        int errnum = outcome(session, rc);
        if (errnum == EAGAIN && wait_ready(session, deadline_us))
            continue;
        g_autofree char *problem = errnum == EPROTO ? hg_tls_describe(session->ssl) : NULL;
        const char *what = errnum == EAGAIN       ? "TLS: no answer in time"
                           : errnum == ECONNRESET ? "TLS: the server closed the connection"
                           : errnum == 0          ? "TLS: the server closed the connection"
                                                  : g_strerror(errnum);
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "%s", problem != NULL ? problem : what);
        session->broken = TRUE;
        return FALSE;
    }
}

gboolean hg_tls_session_new(HgTls *tls, int fd, const char *host, gint64 deadline_us,
                            HgTlsSession **out, GError **error)
{
    g_autoptr(HgTlsSession) session = g_new0(HgTlsSession, 1);
    session->ssl = hg_tls_connection_new(tls, host);
    if (session->ssl == NULL || SSL_set_fd(session->ssl, fd) != 1) {
        g_autofree char *problem = hg_tls_take_problem();
        session->broken = TRUE;
        g_set_error(error, HG_ERROR, HG_ERROR_FAILED, "can't begin TLS: %s", problem);
        return FALSE;
    }
    /* what was read ahead would be seen by neither poll() nor SSL_pending() */
    SSL_set_read_ahead(session->ssl, 0);
    if (!shake_hands(session, deadline_us, error))
        return FALSE;
    *out = g_steal_pointer(&session);
    return TRUE;
}

void hg_tls_session_end(HgTlsSession *session)
{
    if (!session->broken)
        SSL_shutdown(session->ssl);
    ERR_clear_error();
    session->broken = TRUE;
}

void hg_tls_session_free(HgTlsSession *session)
{
    if (session == NULL)
        return;
    hg_tls_connection_free(session->ssl);
    g_free(session);
}

static gssize finish(HgTlsSession *session, int rc, gsize done)
{
    if (rc == 1)
        return (gssize)done;
    int errnum = outcome(session, rc);
    ERR_clear_error();
    errno = errnum;
    return errnum == 0 ? 0 : -1;
}

static gboolean is_broken(const HgTlsSession *session)
{
    ERR_clear_error();
    errno = session->broken ? EPROTO : 0;
    return session->broken;
}

gssize hg_tls_session_read(HgTlsSession *session, void *out, gsize size)
{
    gsize done = 0;
    if (is_broken(session))
        return -1;
    int rc = SSL_read_ex(session->ssl, out, size, &done);
    return finish(session, rc, done);
}

gssize hg_tls_session_write(HgTlsSession *session, const void *bytes, gsize size)
{
    gsize done = 0;
    if (is_broken(session))
        return -1;
    int rc = SSL_write_ex(session->ssl, bytes, size, &done);
    return finish(session, rc, done);
}

gboolean hg_tls_session_has_pending(const HgTlsSession *session)
{
    return SSL_pending(session->ssl) > 0;
}
