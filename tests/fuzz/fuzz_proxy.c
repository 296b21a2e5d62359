/* Fuzz target: PROXY headers as a balancer sends them, and the addresses and networks that are
 * written as text.
 *
 * Input: a byte that says what to do, and bytes. As they are, they are a header: read whole and cut
 * at each place, which must agree, against a second reader of version 1, and written again from
 * what was read. Or they are a program by which a sound header of version 2 is written, which must
 * be read as it was meant. Or they are a text. */
#include "base/network.h"
#include "fuzz.h"
#include "wire/proxy_protocol.h"

#include <arpa/inet.h>

enum { AS_HEADER, AS_PROGRAM, AS_TEXT, WAYS };

static gboolean same_address(const HgPeerAddress *a, const HgPeerAddress *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static HgWireStatus read_copy(HgSlice bytes, HgProxyHeader *header, const char **why)
{
    HgSlice copy = fuzz_copy(bytes);
    *why = NULL;
    HgWireStatus status = hg_proxy_header_read(copy, header, why);
    FUZZ_CHECK((*why != NULL) == (status == HG_WIRE_BAD));
    fuzz_free(copy);
    return status;
}

/* An address as version 1 has it. */
static gboolean is_address(const char *text, gboolean v6)
{
    guint8 ip[16];
    return inet_pton(v6 ? AF_INET6 : AF_INET, text, ip) == 1;
}

static gboolean is_port(const char *text)
{
    g_autofree char *back = g_strdup_printf("%u", (guint)g_ascii_strtoull(text, NULL, 10) & 0xffff);
    return strcmp(back, text) == 0;
}

/* Version 1 once more, word by word. */
static gboolean is_line(HgSlice bytes)
{
    g_autofree char *text = g_strndup((const char *)bytes.data, bytes.size);
    if (strlen(text) != bytes.size)
        return g_str_has_prefix(text, "PROXY UNKNOWN ");
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    if (g_str_has_prefix(text, "PROXY UNKNOWN\r") || g_str_has_prefix(text, "PROXY UNKNOWN "))
        return TRUE;
    if (g_strv_length(words) != 6 || strcmp(words[0], "PROXY") != 0)
        return FALSE;
    gboolean v6 = strcmp(words[1], "TCP6") == 0;
    *strchr(words[5], '\r') = '\0';
    return (v6 || strcmp(words[1], "TCP4") == 0) && is_address(words[2], v6) &&
           is_address(words[3], v6) && is_port(words[4]) && is_port(words[5]);
}

static void check_line(HgSlice bytes, HgWireStatus status, gsize size)
{
    HgSlice line = hg_slice(bytes.data, MIN(bytes.size, (gsize)HG_PROXY_LINE_MAX));
    const guint8 *end = memchr(line.data, '\n', line.size);
    if (bytes.size < 6 || memcmp(bytes.data, "PROXY ", 6) != 0 || end == NULL)
        return;
    gsize at = (gsize)(end - line.data);
    const guint8 *cr = memchr(line.data, '\r', at);
    gboolean sound = cr == end - 1 && is_line(hg_slice(line.data, at + 1));
    FUZZ_CHECK((status == HG_WIRE_OK) == sound);
    FUZZ_CHECK(!sound || size == at + 1);
}

/* The client of a header, written as version 1, reads the same. */
static void check_written(const HgProxyHeader *header)
{
    char host[INET6_ADDRSTRLEN];
    gboolean v6 = header->client.family == HG_PEER_IPV6;
    FUZZ_CHECK(header->client.family != HG_PEER_UNKNOWN && header->client.zone == 0);
    if (header->client.family == HG_PEER_UNIX)
        return;
    inet_ntop(v6 ? AF_INET6 : AF_INET, header->client.ip, host, sizeof host);
    g_autofree char *line = g_strdup_printf("PROXY TCP%c %s %s %u 1\r\n", v6 ? '6' : '4', host,
                                            host, header->client.port);
    HgProxyHeader again;
    const char *why;
    FUZZ_CHECK(read_copy(hg_slice_from_string(line), &again, &why) == HG_WIRE_OK);
    FUZZ_CHECK(again.size == strlen(line) && again.names_client);
    FUZZ_CHECK(same_address(&again.client, &header->client));
}

/* Every cut says SHORT until one says what the whole does. */
static void check_header(HgSlice bytes)
{
    HgProxyHeader header = {.size = 0};
    const char *why;
    HgWireStatus status = read_copy(bytes, &header, &why);
    gboolean over = FALSE;
    for (gsize cut = 0; cut <= bytes.size; cut += cut < 300 ? 1 : 1 + bytes.size / 50) {
        HgProxyHeader part = {.size = 0};
        const char *said;
        HgWireStatus now = read_copy(hg_slice(bytes.data, cut), &part, &said);
        FUZZ_CHECK(now == HG_WIRE_SHORT ? !over : now == status && said == why);
        FUZZ_CHECK(now != HG_WIRE_OK || (cut >= header.size && part.size == header.size));
        over = now != HG_WIRE_SHORT;
    }
    check_line(bytes, status, header.size);
    if (status == HG_WIRE_SHORT)
        FUZZ_CHECK(bytes.size < HG_PROXY_HEADER_MAX);
    if (status != HG_WIRE_OK)
        return;
    FUZZ_CHECK(header.size >= 15 && header.size <= MIN(bytes.size, (gsize)HG_PROXY_HEADER_MAX));
    if (header.names_client)
        check_written(&header);
}

/* ---- headers that are sound ---- */

static void put_u16(GByteArray *out, guint value)
{
    guint8 bytes[2] = {(guint8)(value >> 8), (guint8)value};
    g_byte_array_append(out, bytes, 2);
}

static void put_tlv(GByteArray *out, guint8 type, HgSlice value)
{
    g_byte_array_append(out, &type, 1);
    put_u16(out, (guint)value.size);
    g_byte_array_append(out, value.data, (guint)value.size);
}

/* Some TLVs; one may be a checksum, whose place is told, else 0. */
static gsize put_tlvs(GByteArray *out, HgSlice *program)
{
    gsize crc_at = 0;
    while (program->size > 0 && out->len < 1000) {
        guint8 type = (guint8)fuzz_take_u8(program);
        if (type == 3 && crc_at == 0) {
            put_tlv(out, type, hg_slice("\0\0\0\0", 4));
            crc_at = out->len - 4;
        } else if (type != 3) {
            guint size = fuzz_take_u8(program) % 40;
            put_tlv(out, type, fuzz_take(program, size));
        }
    }
    return crc_at;
}

static void check_program(HgSlice program)
{
    static const guint8 start[14] = "\r\n\r\n\0\r\nQUIT\n\x21";
    guint8 ip[16] = {0};
    gboolean v6 = (fuzz_take_u8(&program) & 1) != 0;
    gsize width = v6 ? 16 : 4;
    HgSlice host = fuzz_take(&program, width);
    memcpy(ip, host.data, host.size);
    guint port = fuzz_take_u16(&program);
    HgPeerAddress client = v6 ? hg_peer_address_from_ipv6(ip, (guint16)port)
                              : hg_peer_address_from_ipv4(ip, (guint16)port);
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_byte_array_append(out, start, sizeof start - 1);
    g_byte_array_append(out, (const guint8 *)(v6 ? "\x21\0\0" : "\x11\0\0"), 3);
    g_byte_array_append(out, ip, (guint)width);
    g_byte_array_append(out, ip, (guint)width);
    put_u16(out, port);
    put_u16(out, 443);
    gsize crc_at = put_tlvs(out, &program);
    out->data[14] = (guint8)((out->len - 16) >> 8);
    out->data[15] = (guint8)(out->len - 16);
    guint32 crc = hg_crc32c(0, hg_slice(out->data, out->len));
    for (guint i = 0; crc_at > 0 && i < 4; i++)
        out->data[crc_at + i] = (guint8)(crc >> (24 - 8 * i));
    HgProxyHeader header;
    const char *why;
    FUZZ_CHECK(read_copy(hg_slice(out->data, out->len), &header, &why) == HG_WIRE_OK);
    FUZZ_CHECK(header.size == out->len && header.names_client);
    FUZZ_CHECK(same_address(&header.client, &client));
    if (crc_at == 0)
        return;
    guint byte = 16 + crc % (2 * (guint)width + 4); /* of the addresses and ports */
    out->data[byte] ^= (guint8)(1 << (crc >> 29));
    FUZZ_CHECK(read_copy(hg_slice(out->data, out->len), &header, &why) == HG_WIRE_BAD);
}

/* ---- texts ---- */

static gboolean same_bits(const guint8 *a, const guint8 *b, guint length)
{
    for (guint bit = 0; bit < length; bit++)
        if (((a[bit / 8] ^ b[bit / 8]) & (0x80 >> (bit % 8))) != 0)
            return FALSE;
    return TRUE;
}

static void check_text(HgSlice text)
{
    HgPeerAddress peer, again;
    gboolean is_peer = hg_peer_address_parse(text, &peer);
    if (is_peer) {
        char written[HG_PEER_ADDRESS_TEXT_MAX];
        hg_peer_address_print(&peer, written);
        FUZZ_CHECK(hg_peer_address_parse(hg_slice_from_string(written), &again));
        FUZZ_CHECK(same_address(&peer, &again));
    }
    HgNetwork network;
    g_autofree char *string = g_strndup((const char *)text.data, text.size);
    g_autoptr(GError) error = NULL;
    if (!hg_network_parse(string, &network, &error)) {
        FUZZ_CHECK(error != NULL && error->message != NULL);
        return;
    }
    HgPeerAddress first = {.family = network.family};
    memcpy(first.ip, network.ip, sizeof first.ip);
    FUZZ_CHECK(hg_network_has(&network, &first));
    HgPeerAddress other = {.family = network.family};
    for (guint i = 0; i < 16; i++)
        other.ip[i] = (guint8)(network.ip[i] ^ (i * 8 < network.length ? 0 : text.size * i));
    FUZZ_CHECK(hg_network_has(&network, &other) == same_bits(network.ip, other.ip, network.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice input = hg_slice(data, size);
    guint way = fuzz_take_u8(&input) % WAYS;
    HgSlice copy = fuzz_copy(input);
    if (way == AS_PROGRAM)
        check_program(copy);
    else if (way == AS_TEXT)
        check_text(copy);
    else
        check_header(copy);
    fuzz_free(copy);
    return 0;
}
