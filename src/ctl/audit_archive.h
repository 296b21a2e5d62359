/* hivegatectl audit archive and restore. See command.h. One thread. */
#pragma once

#include "audit/archive_store.h"
#include "audit/verify.h"
#include "ctl/command.h"

/* hivegatectl audit archive --postgres CONNINFO --to WHERE --older TIME */
HgCtlResult hg_audit_archive(const HgCtlStreams *streams, char ***argv, GError **error);

/* hivegatectl audit restore --postgres CONNINFO --from WHERE --day DAY */
HgCtlResult hg_audit_restore(const HgCtlStreams *streams, char ***argv, GError **error);

/* Checks the archive at the place, for hivegatectl audit verify --archive. */
gboolean hg_audit_verify_archive(const char *location, const char *endpoint, const char *region,
                                 const char *ca_file, const HgVerifyReport *report, GError **error);
