/* hivegatectl's command line: which command, its help, its exit code. One thread. */
#pragma once

#include <glib.h>
#include <stdio.h>

/* What a command reads and writes; all borrowed. */
typedef struct {
    const char *version;
    int in;    /* for --password-stdin */
    FILE *out; /* answers */
    FILE *err; /* errors */
} HgCtlStreams;

/* How a command ended. */
typedef enum {
    HG_CTL_DONE = 0,
    HG_CTL_FAILED = 1, /* *error says why */
    HG_CTL_USAGE = 2,  /* the arguments are wrong; *error says how */
    HG_CTL_NO = 3,     /* the answer is no and was printed: exit code 1 */
} HgCtlResult;

/* Runs one command with its own arguments; argv[0] is what stands in front of them ("hivegatectl
 * user add"). It may be changed. */
typedef HgCtlResult (*HgCtlCommandFunc)(const HgCtlStreams *streams, char ***argv, GError **error);

/* Runs the command that the arguments (the program's name first) ask for. Returns the exit code: 0,
 * 1 when the command failed, 2 when the arguments are wrong. */
int hg_ctl_run(int argc, char *const *argv, const HgCtlStreams *streams);
