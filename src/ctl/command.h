/* hivegatectl's command line: which command, its help, its exit code. One thread. */
#pragma once

#include <stdio.h>

/* What a command reads and writes; all borrowed. */
typedef struct {
    const char *version;
    int in;    /* for --password-stdin */
    FILE *out; /* answers */
    FILE *err; /* errors */
} HgCtlStreams;

/* Runs the command that the arguments (the program's name first) ask for. Returns the exit code: 0,
 * 1 when the command failed, 2 when the arguments are wrong. */
int hg_ctl_run(int argc, char *const *argv, const HgCtlStreams *streams);
