/* Socket addresses in text: see address.h. Owns nothing; any thread. */
#include "base/address.h"

#include "base/error.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define UNIX_PREFIX         "unix:"
#define HOST_NAME_MAX_BYTES 253 /* RFC 1035: 255 octets on the wire are 253 characters */

G_STATIC_ASSERT(sizeof(struct sockaddr_un) <= sizeof(struct sockaddr_storage));

static gboolean refuse(GError **error, const char *text, const char *why)
{
    g_autofree char *quoted = hg_text_quote(hg_slice_from_string(text));
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s %s", quoted, why);
    return FALSE;
}

static gboolean parse_port(const char *text, guint16 *out)
{
    gsize size = strlen(text);
    if (size == 0 || size > 5 || strspn(text, "0123456789") != size)
        return FALSE;
    long port = strtol(text, NULL, 10);
    if (port > G_MAXUINT16)
        return FALSE;
    *out = (guint16)port;
    return TRUE;
}

/* Cuts "host:port" or "[host]:port" in two; *host is the caller's. */
static gboolean cut(const char *text, char **host, gboolean *bracketed, const char **port)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return FALSE;
    gsize size = (gsize)(colon - text);
    *bracketed = text[0] == '[';
    if (*bracketed && (size < 3 || text[size - 1] != ']'))
        return FALSE;
    *host = *bracketed ? g_strndup(text + 1, size - 2) : g_strndup(text, size);
    *port = colon + 1;
    return TRUE;
}

/* An IPv6 address with an optional zone, by name or number. */
static gboolean parse_ipv6(const char *text, struct sockaddr_in6 *out)
{
    g_autofree char *host = g_strdup(text);
    char *zone = strchr(host, '%');
    if (zone != NULL) {
        *zone++ = '\0';
        guint64 number = 0;
        if (g_ascii_string_to_unsigned(zone, 10, 1, G_MAXUINT32, &number, NULL))
            out->sin6_scope_id = (guint32)number;
        else
            out->sin6_scope_id = if_nametoindex(zone);
        if (out->sin6_scope_id == 0)
            return FALSE;
    }
    return inet_pton(AF_INET6, host, &out->sin6_addr) == 1;
}

static gboolean parse_ip(const char *text, HgAddress *out, GError **error)
{
    g_autofree char *host = NULL;
    gboolean bracketed = FALSE;
    const char *port_text = NULL;
    guint16 port = 0;
    if (!cut(text, &host, &bracketed, &port_text))
        return refuse(error, text,
                      "is not an address; expected ADDRESS:PORT, [IPV6]:PORT or unix:PATH, such as "
                      "127.0.0.1:10000");
    if (!parse_port(port_text, &port))
        return refuse(error, text,
                      "has no valid port; expected a number from 0 to 65535 behind "
                      "the last colon");
    HgAddress address = {0};
    if (bracketed) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address.storage;
        if (!parse_ipv6(host, in6))
            return refuse(error, text, "has no valid IPv6 address between the brackets");
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        address.size = sizeof *in6;
    } else {
        struct sockaddr_in *in4 = (struct sockaddr_in *)&address.storage;
        if (strchr(host, ':') != NULL)
            return refuse(error, text, "looks like IPv6; write it in brackets, as [::1]:10000");
        if (inet_pton(AF_INET, host, &in4->sin_addr) != 1)
            return refuse(error, text,
                          "has no valid IPv4 address; names are not looked up here, write an "
                          "address such as 127.0.0.1, or 0.0.0.0 for every interface");
        in4->sin_family = AF_INET;
        in4->sin_port = htons(port);
        address.size = sizeof *in4;
    }
    *out = address;
    return TRUE;
}

gboolean hg_address_from_path(const char *path, HgAddress *out, GError **error)
{
    HgAddress address = {0};
    struct sockaddr_un *un = (struct sockaddr_un *)&address.storage;
    gsize size = strlen(path);
    if (size == 0)
        return refuse(error, path, "is no path for a socket; expected unix:/path/of/the/socket");
    if (size >= sizeof un->sun_path)
        return refuse(error, path, "is too long for a socket; the kernel takes 107 bytes");
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, size + 1);
    address.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + 1);
    *out = address;
    return TRUE;
}

gboolean hg_address_parse(const char *text, HgAddress *out, GError **error)
{
    if (g_str_has_prefix(text, UNIX_PREFIX "@"))
        return refuse(error, text,
                      "names an abstract socket, which has no permissions; expected "
                      "unix:/path/of/the/socket");
    if (g_str_has_prefix(text, UNIX_PREFIX))
        return hg_address_from_path(text + strlen(UNIX_PREFIX), out, error);
    return parse_ip(text, out, error);
}

