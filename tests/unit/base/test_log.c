/* Tests of base/log: the two forms, escaping, limits, threads, and a reader that doesn't read. */
#include "base/log.h"
#include "suites.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A log into a file without a name, and the reading of it. */
typedef struct {
    int fd;
    HgLog *log;
} TestLog;

static TestLog open_log(HgLogLevel level, HgLogFormat format)
{
    char path[] = "/tmp/hg-test-log-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    unlink(path);
    return (TestLog){fd, hg_log_new(fd, level, format)};
}

static void close_log(TestLog *test)
{
    hg_log_free(test->log);
    close(test->fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TestLog, close_log)

/* All that was written. */
static char *written(TestLog *test)
{
    off_t size = lseek(test->fd, 0, SEEK_END);
    char *text = g_malloc0((gsize)size + 1);
    ck_assert_int_eq(pread(test->fd, text, (size_t)size, 0), size);
    return text;
}

/* The line that was written, behind its time, without its end; checks both. */
static char *only_line(TestLog *test)
{
    g_autofree char *text = written(test);
    gsize size = strlen(text);
    gsize head = text[0] == '{' ? strlen("{\"time\":\"") : 0;
    ck_assert_uint_gt(size, head + 25);
    ck_assert_int_eq(text[size - 1], '\n');
    ck_assert_ptr_eq(strchr(text, '\n'), text + size - 1);
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    for (gsize i = 0; form[i] != '\0'; i++)
        ck_assert(form[i] == 'd' ? g_ascii_isdigit(text[head + i]) : text[head + i] == form[i]);
    return g_strndup(text + head + 24, size - head - 25);
}

START_TEST(test_text_form)
{
    g_auto(TestLog) test = open_log(HG_LOG_INFO, HG_LOG_FORMAT_TEXT);
    hg_log(test.log, HG_LOG_INFO, "listening", hg_log_text("listener", "thrift"),
           hg_log_text("address", "127.0.0.1:10000"), hg_log_int("n", -5),
           hg_log_uint("bytes", G_MAXUINT64), hg_log_bool("tls", FALSE));
    g_autofree char *line = only_line(&test);
    ck_assert_str_eq(line, " info listening listener=thrift address=127.0.0.1:10000 n=-5 "
                           "bytes=18446744073709551615 tls=false");
}
END_TEST

START_TEST(test_json_form)
{
    g_auto(TestLog) test = open_log(HG_LOG_INFO, HG_LOG_FORMAT_JSON);
    hg_log(test.log, HG_LOG_ERROR, "broken", hg_log_text("why", "it \"is\""), hg_log_int("n", 7),
           hg_log_bool("ok", TRUE), hg_log_text("nothing", NULL));
    g_autofree char *line = only_line(&test);
    ck_assert_str_eq(line, "\",\"level\":\"error\",\"event\":\"broken\",\"why\":\"it \\\"is\\\"\","
                           "\"n\":7,\"ok\":true,\"nothing\":\"\"}");
}
END_TEST

START_TEST(test_no_fields)
{
    g_auto(TestLog) test = open_log(HG_LOG_DEBUG, HG_LOG_FORMAT_TEXT);
    hg_log(test.log, HG_LOG_DEBUG, "ready");
    g_autofree char *line = only_line(&test);
    ck_assert_str_eq(line, " debug ready");
}
END_TEST

START_TEST(test_peers)
{
    static const char *const formats[] = {
        " info met client=[2001:db8::1]:7 nobody=\"\"",
        "\",\"level\":\"info\",\"event\":\"met\",\"client\":\"[2001:db8::1]:7\",\"nobody\":\"\"}",
    };
    HgPeerAddress client, nobody = {.family = HG_PEER_UNKNOWN};
    ck_assert(hg_peer_address_parse(hg_slice_from_string("[2001:db8::1]:7"), &client));
    g_auto(TestLog) test = open_log(HG_LOG_INFO, _i == 0 ? HG_LOG_FORMAT_TEXT : HG_LOG_FORMAT_JSON);
    hg_log(test.log, HG_LOG_INFO, "met", hg_log_peer("client", &client), hg_log_peer("via", NULL),
           hg_log_peer("nobody", &nobody));
    g_autofree char *line = only_line(&test);
    ck_assert_str_eq(line, formats[_i]);
}
END_TEST

static HgLogField count_call(int *calls)
{
    (*calls)++;
    return hg_log_int("n", *calls);
}

START_TEST(test_level)
{
    g_auto(TestLog) test = open_log(HG_LOG_WARN, HG_LOG_FORMAT_TEXT);
    int calls = 0;
    hg_log(test.log, HG_LOG_INFO, "off", count_call(&calls));
    hg_log((HgLog *)NULL, HG_LOG_ERROR, "nowhere", count_call(&calls));
    ck_assert_int_eq(calls, 0); /* values of a line that isn't written aren't computed */
    ck_assert_int_eq(lseek(test.fd, 0, SEEK_END), 0);
    ck_assert(!hg_log_enabled(NULL, HG_LOG_ERROR));
    ck_assert(!hg_log_enabled(test.log, HG_LOG_INFO));
    ck_assert(hg_log_enabled(test.log, HG_LOG_WARN));
    hg_log_set_level(test.log, HG_LOG_DEBUG);
    hg_log_set_format(test.log, HG_LOG_FORMAT_JSON);
    hg_log(test.log, HG_LOG_DEBUG, "on", count_call(&calls));
    g_autofree char *line = only_line(&test);
    ck_assert_str_eq(line, "\",\"level\":\"debug\",\"event\":\"on\",\"n\":1}");
}
END_TEST

static void check_value(HgSlice value, const char *text_form, const char *json_form)
{
    g_auto(TestLog) text = open_log(HG_LOG_INFO, HG_LOG_FORMAT_TEXT);
    g_auto(TestLog) json = open_log(HG_LOG_INFO, HG_LOG_FORMAT_JSON);
    hg_log(text.log, HG_LOG_INFO, "e", hg_log_slice("v", value));
    hg_log(json.log, HG_LOG_INFO, "e", hg_log_slice("v", value));
    g_autofree char *text_line = only_line(&text);
    g_autofree char *json_line = only_line(&json);
    g_autofree char *text_expected = g_strconcat(" info e v=", text_form, NULL);
    g_autofree char *json_expected =
        g_strconcat("\",\"level\":\"info\",\"event\":\"e\",\"v\":", json_form, "}", NULL);
    ck_assert_str_eq(text_line, text_expected);
    ck_assert_str_eq(json_line, json_expected);
}

#define VALUE(literal, text_form, json_form)                                                       \
    check_value(hg_slice(literal, sizeof(literal) - 1), text_form, json_form)

/* What an attacker sends as a user name must stay one value of one line. */
START_TEST(test_values)
{
    VALUE("alice", "alice", "\"alice\"");
    VALUE("", "\"\"", "\"\"");
    VALUE("two words", "\"two words\"", "\"two words\"");
    VALUE("a=b", "\"a=b\"", "\"a=b\"");
    VALUE("say \"hi\"", "\"say \\\"hi\\\"\"", "\"say \\\"hi\\\"\"");
    VALUE("back\\slash", "\"back\\\\slash\"", "\"back\\\\slash\"");
    VALUE("x\n2026-11-21T10:00:00.000Z error forged",
          "\"x\\n2026-11-21T10:00:00.000Z error forged\"",
          "\"x\\n2026-11-21T10:00:00.000Z error forged\"");
    VALUE("\x1b[2J\x07", "\"\\u001b[2J\\u0007\"", "\"\\u001b[2J\\u0007\"");
    VALUE("a\0b", "\"a\\u0000b\"", "\"a\\u0000b\"");
    VALUE("\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    VALUE("J\xc3\xbcrgen", "J\xc3\xbcrgen", "\"J\xc3\xbcrgen\"");
    VALUE("\xc2\x9b"
          "31m",
          "\"\\u009b31m\"", "\"\\u009b31m\""); /* C1: CSI */
    VALUE("\xe2\x80\xa8", "\"\\u2028\"", "\"\\u2028\"");
    VALUE("\xe2\x80\xaemild", "\"\\u202emild\"", "\"\\u202emild\"");
    VALUE("a\xc2\xa0"
          "b",
          "\"a\xc2\xa0"
          "b\"",
          "\"a\xc2\xa0"
          "b\""); /* a no-break space */
}
END_TEST

START_TEST(test_long_value)
{
    g_autofree char *value = g_strnfill(100000, 'x');
    g_auto(TestLog) test = open_log(HG_LOG_INFO, HG_LOG_FORMAT_JSON);
    hg_log(test.log, HG_LOG_INFO, "e", hg_log_text("v", value), hg_log_int("after", 1));
    g_autofree char *line = only_line(&test);
    ck_assert_uint_lt(strlen(line), 1100);
    ck_assert(g_str_has_suffix(line, "xxx...\",\"after\":1}"));
}
END_TEST

/* A line is never longer than a pipe takes in one piece, and stays well-formed. */
START_TEST(test_long_line)
{
    for (int format = HG_LOG_FORMAT_TEXT; format <= HG_LOG_FORMAT_JSON; format++) {
        g_autofree char *value = g_strnfill(900, '\x01'); /* six bytes each when escaped */
        g_auto(TestLog) test = open_log(HG_LOG_INFO, (HgLogFormat)format);
        hg_log(test.log, HG_LOG_INFO, "e", hg_log_text("a", value), hg_log_text("b", value),
               hg_log_text("c", value), hg_log_text("d", value), hg_log_text("e", value));
        g_autofree char *all = written(&test);
        ck_assert_uint_le(strlen(all), PIPE_BUF);
        g_autofree char *line = only_line(&test);
        ck_assert(
            g_str_has_suffix(line, format == HG_LOG_FORMAT_JSON ? ",\"cut\":true}" : " cut=true"));
        ck_assert_ptr_nonnull(strstr(line, format == HG_LOG_FORMAT_JSON ? "...\",\"c\":" : " c="));
        ck_assert_ptr_null(strstr(line, format == HG_LOG_FORMAT_JSON ? "\"e\":" : " e="));
    }
}
END_TEST

START_TEST(test_names)
{
    HgLogLevel level = HG_LOG_DEBUG;
    HgLogFormat format = HG_LOG_FORMAT_TEXT;
    ck_assert(hg_log_level_parse("warn", &level));
    ck_assert_int_eq(level, HG_LOG_WARN);
    ck_assert_str_eq(hg_log_level_name(level), "warn");
    ck_assert(!hg_log_level_parse("WARN", &level));
    ck_assert(!hg_log_level_parse("", &level));
    ck_assert_int_eq(level, HG_LOG_WARN);
    ck_assert(hg_log_format_parse("json", &format));
    ck_assert_str_eq(hg_log_format_name(format), "json");
    ck_assert(!hg_log_format_parse("xml", &format));
}
END_TEST

#define THREADS 8
#define LINES   500

static void *write_lines(void *data)
{
    TestLog *test = data;
    g_autofree char *value = g_strnfill(300, 'v');
    for (int i = 0; i < LINES; i++) {
        hg_log(test->log, HG_LOG_INFO, "line", hg_log_int("i", i), hg_log_text("v", value));
        if (i % 50 == 0)
            hg_log_set_format(test->log, HG_LOG_FORMAT_TEXT);
    }
    return NULL;
}

START_TEST(test_threads)
{
    g_auto(TestLog) test = open_log(HG_LOG_INFO, HG_LOG_FORMAT_TEXT);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, &test), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    g_autofree char *text = written(&test);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    ck_assert_uint_eq(g_strv_length(lines), THREADS * LINES + 1);
    for (int i = 0; i < THREADS * LINES; i++) {
        ck_assert(g_str_has_prefix(lines[i] + 24, " info line i="));
        ck_assert(g_str_has_suffix(lines[i], "vvv"));
        ck_assert_ptr_null(strstr(lines[i] + 24, "Z info"));
    }
}
END_TEST

