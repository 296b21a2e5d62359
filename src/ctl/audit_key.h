/* hivegatectl audit key: keys that sign anchors or hide names. See command.h. One thread. */
#pragma once

#include "ctl/command.h"

/* hivegatectl audit pseudonym --key FILE NAME */
HgCtlResult hg_audit_pseudonym(const HgCtlStreams *streams, char ***argv, GError **error);

/* hivegatectl audit key new|show|pseudonyms FILE */
HgCtlResult hg_audit_key(const HgCtlStreams *streams, char ***argv, GError **error);
