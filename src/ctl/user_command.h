/* hivegatectl user ...: the users file's commands. One thread. */
#pragma once

#include "ctl/command.h"

HgCtlResult hg_user_add(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_user_list(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_user_delete(const HgCtlStreams *streams, char ***argv, GError **error);
HgCtlResult hg_user_check(const HgCtlStreams *streams, char ***argv, GError **error);
