/* The other end of a connection: see peer.h. Owns nothing. TLS is GnuTLS's here: libmicrohttpd has
 * no other. */
#include "admin/peer.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <sys/socket.h>

#define NAME_MOST 256 /* bytes of a common name (RFC 5280 A.1 has 64 characters) */

HgPeerAddress hg_admin_peer_address(struct MHD_Connection *connection, gint64 *uid)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    HgAddress peer = {.size = sizeof peer.storage};
    struct ucred credentials = {0};
    socklen_t size = sizeof credentials;
    *uid = -1;
    if (info == NULL ||
        getpeername(info->connect_fd, (struct sockaddr *)&peer.storage, &peer.size) != 0)
        return (HgPeerAddress){0};
    if (peer.storage.ss_family == AF_UNIX &&
        getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0)
        *uid = credentials.uid;
    return hg_peer_address_from_socket(&peer);
}

static gboolean holds(gnutls_session_t session)
{
    guint status = 0;
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
    return gnutls_certificate_type_get2(session, GNUTLS_CTYPE_PEERS) == GNUTLS_CRT_X509 &&
           gnutls_certificate_verify_peers(session, &purpose, 1, &status) == 0 && status == 0;
}

static char *common_name(const gnutls_datum_t *der)
{
    gnutls_x509_crt_t certificate = NULL;
    char name[NAME_MOST + 1];
    size_t size = sizeof name;
    char *copy = NULL;
    if (gnutls_x509_crt_init(&certificate) != 0)
        return NULL;
    if (gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) == 0 &&
        gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name,
                                      &size) == 0 &&
        memchr(name, '\0', size) == NULL && g_utf8_validate(name, (gssize)size, NULL))
        copy = g_strndup(name, size);
    gnutls_x509_crt_deinit(certificate);
    return copy;
}

char *hg_admin_peer_certificate(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    guint count = 0;
    if (info == NULL || info->tls_session == NULL)
        return NULL;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(info->tls_session, &count);
    return chain != NULL && count > 0 && holds(info->tls_session) ? common_name(&chain[0]) : NULL;
}
