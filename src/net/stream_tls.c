/* TLS as a stream's filter: see stream.h. The handshake runs inside the first reads and writes, so
 * nothing above knows of it. Owns the connection's SSL state; loop's thread only.
 *
 * OpenSSL may need to write in order to read, and the other way round, and it may hold bytes that
 * the socket has given already: what the poll handle waits for follows from that. It reaches the
 * socket through a BIO of ours, so that records which follow each other go out together. */
#include "net/stream_private.h"
#include "net/tls_private.h"

#include "base/error.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>

#define HANDSHAKE 0x16 /* first byte of a record with a handshake (RFC 8446 5.1) */
#define RECORD    SSL3_RT_MAX_PLAIN_LENGTH /* bytes that go into one record */

typedef struct {
    SSL *ssl;
    int fd;
    gboolean more;             /* another record follows the one that is being written */
    gboolean greeted;          /* the peer's first byte was TLS (or isn't looked at: a client) */
    gboolean read_wants_write; /* the last read waits for room to write */
    gboolean write_wants_read; /* the last write waits for bytes to read */
    gboolean drained;          /* the last read left nothing behind */
    gboolean mute;             /* the socket takes no more */
    gboolean broken;           /* after an error of TLS nothing can be read or sent any more */
} Tls;

/* ---- the socket as OpenSSL sees it ---- */

/* Tells OpenSSL what a call on the socket that gave `n` means. */
static int moved(BIO *bio, ssize_t n, int retry)
{
    BIO_clear_retry_flags(bio);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    return (int)n;
}

static int socket_read(BIO *bio, char *bytes, int size)
{
    const Tls *tls = BIO_get_data(bio);
    ssize_t n = recv(tls->fd, bytes, (gsize)size, 0);
    if (n == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return moved(bio, n, BIO_FLAGS_READ);
}

static int socket_write(BIO *bio, const char *bytes, int size)
{
    const Tls *tls = BIO_get_data(bio);
    int flags = MSG_NOSIGNAL | (tls->more ? MSG_MORE : 0);
    return moved(bio, send(tls->fd, bytes, (gsize)size, flags), BIO_FLAGS_WRITE);
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH; /* nothing is held back here */
}

BIO_METHOD *hg_stream_tls_socket(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "hivegate socket");
    if (method == NULL)
        return NULL;
    BIO_meth_set_read(method, socket_read);
    BIO_meth_set_write(method, socket_write);
    BIO_meth_set_ctrl(method, socket_control);
    return method;
}

/* Gives the connection its socket. */
static gboolean use_socket(Tls *tls)
{
    BIO *bio = BIO_new(hg_tls_connection_socket(tls->ssl));
    if (bio == NULL)
        return FALSE;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    return TRUE;
}

/* ---- reading and writing ---- */

static void set_problem(HgStream *stream, char *take_text)
{
    g_free(stream->problem);
    stream->problem = take_text;
    stream->error = EPROTO;
}

/* What came of a call of OpenSSL that didn't succeed. */
static HgIo outcome(HgStream *stream, int rc, gboolean *needs_other, int other)
{
    Tls *tls = stream->data;
    int what = SSL_get_error(tls->ssl, rc);
    if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE) {
        *needs_other = what == other;
        return HG_IO_AGAIN;
    }
    if (what == SSL_ERROR_ZERO_RETURN)
        return HG_IO_END;
    if (what == SSL_ERROR_SYSCALL && ERR_peek_error() == 0) {
        /* the peer may have said why, before it closed: reading finds that */
        tls->mute = TRUE;
        if (errno == 0)
            return HG_IO_END;
        if (stream->error == 0) /* reading tries a handshake's write again: the first error tells */
            stream->error = errno;
    } else {
        tls->broken = TRUE;
        set_problem(stream, hg_tls_describe(tls->ssl));
    }
    return HG_IO_ERROR;
}

/* A server looks at the first byte before OpenSSL eats it, so that a peer without TLS can be told.
 */
static HgIo look_at_greeting(HgStream *stream)
{
    Tls *tls = stream->data;
    guint8 first;
    ssize_t n = recv(stream->fd, &first, 1, MSG_PEEK);
    if (n == 0)
        return HG_IO_END;
    if (n < 0)
        return hg_stream_failed(stream);
    if (first != HANDSHAKE) {
        set_problem(stream, g_strdup("the peer doesn't speak TLS"));
        return HG_IO_ERROR;
    }
    tls->greeted = TRUE;
    return HG_IO_OK;
}

