/* hivegatectl auth ...: what becomes of a login. One thread. */
#pragma once

#include "ctl/command.h"

/* Runs a login through the chain of a configuration, and shows what each method says. */
HgCtlResult hg_auth_test(const HgCtlStreams *streams, char ***argv, GError **error);
