/* Addresses of peers: see peer_address.h. Owns nothing; any thread. */
#include "base/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define PORT_DIGITS 5

G_STATIC_ASSERT(sizeof(HgPeerAddress) == 24);

HgPeerAddress hg_peer_address_from_ipv4(const guint8 ip[4], guint16 port)
{
    HgPeerAddress address = {.family = HG_PEER_IPV4, .port = port};
    memcpy(address.ip, ip, 4);
    return address;
}

HgPeerAddress hg_peer_address_from_ipv6(const guint8 ip[16], guint16 port)
{
    static const guint8 mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291, 2.5.5.2 */
    if (memcmp(ip, mapped, sizeof mapped) == 0)
        return hg_peer_address_from_ipv4(ip + sizeof mapped, port);
    HgPeerAddress address = {.family = HG_PEER_IPV6, .port = port};
    memcpy(address.ip, ip, sizeof address.ip);
    return address;
}

HgPeerAddress hg_peer_address_from_socket(const HgAddress *address)
{
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)&address->storage;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;
    HgPeerAddress peer = {.family = HG_PEER_UNKNOWN};
    switch (address->storage.ss_family) {
    case AF_INET:
        return hg_peer_address_from_ipv4((const guint8 *)&in4->sin_addr, ntohs(in4->sin_port));
    case AF_INET6:
        peer = hg_peer_address_from_ipv6(in6->sin6_addr.s6_addr, ntohs(in6->sin6_port));
        peer.zone = in6->sin6_scope_id;
        return peer;
    case AF_UNIX:
        peer.family = HG_PEER_UNIX;
        return peer;
    default:
        return peer;
    }
}

static gboolean parse_port(const char *text, guint16 *out)
{
    guint port = 0;
    gsize size = strlen(text);
    if (size == 0 || size > PORT_DIGITS || (size > 1 && *text == '0'))
        return FALSE;
    for (; *text != '\0'; text++) {
        if (!g_ascii_isdigit(*text))
            return FALSE;
        port = port * 10 + (guint)(*text - '0');
    }
    *out = (guint16)port;
    return port <= G_MAXUINT16;
}

/* Cuts the port off the end of the text; *host gets what stands in front, without brackets. */
static gboolean cut_port(char *text, char **host, guint16 *port)
{
    char *end = NULL;
    *port = 0;
    *host = text;
    if (*text == '[') {
        end = strchr(text, ']');
        if (end == NULL)
            return FALSE;
        *end++ = '\0';
        *host = text + 1;
        return strchr(*host, ':') != NULL && /* brackets are for IPv6 */
               (*end == '\0' || (*end == ':' && parse_port(end + 1, port)));
    }
    end = strchr(text, ':');
    if (end == NULL || strchr(end + 1, ':') != NULL)
        return TRUE; /* IPv4 alone, or IPv6 alone */
    *end = '\0';
    return strchr(text, '.') != NULL && parse_port(end + 1, port);
}

gboolean hg_peer_address_parse(HgSlice text, HgPeerAddress *out)
{
    char copy[HG_PEER_ADDRESS_TEXT_MAX];
    char *host = NULL;
    guint16 port = 0;
    guint8 ip[16];
    if (text.size == 0 || text.size >= sizeof copy || memchr(text.data, '\0', text.size) != NULL)
        return FALSE;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (!cut_port(copy, &host, &port))
        return FALSE;
    if (strchr(host, ':') != NULL) {
        if (inet_pton(AF_INET6, host, ip) != 1)
            return FALSE;
        *out = hg_peer_address_from_ipv6(ip, port);
        return TRUE;
    }
    if (inet_pton(AF_INET, host, ip) != 1)
        return FALSE;
    *out = hg_peer_address_from_ipv4(ip, port);
    return TRUE;
}

void hg_peer_address_print(const HgPeerAddress *address, char out[HG_PEER_ADDRESS_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN] = "";
    char zone[16] = "";
    char port[8] = "";
    gboolean v6 = address->family == HG_PEER_IPV6;
    if (address->family == HG_PEER_UNIX || address->family == HG_PEER_UNKNOWN) {
        g_strlcpy(out, address->family == HG_PEER_UNIX ? "unix:" : "", HG_PEER_ADDRESS_TEXT_MAX);
        return;
    }
    inet_ntop(v6 ? AF_INET6 : AF_INET, address->ip, host, sizeof host);
    if (address->zone != 0)
        g_snprintf(zone, sizeof zone, "%%%u", address->zone);
    if (address->port != 0)
        g_snprintf(port, sizeof port, ":%u", address->port);
    gboolean brackets = v6 && address->port != 0;
    g_snprintf(out, HG_PEER_ADDRESS_TEXT_MAX, "%s%s%s%s%s", brackets ? "[" : "", host, zone,
               brackets ? "]" : "", port);
}

gboolean hg_peer_address_same_host(const HgPeerAddress *a, const HgPeerAddress *b)
{
    return a->family == b->family && a->zone == b->zone && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}
