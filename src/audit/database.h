/* One connection to PostgreSQL for a thread that must be able to stop at once.
 *
 * All calls wait on the socket and on a stop descriptor, with a deadline; after any error the
 * connection is of no more use. One thread. */
#pragma once

#include "base/slice.h"

#include <libpq-fe.h>

typedef struct {
    const char *conninfo;      /* keywords and values, or a postgresql:// URI */
    const char *password_file; /* read at each connection; NULL: what conninfo or libpq has */
    int stop_fd;               /* readable: give up at once; -1: none */
    gint64 timeout_ms;         /* for connecting, and without any progress in a command */
} HgDatabaseOptions;

typedef struct HgDatabase HgDatabase;

/* Checks that the conninfo can be understood, without connecting. */
gboolean hg_database_check_conninfo(const char *conninfo, GError **error);

/* TRUE when the conninfo, which can be understood, has a password in it. */
gboolean hg_database_has_password(const char *conninfo);

/* Connects. `options` is borrowed during the call, the stop descriptor for the connection's life.
 */
HgDatabase *hg_database_connect(const HgDatabaseOptions *options, GError **error);
void hg_database_free(HgDatabase *database);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgDatabase, hg_database_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PGresult, PQclear)

/* Runs commands with text parameters ($1 ...; none allows several commands). *out (may be NULL)
 * gets the result of the last: free with PQclear. */
gboolean hg_database_run(HgDatabase *database, const char *sql, const char *const *values,
                         guint count, PGresult **out, GError **error);

/* Sends rows by a COPY ... FROM STDIN. */
gboolean hg_database_copy_in(HgDatabase *database, const char *sql, HgSlice rows, GError **error);

/* Gets rows by a COPY ... TO STDOUT, one call of `on_row` each, without its line end. It returns
 * FALSE, with *error, to stop. */
typedef gboolean (*HgDatabaseRow)(void *data, HgSlice row, GError **error);
gboolean hg_database_copy_out(HgDatabase *database, const char *sql, HgDatabaseRow on_row,
                              void *data, GError **error);

/* The SQLSTATE of the last error, "" when it had none. Borrowed. */
const char *hg_database_sqlstate(const HgDatabase *database);

/* TRUE when a row or value is there. */
gboolean hg_database_has(const PGresult *result, int row, int column);
