/* hivegatectl sql ...: what hivegate reads in SQL texts, as JSON lines. One thread. */
#pragma once

#include "ctl/user_command.h"

/* Reads JSON lines {"id", "sql", "conf"} and writes one line for each, in the same order; a line
 * that can't be read is answered, too. See HgCtlCommandFunc. */
HgCtlResult hg_sql_tokens(const HgCtlStreams *streams, char ***argv, GError **error);

/* The same: what each statement touches. */
HgCtlResult hg_sql_inspect(const HgCtlStreams *streams, char ***argv, GError **error);
