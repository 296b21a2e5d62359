/* The commands on the audit's database and spool: see audit_command.h. Owns nothing; one thread. */
#include "ctl/audit_command.h"

#include "audit/fields.h"
#include "audit/migration.h"
#include "audit/search.h"
#include "audit/spool_reader.h"
#include "audit/verify.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/audit_archive.h"

#include <string.h>

#define TIMEOUT_MS 30000
#define MOST       1000
#define MOST_LIMIT 1000000
#define STATEMENT  100 /* characters of a statement in a line of text */
#define US_OF_MS   1000
#define MS_OF_DAY  86400000

typedef struct {
    gboolean help;
    char *postgres;
    char *password_file;
    char *spool;
    char *user;
    char *table;
    char *kind;
    char *session;
    char *since;
    char *until;
    char *output;
    char *keep;
    char *writer;
    char *reader;
    char *anchors;
    char *archive;
    char *s3_endpoint;
    char *s3_region;
    char *s3_ca_file;
    char **keys;
    gboolean archived_only;
    gint most;
} Arguments;

static void arguments_clear(Arguments *arguments)
{
    char *texts[] = {arguments->postgres,    arguments->password_file, arguments->spool,
                     arguments->user,        arguments->table,         arguments->kind,
                     arguments->session,     arguments->since,         arguments->until,
                     arguments->output,      arguments->keep,          arguments->writer,
                     arguments->reader,      arguments->anchors,       arguments->archive,
                     arguments->s3_endpoint, arguments->s3_region,     arguments->s3_ca_file};
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_strfreev(arguments->keys);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Arguments, arguments_clear)

/* ---- arguments ---- */

/* What a command takes besides a database. */
typedef enum {
    TAKES_SPOOL = 1, /* and either will do */
    TAKES_FILTERS = 2,
    TAKES_KEEP = 4,
    TAKES_ROLES = 8,
    TAKES_ANCHORS = 16,
} Takes;

static void add_filters(GOptionContext *context, Arguments *arguments)
{
    const GOptionEntry filters[] = {
        {"user", 'u', 0, G_OPTION_ARG_STRING, &arguments->user, "By principal or effective user",
         "NAME"},
        {"table", 't', 0, G_OPTION_ARG_STRING, &arguments->table, "That read or wrote this table",
         "NAME"},
        {"kind", 'k', 0, G_OPTION_ARG_STRING, &arguments->kind,
         "Of this kind, such as statement_refused", "KIND"},
        {"session", 's', 0, G_OPTION_ARG_STRING, &arguments->session, "Of this session", "ID"},
        {"since", 0, 0, G_OPTION_ARG_STRING, &arguments->since,
         "From this time on: 2026-11-21T10:00:00Z, or so long ago: 7d", "TIME"},
        {"until", 0, 0, G_OPTION_ARG_STRING, &arguments->until, "Before this time", "TIME"},
        {"most", 'n', 0, G_OPTION_ARG_INT, &arguments->most, "The newest of them (1000)", "N"},
        {"output", 'o', 0, G_OPTION_ARG_STRING, &arguments->output, "Form of the output (text)",
         "text|json"},
        {0},
    };
    g_option_context_add_main_entries(context, filters, NULL);
}

