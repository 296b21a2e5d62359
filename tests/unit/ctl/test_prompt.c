/* Tests of ctl/prompt, on a real pseudo-terminal: what is read, what is shown, what is put back. */
#include "ctl/prompt.h"
#include "suites.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

static void check_line(const char *bytes, gsize size, const char *expected)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], bytes, size), (ssize_t)size);
    close(fds[1]);
    g_autoptr(HgSecret) secret = NULL;
    ck_assert(hg_prompt_line(fds[0], &secret, NULL));
    close(fds[0]);
    ck_assert(hg_slice_equal_string(hg_secret_slice(secret), expected));
}

START_TEST(test_line)
{
    check_line("secret\n", 7, "secret");
    check_line("secret", 6, "secret");
    check_line("secret\r\n", 8, "secret");
    check_line("  two words \nrest", 17, "  two words ");
    check_line("", 0, "");
    check_line("\n", 1, "");
}
END_TEST

START_TEST(test_line_refused)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    g_autofree char *endless = g_strnfill(2000, 'x');
    ck_assert_int_eq(write(fds[1], endless, 2000), 2000);
    HgSecret *secret = NULL;
    g_autoptr(GError) too_long = NULL;
    ck_assert(!hg_prompt_line(fds[0], &secret, &too_long));
    ck_assert_ptr_nonnull(strstr(too_long->message, "longer than 511 bytes"));
    close(fds[0]);
    close(fds[1]);
    g_autoptr(GError) closed = NULL;
    ck_assert(!hg_prompt_line(fds[0], &secret, &closed));
    ck_assert_ptr_null(secret);
}
END_TEST

START_TEST(test_no_terminal)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    HgSecret *secret = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_prompt_terminal(fds[0], "Password: ", &secret, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "--password-stdin"));
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* Everything that arrives on the master side until `wanted` is there, or for five seconds. */
static char *read_until(int master, const char *wanted)
{
    GString *seen = g_string_new(NULL);
    gint64 end = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;
    while (strstr(seen->str, wanted) == NULL && g_get_monotonic_time() < end) {
        struct pollfd ready = {.fd = master, .events = POLLIN};
        char chunk[256];
        if (poll(&ready, 1, 100) <= 0)
            continue;
        ssize_t n = read(master, chunk, sizeof chunk);
        if (n <= 0)
            break;
        g_string_append_len(seen, chunk, n);
    }
    return g_string_free(seen, FALSE);
}

static gboolean echoes(int fd)
{
    struct termios now;
    ck_assert_int_eq(tcgetattr(fd, &now), 0);
    return (now.c_lflag & ECHO) != 0;
}

/* The person's side, in a process of its own: waits for the prompt, sees that nothing is echoed,
 * types the password. Exits with 0 when all was as it should. */
static int type_password(int master, const char *password)
{
    g_autofree char *prompt = read_until(master, "Password: ");
    if (strcmp(prompt, "Password: ") != 0 || echoes(master))
        return 1;
    if (write(master, password, strlen(password)) < 0 || write(master, "\n", 1) < 0)
        return 2;
    g_autofree char *after = read_until(master, "\n");
    return strcmp(after, "\r\n") == 0 ? 0 : 3;
}

START_TEST(test_terminal)
{
    int master, slave;
    ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
    ck_assert(echoes(slave));
    pid_t person = fork();
    ck_assert_int_ge(person, 0);
    if (person == 0)
        _exit(type_password(master, "top secret"));
    g_autoptr(HgSecret) secret = NULL;
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_prompt_terminal(slave, "Password: ", &secret, &error);
    ck_assert_msg(ok, "%s", ok ? "" : error->message);
    ck_assert(hg_slice_equal_string(hg_secret_slice(secret), "top secret"));
    ck_assert(echoes(slave));
    int status = 1;
    ck_assert_int_eq(waitpid(person, &status, 0), person);
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    close(master);
    close(slave);
}
END_TEST

/* Ctrl-C while a password is asked for: the process ends by the signal, with the echo back on. */
START_TEST(test_interrupted)
{
    int master, slave;
    ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
    pid_t asker = fork();
    ck_assert_int_ge(asker, 0);
    if (asker == 0) {
        HgSecret *secret = NULL;
        signal(SIGINT, SIG_DFL); /* Check has a handler of its own */
        login_tty(slave);        /* the terminal's signals reach this process */
        hg_prompt_terminal(STDIN_FILENO, "Password: ", &secret, NULL);
        _exit(42); /* the signal comes first */
    }
    g_autofree char *prompt = read_until(master, "Password: ");
    ck_assert_str_eq(prompt, "Password: ");
    ck_assert(!echoes(slave));
    ck_assert_int_eq(write(master, "half a pass\x03", 12), 12);
    int status = 0;
    ck_assert_int_eq(waitpid(asker, &status, 0), asker);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGINT);
    ck_assert(echoes(slave));
    close(master);
    close(slave);
}
END_TEST

Suite *prompt_suite(void)
{
    Suite *suite = suite_create("ctl/prompt");
    TCase *tcase = tcase_create("prompt");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, test_line);
    tcase_add_test(tcase, test_line_refused);
    tcase_add_test(tcase, test_no_terminal);
    tcase_add_test(tcase, test_terminal);
    tcase_add_test(tcase, test_interrupted);
    suite_add_tcase(suite, tcase);
    return suite;
}
