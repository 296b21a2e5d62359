/* Tests of app/config with files: what the configuration points to is read and checked too. */
#include "app/config.h"
#include "folder.h"
#include "suites.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USER "alice:$5$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6\n"
#define START                                                                                      \
    "listeners: [{name: a, bind: '127.0.0.1:10000'}]\n"                                            \
    "authentication: {chain: [users], users: {file: users.txt}}\n"
#define POOL "pools: [{name: p, endpoints: ['h:1']}]\n"

/* Loads the text as c.yaml of the folder; *text_out gets the diagnostics without the folder. */
static HgConfig *load(const char *folder, const char *text, char **text_out)
{
    g_autofree char *path = folder_write(folder, "c.yaml", text, 0600);
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new(path);
    HgConfig *config = hg_config_load(path, diagnostics);
    g_autofree char *all = hg_diagnostics_text(diagnostics);
    ck_assert_int_eq(config == NULL, hg_diagnostics_errors(diagnostics) > 0);
    g_autofree char *prefix = g_strconcat(folder, "/", NULL);
    g_auto(GStrv) parts = g_strsplit(all, prefix, -1);
    *text_out = g_strjoinv("", parts);
    return config;
}

static void check_loads(const char *folder, const char *text, const char *warnings)
{
    g_autofree char *said = NULL;
    g_autoptr(HgConfig) config = load(folder, text, &said);
    ck_assert_str_eq(said, warnings);
    ck_assert_ptr_nonnull(config);
}

static void check_fails(const char *folder, const char *text, const char *errors)
{
    g_autofree char *said = NULL;
    g_autoptr(HgConfig) config = load(folder, text, &said);
    ck_assert_str_eq(said, errors);
    ck_assert_ptr_null(config);
}

START_TEST(test_loads)
{
    char *folder = folder_new();
    g_autofree char *users = folder_write(folder, "users.txt", USER, 0600);
    g_autofree char *said = NULL;
    g_autoptr(HgConfig) config = load(folder, START POOL, &said);
    ck_assert_str_eq(said, "");
    ck_assert_uint_ge(config->workers, 1); /* 0 became the number of processors */
    ck_assert_str_eq(config->authentication.users.file, users);
    ck_assert(hg_slice_equal_string(hg_secret_slice(config->pools[0].password), "hivegate"));
    folder_free(folder);
}
END_TEST

START_TEST(test_passwords)
{
    char *folder = folder_new();
    g_autofree char *users = folder_write(folder, "users.txt", USER, 0600);
    g_autofree char *secret = folder_write(folder, "secret", "pass word\n", 0600);
    g_autofree char *said = NULL;
    g_autofree char *said_too = NULL;
    g_autoptr(HgConfig) file = load(
        folder, START "pools: [{name: p, endpoints: ['h:1'], password_file: secret}]\n", &said);
    ck_assert_str_eq(said, "");
    ck_assert(hg_slice_equal_string(hg_secret_slice(file->pools[0].password), "pass word"));
    g_setenv("HG_TEST_PASSWORD", "from outside", TRUE);
    g_autoptr(HgConfig) env = load(
        folder, START "pools: [{name: p, endpoints: ['h:1'], password_env: HG_TEST_PASSWORD}]\n",
        &said_too);
    ck_assert_str_eq(said_too, "");
    ck_assert(hg_slice_equal_string(hg_secret_slice(env->pools[0].password), "from outside"));
    folder_free(folder);
}
END_TEST

START_TEST(test_password_errors)
{
    char *folder = folder_new();
    g_autofree char *users = folder_write(folder, "users.txt", USER, 0600);
    g_autofree char *empty = folder_write(folder, "empty", "", 0600);
    g_unsetenv("HG_TEST_PASSWORD");
    check_fails(
        folder, START "pools: [{name: p, endpoints: ['h:1'], password_file: gone}]\n",
        "c.yaml:3:54: pools[0].password_file: can't open gone: No such file or directory\n");
    check_fails(folder, START "pools: [{name: p, endpoints: ['h:1'], password_file: empty}]\n",
                "c.yaml:3:54: pools[0].password_file: empty is empty; expected one line with the "
                "password\n");
    check_fails(folder,
                START "pools: [{name: p, endpoints: ['h:1'], password_env: HG_TEST_PASSWORD}]\n",
                "c.yaml:3:53: pools[0].password_env: the environment variable HG_TEST_PASSWORD is "
                "not set\n");
    folder_free(folder);
}
END_TEST

START_TEST(test_users_file_errors)
{
    char *folder = folder_new();
    check_fails(
        folder, START POOL,
        "c.yaml:2:48: authentication.users.file: can't open users.txt: No such file or "
        "directory; expected a users file: hivegatectl user add --file users.txt NAME makes "
        "one\n");
    g_autofree char *users = folder_write(folder, "users.txt", "alice\n" USER "a@b:x\n", 0600);
    g_autofree char *said = NULL;
    ck_assert_ptr_null(load(folder, "workers: x\n" START POOL, &said));
    g_auto(GStrv) lines = g_strsplit(said, "\n", -1);
    ck_assert_uint_eq(g_strv_length(lines), 4);
    ck_assert(g_str_has_prefix(lines[0], "c.yaml:1:10: workers: "));
    ck_assert(g_str_has_prefix(lines[1], "users.txt:1: no ':' in this line"));
    ck_assert(g_str_has_prefix(lines[2], "users.txt:3: \"a@b\" can't be the name of a user"));
    folder_free(folder);
}
END_TEST

