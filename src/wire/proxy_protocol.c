/* Reading PROXY headers: see proxy_protocol.h. Owns nothing; any thread.
 *
 * Nothing is kept between calls: what has come is looked at anew, which is a few bytes until all of
 * it is there. */
#include "wire/proxy_protocol.h"

#include <arpa/inet.h>
#include <string.h>

#define SIGNATURE_SIZE 12
#define FIXED_SIZE     16 /* of a version 2 header: signature, command, family, length */
#define TLV_HEAD_SIZE  3
#define TLV_CRC32C     0x03
#define CRC_SIZE       4

enum { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 }; /* with the version in the upper half */
enum { FAMILY_UNSPEC, FAMILY_INET, FAMILY_INET6, FAMILY_UNIX, FAMILIES };
enum { PROTOCOL_UNSPEC, PROTOCOL_STREAM, PROTOCOL_DGRAM, PROTOCOLS };

static const guint8 signature[SIGNATURE_SIZE] = "\r\n\r\n\0\r\nQUIT\n";
static const char line_start[] = "PROXY ";

static HgWireStatus bad(const char **why, const char *text)
{
    *why = text;
    return HG_WIRE_BAD;
}

/* ---- version 1 ---- */

/* Takes the next word off *rest, and the one blank behind it. FALSE when there is none. */
static gboolean take_word(HgSlice *rest, char *out, gsize room)
{
    const guint8 *end = rest->size > 0 ? memchr(rest->data, ' ', rest->size) : NULL;
    gsize size = end != NULL ? (gsize)(end - rest->data) : rest->size;
    if (size == 0 || size >= room || memchr(rest->data, '\0', size) != NULL)
        return FALSE;
    if (end != NULL && size + 1 == rest->size)
        return FALSE; /* a blank at the end of the line */
    memcpy(out, rest->data, size);
    out[size] = '\0';
    gsize used = end != NULL ? size + 1 : size;
    *rest = hg_slice(rest->data + used, rest->size - used);
    return TRUE;
}

static gboolean take_address(HgSlice *rest, gboolean v6, HgPeerAddress *out)
{
    char word[HG_PROXY_LINE_MAX];
    guint8 ip[16];
    if (!take_word(rest, word, sizeof word) || inet_pton(v6 ? AF_INET6 : AF_INET, word, ip) != 1)
        return FALSE;
    *out = v6 ? hg_peer_address_from_ipv6(ip, 0) : hg_peer_address_from_ipv4(ip, 0);
    return TRUE;
}

static gboolean take_port(HgSlice *rest, guint16 *out)
{
    char word[HG_PROXY_LINE_MAX];
    guint64 port = 0;
    if (!take_word(rest, word, sizeof word) || !g_ascii_isdigit(*word) ||
        (*word == '0' && word[1] != '\0') ||
        !g_ascii_string_to_unsigned(word, 10, 0, G_MAXUINT16, &port, NULL))
        return FALSE;
    *out = (guint16)port;
    return TRUE;
}

/* What stands between "PROXY " and the CRLF. */
static HgWireStatus read_line(HgSlice rest, HgProxyHeader *header, const char **why)
{
    char family[8];
    HgPeerAddress source, destination;
    guint16 source_port = 0, destination_port = 0;
    if (rest.size > 0 &&
        (memchr(rest.data, '\r', rest.size) != NULL || memchr(rest.data, '\n', rest.size) != NULL))
        return bad(why, "a CR or LF stands alone in its PROXY line");
    if (hg_slice_equal_string(rest, "UNKNOWN") ||
        (rest.size >= 8 && memcmp(rest.data, "UNKNOWN ", 8) == 0))
        return HG_WIRE_OK;
    if (!take_word(&rest, family, sizeof family) ||
        (strcmp(family, "TCP4") != 0 && strcmp(family, "TCP6") != 0))
        return bad(why, "its PROXY line names neither TCP4, TCP6 nor UNKNOWN");
    gboolean v6 = family[3] == '6';
    if (!take_address(&rest, v6, &source) || !take_address(&rest, v6, &destination) ||
        !take_port(&rest, &source_port) || !take_port(&rest, &destination_port) || rest.size > 0)
        return bad(why, "the addresses or ports of its PROXY line aren't written as they must be");
    header->names_client = TRUE;
    header->client = source;
    header->client.port = source_port;
    return HG_WIRE_OK;
}

static HgWireStatus read_v1(HgSlice bytes, HgProxyHeader *header, const char **why)
{
    gsize prefix = strlen(line_start);
    HgSlice line = hg_slice(bytes.data, MIN(bytes.size, (gsize)HG_PROXY_LINE_MAX));
    const guint8 *end = memchr(line.data, '\n', line.size);
    if (end == NULL)
        return line.size < HG_PROXY_LINE_MAX
                   ? HG_WIRE_SHORT
                   : bad(why, "its PROXY line has no CRLF in the first 107 bytes");
    gsize size = (gsize)(end - line.data) + 1;
    if (size < prefix + 1 || end[-1] != '\r')
        return bad(why, "a CR or LF stands alone in its PROXY line");
    header->size = size;
    return read_line(hg_slice(line.data + prefix, size - 2 - prefix), header, why);
}

/* ---- version 2 ---- */

