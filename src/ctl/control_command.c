/* Views and actions of the admin server: see control_command.h. A table row describes each command;
 * owns nothing; one thread. */
#include "ctl/control_command.h"

#include "base/error.h"
#include "ctl/remote.h"
#include "ctl/table.h"

#include <string.h>
#include <unistd.h>

/* What a command's own options and arguments say. */
typedef struct {
    HgRemote remote;
    gboolean help;
    char *output;
    char *address; /* auth unlock */
    gint rounds;   /* top: 0 = until interrupted */
    gdouble every; /* top: seconds */
} Arguments;

static void arguments_clear(Arguments *arguments)
{
    hg_remote_clear(&arguments->remote);
    g_free(arguments->output);
    g_free(arguments->address);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Arguments, arguments_clear)

typedef struct {
    const char *summary;
    const char *example;
    const char *argument; /* what stands behind the command: "ID"; NULL: nothing */
    gboolean optional;    /* that may be left out */
} Usage;

static gboolean usage(GError **error, const char *what)
{
    g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID, what);
    return FALSE;
}

/* ---- the command line ---- */

static GOptionContext *context_new(const Usage *how, const GOptionEntry *own, Arguments *arguments)
{
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_STRING, &arguments->output, "table (unless set) or json",
         "FORM"},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &arguments->help, "Show this help, and exit", NULL},
        {0},
    };
    g_autofree char *text = how->argument == NULL ? NULL
                            : how->optional       ? g_strdup_printf("[%s]", how->argument)
                                                  : g_strdup(how->argument);
    GOptionContext *context = g_option_context_new(text);
    g_autofree char *examples = g_strdup_printf(
        "Example:\n  %s\n\nIt asks the admin server of a running hivegate (admin: listen). Exit "
        "codes: 0 success,\n1 failure, 2 wrong command line.\n",
        how->example);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, how->summary);
    g_option_context_set_description(context, examples);
    g_option_context_add_main_entries(context, entries, NULL);
    if (own != NULL)
        g_option_context_add_main_entries(context, own, NULL);
    hg_remote_add_options(&arguments->remote, context);
    return context;
}

/* Reads the command line. HG_CTL_NO: go on, with *argument behind the options (borrowed from argv,
 * NULL without one); anything else is the command's end. */
static HgCtlResult read_arguments(const HgCtlStreams *streams, const Usage *how,
                                  const GOptionEntry *own, char ***argv, Arguments *arguments,
                                  const char **argument, GError **error)
{
    g_autoptr(GOptionContext) context = context_new(how, own, arguments);
    if (!g_option_context_parse_strv(context, argv, error))
        return HG_CTL_USAGE;
    if (arguments->help) {
        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
        fputs(help, streams->out);
        return HG_CTL_DONE;
    }
    char **rest = *argv + 1;
    if (*rest != NULL && strcmp(*rest, "--") == 0)
        rest++;
    guint left = g_strv_length(rest);
    if (left > (how->argument != NULL ? 1u : 0u)) {
        usage(error, "there is an argument too many");
        return HG_CTL_USAGE;
    }
    if (left == 0 && how->argument != NULL && !how->optional) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID, "an argument is missing; expected %s",
                    how->argument);
        return HG_CTL_USAGE;
    }
    if (arguments->output != NULL && strcmp(arguments->output, "table") != 0 &&
        strcmp(arguments->output, "json") != 0) {
        usage(error, "--output is not known; expected table or json");
        return HG_CTL_USAGE;
    }
    *argument = rest[0];
    return HG_CTL_NO;
}

static gboolean wants_json(const Arguments *arguments)
{
    return g_strcmp0(arguments->output, "json") == 0;
}

static void print_json(const HgCtlStreams *streams, const json_t *value)
{
    json_dumpf(value, streams->out, JSON_INDENT(2));
    fputc('\n', streams->out);
}

/* ---- views ---- */

typedef struct {
    Usage usage;
    const char *path;
    const HgTableColumn *columns; /* NULL: only JSON */
} View;

