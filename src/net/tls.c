/* TLS settings over OpenSSL: see tls.h. Holds the SSL_CTX in use, which a reload replaces under the
 * lock; each connection holds a reference to the one it began with. Any thread. */
#include "net/tls_private.h"

#include "base/error.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>

#define ENDPOINT_READ ((gsize)64 * 1024)

/* What belongs to one reading of the files. Counted: the settings and each connection hold one. */
typedef struct {
    atomic_int references;
    SSL_CTX *context;  /* for connections; the first pair's */
    GPtrArray *others; /* SSL_CTX of the other pairs, chosen by SNI */
    BIO_METHOD *socket;
    char *fingerprint; /* of the contents of all files */
    gint64 expires;    /* seconds since 1970 */
} Reading;

struct HgTls {
    atomic_int references;
    gboolean server;
    HgTlsOptions options; /* with strings of its own */
    HgTlsPair *pairs;
    pthread_mutex_t lock; /* guards `reading` */
    Reading *reading;
};

/* ---- errors ---- */

char *hg_tls_take_problem(void)
{
    unsigned long code = ERR_get_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    if (reason == NULL && code != 0 && ERR_SYSTEM_ERROR(code))
        reason = g_strerror(ERR_GET_REASON(code));
    ERR_clear_error();
    return g_strdup(reason != NULL ? reason : "unknown TLS error");
}

char *hg_tls_describe(SSL *ssl)
{
    long verdict = SSL_get_verify_result(ssl);
    gboolean no_tls = !SSL_is_server(ssl) && !SSL_is_init_finished(ssl) &&
                      ERR_GET_REASON(ERR_peek_error()) == SSL_R_WRONG_VERSION_NUMBER;
    g_autofree char *problem = hg_tls_take_problem();
    if (verdict != X509_V_OK && !SSL_is_init_finished(ssl))
        return g_strdup_printf("TLS: the peer's certificate is no good: %s",
                               X509_verify_cert_error_string(verdict));
    if (no_tls)
        return g_strdup("the peer doesn't speak TLS");
    return g_strdup_printf("TLS: %s", problem);
}

static gboolean fail(GError **error, const char *what, const char *file)
{
    g_autofree char *problem = hg_tls_take_problem();
    if (file != NULL)
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s %s: %s", what, file, problem);
    else
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s: %s", what, problem);
    return FALSE;
}

/* ---- one reading of the files ---- */

static void free_context(void *context)
{
    SSL_CTX_free(context);
}

static Reading *ref_reading(Reading *reading)
{
    atomic_fetch_add_explicit(&reading->references, 1, memory_order_relaxed);
    return reading;
}

static void unref_reading(Reading *reading)
{
    if (reading == NULL ||
        atomic_fetch_sub_explicit(&reading->references, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(reading->context);
    g_ptr_array_unref(reading->others);
    BIO_meth_free(reading->socket);
    g_free(reading->fingerprint);
    g_free(reading);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reading, unref_reading)
typedef SSL_CTX SslContext;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SslContext, SSL_CTX_free)

/* A key with a passphrase can't be read by a service: no prompt, a clear error. */
static int no_passphrase(char *buffer, int size, int writing, void *data)
{
    return -1;
}

static gboolean use_pair(SSL_CTX *context, const HgTlsPair *pair, GError **error)
{
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context, pair->certificate_file) != 1)
        return fail(error, "can't use the certificate in", pair->certificate_file);
    if (SSL_CTX_use_PrivateKey_file(context, pair->key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return fail(error, "can't use the key in", pair->key_file);
    return TRUE;
}

static gboolean use_authorities(SSL_CTX *context, const HgTls *tls, GError **error)
{
    const char *file = tls->options.ca_file;
    if (file == NULL)
        return tls->server || SSL_CTX_set_default_verify_paths(context) == 1 ||
               fail(error, "can't read the system's certificate authorities", NULL);
    if (SSL_CTX_load_verify_file(context, file) != 1)
        return fail(error, "can't use the certificate authorities in", file);
    if (tls->server) { /* the names are told to clients, so that they choose a fitting certificate
                        */
        STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);
        if (names == NULL)
            return fail(error, "can't use the certificate authorities in", file);
        SSL_CTX_set_client_CA_list(context, names);
    }
    return TRUE;
}

