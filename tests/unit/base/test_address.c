/* Tests of base/address: what is an address, what is an endpoint, and which two can't be bound. */
#include "base/address.h"
#include "base/error.h"
#include "suites.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static HgAddress parse(const char *text)
{
    HgAddress address = {0};
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_address_parse(text, &address, &error);
    ck_assert_msg(ok, "%s: %s", text, ok ? "" : error->message);
    return address;
}

START_TEST(test_round_trip)
{
    static const char *const texts[] = {
        "127.0.0.1:10000", "0.0.0.0:0",           "255.255.255.255:65535",   "[::1]:10000",
        "[::]:1",          "[2001:db8::7]:10000", "unix:/run/hivegate.sock", "unix:relative",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        HgAddress address = parse(texts[i]);
        g_autofree char *back = hg_address_format(&address);
        ck_assert_str_eq(back, texts[i]);
    }
}
END_TEST

START_TEST(test_parts)
{
    HgAddress four = parse("10.1.2.3:10000");
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)&four.storage;
    ck_assert_int_eq(in4->sin_family, AF_INET);
    ck_assert_uint_eq(ntohs(in4->sin_port), 10000);
    ck_assert_uint_eq(ntohl(in4->sin_addr.s_addr), 0x0a010203);
    ck_assert_uint_eq(four.size, sizeof *in4);
    ck_assert_ptr_null(hg_address_path(&four));

    HgAddress local = parse("unix:/tmp/x.sock");
    ck_assert_int_eq(local.storage.ss_family, AF_UNIX);
    ck_assert_str_eq(hg_address_path(&local), "/tmp/x.sock");
}
END_TEST

START_TEST(test_zone)
{
    HgAddress address = parse("[fe80::1%1]:10000"); /* 1 is the loopback interface */
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address.storage;
    ck_assert_uint_eq(in6->sin6_scope_id, 1);
    g_autofree char *text = hg_address_format(&address);
    ck_assert_str_eq(text, "[fe80::1%1]:10000");
    HgAddress named = parse("[fe80::1%lo]:10000");
    ck_assert(hg_address_equal(&address, &named));
}
END_TEST

START_TEST(test_refused)
{
    static const char *const texts[] = {
        "",
        ":",
        ":10000",
        "10000",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "127.0.0.1: 1",
        "127.0.0.1:1x",
        "127.0.0.1:000001",
        "127.0.0.256:1",
        "127.1:1",
        "localhost:10000",
        "::1:10000",
        "[::1]",
        "[::1]10000",
        "[]:1",
        "[::g]:1",
        "[127.0.0.1]:1",
        "[fe80::1%nosuchif]:1",
        "[fe80::1%]:1",
        "unix:",
        "unix:@abstract",
        "tcp://127.0.0.1:1",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        HgAddress address = {.size = 77};
        g_autoptr(GError) error = NULL;
        ck_assert_msg(!hg_address_parse(texts[i], &address, &error), "\"%s\" was taken", texts[i]);
        ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_INVALID));
        ck_assert_uint_eq(address.size, 77);
    }
}
END_TEST

START_TEST(test_hints)
{
    HgAddress address;
    g_autoptr(GError) name = NULL;
    g_autoptr(GError) six = NULL;
    ck_assert(!hg_address_parse("localhost:10000", &address, &name));
    ck_assert_ptr_nonnull(strstr(name->message, "names are not looked up"));
    ck_assert(!hg_address_parse("::1:10000", &address, &six));
    ck_assert_ptr_nonnull(strstr(six->message, "[::1]:10000"));
}
END_TEST

START_TEST(test_path_length)
{
    HgAddress address;
    g_autofree char *longest = g_strnfill(107, 'p');
    g_autofree char *too_long = g_strnfill(108, 'p');
    ck_assert(hg_address_from_path(longest, &address, NULL));
    ck_assert_str_eq(hg_address_path(&address), longest);
    ck_assert(!hg_address_from_path(too_long, &address, NULL));
}
END_TEST

