/* Tests of wire/forwarded_for: who the client is, and that nobody can say it in its stead. */
#include "suites.h"
#include "wire/forwarded_for.h"

static HgNetwork networks[4];
static HgNetworks trusted;

/* The tests' proxies: 10.0.0.0/8, 192.0.2.1 and 2001:db8::/32. */
static void setup(void)
{
    ck_assert(hg_network_parse("10.0.0.0/8", &networks[0], NULL));
    ck_assert(hg_network_parse("192.0.2.1", &networks[1], NULL));
    ck_assert(hg_network_parse("2001:db8::/32", &networks[2], NULL));
    ck_assert(hg_network_parse("unix", &networks[3], NULL));
    trusted = (HgNetworks){networks, 4};
}

/* `fields` are lines of a head; `expected` the client, "" for none, or "bad: " and a part of why.
 */
static void check(const char *fields, const char *expected)
{
    HgPeerAddress client = {.port = 77};
    const char *why = NULL;
    char text[HG_PEER_ADDRESS_TEXT_MAX] = "";
    switch (hg_forwarded_for_read(hg_slice_from_string(fields), trusted, &client, &why)) {
    case HG_FORWARDED_CLIENT:
        hg_peer_address_print(&client, text);
        ck_assert_msg(strcmp(text, expected) == 0, "%s: %s", fields, text);
        break;
    case HG_FORWARDED_NONE:
        ck_assert_msg(*expected == '\0', "%s", fields);
        ck_assert_uint_eq(client.port, 77);
        break;
    case HG_FORWARDED_BAD:
        ck_assert_msg(g_str_has_prefix(expected, "bad: ") && strstr(why, expected + 5) != NULL,
                      "%s: %s", fields, why);
        ck_assert_uint_eq(client.port, 77);
        break;
    }
}

#define X "X-Forwarded-For: "

START_TEST(test_who_the_client_is)
{
    static const struct {
        const char *fields, *client;
    } cases[] = {
        {X "203.0.113.9\r\n", "203.0.113.9"},
        {"x-FORWARDED-for:203.0.113.9:4711\r\n", "203.0.113.9:4711"},
        {X "[2a00::9]:4711\r\n", "[2a00::9]:4711"},
        {X "2a00::9\r\n", "2a00::9"},
        {X "[2a00::9]\r\n", "2a00::9"},
        {X "::ffff:203.0.113.9\r\n", "203.0.113.9"},
        /* proxies on the way are passed over */
        {X "203.0.113.9, 10.1.1.1\r\n", "203.0.113.9"},
        {X "203.0.113.9,10.1.1.1 ,\t192.0.2.1, 2001:db8::7, [2001:db8::8]:99\r\n", "203.0.113.9"},
        {X "203.0.113.9, ::ffff:10.1.1.1\r\n", "203.0.113.9"},
        /* each is one: then it is the first of them */
        {X "10.1.1.1\r\n", "10.1.1.1"},
        {X "10.1.1.1, 10.2.2.2, 192.0.2.1\r\n", "10.1.1.1"},
        /* several lines are one list */
        {X "203.0.113.9\r\n" X "10.1.1.1\r\n", "203.0.113.9"},
        {X "203.0.113.1\r\nHost: a\r\n" X "203.0.113.9\r\nA: b\r\n" X "10.1.1.1\r\n",
         "203.0.113.9"},
        {X "203.0.113.9\r\n" X "\r\n" X " , \r\n", "203.0.113.9"},
        /* empty items are none */
        {X ", 203.0.113.9,, 10.1.1.1,\r\n", "203.0.113.9"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        check(cases[i].fields, cases[i].client);
}
END_TEST

START_TEST(test_nobody_says_it_in_its_stead)
{
    static const char *const fields[] = {
        /* what came with the request stands left of what the proxies wrote */
        X "1.2.3.4, 203.0.113.9\r\n",
        X "1.2.3.4, 203.0.113.9, 10.1.1.1\r\n",
        X "1.2.3.4\r\n" X "203.0.113.9\r\n",
        X "10.1.1.1, 203.0.113.9\r\n", /* a client that passes for a proxy */
        X "1.2.3.4, 10.1.1.1, 203.0.113.9, 10.2.2.2\r\n",
        X "garbage, 203.0.113.9\r\n",
        X "unknown, 1.2.3.4:99999, \", 203.0.113.9, 10.1.1.1\r\n",
        X "1.2.3.4;203.0.113.1,203.0.113.9\r\n",
        /* other headers are none of its business */
        X "203.0.113.9\r\nX-Forwarded-For-: 1.2.3.4\r\nX_Forwarded_For: 1.2.3.4\r\n"
          "Forwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\n",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++)
        check(fields[i], "203.0.113.9");
}
END_TEST

START_TEST(test_none)
{
    check("", "");
    check("Host: a\r\n", "");
    check(X "\r\n", "");
    check(X " ,, \t,\r\n" X "\r\n", "");
    check("Forwarded: for=1.2.3.4\r\n", "");
}
END_TEST

START_TEST(test_what_no_proxy_should_write)
{
    static const char *const lists[] = {
        "unknown",
        "203.0.113.9, unknown",
        "203.0.113.9, _hidden, 10.1.1.1",
        "203.0.113.9 10.1.1.1",
        "203.0.113.9:x",
        "\"203.0.113.9\"",
        "for=203.0.113.9",
        "203.0.113.9, unix:, 10.1.1.1",
        "203.0.113.0/24",
        "client.example",
        "1.2.3.4, [10.1.1.1]",
        "fe80::1%eth0",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_autofree char *fields = g_strdup_printf(X "%s\r\n", lists[i]);
        check(fields, "bad: something else where a proxy writes an address");
    }
}
END_TEST

START_TEST(test_too_many_proxies)
{
    g_autoptr(GString) list = g_string_new(X "203.0.113.9");
    for (guint i = 1; i < HG_FORWARDED_HOPS_MAX; i++)
        g_string_append(list, ", 10.1.1.1");
    g_autofree char *most = g_strconcat(list->str, "\r\n", NULL);
    check(most, "203.0.113.9");
    g_autofree char *more = g_strconcat(list->str, ", 10.1.1.1\r\n", NULL);
    check(more, "bad: more than 32 proxies");
    g_string_assign(list, "");
    for (guint i = 0; i <= HG_FORWARDED_HOPS_MAX; i++)
        g_string_append(list, X "10.1.1.1\r\n");
    check(list->str, "bad: more than 32 proxies");
    /* what stands left of the client isn't counted */
    g_string_assign(list, X);
    for (guint i = 0; i < 1000; i++)
        g_string_append(list, "1.2.3.4,");
    g_string_append(list, "203.0.113.9\r\n");
    check(list->str, "203.0.113.9");
}
END_TEST

Suite *forwarded_for_suite(void)
{
    Suite *suite = suite_create("wire/forwarded_for");
    TCase *tests = tcase_create("forwarded_for");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, test_who_the_client_is);
    tcase_add_test(tests, test_nobody_says_it_in_its_stead);
    tcase_add_test(tests, test_none);
    tcase_add_test(tests, test_what_no_proxy_should_write);
    tcase_add_test(tests, test_too_many_proxies);
    suite_add_tcase(suite, tests);
    return suite;
}