/* Finds what belongs between a server's certificate and its root once, not for every handshake:
 * among the authorities, when the certificate's file doesn't hold it. */
static void settle_chain(SSL_CTX *context, const HgTls *tls)
{
    STACK_OF(X509) *chain = NULL;
    if (!tls->server)
        return;
    if (tls->options.ca_file != NULL && SSL_CTX_get0_chain_certs(context, &chain) == 1 &&
        sk_X509_num(chain) <= 0)
        (void)SSL_CTX_build_cert_chain(context, SSL_BUILD_CHAIN_FLAG_NO_ROOT |
                                                    SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR |
                                                    SSL_BUILD_CHAIN_FLAG_CLEAR_ERROR);
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
}

static gboolean use_ciphers(SSL_CTX *context, const HgTlsOptions *options, GError **error)
{
    if (options->ciphers != NULL && SSL_CTX_set_cipher_list(context, options->ciphers) != 1)
        return fail(error, "no cipher of TLS 1.2 is called", options->ciphers);
    if (options->ciphersuites != NULL &&
        SSL_CTX_set_ciphersuites(context, options->ciphersuites) != 1)
        return fail(error, "no cipher suite of TLS 1.3 is called", options->ciphersuites);
    return TRUE;
}

static int verify_mode(const HgTls *tls)
{
    if (!tls->server)
        return tls->options.verify == HG_TLS_VERIFY_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
    switch (tls->options.client_certificate) {
    case HG_TLS_CLIENT_NONE:
        return SSL_VERIFY_NONE;
    case HG_TLS_CLIENT_OPTIONAL:
        return SSL_VERIFY_PEER;
    case HG_TLS_CLIENT_REQUIRED:
        return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
    g_return_val_if_reached(SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
}

static SSL_CTX *make_context(const HgTls *tls, const HgTlsPair *pair, GError **error)
{
    static const guint8 session_context[] = "hivegate";
    const HgTlsOptions *options = &tls->options;
    g_autoptr(SslContext) context =
        SSL_CTX_new(tls->server ? TLS_server_method() : TLS_client_method());
    if (context == NULL) {
        fail(error, "can't set up TLS", NULL);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context, options->min_version == HG_TLS_1_3 ? TLS1_3_VERSION
                                                                              : TLS1_2_VERSION);
    /* many peers close the connection without saying goodbye in TLS: messages carry their own
     * length, so a cut is noticed above */
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
    /* an idle connection owns no buffer; the bytes of a write may lie elsewhere at the next try */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1); /* a record in one read, not its head alone first */
    if (!tls->server)                   /* an endpoint's large replies: several in one */
        SSL_CTX_set_default_read_buffer_len(context, ENDPOINT_READ);
    SSL_CTX_set_verify(context, verify_mode(tls), NULL);
    SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1);
    /* sessions are resumed by tickets, which cost no memory; a client keeps one */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    if ((pair != NULL && !use_pair(context, pair, error)) ||
        !use_authorities(context, tls, error) || !use_ciphers(context, options, error))
        return NULL;
    settle_chain(context, tls);
    return g_steal_pointer(&context);
}