static HgCtlResult show(const View *view, const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {0};
    const char *argument = NULL;
    json_t *answer = NULL;
    HgCtlResult result =
        read_arguments(streams, &view->usage, NULL, argv, &arguments, &argument, error);
    if (result != HG_CTL_NO)
        return result;
    if (!hg_remote_ask(&arguments.remote, "GET", view->path, NULL, &answer, error))
        return HG_CTL_FAILED;
    if (view->columns == NULL || wants_json(&arguments))
        print_json(streams, answer);
    else
        hg_table_print(streams->out, view->columns, answer);
    json_decref(answer);
    return HG_CTL_DONE;
}

static const HgTableColumn session_columns[] = {{"ID", "id", 0},
                                                {"USER", "user", 32},
                                                {"RUNS AS", "runs_as", 32},
                                                {"STATE", "state", 0},
                                                {"ENDPOINT", "endpoint", 0},
                                                {"CLIENT", "client", 0},
                                                {"OPENED", "opened_at", 0},
                                                {"IDLE s", "idle_seconds", 0},
                                                {"OPERATIONS", "operations", 0},
                                                {NULL, NULL, 0}};
static const HgTableColumn operation_columns[] = {{"ID", "id", 0},
                                                  {"SESSION", "session", 0},
                                                  {"USER", "runs_as", 32},
                                                  {"STATE", "state", 0},
                                                  {"SECONDS", "seconds", 0},
                                                  {"ENDPOINT", "endpoint", 0},
                                                  {"STATEMENT", "statement", 60},
                                                  {NULL, NULL, 0}};
static const HgTableColumn endpoint_columns[] = {
    {"ENDPOINT", "endpoint", 0},  {"POOL", "pool", 0},
    {"STATE", "state", 0},        {"SESSIONS", "sessions", 0},
    {"RUNNING", "operations", 0}, {"FAILURES", "failures", 0},
    {"MS", "latency_ms", 0},      {NULL, NULL, 0}};
static const HgTableColumn pool_columns[] = {
    {"POOL", "pool", 0},     {"ENDPOINTS", "endpoints", 0}, {"SESSIONS", "sessions", 0},
    {"SOURCE", "source", 0}, {"STANDS", "source_state", 0}, {"PAUSED", "paused", 0},
    {"READY", "ready", 0},   {"WHY NOT", "why", 0},         {NULL, NULL, 0}};
static const HgTableColumn user_columns[] = {
    {"USER", "user", 40},        {"SESSIONS", "sessions", 0},
    {"MOST", "sessions_max", 0}, {"OPERATIONS", "operations", 0},
    {"RUNNING", "running", 0},   {NULL, NULL, 0}};
static const HgTableColumn limit_columns[] = {{"LIMIT", "limit", 0},
                                              {"USED", "used", 0},
                                              {"MOST", "most", 0},
                                              {"OPTION", "option", 0},
                                              {NULL, NULL, 0}};

static const View sessions_view = {
    {"Lists the sessions: open ones, and lost ones whose clients are still there.",
     "hivegatectl sessions --output json", NULL, FALSE},
    "/v1/sessions",
    session_columns};
static const View operations_view = {
    {"Lists statements and metadata calls that aren't closed. Those that wait for their first "
     "answer have no id yet: only their session can be killed.",
     "hivegatectl operations", NULL, FALSE},
    "/v1/operations",
    operation_columns};
static const View endpoints_view = {
    {"Lists the endpoints of all pools and how they stand.", "hivegatectl endpoints", NULL, FALSE},
    "/v1/endpoints",
    endpoint_columns};
static const View pools_view = {{"Lists the pools, and whether new sessions can be opened there.",
                                 "hivegatectl pools", NULL, FALSE},
                                "/v1/pools",
                                pool_columns};
static const View users_view = {
    {"Lists the users who have sessions, by whom these run as.", "hivegatectl users", NULL, FALSE},
    "/v1/users",
    user_columns};
static const View limits_view = {
    {"Shows what is used of each limit.", "hivegatectl limits", NULL, FALSE},
    "/v1/limits",
    limit_columns};
