/* The commands on SQL texts: see sql_command.h. Owns nothing; one thread. */
#include "ctl/sql_command.h"

#include "base/error.h"
#include "ctl/sql_inspect.h"
#include "ctl/sql_json.h"
#include "sql/keywords.h"
#include "sql/lexer.h"

#include <string.h>

typedef struct {
    gboolean help;
    char *engine;
} Arguments;

static gboolean read_engine(const Arguments *arguments, HgSqlEngine *engine, GError **error)
{
    *engine = HG_SQL_SPARK_35;
    if (arguments->engine == NULL || strcmp(arguments->engine, "spark-3.5") == 0)
        return TRUE;
    *engine = HG_SQL_SPARK_40;
    if (strcmp(arguments->engine, "spark-4.0") == 0)
        return TRUE;
    g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                "there is no engine %s; expected spark-3.5 or spark-4.0", arguments->engine);
    return FALSE;
}

/* HG_CTL_DONE when the command may go on; *shown is TRUE when it was asked for help and is over. */
static HgCtlResult read_arguments(const HgCtlStreams *streams, char ***argv, const char *summary,
                                  HgSqlEngine *engine, gboolean *shown, GError **error)
{
    Arguments arguments = {0};
    const GOptionEntry entries[] = {
        {"engine", 'e', 0, G_OPTION_ARG_STRING, &arguments.engine,
         "Whose SQL: spark-3.5 (the default) or spark-4.0", "ENGINE"},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &arguments.help, "Show this help, and exit", NULL},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, summary);
    g_option_context_add_main_entries(context, entries, NULL);
    HgCtlResult result = HG_CTL_USAGE;
    *shown = FALSE;
    if (g_option_context_parse_strv(context, argv, error)) {
        if (arguments.help) {
            g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
            fputs(help, streams->out);
            *shown = TRUE;
            result = HG_CTL_DONE;
        } else if ((*argv)[1] != NULL) {
            g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID,
                                "there is an argument too many; expected options only");
        } else if (read_engine(&arguments, engine, error)) {
            result = HG_CTL_DONE;
        }
    }
    g_free(arguments.engine);
    return result;
}

static json_t *answer_tokens(const HgSqlRequest *request, const char *wrong, gpointer data)
{
    HgSqlEngine engine = *(const HgSqlEngine *)data;
    if (wrong != NULL)
        return json_pack("{s:O?, s:b, s:[], s:s}", "id", request->id, "ok", 0, "tokens", "reason",
                         wrong);
    json_t *tokens = json_array();
    HgSqlPoints points = {.text = request->text.data};
    HgSqlLexer lexer;
    HgSqlToken token;
    hg_sql_lexer_init(&lexer, request->text, engine);
    while (hg_sql_lexer_next(&lexer, &token)) {
        guint start = hg_sql_points_at(&points, token.start);
        guint end = hg_sql_points_at(&points, token.end);
        json_array_append_new(tokens,
                              json_pack("[s,i,i]", hg_sql_token_name((HgSqlTokenKind)token.kind),
                                        (int)start, (int)end));
    }
    return json_pack("{s:O?, s:o}", "id", request->id, "tokens", tokens);
}

static json_t *answer_inspect(const HgSqlRequest *request, const char *wrong, gpointer data)
{
    return hg_sql_inspect_answer(request, *(const HgSqlEngine *)data, wrong);
}

HgCtlResult hg_sql_tokens(const HgCtlStreams *streams, char ***argv, GError **error)
{
    HgSqlEngine engine;
    gboolean shown;
    HgCtlResult result =
        read_arguments(streams, argv,
                       "Reads JSON lines {\"id\", \"sql\"} and writes for each\n"
                       "{\"id\", \"tokens\": [[kind, start, end], ...]}, in code points.",
                       &engine, &shown, error);
    return result != HG_CTL_DONE || shown
               ? result
               : hg_sql_answer_lines(streams, answer_tokens, &engine, error);
}

HgCtlResult hg_sql_inspect(const HgCtlStreams *streams, char ***argv, GError **error)
{
    HgSqlEngine engine;
    gboolean shown;
    HgCtlResult result = read_arguments(
        streams, argv,
        "Reads JSON lines {\"id\", \"sql\", \"conf\"} and writes for each\n"
        "{\"id\", \"ok\", \"statement\", \"reads\", \"writes\", \"objects\", \"functions\"},\n"
        "or {\"id\", \"ok\": false, \"reason\"} for one that can't be analysed.",
        &engine, &shown, error);
    return result != HG_CTL_DONE || shown
               ? result
               : hg_sql_answer_lines(streams, answer_inspect, &engine, error);
}
