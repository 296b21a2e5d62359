/* The command line of hivegate: what it asks for, and everything it can ask for besides serving.
 *
 * Parsing is pure; main decides what to do with the answer. Main thread. */
#pragma once

#include "base/log.h"

#include <stdio.h>

#define HG_EXIT_USAGE 2 /* the command line is wrong; 1 is for everything that fails later */

typedef enum {
    HG_CMDLINE_RUN,          /* serve, with `config` */
    HG_CMDLINE_CHECK_CONFIG, /* name everything that is wrong with `config` */
    HG_CMDLINE_VERSION,      /* the rest prints something */
    HG_CMDLINE_HELP,
    HG_CMDLINE_HELP_CONFIG,
    HG_CMDLINE_HELP_CONFIG_MARKDOWN,
    HG_CMDLINE_HELP_METRICS_MARKDOWN,
} HgCmdlineAction;

typedef struct {
    HgCmdlineAction action;
    char *config; /* path; RUN and CHECK_CONFIG */
    gboolean has_log_level;
    HgLogLevel log_level; /* overrides the configuration when has_log_level */
    gboolean has_log_format;
    HgLogFormat log_format; /* the same */
} HgCmdline;

/* Reads the arguments, the program's name first; they stay as they are. The error is for the person
 * who typed them. */
gboolean hg_cmdline_parse(int argc, char *const *argv, HgCmdline **out, GError **error);

/* NULL does nothing. */
void hg_cmdline_free(HgCmdline *cmdline);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgCmdline, hg_cmdline_free)

/* Does what is asked for, other than RUN: prints to `out`, or to `err` what is wrong. Returns the
 * exit code of the process: 0, or 1 when the configuration has errors. */
int hg_cmdline_perform(const HgCmdline *cmdline, const char *version, FILE *out, FILE *err);
