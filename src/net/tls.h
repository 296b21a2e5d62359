/* TLS settings: certificates, and what is demanded of the peer, for all connections of one listener
 * or towards the endpoints of one pool.
 *
 * Made from files, and made again when these change (hg_tls_reload()): connections that are there
 * keep what they began with. Counted; every function may be called from any thread, those that read
 * files block on the disk. The streams that use it: net/stream. OpenSSL is seen only in this
 * layer's tls*.c files. */
#pragma once

#include <glib.h>

typedef struct HgTls HgTls;

/* A certificate with the chain above it, and its key, as PEM files. */
typedef struct {
    const char *certificate_file;
    const char *key_file;
} HgTlsPair;

typedef enum {
    HG_TLS_1_2,
    HG_TLS_1_3,
} HgTlsVersion;

/* What a server demands of a client's certificate. */
typedef enum {
    HG_TLS_CLIENT_NONE,     /* it isn't asked for */
    HG_TLS_CLIENT_OPTIONAL, /* one that comes must be good */
    HG_TLS_CLIENT_REQUIRED, /* no connection without a good one */
} HgTlsClientCertificate;

/* What a client demands of the server's certificate. */
typedef enum {
    HG_TLS_VERIFY_FULL,  /* signed by the CA, and made out to the host's name or address */
    HG_TLS_VERIFY_CHAIN, /* signed by the CA */
    HG_TLS_VERIFY_NONE,  /* nothing: good against listeners only */
} HgTlsVerify;

/* The strings are copied. */
typedef struct {
    const HgTlsPair *pairs; /* server: the first is shown to whom no other's name fits (SNI);
                               client: at most one, shown when the server asks */
    guint n_pairs;
    const char *ca_file; /* PEM; NULL: the system's for a client, none for a server */
    HgTlsVersion min_version;
    const char *ciphers;      /* TLS 1.2, in OpenSSL's notation; NULL: the library's default */
    const char *ciphersuites; /* TLS 1.3; NULL: the library's default */
    HgTlsClientCertificate client_certificate; /* server */
    HgTlsVerify verify;                        /* client */
} HgTlsOptions;

/* What a peer's certificate says it is. A text that holds a NUL is left out. */
typedef struct {
    char *subject;     /* as RFC 2253 writes it */
    char *common_name; /* the subject's CN; NULL when it has none, or more than one */
    char **emails;     /* alternative names (RFC 5280 4.2.1.6); lists end with NULL */
    char **dns_names;
    char **uris;
} HgTlsPeer;

void hg_tls_peer_free(HgTlsPeer *peer); /* NULL is fine */

/* Settings for the side that accepts; NULL with *error, which names the file that is at fault. */
HgTls *hg_tls_new_server(const HgTlsOptions *options, GError **error);

/* Settings for the side that connects. */
HgTls *hg_tls_new_client(const HgTlsOptions *options, GError **error);

HgTls *hg_tls_ref(HgTls *tls);
void hg_tls_unref(HgTls *tls); /* NULL is fine */

/* Reads the files again when their contents have changed; *changed says whether they had. FALSE
 * with *error when they are of no use: what was there stays in use. */
gboolean hg_tls_reload(HgTls *tls, gboolean *changed, GError **error);

/* When the first of its own certificates expires, in seconds since 1970; 0 when it has none. */
gint64 hg_tls_expires(HgTls *tls);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgTls, hg_tls_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgTlsPeer, hg_tls_peer_free)
