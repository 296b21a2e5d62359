/* libpq without blocking: see database.h. Owns the connection. */
#include "audit/database.h"

#include "base/error.h"
#include "base/secret.h"

#include <errno.h>
#include <poll.h>

#define PIECE (64 * 1024)

/* Times and values in one form; nothing waits for ever on the server's side; whose network broke
 * doesn't keep its locks; and what was committed is on the server's disk, since it is deleted here
 * then. */
#define SETTINGS                                                                                   \
    "SET DateStyle = 'ISO, YMD'; SET TimeZone = 'UTC'; SET bytea_output = 'hex';"                  \
    "SET search_path = 'pg_catalog'; SET lock_timeout = '30s'; SET statement_timeout = '10min';"   \
    "SET idle_in_transaction_session_timeout = '60s';"                                             \
    "SELECT set_config('synchronous_commit', 'on', false)"                                         \
    " WHERE current_setting('synchronous_commit') IN ('off', 'local')"

struct HgDatabase {
    PGconn *conn;
    int stop_fd;
    gint64 timeout_ms;
    char sqlstate[6];
};

gboolean hg_database_check_conninfo(const char *conninfo, GError **error)
{
    char *text = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &text);
    if (options != NULL) {
        PQconninfoFree(options);
        return TRUE;
    }
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "can't be understood: %s",
                text != NULL ? g_strchomp(text) : "not enough memory");
    PQfreemem(text);
    return FALSE;
}

gboolean hg_database_has_password(const char *conninfo)
{
    gboolean found = FALSE;
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL;
         option++)
        found = found || (strcmp(option->keyword, "password") == 0 && option->val != NULL);
    PQconninfoFree(options);
    return found;
}

/* libpq's messages have several lines and may end in blanks. */
static void set_error(HgDatabase *database, GError **error, const char *what, const char *text)
{
    g_autofree char *line = g_strstrip(g_strdelimit(g_strdup(text), "\n\t", ' '));
    g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "%s: %s", what,
                *line != '\0' ? line : "the connection was lost");
}

static gboolean fail(HgDatabase *database, GError **error)
{
    set_error(database, error, "PostgreSQL", PQerrorMessage(database->conn));
    return FALSE;
}

static gboolean fail_by(HgDatabase *database, const PGresult *result, GError **error)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    g_strlcpy(database->sqlstate, state != NULL ? state : "", sizeof database->sqlstate);
    set_error(database, error, "PostgreSQL", PQresultErrorMessage(result));
    return FALSE;
}

/* Waits for the socket. */
static gboolean wait_for(HgDatabase *database, short events, gint64 until_us, GError **error)
{
    struct pollfd fds[2] = {{.fd = PQsocket(database->conn), .events = events},
                            {.fd = database->stop_fd, .events = POLLIN}};
    for (;;) {
        gint64 left = (until_us - g_get_monotonic_time() + 999) / 1000;
        int n = left > 0 ? poll(fds, 2, (int)MIN(left, G_MAXINT)) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n > 0 && fds[1].revents == 0)
            return TRUE;
        if (n > 0)
            g_set_error_literal(error, HG_ERROR, HG_ERROR_UNAVAILABLE, "hivegate is ending");
        else if (n == 0)
            g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE,
                        "PostgreSQL didn't answer within %" G_GINT64_FORMAT " s",
                        database->timeout_ms / 1000);
        else
            hg_error_set_errno(error, errno, "can't wait for PostgreSQL");
        return FALSE;
    }
}

static gint64 deadline(const HgDatabase *database)
{
    return g_get_monotonic_time() + database->timeout_ms * 1000;
}

static gboolean finish_connecting(HgDatabase *database, GError **error)
{
    gint64 until = deadline(database);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    if (PQstatus(database->conn) == CONNECTION_BAD)
        return fail(database, error);
    while (state != PGRES_POLLING_OK) {
        short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!wait_for(database, events, until, error))
            return FALSE;
        state = PQconnectPoll(database->conn);
        if (state == PGRES_POLLING_FAILED)
            return fail(database, error);
    }
    return TRUE;
}

HgDatabase *hg_database_connect(const HgDatabaseOptions *options, GError **error)
{
    const char *keys[] = {"dbname", "fallback_application_name", "client_encoding", "password",
                          NULL};
    const char *values[] = {options->conninfo, "hivegate", "UTF8", NULL, NULL};
    g_autoptr(HgSecret) password = NULL;
    HgFileExposure exposure;
    if (options->password_file != NULL) {
        if (!hg_secret_load_file(options->password_file, &password, &exposure, error))
            return NULL;
        values[3] = (const char *)hg_secret_slice(password).data;
    }
    keys[3] = password != NULL ? "password" : NULL;
    g_autoptr(HgDatabase) database = g_new0(HgDatabase, 1);
    database->stop_fd = options->stop_fd;
    database->timeout_ms = options->timeout_ms;
    database->conn = PQconnectStartParams(keys, values, 1);
    if (database->conn == NULL) {
        g_set_error_literal(error, HG_ERROR, HG_ERROR_LIMIT, "there is no memory for PostgreSQL");
        return NULL;
    }
    if (!finish_connecting(database, error))
        return NULL;
    if (PQsetnonblocking(database->conn, 1) != 0) {
        fail(database, error);
        return NULL;
    }
    PQsetNoticeProcessor(database->conn, NULL, NULL);
    if (!hg_database_run(database, SETTINGS, NULL, 0, NULL, error))
        return NULL;
    return g_steal_pointer(&database);
}