/* Fills a pipe that nobody reads: the log must give up, and say later how much it lost. */
static void check_stuck(int write_fd, int read_fd)
{
    g_autoptr(HgLog) log = hg_log_new(write_fd, HG_LOG_INFO, HG_LOG_FORMAT_TEXT);
    g_autofree char *value = g_strnfill(900, 'v');
    gint64 before = g_get_monotonic_time();
    for (int i = 0; i < 2000; i++)
        hg_log(log, HG_LOG_INFO, "line", hg_log_text("v", value));
    ck_assert_int_lt(g_get_monotonic_time() - before, 5 * G_USEC_PER_SEC);

    gsize got = 0;
    char chunk[65536];
    ssize_t n;
    while ((n = recv(read_fd, chunk, sizeof chunk, MSG_DONTWAIT)) > 0 ||
           (n < 0 && (n = read(read_fd, chunk, sizeof chunk)) > 0))
        for (ssize_t i = 0; i < n; i++)
            got += chunk[i] == '\n';
    ck_assert_uint_gt(got, 10);
    ck_assert_uint_lt(got, 2000);

    hg_log(log, HG_LOG_INFO, "again");
    n = read(read_fd, chunk, sizeof chunk - 1);
    ck_assert_int_gt(n, 0);
    chunk[n] = '\0';
    g_autofree char *expected = g_strdup_printf(" info again lost=%d\n", (int)(2000 - got));
    ck_assert_msg(g_str_has_suffix(chunk, expected), "%s, expected %s", chunk, expected);
}

