/* Tests of base/network: what is a network, and who is in it. */
#include "base/error.h"
#include "base/network.h"
#include "suites.h"

#include <string.h>

static HgNetwork parse(const char *text)
{
    HgNetwork network = {.family = HG_PEER_UNKNOWN};
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_network_parse(text, &network, &error);
    ck_assert_msg(ok, "%s: %s", text, ok ? "" : error->message);
    return network;
}

static gboolean has(const HgNetwork *network, const char *text)
{
    HgPeerAddress peer;
    ck_assert_msg(hg_peer_address_parse(hg_slice_from_string(text), &peer), "%s", text);
    return hg_network_has(network, &peer);
}

START_TEST(test_who_is_in_it)
{
    static const struct {
        const char *network;
        const char *in[4];
        const char *out[6];
    } cases[] = {
        {"10.0.0.0/8",
         {"10.0.0.0", "10.255.255.255", "10.1.2.3:77", "::ffff:10.1.2.3"},
         {"9.255.255.255", "11.0.0.0", "::10.0.0.1", "a00::", "::ffff:11.0.0.1"}},
        {"192.0.2.7", {"192.0.2.7", "::ffff:192.0.2.7"}, {"192.0.2.6", "192.0.2.8", "::192.0.2.7"}},
        {"192.0.2.6/31", {"192.0.2.6", "192.0.2.7"}, {"192.0.2.5", "192.0.2.8"}},
        {"128.0.0.0/1", {"128.0.0.0", "255.255.255.255"}, {"127.255.255.255", "::1"}},
        {"172.16.0.0/12", {"172.16.0.1", "172.31.255.255"}, {"172.15.255.255", "172.32.0.0"}},
        {"0.0.0.0/0",
         {"0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"},
         {"::", "::1", "2001:db8::1"}},
        {"::/0", {"::", "::1", "ffff::"}, {"1.2.3.4", "::ffff:1.2.3.4"}},
        {"::1", {"::1", "[::1]:7"}, {"::", "::2", "127.0.0.1", "0.0.0.1"}},
        {"2001:db8::/32",
         {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
         {"2001:db7:ffff::", "2001:db9::"}},
        {"2001:db8::8000/113", {"2001:db8::8000", "2001:db8::ffff"}, {"2001:db8::7fff"}},
        {"::ffff:10.0.0.0/104", {"10.1.2.3", "::ffff:10.1.2.3"}, {"11.0.0.0", "::10.0.0.0"}},
        {"::ffff:0:0/96", {"1.2.3.4"}, {"::1"}},
        {"::ffff:10.0.0.1", {"10.0.0.1"}, {"10.0.0.2"}},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        HgNetwork network = parse(cases[i].network);
        for (guint j = 0; j < 4 && cases[i].in[j] != NULL; j++)
            ck_assert_msg(has(&network, cases[i].in[j]), "%s in %s", cases[i].in[j],
                          cases[i].network);
        for (guint j = 0; j < 6 && cases[i].out[j] != NULL; j++)
            ck_assert_msg(!has(&network, cases[i].out[j]), "%s not in %s", cases[i].out[j],
                          cases[i].network);
    }
}
END_TEST

START_TEST(test_format)
{
    static const char *const texts[][2] = {{"10.0.0.0/8", "10.0.0.0/8"},
                                           {"192.0.2.7", "192.0.2.7/32"},
                                           {"::ffff:192.0.2.7", "192.0.2.7/32"},
                                           {"2001:DB8::/32", "2001:db8::/32"},
                                           {"::1", "::1/128"},
                                           {"unix", "unix"}};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        HgNetwork network = parse(texts[i][0]);
        g_autofree char *text = hg_network_format(&network);
        ck_assert_str_eq(text, texts[i][1]);
    }
}
END_TEST

START_TEST(test_unix_and_nobody)
{
    HgPeerAddress over_unix = {.family = HG_PEER_UNIX}, nobody = {.family = HG_PEER_UNKNOWN};
    HgNetwork network = parse("unix");
    ck_assert(hg_network_has(&network, &over_unix));
    ck_assert(!has(&network, "0.0.0.0"));
    ck_assert(!has(&network, "::"));
    static const char *const all[] = {"0.0.0.0/0", "::/0"};
    for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
        network = parse(all[i]);
        ck_assert(!hg_network_has(&network, &over_unix));
        ck_assert(!hg_network_has(&network, &nobody));
    }
    network = (HgNetwork){.family = HG_PEER_UNKNOWN};
    ck_assert(!hg_network_has(&network, &nobody));
}
END_TEST

