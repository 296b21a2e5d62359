/* Bytes to a collector: see line_sink.h. Owns the socket and OpenSSL's objects. */
#include "audit/line_sink.h"

#include "base/error.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_MS 5 /* between two looks at what TCP has to have acknowledged */

struct HgLineSink {
    int fd;
    int stop_fd;
    gint64 timeout_ms;
    SSL_CTX *context;
    SSL *ssl; /* NULL: plain TCP */
};

void hg_line_sink_free(HgLineSink *sink)
{
    if (sink == NULL)
        return;
    if (sink->ssl != NULL)
        SSL_shutdown(sink->ssl); /* says the end, as far as it goes at once */
    SSL_free(sink->ssl);
    SSL_CTX_free(sink->context);
    if (sink->fd >= 0)
        close(sink->fd);
    ERR_clear_error();
    g_free(sink);
}

/* Waits for the socket, or only for the time when `events` is 0. */
static gboolean wait_for(const HgLineSink *sink, short events, gint64 until_us, GError **error)
{
    struct pollfd fds[2] = {{.fd = events != 0 ? sink->fd : -1, .events = events},
                            {.fd = sink->stop_fd, .events = POLLIN}};
    gint64 left = (until_us - g_get_monotonic_time() + 999) / 1000;
    gint64 most = events != 0 ? left : MIN(left, LOOK_MS);
    int n = left > 0 ? poll(fds, 2, (int)MIN(most, G_MAXINT)) : 0;
    if (n > 0 && fds[1].revents != 0)
        g_set_error_literal(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "hivegate is ending");
    else if (left <= 0)
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE,
                    "the collector took nothing for %" G_GINT64_FORMAT " s",
                    sink->timeout_ms / 1000);
    else
        return TRUE;
    return FALSE;
}

static gint64 deadline(const HgLineSink *sink)
{
    return g_get_monotonic_time() + sink->timeout_ms * 1000;
}

/* OpenSSL's last word on what went wrong. */
static gboolean fail_tls(const HgLineSink *sink, const char *what, GError **error)
{
    char text[256] = "the connection was closed";
    unsigned long code = ERR_get_error();
    long verified = sink->ssl != NULL ? SSL_get_verify_result(sink->ssl) : X509_V_OK;
    if (verified != X509_V_OK)
        g_strlcpy(text, X509_verify_cert_error_string(verified), sizeof text);
    else if (code != 0)
        ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "the collector: %s: %s", what, text);
    return FALSE;
}

/* ---- connecting ---- */

static gboolean connect_one(HgLineSink *sink, const struct addrinfo *at, GError **error)
{
    int rc = 0;
    socklen_t size = sizeof rc;
    sink->fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (sink->fd < 0) {
        hg_error_set_errno(error, errno, "can't make a socket");
        return FALSE;
    }
    if (connect(sink->fd, at->ai_addr, at->ai_addrlen) != 0 && errno != EINPROGRESS)
        rc = errno;
    else if (!wait_for(sink, POLLOUT, deadline(sink), error))
        return FALSE;
    else
        getsockopt(sink->fd, SOL_SOCKET, SO_ERROR, &rc, &size);
    if (rc == 0)
        return TRUE;
    hg_error_set_errno(error, rc, "can't reach the collector");
    return FALSE;
}

static gboolean connect_any(HgLineSink *sink, const HgLineSinkOptions *options, GError **error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(options->host, options->port, &hints, &found);
    gboolean ok = FALSE;
    if (rc != 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "the collector %s: %s", options->host,
                    gai_strerror(rc));
        return FALSE;
    }
    for (const struct addrinfo *at = found; at != NULL && !ok; at = at->ai_next) {
        g_clear_error(error);
        if (sink->fd >= 0)
            close(sink->fd);
        sink->fd = -1;
        ok = connect_one(sink, at, error);
    }
    freeaddrinfo(found);
    return ok;
}