char *hg_address_format(const HgAddress *address)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->storage.ss_family == AF_UNIX)
        return g_strconcat(UNIX_PREFIX, hg_address_path(address), NULL);
    if (address->storage.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        if (in6->sin6_scope_id == 0)
            return g_strdup_printf("[%s]:%u", host, ntohs(in6->sin6_port));
        return g_strdup_printf("[%s%%%u]:%u", host, in6->sin6_scope_id, ntohs(in6->sin6_port));
    }
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)&address->storage;
    inet_ntop(AF_INET, &in4->sin_addr, host, sizeof host);
    return g_strdup_printf("%s:%u", host, ntohs(in4->sin_port));
}

const char *hg_address_path(const HgAddress *address)
{
    if (address->storage.ss_family != AF_UNIX)
        return NULL;
    return ((const struct sockaddr_un *)&address->storage)->sun_path;
}

gboolean hg_address_equal(const HgAddress *a, const HgAddress *b)
{
    return a->size == b->size && memcmp(&a->storage, &b->storage, a->size) == 0;
}

/* In host order; sockaddr_in and sockaddr_in6 keep the port in the same place. */
static guint16 port_of(const HgAddress *address)
{
    return ntohs(((const struct sockaddr_in *)&address->storage)->sin_port);
}

guint16 hg_address_port(const HgAddress *address)
{
    return address->storage.ss_family == AF_UNIX ? 0 : port_of(address);
}

static gboolean is_wildcard(const HgAddress *address)
{
    if (address->storage.ss_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(
            &((const struct sockaddr_in6 *)&address->storage)->sin6_addr);
    return address->storage.ss_family == AF_INET &&
           ((const struct sockaddr_in *)&address->storage)->sin_addr.s_addr == INADDR_ANY;
}

gboolean hg_address_overlaps(const HgAddress *a, const HgAddress *b)
{
    if (a->storage.ss_family != b->storage.ss_family)
        return FALSE;
    if (a->storage.ss_family == AF_UNIX)
        return hg_address_equal(a, b);
    if (port_of(a) != port_of(b) || port_of(a) == 0)
        return FALSE;
    return hg_address_equal(a, b) || is_wildcard(a) || is_wildcard(b);
}

/* Letters, digits, '-', '_' and dots between non-empty labels: what a resolver is asked for. A last
 * label of digits alone is no name but an IPv4 address, and then it has to be a right one. */
static gboolean valid_host(const char *host)
{
    struct in_addr in4;
    if (inet_pton(AF_INET, host, &in4) == 1)
        return TRUE;
    gsize size = strlen(host);
    if (size == 0 || size > HOST_NAME_MAX_BYTES || host[0] == '.' || host[0] == '-')
        return FALSE;
    const char *dot = strrchr(host, '.');
    const char *label = dot != NULL ? dot + 1 : host;
    if (*label != '\0' && strspn(label, "0123456789") == strlen(label))
        return FALSE;
    for (gsize i = 0; i < size; i++) {
        if (host[i] == '.' && i > 0 && host[i - 1] == '.')
            return FALSE;
        if (!g_ascii_isalnum(host[i]) && strchr("-_.", host[i]) == NULL)
            return FALSE;
    }
    return TRUE;
}

gboolean hg_address_split(const char *text, char **host, guint16 *port, GError **error)
{
    g_autofree char *name = NULL;
    gboolean bracketed = FALSE;
    const char *port_text = NULL;
    guint16 number = 0;
    if (strstr(text, "://") != NULL)
        return refuse(error, text, "is a URL; expected HOST:PORT, such as spark-1:10000");
    if (!cut(text, &name, &bracketed, &port_text))
        return refuse(error, text,
                      "is not an endpoint; expected HOST:PORT, such as "
                      "spark-1.example.org:10000");
    if (!parse_port(port_text, &number) || number == 0)
        return refuse(error, text,
                      "has no valid port; expected a number from 1 to 65535 behind "
                      "the last colon");
    struct sockaddr_in6 in6 = {0};
    if (bracketed && !parse_ipv6(name, &in6))
        return refuse(error, text, "has no valid IPv6 address between the brackets");
    if (!bracketed && strchr(name, ':') != NULL)
        return refuse(error, text, "looks like IPv6; write it in brackets, as [::1]:10001");
    if (!bracketed && !valid_host(name))
        return refuse(error, text, "has no valid host; expected a DNS name or an address");
    *host = g_steal_pointer(&name);
    *port = number;
    return TRUE;
}
