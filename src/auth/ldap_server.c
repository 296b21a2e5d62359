/* URLs of directory servers: see ldap_server.h. Pure. */
#include "auth/ldap_server.h"

#include "base/error.h"
#include "base/text.h"

static gboolean refuse(const char *url, const char *why, GError **error)
{
    g_autofree char *quoted = hg_text_quote(hg_slice_from_string(url));
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "%s %s; expected ldap://HOST or ldaps://HOST, with a port if it isn't 389 or 636",
                quoted, why);
    return FALSE;
}

static gboolean is_empty(const char *text)
{
    return text == NULL || *text == '\0';
}

gboolean hg_ldap_server_parse(const char *url, HgLdapServer *out, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    if (uri == NULL)
        return refuse(url, "is no URL", error);
    const char *scheme = g_uri_get_scheme(uri);
    const char *host = g_uri_get_host(uri);
    const char *path = g_uri_get_path(uri);
    gboolean ldaps = strcmp(scheme, "ldaps") == 0;
    int port = g_uri_get_port(uri);
    if (!ldaps && strcmp(scheme, "ldap") != 0)
        return refuse(url, "is no LDAP URL", error);
    if (is_empty(host))
        return refuse(url, "names no host", error);
    if (g_uri_get_userinfo(uri) != NULL)
        return refuse(url, "holds a user (that goes into bind_dn)", error);
    if (g_uri_get_query(uri) != NULL || g_uri_get_fragment(uri) != NULL ||
        (!is_empty(path) && strcmp(path, "/") != 0))
        return refuse(url, "says more than the server (that goes into base and user_filter)",
                      error);
    if (port == 0)
        return refuse(url, "has the port 0", error);
    port = port > 0 ? port : ldaps ? 636 : 389;
    gboolean v6 = strchr(host, ':') != NULL;
    *out = (HgLdapServer){
        .url = g_strdup_printf("%s://%s%s%s:%d", scheme, v6 ? "[" : "", host, v6 ? "]" : "", port),
        .host = g_strdup(host),
        .port = g_strdup_printf("%d", port),
        .ldaps = ldaps,
    };
    return TRUE;
}

void hg_ldap_server_clear(HgLdapServer *server)
{
    g_free(server->url);
    g_free(server->host);
    g_free(server->port);
    *server = (HgLdapServer){0};
}

gboolean hg_ldap_server_is_local(const HgLdapServer *server)
{
    return g_ascii_strcasecmp(server->host, "localhost") == 0 || strcmp(server->host, "::1") == 0 ||
           (g_str_has_prefix(server->host, "127.") && g_hostname_is_ip_address(server->host));
}
