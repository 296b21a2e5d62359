/* Tests of ctl/sql_command, ctl/sql_inspect and ctl/sql_json: one line in, one line out, whatever
 * it holds. */
#include "ctl/command.h"
#include "suites.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Runs hivegatectl sql with the words behind it (NULL-terminated) and `input` to read; *out is to
 * be freed. Returns the exit code. */
static int run_words(const char *input, char **out, const char *const *words)
{
    char *err = NULL;
    size_t out_size = 0, err_size = 0;
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], input, strlen(input)), (ssize_t)strlen(input));
    close(fds[1]);
    HgCtlStreams streams = {.version = "1",
                            .in = fds[0],
                            .out = open_memstream(out, &out_size),
                            .err = open_memstream(&err, &err_size)};
    int code = hg_ctl_run((int)g_strv_length((char **)words), (char *const *)words, &streams);
    fclose(streams.out);
    fclose(streams.err);
    close(fds[0]);
    free(err);
    return code;
}

#define RUN(input, out, ...)                                                                       \
    run_words(input, out, (const char *const[]){"hivegatectl", "sql", ##__VA_ARGS__, NULL})

static void check(const char *verb, const char *engine, const char *input, const char *expected)
{
    char *out = NULL;
    ck_assert_int_eq(RUN(input, &out, verb, "--engine", engine), 0);
    ck_assert_str_eq(out, expected);
    free(out);
}

START_TEST(tokens)
{
    check("tokens", "spark-3.5", "{\"id\":\"a\",\"sql\":\"\\u00e9 b\"}\n{\"id\":2,\"sql\":\"\"}\n",
          "{\"id\":\"a\",\"tokens\":[[\"UNRECOGNIZED\",0,1],[\"IDENTIFIER\",2,3]]}\n"
          "{\"id\":2,\"tokens\":[]}\n");
}
END_TEST

START_TEST(inspects)
{
    check("inspect", "spark-3.5", "{\"id\":1,\"sql\":\"INSERT INTO a.b SELECT f(x) FROM `c d`\"}",
          "{\"id\":1,\"ok\":true,\"statement\":\"insert\",\"reads\":[[\"a\",\"b\"],[\"c "
          "d\"]],\"writes\":[[\"a\",\"b\"]],"
          "\"objects\":[],\"functions\":[\"f\"],\"reason\":null}\n");
    check("inspect", "spark-3.5", "{\"id\":1,\"sql\":\"LOAD DATA INPATH 'x' INTO TABLE t\"}",
          "{\"id\":1,\"ok\":true,\"statement\":\"load\",\"reads\":[],\"writes\":[[\"t\"]],"
          "\"objects\":[],\"functions\":[],\"reason\":null}\n");
    check("inspect", "spark-4.0", "{\"id\":1,\"sql\":\"FROM\"}",
          "{\"id\":1,\"ok\":false,\"statement\":\"unknown\",\"reads\":[],\"writes\":[],\"objects\":"
          "[],"
          "\"functions\":[],\"reason\":\"line 1, column 5: expected a table, a function or a "
          "query\"}\n");
}
END_TEST

START_TEST(settings)
{
    check("inspect", "spark-3.5",
          "{\"id\":1,\"sql\":\"TABLE \\\"t\\\"\",\"conf\":{\"spark.sql.ansi.enabled\":\"true\","
          "\"spark.sql.ansi.doubleQuotedIdentifiers\":\"TRUE\"}}",
          "{\"id\":1,\"ok\":true,\"statement\":\"query\",\"reads\":[[\"t\"]],\"writes\":[],"
          "\"objects\":[],"
          "\"functions\":[],\"reason\":null}\n");
    check("inspect", "spark-3.5",
          "{\"id\":1,\"sql\":\"WITH T AS (SELECT 1) TABLE "
          "t\",\"conf\":{\"spark.sql.caseSensitive\":true}}",
          "{\"id\":1,\"ok\":true,\"statement\":\"query\",\"reads\":[[\"t\"]],\"writes\":[],"
          "\"objects\":[],"
          "\"functions\":[],\"reason\":null}\n");
}
END_TEST

START_TEST(bad_lines)
{
    static const char *const lines[] = {
        "x", "[]",         "{\"id\":1}", "{\"id\":1,\"sql\":3}", "{\"sql\":\"x\",\"conf\":1}",
        "",  "\"\\ud800\""};
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        char *out = NULL;
        g_autofree char *input = g_strdup_printf("%s\n", lines[i]);
        ck_assert_int_eq(RUN(input, &out, "inspect"), 0);
        ck_assert_msg(strstr(out, "\"ok\":false,\"statement\":\"unknown\"") != NULL, "%s", out);
        free(out);
    }
    char *out = NULL;
    ck_assert_int_eq(RUN("{\"id\":1,\"sql\":\"a\\u0000\"}", &out, "inspect"), 0);
    ck_assert_ptr_nonnull(strstr(out, "line 1, column 2: NUL"));
    free(out);
}
END_TEST

START_TEST(bad_arguments)
{
    char *out = NULL;
    ck_assert_int_eq(RUN("", &out, "inspect", "--engine", "hive"), 2);
    free(out);
    ck_assert_int_eq(RUN("", &out, "tokens", "more"), 2);
    free(out);
    ck_assert_int_eq(RUN("", &out, "tokens", "--help"), 0);
    ck_assert_ptr_nonnull(strstr(out, "--engine"));
    free(out);
}
END_TEST

Suite *sql_command_suite(void)
{
    Suite *suite = suite_create("sql_command");
    TCase *tcase = tcase_create("sql_command");
    tcase_add_test(tcase, tokens);
    tcase_add_test(tcase, inspects);
    tcase_add_test(tcase, settings);
    tcase_add_test(tcase, bad_lines);
    tcase_add_test(tcase, bad_arguments);
    suite_add_tcase(suite, tcase);
    return suite;
}
