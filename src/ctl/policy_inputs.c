/* Reading the inputs of the policy commands: see policy_inputs.h. */
#include "ctl/policy_inputs.h"

#include "base/error.h"
#include "ctl/policy_schemas.h"

#include <string.h>
#include <sys/random.h>

typedef struct {
    gboolean help;
    char *policies;
    char *schemas;
    char *engine;
    char **group_lists;
    char **attributes;
} Arguments;

static void arguments_clear(Arguments *arguments)
{
    g_free(arguments->policies);
    g_free(arguments->schemas);
    g_free(arguments->engine);
    g_strfreev(arguments->group_lists);
    g_strfreev(arguments->attributes);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Arguments, arguments_clear)

void hg_policy_inputs_clear(HgPolicyInputs *inputs)
{
    hg_policy_file_free(inputs->file);
    hg_schemas_free(inputs->schemas);
    g_free(inputs->user);
    g_strfreev(inputs->groups);
    g_strfreev(inputs->attributes);
    g_free(inputs->catalog);
    g_free(inputs->database);
    g_free(inputs->nonce);
    g_free(inputs->text);
    *inputs = (HgPolicyInputs){0};
}

static void add_common(GOptionContext *context, Arguments *arguments)
{
    const GOptionEntry entries[] = {
        {"policies", 'p', 0, G_OPTION_ARG_FILENAME, &arguments->policies,
         "The policies file (required)", "FILE"},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &arguments->help, "Show this help, and exit", NULL},
        {0},
    };
    g_option_context_add_main_entries(context, entries, NULL);
}

static void add_schemas(GOptionContext *context, Arguments *arguments)
{
    const GOptionEntry entries[] = {
        {"schemas", 's', 0, G_OPTION_ARG_FILENAME, &arguments->schemas,
         "The tables that are known: JSON {\"catalog.database.table\": "
         "[[\"column\",\"type\"],...]}",
         "FILE"},
        {"engine", 'e', 0, G_OPTION_ARG_STRING, &arguments->engine,
         "Whose SQL: spark-3.5 (the default) or spark-4.0", "ENGINE"},
        {0},
    };
    g_option_context_add_main_entries(context, entries, NULL);
}

static void add_user(GOptionContext *context, Arguments *arguments, HgPolicyInputs *inputs)
{
    const GOptionEntry entries[] = {
        {"user", 'u', 0, G_OPTION_ARG_STRING, &inputs->user, "Who asks (required)", "USER"},
        {"groups", 'g', 0, G_OPTION_ARG_STRING_ARRAY, &arguments->group_lists, "The user's groups",
         "GROUP[,GROUP]"},
        {"attr", 'a', 0, G_OPTION_ARG_STRING_ARRAY, &arguments->attributes,
         "An attribute of the user; may be given several times", "NAME=VALUE"},
        {"catalog", 0, 0, G_OPTION_ARG_STRING, &inputs->catalog,
         "The current catalog (spark_catalog)", "CATALOG"},
        {"database", 'd', 0, G_OPTION_ARG_STRING, &inputs->database,
         "The current database (default)", "DATABASE"},
        {"nonce", 0, 0, G_OPTION_ARG_STRING, &inputs->nonce,
         "Use this in the names of derived tables instead of a fresh number, for comparisons",
         "TEXT"},
        {0},
    };
    g_option_context_add_main_entries(context, entries, NULL);
}

static gboolean wrong(GError **error, const char *what)
{
    g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID, what);
    return FALSE;
}

static gboolean split_groups(const Arguments *arguments, HgPolicyInputs *inputs)
{
    g_autoptr(GStrvBuilder) all = g_strv_builder_new();
    for (guint i = 0; arguments->group_lists != NULL && arguments->group_lists[i] != NULL; i++) {
        g_auto(GStrv) parts = g_strsplit(arguments->group_lists[i], ",", -1);
        for (guint k = 0; parts[k] != NULL; k++)
            if (*parts[k] != '\0')
                g_strv_builder_add(all, parts[k]);
    }
    inputs->groups = g_strv_builder_end(all);
    return TRUE;
}

static gboolean split_attributes(const Arguments *arguments, HgPolicyInputs *inputs, GError **error)
{
    g_autoptr(GStrvBuilder) all = g_strv_builder_new();
    for (guint i = 0; arguments->attributes != NULL && arguments->attributes[i] != NULL; i++) {
        const char *text = arguments->attributes[i], *equals = strchr(text, '=');
        if (equals == NULL || equals == text)
            return wrong(error, "--attr wants NAME=VALUE");
        g_autofree char *name = g_strndup(text, (gsize)(equals - text));
        g_strv_builder_add(all, name);
        g_strv_builder_add(all, equals + 1);
    }
    inputs->attributes = g_strv_builder_end(all);
    return TRUE;
}