static GOptionContext *context_new(Arguments *arguments, Takes takes, const char *summary,
                                   const char *description)
{
    GOptionContext *context = g_option_context_new(NULL);
    const GOptionEntry common[] = {
        {"postgres", 'p', 0, G_OPTION_ARG_STRING, &arguments->postgres,
         "The database: libpq's keywords or a URI", "CONNINFO"},
        {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &arguments->password_file,
         "The file with its password", "FILE"},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &arguments->help, "Show this help, and exit", NULL},
        {0},
    };
    const GOptionEntry spool[] = {
        {"spool", 0, 0, G_OPTION_ARG_FILENAME, &arguments->spool, "The folder of the spool",
         "FOLDER"},
        {0},
    };
    const GOptionEntry keep[] = {
        {"keep", 0, 0, G_OPTION_ARG_STRING, &arguments->keep,
         "How long events are kept (required), in whole days", "TIME"},
        {"archived-only", 0, 0, G_OPTION_ARG_NONE, &arguments->archived_only,
         "Drop only what hivegatectl audit archive has archived", NULL},
        {0},
    };
    const GOptionEntry roles[] = {
        {"writer", 0, 0, G_OPTION_ARG_STRING, &arguments->writer,
         "Let this role add events (hivegate's own)", "ROLE"},
        {"reader", 0, 0, G_OPTION_ARG_STRING, &arguments->reader, "Let this role read events",
         "ROLE"},
        {0},
    };
    const GOptionEntry anchors[] = {
        {"anchors", 0, 0, G_OPTION_ARG_FILENAME, &arguments->anchors,
         "Anchors that were kept elsewhere, a line each", "FILE"},
        {"public-key", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments->keys,
         "The keys that signed anchors; may be given several times", "FILE"},
        {"archive", 0, 0, G_OPTION_ARG_STRING, &arguments->archive,
         "An archive: a folder, or s3://BUCKET/PREFIX", "WHERE"},
        {"s3-endpoint", 0, 0, G_OPTION_ARG_STRING, &arguments->s3_endpoint,
         "URL of an S3-compatible store (AWS)", "URL"},
        {"s3-region", 0, 0, G_OPTION_ARG_STRING, &arguments->s3_region, "Its region (us-east-1)",
         "NAME"},
        {"s3-ca-file", 0, 0, G_OPTION_ARG_FILENAME, &arguments->s3_ca_file,
         "PEM file of the authorities that its certificate may be from", "FILE"},
        {0},
    };
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, summary);
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, common, NULL);
    if ((takes & TAKES_SPOOL) != 0)
        g_option_context_add_main_entries(context, spool, NULL);
    if ((takes & TAKES_FILTERS) != 0)
        add_filters(context, arguments);
    if ((takes & TAKES_KEEP) != 0)
        g_option_context_add_main_entries(context, keep, NULL);
    if ((takes & TAKES_ROLES) != 0)
        g_option_context_add_main_entries(context, roles, NULL);
    if ((takes & TAKES_ANCHORS) != 0)
        g_option_context_add_main_entries(context, anchors, NULL);
    return context;
}

static HgCtlResult usage(GError **error, const char *what)
{
    g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID, what);
    return HG_CTL_USAGE;
}

/* HG_CTL_DONE when the command may go on, or, with `help` set, is over. */
static HgCtlResult read_arguments(const HgCtlStreams *streams, GOptionContext *context, Takes takes,
                                  char ***argv, Arguments *arguments, GError **error)
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
    if ((takes & TAKES_SPOOL) == 0 && arguments->postgres == NULL)
        return usage(error, "no database is named; expected --postgres CONNINFO");
    if (arguments->postgres == NULL && arguments->spool == NULL && arguments->archive == NULL)
        return usage(error, "nothing is named to read; expected --postgres CONNINFO, --spool "
                            "FOLDER or both");
    return HG_CTL_DONE;
}

gboolean hg_audit_connect(const char *postgres, const char *password_file, gboolean check,
                          HgDatabase **out, GError **error)
{
    HgDatabaseOptions options = {.conninfo = postgres,
                                 .password_file = password_file,
                                 .stop_fd = -1,
                                 .timeout_ms = TIMEOUT_MS};
    if (!hg_database_check_conninfo(postgres, error)) {
        g_prefix_error(error, "--postgres ");
        return FALSE;
    }
    g_autoptr(HgDatabase) database = hg_database_connect(&options, error);
    if (database == NULL || (check && !hg_migration_check(database, error)))
        return FALSE;
    *out = g_steal_pointer(&database);
    return TRUE;
}

/* Connects when a database is named. */
static gboolean open_database(const Arguments *arguments, gboolean check, HgDatabase **out,
                              GError **error)
{
    return arguments->postgres == NULL ||
           hg_audit_connect(arguments->postgres, arguments->password_file, check, out, error);
}

