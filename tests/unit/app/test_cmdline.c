/* Tests of app/cmdline: what the arguments ask for, and what is printed. */
#include "app/cmdline.h"
#include "base/error.h"
#include "folder.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>

#define ARGS(...) ((char *const[]){(char *)"hivegate", ##__VA_ARGS__, NULL})

static HgCmdline *parse(char *const *argv)
{
    HgCmdline *cmdline = NULL;
    g_autoptr(GError) error = NULL;
    gboolean ok = hg_cmdline_parse((int)g_strv_length((char **)argv), argv, &cmdline, &error);
    ck_assert_msg(ok, "%s", ok ? "" : error->message);
    return cmdline;
}

static void check_refused(char *const *argv, const char *expected)
{
    HgCmdline *cmdline = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(!hg_cmdline_parse((int)g_strv_length((char **)argv), argv, &cmdline, &error));
    ck_assert_ptr_null(cmdline);
    ck_assert(g_error_matches(error, HG_ERROR, HG_ERROR_INVALID));
    ck_assert_msg(strstr(error->message, expected) != NULL, "%s", error->message);
    ck_assert_ptr_nonnull(strstr(error->message, "hivegate --help"));
}

START_TEST(test_run)
{
    g_autoptr(HgCmdline) plain = parse(ARGS((char *)"--config", (char *)"c.yaml"));
    ck_assert_int_eq(plain->action, HG_CMDLINE_RUN);
    ck_assert_str_eq(plain->config, "c.yaml");
    ck_assert(!plain->has_log_level && !plain->has_log_format);
    g_autoptr(HgCmdline) full = parse(ARGS((char *)"--log-format", (char *)"json", (char *)"-c",
                                           (char *)"c.yaml", (char *)"--log-level=debug"));
    ck_assert_int_eq(full->action, HG_CMDLINE_RUN);
    ck_assert(full->has_log_level && full->log_level == HG_LOG_DEBUG);
    ck_assert(full->has_log_format && full->log_format == HG_LOG_FORMAT_JSON);
}
END_TEST

START_TEST(test_actions)
{
    static const struct {
        const char *argument;
        HgCmdlineAction action;
    } cases[] = {
        {"--check-config=c.yaml", HG_CMDLINE_CHECK_CONFIG},
        {"--version", HG_CMDLINE_VERSION},
        {"-V", HG_CMDLINE_VERSION},
        {"--help", HG_CMDLINE_HELP},
        {"-h", HG_CMDLINE_HELP},
        {"--help-config", HG_CMDLINE_HELP_CONFIG},
        {"--help-config-markdown", HG_CMDLINE_HELP_CONFIG_MARKDOWN},
        {"--help-metrics-markdown", HG_CMDLINE_HELP_METRICS_MARKDOWN},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(HgCmdline) cmdline = parse(ARGS((char *)cases[i].argument));
        ck_assert_int_eq(cmdline->action, cases[i].action);
    }
    g_autoptr(HgCmdline) both = parse(ARGS((char *)"--config", (char *)"c", (char *)"--help"));
    ck_assert_int_eq(both->action, HG_CMDLINE_HELP);
}
END_TEST

START_TEST(test_refused)
{
    check_refused(ARGS(), "no configuration is named; expected --config FILE");
    check_refused(ARGS((char *)"--config"), "--config");
    check_refused(ARGS((char *)"--nosuch"), "--nosuch");
    check_refused(ARGS((char *)"--config", (char *)"a", (char *)"b"), "\"b\" is not an option");
    check_refused(ARGS((char *)"--config", (char *)"a", (char *)"--check-config", (char *)"b"),
                  "don't go together");
    check_refused(ARGS((char *)"--config", (char *)"a", (char *)"--log-level", (char *)"loud"),
                  "--log-level \"loud\" is not known; expected debug, info, warn or error");
    check_refused(ARGS((char *)"--config", (char *)"a", (char *)"--log-format", (char *)"\x1b[2J"),
                  "--log-format \"\\u001b[2J\" is not known; expected text or json");
    hg_cmdline_free(NULL);
}
END_TEST

/* Performs and returns the exit code; the texts are the caller's. */
static int perform(char *const *argv, char **out_text, char **err_text)
{
    g_autoptr(HgCmdline) cmdline = parse(argv);
    char *out_bytes = NULL, *err_bytes = NULL;
    size_t out_size = 0, err_size = 0;
    FILE *out = open_memstream(&out_bytes, &out_size);
    FILE *err = open_memstream(&err_bytes, &err_size);
    int code = hg_cmdline_perform(cmdline, "1.2.3", out, err);
    fclose(out);
    fclose(err);
    *out_text = g_strdup(out_bytes);
    *err_text = g_strdup(err_bytes);
    free(out_bytes);
    free(err_bytes);
    return code;
}

START_TEST(test_prints)
{
    static const struct {
        const char *argument, *part;
    } cases[] = {
        {"--version", "hivegate 1.2.3\n"},
        {"--help", "hivegate --check-config hivegate.yaml"},
        {"--help", "--log-level=LEVEL"},
        {"--help-config", "pools[].endpoints"},
        {"--help-config-markdown", "# Configuration\n"},
        {"--help-metrics-markdown", "# Metrics\n"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *out = NULL;
        g_autofree char *err = NULL;
        ck_assert_int_eq(perform(ARGS((char *)cases[i].argument), &out, &err), 0);
        ck_assert_msg(strstr(out, cases[i].part) != NULL, "%s", out);
        ck_assert_str_eq(err, "");
    }
}
END_TEST

START_TEST(test_check_config)
{
    char *folder = folder_new();
    g_autofree char *good = folder_write(folder, "good.yaml",
                                         "workers: 1\n"
                                         "listeners: [{name: a, bind: '127.0.0.1:1'}]\n"
                                         "authentication: {chain: [users], users: {file: u}}\n"
                                         "pools: [{name: p, endpoints: ['h:1']}]\n",
                                         0600);
    g_autofree char *bad = folder_write(folder, "bad.yaml", "workers: x\npols: y\n", 0600);
    g_autofree char *users = folder_write(folder, "u", "# nobody yet\n", 0600);
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    ck_assert_int_eq(perform(ARGS((char *)"--check-config", good), &out, &err), 0);
    g_autofree char *ok =
        g_strconcat(good, ": ok\n  listener a: 127.0.0.1:1, binary, sasl plain\n", NULL);
    ck_assert_msg(g_str_has_prefix(out, ok), "%s", out);
    ck_assert_ptr_nonnull(strstr(err, "warning: "));

    g_autofree char *bad_out = NULL;
    g_autofree char *bad_err = NULL;
    ck_assert_int_eq(perform(ARGS((char *)"--check-config", bad), &bad_out, &bad_err), 1);
    ck_assert_str_eq(bad_out, "");
    ck_assert_ptr_nonnull(strstr(bad_err, "bad.yaml:1:10: workers: "));
    ck_assert_ptr_nonnull(strstr(bad_err, "bad.yaml:2:1: unknown key \"pols\""));
    ck_assert(g_str_has_suffix(bad_err, "bad.yaml: 5 errors\n"));
    folder_free(folder);
}
END_TEST

Suite *cmdline_suite(void)
{
    Suite *suite = suite_create("app/cmdline");
    TCase *tcase = tcase_create("cmdline");
    tcase_add_test(tcase, test_run);
    tcase_add_test(tcase, test_actions);
    tcase_add_test(tcase, test_refused);
    tcase_add_test(tcase, test_prints);
    tcase_add_test(tcase, test_check_config);
    suite_add_tcase(suite, tcase);
    return suite;
}