static const View config_view = {
    {"Shows the configuration in effect, defaults included, as JSON. Secrets are in files, which "
     "are only named; values under names that sound like a secret are hidden.",
     "hivegatectl config", NULL, FALSE},
    "/v1/config",
    NULL};

HgCtlResult hg_ctl_sessions(const HgCtlStreams *streams, char ***argv, GError **error)
{
    return show(&sessions_view, streams, argv, error);
}

HgCtlResult hg_ctl_operations(const HgCtlStreams *streams, char ***argv, GError **error)
{
    return show(&operations_view, streams, argv, error);
}

HgCtlResult hg_ctl_endpoints(const HgCtlStreams *streams, char ***argv, GError **error)
{
    return show(&endpoints_view, streams, argv, error);
}

HgCtlResult hg_ctl_pools(const HgCtlStreams *streams, char ***argv, GError **error)
{
    return show(&pools_view, streams, argv, error);
}

HgCtlResult hg_ctl_users(const HgCtlStreams *streams, char ***argv, GError **error)
{
    return show(&users_view, streams, argv, error);
}

HgCtlResult hg_ctl_limits(const HgCtlStreams *streams, char ***argv, GError **error)
{
    return show(&limits_view, streams, argv, error);
}

HgCtlResult hg_ctl_config(const HgCtlStreams *streams, char ***argv, GError **error)
{
    return show(&config_view, streams, argv, error);
}

/* ---- actions ---- */

typedef struct {
    Usage usage;
    const char *path;
    const char *key;  /* of the argument in the request */
    const char *done; /* printed, with the argument and the count; NULL: "done" */
} Act;

static void print_done(const HgCtlStreams *streams, const Act *act, const json_t *answer)
{
    const char *target = json_string_value(json_object_get(answer, "target"));
    json_int_t count = json_integer_value(json_object_get(answer, "count"));
    g_autofree char *number = g_strdup_printf("%" JSON_INTEGER_FORMAT, count);
    const char *text = act->done;
    for (; *text != '\0'; text++) { /* %t and %n stand for target and count */
        if (text[0] == '%' && text[1] == 't')
            fputs(target != NULL ? target : "", streams->out);
        else if (text[0] == '%' && text[1] == 'n')
            fputs(number, streams->out);
        else
            fputc(*text, streams->out);
        text += text[0] == '%';
    }
    fputc('\n', streams->out);
}

static HgCtlResult act(const Act *what, const GOptionEntry *own, Arguments *arguments,
                       const HgCtlStreams *streams, char ***argv, GError **error)
{
    const char *argument = NULL;
    json_t *answer = NULL;
    HgCtlResult result =
        read_arguments(streams, &what->usage, own, argv, arguments, &argument, error);
    if (result != HG_CTL_NO)
        return result;
    if (argument != NULL && !g_utf8_validate(argument, -1, NULL)) {
        usage(error, "the argument is no UTF-8");
        return HG_CTL_USAGE;
    }
    json_t *body = json_object();
    if (argument != NULL)
        json_object_set_new(body, what->key, json_string(argument));
    if (arguments->address != NULL)
        json_object_set_new(body, "address", json_string(arguments->address));
    gboolean ok = hg_remote_ask(&arguments->remote, "POST", what->path, body, &answer, error);
    json_decref(body);
    if (!ok)
        return HG_CTL_FAILED;
    if (wants_json(arguments))
        print_json(streams, answer);
    else
        print_done(streams, what, answer);
    json_decref(answer);
    return HG_CTL_DONE;
}

static const Act kill_session_act = {
    {"Ends a session: it is closed on its endpoint, and its client gets an error that says so.",
     "hivegatectl kill session 0b2c3d4e-5f60-4718-92a3-b4c5d6e7f809", "ID", FALSE},
    "/v1/kill",
    "session",
    "session %t has ended"};
static const Act kill_operation_act = {
    {"Cancels a statement that runs; its client gets an error that says so. The session goes on.",
     "hivegatectl kill operation 0b2c3d4e-5f60-4718-92a3-b4c5d6e7f809", "ID", FALSE},
    "/v1/kill",
    "operation",
    "operation %t is cancelled"};
