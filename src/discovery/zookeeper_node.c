/* HiveServer2's nodes: see zookeeper_node.h. */
#include "discovery/zookeeper_node.h"

#include "base/address.h"
#include "base/error.h"
#include "base/text.h"

#include <string.h>

#define HOST_MAX 255
#define HIVE     "hive.server2."

void hg_zookeeper_server_clear(HgZookeeperServer *server)
{
    g_clear_pointer(&server->host, g_free);
}

/* The value of a key in "key=value;key=value"; NULL: it isn't there. Free with g_free. */
static char *value_of(const char *settings, const char *key)
{
    g_auto(GStrv) parts = g_strsplit(settings, ";", -1);
    gsize size = strlen(key);
    for (gsize i = 0; parts[i] != NULL; i++)
        if (strncmp(parts[i], key, size) == 0 && parts[i][size] == '=')
            return g_strdup(parts[i] + size + 1);
    return NULL;
}

static gboolean is_host(const char *host)
{
    gsize size = host != NULL ? strlen(host) : 0;
    gboolean ok = size >= 1 && size <= HOST_MAX;
    for (gsize i = 0; i < size; i++)
        ok = ok && (g_ascii_isalnum(host[i]) || strchr(".-_:%", host[i]) != NULL);
    return ok;
}

/* The port for the transport that the server says it speaks: "binary", "http", or "all" of Hive 4.
 */
static gboolean read_port(const char *settings, guint16 *port)
{
    gint64 number = 0;
    g_autofree char *mode = value_of(settings, HIVE "transport.mode");
    gboolean is_http = mode != NULL && g_ascii_strcasecmp(mode, "http") == 0;
    g_autofree char *text =
        value_of(settings, is_http ? HIVE "thrift.http.port" : HIVE "thrift.port");
    if (text == NULL || !hg_text_parse_integer(text, &number, NULL) || number < 1 ||
        number > G_MAXUINT16)
        return FALSE;
    *port = (guint16)number;
    return TRUE;
}

static gboolean read_settings(const char *settings, HgZookeeperServer *out)
{
    g_autofree char *host = value_of(settings, HIVE "thrift.bind.host");
    if (!is_host(host) || !read_port(settings, &out->port))
        return FALSE;
    out->host = g_steal_pointer(&host);
    return TRUE;
}

static gboolean read_uri(const char *uri, HgZookeeperServer *out)
{
    g_autofree char *host = NULL;
    if (uri == NULL || !hg_address_split(uri, &host, &out->port, NULL) || !is_host(host))
        return FALSE;
    out->host = g_steal_pointer(&host);
    return TRUE;
}

gboolean hg_zookeeper_server_read(const char *node, HgSlice data, HgZookeeperServer *out,
                                  GError **error)
{
    g_auto(HgZookeeperServer) server = {0};
    g_autofree char *text = hg_slice_dup_string(data);
    g_autofree char *uri = value_of(node, "serverUri");
    g_strstrip(text);
    gboolean ok =
        strlen(text) <= data.size && (strchr(text, '=') != NULL ? read_settings(text, &server)
                                      : *text != '\0'           ? read_uri(text, &server)
                                                                : read_uri(uri, &server));
    if (!ok) {
        g_autofree char *shown = hg_text_quote(hg_slice_from_string(node));
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "node %s tells no host and port; expected data as HiveServer2 writes it",
                    shown);
        return FALSE;
    }
    *out = server;
    server = (HgZookeeperServer){0};
    return TRUE;
}

/* ---- writing ---- */

static gboolean check_text(const char *what, const char *text, GError **error)
{
    for (const char *c = text; c != NULL && *c != '\0'; c++)
        if (strchr(";=", *c) != NULL || !g_ascii_isgraph(*c)) {
            g_autofree char *shown = hg_text_quote(hg_slice_from_string(text));
            g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                        "%s %s can't be announced in ZooKeeper: ';', '=' and blanks have a meaning "
                        "there",
                        what, shown);
            return FALSE;
        }
    return TRUE;
}

gboolean hg_zookeeper_publication_check(const HgZookeeperPublication *publication, GError **error)
{
    if (!is_host(publication->host) || publication->port == 0 ||
        strchr(publication->host, ':') != NULL) {
        g_autofree char *shown = hg_text_quote(hg_slice_from_string(publication->host));
        /* JDBC drivers split what they read at the colon */
        g_set_error(
            error, HG_ERROR, HG_ERROR_INVALID,
            "%s:%u can't be announced in ZooKeeper; expected a name or an IPv4 address that "
            "clients can connect to, and a port",
            shown, publication->port);
        return FALSE;
    }
    return check_text("the version", publication->version, error) &&
           check_text("the HTTP path", publication->http_path, error) &&
           check_text("the authentication", publication->authentication, error);
}

char *hg_zookeeper_publication_node(const HgZookeeperPublication *publication)
{
    return g_strdup_printf("serverUri=%s:%u;version=%s;sequence=", publication->host,
                           publication->port, publication->version);
}

char *hg_zookeeper_publication_data(const HgZookeeperPublication *publication)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, HIVE "thrift.bind.host=%s;", publication->host);
    if (publication->http_path != NULL)
        g_string_append_printf(text,
                               HIVE "transport.mode=http;" HIVE "thrift.http.port=%u;" HIVE
                                    "thrift.http.path=%s;",
                               publication->port, publication->http_path);
    else
        g_string_append_printf(
            text, HIVE "transport.mode=binary;" HIVE "thrift.port=%u;" HIVE "thrift.sasl.qop=auth;",
            publication->port);
    g_string_append_printf(text, HIVE "authentication=%s;" HIVE "use.SSL=%s",
                           publication->authentication, publication->tls ? "true" : "false");
    return g_string_free(text, FALSE);
}
