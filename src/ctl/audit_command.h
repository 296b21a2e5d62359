/* hivegatectl audit: the audit's database and spool. See command.h. One thread. */
#pragma once

#include "audit/database.h"
#include "ctl/command.h"

/* Connects to the audit's database; with `check` the schema must be the one that is needed.
 * `password_file` may be NULL. */
gboolean hg_audit_connect(const char *postgres, const char *password_file, gboolean check,
                          HgDatabase **out, GError **error);

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
