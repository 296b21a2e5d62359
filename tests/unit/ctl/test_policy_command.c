/* Tests of ctl/policy_command, ctl/policy_inputs, ctl/policy_schemas and ctl/sql_rewrite. */
#include "ctl/command.h"
#include "folder.h"
#include "suites.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char policies[] = "default_access: allow\n"
                               "policies:\n"
                               "  - name: own\n"
                               "    tables: [hr.emp]\n"
                               "    subjects: {groups: [a]}\n"
                               "    row_filter: \"dept = {attr.dept}\"\n"
                               "tests:\n"
                               "  - {user: bob, groups: [a], attributes: {dept: it}, sql: \"SELECT "
                               "1 FROM hr.emp\", becomes: \"SELECT 1 FROM (SELECT `dept` FROM "
                               "(SELECT p_N.`dept`, monotonically_increasing_id() AS b_N FROM "
                               "`spark_catalog`.`hr`.`emp` AS p_N WHERE ((p_N.`dept` = 'it'))) "
                               "WHERE b_N >= 0) AS `emp`\"}\n"
                               "  - {user: eve, sql: \"TABLE hr.emp\", expect: unchanged}\n"
                               "  - {user: bob, groups: [a], sql: \"DROP TABLE hr.emp\", expect: "
                               "refused}\n";

static const char schemas[] = "{\"hr.emp\": [[\"dept\", \"string\"]]}";

typedef struct {
    char *folder;
    char *policies;
    char *schemas;
} Files;

static Files files_make(const char *policies_text, const char *schemas_text)
{
    Files files = {.folder = folder_new()};
    files.policies = g_build_filename(files.folder, "p.yaml", NULL);
    files.schemas = g_build_filename(files.folder, "s.json", NULL);
    ck_assert(g_file_set_contents(files.policies, policies_text, -1, NULL));
    ck_assert(g_file_set_contents(files.schemas, schemas_text, -1, NULL));
    return files;
}

static void files_clear(Files *files)
{
    folder_free(files->folder);
    g_free(files->policies);
    g_free(files->schemas);
}

/* Runs hivegatectl with these words, the files' options, and the rest (NULL-terminated). Output and
 * errors come in *said, to be freed. */
static int run(const Files *files, const char *input, char **said, const char *noun,
               const char *verb, const char *const *rest)
{
    char *err = NULL, *out = NULL;
    size_t out_size = 0, err_size = 0;
    int fds[2];
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    const char *const first[] = {"hivegatectl",   noun, verb,          "-p",
                                 files->policies, "-s", files->schemas};
    for (gsize i = 0; i < G_N_ELEMENTS(first); i++)
        g_ptr_array_add(words, (gpointer)first[i]);
    for (; *rest != NULL; rest++)
        g_ptr_array_add(words, (gpointer)*rest);
    g_ptr_array_add(words, NULL);
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], input, strlen(input)), (ssize_t)strlen(input));
    close(fds[1]);
    HgCtlStreams streams = {.version = "1",
                            .in = fds[0],
                            .out = open_memstream(&out, &out_size),
                            .err = open_memstream(&err, &err_size)};
    int code = hg_ctl_run((int)words->len - 1, (char *const *)words->pdata, &streams);
    fclose(streams.out);
    fclose(streams.err);
    close(fds[0]);
    *said = g_strconcat(out, err, NULL);
    free(out);
    free(err);
    return code;
}

