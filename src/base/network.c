/* Networks of peers: see network.h. Owns nothing; any thread. */
#include "base/network.h"

#include "base/error.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <string.h>

#define IPV4_BITS   32
#define IPV6_BITS   128
#define MAPPED_BITS 96 /* of ::ffff:0:0/96, behind which an IPv4 address stands */

static gboolean refuse(GError **error, const char *text, const char *why)
{
    g_autofree char *quoted = hg_text_quote(hg_slice_from_string(text));
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s %s", quoted, why);
    return FALSE;
}

/* A number without a sign or leading zeros. */
static gboolean parse_length(const char *text, guint most, guint *out)
{
    guint64 length = 0;
    if (!g_ascii_isdigit(*text) || (*text == '0' && text[1] != '\0') ||
        !g_ascii_string_to_unsigned(text, 10, 0, most, &length, NULL))
        return FALSE;
    *out = (guint)length;
    return TRUE;
}

/* Sets the bits behind the first `length` to 0. TRUE when one of them was 1. */
static gboolean clear_rest(guint8 *ip, guint length, guint bits)
{
    gboolean any = FALSE;
    for (guint bit = length; bit < bits; bit++) {
        guint8 mask = (guint8)(0x80 >> (bit % 8));
        any = any || (ip[bit / 8] & mask) != 0;
        ip[bit / 8] &= (guint8)~mask;
    }
    return any;
}

static gboolean refuse_rest(GError **error, const char *text, const char *host, int family,
                            const guint8 *ip, guint length)
{
    char network[INET6_ADDRSTRLEN];
    inet_ntop(family, ip, network, sizeof network);
    g_autofree char *why = g_strdup_printf("has bits behind its first %u; expected %s/%u for the "
                                           "network, or %s for that address alone",
                                           length, network, length, host);
    return refuse(error, text, why);
}

gboolean hg_network_parse(const char *text, HgNetwork *out, GError **error)
{
    if (strcmp(text, "unix") == 0) {
        *out = (HgNetwork){.family = HG_PEER_UNIX};
        return TRUE;
    }
    const char *slash = strchr(text, '/');
    g_autofree char *host = slash != NULL ? g_strndup(text, (gsize)(slash - text)) : g_strdup(text);
    int family = strchr(host, ':') != NULL ? AF_INET6 : AF_INET;
    guint bits = family == AF_INET6 ? IPV6_BITS : IPV4_BITS;
    guint length = bits;
    guint8 ip[16] = {0};
    if (inet_pton(family, host, ip) != 1)
        return refuse(error, text,
                      "is no network; expected an address with or without a length, such as "
                      "10.0.0.0/8, 192.0.2.7 or 2001:db8::/32, or the word unix");
    if (slash != NULL && !parse_length(slash + 1, bits, &length))
        return refuse(error, text,
                      family == AF_INET6 ? "has no valid length; expected a number from 0 to 128 "
                                           "behind the slash"
                                         : "has no valid length; expected a number from 0 to 32 "
                                           "behind the slash");
    if (clear_rest(ip, length, bits))
        return refuse_rest(error, text, host, family, ip, length);
    HgPeerAddress first =
        family == AF_INET6 ? hg_peer_address_from_ipv6(ip, 0) : hg_peer_address_from_ipv4(ip, 0);
    if (family == AF_INET6 && first.family == HG_PEER_IPV4 && length >= MAPPED_BITS)
        length -= MAPPED_BITS;
    *out = (HgNetwork){.family = first.family, .length = (guint8)length};
    memcpy(out->ip, first.ip, sizeof out->ip);
    return TRUE;
}

char *hg_network_format(const HgNetwork *network)
{
    HgPeerAddress address = {.family = network->family};
    char text[HG_PEER_ADDRESS_TEXT_MAX];
    if (network->family == HG_PEER_UNIX)
        return g_strdup("unix");
    memcpy(address.ip, network->ip, sizeof address.ip);
    hg_peer_address_print(&address, text);
    return g_strdup_printf("%s/%u", text, network->length);
}

gboolean hg_network_has(const HgNetwork *network, const HgPeerAddress *peer)
{
    guint bytes = network->length / 8;
    guint rest = network->length % 8;
    if (peer->family == HG_PEER_UNKNOWN || peer->family != network->family)
        return FALSE;
    return memcmp(network->ip, peer->ip, bytes) == 0 &&
           (rest == 0 || ((network->ip[bytes] ^ peer->ip[bytes]) >> (8 - rest)) == 0);
}

gboolean hg_networks_have(HgNetworks networks, const HgPeerAddress *peer)
{
    for (guint i = 0; i < networks.count; i++)
        if (hg_network_has(&networks.items[i], peer))
            return TRUE;
    return FALSE;
}
