/* Tests of wire/proxy_protocol: both versions whole and cut anywhere, and what is no header. */
#include "bytes.h"
#include "suites.h"
#include "wire/proxy_protocol.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static void put(GByteArray *out, const char *bytes, gsize size)
{
    g_byte_array_append(out, (const guint8 *)bytes, (guint)size);
}

static HgSlice slice_of(const GByteArray *bytes)
{
    return hg_slice(bytes->data, bytes->len);
}

/* The fixed part of a version 2 header. */
static void put_fixed(GByteArray *out, guint command, guint family, guint length)
{
    put(out, SIGNATURE, 12);
    put_u8(out, command);
    put_u8(out, family);
    put_u16(out, length);
}

/* A header for 192.0.2.1:56324, with room for `more` bytes behind the addresses. */
static void put_inet(GByteArray *out, guint more)
{
    put_fixed(out, 0x21, 0x11, 12 + more);
    put(out, "\xc0\0\2\1\xc6\x33\x64\1", 8);
    put_u16(out, 56324);
    put_u16(out, 443);
}

static void put_tlv(GByteArray *out, guint type, const char *value, guint size)
{
    put_u8(out, type);
    put_u16(out, size);
    put(out, value, size);
}

static void check_client(const HgProxyHeader *header, const char *expected)
{
    char text[HG_PEER_ADDRESS_TEXT_MAX] = "";
    if (header->names_client)
        hg_peer_address_print(&header->client, text);
    ck_assert_str_eq(text, expected);
}

/* The header is `size` bytes of what is there and says `client` ("" when it names nobody), and each
 * shorter piece is SHORT. */
static void check_good(const GByteArray *bytes, gsize size, const char *client)
{
    for (gsize cut = 0; cut <= bytes->len; cut++) {
        HgProxyHeader header = {.size = 77};
        const char *why = NULL;
        HgSlice copy = tight_copy(bytes, cut);
        HgWireStatus status = hg_proxy_header_read(copy, &header, &why);
        g_free((gpointer)copy.data);
        ck_assert_ptr_null(why);
        ck_assert_int_eq(status, cut < size ? HG_WIRE_SHORT : HG_WIRE_OK);
        ck_assert_uint_eq(header.size, cut < size ? 77 : size);
        if (cut >= size)
            check_client(&header, client);
    }
}

/* The bytes are BAD from the `from`th on and SHORT in front of it. */
static void check_bad(const GByteArray *bytes, gsize from, const char *why)
{
    for (gsize cut = 0; cut <= bytes->len; cut++) {
        HgProxyHeader header = {.size = 77};
        const char *said = NULL;
        HgSlice copy = tight_copy(bytes, cut);
        HgWireStatus status = hg_proxy_header_read(copy, &header, &said);
        g_free((gpointer)copy.data);
        ck_assert_msg(status == (cut < from ? HG_WIRE_SHORT : HG_WIRE_BAD), "%zu: %d", cut, status);
        ck_assert_msg(cut < from || strstr(said, why) != NULL, "%s: %s", why, said);
        ck_assert_uint_eq(header.size, 77);
    }
}

