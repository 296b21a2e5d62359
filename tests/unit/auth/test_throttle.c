/* Tests of auth/throttle: whom failures slow down, whom they shut out, and for how long. */
#include "auth/throttle.h"
#include "suites.h"

#define SECOND ((gint64)G_USEC_PER_SEC)
#define HOME   at("192.0.2.1:4711")

/* The address that a text says; good until the next call. */
static const HgPeerAddress *at(const char *text)
{
    static HgPeerAddress address;
    ck_assert_msg(hg_peer_address_parse(hg_slice_from_string(text), &address), "%s", text);
    return &address;
}

static HgThrottle *throttle_new(guint address_refuse_after)
{
    return hg_throttle_new(&(HgThrottleConfig){.delay_after = 2,
                                               .refuse_after = 4,
                                               .address_refuse_after = address_refuse_after,
                                               .window_ms = 60000,
                                               .refuse_for_ms = 30000});
}

START_TEST(test_delays)
{
    static const guint delays[] = {0, 0, 500, 1000, 2000, 4000, 5000, 5000};
    g_autoptr(HgThrottle) throttle = throttle_new(0);
    for (gsize i = 0; i < G_N_ELEMENTS(delays); i++)
        ck_assert_uint_eq(hg_throttle_failed(throttle, "alice", HOME, 0), delays[i]);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(hg_throttle_failed(throttle, "alice", HOME, 0), 5000);
}
END_TEST

START_TEST(test_refused)
{
    g_autoptr(HgThrottle) throttle = throttle_new(0);
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(hg_throttle_refused(throttle, "alice", HOME, i), 0);
        hg_throttle_failed(throttle, "alice", HOME, i);
    }
    ck_assert_uint_eq(hg_throttle_refused(throttle, "alice", HOME, 3), 30);
    ck_assert_uint_eq(hg_throttle_refused(throttle, "alice", at("192.0.2.1:1"), 29 * SECOND), 2);
    ck_assert_uint_eq(hg_throttle_refused_count(throttle, 29 * SECOND), 1);
    ck_assert_uint_eq(hg_throttle_refused(throttle, "bob", HOME, 4), 0);
    ck_assert_uint_eq(hg_throttle_refused(throttle, "alice", at("192.0.2.10:4711"), 4), 0);
    ck_assert_uint_eq(hg_throttle_refused(throttle, "alice", HOME, 31 * SECOND), 0);
    hg_throttle_failed(throttle, "alice", HOME, 31 * SECOND); /* once more is once too many */
    ck_assert_uint_eq(hg_throttle_refused(throttle, "alice", HOME, 31 * SECOND), 30);
    ck_assert_uint_eq(hg_throttle_refused(throttle, "alice", HOME, 200 * SECOND), 0);
    ck_assert_uint_eq(hg_throttle_failed(throttle, "alice", HOME, 200 * SECOND), 0); /* forgotten */
    ck_assert_uint_eq(hg_throttle_refused_count(throttle, 200 * SECOND), 0);
}
END_TEST

START_TEST(test_success_and_forget)
{
    g_autoptr(HgThrottle) throttle = throttle_new(0);
    for (int i = 0; i < 3; i++)
        hg_throttle_failed(throttle, "alice", HOME, 0);
    hg_throttle_succeeded(throttle, "alice", HOME);
    hg_throttle_succeeded(throttle, "nobody", HOME);
    for (int i = 0; i < 3; i++)
        hg_throttle_failed(throttle, "alice", HOME, 0);
    ck_assert_uint_eq(hg_throttle_refused(throttle, "alice", HOME, 0), 0);
    hg_throttle_failed(throttle, "alice", HOME, 0);
    ck_assert_uint_gt(hg_throttle_refused(throttle, "alice", HOME, 0), 0);
    hg_throttle_forget(throttle);
    ck_assert_uint_eq(hg_throttle_refused(throttle, "alice", HOME, 0), 0);
}
END_TEST

/* Many names from one address; of IPv6, from one network. */
START_TEST(test_addresses)
{
    g_autoptr(HgThrottle) throttle = throttle_new(6);
    char name[16];
    char address[64];
    for (int i = 0; i < 6; i++) {
        g_snprintf(name, sizeof name, "user%d", i);
        g_snprintf(address, sizeof address, "[2001:db8::%d]:%d", i, 1000 + i);
        hg_throttle_failed(throttle, name, at(address), 0);
    }
    ck_assert_uint_gt(hg_throttle_refused(throttle, "alice", at("2001:db8::77"), 1), 0);
    ck_assert_uint_eq(hg_throttle_refused(throttle, "alice", at("[2001:db8:0:1::77]:1"), 1), 0);
    ck_assert_uint_eq(hg_throttle_refused(throttle, "alice", HOME, 1), 0);
    const HgPeerAddress local = {.family = HG_PEER_UNIX}, nobody = {.family = HG_PEER_UNKNOWN};
    for (int i = 0; i < 6; i++)
        hg_throttle_failed(throttle, "x", &local, 0);
    ck_assert_uint_gt(hg_throttle_refused(throttle, "alice", &local, 1), 0);
    ck_assert_uint_eq(hg_throttle_refused(throttle, "alice", &nobody, 1), 0);
}
END_TEST

