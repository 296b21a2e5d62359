/* hivegatectl policy ...: checking, testing and explaining policies. One thread. */
#pragma once

#include "ctl/command.h"

/* Reads a policies file and says all that is wrong with it; with schemas, also what doesn't fit the
 * tables. See HgCtlCommandFunc. */
HgCtlResult hg_policy_check(const HgCtlStreams *streams, char ***argv, GError **error);

/* Runs the tests that stand in the file. */
HgCtlResult hg_policy_test(const HgCtlStreams *streams, char ***argv, GError **error);

/* Says which policies apply to what a statement names, and what would run. */
HgCtlResult hg_policy_explain(const HgCtlStreams *streams, char ***argv, GError **error);
