/* Reading the command line by GOption: see cmdline.h. Owns nothing; main thread. */
#include "app/cmdline.h"

#include "app/config.h"
#include "app/options.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/text.h"

/* What GOption fills; the strings are ours. */
typedef struct {
    gboolean help;
    gboolean help_config;
    gboolean help_config_markdown;
    gboolean help_metrics_markdown;
    gboolean version;
    char *config;
    char *check_config;
    char *log_level;
    char *log_format;
} Words;

static void words_clear(Words *words)
{
    g_free(words->config);
    g_free(words->check_config);
    g_free(words->log_level);
    g_free(words->log_format);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Words, words_clear)

static GOptionContext *context_new(Words *words)
{
    const GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &words->config, "Serve with this configuration",
         "FILE"},
        {"check-config", 0, 0, G_OPTION_ARG_FILENAME, &words->check_config,
         "Name everything that is wrong with the configuration, and exit", "FILE"},
        {"log-level", 0, 0, G_OPTION_ARG_STRING, &words->log_level,
         "Least important lines to write: debug, info, warn or error", "LEVEL"},
        {"log-format", 0, 0, G_OPTION_ARG_STRING, &words->log_format,
         "Form of a log line: text or json", "FORMAT"},
        {"help-config", 0, 0, G_OPTION_ARG_NONE, &words->help_config,
         "Show an example and all options of the configuration file, and exit", NULL},
        {"help-config-markdown", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE,
         &words->help_config_markdown, "The same as Markdown", NULL},
        {"help-metrics-markdown", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE,
         &words->help_metrics_markdown, "All metrics as Markdown", NULL},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &words->version, "Show the version, and exit", NULL},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &words->help, "Show this help, and exit", NULL},
        {0},
    };
    GOptionContext *context = g_option_context_new("- a gateway for HiveServer2 clients");
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_strict_posix(context, FALSE);
    g_option_context_set_summary(
        context,
        "Stands between SQL clients and Spark Thrift Servers (or HiveServer2s): checks who\n"
        "the user is, and runs the session as that user on the server with the fewest sessions.");
    g_option_context_set_description(
        context, "Examples:\n"
                 "  hivegatectl user add --file users.txt alice     make a user\n"
                 "  hivegate --help-config                          an example configuration\n"
                 "  hivegate --check-config hivegate.yaml           is it right?\n"
                 "  hivegate --config hivegate.yaml                 serve\n"
                 "  hivegate --config hivegate.yaml --log-format json 2>hivegate.log\n"
                 "\n"
                 "The log goes to stderr. SIGTERM lets running statements finish; SIGHUP reads the "
                 "users file and the certificates again.\n"
                 "Exit codes: 0 success, 1 failure, 2 wrong command line.\n");
    g_option_context_add_main_entries(context, entries, NULL);
    return context;
}

G_GNUC_PRINTF(2, 3)
static gboolean refuse(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "%s; hivegate --help shows what there is", what);
    return FALSE;
}

static gboolean parse_log_words(const Words *words, HgCmdline *cmdline, GError **error)
{
    if (words->log_level != NULL && !hg_log_level_parse(words->log_level, &cmdline->log_level)) {
        g_autofree char *quoted = hg_text_quote(hg_slice_from_string(words->log_level));
        return refuse(error, "--log-level %s is not known; expected debug, info, warn or error",
                      quoted);
    }
    if (words->log_format != NULL &&
        !hg_log_format_parse(words->log_format, &cmdline->log_format)) {
        g_autofree char *quoted = hg_text_quote(hg_slice_from_string(words->log_format));
        return refuse(error, "--log-format %s is not known; expected text or json", quoted);
    }
    cmdline->has_log_level = words->log_level != NULL;
    cmdline->has_log_format = words->log_format != NULL;
    return TRUE;
}