/* ---- migrate ---- */

/* The name may be any: the database itself quotes it. */
static gboolean grant(HgDatabase *database, const char *group, const char *role, GError **error)
{
    const char *values[] = {group, role};
    g_autoptr(PGresult) result = NULL;
    if (role == NULL)
        return TRUE;
    return hg_database_run(database, "SELECT format('GRANT %I TO %I', $1::text, $2::text)", values,
                           2, &result, error) &&
           hg_database_run(database, PQgetvalue(result, 0, 0), NULL, 0, NULL, error);
}

HgCtlResult hg_audit_migrate(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {0};
    g_autoptr(GOptionContext) context = context_new(
        &arguments, TAKES_ROLES, "Makes the audit's schema in a database, or brings it up to date.",
        "Examples:\n"
        "  hivegatectl audit migrate --postgres 'host=db dbname=audit user=owner'\n"
        "  hivegatectl audit migrate -p postgresql://owner@db/audit --writer hivegate --reader "
        "auditors\n"
        "\n"
        "The user that connects becomes the owner of the tables, and needs the right to make\n"
        "schemas and roles. hivegate itself needs no more than --writer gives.\n");
    g_autoptr(HgDatabase) database = NULL;
    guint from = 0, to = 0;
    HgCtlResult result = read_arguments(streams, context, TAKES_ROLES, argv, &arguments, error);
    if (result != HG_CTL_DONE || arguments.help)
        return result;
    if (!open_database(&arguments, FALSE, &database, error) ||
        !hg_migration_run(database, &from, &to, error) ||
        !grant(database, "hivegate_writer", arguments.writer, error) ||
        !grant(database, "hivegate_reader", arguments.reader, error))
        return HG_CTL_FAILED;
    if (from == to)
        fprintf(streams->out, "the schema is up to date: version %u\n", to);
    else
        fprintf(streams->out, "the schema went from version %u to %u\n", from, to);
    return HG_CTL_DONE;
}

/* ---- prune ---- */

/* Days that are old enough but still there, and why. */
static gboolean show_kept(const HgCtlStreams *streams, HgDatabase *database, const char *days,
                          GError **error)
{
    const char *values[] = {days};
    g_autoptr(PGresult) kept = NULL;
    if (!hg_database_run(
            database,
            "SELECT day, hivegate.is_held(day) FROM (SELECT to_date(right(c.relname, -6), "
            "'YYYYMMDD') AS day FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE "
            "i.inhparent = 'hivegate.event'::regclass) AS d "
            "WHERE day < (now() AT TIME ZONE 'UTC')::date - $1::int ORDER BY 1",
            values, 1, &kept, error))
        return FALSE;
    for (int i = 0; i < PQntuples(kept); i++)
        fprintf(streams->out, "day kept: %s, %s\n", PQgetvalue(kept, i, 0),
                *PQgetvalue(kept, i, 1) == 't' ? "there is a legal hold on it"
                                               : "it isn't in the archive as it is now");
    return TRUE;
}

