/* The schemas file: JSON that says which tables there are and which columns they have. One thread.
 */
#pragma once

#include "policy/schema.h"

/* Reads {"catalog.database.table": [["column", "type"], ...]} into `schemas`. A table may also be
 * {"columns": [...], "view": true}. FALSE with *error, which names the table. */
gboolean hg_policy_schemas_load(const char *path, HgSchemas *schemas, GError **error);
