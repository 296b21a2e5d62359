/* Applying src/audit/migrations: see migration.h. Owns nothing. */
#include "audit/migration.h"

#include "audit/migration_table.h"
#include "base/error.h"

#define LOCK "7523094288207667310" /* any number, but always the same */

#define FRAME                                                                                      \
    "CREATE SCHEMA IF NOT EXISTS hivegate;"                                                        \
    "CREATE TABLE IF NOT EXISTS hivegate.migration ("                                              \
    " version integer PRIMARY KEY, name text NOT NULL,"                                            \
    " applied_at timestamptz NOT NULL DEFAULT now(),"                                              \
    " applied_by text NOT NULL DEFAULT session_user)"

guint hg_migration_version(void)
{
    return hg_migration_count;
}

gboolean hg_migration_read(HgDatabase *database, guint *version, GError **error)
{
    g_autoptr(PGresult) table = NULL;
    g_autoptr(PGresult) result = NULL;
    if (!hg_database_run(database, "SELECT to_regclass('hivegate.migration')", NULL, 0, &table,
                         error))
        return FALSE;
    if (!hg_database_has(table, 0, 0)) {
        *version = 0;
        return TRUE;
    }
    if (!hg_database_run(database, "SELECT coalesce(max(version), 0) FROM hivegate.migration", NULL,
                         0, &result, error))
        return FALSE;
    *version = (guint)g_ascii_strtoull(PQgetvalue(result, 0, 0), NULL, 10);
    return TRUE;
}

static gboolean is_newer(guint version, GError **error)
{
    if (version <= hg_migration_count)
        return FALSE;
    g_set_error(
        error, HG_ERROR, HG_ERROR_INVALID,
        "the database's audit schema has version %u, and this hivegate knows versions up to "
        "%u: use the newer hivegate that made it",
        version, hg_migration_count);
    return TRUE;
}

gboolean hg_migration_check(HgDatabase *database, GError **error)
{
    guint version = 0;
    if (!hg_migration_read(database, &version, error) || is_newer(version, error))
        return FALSE;
    if (version == hg_migration_count)
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "the database's audit schema has version %u, and %u is needed: run hivegatectl "
                "audit migrate",
                version, hg_migration_count);
    return FALSE;
}

/* One step, inside the transaction that holds the lock. */
static gboolean apply(HgDatabase *database, guint version, GError **error)
{
    const HgMigration *migration = &hg_migration_table[version - 1];
    g_autofree char *number = g_strdup_printf("%u", version);
    const char *values[] = {number, migration->name};
    return hg_database_run(database, migration->sql, NULL, 0, NULL, error) &&
           hg_database_run(database,
                           "INSERT INTO hivegate.migration (version, name) VALUES ($1::int, $2)",
                           values, 2, NULL, error);
}

gboolean hg_migration_run(HgDatabase *database, guint *from, guint *to, GError **error)
{
    guint version = 0;
    gboolean first = TRUE;
    for (;;) {
        if (!hg_database_run(database, "BEGIN; SELECT pg_advisory_xact_lock(" LOCK ")", NULL, 0,
                             NULL, error) ||
            !hg_migration_read(database, &version, error) || is_newer(version, error))
            return FALSE;
        if (first)
            *from = version;
        first = FALSE;
        if (version == hg_migration_count)
            break;
        if ((version == 0 && !hg_database_run(database, FRAME, NULL, 0, NULL, error)) ||
            !apply(database, version + 1, error) ||
            !hg_database_run(database, "COMMIT", NULL, 0, NULL, error))
            return FALSE;
    }
    *to = version;
    return hg_database_run(database, "COMMIT", NULL, 0, NULL, error);
}