HgCtlResult hg_audit_prune(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {0};
    g_autoptr(GOptionContext) context = context_new(
        &arguments, TAKES_KEEP, "Drops the days of events that are older than --keep.",
        "Examples:\n"
        "  hivegatectl audit prune --postgres 'host=db dbname=audit user=owner' --keep 365d\n"
        "  hivegatectl audit prune -p 'host=db dbname=audit user=owner' --keep 90d "
        "--archived-only\n"
        "\n"
        "Whole days (UTC) are dropped, noted in hivegate.dropped, and recorded as events: "
        "hivegatectl\n"
        "audit verify then knows them from events that somebody deleted. Days with a legal hold\n"
        "(hivegatectl audit hold) are kept.\n");
    g_autoptr(HgDatabase) database = NULL;
    g_autoptr(PGresult) dropped = NULL;
    gint64 keep_ms = 0;
    HgCtlResult result = read_arguments(streams, context, TAKES_KEEP, argv, &arguments, error);
    if (result != HG_CTL_DONE || arguments.help)
        return result;
    if (arguments.keep == NULL)
        return usage(error, "nothing says what to keep; expected --keep TIME, such as 365d");
    if (!hg_text_parse_duration(arguments.keep, &keep_ms, error)) {
        g_prefix_error(error, "--keep: ");
        return HG_CTL_USAGE;
    }
    if (keep_ms < MS_OF_DAY)
        return usage(error, "--keep is less than a day; expected at least 1d");
    g_autofree char *days = g_strdup_printf("%" G_GINT64_FORMAT, keep_ms / MS_OF_DAY);
    const char *values[] = {days, arguments.archived_only ? "true" : "false"};
    if (!open_database(&arguments, TRUE, &database, error) ||
        !hg_database_run(database,
                         "SELECT hivegate.drop_before((now() AT TIME ZONE 'UTC')::date - $1::int, "
                         "$2::boolean)",
                         values, 2, &dropped, error))
        return HG_CTL_FAILED;
    fprintf(streams->out, "days dropped: %s\n", PQgetvalue(dropped, 0, 0));
    return show_kept(streams, database, days, error) ? HG_CTL_DONE : HG_CTL_FAILED;
}

/* ---- search ---- */

static gboolean parse_time(const char *option, const char *text, gint64 *us, GError **error)
{
    gint64 ms = 0;
    if (text == NULL)
        return TRUE;
    if (hg_text_parse_duration(text, &ms, NULL)) {
        *us = g_get_real_time() - ms * US_OF_MS;
        return TRUE;
    }
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, utc);
    if (time == NULL) {
        g_autofree char *quoted = hg_text_quote(hg_slice_from_string(text));
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s: %s is no time; expected 2026-11-21T10:00:00Z, or 7d for so long ago",
                    option, quoted);
        return FALSE;
    }
    *us = g_date_time_to_unix(time) * G_USEC_PER_SEC + g_date_time_get_microsecond(time);
    return TRUE;
}

/* On a line of its own, and harmless to a terminal. */
static void print_word(FILE *out, const char *text, gsize most)
{
    HgSlice rest = hg_slice_from_string(text != NULL ? text : "");
    char piece[HG_TEXT_ESCAPE_MAX];
    for (gsize i = 0; rest.size > 0; i++) {
        gsize size = hg_text_escape_next(&rest, piece);
        if (i == most) {
            fputs("...", out);
            return;
        }
        if (size == 2 && piece[0] == '\\' && strchr("nrt", piece[1]) != NULL)
            fputc(' ', out);
        else if (size == 2 && piece[0] == '\\')
            fputc(piece[1], out);
        else
            fwrite(piece, 1, size, out);
    }
}

static void print_text(void *data, HgSlice event)
{
    static const char *const names[] = {"at",        "kind",    "principal", "effective_user",
                                        "statement", "message", "reason"};
    const HgCtlStreams *streams = data;
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *text = hg_audit_fields_text(event, names[i]);
        if (i > 0)
            fputc('\t', streams->out);
        print_word(streams->out, text, STATEMENT);
    }
    fputc('\n', streams->out);
}

static void print_json(void *data, HgSlice event)
{
    const HgCtlStreams *streams = data;
    fwrite(event.data, 1, event.size, streams->out);
    fputc('\n', streams->out);
}

static HgCtlResult read_search(const Arguments *arguments, HgSearch *search, HgSearchFound *found,
                               GError **error)
{
    HgAuditKind kind;
    *search = (HgSearch){.user = arguments->user,
                         .table = arguments->table,
                         .kind = arguments->kind,
                         .session = arguments->session,
                         .most = (guint)arguments->most};
    if (arguments->most < 1 || arguments->most > MOST_LIMIT)
        return usage(error, "--most: expected a number from 1 to 1000000");
    if (arguments->kind != NULL && !hg_audit_kind_parse(arguments->kind, &kind))
        return usage(error, "--kind: there is no such kind; docs/audit.md has the list");
    gboolean json = g_strcmp0(arguments->output, "json") == 0;
    if (!json && arguments->output != NULL && strcmp(arguments->output, "text") != 0)
        return usage(error, "--output: expected text or json");
    *found = json ? print_json : print_text;
    return parse_time("--since", arguments->since, &search->since_us, error) &&
                   parse_time("--until", arguments->until, &search->until_us, error)
               ? HG_CTL_DONE
               : HG_CTL_USAGE;
}