/* What the step wants, or -1 when it failed. */
static short wanted(const HgLineSink *sink, int rc)
{
    switch (SSL_get_error(sink->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return POLLIN;
    case SSL_ERROR_WANT_WRITE:
        return POLLOUT;
    default:
        return -1;
    }
}

static gboolean make_context(HgLineSink *sink, const HgLineSinkOptions *options)
{
    sink->context = SSL_CTX_new(TLS_client_method());
    if (sink->context == NULL || SSL_CTX_set_min_proto_version(sink->context, TLS1_2_VERSION) != 1)
        return FALSE;
    SSL_CTX_set_verify(sink->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(sink->context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if ((options->ca_file != NULL
             ? SSL_CTX_load_verify_locations(sink->context, options->ca_file, NULL)
             : SSL_CTX_set_default_verify_paths(sink->context)) != 1)
        return FALSE;
    return options->certificate_file == NULL ||
           (SSL_CTX_use_certificate_chain_file(sink->context, options->certificate_file) == 1 &&
            SSL_CTX_use_PrivateKey_file(sink->context, options->key_file, SSL_FILETYPE_PEM) == 1);
}

static gboolean start_tls(HgLineSink *sink, const HgLineSinkOptions *options, GError **error)
{
    gint64 until = deadline(sink);
    int rc;
    ERR_clear_error();
    if (!make_context(sink, options))
        return fail_tls(sink, "its certificates can't be used", error);
    sink->ssl = SSL_new(sink->context);
    if (sink->ssl == NULL || SSL_set_fd(sink->ssl, sink->fd) != 1)
        return fail_tls(sink, "TLS can't be started", error);
    X509_VERIFY_PARAM *param = SSL_get0_param(sink->ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, options->host) != 1 &&
        (SSL_set1_host(sink->ssl, options->host) != 1 ||
         SSL_set_tlsext_host_name(sink->ssl, options->host) != 1))
        return fail_tls(sink, "its name can't be used", error);
    ERR_clear_error();
    while ((rc = SSL_connect(sink->ssl)) != 1) {
        short events = wanted(sink, rc);
        if (events < 0)
            return fail_tls(sink, "TLS failed", error);
        if (!wait_for(sink, events, until, error))
            return FALSE;
    }
    return TRUE;
}

HgLineSink *hg_line_sink_connect(const HgLineSinkOptions *options, GError **error)
{
    g_autoptr(HgLineSink) sink = g_new0(HgLineSink, 1);
    sink->fd = -1;
    sink->stop_fd = options->stop_fd;
    sink->timeout_ms = options->timeout_ms;
    if (!connect_any(sink, options, error) || (options->tls && !start_tls(sink, options, error)))
        return NULL;
    return g_steal_pointer(&sink);
}

/* ---- sending ---- */

/* Bytes that were taken; 0: *events has to come first; -1 with *error. */
static gssize send_some(HgLineSink *sink, HgSlice bytes, short *events, GError **error)
{
    *events = POLLOUT;
    if (sink->ssl == NULL) {
        gssize sent = send(sink->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent >= 0 || errno == EAGAIN || errno == EINTR)
            return MAX(sent, 0);
        hg_error_set_errno(error, errno, "the collector");
        return -1;
    }
    ERR_clear_error();
    int rc = SSL_write(sink->ssl, bytes.data, (int)MIN(bytes.size, (gsize)G_MAXINT));
    if (rc > 0)
        return rc;
    *events = wanted(sink, rc);
    if (*events >= 0)
        return 0;
    fail_tls(sink, "writing failed", error);
    return -1;
}

/* Until TCP has nothing to be acknowledged. */
static gboolean settle(HgLineSink *sink, GError **error)
{
    gint64 until = deadline(sink);
    int left = 0, before = G_MAXINT;
    for (;;) {
        if (!hg_line_sink_check(sink, error))
            return FALSE;
        if (ioctl(sink->fd, SIOCOUTQ, &left) != 0) {
            hg_error_set_errno(error, errno, "the collector");
            return FALSE;
        }
        if (left == 0)
            return TRUE;
        if (left < before)
            until = deadline(sink);
        before = left;
        if (!wait_for(sink, 0, until, error))
            return FALSE;
    }
}

gboolean hg_line_sink_send(HgLineSink *sink, HgSlice bytes, GError **error)
{
    gint64 until = deadline(sink);
    while (bytes.size > 0) {
        short events = 0;
        gssize sent = send_some(sink, bytes, &events, error);
        if (sent < 0)
            return FALSE;
        if (sent > 0)
            until = deadline(sink);
        else if (!wait_for(sink, events, until, error))
            return FALSE;
        bytes = hg_slice(bytes.data + sent, bytes.size - (gsize)sent);
    }
    return settle(sink, error);
}

gboolean hg_line_sink_check(HgLineSink *sink, GError **error)
{
    char bytes[512];
    gssize got;
    if (sink->ssl != NULL) {
        ERR_clear_error();
        int rc = SSL_read(sink->ssl, bytes, sizeof bytes);
        return rc > 0 || wanted(sink, rc) >= 0 || fail_tls(sink, "it is gone", error);
    }
    got = recv(sink->fd, bytes, sizeof bytes, 0);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return TRUE;
    hg_error_set_errno(error, got == 0 ? ECONNRESET : errno, "the collector");
    return FALSE;
}
