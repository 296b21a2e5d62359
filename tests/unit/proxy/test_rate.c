/* Rates of connections by address, and the rules of routing. */
#include "proxy/rate.h"
#include "proxy/routing.h"
#include "suites.h"

static HgPeerAddress address_of(guint number)
{
    guint8 ip[4] = {10, (guint8)(number >> 16), (guint8)(number >> 8), (guint8)number};
    return hg_peer_address_from_ipv4(ip, (guint16)(1 + number % 60000));
}

static guint taken(HgRate *rate, const HgPeerAddress *address, guint tries, guint64 now)
{
    guint count = 0;
    for (guint i = 0; i < tries; i++)
        count += (guint)hg_rate_take(rate, address, now);
    return count;
}

START_TEST(test_rate)
{
    HgRate *rate = hg_rate_new(5);
    HgPeerAddress one = address_of(1);
    HgPeerAddress other = address_of(2);
    HgPeerAddress local = {.family = HG_PEER_UNIX};
    ck_assert_uint_eq(taken(rate, &one, 50, 1000), 10); /* two seconds' worth */
    ck_assert_uint_eq(taken(rate, &one, 50, 1100), 0);
    ck_assert_uint_eq(taken(rate, &one, 50, 2000), 5);
    one.port = 9; /* another connection of the same host */
    ck_assert_uint_eq(taken(rate, &one, 50, 2200), 1);
    ck_assert_uint_eq(taken(rate, &one, 50, 1900), 0); /* a clock behind gives nothing */
    ck_assert_uint_eq(taken(rate, &other, 50, 2200), 10);
    ck_assert_uint_eq(taken(rate, &one, 50, 1000000), 10);
    ck_assert_uint_eq(taken(rate, &local, 50, 1), 50);
    hg_rate_free(rate);
    hg_rate_free(NULL);
}
END_TEST

/* Addresses that come once are forgotten: memory goes by those of the last seconds. */
START_TEST(test_rate_forgets)
{
    HgRate *rate = hg_rate_new(1);
    for (guint i = 0; i < 100000; i++) {
        HgPeerAddress address = address_of(i);
        ck_assert(hg_rate_take(rate, &address, i)); /* 1,000 addresses a second */
    }
    ck_assert_uint_le(hg_rate_size(rate), 5000);
    hg_rate_free(rate);
}
END_TEST

START_TEST(test_routes)
{
    static const char *const alice[] = {"alice", NULL};
    static const char *const etl[] = {"etl", NULL};
    static const char *const none[] = {NULL};
    const HgRoute routes[] = {
        {.share = 100, .from = HG_ROUTE_ANY_TIME, .asks_for = etl, .groups = etl, .pool = 1},
        {.share = 100, .from = 22 * 60, .until = 6 * 60, .pool = 2},
        {.share = 100, .from = 600, .until = 660, .users = alice, .groups = etl, .pool = 3},
        {.share = 30, .from = HG_ROUTE_ANY_TIME, .pool = 4},
        {.share = 100, .from = HG_ROUTE_ANY_TIME, .client = HG_ROUTE_CLIENT_DATABRICKS, .pool = 5},
    };
    HgRouting *routing = hg_routing_new(routes, G_N_ELEMENTS(routes));
    HgRouteFacts facts = {.user = "alice", .groups = none, .listener = "l", .minute = 5 * 60};
    ck_assert_uint_eq(hg_routing_find(routing, &facts)->pool, 2);
    facts.minute = 22 * 60;
    ck_assert_uint_eq(hg_routing_find(routing, &facts)->pool, 2);
    facts.minute = 659;
    ck_assert_uint_eq(hg_routing_find(routing, &facts)->pool, 3);
    facts.user = "bob";
    facts.groups = etl;
    ck_assert_uint_eq(hg_routing_find(routing, &facts)->pool, 3);
    facts.asked = "etl";
    ck_assert_uint_eq(hg_routing_find(routing, &facts)->pool, 1);
    facts.groups = NULL;
    ck_assert_ptr_null(hg_routing_find(routing, &facts)); /* not another pool */
    facts = (HgRouteFacts){.user = "bob", .listener = "l", .minute = 660, .databricks = TRUE};
    guint green = 0;
    for (guint i = 0; i < 1000; i++) {
        guint pool = hg_routing_find(routing, &facts)->pool;
        ck_assert(pool == 4 || pool == 5);
        green += pool == 4;
        if (i % 20 == 19) /* even over any stretch */
            ck_assert_uint_le((i + 1) * 3 / 10, green + 2);
    }
    ck_assert_uint_eq(green, 300);
    facts.databricks = FALSE;
    guint refused = 0;
    for (guint i = 0; i < 100; i++)
        refused += hg_routing_find(routing, &facts) == NULL;
    ck_assert_uint_eq(refused, 70);
    hg_routing_free(routing);
    hg_routing_free(NULL);
}
END_TEST

Suite *rate_suite(void)
{
    Suite *suite = suite_create("proxy/rate and proxy/routing");
    TCase *tests = tcase_create("rate");
    tcase_add_test(tests, test_rate);
    tcase_add_test(tests, test_rate_forgets);
    tcase_add_test(tests, test_routes);
    suite_add_tcase(suite, tests);
    return suite;
}