START_TEST(test_lists)
{
    HgNetwork items[] = {parse("10.0.0.0/8"), parse("::1")};
    HgNetworks networks = {items, 2};
    HgPeerAddress peer;
    ck_assert(hg_peer_address_parse(hg_slice_from_string("::1"), &peer));
    ck_assert(hg_networks_have(networks, &peer));
    networks.count = 1;
    ck_assert(!hg_networks_have(networks, &peer));
    ck_assert(!hg_networks_have((HgNetworks){NULL, 0}, &peer));
}
END_TEST

START_TEST(test_refused)
{
    static const char form[] =
        " is no network; expected an address with or without a length, such as 10.0.0.0/8, "
        "192.0.2.7 or 2001:db8::/32, or the word unix";
    static const struct {
        const char *text, *error; /* NULL: `form` */
    } cases[] = {
        {"", NULL},
        {"/8", NULL},
        {"balancer", NULL},
        {"10.0.0", NULL},
        {"10/8", NULL},
        {"10.0.0.1:80", NULL},
        {"[::1]", NULL},
        {"10.0.0.0-10.0.0.9", NULL},
        {"*", NULL},
        {"Unix", NULL},
        {"unix:/run/x", NULL},
        {"fe80::1%lo", NULL},
        {"10.0.0.0/", " has no valid length; expected a number from 0 to 32 behind the slash"},
        {"10.0.0.0/33", " has no valid length; expected a number from 0 to 32 behind the slash"},
        {"10.0.0.0/-1", " has no valid length; expected a number from 0 to 32 behind the slash"},
        {"10.0.0.0/+8", " has no valid length; expected a number from 0 to 32 behind the slash"},
        {"10.0.0.0/08", " has no valid length; expected a number from 0 to 32 behind the slash"},
        {"10.0.0.0/8/8", " has no valid length; expected a number from 0 to 32 behind the slash"},
        {"10.0.0.0/255.0.0.0",
         " has no valid length; expected a number from 0 to 32 behind the slash"},
        {"::/129", " has no valid length; expected a number from 0 to 128 behind the slash"},
        {"10.1.0.0/8", " has bits behind its first 8; expected 10.0.0.0/8 for the network, or "
                       "10.1.0.0 for that address alone"},
        {"192.0.2.7/0", " has bits behind its first 0; expected 0.0.0.0/0 for the network, or "
                        "192.0.2.7 for that address alone"},
        {"2001:db8::1/127", " has bits behind its first 127; expected 2001:db8::/127 for the "
                            "network, or 2001:db8::1 for that address alone"},
        {"::ffff:10.0.0.0/90", " has bits behind its first 90; expected ::ffc0:0:0/90 for the "
                               "network, or ::ffff:10.0.0.0 for that address alone"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        HgNetwork network = {.length = 77};
        g_autoptr(GError) error = NULL;
        ck_assert_msg(!hg_network_parse(cases[i].text, &network, &error), "%s", cases[i].text);
        g_autofree char *expected = g_strdup_printf("\"%s\"%s", cases[i].text,
                                                    cases[i].error != NULL ? cases[i].error : form);
        ck_assert_str_eq(error->message, expected);
        ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_INVALID));
        ck_assert_uint_eq(network.length, 77);
    }
}
END_TEST

/* Every length against a plain reading of the bits. */
START_TEST(test_every_length)
{
    static const char *const hosts[] = {"170.85.15.240", "aa55:ff0:1234:8001:7fff:0:ffff:5aa5"};
    for (guint v6 = 0; v6 < 2; v6++) {
        HgPeerAddress host;
        ck_assert(hg_peer_address_parse(hg_slice_from_string(hosts[v6]), &host));
        guint bits = v6 ? 128 : 32;
        for (guint length = 0; length <= bits; length++) {
            HgNetwork network = {.family = host.family, .length = (guint8)length};
            for (guint bit = 0; bit < length; bit++)
                network.ip[bit / 8] |= host.ip[bit / 8] & (guint8)(0x80 >> (bit % 8));
            for (guint bit = 0; bit < bits; bit++) {
                HgPeerAddress other = host;
                other.ip[bit / 8] ^= (guint8)(0x80 >> (bit % 8));
                ck_assert_int_eq(hg_network_has(&network, &other), bit >= length);
            }
            ck_assert(hg_network_has(&network, &host));
        }
    }
}
END_TEST

Suite *network_suite(void)
{
    Suite *suite = suite_create("base/network");
    TCase *tests = tcase_create("network");
    tcase_add_test(tests, test_who_is_in_it);
    tcase_add_test(tests, test_format);
    tcase_add_test(tests, test_unix_and_nobody);
    tcase_add_test(tests, test_lists);
    tcase_add_test(tests, test_refused);
    tcase_add_test(tests, test_every_length);
    suite_add_tcase(suite, tests);
    return suite;
}