/* Takes the certificate that is made out to the name the client asked for. */
static int choose_certificate(SSL *ssl, int *alert, void *data)
{
    GPtrArray *others = data;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    if (X509_check_host(SSL_CTX_get0_certificate(SSL_get_SSL_CTX(ssl)), name, 0, 0, NULL) == 1)
        return SSL_TLSEXT_ERR_OK;
    for (guint i = 0; i < others->len; i++) {
        SSL_CTX *context = g_ptr_array_index(others, i);
        if (X509_check_host(SSL_CTX_get0_certificate(context), name, 0, 0, NULL) != 1)
            continue;
        SSL_set_SSL_CTX(ssl, context);
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_OK;
}

static void note_expiry(Reading *reading, SSL_CTX *context)
{
    struct tm when;
    X509 *certificate = SSL_CTX_get0_certificate(context);
    if (certificate == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &when) != 1)
        return;
    gint64 expires = timegm(&when);
    if (reading->expires == 0 || expires < reading->expires)
        reading->expires = expires;
}

static gboolean add_file(GChecksum *sum, const char *file, GError **error)
{
    g_autofree char *contents = NULL;
    gsize size = 0;
    if (file == NULL)
        return TRUE;
    if (!g_file_get_contents(file, &contents, &size, error))
        return FALSE;
    g_checksum_update(sum, (const guchar *)&size, sizeof size);
    g_checksum_update(sum, (const guchar *)contents, (gssize)size);
    return TRUE;
}

/* One value for the contents of all files: NULL with *error when one can't be read. */
static char *take_fingerprint(const HgTls *tls, GError **error)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    for (guint i = 0; i < tls->options.n_pairs; i++)
        if (!add_file(sum, tls->pairs[i].certificate_file, error) ||
            !add_file(sum, tls->pairs[i].key_file, error))
            return NULL;
    if (!add_file(sum, tls->options.ca_file, error))
        return NULL;
    return g_strdup(g_checksum_get_string(sum));
}

static Reading *read_files(const HgTls *tls, GError **error)
{
    g_autoptr(Reading) reading = g_new0(Reading, 1);
    atomic_init(&reading->references, 1);
    reading->others = g_ptr_array_new_with_free_func(free_context);
    reading->fingerprint = take_fingerprint(tls, error);
    if (reading->fingerprint == NULL)
        return NULL;
    reading->socket = hg_stream_tls_socket();
    reading->context = make_context(tls, tls->options.n_pairs > 0 ? &tls->pairs[0] : NULL, error);
    if (reading->context == NULL || reading->socket == NULL)
        return NULL;
    note_expiry(reading, reading->context);
    for (guint i = 1; i < tls->options.n_pairs; i++) {
        SSL_CTX *context = make_context(tls, &tls->pairs[i], error);
        if (context == NULL)
            return NULL;
        g_ptr_array_add(reading->others, context);
        note_expiry(reading, context);
    }
    if (tls->server) {
        SSL_CTX_set_tlsext_servername_callback(reading->context, choose_certificate);
        SSL_CTX_set_tlsext_servername_arg(reading->context, reading->others);
    }
    return g_steal_pointer(&reading);
}

/* ---- the settings ---- */

static HgTls *make(const HgTlsOptions *options, gboolean server, GError **error)
{
    HgTls *tls = g_new0(HgTls, 1);
    atomic_init(&tls->references, 1);
    pthread_mutex_init(&tls->lock, NULL);
    tls->server = server;
    tls->options = *options;
    tls->options.ca_file = g_strdup(options->ca_file);
    tls->options.ciphers = g_strdup(options->ciphers);
    tls->options.ciphersuites = g_strdup(options->ciphersuites);
    tls->pairs = g_new0(HgTlsPair, MAX(options->n_pairs, 1));
    for (guint i = 0; i < options->n_pairs; i++)
        tls->pairs[i] = (HgTlsPair){g_strdup(options->pairs[i].certificate_file),
                                    g_strdup(options->pairs[i].key_file)};
    tls->reading = read_files(tls, error);
    if (tls->reading == NULL)
        g_clear_pointer(&tls, hg_tls_unref);
    return tls;
}

HgTls *hg_tls_new_server(const HgTlsOptions *options, GError **error)
{
    g_assert(options->n_pairs > 0);
    return make(options, TRUE, error);
}