START_TEST(test_lines)
{
    static const struct {
        const char *line, *client;
    } cases[] = {
        {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", "192.0.2.1:56324"},
        {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"},
        {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0"},
        {"PROXY TCP6 2001:db8::1 ::1 56324 443\r\n", "[2001:db8::1]:56324"},
        {"PROXY TCP6 2001:DB8::00aF 2001:db8:0:0:0:0:0:1 1 2\r\n", "[2001:db8::af]:1"},
        {"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6401 1 2\r\n", "192.0.2.1:1"},
        {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
        {"PROXY UNKNOWN\r\n", ""},
        {"PROXY UNKNOWN \r\n", ""},
        {"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
         ""},
        {"PROXY UNKNOWN anything \t\xff goes, TCP4 1.2.3.4\r\n", ""},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        AUTO_BYTES(bytes);
        gsize size = strlen(cases[i].line);
        put(bytes, cases[i].line, size);
        put(bytes, "PROXY TCP4 and what else the client says\r\n", 42);
        check_good(bytes, size, cases[i].client);
    }
}
END_TEST

START_TEST(test_bad_lines)
{
    static const char alone[] = "stands alone";
    static const char family[] = "names neither TCP4, TCP6 nor UNKNOWN";
    static const char address[] = "aren't written as they must be";
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"PROXY \r\n", family},
        {"PROXY TCP\r\n", family},
        {"PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n", family},
        {"PROXY tcp4 1.2.3.4 1.2.3.4 1 1\r\n", family},
        {"PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n", family},
        {"PROXY  TCP4 1.2.3.4 1.2.3.4 1 1\r\n", family},
        {"PROXY UNKNOWNS\r\n", family},
        {"PROXY unknown\r\n", family},
        {"PROXY \tTCP4 1.2.3.4 1.2.3.4 1 1\r\n", family},
        {"PROXY TCP4\r\n", address},
        {"PROXY TCP4 \r\n", family}, /* a blank and nothing behind it */
        {"PROXY TCP4 1.2.3.4\r\n", address},
        {"PROXY TCP4 1.2.3.4 5.6.7.8\r\n", address},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", address},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n", address},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", address},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", address},
        {"PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n", address},
        {"PROXY TCP4 1.2.3.4\t5.6.7.8 1 2\r\n", address},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", address},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1 02\r\n", address},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 00 2\r\n", address},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n", address},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n", address},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n", address},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 99999999999999999999 2\r\n", address},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 0x1 2\r\n", address},
        {"PROXY TCP4 1.2.3.4:9 5.6.7.8 1 2\r\n", address},
        {"PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n", address},
        {"PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n", address},
        {"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", address},
        {"PROXY TCP4 1.2.3.4 host 1 2\r\n", address},
        {"PROXY TCP4 ::1 ::1 1 2\r\n", address},
        {"PROXY TCP4 1.2.3.4 ::1 1 2\r\n", address},
        {"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", address},
        {"PROXY TCP6 1.2.3.4:80 ::1 1 2\r\n", address},
        {"PROXY TCP6 [::1] ::1 1 2\r\n", address},
        {"PROXY TCP6 fe80::1%1 ::1 1 2\r\n", address},
        {"PROXY TCP6 ::1::1 ::1 1 2\r\n", address},
        {"PROXY UNKNOWN\n", alone},
        {"PROXY \n", alone},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", alone},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r \r\n", alone},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r\n", alone},
        {"PROXY UNKNOWN \r \r\n", alone},
        {"PROXY UNKNOWN\r 1\n", alone},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        AUTO_BYTES(bytes);
        put(bytes, cases[i].line, strlen(cases[i].line));
        check_bad(bytes, bytes->len, cases[i].why);
    }
    AUTO_BYTES(nul);
    put(nul, "PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n", 33);
    check_bad(nul, nul->len, address);
}
END_TEST

START_TEST(test_a_line_has_107_bytes)
{
    AUTO_BYTES(bytes);
    put(bytes, "PROXY UNKNOWN ", 14);
    while (bytes->len < 105)
        put_u8(bytes, 'x');
    g_byte_array_append(bytes, (const guint8 *)"\r\n", 2);
    check_good(bytes, 107, "");
    g_byte_array_set_size(bytes, 105);
    put(bytes, "x\r\n", 3);
    check_bad(bytes, 107, "no CRLF in the first 107 bytes");
}
END_TEST

START_TEST(test_neither_version)
{
    static const struct {
        const char *bytes;
        gsize size, from;
    } cases[] = {
        {"\1\0\0\0\5PLAIN", 10, 1},
        {"\x16\3\1\2\0", 5, 1},
        {"GET / HTTP/1.1\r\n", 16, 1},
        {"POST /cliservice HTTP/1.1\r\n", 27, 2},
        {"PROXX", 5, 5},
        {"PROXY\r\n", 7, 6},
        {"PROXY\tTCP4", 10, 6},
        {"proxy TCP4", 10, 1},
        {" PROXY TCP4", 11, 1},
        {"\r\nPROXY TCP4", 12, 3},
        {"\r\n\r\n\r\n", 6, 5},
        {"\r\n\r\n\0\r\nQUIT\r", 12, 12},
        {"\0", 1, 1},
        {"\x80\1\0\1", 4, 1},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        AUTO_BYTES(bytes);
        put(bytes, cases[i].bytes, cases[i].size);
        check_bad(bytes, cases[i].from, "doesn't begin with a PROXY header");
    }
}
END_TEST