/* Another spelling is no other user. */
START_TEST(test_spellings)
{
    static const char *const bob[] = {"bob", "BOB", " bOb", "bob@example.org"};
    g_autoptr(HgThrottle) throttle = throttle_new(0);
    for (gsize i = 0; i < G_N_ELEMENTS(bob); i++)
        hg_throttle_failed(throttle, bob[i], HOME, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(bob); i++)
        ck_assert_uint_eq(hg_throttle_refused(throttle, bob[i], HOME, 0), 30);
    ck_assert_uint_eq(hg_throttle_refused(throttle, "bo", HOME, 0), 0);
    hg_throttle_succeeded(throttle, "Bob", HOME);
    ck_assert_uint_eq(hg_throttle_refused(throttle, "bob", HOME, 0), 0);
}
END_TEST

/* One of its characters is three words (U+FDFA). */
START_TEST(test_long_skeletons)
{
    g_autoptr(HgThrottle) throttle = throttle_new(0);
    g_autoptr(GString) name = g_string_new("a");
    while (name->len < 250)
        g_string_append(name, "\xef\xb7\xba");
    for (int i = 0; i < 4; i++)
        hg_throttle_failed(throttle, name->str, HOME, 0);
    ck_assert_uint_eq(hg_throttle_refused(throttle, name->str, HOME, 0), 30);
    name->str[0] = 'A';
    ck_assert_uint_eq(hg_throttle_refused(throttle, name->str, HOME, 0), 30);
    name->str[0] = 'b';
    ck_assert_uint_eq(hg_throttle_refused(throttle, name->str, HOME, 0), 0);
}
END_TEST

/* Which of alice at home, alice elsewhere, bob at home and bob elsewhere are refused; a digit each.
 */
static guint refused_of(HgThrottle *throttle)
{
    guint bits = 0;
    for (guint i = 0; i < 4; i++)
        bits =
            bits * 10 + (hg_throttle_refused(throttle, i < 2 ? "alice" : "bob",
                                             at(i % 2 == 0 ? "192.0.2.1" : "2001:db8::7"), 0) > 0);
    return bits;
}

static HgThrottle *all_refused(guint address_refuse_after)
{
    HgThrottle *throttle = throttle_new(address_refuse_after);
    for (guint i = 0; i < 16; i++)
        hg_throttle_failed(throttle, i < 8 ? "alice" : "bob",
                           at(i % 2 == 0 ? "192.0.2.1:5" : "2001:db8::99"), 0);
    ck_assert_uint_eq(refused_of(throttle), 1111);
    return throttle;
}

START_TEST(test_unlock)
{
    static const struct {
        const char *user;
        const char *address;
        guint forgotten;
        guint left; /* as refused_of() has it */
    } cases[] = {{"alice", NULL, 2, 11},
                 {" Alice@example.org", NULL, 2, 11},
                 {"alice", "192.0.2.1:99", 1, 111},
                 {NULL, "2001:db8::1", 2, 1010}, /* the same /64 */
                 {NULL, NULL, 4, 0},
                 {"alic", NULL, 0, 1111},
                 {"alice", "192.0.2.2", 0, 1111}};
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(HgThrottle) throttle = all_refused(0);
        const HgPeerAddress *address = cases[i].address != NULL ? at(cases[i].address) : NULL;
        ck_assert_uint_eq(hg_throttle_unlock(throttle, cases[i].user, address), cases[i].forgotten);
        ck_assert_uint_eq(refused_of(throttle), cases[i].left);
    }
}
END_TEST

START_TEST(test_unlock_leaves_addresses_to_themselves)
{
    g_autoptr(HgThrottle) throttle = all_refused(4);
    ck_assert_uint_eq(hg_throttle_unlock(throttle, "alice", NULL), 2);
    ck_assert_uint_eq(refused_of(throttle), 1111); /* by their addresses */
    ck_assert_uint_eq(hg_throttle_unlock(throttle, NULL, at("192.0.2.1")), 2);
    ck_assert_uint_eq(refused_of(throttle), 101);
}
END_TEST

START_TEST(test_bounded)
{
    g_autoptr(HgThrottle) throttle = throttle_new(0);
    char name[16];
    for (int i = 0; i < 70000; i++) {
        g_snprintf(name, sizeof name, "user%d", i);
        for (int k = 0; k < 4; k++)
            hg_throttle_failed(throttle, name, HOME, 0);
    }
    ck_assert_uint_eq(hg_throttle_refused_count(throttle, 0), 65536);
    ck_assert_uint_eq(hg_throttle_refused(throttle, "user0", HOME, 0), 0);
    ck_assert_uint_gt(hg_throttle_refused(throttle, "user69999", HOME, 0), 0);
}
END_TEST

Suite *throttle_suite(void)
{
    Suite *suite = suite_create("auth/throttle");
    TCase *tcase = tcase_create("throttle");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_delays);
    tcase_add_test(tcase, test_refused);
    tcase_add_test(tcase, test_success_and_forget);
    tcase_add_test(tcase, test_addresses);
    tcase_add_test(tcase, test_spellings);
    tcase_add_test(tcase, test_long_skeletons);
    tcase_add_test(tcase, test_unlock);
    tcase_add_test(tcase, test_unlock_leaves_addresses_to_themselves);
    tcase_add_test(tcase, test_bounded);
    suite_add_tcase(suite, tcase);
    return suite;
}