HgTls *hg_tls_new_client(const HgTlsOptions *options, GError **error)
{
    g_assert(options->n_pairs <= 1);
    return make(options, FALSE, error);
}

HgTls *hg_tls_ref(HgTls *tls)
{
    atomic_fetch_add_explicit(&tls->references, 1, memory_order_relaxed);
    return tls;
}

void hg_tls_unref(HgTls *tls)
{
    if (tls == NULL || atomic_fetch_sub_explicit(&tls->references, 1, memory_order_acq_rel) != 1)
        return;
    unref_reading(tls->reading);
    for (guint i = 0; i < tls->options.n_pairs; i++) {
        g_free((char *)tls->pairs[i].certificate_file);
        g_free((char *)tls->pairs[i].key_file);
    }
    g_free(tls->pairs);
    g_free((char *)tls->options.ca_file);
    g_free((char *)tls->options.ciphers);
    g_free((char *)tls->options.ciphersuites);
    pthread_mutex_destroy(&tls->lock);
    g_free(tls);
}

gboolean hg_tls_reload(HgTls *tls, gboolean *changed, GError **error)
{
    g_autofree char *fingerprint = take_fingerprint(tls, error);
    if (fingerprint == NULL)
        return FALSE;
    pthread_mutex_lock(&tls->lock);
    gboolean same = strcmp(fingerprint, tls->reading->fingerprint) == 0;
    pthread_mutex_unlock(&tls->lock);
    *changed = !same;
    if (same)
        return TRUE;
    Reading *reading = read_files(tls, error);
    if (reading == NULL)
        return FALSE;
    pthread_mutex_lock(&tls->lock);
    Reading *old = tls->reading;
    tls->reading = reading;
    pthread_mutex_unlock(&tls->lock);
    unref_reading(old);
    return TRUE;
}

gint64 hg_tls_expires(HgTls *tls)
{
    pthread_mutex_lock(&tls->lock);
    gint64 expires = tls->reading->expires;
    pthread_mutex_unlock(&tls->lock);
    return expires;
}

/* ---- connections ---- */

/* Makes the connection ask for `host` and, when the certificate is checked fully, insist on it. */
static gboolean expect_host(SSL *ssl, const HgTls *tls, const char *host)
{
    X509_VERIFY_PARAM *wanted = SSL_get0_param(ssl);
    gboolean full = tls->options.verify == HG_TLS_VERIFY_FULL;
    if (g_hostname_is_ip_address(host)) /* SNI holds names only (RFC 6066 3) */
        return !full || X509_VERIFY_PARAM_set1_ip_asc(wanted, host) == 1;
    return SSL_set_tlsext_host_name(ssl, host) == 1 &&
           (!full || X509_VERIFY_PARAM_set1_host(wanted, host, 0) == 1);
}

SSL *hg_tls_connection_new(HgTls *tls, const char *host)
{
    pthread_mutex_lock(&tls->lock);
    Reading *reading = ref_reading(tls->reading);
    pthread_mutex_unlock(&tls->lock);
    SSL *ssl = SSL_new(reading->context);
    if (ssl == NULL) {
        unref_reading(reading);
        return NULL;
    }
    SSL_set_app_data(ssl, reading);
    if (tls->server) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_set_connect_state(ssl);
    if (host != NULL ? expect_host(ssl, tls, host) : tls->options.verify != HG_TLS_VERIFY_FULL)
        return ssl;
    hg_tls_connection_free(ssl);
    return NULL;
}

const BIO_METHOD *hg_tls_connection_socket(const SSL *ssl)
{
    const Reading *reading = SSL_get_app_data(ssl);
    return reading->socket;
}

void hg_tls_connection_free(SSL *ssl)
{
    if (ssl == NULL)
        return;
    Reading *reading = SSL_get_app_data(ssl);
    SSL_free(ssl);
    unref_reading(reading);
}
