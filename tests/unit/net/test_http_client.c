/* Tests of net/http_client: against a server in a thread that answers with bytes as they stand
 * here.
 */
#include "base/error.h"
#include "net/http_client.h"
#include "suites.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK(body, size)                                                                             \
    "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: " size "\r\n\r\n" body

/* Answers each request on each connection with `answer`; without one it is silent. */
typedef struct {
    int listener;
    guint16 port;
    const char *answer;
    gboolean closes; /* after each answer */
    pthread_t thread;
    atomic_uint connections;
    pthread_mutex_t lock;
    GString *received; /* under the lock */
} Server;

/* Reads one request; FALSE when the client has gone. */
static gboolean read_request(Server *server, int fd)
{
    g_autoptr(GString) request = g_string_new(NULL);
    gsize needed = G_MAXSIZE;
    while (request->len < needed) {
        char bytes[4096];
        ssize_t got = read(fd, bytes, sizeof bytes);
        if (got <= 0)
            return FALSE;
        g_string_append_len(request, bytes, got);
        const char *end = strstr(request->str, "\r\n\r\n");
        if (end == NULL)
            continue;
        const char *length = strstr(request->str, "Content-Length: ");
        needed =
            (gsize)(end - request->str) + 4 + (length != NULL ? strtoul(length + 16, NULL, 10) : 0);
    }
    pthread_mutex_lock(&server->lock);
    g_string_append_len(server->received, request->str, (gssize)request->len);
    pthread_mutex_unlock(&server->lock);
    return TRUE;
}

static void *serve(void *data)
{
    Server *server = data;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        atomic_fetch_add(&server->connections, 1);
        while (read_request(server, fd)) {
            if (server->answer == NULL) /* it hangs until the client leaves */
                continue;
            ck_assert_int_gt(send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL), 0);
            if (server->closes)
                break;
        }
        close(fd);
    }
}

static void start(Server *server, const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *server = (Server){.answer = answer, .received = g_string_new(NULL)};
    pthread_mutex_init(&server->lock, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(server->listener, 16), 0);
    getsockname(server->listener, (struct sockaddr *)&address, &size);
    server->port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, serve, server), 0);
}

/* After the client was freed: else the thread waits in a connection. */
static void stop(Server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    g_string_free(server->received, TRUE);
    pthread_mutex_destroy(&server->lock);
}

static HgHttpClient *make_client(gint64 timeout_ms)
{
    HgHttpClientConfig config = {
        .connect_timeout_ms = timeout_ms,
        .timeout_ms = timeout_ms,
        .answer_max = 1000,
        .requests = 1,
    };
    HgHttpClient *client = NULL;
    ck_assert(hg_http_client_new(&config, &client, NULL));
    return client;
}

static gboolean get(HgHttpClient *client, guint16 port, HgHttpAnswer **out, GError **error)
{
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/path?secret=x", port);
    HgHttpRequest request = {.url = url};
    return hg_http_client_send(client, &request, out, error);
}

START_TEST(test_get_and_keep_alive)
{
    Server server;
    start(&server, OK("hello", "5"));
    HgHttpClient *client = make_client(20000);
    for (guint i = 0; i < 3; i++) {
        g_autoptr(HgHttpAnswer) answer = NULL;
        g_autoptr(GError) error = NULL;
        ck_assert_msg(get(client, server.port, &answer, &error), "%s",
                      error != NULL ? error->message : "");
        ck_assert_uint_eq(answer->status, 200);
        ck_assert(hg_slice_equal_string(answer->body, "hello"));
        ck_assert_int_eq(answer->body.data[5], 0);
        ck_assert_str_eq(answer->content_type, "text/x");
    }
    ck_assert_uint_eq(atomic_load(&server.connections), 1);
    ck_assert_ptr_nonnull(strstr(server.received->str, "GET /path?secret=x HTTP/1.1\r\n"));
    hg_http_client_free(client);
    stop(&server);
}
END_TEST

