/* Archives of the audit's database: see audit_archive.h. Owns a folder for files on the way. */
#include "ctl/audit_archive.h"

#include "audit/archive.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/audit_command.h"

#include <glib/gstdio.h>

#define MS_OF_DAY 86400000

typedef struct {
    gboolean help;
    char *postgres;
    char *password_file;
    char *location;
    char *endpoint;
    char *region;
    char *ca_file;
    char *older;
    char *day;
} Arguments;

static void arguments_clear(Arguments *arguments)
{
    char *texts[] = {
        arguments->postgres, arguments->password_file, arguments->location, arguments->endpoint,
        arguments->region,   arguments->ca_file,       arguments->older,    arguments->day};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Arguments, arguments_clear)

static GOptionContext *context_new(Arguments *arguments, gboolean restore, const char *summary,
                                   const char *description)
{
    GOptionContext *context = g_option_context_new(NULL);
    const GOptionEntry common[] = {
        {"postgres", 'p', 0, G_OPTION_ARG_STRING, &arguments->postgres,
         "The database: libpq's keywords or a URI", "CONNINFO"},
        {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &arguments->password_file,
         "The file with its password", "FILE"},
        {restore ? "from" : "to", 0, 0, G_OPTION_ARG_STRING, &arguments->location,
         "The archive: a folder, or s3://BUCKET/PREFIX", "WHERE"},
        {"s3-endpoint", 0, 0, G_OPTION_ARG_STRING, &arguments->endpoint,
         "URL of an S3-compatible store (AWS)", "URL"},
        {"s3-region", 0, 0, G_OPTION_ARG_STRING, &arguments->region, "Its region (us-east-1)",
         "NAME"},
        {"s3-ca-file", 0, 0, G_OPTION_ARG_FILENAME, &arguments->ca_file,
         "PEM file of the authorities that its certificate may be from", "FILE"},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &arguments->help, "Show this help, and exit", NULL},
        {0},
    };
    const GOptionEntry archive_only[] = {
        {"older", 0, 0, G_OPTION_ARG_STRING, &arguments->older,
         "Archive days that are older than this, in whole days", "TIME"},
        {0},
    };
    const GOptionEntry restore_only[] = {
        {"day", 0, 0, G_OPTION_ARG_STRING, &arguments->day, "The day (UTC)", "DAY"},
        {0},
    };
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, summary);
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, common, NULL);
    g_option_context_add_main_entries(context, restore ? restore_only : archive_only, NULL);
    return context;
}

static HgCtlResult usage(GError **error, const char *what)
{
    g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID, what);
    return HG_CTL_USAGE;
}

/* HG_CTL_DONE when the command may go on, or, with `help` set, is over. */
static HgCtlResult read_arguments(const HgCtlStreams *streams, GOptionContext *context,
                                  char ***argv, const Arguments *arguments, GError **error)
{
    if (!g_option_context_parse_strv(context, argv, error))
        return HG_CTL_USAGE;
    if (arguments->help) {
        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
        fputs(help, streams->out);
        return HG_CTL_DONE;
    }
    if ((*argv)[1] != NULL)
        return usage(error, "there is an argument too many; expected options only");
    if (arguments->postgres == NULL)
        return usage(error, "no database is named; expected --postgres CONNINFO");
    if (arguments->location == NULL)
        return usage(error, "no archive is named; expected a folder or s3://BUCKET/PREFIX");
    return HG_CTL_DONE;
}

static HgArchiveStore *open_store(const char *location, const char *endpoint, const char *region,
                                  const char *ca_file, GError **error)
{
    const char *secret_text = g_getenv("AWS_SECRET_ACCESS_KEY");
    g_autoptr(HgSecret) secret =
        secret_text != NULL ? hg_secret_new(hg_slice_from_string(secret_text)) : NULL;
    HgArchiveStoreOptions options = {.location = location,
                                     .endpoint = endpoint,
                                     .region = region,
                                     .key_id = g_getenv("AWS_ACCESS_KEY_ID"),
                                     .secret = secret,
                                     .ca_file = ca_file};
    return hg_archive_store_open(&options, error);
}

/* A folder of its own for files on the way; free with drop_work(). */
static char *make_work(GError **error)
{
    g_autoptr(GError) failed = NULL;
    char *work = g_dir_make_tmp("hivegate-archive-XXXXXX", &failed);
    if (work == NULL)
        g_set_error(error, HG_ERROR, HG_ERROR_IO, "can't make a folder: %s (TMPDIR names where)",
                    failed->message);
    return work;
}

static void drop_work(char *work)
{
    if (work != NULL)
        g_rmdir(work);
    g_free(work);
}

/* ---- archive ---- */

static gboolean archive_days(const HgCtlStreams *streams, HgDatabase *database,
                             HgArchiveStore *store, const char *location, const PGresult *days,
                             GError **error)
{
    char *work = make_work(error);
    gboolean ok = work != NULL;
    for (int i = 0; ok && i < PQntuples(days); i++) {
        g_auto(HgArchiveManifest) manifest = {0};
        ok = hg_archive_day(database, store, location, work, PQgetvalue(days, i, 0), &manifest,
                            error);
        if (ok)
            fprintf(streams->out,
                    "%s: %" G_GUINT64_FORMAT " events, %" G_GUINT64_FORMAT " bytes, sha256 %s\n",
                    manifest.day, manifest.events, manifest.size, manifest.sha256);
    }
    drop_work(work);
    if (ok)
        fprintf(streams->out, "days archived: %d\n", PQntuples(days));
    return ok;
}