static HgIo tls_read(HgStream *stream, guint8 *bytes, gsize size, gsize *done)
{
    Tls *tls = stream->data;
    tls->drained = TRUE;
    if (tls->broken)
        return HG_IO_ERROR;
    if (!tls->greeted) {
        HgIo io = look_at_greeting(stream);
        if (io != HG_IO_OK)
            return io;
    }
    gsize total = 0;
    while (total < size) { /* record by record */
        size_t n = 0;
        ERR_clear_error();
        errno = 0;
        int rc = SSL_read_ex(tls->ssl, bytes + total, size - total, &n);
        if (rc != 1) {
            HgIo io = outcome(stream, rc, &tls->read_wants_write, SSL_ERROR_WANT_WRITE);
            if (total == 0) /* a reset is told once: writing has found it, reading sees an end */
                return io == HG_IO_END && tls->mute && stream->error != 0 ? HG_IO_ERROR : io;
            tls->drained = io == HG_IO_AGAIN; /* an end or error shows again at the next read */
            *done = total;
            return HG_IO_OK;
        }
        tls->read_wants_write = FALSE;
        total += n;
        if (SSL_has_pending(tls->ssl) == 0)
            break; /* the socket tells when there is more */
    }
    tls->drained = SSL_has_pending(tls->ssl) == 0;
    *done = total;
    return HG_IO_OK;
}

/* What is still to be written, and a record's worth of it in one run. */
typedef struct {
    HgSlice parts[HG_STREAM_PARTS];
    guint at; /* the first part that isn't empty */
    guint count;
    gsize left;            /* bytes in all */
    guint8 joined[RECORD]; /* where short parts are put together */
} Unwritten;

static void note_written(Unwritten *what, gsize size)
{
    what->left -= size;
    while (what->at < what->count && size >= what->parts[what->at].size)
        size -= what->parts[what->at++].size;
    if (size > 0)
        what->parts[what->at] =
            hg_slice(what->parts[what->at].data + size, what->parts[what->at].size - size);
}

static void begin_writing(Unwritten *what, const HgSlice *parts, guint count)
{
    what->at = 0;
    what->count = count;
    what->left = 0;
    for (guint i = 0; i < count; i++) {
        what->parts[i] = parts[i];
        what->left += parts[i].size;
    }
    note_written(what, 0);
}

/* A record of its own for the few bytes in front of a message would cost more than copying. */
static HgSlice next_record(Unwritten *what)
{
    HgSlice first = what->parts[what->at];
    gsize size = 0;
    if (first.size >= RECORD || first.size == what->left)
        return hg_slice(first.data, MIN(first.size, (gsize)RECORD));
    for (guint i = what->at; i < what->count && size < RECORD; i++) {
        gsize taken = MIN(what->parts[i].size, RECORD - size);
        if (taken > 0)
            memcpy(what->joined + size, what->parts[i].data, taken);
        size += taken;
    }
    return hg_slice(what->joined, size);
}

/* Writes one record. */
static HgIo write_record(HgStream *stream, HgSlice bytes, gsize *done)
{
    Tls *tls = stream->data;
    ERR_clear_error();
    errno = 0;
    int rc = SSL_write_ex(tls->ssl, bytes.data, bytes.size, done);
    if (rc == 1) {
        tls->write_wants_read = FALSE;
        return HG_IO_OK;
    }
    HgIo io = outcome(stream, rc, &tls->write_wants_read, SSL_ERROR_WANT_READ);
    if (io != HG_IO_END)
        return io;
    stream->error = EPIPE; /* the peer said goodbye and takes no more */
    return HG_IO_ERROR;
}

static HgIo tls_write(HgStream *stream, const HgSlice *parts, guint count, gsize *done)
{
    Tls *tls = stream->data;
    HgIo io = HG_IO_OK;
    Unwritten what;
    gsize total = 0;
    if (tls->broken || tls->mute)
        return HG_IO_ERROR;
    begin_writing(&what, parts, count);
    while (what.left > 0 && io == HG_IO_OK) {
        gsize size = 0;
        HgSlice record = next_record(&what);
        tls->more = what.left > record.size;
        io = write_record(stream, record, &size);
        if (io == HG_IO_OK)
            note_written(&what, size);
        total += size;
    }
    tls->more = FALSE;
    *done = total;
    return total > 0 ? HG_IO_OK : io;
}

/* Sends close_notify, once; without it the peer couldn't tell our end from a cut (RFC 8446 6.1). */
static void say_goodbye(const Tls *tls)
{
    ERR_clear_error();
    if (!tls->broken && !tls->mute && SSL_is_init_finished(tls->ssl) &&
        (SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN) == 0)
        SSL_shutdown(tls->ssl);
}

static void tls_end_writing(HgStream *stream)
{
    say_goodbye(stream->data);
    shutdown(stream->fd, SHUT_WR);
}

static int tls_events(HgStream *stream, guint want)
{
    const Tls *tls = stream->data;
    int events = 0;
    if ((want & HG_WANT_READ) != 0)
        events |= tls->read_wants_write ? UV_WRITABLE : UV_READABLE;
    if ((want & HG_WANT_WRITE) != 0)
        events |= tls->write_wants_read ? UV_READABLE : UV_WRITABLE;
    return events;
}