/* Puts the search into the database's own chain of events, on a connection of its own: the one that
 * searches has its snapshot already. What can't be recorded isn't shown. */
static gboolean note_search(const Arguments *arguments, GError **error)
{
    const char *const names[] = {"user", "table", "kind", "session", "since", "until", "spool"};
    const char *const given[] = {arguments->user,    arguments->table, arguments->kind,
                                 arguments->session, arguments->since, arguments->until,
                                 arguments->spool};
    g_autoptr(GString) detail = g_string_new(NULL);
    g_autoptr(HgDatabase) database = NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (given[i] != NULL)
            g_string_append_printf(detail, "--%s %s ", names[i], given[i]);
    g_string_append_printf(detail, "--most %d", arguments->most);
    const char *values[] = {detail->str};
    if (open_database(arguments, FALSE, &database, error) &&
        hg_database_run(database, "SELECT hivegate.note_read('audit search', $1)", values, 1, NULL,
                        error))
        return TRUE;
    g_prefix_error(error, "the search can't be recorded, so nothing is shown: ");
    return FALSE;
}

static gboolean search_both(const HgCtlStreams *streams, const Arguments *arguments,
                            const HgSearch *search, HgSearchFound found, GError **error)
{
    g_autoptr(HgDatabase) database = NULL;
    /* one snapshot, so that what is shipped meanwhile is found once */
    if (!open_database(arguments, TRUE, &database, error) ||
        (database != NULL &&
         (!hg_database_run(database,
                           "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
                           "SELECT FROM hivegate.migration",
                           NULL, 0, NULL, error) ||
          !note_search(arguments, error) ||
          !hg_search_database(database, search, found, (void *)streams, error))))
        return FALSE;
    return arguments->spool == NULL ||
           hg_search_spool(arguments->spool, database, search, found, (void *)streams, error);
}

HgCtlResult hg_audit_search(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {.most = MOST};
    g_autoptr(GOptionContext) context = context_new(
        &arguments, TAKES_SPOOL | TAKES_FILTERS,
        "Finds events in the database and in what the spool has beyond it, oldest first.",
        "Examples:\n"
        "  hivegatectl audit search --spool /var/lib/hivegate/audit --user alice --since 1d\n"
        "  hivegatectl audit search -p 'host=db dbname=audit' --table sales.orders -o json\n"
        "\n"
        "Text has the columns time, kind, principal, effective user, statement, message, reason,\n"
        "with tabs between them. All filters must hold. With --postgres the search itself is\n"
        "recorded, as an event of the kind audit_read.\n");
    HgSearchFound found = NULL;
    HgSearch search;
    HgCtlResult result = read_arguments(streams, context, TAKES_SPOOL, argv, &arguments, error);
    if (result != HG_CTL_DONE || arguments.help)
        return result;
    result = read_search(&arguments, &search, &found, error);
    if (result != HG_CTL_DONE)
        return result;
    return search_both(streams, &arguments, &search, found, error) ? HG_CTL_DONE : HG_CTL_FAILED;
}

/* ---- verify ---- */

typedef struct {
    const HgCtlStreams *streams;
    const char *where;
    guint64 faults;
} Check;

static void on_fault(void *data, const HgVerifyFault *fault)
{
    Check *check = data;
    char spool[HG_AUDIT_ID_TEXT];
    hg_audit_id_print(&fault->spool, spool);
    check->faults++;
    fprintf(check->streams->out,
            "FAULT %s: spool %s, records %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT ": %s\n",
            check->where, spool, fault->from, fault->to, fault->what);
}

