/* The migrations, in order: the first makes version 1. Made at build time from src/audit/migrations
 * (tools/embed_sql.py). Constant. */
#pragma once

#include <glib.h>

typedef struct {
    const char *name;
    const char *sql;
} HgMigration;

extern const HgMigration hg_migration_table[];
extern const guint hg_migration_count;