static gboolean tls_holds_input(HgStream *stream)
{
    const Tls *tls = stream->data;
    return !tls->drained;
}

static void tls_free(void *data)
{
    Tls *tls = data;
    if (tls->ssl != NULL)
        say_goodbye(tls); /* the socket is still open */
    hg_tls_connection_free(tls->ssl);
    g_free(tls);
}

static const HgStreamFilter tls_filter = {.read = tls_read,
                                          .write = tls_write,
                                          .end_writing = tls_end_writing,
                                          .events = tls_events,
                                          .holds_input = tls_holds_input,
                                          .free = tls_free};

const HgStreamFilter *hg_stream_tls(int fd, HgTls *tls, const char *host, void **data,
                                    GError **error)
{
    Tls *made = g_new0(Tls, 1);
    made->drained = TRUE;
    made->fd = fd;
    made->ssl = hg_tls_connection_new(tls, host);
    if (made->ssl == NULL || !use_socket(made)) {
        g_autofree char *problem = hg_tls_take_problem();
        g_set_error(error, HG_ERROR, HG_ERROR_FAILED, "can't begin TLS: %s", problem);
        tls_free(made);
        return NULL;
    }
    made->greeted = !SSL_is_server(made->ssl);
    made->read_wants_write = !SSL_is_server(made->ssl); /* a client speaks first */
    *data = made;
    return &tls_filter;
}

static void become_plain(HgStream *stream)
{
    tls_free(stream->data);
    stream->data = NULL;
    stream->filter = hg_stream_plain();
    stream->error = 0;
    g_clear_pointer(&stream->problem, g_free);
}

gboolean hg_stream_drop_tls(HgStream *stream)
{
    const Tls *tls = stream->data;
    if (stream->filter != &tls_filter || tls->greeted)
        return FALSE;
    become_plain(stream);
    return TRUE;
}

gboolean hg_stream_bury_tls(HgStream *stream)
{
    const Tls *tls = stream->data;
    if (stream->filter != &tls_filter || !tls->broken)
        return FALSE;
    become_plain(stream);
    return TRUE;
}

/* ---- the peer ---- */

/* The text, unless it holds what C wouldn't see. Free with g_free. */
static char *text_of(const ASN1_STRING *string)
{
    unsigned char *utf8 = NULL;
    int size = ASN1_STRING_to_UTF8(&utf8, string);
    if (size < 0)
        return NULL;
    char *text =
        memchr(utf8, '\0', (gsize)size) == NULL ? g_strndup((char *)utf8, (gsize)size) : NULL;
    OPENSSL_free(utf8);
    return text;
}

static char *common_name(X509_NAME *name)
{
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
        return NULL; /* none, or more than one: which would be meant? */
    return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

static char *subject(X509_NAME *name)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        char *bytes;
        long size = BIO_get_mem_data(out, &bytes);
        text = g_strndup(bytes, (gsize)size);
    }
    BIO_free(out);
    return text;
}

static GPtrArray *alternative_names(X509 *certificate, int type)
{
    GPtrArray *texts = g_ptr_array_new();
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        char *text = name->type == type ? text_of(name->d.ia5) : NULL;
        if (text != NULL)
            g_ptr_array_add(texts, text);
    }
    GENERAL_NAMES_free(names);
    g_ptr_array_add(texts, NULL);
    return texts;
}

static char **as_list(GPtrArray *take_texts)
{
    return (char **)g_ptr_array_free(take_texts, FALSE);
}

HgTlsPeer *hg_stream_tls_peer(HgStream *stream)
{
    Tls *tls = stream->data;
    if (stream->filter != &tls_filter || !SSL_is_init_finished(tls->ssl))
        return NULL;
    X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
    if (certificate == NULL || SSL_get_verify_result(tls->ssl) != X509_V_OK)
        return NULL;
    HgTlsPeer *peer = g_new0(HgTlsPeer, 1);
    peer->subject = subject(X509_get_subject_name(certificate));
    peer->common_name = common_name(X509_get_subject_name(certificate));
    peer->emails = as_list(alternative_names(certificate, GEN_EMAIL));
    peer->dns_names = as_list(alternative_names(certificate, GEN_DNS));
    peer->uris = as_list(alternative_names(certificate, GEN_URI));
    return peer;
}

void hg_tls_peer_free(HgTlsPeer *peer)
{
    if (peer == NULL)
        return;
    g_free(peer->subject);
    g_free(peer->common_name);
    g_strfreev(peer->emails);
    g_strfreev(peer->dns_names);
    g_strfreev(peer->uris);
    g_free(peer);
}