#define RUN(files, input, said, noun, verb, ...)                                                   \
    run(files, input, said, noun, verb, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(rewrites)
{
    Files files = files_make(policies, schemas);
    g_autofree char *said = NULL;
    int code = RUN(&files,
                   "{\"id\":\"x\",\"sql\":\"SELECT 1 FROM emp\"}\nbad\n"
                   "{\"id\":2,\"sql\":\"TABLE nope\"}\n{\"id\":3,\"sql\":\"SELECT 1\"}\n",
                   &said, "sql", "rewrite", "-u", "bob", "-g", "b,a", "-a", "dept=it", "-d", "hr",
                   "--nonce", "7");
    ck_assert_int_eq(code, 0);
    ck_assert_str_eq(
        said,
        "{\"id\":\"x\",\"decision\":\"rewritten\",\"sql\":\"SELECT 1 FROM (SELECT `dept` FROM "
        "(SELECT p_7.`dept`, monotonically_increasing_id() AS b_7 FROM "
        "`spark_catalog`.`hr`.`emp` AS p_7 WHERE ((p_7.`dept` = 'it'))) WHERE b_7 >= 0) AS "
        "`emp`\",\"reason\":null,\"policies\":[\"own\"]}\n"
        "{\"id\":null,\"decision\":\"refused\",\"sql\":null,\"reason\":\"the line is no JSON: "
        "invalid token near 'bad' at byte 3\",\"policies\":[]}\n"
        "{\"id\":2,\"decision\":\"refused\",\"sql\":null,\"reason\":\"line 1, column 7: no table "
        "or view nope is known here\",\"policies\":[]}\n"
        "{\"id\":3,\"decision\":\"unchanged\",\"sql\":\"SELECT "
        "1\",\"reason\":null,\"policies\":[]}\n");
    files_clear(&files);
}
END_TEST

START_TEST(checks)
{
    Files files = files_make(policies, schemas);
    g_autofree char *said = NULL, *wrong = NULL;
    ck_assert_int_eq(run(&files, "", &said, "policy", "check", (const char *const[]){NULL}), 0);
    ck_assert(g_str_has_prefix(said, "1 policies, 3 tests, version sha256:"));
    files_clear(&files);
    files = files_make(policies, "{\"hr.emp\": [[\"site\", \"string\"]]}");
    ck_assert_int_eq(run(&files, "", &wrong, "policy", "check", (const char *const[]){NULL}), 1);
    ck_assert_str_eq(wrong, "line 3, policy own: spark_catalog.hr.emp: there is no column dept\n");
    files_clear(&files);
}
END_TEST

START_TEST(tests)
{
    Files files = files_make(policies, schemas);
    g_autofree char *said = NULL, *wrong = NULL;
    ck_assert_int_eq(run(&files, "", &said, "policy", "test", (const char *const[]){NULL}), 0);
    ck_assert_str_eq(said, "3 tests, 0 failed\n");
    files_clear(&files);
    files = files_make("default_access: allow\n"
                       "tests: [{user: a, sql: \"SELECT 1\", expect: refused},\n"
                       "  {user: a, sql: \"SELECT 1\", becomes: \"select 2\"}]\n",
                       schemas);
    ck_assert_int_eq(run(&files, "", &wrong, "policy", "test", (const char *const[]){NULL}), 1);
    ck_assert_str_eq(wrong, "line 2: as a, SELECT 1\n  isn't refused but becomes: SELECT 1\n"
                            "line 3: as a, SELECT 1\n  becomes: SELECT 1\n"
                            "2 tests, 2 failed\n");
    files_clear(&files);
}
END_TEST

START_TEST(explains)
{
    Files files = files_make(policies, schemas);
    g_autofree char *said = NULL;
    int code = RUN(&files, "", &said, "policy", "explain", "-u", "bob", "-g", "a", "--nonce", "7",
                   "SELECT 1 FROM hr.emp");
    ck_assert_int_eq(code, 0);
    ck_assert_ptr_nonnull(strstr(said, "line 1, column 15: spark_catalog.hr.emp: is limited\n"
                                       "  own (line 3), also rows: dept = {attr.dept}\n"
                                       "decision  rewritten\n"));
    ck_assert_ptr_nonnull(strstr(said, "WHERE ((FALSE))")); /* no attribute, no rows */
    files_clear(&files);
}
END_TEST

START_TEST(refuses)
{
    Files good = files_make(policies, schemas);
    g_autofree char *none = NULL, *bad = NULL, *twice = NULL, *broken = NULL;
    ck_assert_int_eq(run(&good, "", &none, "sql", "rewrite", (const char *const[]){NULL}), 2);
    ck_assert_ptr_nonnull(strstr(none, "expected --user USER"));
    ck_assert_int_eq(RUN(&good, "", &bad, "sql", "rewrite", "-u", "a", "--nonce", "a b"), 2);
    files_clear(&good);
    Files files = files_make("policies: 1\n", schemas);
    ck_assert_int_eq(RUN(&files, "{}", &broken, "sql", "rewrite", "-u", "a"), 1);
    ck_assert_ptr_nonnull(strstr(broken, "default_access is missing"));
    files_clear(&files);
    files = files_make(policies, "{\"hr.emp\": [], \"HR.Emp\": []}");
    ck_assert_int_eq(RUN(&files, "{}", &twice, "sql", "rewrite", "-u", "a"), 1);
    ck_assert_ptr_nonnull(strstr(twice, "is there twice"));
    files_clear(&files);
}
END_TEST

Suite *policy_command_suite(void)
{
    Suite *suite = suite_create("policy_command");
    TCase *tcase = tcase_create("policy_command");
    tcase_add_test(tcase, rewrites);
    tcase_add_test(tcase, checks);
    tcase_add_test(tcase, tests);
    tcase_add_test(tcase, explains);
    tcase_add_test(tcase, refuses);
    suite_add_tcase(suite, tcase);
    return suite;
}