static const Act kill_user_act = {
    {"Ends all sessions that a user has opened, or that run as them. They may come again: to keep "
     "them out, delete the user first.",
     "hivegatectl kill user alice", "USER", FALSE},
    "/v1/kill",
    "user",
    "%n sessions of %t have ended"};
static const Act drain_act = {
    {"Sends no new sessions to an endpoint. Those there go on until their clients close them.",
     "hivegatectl drain endpoint spark-1:10000", "ENDPOINT", FALSE},
    "/v1/drain",
    "endpoint",
    "%t gets no new sessions; %n are left there"};
static const Act undrain_act = {{"Sends new sessions to a drained endpoint again.",
                                 "hivegatectl undrain endpoint spark-1:10000", "ENDPOINT", FALSE},
                                "/v1/undrain",
                                "endpoint",
                                "%t gets new sessions again"};
static const Act pause_act = {
    {"Lets nobody open a session on the pool; clients get an error that says so. Open sessions go "
     "on.",
     "hivegatectl pause pool default", "POOL", FALSE},
    "/v1/pause",
    "pool",
    "pool %t takes no new sessions"};
static const Act resume_act = {{"Lets sessions be opened on a paused pool again.",
                                "hivegatectl resume pool default", "POOL", FALSE},
                               "/v1/resume",
                               "pool",
                               "pool %t takes new sessions again"};
static const Act reload_act = {
    {"Has hivegate read users, certificates and the key of cookies again, as SIGHUP does, and says "
     "what came of it. Other options need a restart.",
     "hivegatectl reload", NULL, FALSE},
    "/v1/reload",
    NULL,
    "users and certificates are read again"};
static const Act unlock_act = {
    {"Lets those log in again who failed too often (authentication: throttle): a user, whoever "
     "comes from an address, a user from there, or everybody.",
     "hivegatectl auth unlock alice --address 192.0.2.7", "USER", TRUE},
    "/v1/unlock",
    "user",
    "unlocked %t: %n counts of failures are forgotten"};

#define ACTION(name, row)                                                                          \
    HgCtlResult name(const HgCtlStreams *streams, char ***argv, GError **error)                    \
    {                                                                                              \
        g_auto(Arguments) arguments = {0};                                                         \
        return act(&row, NULL, &arguments, streams, argv, error);                                  \
    }

ACTION(hg_ctl_kill_session, kill_session_act)
ACTION(hg_ctl_kill_operation, kill_operation_act)
ACTION(hg_ctl_kill_user, kill_user_act)
ACTION(hg_ctl_drain, drain_act)
ACTION(hg_ctl_undrain, undrain_act)
ACTION(hg_ctl_pause, pause_act)
ACTION(hg_ctl_resume, resume_act)
ACTION(hg_ctl_reload, reload_act)

HgCtlResult hg_ctl_unlock(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {0};
    const GOptionEntry own[] = {{"address", 0, 0, G_OPTION_ARG_STRING, &arguments.address,
                                 "Only failures from this address", "ADDRESS"},
                                {0}};
    return act(&unlock_act, own, &arguments, streams, argv, error);
}

/* ---- top ---- */

static const Usage top_usage = {
    "Shows every 2 seconds how hivegate is doing and which statements run longest. Ctrl-C ends it.",
    "hivegatectl top --every 1", NULL, FALSE};
static const HgTableColumn top_columns[] = {
    {"SECONDS", "seconds", 0},    {"USER", "runs_as", 24},        {"STATE", "state", 0},
    {"ENDPOINT", "endpoint", 32}, {"STATEMENT", "statement", 60}, {NULL, NULL, 0}};

#define TOP_ROWS 20

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* Per second, since the look before; 0 at the first one. */
static double rate_of(const json_t *now, const json_t *before, const char *key, double seconds)
{
    return before != NULL ? (number_of(now, key) - number_of(before, key)) / seconds : 0;
}