/* The kernel takes them as they are. */
START_TEST(test_bind)
{
    HgAddress address = parse("127.0.0.1:0");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address.storage, address.size), 0);
    close(fd);

    g_autofree char *path = g_strdup_printf("/tmp/hg-test-address-%d", (int)getpid());
    ck_assert(hg_address_from_path(path, &address, NULL));
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address.storage, address.size), 0);
    ck_assert_int_eq(access(path, F_OK), 0);
    close(fd);
    unlink(path);
}
END_TEST

static gboolean overlap(const char *one, const char *two)
{
    HgAddress a = parse(one);
    HgAddress b = parse(two);
    gboolean forth = hg_address_overlaps(&a, &b);
    ck_assert_int_eq(forth, hg_address_overlaps(&b, &a));
    return forth;
}

START_TEST(test_overlap)
{
    ck_assert(overlap("127.0.0.1:1", "127.0.0.1:1"));
    ck_assert(overlap("0.0.0.0:1", "127.0.0.1:1"));
    ck_assert(overlap("[::]:1", "[::1]:1"));
    ck_assert(overlap("unix:/a", "unix:/a"));
    ck_assert(!overlap("127.0.0.1:1", "127.0.0.1:2"));
    ck_assert(!overlap("127.0.0.1:1", "127.0.0.2:1"));
    ck_assert(!overlap("127.0.0.1:0", "127.0.0.1:0"));
    ck_assert(!overlap("[::]:1", "0.0.0.0:1")); /* IPV6_V6ONLY */
    ck_assert(!overlap("unix:/a", "unix:/b"));
    ck_assert(!overlap("unix:/a", "127.0.0.1:1"));
}
END_TEST

static void check_split(const char *text, const char *host, guint16 port)
{
    g_autofree char *got = NULL;
    guint16 got_port = 0;
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_address_split(text, &got, &got_port, &error);
    ck_assert_msg(ok, "%s: %s", text, ok ? "" : error->message);
    ck_assert_str_eq(got, host);
    ck_assert_uint_eq(got_port, port);
}

START_TEST(test_split)
{
    check_split("127.0.0.1:10001", "127.0.0.1", 10001);
    check_split("spark-1.example.org:65535", "spark-1.example.org", 65535);
    check_split("spark_1:1", "spark_1", 1);
    check_split("spark.svc.cluster.local.:1", "spark.svc.cluster.local.", 1);
    check_split("[::1]:10001", "::1", 10001);
    check_split("[fe80::1%lo]:10001", "fe80::1%lo", 10001);
    check_split("4x4.example:2", "4x4.example", 2);
}
END_TEST

START_TEST(test_split_refused)
{
    g_autofree char *too_long = g_strdup_printf("%0254d:1", 7);
    const char *texts[] = {
        "",         "host",         "host:",       "host:0", "host:65536",    ":1",     "-a:1",
        ".a:1",     "a..b:1",       "a b:1",       "a/b:1",  "a@b:1",         "::1:1",  "[::x]:1",
        "[host]:1", "10.0.0.1.2:1", "300.1.1.1:1", "1234:1", "h\xc3\xb6st:1", too_long,
    };
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *host = NULL;
        guint16 port = 9;
        g_autoptr(GError) error = NULL;
        ck_assert_msg(!hg_address_split(texts[i], &host, &port, &error), "\"%s\" was taken",
                      texts[i]);
        ck_assert_ptr_null(host);
        ck_assert_uint_eq(port, 9);
        ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_INVALID));
    }
}
END_TEST

Suite *address_suite(void)
{
    Suite *suite = suite_create("base/address");
    TCase *tcase = tcase_create("address");
    tcase_add_test(tcase, test_round_trip);
    tcase_add_test(tcase, test_parts);
    tcase_add_test(tcase, test_zone);
    tcase_add_test(tcase, test_refused);
    tcase_add_test(tcase, test_hints);
    tcase_add_test(tcase, test_path_length);
    tcase_add_test(tcase, test_bind);
    tcase_add_test(tcase, test_overlap);
    tcase_add_test(tcase, test_split);
    tcase_add_test(tcase, test_split_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