/* Decides what is asked for; help and version win over everything. */
static gboolean decide(Words *words, HgCmdline *cmdline, GError **error)
{
    if (words->help)
        cmdline->action = HG_CMDLINE_HELP;
    else if (words->version)
        cmdline->action = HG_CMDLINE_VERSION;
    else if (words->help_config_markdown)
        cmdline->action = HG_CMDLINE_HELP_CONFIG_MARKDOWN;
    else if (words->help_metrics_markdown)
        cmdline->action = HG_CMDLINE_HELP_METRICS_MARKDOWN;
    else if (words->help_config)
        cmdline->action = HG_CMDLINE_HELP_CONFIG;
    else if (words->config != NULL && words->check_config != NULL)
        return refuse(error, "--config and --check-config don't go together");
    else if (words->check_config != NULL)
        cmdline->action = HG_CMDLINE_CHECK_CONFIG;
    else if (words->config != NULL)
        cmdline->action = HG_CMDLINE_RUN;
    else
        return refuse(error, "no configuration is named; expected --config FILE");
    char **config = words->check_config != NULL ? &words->check_config : &words->config;
    cmdline->config = g_steal_pointer(config);
    return TRUE;
}

gboolean hg_cmdline_parse(int argc, char *const *argv, HgCmdline **out, GError **error)
{
    g_auto(Words) words = {0};
    g_autoptr(GOptionContext) context = context_new(&words);
    g_autoptr(HgCmdline) cmdline = g_new0(HgCmdline, 1);
    g_autoptr(GError) wrong = NULL;
    g_auto(GStrv) copy = g_new0(char *, (gsize)argc + 1);
    for (int i = 0; i < argc; i++)
        copy[i] = g_strdup(argv[i]);
    if (!g_option_context_parse_strv(context, &copy, &wrong))
        return refuse(error, "%s", wrong->message);
    if (g_strv_length(copy) > 1) {
        g_autofree char *quoted = hg_text_quote(hg_slice_from_string(copy[1]));
        return refuse(error, "%s is not an option", quoted);
    }
    if (!parse_log_words(&words, cmdline, error) || !decide(&words, cmdline, error))
        return FALSE;
    *out = g_steal_pointer(&cmdline);
    return TRUE;
}

void hg_cmdline_free(HgCmdline *cmdline)
{
    if (cmdline == NULL)
        return;
    g_free(cmdline->config);
    g_free(cmdline);
}

static int check_config(const char *path, FILE *out, FILE *err)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new(path);
    g_autoptr(HgConfig) config = hg_config_load(path, diagnostics);
    g_autofree char *text = hg_diagnostics_text(diagnostics);
    fputs(text, err);
    if (config == NULL) {
        guint errors = hg_diagnostics_errors(diagnostics);
        fprintf(err, "%s: %u error%s\n", path, errors, errors == 1 ? "" : "s");
        return 1;
    }
    g_autofree char *summary = hg_config_summary(config);
    fprintf(out, "%s: ok\n%s", path, summary);
    return 0;
}

static int print(FILE *out, char *take_text)
{
    fputs(take_text, out);
    g_free(take_text);
    return 0;
}

static char *help_text(void)
{
    g_auto(Words) words = {0};
    g_autoptr(GOptionContext) context = context_new(&words);
    return g_option_context_get_help(context, TRUE, NULL);
}

int hg_cmdline_perform(const HgCmdline *cmdline, const char *version, FILE *out, FILE *err)
{
    switch (cmdline->action) {
    case HG_CMDLINE_CHECK_CONFIG:
        return check_config(cmdline->config, out, err);
    case HG_CMDLINE_VERSION:
        return print(out, g_strdup_printf("hivegate %s\n", version));
    case HG_CMDLINE_HELP:
        return print(out, help_text());
    case HG_CMDLINE_HELP_CONFIG:
        return print(out, hg_options_help());
    case HG_CMDLINE_HELP_CONFIG_MARKDOWN:
        return print(out, hg_options_markdown());
    case HG_CMDLINE_HELP_METRICS_MARKDOWN:
        return print(out, hg_metrics_markdown());
    case HG_CMDLINE_RUN:
        break;
    }
    return HG_EXIT_USAGE;
}