/* Days with events that are old enough and not in the archive as they are now. */
static gboolean find_days(HgDatabase *database, const char *days, PGresult **out, GError **error)
{
    const char *values[] = {days};
    return hg_database_run(database,
                           "SELECT e.day FROM (SELECT day, count(*) AS events FROM hivegate.event "
                           "WHERE day < (now() AT TIME ZONE 'UTC')::date - $1::int GROUP BY day) e "
                           "LEFT JOIN hivegate.archive a USING (day) "
                           "WHERE a.events IS DISTINCT FROM e.events ORDER BY 1",
                           values, 1, out, error);
}

HgCtlResult hg_audit_archive(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {0};
    g_autoptr(GOptionContext) context = context_new(
        &arguments, FALSE, "Writes days of events into an archive, and checks what is there then.",
        "Examples:\n"
        "  hivegatectl audit archive -p 'host=db dbname=audit user=owner' \\\n"
        "      --to /srv/audit-archive --older 30d\n"
        "  hivegatectl audit archive -p 'host=db dbname=audit user=owner' \\\n"
        "      --to s3://audit/hivegate --s3-endpoint https://s3.example --older 30d\n"
        "\n"
        "Each day becomes a file of JSON lines (gzip) and a manifest with its SHA-256. Both are "
        "read\n"
        "back and checked before the day counts as archived; hivegatectl audit prune\n"
        "--archived-only drops such days only. The key of an S3 store comes from\n"
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. TMPDIR needs room for one day, twice.\n");
    g_autoptr(HgDatabase) database = NULL;
    g_autoptr(PGresult) days = NULL;
    gint64 older_ms = 0;
    HgCtlResult result = read_arguments(streams, context, argv, &arguments, error);
    if (result != HG_CTL_DONE || arguments.help)
        return result;
    if (arguments.older == NULL || !hg_text_parse_duration(arguments.older, &older_ms, NULL))
        return usage(error, "nothing says which days; expected --older TIME, such as 30d or 0");
    g_autofree char *older = g_strdup_printf("%" G_GINT64_FORMAT, older_ms / MS_OF_DAY);
    g_autoptr(HgArchiveStore) store = open_store(arguments.location, arguments.endpoint,
                                                 arguments.region, arguments.ca_file, error);
    if (store == NULL ||
        !hg_audit_connect(arguments.postgres, arguments.password_file, TRUE, &database, error) ||
        !find_days(database, older, &days, error) ||
        !archive_days(streams, database, store, arguments.location, days, error))
        return HG_CTL_FAILED;
    return HG_CTL_DONE;
}

/* ---- restore ---- */

HgCtlResult hg_audit_restore(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {0};
    g_autoptr(GOptionContext) context =
        context_new(&arguments, TRUE, "Brings an archived day back into a table of its own.",
                    "Example:\n"
                    "  hivegatectl audit restore -p 'host=db dbname=audit user=owner' \\\n"
                    "      --from /srv/audit-archive --day 2026-10-01\n"
                    "\n"
                    "The table is hivegate.restored_20261001, with the columns of hivegate.event. "
                    "The archive is\n"
                    "checked before, and the restore is recorded. Drop the table when it isn't "
                    "needed any more.\n");
    g_autoptr(HgDatabase) database = NULL;
    guint64 events = 0;
    HgCtlResult result = read_arguments(streams, context, argv, &arguments, error);
    if (result != HG_CTL_DONE || arguments.help)
        return result;
    if (!hg_archive_is_day(arguments.day))
        return usage(error, "no day is named; expected --day 2026-11-21");
    g_autoptr(HgArchiveStore) store = open_store(arguments.location, arguments.endpoint,
                                                 arguments.region, arguments.ca_file, error);
    if (store == NULL ||
        !hg_audit_connect(arguments.postgres, arguments.password_file, TRUE, &database, error))
        return HG_CTL_FAILED;
    char *work = make_work(error);
    gboolean ok =
        work != NULL && hg_archive_restore(database, store, work, arguments.day, &events, error);
    drop_work(work);
    if (!ok)
        return HG_CTL_FAILED;
    fprintf(streams->out, "hivegate.restored_%.4s%.2s%.2s: %" G_GUINT64_FORMAT " events\n",
            arguments.day, arguments.day + 5, arguments.day + 8, events);
    return HG_CTL_DONE;
}

gboolean hg_audit_verify_archive(const char *location, const char *endpoint, const char *region,
                                 const char *ca_file, const HgVerifyReport *report, GError **error)
{
    g_autoptr(HgArchiveStore) store = open_store(location, endpoint, region, ca_file, error);
    if (store == NULL)
        return FALSE;
    char *work = make_work(error);
    gboolean ok = work != NULL && hg_archive_verify(store, work, report, error);
    drop_work(work);
    return ok;
}
