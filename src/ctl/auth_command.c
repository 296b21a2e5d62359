/* The commands about logins: see auth_command.h. Owns nothing; one thread. */
#include "ctl/auth_command.h"

#include "app/authentication.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/prompt.h"

#include <string.h>

typedef struct {
    gboolean help;
    gboolean password_stdin;
    gboolean bearer;
    char *config;
    char *listener;
    char *user; /* NULL with `bearer` */
} Arguments;

static void arguments_clear(Arguments *arguments)
{
    g_free(arguments->config);
    g_free(arguments->listener);
    g_free(arguments->user);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Arguments, arguments_clear)

static GOptionContext *context_new(Arguments *arguments)
{
    GOptionContext *context = g_option_context_new("USER");
    const GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &arguments->config,
         "hivegate's configuration (required)", "FILE"},
        {"listener", 'l', 0, G_OPTION_ARG_STRING, &arguments->listener,
         "Use this listener's chain; without it, the common one", "NAME"},
        {"bearer", 'b', 0, G_OPTION_ARG_NONE, &arguments->bearer,
         "The secret is a token that comes as Authorization: Bearer, without a user", NULL},
        {"password-stdin", 0, 0, G_OPTION_ARG_NONE, &arguments->password_stdin,
         "Read the password or token from standard input, not from the terminal", NULL},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &arguments->help, "Show this help, and exit", NULL},
        {0},
    };
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context,
                                 "Asks for a password or token, logs in as hivegate would, and "
                                 "shows what each method of the chain says.");
    g_option_context_set_description(
        context,
        "Examples:\n"
        "  hivegatectl auth test --config hivegate.yaml alice\n"
        "  hivegatectl auth test -c hivegate.yaml --listener machines --bearer --password-stdin "
        "<token\n"
        "\n"
        "Nothing is remembered or counted, and no running hivegate is asked. Exit codes: 0 the\n"
        "login is accepted, 1 it isn't.\n");
    g_option_context_add_main_entries(context, entries, NULL);
    return context;
}

static gboolean usage(GError **error, const char *what)
{
    g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID, what);
    return FALSE;
}

/* What is left when the options are gone. */
static gboolean take_rest(Arguments *arguments, char **argv, GError **error)
{
    char **rest = argv + 1;
    if (*rest != NULL && strcmp(*rest, "--") == 0)
        rest++;
    guint left = g_strv_length(rest);
    if (arguments->config == NULL)
        return usage(error, "no configuration is named; expected --config FILE");
    if (arguments->bearer)
        return left == 0 || usage(error, "a bearer token comes without a user; expected no USER");
    if (left != 1)
        return usage(error, left == 0 ? "no user is named; expected USER"
                                      : "there is an argument too many; expected one USER");
    arguments->user = g_strdup(rest[0]);
    return TRUE;
}

/* Reads the configuration with all its errors, one a line. */
static gboolean load_config(const char *path, HgConfig **out, GError **error)
{
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new(path);
    *out = hg_config_load(path, diagnostics);
    if (*out != NULL)
        return TRUE;
    g_autofree char *text = hg_diagnostics_text(diagnostics);
    g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID, g_strchomp(text));
    return FALSE;
}

/* The number of the listener's chain: see app/authentication.h. */
static gboolean find_chain(const HgConfig *config, const char *listener, guint *chain,
                           GError **error)
{
    guint next = 1;
    *chain = 0;
    if (listener == NULL)
        return TRUE;
    for (guint i = 0; i < config->n_listeners; i++) {
        gboolean own = config->listeners[i].chain != NULL;
        if (strcmp(config->listeners[i].name, listener) == 0) {
            *chain = own ? next : 0;
            return TRUE;
        }
        next += own;
    }
    g_set_error(error, HG_ERROR, HG_ERROR_NOT_FOUND, "the configuration has no listener %s",
                listener);
    return FALSE;
}

/* ---- what is shown ---- */

