/* Tests of net/socket (listening and options) and net/acceptor (many clients, no descriptors left).
 */
#include "harness/loops.h"
#include "harness/sockets.h"
#include "net/acceptor.h"
#include "net/socket.h"
#include "suites.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    ck_assert_int_eq(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

START_TEST(test_options_are_set)
{
    int ours, theirs;
    make_pair(TRUE, &ours, &theirs);
    HgTcpOptions options = {61, 16, 5, 121};
    hg_socket_set_options(ours, &options);
    ck_assert_int_ne(option(ours, IPPROTO_TCP, TCP_NODELAY), 0);
    ck_assert_int_eq(option(ours, SOL_SOCKET, SO_KEEPALIVE), 1);
    ck_assert_int_eq(option(ours, IPPROTO_TCP, TCP_KEEPIDLE), 61);
    ck_assert_int_eq(option(ours, IPPROTO_TCP, TCP_KEEPINTVL), 16);
    ck_assert_int_eq(option(ours, IPPROTO_TCP, TCP_KEEPCNT), 5);
    ck_assert_int_eq(option(ours, IPPROTO_TCP, TCP_USER_TIMEOUT), 121000);
    HgTcpOptions off = {0, 0, 0, 0};
    hg_socket_set_options(theirs, &off);
    ck_assert_int_eq(option(theirs, SOL_SOCKET, SO_KEEPALIVE), 0);
    close(ours);
    close(theirs);
    make_pair(FALSE, &ours, &theirs);
    hg_socket_set_options(ours, &options); /* nothing to set on a Unix socket, and no harm */
    close(ours);
    close(theirs);
}
END_TEST

START_TEST(test_listening_twice_fails_with_the_address)
{
    HgAddress address;
    int first = listen_on_loopback(_i == 0 ? AF_INET : AF_INET6, 5, &address);
    g_autofree char *text = hg_address_format(&address);
    g_autoptr(GError) error = NULL;
    ck_assert_int_eq(hg_socket_listen(&address, 0, &error), -1);
    ck_assert_msg(strstr(error->message, text) != NULL, "%s", error->message);
    close(first);
}
END_TEST

START_TEST(test_unix_socket_files)
{
    g_autofree char *path = g_strdup_printf("%s/hg-socket-%d", g_get_tmp_dir(), (int)getpid());
    HgAddress address;
    ck_assert(hg_address_from_path(path, &address, NULL));
    int fd = hg_socket_listen(&address, 0600, NULL);
    ck_assert_int_ge(fd, 0);
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0600);
    g_autoptr(GError) alive = NULL;
    ck_assert_int_eq(hg_socket_listen(&address, 0, &alive), -1);
    close(fd);
    fd = hg_socket_listen(&address, 0, NULL); /* a stale file is replaced */
    ck_assert_int_ge(fd, 0);
    close(fd);
    unlink(path);
    ck_assert(g_file_set_contents(path, "precious", -1, NULL));
    g_autoptr(GError) file = NULL;
    ck_assert_int_eq(hg_socket_listen(&address, 0, &file), -1);
    ck_assert_int_eq(stat(path, &info), 0);
    unlink(path);
}
END_TEST

/* ---- accepting ---- */

typedef struct {
    GArray *fds;
    guint refused;
    int errnum;
} Accepted;

static void on_accepted(void *owner, guint listener, int take_fd)
{
    Accepted *accepted = owner;
    ck_assert_uint_eq(listener, 0);
    ck_assert_int_ne(fcntl(take_fd, F_GETFL) & O_NONBLOCK, 0);
    g_array_append_val(accepted->fds, take_fd);
}

static void on_refused(void *owner, guint listener, int errnum)
{
    Accepted *accepted = owner;
    accepted->refused++;
    accepted->errnum = errnum;
}

static const HgAcceptorEvents events = {on_accepted, on_refused};

START_TEST(test_accepts_many)
{
    HgLoop *loop = hg_loop_new(NULL);
    Accepted accepted = {.fds = g_array_new(FALSE, FALSE, sizeof(int))};
    HgAddress address;
    int listener = listen_on_loopback(AF_INET, 256, &address);
    set_blocking(listener, FALSE);
    HgAcceptor *acceptor = hg_acceptor_new(loop, &events, &accepted);
    ck_assert_uint_eq(hg_acceptor_add(acceptor, listener), 0);
    int clients[200];
    for (guint i = 0; i < G_N_ELEMENTS(clients); i++)
        clients[i] = connect_to(&address);
    TURN_UNTIL(loop, accepted.fds->len == G_N_ELEMENTS(clients));
    ck_assert_uint_eq(accepted.refused, 0);
    for (guint i = 0; i < G_N_ELEMENTS(clients); i++) {
        close(clients[i]);
        close(g_array_index(accepted.fds, int, i));
    }
    hg_acceptor_close(acceptor);
    hg_acceptor_close(NULL);
    hg_loop_free(loop);
    ck_assert(!is_open(listener));
    g_array_free(accepted.fds, TRUE);
}
END_TEST

/* Out of descriptors a client is turned away at once, and the next one is taken when there is room.
 */
START_TEST(test_out_of_descriptors)
{
    HgLoop *loop = hg_loop_new(NULL);
    Accepted accepted = {.fds = g_array_new(FALSE, FALSE, sizeof(int))};
    HgAddress address;
    int listener = listen_on_loopback(AF_INET, 16, &address);
    set_blocking(listener, FALSE);
    HgAcceptor *acceptor = hg_acceptor_new(loop, &events, &accepted);
    hg_acceptor_add(acceptor, listener);
    int client = connect_to(&address);
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit none = {(rlim_t)client + 1, before.rlim_max};
    GArray *fillers = g_array_new(FALSE, FALSE, sizeof(int));
    setrlimit(RLIMIT_NOFILE, &none);
    for (int fd; (fd = open("/dev/null", O_RDONLY)) >= 0;)
        g_array_append_val(fillers, fd);
    TURN_UNTIL(loop, accepted.refused > 0);
    ck_assert_int_eq(accepted.errnum, EMFILE);
    ck_assert_uint_eq(accepted.fds->len, 0);
    guint8 byte;
    ck_assert_int_le(read(client, &byte, 1), 0);
    setrlimit(RLIMIT_NOFILE, &before);
    for (guint i = 0; i < fillers->len; i++)
        close(g_array_index(fillers, int, i));
    int second = connect_to(&address);
    TURN_UNTIL(loop, accepted.fds->len == 1);
    close(client);
    close(second);
    close(g_array_index(accepted.fds, int, 0));
    hg_acceptor_close(acceptor);
    hg_loop_free(loop);
    g_array_free(fillers, TRUE);
    g_array_free(accepted.fds, TRUE);
}
END_TEST

Suite *socket_suite(void)
{
    Suite *suite = suite_create("net/socket and net/acceptor");
    TCase *tests = tcase_create("socket");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_options_are_set);
    tcase_add_loop_test(tests, test_listening_twice_fails_with_the_address, 0, 2);
    tcase_add_test(tests, test_unix_socket_files);
    tcase_add_test(tests, test_accepts_many);
    tcase_add_test(tests, test_out_of_descriptors);
    suite_add_tcase(suite, tests);
    return suite;
}
