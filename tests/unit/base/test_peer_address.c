/* Tests of base/peer_address: what is read and written, and which two are one host. */
#include "base/peer_address.h"
#include "suites.h"

#include <string.h>

static HgPeerAddress parse(const char *text)
{
    HgPeerAddress address = {.family = HG_PEER_UNKNOWN};
    ck_assert_msg(hg_peer_address_parse(hg_slice_from_string(text), &address), "%s", text);
    return address;
}

static void check_text(const HgPeerAddress *address, const char *expected)
{
    char text[HG_PEER_ADDRESS_TEXT_MAX];
    hg_peer_address_print(address, text);
    ck_assert_str_eq(text, expected);
}

START_TEST(test_texts)
{
    static const struct {
        const char *text, *written;
        HgPeerFamily family;
        guint port;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", HG_PEER_IPV4, 0},
        {"192.0.2.1:443", "192.0.2.1:443", HG_PEER_IPV4, 443},
        {"0.0.0.0:65535", "0.0.0.0:65535", HG_PEER_IPV4, 65535},
        {"192.0.2.1:0", "192.0.2.1", HG_PEER_IPV4, 0},
        {"::1", "::1", HG_PEER_IPV6, 0},
        {"::", "::", HG_PEER_IPV6, 0},
        {"[::1]", "::1", HG_PEER_IPV6, 0},
        {"[2001:DB8::0001]:443", "[2001:db8::1]:443", HG_PEER_IPV6, 443},
        {"2001:db8:0:0:0:0:0:443", "2001:db8::443", HG_PEER_IPV6, 0}, /* all address, no port */
        {"::ffff:192.0.2.1", "192.0.2.1", HG_PEER_IPV4, 0},
        {"[::FFFF:c000:201]:7", "192.0.2.1:7", HG_PEER_IPV4, 7},
        {"::192.0.2.1", "::192.0.2.1", HG_PEER_IPV6, 0},
        {"64:ff9b::192.0.2.1", "64:ff9b::c000:201", HG_PEER_IPV6, 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        HgPeerAddress address = parse(cases[i].text);
        check_text(&address, cases[i].written);
        ck_assert_int_eq(address.family, cases[i].family);
        ck_assert_uint_eq(address.port, cases[i].port);
    }
}
END_TEST

START_TEST(test_refused)
{
    static const char *const texts[] = {
        "",
        " ",
        "unknown",
        "_hidden",
        "localhost",
        "localhost:80",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4/8",
        "1.2.3.4:",
        "1.2.3.4:x",
        "1.2.3.4:-1",
        "1.2.3.4:+1",
        "1.2.3.4:01",
        "1.2.3.4:65536",
        "1.2.3.4:123456",
        "1.2.3.4:80:80",
        ":80",
        ":",
        "[1.2.3.4]",
        "[1.2.3.4]:80",
        "[::1",
        "::1]",
        "[]",
        "[]:80",
        "[::1]80",
        "[::1]:",
        "[::1]:x",
        "[[::1]]",
        "::1%lo",
        "fe80::1%1",
        "[fe80::1%1]:80",
        ":::",
        "1::2::3",
        "12345::",
        "1:2:3:4:5:6:7:8:9",
        "unix:",
        "0x7f.1.1.1",
        "2130706433",
        "1.2.3.4,5.6.7.8",
        "\"1.2.3.4\"",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee:ffff:0",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        HgPeerAddress address = {.port = 77};
        ck_assert_msg(!hg_peer_address_parse(hg_slice_from_string(texts[i]), &address), "%s",
                      texts[i]);
        ck_assert_uint_eq(address.port, 77);
    }
    HgPeerAddress address;
    ck_assert(!hg_peer_address_parse(hg_slice("1.2.3.4\0", 8), &address));
    ck_assert(!hg_peer_address_parse(hg_slice("1.2.3\0.4", 8), &address));
    ck_assert(!hg_peer_address_parse(hg_slice(NULL, 0), &address));
}
END_TEST

START_TEST(test_from_sockets)
{
    static const struct {
        const char *socket, *written;
    } cases[] = {
        {"192.0.2.1:10000", "192.0.2.1:10000"},
        {"[2001:db8::1]:10000", "[2001:db8::1]:10000"},
        {"[::ffff:192.0.2.1]:10000", "192.0.2.1:10000"},
        {"[fe80::1%1]:10000", "[fe80::1%1]:10000"},
        {"unix:/run/client.sock", "unix:"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        HgAddress address;
        ck_assert(hg_address_parse(cases[i].socket, &address, NULL));
        HgPeerAddress peer = hg_peer_address_from_socket(&address);
        check_text(&peer, cases[i].written);
    }
    HgAddress nobody = {.size = 0};
    HgPeerAddress peer = hg_peer_address_from_socket(&nobody);
    ck_assert_int_eq(peer.family, HG_PEER_UNKNOWN);
    check_text(&peer, "");
}
END_TEST

START_TEST(test_the_longest_text)
{
    HgPeerAddress address = parse("[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
    address.zone = G_MAXUINT32;
    check_text(&address, "[1111:2222:3333:4444:5555:6666:7777:8888%4294967295]:65535");
}
END_TEST

START_TEST(test_same_host)
{
    HgPeerAddress a = parse("192.0.2.1:1"), b = parse("::ffff:192.0.2.1"), c = parse("192.0.2.2:1");
    HgPeerAddress six = parse("c000:201::"); /* the same first bytes */
    ck_assert(hg_peer_address_same_host(&a, &b));
    ck_assert(!hg_peer_address_same_host(&a, &c));
    ck_assert(!hg_peer_address_same_host(&a, &six));
    HgPeerAddress local = {.family = HG_PEER_UNIX}, nobody = {.family = HG_PEER_UNKNOWN};
    ck_assert(hg_peer_address_same_host(&local, &local));
    ck_assert(!hg_peer_address_same_host(&local, &nobody));
    HgPeerAddress here = parse("fe80::1"), there = here;
    there.zone = 2;
    ck_assert(!hg_peer_address_same_host(&here, &there));
}
END_TEST

Suite *peer_address_suite(void)
{
    Suite *suite = suite_create("base/peer_address");
    TCase *tests = tcase_create("peer_address");
    tcase_add_test(tests, test_texts);
    tcase_add_test(tests, test_refused);
    tcase_add_test(tests, test_from_sockets);
    tcase_add_test(tests, test_the_longest_text);
    tcase_add_test(tests, test_same_host);
    suite_add_tcase(suite, tests);
    return suite;
}
