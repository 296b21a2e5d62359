/* hivegatectl audit key: keys that sign anchors. See command.h. One thread. */
#pragma once

#include "ctl/command.h"

/* hivegatectl audit key new|show FILE */
HgCtlResult hg_audit_key(const HgCtlStreams *streams, char ***argv, GError **error);
