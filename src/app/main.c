/* hivegate's entry: from the command line to the service. Main thread. */
#include "app/cmdline.h"
#include "app/config.h"
#include "app/service.h"

#include <stdlib.h>
#include <unistd.h>

/* The configuration, or NULL when it has errors, which are then on stderr with all warnings. */
static HgConfig *load(const char *path)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new(path);
    HgConfig *config = hg_config_load(path, diagnostics);
    if (hg_diagnostics_count(diagnostics) > 0) {
        g_autofree char *text = hg_diagnostics_text(diagnostics);
        fprintf(stderr, "%s", text);
    }
    return config;
}

static int serve(const HgCmdline *cmdline)
{
    g_autoptr(HgConfig) config = load(cmdline->config);
    if (config == NULL)
        return EXIT_FAILURE;
    g_autoptr(HgLog) log =
        hg_log_new(STDERR_FILENO, cmdline->has_log_level ? cmdline->log_level : config->log.level,
                   cmdline->has_log_format ? cmdline->log_format : config->log.format);
    g_autoptr(GError) error = NULL;
    if (hg_service_run(config, HG_VERSION, log, &error))
        return EXIT_SUCCESS;
    hg_log(log, HG_LOG_ERROR, "not_started", hg_log_text("why", error->message));
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    g_autoptr(HgCmdline) cmdline = NULL;
    g_autoptr(GError) error = NULL;
    if (!hg_cmdline_parse(argc, argv, &cmdline, &error)) {
        fprintf(stderr, "hivegate: %s\n", error->message);
        return HG_EXIT_USAGE;
    }
    if (cmdline->action == HG_CMDLINE_RUN)
        return serve(cmdline);
    return hg_cmdline_perform(cmdline, HG_VERSION, stdout, stderr);
}
