/* load_channel: sockets and TLS of the load generator. Owns a socket and its TLS state; one
 * thread.
 *
 * OpenSSL gets the socket through a BIO of ours, which notes when a read has emptied it: so no read
 * is made only to hear that there is no more. */
#include "load_channel.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"

enum {
    READ_AHEAD_BYTES = 64 * 1024, /* several records in one read */
};

static const char cipher_suite[] = "TLS_AES_256_GCM_SHA384";

struct LoadTls {
    SSL_CTX *context;
    BIO_METHOD *socket;
};

struct LoadChannel {
    int fd;
    SSL *ssl;     /* NULL: plain */
    bool drained; /* TLS: the last read took all that the socket had */
};

/* ---- the socket as OpenSSL sees it ---- */

static int socket_write(BIO *bio, const char *data, int len)
{
    LoadChannel *channel = BIO_get_data(bio);
    ssize_t n = send(channel->fd, data, (size_t)len, MSG_NOSIGNAL);
    BIO_clear_retry_flags(bio);
    if (n < 0 && errno == EAGAIN)
        BIO_set_retry_write(bio);
    return (int)n;
}

static int socket_read(BIO *bio, char *data, int room)
{
    LoadChannel *channel = BIO_get_data(bio);
    ssize_t n = recv(channel->fd, data, (size_t)room, 0);
    BIO_clear_retry_flags(bio);
    if (n < 0 && errno == EAGAIN)
        BIO_set_retry_read(bio);
    channel->drained = n < (ssize_t)room;
    return (int)n;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
    return command == BIO_CTRL_FLUSH;
}

/* ---- TLS ---- */

LoadTls *load_tls_new(void)
{
    LoadTls *tls = bench_allocate(1, sizeof *tls);
    tls->context = SSL_CTX_new(TLS_client_method());
    tls->socket = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bench socket");
    if (!tls->context || !tls->socket ||
        SSL_CTX_set_min_proto_version(tls->context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(tls->context, cipher_suite) != 1)
        bench_die("OpenSSL has no TLS 1.3 with %s", cipher_suite);
    BIO_meth_set_write(tls->socket, socket_write);
    BIO_meth_set_read(tls->socket, socket_read);
    BIO_meth_set_ctrl(tls->socket, socket_control);
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(tls->context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(tls->context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(tls->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(tls->context, 1);
    SSL_CTX_set_default_read_buffer_len(tls->context, READ_AHEAD_BYTES);
    return tls;
}

void load_tls_free(LoadTls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    BIO_meth_free(tls->socket);
    free(tls);
}

static void begin_tls(LoadChannel *channel, const LoadTls *tls)
{
    BIO *bio = BIO_new(tls->socket);
    channel->ssl = SSL_new(tls->context);
    if (!bio || !channel->ssl || SSL_set_tlsext_host_name(channel->ssl, "localhost") != 1)
        bench_die("OpenSSL has no memory for a connection");
    BIO_set_data(bio, channel);
    BIO_set_init(bio, 1);
    SSL_set_bio(channel->ssl, bio, bio);
    SSL_set_connect_state(channel->ssl);
}

/* What a call of OpenSSL that moved nothing means, as send() and recv() would say it. */
static ssize_t tls_outcome(const LoadChannel *channel, int rc)
{
    int what = SSL_get_error(channel->ssl, rc);
    if (what == SSL_ERROR_ZERO_RETURN)
        return 0;
    if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE)
        errno = EAGAIN;
    else if (what != SSL_ERROR_SYSCALL || errno == 0)
        errno = EPROTO;
    return -1;
}

/* ---- the channel ---- */

LoadChannel *load_channel_new(const struct sockaddr_in *address, const LoadTls *tls)
{
    int fd = bench_connect(address);
    if (fd < 0)
        return NULL;
    LoadChannel *channel = bench_allocate(1, sizeof *channel);
    channel->fd = fd;
    if (tls)
        begin_tls(channel, tls);
    return channel;
}

void load_channel_free(LoadChannel *channel)
{
    if (!channel)
        return;
    if (channel->ssl && SSL_is_init_finished(channel->ssl))
        SSL_shutdown(channel->ssl);
    SSL_free(channel->ssl);
    ERR_clear_error();
    close(channel->fd);
    free(channel);
}

int load_channel_fd(const LoadChannel *channel)
{
    return channel->fd;
}

ssize_t load_channel_send(LoadChannel *channel, const void *data, size_t len)
{
    size_t sent = 0;
    if (!channel->ssl)
        return send(channel->fd, data, len, MSG_NOSIGNAL);
    ERR_clear_error();
    errno = 0;
    int rc = SSL_write_ex(channel->ssl, data, len, &sent);
    return rc == 1 ? (ssize_t)sent : tls_outcome(channel, rc);
}

ssize_t load_channel_recv(LoadChannel *channel, void *data, size_t room, bool *more)
{
    size_t got = 0;
    if (!channel->ssl) {
        ssize_t n = recv(channel->fd, data, room, 0);
        *more = n == (ssize_t)room;
        return n;
    }
    ERR_clear_error();
    errno = 0;
    int rc = SSL_read_ex(channel->ssl, data, room, &got);
    if (rc != 1)
        return tls_outcome(channel, rc);
    *more = !channel->drained || SSL_has_pending(channel->ssl);
    return (ssize_t)got;
}