static int by_age(const void *a, const void *b)
{
    double one = number_of(*(json_t *const *)a, "seconds");
    double two = number_of(*(json_t *const *)b, "seconds");
    return one < two ? 1 : one > two ? -1 : 0;
}

/* The statements that haven't ended, the oldest first; the caller's. */
static json_t *longest(const json_t *operations)
{
    gsize size = json_array_size(operations);
    g_autofree json_t **all = g_new0(json_t *, size + 1);
    gsize count = 0;
    for (gsize i = 0; i < size; i++) {
        json_t *operation = json_array_get(operations, i);
        const char *state = json_string_value(json_object_get(operation, "state"));
        if (g_strcmp0(state, "running") == 0 || g_strcmp0(state, "waiting") == 0)
            all[count++] = operation;
    }
    qsort(all, count, sizeof *all, by_age);
    json_t *list = json_array();
    for (gsize i = 0; i < MIN(count, TOP_ROWS); i++)
        json_array_append(list, all[i]);
    return list;
}

static void print_top(const HgCtlStreams *streams, const json_t *status, const json_t *before,
                      const json_t *operations, double seconds)
{
    const char *why = json_string_value(json_object_get(status, "why"));
    json_t *list = longest(operations);
    if (isatty(fileno(streams->out)))
        fputs("\033[H\033[2J", streams->out);
    fprintf(streams->out, "hivegate %s   %s%s\n",
            json_string_value(json_object_get(status, "version")),
            why == NULL ? "ready" : "not ready: ", why != NULL ? why : "");
    fprintf(streams->out,
            "connections %.0f   sessions %.0f   lost %.0f   statements running %.0f, ended %.0f   "
            "buffers %.1f MiB\n",
            number_of(status, "connections"), number_of(status, "sessions"),
            number_of(status, "sessions_lost"), number_of(status, "running"),
            number_of(status, "ended"), number_of(status, "memory") / (1024 * 1024));
    fprintf(streams->out, "calls %.0f/s   errors %.1f/s   in %.2f MB/s   out %.2f MB/s\n\n",
            rate_of(status, before, "calls", seconds), rate_of(status, before, "errors", seconds),
            rate_of(status, before, "received", seconds) / 1e6,
            rate_of(status, before, "sent", seconds) / 1e6);
    hg_table_print(streams->out, top_columns, list);
    fflush(streams->out);
    json_decref(list);
}

HgCtlResult hg_ctl_top(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {.every = 2};
    const GOptionEntry own[] = {{"every", 'e', 0, G_OPTION_ARG_DOUBLE, &arguments.every,
                                 "Seconds between looks (2 unless set)", "SECONDS"},
                                {"rounds", 'n', 0, G_OPTION_ARG_INT, &arguments.rounds,
                                 "End after so many looks; without it, when interrupted", "COUNT"},
                                {0}};
    const char *argument = NULL;
    json_t *before = NULL;
    HgCtlResult result =
        read_arguments(streams, &top_usage, own, argv, &arguments, &argument, error);
    if (result != HG_CTL_NO)
        return result;
    if (arguments.every < 0.1 || arguments.every > 3600 || arguments.rounds < 0) {
        usage(error, "--every is from 0.1 to 3600 seconds, and --rounds at least 1");
        return HG_CTL_USAGE;
    }
    result = HG_CTL_DONE;
    for (gint i = 0; result == HG_CTL_DONE && (arguments.rounds == 0 || i < arguments.rounds);
         i++) {
        json_t *status = NULL;
        json_t *operations = NULL;
        if (i > 0)
            g_usleep((gulong)(arguments.every * G_USEC_PER_SEC));
        if (hg_remote_ask(&arguments.remote, "GET", "/v1/status", NULL, &status, error) &&
            hg_remote_ask(&arguments.remote, "GET", "/v1/operations", NULL, &operations, error))
            print_top(streams, status, before, operations, arguments.every);
        else
            result = HG_CTL_FAILED;
        json_decref(operations);
        json_decref(before);
        before = status;
    }
    json_decref(before);
    return result;
}
