/* What src/net's own files see of TLS settings. */
#pragma once

#include "net/tls.h"

#include <openssl/ssl.h>

/* How OpenSSL reaches a connection's socket: net/stream_tls has it. NULL when there is no memory;
 * free with BIO_meth_free(), after all connections that use it. */
BIO_METHOD *hg_stream_tls_socket(void);

/* That of a connection; borrowed, lives as long as the connection. */
const BIO_METHOD *hg_tls_connection_socket(const SSL *ssl);

/* A new connection's TLS state under the present settings; NULL when OpenSSL has no memory for it.
 * `host` (client): the name or address that the server must prove to be, and asks for by SNI. */
SSL *hg_tls_connection_new(HgTls *tls, const char *host);

/* Frees it; NULL is fine. */
void hg_tls_connection_free(SSL *ssl);

/* What went wrong last on this thread, as OpenSSL words it; empties its queue of errors. Free with
 * g_free. */
char *hg_tls_take_problem(void);

/* What a failed handshake or a broken connection is called: a bad certificate by its fault. Empties
 * the queue too. Free with g_free. */
char *hg_tls_describe(SSL *ssl);
