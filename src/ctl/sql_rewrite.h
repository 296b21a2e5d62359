/* hivegatectl sql rewrite: what policies make of statements, as JSON lines. One thread. */
#pragma once

#include "ctl/command.h"

/* Reads JSON lines {"id", "sql"} and writes {"id", "decision", "sql", "reason", "policies"} for
 * each, in the same order. See HgCtlCommandFunc. */
HgCtlResult hg_sql_rewrite(const HgCtlStreams *streams, char ***argv, GError **error);