static gboolean read_engine(const Arguments *arguments, HgPolicyInputs *inputs, GError **error)
{
    inputs->engine = HG_SQL_SPARK_35;
    if (arguments->engine == NULL || strcmp(arguments->engine, "spark-3.5") == 0)
        return TRUE;
    inputs->engine = HG_SQL_SPARK_40;
    return strcmp(arguments->engine, "spark-4.0") == 0 ||
           wrong(error, "there is no such engine; expected spark-3.5 or spark-4.0");
}

/* In the names of derived tables; anything but letters and digits would end them. */
static gboolean check_nonce(const HgPolicyInputs *inputs, GError **error)
{
    for (const char *at = inputs->nonce; at != NULL && *at != '\0'; at++)
        if (!g_ascii_isalnum(*at))
            return wrong(error, "--nonce takes letters and digits only");
    return inputs->nonce == NULL || *inputs->nonce != '\0' || wrong(error, "--nonce is empty");
}

static gboolean check_arguments(const Arguments *arguments, guint takes, char **argv,
                                HgPolicyInputs *inputs, GError **error)
{
    char **rest = argv + 1;
    if (*rest != NULL && strcmp(*rest, "--") == 0)
        rest++;
    if (arguments->policies == NULL)
        return wrong(error, "no policies are named; expected --policies FILE");
    if (arguments->schemas == NULL && (takes & HG_POLICY_TAKES_SCHEMAS) != 0 &&
        (takes & HG_POLICY_SCHEMAS_OPTIONAL) == 0)
        return wrong(error, "no schemas are named; expected --schemas FILE");
    if ((takes & HG_POLICY_TAKES_USER) != 0 && inputs->user == NULL)
        return wrong(error, "no user is named; expected --user USER");
    guint wanted = (takes & HG_POLICY_TAKES_TEXT) != 0;
    if (g_strv_length(rest) != wanted)
        return wrong(error, wanted == 1 ? "expected one statement, in quotes"
                                        : "there is an argument too many; expected options only");
    inputs->text = g_strdup(wanted == 1 ? rest[0] : NULL);
    return read_engine(arguments, inputs, error) && check_nonce(inputs, error) &&
           split_groups(arguments, inputs) && split_attributes(arguments, inputs, error);
}

/* All errors of the file at once; without any, its warnings. */
static gboolean load(const HgCtlStreams *streams, const Arguments *arguments,
                     HgPolicyInputs *inputs, GError **error)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new(arguments->policies);
    inputs->file = hg_policy_file_load(arguments->policies, diagnostics);
    hg_diagnostics_sort(diagnostics);
    g_autofree char *said = hg_diagnostics_text(diagnostics);
    if (inputs->file == NULL) {
        g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID, g_strchomp(said));
        return FALSE;
    }
    fputs(said, streams->err);
    inputs->schemas = hg_schemas_new();
    inputs->has_schemas = arguments->schemas != NULL;
    return arguments->schemas == NULL ||
           hg_policy_schemas_load(arguments->schemas, inputs->schemas, error);
}

HgCtlResult hg_policy_inputs_read(const HgCtlStreams *streams, char ***argv, guint takes,
                                  const char *summary, const char *examples, HgPolicyInputs *inputs,
                                  gboolean *shown, GError **error)
{
    g_auto(Arguments) arguments = {0};
    g_autoptr(GOptionContext) context =
        g_option_context_new((takes & HG_POLICY_TAKES_TEXT) != 0 ? "'STATEMENT'" : NULL);
    *shown = FALSE;
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, summary);
    g_option_context_set_description(context, examples);
    add_common(context, &arguments);
    if ((takes & HG_POLICY_TAKES_SCHEMAS) != 0)
        add_schemas(context, &arguments);
    if ((takes & HG_POLICY_TAKES_USER) != 0)
        add_user(context, &arguments, inputs);
    if (!g_option_context_parse_strv(context, argv, error))
        return HG_CTL_USAGE;
    if (arguments.help) {
        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
        fputs(help, streams->out);
        *shown = TRUE;
        return HG_CTL_DONE;
    }
    if (!check_arguments(&arguments, takes, *argv, inputs, error))
        return HG_CTL_USAGE;
    return load(streams, &arguments, inputs, error) ? HG_CTL_DONE : HG_CTL_FAILED;
}

HgIdentity hg_policy_inputs_identity(const HgPolicyInputs *inputs)
{
    return (HgIdentity){.user = inputs->user,
                        .groups = (const char *const *)inputs->groups,
                        .attributes = (const char *const *)inputs->attributes};
}

char *hg_policy_nonce(void)
{
    guint64 number = 0;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        g_error("the system gives no random numbers");
    return g_strdup_printf("%016" G_GINT64_MODIFIER "x", number);
}