static const char *word_of(HgVerdict verdict)
{
    switch (verdict) {
    case HG_VERDICT_NOT_MINE:
        return "not mine";
    case HG_VERDICT_ACCEPTED:
        return "accepted";
    case HG_VERDICT_DENIED:
        return "denied";
    case HG_VERDICT_UNAVAILABLE:
        return "unavailable";
    }
    g_return_val_if_reached("");
}

static void on_step(void *data, const HgMethodTable *table, const HgLogin *login)
{
    const HgCtlStreams *streams = data;
    fprintf(streams->out, "%-14s %-12s %s\n", table != NULL ? table->name : "hivegate",
            word_of(login->verdict), login->why != NULL ? login->why : "");
}

static void show_list(FILE *out, const char *title, const char *const *items)
{
    g_autofree char *text = items == NULL ? g_strdup("unknown") : g_strjoinv(", ", (char **)items);
    fprintf(out, "%-14s %s\n", title, *text != '\0' ? text : "none");
}

static void show_principal(FILE *out, const HgLogin *login)
{
    const char *const *attributes = hg_principal_attributes(login->principal);
    fprintf(out, "\n%-14s %s\n%-14s %s\n", "user", hg_principal_name(login->principal), "realm",
            hg_principal_realm(login->principal));
    show_list(out, "groups", hg_principal_groups(login->principal));
    for (; attributes != NULL && attributes[0] != NULL; attributes += 2)
        fprintf(out, "%-14s %s = %s\n", "attribute", attributes[0], attributes[1]);
    if (login->good_until != 0) {
        g_autoptr(GDateTime) until = g_date_time_new_from_unix_local(login->good_until);
        g_autofree char *text = until != NULL ? g_date_time_format_iso8601(until) : NULL;
        fprintf(out, "%-14s %s\n", "good until", text != NULL ? text : "?");
    }
}

static void show_refusal(FILE *out, const HgLogin *login)
{
    if (login->say != NULL)
        fprintf(out, "\n%-14s %s\n", "the client", login->say);
}

/* ---- the command ---- */

/* Logs in, and shows all of it. TRUE when the login is accepted. */
static gboolean run_login(const HgCtlStreams *streams, const Arguments *arguments,
                          HgAuthenticator *authenticator, guint chain, HgSlice secret)
{
    g_auto(HgLogin) login = {0};
    guint delay = 0;
    HgAttempt attempt = {
        .chain = chain,
        .credentials = {.name =
                            hg_slice_from_string(arguments->user != NULL ? arguments->user : ""),
                        .secret = secret,
                        .bearer = arguments->bearer},
    };
    fprintf(streams->out, "%-14s %-12s %s\n", "METHOD", "SAYS", "WHY");
    hg_authenticator_check(authenticator, &attempt, on_step, (void *)streams, &login, &delay);
    if (login.verdict == HG_VERDICT_ACCEPTED)
        show_principal(streams->out, &login);
    else
        show_refusal(streams->out, &login);
    return login.verdict == HG_VERDICT_ACCEPTED;
}

HgCtlResult hg_auth_test(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {0};
    g_autoptr(GOptionContext) context = context_new(&arguments);
    g_autoptr(HgConfig) config = NULL;
    g_autoptr(HgAuthenticator) authenticator = NULL;
    g_autoptr(HgSecret) secret = NULL;
    guint chain = 0;
    if (!g_option_context_parse_strv(context, argv, error))
        return HG_CTL_USAGE;
    if (arguments.help) {
        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
        fputs(help, streams->out);
        return HG_CTL_DONE;
    }
    if (!take_rest(&arguments, *argv, error))
        return HG_CTL_USAGE;
    if (!load_config(arguments.config, &config, error) ||
        !find_chain(config, arguments.listener, &chain, error) ||
        !hg_authentication_new(config, &authenticator, error))
        return HG_CTL_FAILED;
    gboolean asked = arguments.password_stdin ? hg_prompt_line(streams->in, &secret, error)
                                              : hg_prompt_password(FALSE, &secret, error);
    if (!asked)
        return HG_CTL_FAILED;
    return run_login(streams, &arguments, authenticator, chain, hg_secret_slice(secret))
               ? HG_CTL_DONE
               : HG_CTL_NO;
}
