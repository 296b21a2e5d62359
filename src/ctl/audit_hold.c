/* Legal holds: see audit_hold.h. The rules are the database's (src/audit/migrations/0003). Owns
 * nothing; one thread. */
#include "ctl/audit_hold.h"

#include "base/error.h"
#include "ctl/audit_command.h"

typedef struct {
    gboolean help;
    char *postgres;
    char *password_file;
    char *from;
    char *to;
    char *reason;
} Arguments;

static void arguments_clear(Arguments *arguments)
{
    g_free(arguments->postgres);
    g_free(arguments->password_file);
    g_free(arguments->from);
    g_free(arguments->to);
    g_free(arguments->reason);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Arguments, arguments_clear)

static GOptionContext *context_new(Arguments *arguments)
{
    GOptionContext *context = g_option_context_new("add|list|release [ID]");
    const GOptionEntry entries[] = {
        {"postgres", 'p', 0, G_OPTION_ARG_STRING, &arguments->postgres,
         "The database: libpq's keywords or a URI", "CONNINFO"},
        {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &arguments->password_file,
         "The file with its password", "FILE"},
        {"from", 0, 0, G_OPTION_ARG_STRING, &arguments->from, "First day (UTC)", "DAY"},
        {"to", 0, 0, G_OPTION_ARG_STRING, &arguments->to, "Last day", "DAY"},
        {"reason", 0, 0, G_OPTION_ARG_STRING, &arguments->reason,
         "Why the hold is made or released", "TEXT"},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &arguments->help, "Show this help, and exit", NULL},
        {0},
    };
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, "Keeps days of events from being dropped.");
    g_option_context_set_description(
        context,
        "Examples:\n"
        "  hivegatectl audit hold add -p 'host=db dbname=audit user=owner' \\\n"
        "      --from 2026-10-01 --to 2026-11-20 --reason 'case 4711'\n"
        "  hivegatectl audit hold list -p 'host=db dbname=audit user=auditor'\n"
        "  hivegatectl audit hold release 1 -p 'host=db dbname=audit user=owner' \\\n"
        "      --reason 'case 4711 is closed'\n"
        "\n"
        "hivegatectl audit prune keeps days with a hold. Who made and released one, when and why,\n"
        "stays in hivegate.hold and is recorded as events of the kind hold.\n");
    g_option_context_add_main_entries(context, entries, NULL);
    return context;
}

static HgCtlResult usage(GError **error, const char *what)
{
    g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID, what);
    return HG_CTL_USAGE;
}

/* "2026-11-21", and such a day. */
static gboolean is_day(const char *text)
{
    GDate date;
    if (text == NULL || strlen(text) != 10 || strspn(text, "0123456789-") != 10)
        return FALSE;
    g_date_clear(&date, 1);
    g_date_set_parse(&date, text);
    return g_date_valid(&date);
}

static HgCtlResult add(const HgCtlStreams *streams, const Arguments *arguments, GError **error)
{
    const char *values[] = {arguments->from, arguments->to, arguments->reason};
    g_autoptr(HgDatabase) database = NULL;
    g_autoptr(PGresult) made = NULL;
    if (!is_day(arguments->from) || !is_day(arguments->to))
        return usage(error, "no days are named; expected --from and --to as 2026-11-21");
    if (strcmp(arguments->from, arguments->to) > 0)
        return usage(error, "--from is behind --to");
    if (arguments->reason == NULL || *arguments->reason == '\0')
        return usage(error, "nothing says why; expected --reason TEXT");
    if (!hg_audit_connect(arguments->postgres, arguments->password_file, TRUE, &database, error) ||
        !hg_database_run(database, "SELECT hivegate.hold_add($1::date, $2::date, $3)", values, 3,
                         &made, error))
        return HG_CTL_FAILED;
    fprintf(streams->out, "hold %s: %s to %s\n", PQgetvalue(made, 0, 0), arguments->from,
            arguments->to);
    return HG_CTL_DONE;
}

static HgCtlResult list(const HgCtlStreams *streams, const Arguments *arguments, GError **error)
{
    g_autoptr(HgDatabase) database = NULL;
    g_autoptr(PGresult) holds = NULL;
    if (!hg_audit_connect(arguments->postgres, arguments->password_file, TRUE, &database, error) ||
        !hg_database_run(database,
                         "SELECT id, first_day, last_day, coalesce('released ' || released_at || "
                         "' by ' || released_by || ': ' || to_json(release_reason)::text, 'held'), "
                         "made_at, made_by, to_json(reason) FROM hivegate.hold ORDER BY id",
                         NULL, 0, &holds, error))
        return HG_CTL_FAILED;
    for (int i = 0; i < PQntuples(holds); i++)
        fprintf(streams->out, "hold %s: %s to %s, made %s by %s: %s; %s\n", PQgetvalue(holds, i, 0),
                PQgetvalue(holds, i, 1), PQgetvalue(holds, i, 2), PQgetvalue(holds, i, 4),
                PQgetvalue(holds, i, 5), PQgetvalue(holds, i, 6), PQgetvalue(holds, i, 3));
    return HG_CTL_DONE;
}

static HgCtlResult release(const HgCtlStreams *streams, const Arguments *arguments,
                           const char *number, GError **error)
{
    const char *values[] = {number, arguments->reason};
    g_autoptr(HgDatabase) database = NULL;
    g_autoptr(PGresult) released = NULL;
    if (!g_ascii_string_to_unsigned(number, 10, 1, G_MAXINT64, NULL, NULL))
        return usage(error, "the hold's number isn't one; hivegatectl audit hold list shows them");
    if (arguments->reason == NULL || *arguments->reason == '\0')
        return usage(error, "nothing says why; expected --reason TEXT");
    if (!hg_audit_connect(arguments->postgres, arguments->password_file, TRUE, &database, error) ||
        !hg_database_run(database, "SELECT hivegate.hold_release($1::bigint, $2)", values, 2,
                         &released, error))
        return HG_CTL_FAILED;
    if (*PQgetvalue(released, 0, 0) != 't') {
        g_set_error(
            error, HG_ERROR, HG_ERROR_NOT_FOUND,
            "there is no hold %s that isn't released; hivegatectl audit hold list shows them",
            number);
        return HG_CTL_FAILED;
    }
    fprintf(streams->out, "hold %s is released\n", number);
    return HG_CTL_DONE;
}

HgCtlResult hg_audit_hold(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {0};
    g_autoptr(GOptionContext) context = context_new(&arguments);
    if (!g_option_context_parse_strv(context, argv, error))
        return HG_CTL_USAGE;
    if (arguments.help) {
        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
        fputs(help, streams->out);
        return HG_CTL_DONE;
    }
    char **words = *argv;
    guint count = g_strv_length(words);
    const char *verb = count > 1 ? words[1] : "";
    if (arguments.postgres == NULL)
        return usage(error, "no database is named; expected --postgres CONNINFO");
    if (strcmp(verb, "add") == 0 && count == 2)
        return add(streams, &arguments, error);
    if (strcmp(verb, "list") == 0 && count == 2)
        return list(streams, &arguments, error);
    if (strcmp(verb, "release") == 0 && count == 3)
        return release(streams, &arguments, words[2], error);
    return usage(error, "expected add, list, or release ID");
}