START_TEST(test_binary)
{
    AUTO_BYTES(inet);
    put_inet(inet, 0);
    put(inet, SIGNATURE "!", 13); /* a second one is the client's own */
    check_good(inet, 28, "192.0.2.1:56324");

    AUTO_BYTES(inet6);
    put_fixed(inet6, 0x21, 0x21, 36);
    put(inet6, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    put(inet6, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    put_u16(inet6, 1);
    put_u16(inet6, 2);
    check_good(inet6, 52, "[2001:db8::1]:1");

    AUTO_BYTES(mapped);
    put_fixed(mapped, 0x21, 0x21, 36);
    put(mapped, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
    put(mapped, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    put_u32(mapped, 0x00010002);
    check_good(mapped, 52, "192.0.2.1:1");

    AUTO_BYTES(local);
    put_fixed(local, 0x21, 0x31, 216);
    g_byte_array_set_size(local, 16 + 216);
    memset(local->data + 16, 0xee, 216);
    check_good(local, 232, "unix:");
}
END_TEST

/* Whoever is named by none of these: the connection's own address stays. */
START_TEST(test_nobody_is_named)
{
    static const struct {
        guint command, family, length;
    } cases[] = {
        {0x20, 0x00, 0},  {0x20, 0x00, 5},   {0x20, 0x11, 12}, {0x20, 0x11, 0},   {0x20, 0xff, 3},
        {0x21, 0x00, 0},  {0x21, 0x00, 100}, {0x21, 0x10, 0},  {0x21, 0x20, 7},   {0x21, 0x01, 0},
        {0x21, 0x02, 12}, {0x21, 0x12, 12},  {0x21, 0x22, 36}, {0x21, 0x32, 216},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        AUTO_BYTES(bytes);
        put_fixed(bytes, cases[i].command, cases[i].family, cases[i].length);
        for (guint j = 0; j < cases[i].length; j++)
            put_u8(bytes, 0xee);
        put(bytes, "client", 6);
        check_good(bytes, 16 + cases[i].length, "");
    }
}
END_TEST

START_TEST(test_bad_binary)
{
    static const struct {
        guint command, family, length;
        gsize from;
        const char *why;
    } cases[] = {
        {0x11, 0x11, 12, 13, "another version"},
        {0x31, 0x11, 12, 13, "another version"},
        {0x01, 0x11, 12, 13, "another version"},
        {0x0a, 0x11, 12, 13, "another version"},
        {0x22, 0x11, 12, 13, "neither LOCAL nor PROXY"},
        {0x2f, 0x11, 12, 13, "neither LOCAL nor PROXY"},
        {0x21, 0x41, 12, 14, "family or protocol that there isn't"},
        {0x21, 0xf0, 12, 14, "family or protocol that there isn't"},
        {0x21, 0x13, 12, 14, "family or protocol that there isn't"},
        {0x21, 0x0f, 12, 14, "family or protocol that there isn't"},
        {0x21, 0x11, 11, 27, "shorter than its addresses"},
        {0x21, 0x12, 0, 16, "shorter than its addresses"},
        {0x21, 0x21, 35, 51, "shorter than its addresses"},
        {0x21, 0x31, 215, 231, "shorter than its addresses"},
        {0x21, 0x11, 16369, 16, "longer than 16 KiB"},
        {0x20, 0x00, 65535, 16, "longer than 16 KiB"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        AUTO_BYTES(bytes);
        put_fixed(bytes, cases[i].command, cases[i].family, cases[i].length);
        for (guint j = 0; j < MIN(cases[i].length, 1000); j++)
            put_u8(bytes, 0);
        check_bad(bytes, cases[i].from, cases[i].why);
    }
}
END_TEST

START_TEST(test_tlvs)
{
    AUTO_BYTES(bytes);
    put_inet(bytes, 3 + 2 + 3 + 3 + 9);
    put_tlv(bytes, 0x01, "h2", 2);
    put_tlv(bytes, 0x04, "", 0);
    put_tlv(bytes, 0xe0, "anything\xff", 9);
    check_good(bytes, bytes->len, "192.0.2.1:56324");

    AUTO_BYTES(largest);
    guint size = HG_PROXY_HEADER_MAX - 28 - 3;
    g_autofree char *value = g_malloc0(size);
    put_inet(largest, 3 + size);
    put_tlv(largest, 0x20, value, size);
    HgProxyHeader header;
    const char *why = NULL;
    ck_assert_int_eq(hg_proxy_header_read(slice_of(largest), &header, &why), HG_WIRE_OK);
    ck_assert_uint_eq(header.size, HG_PROXY_HEADER_MAX);

    static const struct {
        const char *tlvs;
        guint size;
        const char *why;
    } cases[] = {
        {"\4", 1, "inside the head of a TLV"},
        {"\4\0", 2, "inside the head of a TLV"},
        {"\4\0\0\4\0", 5, "inside the head of a TLV"},
        {"\4\0\1", 3, "longer than the header"},
        {"\1\xff\xffh2", 5, "longer than the header"},
        {"\4\0\0\1\0\3h2", 8, "longer than the header"},
        {"\3\0\0", 3, "isn't one of 4 bytes"},
        {"\3\0\3abc", 6, "isn't one of 4 bytes"},
        {"\3\0\5abcde", 8, "isn't one of 4 bytes"},
        {"\3\0\4abcd\3\0\4abcd", 14, "isn't one of 4 bytes"},
        {"\3\0\4\0\0\0\0", 7, "is wrong"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        AUTO_BYTES(bad);
        put_inet(bad, cases[i].size);
        put(bad, cases[i].tlvs, cases[i].size);
        check_bad(bad, bad->len, cases[i].why);
    }
}
END_TEST

START_TEST(test_crc)
{
    /* RFC 3720, B.4: 32 bytes of zeros, of ones, and counting up; and the usual check value */
    guint8 bytes[32] = {0};
    ck_assert_uint_eq(hg_crc32c(0, hg_slice(bytes, 32)), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    ck_assert_uint_eq(hg_crc32c(0, hg_slice(bytes, 32)), 0x62a8ab43);
    for (guint8 i = 0; i < 32; i++)
        bytes[i] = i;
    ck_assert_uint_eq(hg_crc32c(0, hg_slice(bytes, 32)), 0x46dd794e);
    ck_assert_uint_eq(hg_crc32c(hg_crc32c(0, hg_slice(bytes, 5)), hg_slice(bytes + 5, 27)),
                      0x46dd794e);
    ck_assert_uint_eq(hg_crc32c(0, hg_slice_from_string("123456789")), 0xe3069283);
    ck_assert_uint_eq(hg_crc32c(0, hg_slice(NULL, 0)), 0);
}
END_TEST

/* A header with a checksum in the middle of its TLVs; no bit of it may change, but those that make
 * the checksum something else. */
START_TEST(test_a_checksum_in_the_header)
{
    AUTO_BYTES(header);
    put_inet(header, 5 + 7 + 3);
    put_tlv(header, 0x01, "h2", 2);
    put_tlv(header, 0x03, "\0\0\0\0", 4);
    put_tlv(header, 0x04, "", 0);
    guint32 crc = hg_crc32c(0, slice_of(header));
    for (guint i = 0; i < 4; i++)
        header->data[28 + 5 + 3 + i] = (guint8)(crc >> (24 - 8 * i));
    check_good(header, header->len, "192.0.2.1:56324");
    for (guint bit = 0; bit < header->len * 8; bit++) {
        if (bit / 8 >= 28 + 1 && bit / 8 <= 28 + 5)
            continue; /* length and value of the TLV in front, and the checksum's type */
        AUTO_BYTES(changed);
        put(changed, (const char *)header->data, header->len);
        changed->data[bit / 8] ^= (guint8)(1 << (bit % 8));
        HgProxyHeader out;
        const char *why = NULL;
        HgWireStatus status = hg_proxy_header_read(slice_of(changed), &out, &why);
        /* a header that says LOCAL or UNSPEC isn't looked into; none may name another client */
        ck_assert(status != HG_WIRE_OK || !out.names_client);
    }
}
END_TEST

Suite *proxy_protocol_suite(void)
{
    Suite *suite = suite_create("wire/proxy_protocol");
    TCase *tests = tcase_create("proxy_protocol");
    tcase_add_test(tests, test_lines);
    tcase_add_test(tests, test_bad_lines);
    tcase_add_test(tests, test_a_line_has_107_bytes);
    tcase_add_test(tests, test_neither_version);
    tcase_add_test(tests, test_binary);
    tcase_add_test(tests, test_nobody_is_named);
    tcase_add_test(tests, test_bad_binary);
    tcase_add_test(tests, test_tlvs);
    tcase_add_test(tests, test_crc);
    tcase_add_test(tests, test_a_checksum_in_the_header);
    suite_add_tcase(suite, tests);
    return suite;
}
