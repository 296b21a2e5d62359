/* Tests of ctl/command and ctl/user_command: every command as it is typed. */
#include "ctl/command.h"
#include "folder.h"
#include "suites.h"

#include <glib.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What one run printed, and its exit code. */
typedef struct {
    int code;
    char *out;
    char *err;
} Run;

static void run_clear(Run *run)
{
    g_free(run->out);
    g_free(run->err);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

/* Runs hivegatectl with the words (NULL-terminated) and `input` to read. */
static Run run_words(const char *input, const char *const *words)
{
    char *out_bytes = NULL, *err_bytes = NULL;
    size_t out_size = 0, err_size = 0;
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], input, strlen(input)), (ssize_t)strlen(input));
    close(fds[1]);
    HgCtlStreams streams = {.version = "1.2.3",
                            .in = fds[0],
                            .out = open_memstream(&out_bytes, &out_size),
                            .err = open_memstream(&err_bytes, &err_size)};
    Run run = {.code =
                   hg_ctl_run((int)g_strv_length((char **)words), (char *const *)words, &streams)};
    fclose(streams.out);
    fclose(streams.err);
    close(fds[0]);
    run.out = g_strdup(out_bytes);
    run.err = g_strdup(err_bytes);
    free(out_bytes);
    free(err_bytes);
    return run;
}

#define RUN(input, ...) run_words(input, (const char *const[]){"hivegatectl", ##__VA_ARGS__, NULL})

static void check_run(const Run *run, int code, const char *out, const char *err)
{
    ck_assert_msg(run->code == code, "code %d, %s", run->code, run->err);
    ck_assert_msg(strstr(run->out, out) != NULL, "%s", run->out);
    ck_assert_msg(strstr(run->err, err) != NULL, "%s", run->err);
    ck_assert_msg(*err != '\0' || *run->err == '\0', "%s", run->err);
}

#define CHECK_RUN(code, out, err, input, ...)                                                      \
    do {                                                                                           \
        g_auto(Run) run_ = RUN(input, ##__VA_ARGS__);                                              \
        check_run(&run_, code, out, err);                                                          \
    } while (0)

START_TEST(test_user_life)
{
    char *folder = folder_new();
    g_autofree char *file = g_build_filename(folder, "users.txt", NULL);
    CHECK_RUN(0, "users.txt: alice added\n", "", "secret\n", "user", "add", "--file", file,
              "--password-stdin", "alice");
    CHECK_RUN(0, "users.txt: bob added\n", "", "geheim", "user", "add", "-f", file,
              "--password-stdin", "--group", "a,b", "-g", "c d", "bob");
    CHECK_RUN(0, "alice\t\nbob\ta,b,c d\n", "", "", "user", "list", "--file", file);
    CHECK_RUN(0, "alice: the password is right\n", "", "secret\n", "user", "check", "--file", file,
              "--password-stdin", "alice");
    CHECK_RUN(1, "alice: the password is wrong\n", "", "geheim\n", "user", "check", "--file", file,
              "--password-stdin", "alice");
    CHECK_RUN(0, "users.txt: bob changed\n", "", "neu\n", "user", "add", "--file", file,
              "--password-stdin", "bob");
    CHECK_RUN(0, "bob\ta,b,c d\n", "", "", "user", "list", "--file", file);
    CHECK_RUN(0, "is right", "", "neu", "user", "check", "-f", file, "--password-stdin", "bob");
    CHECK_RUN(0, "changed", "", "neu\n", "user", "add", "-f", file, "--password-stdin", "-g", "",
              "bob");
    CHECK_RUN(0, "bob\t\n", "", "", "user", "list", "--file", file);
    CHECK_RUN(0, "users.txt: alice deleted\n", "", "", "user", "delete", "--file", file, "alice");
    CHECK_RUN(1, "", "has no user \"alice\"", "", "user", "delete", "--file", file, "alice");
    CHECK_RUN(1, "", "has no user \"alice\"", "secret", "user", "check", "--file", file,
              "--password-stdin", "alice");
    g_autofree char *text = file_text(file);
    ck_assert(g_str_has_prefix(text, "bob:$y$"));
    ck_assert_ptr_null(strstr(text, "neu"));
    ck_assert_uint_eq(folder_count(folder), 1);
    folder_free(folder);
}
END_TEST

/* Waits until the terminal shows `wanted` behind what it showed before; FALSE after ten seconds. */
static gboolean wait_for(int master, GString *seen, const char *wanted)
{
    gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
    gsize from = seen->len;
    while (strstr(seen->str + from, wanted) == NULL) {
        struct pollfd ready = {.fd = master, .events = POLLIN};
        char chunk[256];
        ssize_t n = 0;
        if (poll(&ready, 1, 100) > 0 && (n = read(master, chunk, sizeof chunk)) <= 0)
            return FALSE;
        g_string_append_len(seen, chunk, n);
        if (g_get_monotonic_time() > end)
            return FALSE;
    }
    return TRUE;
}

/* Runs `user add` on a terminal where a person types the two passwords; returns its exit code. What
 * the terminal showed is the caller's. */
static int add_on_terminal(const char *file, const char *first, const char *second, GString *seen)
{
    int master;
    pid_t child = forkpty(&master, NULL, NULL, NULL);
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const char *words[] = {"hivegatectl", "user", "add", "-f", file, "alice"};
        HgCtlStreams streams = {.in = STDIN_FILENO, .out = stdout, .err = stderr};
        signal(SIGINT, SIG_DFL);
        int code = hg_ctl_run(G_N_ELEMENTS(words), (char *const *)words, &streams);
        fflush(NULL);
        _exit(code);
    }
    ck_assert(wait_for(master, seen, "Password: "));
    ck_assert_int_gt(dprintf(master, "%s\n", first), 0);
    ck_assert(wait_for(master, seen, "Once more: "));
    ck_assert_int_gt(dprintf(master, "%s\n", second), 0);
    wait_for(master, seen, "until it hangs up");
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    close(master);
    return WEXITSTATUS(status);
}