guint32 hg_crc32c(guint32 crc, HgSlice bytes)
{
    crc = ~crc;
    for (gsize i = 0; i < bytes.size; i++) {
        crc ^= bytes.data[i];
        for (guint bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static guint16 read_u16(const guint8 *bytes)
{
    return (guint16)(bytes[0] << 8 | bytes[1]);
}

static guint32 read_u32(const guint8 *bytes)
{
    return (guint32)read_u16(bytes) << 16 | read_u16(bytes + 2);
}

/* TRUE when the four bytes at `at` are the CRC32c of the header with four zeros in their place
 * (2.2.3). */
static gboolean has_crc(HgSlice header, gsize at)
{
    static const guint8 zeros[CRC_SIZE];
    gsize behind = at + CRC_SIZE;
    guint32 crc = hg_crc32c(0, hg_slice(header.data, at));
    crc = hg_crc32c(crc, hg_slice(zeros, CRC_SIZE));
    crc = hg_crc32c(crc, hg_slice(header.data + behind, header.size - behind));
    return crc == read_u32(header.data + at);
}

/* Goes through the TLVs, which begin at `at`. NULL, or what is wrong. */
static const char *check_tlvs(HgSlice header, gsize at)
{
    gsize crc_at = 0;
    while (at < header.size) {
        if (header.size - at < TLV_HEAD_SIZE)
            return "its PROXY header ends inside the head of a TLV";
        guint8 type = header.data[at];
        gsize size = read_u16(header.data + at + 1);
        at += TLV_HEAD_SIZE;
        if (size > header.size - at)
            return "a TLV of its PROXY header is longer than the header";
        if (type == TLV_CRC32C && (size != CRC_SIZE || crc_at != 0))
            return "the CRC32c of its PROXY header isn't one of 4 bytes";
        if (type == TLV_CRC32C)
            crc_at = at;
        at += size;
    }
    return crc_at == 0 || has_crc(header, crc_at)
               ? NULL
               : "the CRC32c of its PROXY header is wrong: it was changed on its way";
}

/* Reads the address block, whose family and protocol are known ones. NULL, or what is wrong. */
static const char *read_addresses(HgSlice header, guint family, guint protocol, HgProxyHeader *out)
{
    static const gsize sizes[FAMILIES] = {
        [FAMILY_INET] = 2 * 4 + 2 * 2, [FAMILY_INET6] = 2 * 16 + 2 * 2, [FAMILY_UNIX] = 2 * 108};
    const guint8 *block = header.data + FIXED_SIZE;
    if (family == FAMILY_UNSPEC || protocol == PROTOCOL_UNSPEC)
        return NULL; /* how long its addresses are isn't known, so TLVs can't be found either */
    if (header.size - FIXED_SIZE < sizes[family])
        return "its PROXY header is shorter than its addresses";
    const char *why = check_tlvs(header, FIXED_SIZE + sizes[family]);
    if (why != NULL || protocol != PROTOCOL_STREAM)
        return why;
    out->names_client = TRUE;
    if (family == FAMILY_INET)
        out->client = hg_peer_address_from_ipv4(block, read_u16(block + 8));
    else if (family == FAMILY_INET6)
        out->client = hg_peer_address_from_ipv6(block, read_u16(block + 32));
    else
        out->client = (HgPeerAddress){.family = HG_PEER_UNIX};
    return NULL;
}

/* What is wrong with the fixed part, as far as it is there; NULL when nothing is. */
static const char *check_fixed(HgSlice bytes)
{
    guint8 command = bytes.size > SIGNATURE_SIZE ? bytes.data[12] : COMMAND_LOCAL;
    guint8 family = bytes.size > SIGNATURE_SIZE + 1 ? bytes.data[13] : 0;
    if (command >> 4 != COMMAND_LOCAL >> 4)
        return "its PROXY header has the signature of version 2 and another version";
    if (command != COMMAND_LOCAL && command != COMMAND_PROXY)
        return "the command of its PROXY header is neither LOCAL nor PROXY";
    if (command == COMMAND_PROXY && (family >> 4 >= FAMILIES || (family & 0x0f) >= PROTOCOLS))
        return "its PROXY header has an address family or protocol that there isn't";
    if (bytes.size >= FIXED_SIZE &&
        FIXED_SIZE + (gsize)read_u16(bytes.data + 14) > HG_PROXY_HEADER_MAX)
        return "its PROXY header is longer than 16 KiB";
    return NULL;
}

static HgWireStatus read_v2(HgSlice bytes, HgProxyHeader *header, const char **why)
{
    const char *wrong = check_fixed(bytes);
    if (wrong != NULL)
        return bad(why, wrong);
    if (bytes.size < FIXED_SIZE)
        return HG_WIRE_SHORT;
    header->size = FIXED_SIZE + (gsize)read_u16(bytes.data + 14);
    if (bytes.size < header->size)
        return HG_WIRE_SHORT;
    if (bytes.data[12] == COMMAND_PROXY)
        wrong = read_addresses(hg_slice(bytes.data, header->size), bytes.data[13] >> 4,
                               bytes.data[13] & 0x0f, header);
    return wrong != NULL ? bad(why, wrong) : HG_WIRE_OK;
}

/* ---- either ---- */

/* TRUE when the bytes begin as `start` does, as far as both go. */
static gboolean begins_like(HgSlice bytes, const void *start, gsize size)
{
    return memcmp(bytes.data, start, MIN(bytes.size, size)) == 0;
}

HgWireStatus hg_proxy_header_read(HgSlice bytes, HgProxyHeader *out, const char **why)
{
    HgProxyHeader header = {.size = 0};
    HgWireStatus status;
    if (bytes.size == 0)
        return HG_WIRE_SHORT;
    if (begins_like(bytes, signature, sizeof signature))
        status = read_v2(bytes, &header, why);
    else if (begins_like(bytes, line_start, strlen(line_start)))
        status = read_v1(bytes, &header, why);
    else
        status = bad(why, "it doesn't begin with a PROXY header");
    if (status == HG_WIRE_OK)
        *out = header;
    return status;
}
