/* Tests of app/options: the rows are sound, and the reference page says what they say. */
#include "app/config.h"
#include "app/options.h"
#include "base/metrics.h"
#include "suites.h"

#include <string.h>

/* The source tree: from the environment, or from where the compiler found this file. */
static char *source_path(const char *relative)
{
    const char *root = g_getenv("HG_SOURCE_ROOT");
    if (root != NULL)
        return g_build_filename(root, relative, NULL);
    g_autofree char *folder = g_path_get_dirname(__FILE__);
    return g_build_filename(folder, "..", "..", "..", relative, NULL);
}

/* `option` writes the page anew. */
static void check_page(const char *name, const char *expected, const char *option)
{
    g_autofree char *path = source_path(name);
    g_autofree char *page = NULL;
    g_autoptr(GError) error = NULL;
    gboolean ok = g_file_get_contents(path, &page, NULL, &error);
    ck_assert_msg(ok, "%s", ok ? "" : error->message);
    ck_assert_msg(strcmp(page, expected) == 0,
                  "%s is not what the rows say; write it anew: build/hivegate %s >%s", name, option,
                  name);
}

START_TEST(test_reference_is_up_to_date)
{
    g_autofree char *options = hg_options_markdown();
    g_autofree char *metrics = hg_metrics_markdown();
    check_page("docs/configuration.md", options, "--help-config-markdown");
    check_page("docs/metrics.md", metrics, "--help-metrics-markdown");
}
END_TEST

/* The rules that every row keeps. */
static void check_row(const HgSection *section, gsize index)
{
    const HgOption *row = &section->rows[index];
    ck_assert_ptr_nonnull(row->name);
    ck_assert_msg(row->text != NULL && *row->text != '\0', "%s has no description", row->name);
    for (gsize i = 0; i < index; i++)
        ck_assert_str_ne(row->name, section->rows[i].name);
    ck_assert_ptr_eq(hg_option_find(section, row->name), row);
    ck_assert_msg(row->kind == HG_OPTION_NOT_HERE || row->offset < section->size, "%s", row->name);
    ck_assert_int_eq(row->choices != NULL, row->kind == HG_OPTION_CHOICE);
    ck_assert_int_eq(hg_option_section(row) != NULL,
                     row->kind == HG_OPTION_SECTION || row->kind == HG_OPTION_SECTIONS);
    ck_assert_msg(!row->required || row->fallback == NULL, "%s", row->name);
    if (row->kind == HG_OPTION_COUNT || row->kind == HG_OPTION_SIZE ||
        row->kind == HG_OPTION_DURATION) {
        ck_assert_int_lt(row->min, row->max);
        ck_assert_msg(row->required || row->fallback != NULL, "%s has no default", row->name);
    }
    g_autofree char *expected = hg_option_expected(row);
    ck_assert_uint_gt(strlen(expected), 0);
}

static guint check_section(const HgSection *section)
{
    guint rows = 0;
    for (gsize i = 0; i < section->count; i++) {
        check_row(section, i);
        rows += 1 + (hg_option_section(&section->rows[i]) != NULL
                         ? check_section(hg_option_section(&section->rows[i]))
                         : 0);
    }
    return rows;
}

START_TEST(test_rows)
{
    ck_assert_uint_gt(check_section(hg_options()), 40);
    ck_assert_ptr_null(hg_option_find(hg_options(), "nosuch"));
    ck_assert_ptr_null(hg_option_find(hg_options(), ""));
}
END_TEST

START_TEST(test_example)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new("example.yaml");
    g_autoptr(HgConfig) config =
        hg_config_parse("example.yaml", hg_slice_from_string(hg_options_example()), diagnostics);
    g_autofree char *wrong = hg_diagnostics_text(diagnostics);
    ck_assert_msg(config != NULL, "%s", wrong);
    ck_assert_str_eq(wrong, "");
}
END_TEST

/* Every documented option is in both forms of the reference; words that aren't in this version and
 * secrets that can't be written here are in neither. */
START_TEST(test_help)
{
    g_autofree char *help = hg_options_help();
    g_autofree char *markdown = hg_options_markdown();
    static const char *const names[] = {
        "workers",
        "listeners[].bind",
        "authentication.users.file",
        "pools[].login",
        "tcp.clients.keepalive_idle",
        "tcp.endpoints.user_timeout",
        "log.format",
        "limits.memory",
    };
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        ck_assert_msg(strstr(help, names[i]) != NULL, "%s", names[i]);
    ck_assert_ptr_nonnull(strstr(help, "\n        bind: 127.0.0.1:10000\n"));
    ck_assert_ptr_nonnull(strstr(markdown, hg_options_example()));
    ck_assert_ptr_nonnull(strstr(markdown, "## `tcp.endpoints`"));
    ck_assert_ptr_null(strstr(markdown, "### `password`"));
    g_auto(GStrv) lines = g_strsplit(help, "\n", -1);
    for (gsize i = 0; lines[i] != NULL; i++)
        ck_assert_msg(strlen(lines[i]) <= 100, "too wide: %s", lines[i]);
}
END_TEST

START_TEST(test_expected)
{
    const HgOption *tcp = hg_option_find(hg_options(), "tcp");
    const HgOption *clients = hg_option_find(hg_option_section(tcp), "clients");
    const HgOption *idle = hg_option_find(hg_option_section(clients), "keepalive_idle");
    const HgOption *log = hg_option_find(hg_options(), "log");
    const HgOption *level = hg_option_find(hg_option_section(log), "level");
    const HgOption *limits = hg_option_find(hg_options(), "limits");
    const HgOption *memory = hg_option_find(hg_option_section(limits), "memory");
    g_autofree char *duration = hg_option_expected(idle);
    g_autofree char *choice = hg_option_expected(level);
    g_autofree char *size = hg_option_expected(memory);
    g_autofree char *count = hg_option_expected(hg_option_find(hg_options(), "workers"));
    ck_assert_str_eq(duration, "a duration from 0 to 32767s, a multiple of 1s");
    ck_assert_str_eq(choice, "one of debug, info, warn, error");
    ck_assert_str_eq(size, "a size from 16MiB to 1TiB");
    ck_assert_str_eq(count, "a whole number from 0 to 256");
}
END_TEST

Suite *options_suite(void)
{
    Suite *suite = suite_create("app/options");
    TCase *tcase = tcase_create("options");
    tcase_add_test(tcase, test_reference_is_up_to_date);
    tcase_add_test(tcase, test_rows);
    tcase_add_test(tcase, test_example);
    tcase_add_test(tcase, test_help);
    tcase_add_test(tcase, test_expected);
    suite_add_tcase(suite, tcase);
    return suite;
}
