/* hivegatectl audit: the audit's database and spool. See command.h. One thread. */
#pragma once

#include "ctl/command.h"

/* hivegatectl audit migrate --postgres CONNINFO */
HgCtlResult hg_audit_migrate(const HgCtlStreams *streams, char ***argv, GError **error);

/* hivegatectl audit search [--spool FOLDER] [--postgres CONNINFO] [filters] */
HgCtlResult hg_audit_search(const HgCtlStreams *streams, char ***argv, GError **error);

/* hivegatectl audit verify [--spool FOLDER] [--postgres CONNINFO] */
HgCtlResult hg_audit_verify(const HgCtlStreams *streams, char ***argv, GError **error);

/* hivegatectl audit status [--spool FOLDER] [--postgres CONNINFO] */
HgCtlResult hg_audit_status(const HgCtlStreams *streams, char ***argv, GError **error);

/* hivegatectl audit prune --postgres CONNINFO --keep DAYS */
HgCtlResult hg_audit_prune(const HgCtlStreams *streams, char ***argv, GError **error);
