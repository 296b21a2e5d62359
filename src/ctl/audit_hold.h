/* hivegatectl audit hold: days that must not be dropped. See command.h. One thread. */
#pragma once

#include "ctl/command.h"

/* hivegatectl audit hold add|list|release --postgres CONNINFO */
HgCtlResult hg_audit_hold(const HgCtlStreams *streams, char ***argv, GError **error);