START_TEST(test_stuck_pipe)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    check_stuck(fds[1], fds[0]);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(test_stuck_socket)
{
    int fds[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    check_stuck(fds[1], fds[0]);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(test_closed_pipe)
{
    signal(SIGPIPE, SIG_IGN);
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    close(fds[0]);
    g_autoptr(HgLog) log = hg_log_new(fds[1], HG_LOG_INFO, HG_LOG_FORMAT_TEXT);
    hg_log(log, HG_LOG_INFO, "nobody_listens");
    g_autoptr(HgLog) nowhere = hg_log_new(-1, HG_LOG_INFO, HG_LOG_FORMAT_TEXT);
    gint64 before = g_get_monotonic_time();
    for (int i = 0; i < 1000; i++)
        hg_log(nowhere, HG_LOG_INFO, "nobody_listens");
    ck_assert_int_lt(g_get_monotonic_time() - before, 2 * G_USEC_PER_SEC);
    close(fds[1]);
}
END_TEST

#define SECOND G_USEC_PER_SEC

START_TEST(test_limit)
{
    HgLogLimit limit;
    guint64 missed = 99;
    hg_log_limit_init(&limit, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert(hg_log_limit_pass(&limit, 10 * SECOND + i, &missed));
        ck_assert_uint_eq(missed, 0);
    }
    for (int i = 0; i < 5; i++)
        ck_assert(!hg_log_limit_pass(&limit, 10 * SECOND + 900000, &missed));
    ck_assert(hg_log_limit_pass(&limit, 11 * SECOND, &missed));
    ck_assert_uint_eq(missed, 5);
    ck_assert(hg_log_limit_pass(&limit, 11 * SECOND, &missed));
    ck_assert_uint_eq(missed, 0);
    hg_log_limit_init(&limit, 0);
    ck_assert(!hg_log_limit_pass(&limit, 0, &missed));
}
END_TEST

START_TEST(test_limited_lines)
{
    g_auto(TestLog) test = open_log(HG_LOG_INFO, HG_LOG_FORMAT_TEXT);
    HgLogLimit limit;
    hg_log_limit_init(&limit, 1);
    gint64 second = g_get_monotonic_time() / SECOND;
    while (g_get_monotonic_time() / SECOND == second) /* a burst in one second, not in two */
        g_usleep(1000);
    for (int i = 0; i < 10; i++)
        hg_log_limited(test.log, &limit, HG_LOG_WARN, "noise", hg_log_int("i", i));
    hg_log_limited(test.log, &limit, HG_LOG_DEBUG, "noise"); /* off: doesn't count */
    hg_log_limit_report(test.log, &limit, HG_LOG_WARN, "noise");
    hg_log_limit_report(test.log, &limit, HG_LOG_WARN, "noise");
    g_autofree char *text = written(&test);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    ck_assert_uint_eq(g_strv_length(lines), 3);
    ck_assert_str_eq(lines[0] + 24, " warn noise i=0");
    ck_assert_str_eq(lines[1] + 24, " warn noise suppressed=9");
}
END_TEST

typedef struct {
    HgLogLimit limit;
    _Atomic guint64 passed;
    _Atomic guint64 missed;
} SharedLimit;

static void *pass_many(void *data)
{
    SharedLimit *shared = data;
    for (int i = 0; i < 20000; i++) {
        guint64 missed = 0;
        if (hg_log_limit_pass(&shared->limit, (i / 5000) * SECOND, &missed)) {
            atomic_fetch_add(&shared->passed, 1);
            atomic_fetch_add(&shared->missed, missed);
        }
    }
    return NULL;
}

/* Nothing is counted twice or not at all, whatever the threads do. */
START_TEST(test_limit_threads)
{
    SharedLimit shared = {0};
    hg_log_limit_init(&shared.limit, 7);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, pass_many, &shared), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    guint64 left = atomic_load(&shared.limit.suppressed);
    ck_assert_uint_eq(shared.passed + shared.missed + left, 4 * 20000);
    ck_assert_uint_ge(shared.passed, 7);
}
END_TEST

Suite *log_suite(void)
{
    Suite *suite = suite_create("base/log");
    TCase *tcase = tcase_create("log");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_text_form);
    tcase_add_test(tcase, test_json_form);
    tcase_add_test(tcase, test_no_fields);
    tcase_add_loop_test(tcase, test_peers, 0, 2);
    tcase_add_test(tcase, test_level);
    tcase_add_test(tcase, test_values);
    tcase_add_test(tcase, test_long_value);
    tcase_add_test(tcase, test_long_line);
    tcase_add_test(tcase, test_names);
    tcase_add_test(tcase, test_threads);
    tcase_add_test(tcase, test_stuck_pipe);
    tcase_add_test(tcase, test_stuck_socket);
    tcase_add_test(tcase, test_closed_pipe);
    tcase_add_test(tcase, test_limit);
    tcase_add_test(tcase, test_limited_lines);
    tcase_add_test(tcase, test_limit_threads);
    suite_add_tcase(suite, tcase);
    return suite;
}
