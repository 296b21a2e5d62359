/* hivegatectl user ...: the users file's commands. One thread. */
#pragma once

#include "ctl/command.h"

#include <glib.h>

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

HgCtlResult hg_user_add(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_user_list(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_user_delete(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_user_check(const HgCtlStreams *streams, char ***argv, GError **error);
