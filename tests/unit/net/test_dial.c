/* Tests of net/dial: addresses that answer, refuse, stay silent, can't be resolved; cancelling in
 * every phase; and that the outcome never comes from inside hg_dial_start(). */
#include "harness/clock.h"
#include "harness/loops.h"
#include "harness/sockets.h"
#include "net/dial.h"
#include "net/socket.h"
#include "suites.h"

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT 3600000 /* ms: longer than any test */

typedef struct {
    guint calls;
    int fd;
    char *problem;
} Outcome;

static HgLoop *loop;
static Outcome outcome;

static void setup(void)
{
    outcome = (Outcome){.fd = -1};
    loop = hg_loop_new(NULL);
}

static void teardown(void)
{
    hg_loop_free(loop);
    if (outcome.fd >= 0)
        close(outcome.fd);
    g_free(outcome.problem);
}

static void done(void *owner, int take_fd, const char *problem)
{
    Outcome *to = owner;
    to->calls++;
    to->fd = take_fd;
    to->problem = g_strdup(problem);
}

static HgDial *dial(const char *host, guint port, guint timeout)
{
    g_autofree char *text = g_strdup_printf("%u", port);
    HgDial *started = hg_dial_start(loop, host, text, timeout, done, &outcome);
    ck_assert_uint_eq(outcome.calls, 0);
    return started;
}

static void assert_connected(void)
{
    TURN_UNTIL(loop, outcome.calls > 0);
    ck_assert_int_ge(outcome.fd, 0);
    ck_assert_ptr_null(outcome.problem);
}

static void assert_failed(const char *problem)
{
    TURN_UNTIL(loop, outcome.calls > 0);
    ck_assert_int_eq(outcome.fd, -1);
    ck_assert_msg(strstr(outcome.problem, problem) != NULL, "%s", outcome.problem);
}

START_TEST(test_reaches_addresses_and_names)
{
    static const struct {
        int family;
        const char *host;
    } cases[] = {{AF_INET, "127.0.0.1"}, {AF_INET6, "::1"}, {AF_INET, "localhost"}};
    HgAddress address;
    int listener = listen_on_loopback(cases[_i].family, 5, &address);
    dial(cases[_i].host, port_of(&address), TIMEOUT);
    assert_connected();
    close(listener);
}
END_TEST

START_TEST(test_reaches_a_unix_socket)
{
    g_autofree char *path = g_strdup_printf("%s/hg-dial-%d", g_get_tmp_dir(), (int)getpid());
    HgAddress address;
    ck_assert(hg_address_from_path(path, &address, NULL));
    int listener = hg_socket_listen(&address, 0600, NULL);
    ck_assert_int_ge(listener, 0);
    hg_dial_start(loop, path, "", TIMEOUT, done, &outcome);
    ck_assert_uint_eq(outcome.calls, 0);
    assert_connected();
    close(listener);
    unlink(path);
}
END_TEST

START_TEST(test_refused)
{
    HgAddress address;
    int listener = listen_on_loopback(AF_INET, 5, &address);
    guint port = port_of(&address);
    close(listener);
    dial(_i == 0 ? "127.0.0.1" : "localhost", port, TIMEOUT);
    assert_failed("refused");
}
END_TEST

START_TEST(test_what_can_not_be)
{
    if (_i == 0) {
        dial("no-such-host.invalid", 10000, TIMEOUT);
        assert_failed("look-up");
    } else {
        g_autofree char *path = g_strnfill(300, 'x');
        path[0] = '/';
        hg_dial_start(loop, path, "", TIMEOUT, done, &outcome);
        ck_assert_uint_eq(outcome.calls, 0);
        assert_failed("too long");
    }
}
END_TEST

START_TEST(test_times_out)
{
    /* a listener whose queue is full answers nothing */
    HgAddress address;
    int listener = listen_on_loopback(AF_INET, 0, &address);
    int fillers[8];
    for (guint i = 0; i < G_N_ELEMENTS(fillers); i++) {
        gboolean connected;
        fillers[i] = hg_socket_connect(&address, &connected);
    }
    clock_stop();
    dial("127.0.0.1", port_of(&address), 1000);
    clock_advance(5000);
    assert_failed("timed out");
    for (guint i = 0; i < G_N_ELEMENTS(fillers); i++)
        close(fillers[i]);
    close(listener);
}
END_TEST

START_TEST(test_cancelled)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "no-such-host.invalid"};
    HgAddress address;
    int listener = listen_on_loopback(AF_INET, 5, &address);
    guint before = count_descriptors();
    HgDial *started = dial(hosts[_i % 3], port_of(&address), TIMEOUT);
    if (_i >= 3)
        turn(loop);
    if (outcome.calls == 0) {
        hg_dial_cancel(started);
        turn_for(loop, 50);
        ck_assert_uint_eq(outcome.calls, 0);
        ck_assert_uint_le(count_descriptors(), before);
    }
    hg_dial_cancel(NULL);
    close(listener);
}
END_TEST

Suite *dial_suite(void)
{
    Suite *suite = suite_create("net/dial");
    TCase *tests = tcase_create("dial");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_reaches_addresses_and_names, 0, 3);
    tcase_add_test(tests, test_reaches_a_unix_socket);
    tcase_add_loop_test(tests, test_refused, 0, 2);
    tcase_add_loop_test(tests, test_what_can_not_be, 0, 2);
    tcase_add_test(tests, test_times_out);
    tcase_add_loop_test(tests, test_cancelled, 0, 6);
    suite_add_tcase(suite, tests);
    return suite;
}
