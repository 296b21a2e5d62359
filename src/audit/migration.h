/* The version of the schema in a database, and bringing it up to date. Blocks; one thread. */
#pragma once

#include "audit/database.h"

/* The version that this hivegate makes and needs. */
guint hg_migration_version(void);

/* The version that the database has; 0 when there is no schema. */
gboolean hg_migration_read(HgDatabase *database, guint *version, GError **error);

/* TRUE when the schema is the one that is needed; else *error says what to do. */
gboolean hg_migration_check(HgDatabase *database, GError **error);

/* Applies what is missing, each step in a transaction of its own, under a lock: two at once wait
 * for each other. *from and *to are the versions before and after. Needs the right to make schemas
 * in the database and, the first time, roles. */
gboolean hg_migration_run(HgDatabase *database, guint *from, guint *to, GError **error);