START_TEST(test_warnings)
{
    char *folder = folder_new();
    g_autofree char *users = folder_write(folder, "users.txt", "# nobody\n", 0600);
    g_autofree char *secret = folder_write(folder, "secret", "x\n", 0644);
    g_autofree char *said = NULL;
    g_autoptr(HgConfig) config = load(
        folder, START "pools: [{name: p, endpoints: ['h:1'], password_file: secret}]\n", &said);
    ck_assert_ptr_nonnull(config);
    ck_assert_ptr_nonnull(strstr(said, "c.yaml:2:48: warning: users.txt has no users, so nobody "
                                       "can log in"));
    ck_assert_ptr_nonnull(strstr(said, "c.yaml:3:54: warning: "));
    ck_assert_ptr_nonnull(strstr(said, "secret\" can be read by everybody on this machine"));
    g_autofree char *shared = folder_write(folder, "users.txt", USER, 0666);
    ck_assert_int_eq(chmod(secret, 0600), 0);
    g_autofree char *said_too = NULL;
    g_autoptr(HgConfig) again = load(
        folder, START "pools: [{name: p, endpoints: ['h:1'], password_file: secret}]\n", &said_too);
    ck_assert_ptr_nonnull(again);
    ck_assert_ptr_nonnull(strstr(said_too, "users.txt\" can be changed by others"));
    ck_assert_ptr_null(strstr(said_too, "secret"));
    folder_free(folder);
}
END_TEST

START_TEST(test_the_file_itself)
{
    static const struct {
        const char *path, *error;
    } cases[] = {
        {"/nonexistent/c.yaml", "/nonexistent/c.yaml: can't read the file: No such file or "
                                "directory; expected the path of a configuration\n"},
        {"/tmp", "/tmp: can't read the file: Is a directory; expected the path of a "
                 "configuration\n"},
        {"/dev/null", "/dev/null: the file is empty; expected at least listeners, authentication "
                      "and pools (hivegate --help-config shows an example)\n"},
        {"/dev/zero", "/dev/zero: the file is larger than 1 MiB; expected a configuration of "
                      "hivegate\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new(cases[i].path);
        ck_assert_ptr_null(hg_config_load(cases[i].path, diagnostics));
        g_autofree char *said = hg_diagnostics_text(diagnostics);
        ck_assert_str_eq(said, cases[i].error);
    }
}
END_TEST

START_TEST(test_syntax_error)
{
    char *folder = folder_new();
    g_autofree char *said = NULL;
    ck_assert_ptr_null(load(folder, "a: [\n", &said));
    ck_assert(g_str_has_prefix(said, "c.yaml:2:1: not valid YAML: "));
    check_fails(folder, "- a\n",
                "c.yaml:1:1: the file is not a map; expected keys with values, at least listeners, "
                "authentication and pools (hivegate --help-config shows an example)\n");
    folder_free(folder);
}
END_TEST

START_TEST(test_from_a_pipe)
{
    char *folder = folder_new();
    g_autofree char *users = folder_write(folder, "users.txt", USER, 0600);
    g_autofree char *text =
        g_strdup_printf("listeners: [{name: a, bind: '127.0.0.1:10000'}]\n"
                        "authentication: {chain: [users], users: {file: %s}}\n" POOL,
                        users);
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], text, strlen(text)), (ssize_t)strlen(text));
    close(fds[1]);
    g_autofree char *path = g_strdup_printf("/dev/fd/%d", fds[0]);
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new(path);
    g_autoptr(HgConfig) config = hg_config_load(path, diagnostics);
    ck_assert_ptr_nonnull(config);
    close(fds[0]);
    folder_free(folder);
}
END_TEST

START_TEST(test_reads_as_it_is_written)
{
    char *folder = folder_new();
    g_autofree char *users = folder_write(folder, "users.txt", USER, 0640);
    check_loads(folder,
                "workers: 2\n"
                "listeners:\n"
                "  - name: thrift\n"
                "    bind: 127.0.0.1:10000\n"
                "    transport: binary          # binary (http comes next)\n"
                "    sasl: plain                # plain | none\n"
                "authentication:\n"
                "  chain: [users]\n"
                "  users: {file: users.txt}\n"
                "pools:\n"
                "  - name: default\n"
                "    discovery: static\n"
                "    endpoints: [\"127.0.0.1:10001\", \"127.0.0.1:10002\"]\n"
                "    transport: binary\n"
                "    sasl: plain\n"
                "    login: as-user\n",
                "");
    folder_free(folder);
}
END_TEST

Suite *config_load_suite(void)
{
    Suite *suite = suite_create("app/config, files");
    TCase *tcase = tcase_create("config_load");
    tcase_add_test(tcase, test_loads);
    tcase_add_test(tcase, test_passwords);
    tcase_add_test(tcase, test_password_errors);
    tcase_add_test(tcase, test_users_file_errors);
    tcase_add_test(tcase, test_warnings);
    tcase_add_test(tcase, test_the_file_itself);
    tcase_add_test(tcase, test_syntax_error);
    tcase_add_test(tcase, test_from_a_pipe);
    tcase_add_test(tcase, test_reads_as_it_is_written);
    suite_add_tcase(suite, tcase);
    return suite;
}