static void on_spool(void *data, const HgAuditId *spool, guint64 records, guint64 last,
                     const HgAuditHash *hash)
{
    Check *check = data;
    char id[HG_AUDIT_ID_TEXT], text[HG_AUDIT_HASH_TEXT];
    hg_audit_id_print(spool, id);
    hg_audit_hash_print(hash, text);
    fprintf(check->streams->out,
            "%s: spool %s: %" G_GUINT64_FORMAT " records read, the last is %" G_GUINT64_FORMAT
            " with hash %s\n",
            check->where, id, records, last, text);
}

/* The keys and anchors that were named; *check stays NULL when there are none. */
static HgCtlResult load_anchors(const Arguments *arguments, HgAnchorKeys *keys,
                                HgAnchorCheck **check, GError **error)
{
    if (arguments->anchors != NULL && arguments->keys == NULL)
        return usage(error, "--anchors needs the key that signed them; expected --public-key FILE");
    if (arguments->keys == NULL)
        return HG_CTL_DONE;
    for (char **path = arguments->keys; *path != NULL; path++)
        if (!hg_anchor_keys_add(keys, *path, error))
            return HG_CTL_FAILED;
    g_autoptr(HgAnchorCheck) made = hg_anchor_check_new(keys);
    if (arguments->anchors != NULL && !hg_anchor_check_load(made, arguments->anchors, error))
        return HG_CTL_FAILED;
    *check = g_steal_pointer(&made);
    return HG_CTL_DONE;
}

static void print_anchors(const Check *check, HgAnchorCheck *anchors)
{
    HgAnchorCounts counts;
    if (anchors == NULL)
        return;
    hg_anchor_check_counts(anchors, &counts);
    fprintf(check->streams->out,
            "%s: %" G_GUINT64_FORMAT " anchors of the file hold, %" G_GUINT64_FORMAT
            " of the chain's own; %" G_GUINT64_FORMAT " are on records that aren't here any more\n",
            check->where, counts.held, counts.chain, counts.elsewhere);
}

HgCtlResult hg_audit_verify(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {0};
    g_autoptr(GOptionContext) context = context_new(
        &arguments, TAKES_SPOOL | TAKES_ANCHORS,
        "Reads all records and checks that none was changed, removed or moved.",
        "Examples:\n"
        "  hivegatectl audit verify --spool /var/lib/hivegate/audit\n"
        "  hivegatectl audit verify --postgres 'host=db dbname=audit user=auditor' \\\n"
        "      --anchors /mnt/worm/anchors --public-key anchor.pub\n"
        "\n"
        "Whoever can write the spool or the database could make a whole new chain, but sign no\n"
        "anchors. --public-key alone checks those in the chain; --anchors those that were kept\n"
        "elsewhere, and so that the end of the chain wasn't cut off. Exit codes: 0 all is well,\n"
        "1 there are faults, or it can't be read.\n");
    g_autoptr(HgDatabase) database = NULL;
    g_autoptr(HgAnchorKeys) keys = hg_anchor_keys_new();
    g_autoptr(HgAnchorCheck) anchors = NULL;
    Check check = {.streams = streams, .where = "spool"};
    HgCtlResult result = read_arguments(streams, context, TAKES_SPOOL, argv, &arguments, error);
    if (result != HG_CTL_DONE || arguments.help)
        return result;
    result = load_anchors(&arguments, keys, &anchors, error);
    if (result != HG_CTL_DONE)
        return result;
    HgVerifyReport report = {on_fault, on_spool, &check, anchors};
    if (arguments.spool != NULL) {
        if (!hg_verify_spool(arguments.spool, &report, error))
            return HG_CTL_FAILED;
        print_anchors(&check, anchors);
    }
    check.where = "archive";
    if (arguments.archive != NULL) {
        if (!hg_audit_verify_archive(arguments.archive, arguments.s3_endpoint, arguments.s3_region,
                                     arguments.s3_ca_file, &report, error))
            return HG_CTL_FAILED;
        print_anchors(&check, anchors);
    }
    check.where = "database";
    if (!open_database(&arguments, TRUE, &database, error) ||
        (database != NULL && !hg_verify_database(database, &report, error)))
        return HG_CTL_FAILED;
    if (database != NULL)
        print_anchors(&check, anchors);
    return check.faults == 0 ? HG_CTL_DONE : HG_CTL_NO;
}