START_TEST(test_post_with_headers_and_password)
{
    Server server;
    start(&server, OK("", "0"));
    HgHttpClient *client = make_client(20000);
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/", server.port);
    const char *const headers[] = {"Authorization-Not: x", "Accept: application/json", NULL};
    HgHttpRequest request = {
        .url = url,
        .headers = headers,
        .content_type = "application/x-www-form-urlencoded",
        .body = hg_slice_from_string("a=b&c=d"),
        .user = "id",
        .password = "secret",
    };
    g_autoptr(HgHttpAnswer) answer = NULL;
    ck_assert(hg_http_client_send(client, &request, &answer, NULL));
    ck_assert_uint_eq(answer->body.size, 0);
    const char *got = server.received->str;
    ck_assert(g_str_has_prefix(got, "POST / HTTP/1.1\r\n"));
    ck_assert(g_str_has_suffix(got, "\r\n\r\na=b&c=d"));
    ck_assert_ptr_nonnull(strstr(got, "Authorization: Basic aWQ6c2VjcmV0\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "Content-Type: application/x-www-form-urlencoded\r\n"));
    ck_assert_ptr_nonnull(strstr(got, "Authorization-Not: x\r\n"));
    ck_assert_ptr_null(strstr(got, "Expect"));
    /* nothing of it stays with the handle */
    g_clear_pointer(&answer, hg_http_answer_free);
    g_string_truncate(server.received, 0);
    ck_assert(get(client, server.port, &answer, NULL));
    ck_assert(g_str_has_prefix(server.received->str, "GET "));
    ck_assert_ptr_null(strstr(server.received->str, "Authorization"));
    hg_http_client_free(client);
    stop(&server);
}
END_TEST

/* A status is no error, and a redirect is an answer like others: nobody follows it. */
START_TEST(test_statuses)
{
    static const char *const answers[] = {
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Basic\r\n\r\n",
        "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy",
    };
    static const guint statuses[] = {302, 401, 503};
    Server server;
    start(&server, answers[_i]);
    HgHttpClient *client = make_client(20000);
    g_autoptr(HgHttpAnswer) answer = NULL;
    ck_assert(get(client, server.port, &answer, NULL));
    ck_assert_uint_eq(answer->status, statuses[_i]);
    hg_http_client_free(client);
    stop(&server);
}
END_TEST

static const struct {
    const char *answer; /* NULL: silence */
    HgErrorCode code;
    const char *why;
} faults[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", HG_ERROR_UNAVAILABLE, "http://127.0.0.1:"},
    {"nonsense\r\n\r\n", HG_ERROR_UNAVAILABLE, "http://127.0.0.1:"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", HG_ERROR_UNAVAILABLE,
     "http://127.0.0.1:"},
    {NULL, HG_ERROR_UNAVAILABLE, "http://127.0.0.1:"},
};

START_TEST(test_faults)
{
    Server server;
    start(&server, faults[_i].answer);
    server.closes = TRUE;
    HgHttpClient *client = make_client(300);
    g_autoptr(GError) error = NULL;
    HgHttpAnswer *answer = NULL;
    ck_assert(!get(client, server.port, &answer, &error));
    ck_assert_ptr_null(answer);
    ck_assert(g_error_matches(error, HG_ERROR, (int)faults[_i].code));
    ck_assert_msg(strstr(error->message, faults[_i].why) != NULL, "%s", error->message);
    ck_assert_msg(strstr(error->message, "secret") == NULL, "%s", error->message);
    hg_http_client_free(client);
    stop(&server);
}
END_TEST

START_TEST(test_an_answer_that_is_too_long)
{
    g_autofree char *body = g_strnfill(1001, 'x');
    g_autofree char *plain =
        g_strdup_printf("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n%s", body);
    g_autofree char *chunked = g_strdup_printf(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n%s\r\n0\r\n\r\n", body);
    Server server;
    start(&server, _i == 0 ? plain : chunked);
    HgHttpClient *client = make_client(20000);
    g_autoptr(GError) error = NULL;
    HgHttpAnswer *answer = NULL;
    ck_assert(!get(client, server.port, &answer, &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_LIMIT));
    ck_assert_msg(strstr(error->message, "more than 1000 bytes") != NULL, "%s", error->message);
    hg_http_client_free(client);
    stop(&server);
}
END_TEST

START_TEST(test_nobody_listens)
{
    Server server;
    start(&server, NULL);
    guint16 port = server.port;
    stop(&server);
    HgHttpClient *client = make_client(20000);
    g_autoptr(GError) error = NULL;
    HgHttpAnswer *answer = NULL;
    ck_assert(!get(client, port, &answer, &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_UNAVAILABLE));
    hg_http_client_free(client);
}
END_TEST

START_TEST(test_other_protocols)
{
    static const char *const urls[] = {
        "file:///etc/passwd", "ftp://127.0.0.1/", "127.0.0.1", "gopher://127.0.0.1/", "://", ""};
    HgHttpClient *client = make_client(300);
    HgHttpRequest request = {.url = urls[_i]};
    g_autoptr(GError) error = NULL;
    HgHttpAnswer *answer = NULL;
    gboolean is_https = FALSE, is_loopback = FALSE;
    ck_assert(!hg_http_client_send(client, &request, &answer, &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_INVALID));
    g_clear_error(&error);
    ck_assert(!hg_http_url_check(urls[_i], &is_https, &is_loopback, NULL, &error));
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_INVALID));
    hg_http_client_free(client);
}
END_TEST

/* Proxies of the environment are nobody's business. */
START_TEST(test_no_proxy_of_the_environment)
{
    Server server;
    start(&server, OK("direct", "6"));
    setenv("http_proxy", "http://127.0.0.1:1/", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
    HgHttpClient *client = make_client(20000);
    g_autoptr(HgHttpAnswer) answer = NULL;
    ck_assert(get(client, server.port, &answer, NULL));
    hg_http_client_free(client);
    stop(&server);
}
END_TEST

typedef struct {
    HgHttpClient *client;
    guint16 port;
    GError *error;
} Call;

static void *call(void *data)
{
    Call *mine = data;
    HgHttpAnswer *answer = NULL;
    ck_assert(!get(mine->client, mine->port, &answer, &mine->error));
    return NULL;
}

/* One hangs, the other gets no place; a cancel ends what hangs. */
START_TEST(test_places_and_cancel)
{
    Server server;
    start(&server, NULL);
    HgHttpClient *client = make_client(600000);
    Call calls[2] = {{client, server.port, NULL}, {client, server.port, NULL}};
    pthread_t threads[2];
    for (gsize i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call, &calls[i]), 0);
    while (atomic_load(&server.connections) == 0)
        g_usleep(1000);
    hg_http_client_cancel(client);
    for (gsize i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_ptr_nonnull(calls[i].error);
        g_error_free(calls[i].error);
    }
    ck_assert_uint_eq(atomic_load(&server.connections), 1);
    hg_http_client_free(client);
    stop(&server);
}
END_TEST

static const struct {
    const char *url;
    gboolean good, https, loopback;
    const char *host;
} urls_checked[] = {
    {"https://login.example.org/x?y=z", TRUE, TRUE, FALSE, "login.example.org"},
    {"HTTPS://login.example.org", TRUE, TRUE, FALSE, "login.example.org"},
    {"http://login.example.org:8080/", TRUE, FALSE, FALSE, "login.example.org"},
    {"http://localhost:1/", TRUE, FALSE, TRUE, "localhost"},
    {"http://127.0.0.1/", TRUE, FALSE, TRUE, "127.0.0.1"},
    {"http://127.9.9.9/", TRUE, FALSE, TRUE, "127.9.9.9"},
    {"http://[::1]:80/", TRUE, FALSE, TRUE, "::1"},
    {"http://127.0.0.1.example.org/", TRUE, FALSE, FALSE, "127.0.0.1.example.org"},
    {"http://localhost.example.org/", TRUE, FALSE, FALSE, "localhost.example.org"},
    {"https://u@h/", FALSE, FALSE, FALSE, NULL},
    {"https://u:p@h/", FALSE, FALSE, FALSE, NULL},
    {"https://h/#f", FALSE, FALSE, FALSE, NULL},
    {"login.example.org", FALSE, FALSE, FALSE, NULL},
    {"ldap://h/", FALSE, FALSE, FALSE, NULL},
};

START_TEST(test_url_check)
{
    gboolean is_https = FALSE, is_loopback = FALSE;
    g_autofree char *host = NULL;
    g_autoptr(GError) error = NULL;
    gboolean good = hg_http_url_check(urls_checked[_i].url, &is_https, &is_loopback, &host, &error);
    ck_assert_int_eq(good, urls_checked[_i].good);
    ck_assert_int_eq(is_https, urls_checked[_i].https);
    ck_assert_int_eq(is_loopback, urls_checked[_i].loopback);
    ck_assert_int_eq(g_strcmp0(host, urls_checked[_i].host), 0);
}
END_TEST

Suite *http_client_suite(void)
{
    Suite *suite = suite_create("net/http_client");
    TCase *tests = tcase_create("client");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_get_and_keep_alive);
    tcase_add_test(tests, test_post_with_headers_and_password);
    tcase_add_loop_test(tests, test_statuses, 0, 3);
    tcase_add_loop_test(tests, test_faults, 0, G_N_ELEMENTS(faults));
    tcase_add_loop_test(tests, test_an_answer_that_is_too_long, 0, 2);
    tcase_add_test(tests, test_nobody_listens);
    tcase_add_loop_test(tests, test_other_protocols, 0, 6);
    tcase_add_test(tests, test_no_proxy_of_the_environment);
    tcase_add_test(tests, test_places_and_cancel);
    tcase_add_loop_test(tests, test_url_check, 0, G_N_ELEMENTS(urls_checked));
    suite_add_tcase(suite, tests);
    return suite;
}