void hg_database_free(HgDatabase *database)
{
    if (database == NULL)
        return;
    PQfinish(database->conn);
    g_free(database);
}

static gboolean flush(HgDatabase *database, GError **error)
{
    int rc;
    while ((rc = PQflush(database->conn)) > 0) {
        /* the server may not read before what it said was read */
        if (!wait_for(database, POLLIN | POLLOUT, deadline(database), error))
            return FALSE;
        if (PQconsumeInput(database->conn) == 0)
            return fail(database, error);
    }
    return rc == 0 || fail(database, error);
}

/* The next result; *out is NULL when there is none any more. */
static gboolean get_result(HgDatabase *database, PGresult **out, GError **error)
{
    while (PQisBusy(database->conn)) {
        if (!wait_for(database, POLLIN, deadline(database), error))
            return FALSE;
        if (PQconsumeInput(database->conn) == 0)
            return fail(database, error);
    }
    *out = PQgetResult(database->conn);
    return TRUE;
}

static gboolean is_error(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE ||
           status == PGRES_EMPTY_QUERY;
}

/* Reads all results; the first error counts, and the last result is kept. */
static gboolean drain(HgDatabase *database, PGresult **out, GError **error)
{
    g_autoptr(PGresult) last = NULL;
    gboolean ok = TRUE;
    for (;;) {
        PGresult *result = NULL;
        if (!get_result(database, &result, ok ? error : NULL))
            return FALSE;
        if (result == NULL)
            break;
        if (ok && is_error(result))
            ok = fail_by(database, result, error);
        PQclear(last);
        last = result;
    }
    if (ok && out != NULL)
        *out = g_steal_pointer(&last);
    return ok;
}

static gboolean send_command(HgDatabase *database, const char *sql, const char *const *values,
                             guint count, GError **error)
{
    database->sqlstate[0] = '\0';
    int sent = count == 0 ? PQsendQuery(database->conn, sql)
                          : PQsendQueryParams(database->conn, sql, (int)count, NULL, values, NULL,
                                              NULL, 0);
    return (sent == 1 || fail(database, error)) && flush(database, error);
}

gboolean hg_database_run(HgDatabase *database, const char *sql, const char *const *values,
                         guint count, PGresult **out, GError **error)
{
    return send_command(database, sql, values, count, error) && drain(database, out, error);
}

/* Begins a COPY. */
static gboolean begin_copy(HgDatabase *database, const char *sql, ExecStatusType wanted,
                           GError **error)
{
    g_autoptr(PGresult) result = NULL;
    if (!send_command(database, sql, NULL, 0, error) || !get_result(database, &result, error))
        return FALSE;
    if (result == NULL)
        return fail(database, error);
    if (PQresultStatus(result) == wanted)
        return TRUE;
    fail_by(database, result, error);
    drain(database, NULL, NULL);
    return FALSE;
}

gboolean hg_database_copy_in(HgDatabase *database, const char *sql, HgSlice rows, GError **error)
{
    if (!begin_copy(database, sql, PGRES_COPY_IN, error))
        return FALSE;
    while (rows.size > 0) {
        gsize size = MIN(rows.size, (gsize)PIECE);
        int rc = PQputCopyData(database->conn, (const char *)rows.data, (int)size);
        if (rc < 0)
            return fail(database, error);
        if (rc == 0 && !wait_for(database, POLLOUT, deadline(database), error))
            return FALSE;
        if (!flush(database, error))
            return FALSE;
        if (rc > 0)
            rows = hg_slice(rows.data + size, rows.size - size);
    }
    int rc;
    while ((rc = PQputCopyEnd(database->conn, NULL)) == 0)
        if (!wait_for(database, POLLOUT, deadline(database), error))
            return FALSE;
    return (rc > 0 || fail(database, error)) && flush(database, error) &&
           drain(database, NULL, error);
}

gboolean hg_database_copy_out(HgDatabase *database, const char *sql, HgDatabaseRow on_row,
                              void *data, GError **error)
{
    if (!begin_copy(database, sql, PGRES_COPY_OUT, error))
        return FALSE;
    for (;;) {
        char *bytes = NULL;
        int size = PQgetCopyData(database->conn, &bytes, 1);
        if (size == -1)
            return drain(database, NULL, error);
        if (size == -2)
            return fail(database, error);
        if (size == 0) {
            if (!wait_for(database, POLLIN, deadline(database), error))
                return FALSE;
            if (PQconsumeInput(database->conn) == 0)
                return fail(database, error);
            continue;
        }
        gsize length = (gsize)size - (bytes[size - 1] == '\n');
        gboolean ok = on_row(data, hg_slice(bytes, length), error);
        PQfreemem(bytes);
        if (!ok)
            return FALSE;
    }
}

const char *hg_database_sqlstate(const HgDatabase *database)
{
    return database->sqlstate;
}

gboolean hg_database_has(const PGresult *result, int row, int column)
{
    return result != NULL && PQntuples(result) > row && PQnfields(result) > column &&
           !PQgetisnull(result, row, column);
}