START_TEST(test_asks_twice)
{
    char *folder = folder_new();
    g_autofree char *file = g_build_filename(folder, "users.txt", NULL);
    GString *seen = g_string_new(NULL);
    ck_assert_int_eq(add_on_terminal(file, "top secret", "top secrte", seen), 1);
    ck_assert_msg(strstr(seen->str, "the two passwords differ; nothing was changed") != NULL, "%s",
                  seen->str);
    ck_assert_uint_eq(folder_count(folder), 0);
    ck_assert_int_eq(add_on_terminal(file, "top secret", "top secret", seen), 0);
    ck_assert_ptr_nonnull(strstr(seen->str, "alice added"));
    ck_assert_ptr_null(strstr(seen->str, "top secr")); /* never shown */
    CHECK_RUN(0, "is right", "", "top secret", "user", "check", "-f", file, "--password-stdin",
              "alice");
    g_string_free(seen, TRUE);
    folder_free(folder);
}
END_TEST

START_TEST(test_refused_names)
{
    static const struct {
        const char *name, *why;
    } cases[] = {
        {"alice@corp", "Spark cuts names at '@' and '/', so two users could become one"},
        {"alice/x", "Spark cuts names"},
        {"a:b", "':'"},
        {"", "it is empty"},
        {" alice", "white space"},
        {"al\nice", "control"},
        {"\xff", "UTF-8"},
        {"#x", "comment"},
    };
    char *folder = folder_new();
    g_autofree char *file = g_build_filename(folder, "users.txt", NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        CHECK_RUN(1, "", cases[i].why, "secret", "user", "add", "-f", file, "--password-stdin",
                  cases[i].name);
    g_autofree char *endless = g_strnfill(257, 'x');
    CHECK_RUN(1, "", "longer than 256 bytes", "secret", "user", "add", "-f", file,
              "--password-stdin", endless);
    CHECK_RUN(1, "", "can't be the name of a group", "secret", "user", "add", "-f", file,
              "--password-stdin", "-g", "a,,b", "alice");
    CHECK_RUN(0, "-x added", "", "secret", "user", "add", "-f", file, "--password-stdin", "--",
              "-x");
    folder_free(folder);
}
END_TEST

START_TEST(test_refused_passwords)
{
    char *folder = folder_new();
    g_autofree char *file = g_build_filename(folder, "users.txt", NULL);
    g_autofree char *endless = g_strnfill(600, 'x');
    CHECK_RUN(1, "", "the password is empty", "\nsecret", "user", "add", "-f", file,
              "--password-stdin", "alice");
    CHECK_RUN(1, "", "longer than 511 bytes", endless, "user", "add", "-f", file,
              "--password-stdin", "alice");
    ck_assert_uint_eq(folder_count(folder), 0); /* nothing was written */
    folder_free(folder);
}
END_TEST

START_TEST(test_usage)
{
    CHECK_RUN(2, "", "Usage:\n  hivegatectl COMMAND", "");
    CHECK_RUN(2, "", "Usage:\n  hivegatectl user COMMAND", "", "user");
    CHECK_RUN(2, "", "there is no command \"usr\"", "", "usr");
    CHECK_RUN(2, "", "there is no command user \"\\u001b[2J\"", "", "user", "\x1b[2J");
    CHECK_RUN(2, "", "no users file is named; expected --file FILE", "", "user", "add", "alice");
    CHECK_RUN(2, "", "no user is named; expected NAME; hivegatectl user add --help shows how", "",
              "user", "add", "--file", "u");
    CHECK_RUN(2, "", "expected one NAME", "", "user", "delete", "--file", "u", "a", "b");
    CHECK_RUN(2, "", "expected options only", "", "user", "list", "--file", "u", "a");
    CHECK_RUN(2, "", "--nosuch", "", "user", "list", "--nosuch");
    CHECK_RUN(2, "", "--password-stdin", "", "user", "list", "--password-stdin");
    CHECK_RUN(2, "", "--file", "", "user", "list", "--file");
}
END_TEST

START_TEST(test_help)
{
    CHECK_RUN(0, "user add --file FILE NAME", "", "", "--help");
    CHECK_RUN(0, "version ", "", "", "help");
    CHECK_RUN(0, "hivegatectl user COMMAND", "", "", "user", "--help");
    CHECK_RUN(0, "hivegatectl user add --file users.txt alice", "", "", "user", "add", "--help");
    CHECK_RUN(0, "hivegatectl user list [OPTION", "", "", "user", "list", "--help");
    CHECK_RUN(0, "kill operation ID", "", "", "kill", "--help");
    CHECK_RUN(0, "hivegatectl drain endpoint spark-1:10000", "", "", "drain", "endpoint", "-h");
    CHECK_RUN(0, "hivegatectl sessions --output json", "", "", "sessions", "--help");
    CHECK_RUN(0, "--address=ADDRESS", "", "", "auth", "unlock", "--help");
    CHECK_RUN(2, "", "an argument is missing; expected ID", "", "kill", "session");
    CHECK_RUN(2, "", "an argument too many", "", "reload", "it");
    CHECK_RUN(2, "", "expected table or json", "", "pools", "--output", "xml");
    CHECK_RUN(2, "", "--every is from", "", "top", "--every", "0");
    CHECK_RUN(1, "", "can't ask hivegate at unix:/nowhere", "", "users", "-a", "unix:/nowhere");
    CHECK_RUN(0, "hivegatectl user delete --file users.txt alice", "", "", "user", "delete", "-h");
    CHECK_RUN(0, "hivegatectl user check --file users.txt alice", "", "", "user", "check", "-h");
    CHECK_RUN(0, "hivegatectl 1.2.3\n", "", "", "version");
    CHECK_RUN(0, "hivegatectl 1.2.3\n", "", "", "--version");
}
END_TEST

START_TEST(test_bad_files)
{
    char *folder = folder_new();
    g_autofree char *file = g_build_filename(folder, "users.txt", NULL);
    CHECK_RUN(1, "", "No such file or directory", "", "user", "list", "-f", file);
    CHECK_RUN(1, "", "No such file or directory", "", "user", "delete", "-f", file, "alice");
    CHECK_RUN(1, "", "No such file or directory", "x", "user", "check", "-f", file,
              "--password-stdin", "alice");
    ck_assert(g_file_set_contents(file, "alice\nbob\n", -1, NULL));
    CHECK_RUN(1, "", "users.txt:2: no ':' in this line", "", "user", "list", "-f", file);
    CHECK_RUN(1, "", "correct it first", "secret", "user", "add", "-f", file, "--password-stdin",
              "carol");
    g_autofree char *text = file_text(file);
    ck_assert_str_eq(text, "alice\nbob\n");
    folder_free(folder);
}
END_TEST

Suite *command_suite(void)
{
    Suite *suite = suite_create("ctl/command");
    TCase *tcase = tcase_create("command");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_user_life);
    tcase_add_test(tcase, test_asks_twice);
    tcase_add_test(tcase, test_refused_names);
    tcase_add_test(tcase, test_refused_passwords);
    tcase_add_test(tcase, test_usage);
    tcase_add_test(tcase, test_help);
    tcase_add_test(tcase, test_bad_files);
    suite_add_tcase(suite, tcase);
    return suite;
}