/* ---- status ---- */

static gboolean show_spool(const HgCtlStreams *streams, const char *folder, GError **error)
{
    g_autoptr(HgSpoolReader) reader = hg_spool_reader_new(folder, error);
    char id[HG_AUDIT_ID_TEXT];
    guint64 first = 0, records = 0, holes = 0;
    HgRecord record;
    HgSpoolRead read;
    if (reader == NULL || !hg_spool_reader_first(reader, &first, error) ||
        !hg_spool_reader_seek(reader, 0, error))
        return FALSE;
    while ((read = hg_spool_reader_next(reader, G_MAXUINT64, &record, error)) !=
           HG_SPOOL_READ_NOTHING) {
        if (read == HG_SPOOL_READ_ERROR)
            return FALSE;
        records += read == HG_SPOOL_READ_RECORD;
        holes += read == HG_SPOOL_READ_HOLE;
    }
    hg_audit_id_print(hg_spool_reader_id(reader), id);
    fprintf(streams->out,
            "spool     %s: records %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
            " (%" G_GUINT64_FORMAT " readable, %" G_GUINT64_FORMAT " holes)\n",
            id, first, hg_spool_reader_sequence(reader) - 1, records, holes);
    return TRUE;
}

static gboolean show_database(const HgCtlStreams *streams, HgDatabase *database, GError **error)
{
    g_autoptr(PGresult) spools = NULL;
    g_autoptr(PGresult) days = NULL;
    guint version = 0;
    if (!hg_migration_read(database, &version, error))
        return FALSE;
    fprintf(streams->out, "database  schema version %u, this hivegatectl knows %u\n", version,
            hg_migration_version());
    if (version == 0)
        return TRUE;
    if (!hg_database_run(database,
                         "SELECT id, next_sequence - 1, coalesce(shipped_at::text, 'never'), "
                         "coalesce(host, '?') FROM hivegate.spool ORDER BY began_at",
                         NULL, 0, &spools, error) ||
        !hg_database_run(database,
                         "SELECT count(*), coalesce(min(right(c.relname, 8)), 'none'), "
                         "coalesce(max(right(c.relname, 8)), 'none') FROM pg_inherits i "
                         "JOIN pg_class c ON c.oid = i.inhrelid "
                         "WHERE i.inhparent = 'hivegate.event'::regclass",
                         NULL, 0, &days, error))
        return FALSE;
    fprintf(streams->out, "database  %s days: %s to %s\n", PQgetvalue(days, 0, 0),
            PQgetvalue(days, 0, 1), PQgetvalue(days, 0, 2));
    for (int i = 0; i < PQntuples(spools); i++)
        fprintf(streams->out, "shipped   %s: records up to %s, last at %s, from %s\n",
                PQgetvalue(spools, i, 0), PQgetvalue(spools, i, 1), PQgetvalue(spools, i, 2),
                PQgetvalue(spools, i, 3));
    return TRUE;
}

HgCtlResult hg_audit_status(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {0};
    g_autoptr(GOptionContext) context = context_new(
        &arguments, TAKES_SPOOL, "Shows what the spool holds and what the database has of it.",
        "Example:\n"
        "  hivegatectl audit status --spool /var/lib/hivegate/audit -p 'host=db dbname=audit'\n");
    g_autoptr(HgDatabase) database = NULL;
    HgCtlResult result = read_arguments(streams, context, TAKES_SPOOL, argv, &arguments, error);
    if (result != HG_CTL_DONE || arguments.help)
        return result;
    if ((arguments.spool != NULL && !show_spool(streams, arguments.spool, error)) ||
        !open_database(&arguments, FALSE, &database, error) ||
        (database != NULL && !show_database(streams, database, error)))
        return HG_CTL_FAILED;
    return HG_CTL_DONE;
}
