/* The commands on a users file: see user_command.h. Owns nothing; one thread. */
#include "ctl/user_command.h"

#include "auth/name.h"
#include "auth/password.h"
#include "auth/users.h"
#include "base/error.h"
#include "base/text.h"
#include "ctl/prompt.h"
#include "ctl/users_edit.h"

#include <string.h>

/* What the arguments of a user command say. */
typedef struct {
    gboolean help;
    gboolean password_stdin;
    char *file;
    char **groups; /* as written: each may hold several */
    char *name;
} Arguments;

static void arguments_clear(Arguments *arguments)
{
    g_free(arguments->file);
    g_free(arguments->name);
    g_strfreev(arguments->groups);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Arguments, arguments_clear)

/* What a command takes besides --file and --help. */
typedef enum {
    TAKES_NAME = 1,
    TAKES_PASSWORD = 2,
    TAKES_GROUPS = 4,
} Takes;

static GOptionContext *context_new(Arguments *arguments, Takes takes, const char *summary,
                                   const char *description)
{
    GOptionContext *context = g_option_context_new((takes & TAKES_NAME) != 0 ? "NAME" : NULL);
    const GOptionEntry common[] = {
        {"file", 'f', 0, G_OPTION_ARG_FILENAME, &arguments->file, "The users file (required)",
         "FILE"},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &arguments->help, "Show this help, and exit", NULL},
        {0},
    };
    const GOptionEntry groups[] = {
        {"group", 'g', 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments->groups,
         "Groups of the user; '' for none. Without it a new user has none and an old one keeps its "
         "own",
         "GROUP[,GROUP]"},
        {0},
    };
    const GOptionEntry password[] = {
        {"password-stdin", 0, 0, G_OPTION_ARG_NONE, &arguments->password_stdin,
         "Read the password from standard input, not from the terminal", NULL},
        {0},
    };
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, summary);
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, common, NULL);
    if ((takes & TAKES_GROUPS) != 0)
        g_option_context_add_main_entries(context, groups, NULL);
    if ((takes & TAKES_PASSWORD) != 0)
        g_option_context_add_main_entries(context, password, NULL);
    return context;
}

static gboolean usage(GError **error, const char *what)
{
    g_set_error_literal(error, HG_ERROR, HG_ERROR_INVALID, what);
    return FALSE;
}

/* The name, from what is left when the options are gone. */
static gboolean take_name(Arguments *arguments, Takes takes, char **argv, GError **error)
{
    char **rest = argv + 1;
    if (*rest != NULL && strcmp(*rest, "--") == 0) /* GOption leaves it before a name like -x */
        rest++;
    guint left = g_strv_length(rest);
    if ((takes & TAKES_NAME) == 0)
        return left == 0 || usage(error, "there is an argument too many; expected options only");
    if (left != 1)
        return usage(error, left == 0 ? "no user is named; expected NAME"
                                      : "there is an argument too many; expected one NAME");
    arguments->name = g_strdup(rest[0]);
    return TRUE;
}

/* HG_CTL_DONE when the command may go on; *shown is TRUE when it was asked for help and is over. */
static HgCtlResult read_arguments(const HgCtlStreams *streams, GOptionContext *context, Takes takes,
                                  char ***argv, Arguments *arguments, gboolean *shown,
                                  GError **error)
{
    *shown = FALSE;
    if (!g_option_context_parse_strv(context, argv, error))
        return HG_CTL_USAGE;
    if (arguments->help) {
        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
        fputs(help, streams->out);
        *shown = TRUE;
        return HG_CTL_DONE;
    }
    if (!take_name(arguments, takes, *argv, error))
        return HG_CTL_USAGE;
    if (arguments->file == NULL) {
        usage(error, "no users file is named; expected --file FILE");
        return HG_CTL_USAGE;
    }
    return HG_CTL_DONE;
}

/* All groups, one each; NULL with *error after a bad one. */
static char **split_groups(char *const *written, GError **error)
{
    g_autoptr(GStrvBuilder) groups = g_strv_builder_new();
    for (gsize i = 0; written[i] != NULL; i++) {
        if (*written[i] == '\0')
            continue;
        g_auto(GStrv) parts = g_strsplit(written[i], ",", -1);
        for (gsize k = 0; parts[k] != NULL; k++) {
            if (!hg_group_name_check(hg_slice_from_string(parts[k]), error))
                return NULL;
            g_strv_builder_add(groups, parts[k]);
        }
    }
    return g_strv_builder_end(groups);
}

static gboolean get_password(const HgCtlStreams *streams, const Arguments *arguments,
                             gboolean confirm, HgSecret **out, GError **error)
{
    g_autoptr(HgSecret) password = NULL;
    gboolean ok = arguments->password_stdin ? hg_prompt_line(streams->in, &password, error)
                                            : hg_prompt_password(confirm, &password, error);
    if (!ok || !hg_password_check(hg_secret_slice(password), error))
        return FALSE;
    *out = g_steal_pointer(&password);
    return TRUE;
}

/* Puts the user into the file; *replaced when it was there. */
static gboolean put_user(const Arguments *arguments, const char *hash, char **groups,
                         gboolean *replaced, GError **error)
{
    g_autoptr(HgUsersEdit) edit = NULL;
    const char *old_hash = NULL;
    if (!hg_users_edit_open(arguments->file, TRUE, &edit, error))
        return FALSE;
    *replaced = hg_users_find(hg_users_edit_users(edit), hg_slice_from_string(arguments->name),
                              &old_hash) != NULL;
    hg_users_edit_put(edit, arguments->name, hash, (const char *const *)groups);
    return hg_users_edit_save(edit, error);
}

HgCtlResult hg_user_add(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {0};
    Takes takes = TAKES_NAME | TAKES_PASSWORD | TAKES_GROUPS;
    g_autoptr(GOptionContext) context = context_new(
        &arguments, takes,
        "Adds a user, or gives one that exists a new password. The file is made when there is "
        "none.",
        "Examples:\n"
        "  hivegatectl user add --file users.txt alice\n"
        "  hivegatectl user add --file users.txt --group analysts,admins bob\n"
        "  printf '%s' \"$PASSWORD\" | hivegatectl user add -f users.txt --password-stdin carol\n"
        "\n"
        "A running hivegate reads the file again on SIGHUP.\n");
    g_autoptr(HgSecret) password = NULL;
    g_autofree char *hash = NULL;
    g_auto(GStrv) groups = NULL;
    gboolean shown = FALSE;
    gboolean replaced = FALSE;
    HgCtlResult result = read_arguments(streams, context, takes, argv, &arguments, &shown, error);
    if (result != HG_CTL_DONE || shown)
        return result;
    if (!hg_user_name_check(hg_slice_from_string(arguments.name), error))
        return HG_CTL_FAILED;
    if (arguments.groups != NULL && (groups = split_groups(arguments.groups, error)) == NULL)
        return HG_CTL_FAILED;
    if (!get_password(streams, &arguments, TRUE, &password, error) ||
        !hg_password_hash(hg_secret_slice(password), &hash, error) ||
        !put_user(&arguments, hash, groups, &replaced, error))
        return HG_CTL_FAILED;
    fprintf(streams->out, "%s: %s %s\n", arguments.file, arguments.name,
            replaced ? "changed" : "added");
    return HG_CTL_DONE;
}

/* Reads the file as hivegate does, and puts every error of it into *error, one a line. */
static gboolean load_users(const char *path, HgUsers **out, GError **error)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) wrong = NULL;
    HgFileExposure exposure;
    if (hg_users_load(path, out, &exposure, problems, &wrong))
        return TRUE;
    g_ptr_array_add(problems, NULL);
    g_autofree char *all = g_strjoinv("\n", (char **)problems->pdata);
    g_set_error_literal(error, HG_ERROR, wrong->code, *all != '\0' ? all : wrong->message);
    return FALSE;
}

HgCtlResult hg_user_list(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {0};
    g_autoptr(GOptionContext) context =
        context_new(&arguments, 0, "Lists the users, one a line: the name, a tab, the groups.",
                    "Example:\n  hivegatectl user list --file users.txt\n");
    g_autoptr(HgUsers) users = NULL;
    gboolean shown = FALSE;
    HgCtlResult result = read_arguments(streams, context, 0, argv, &arguments, &shown, error);
    if (result != HG_CTL_DONE || shown)
        return result;
    if (!load_users(arguments.file, &users, error))
        return HG_CTL_FAILED;
    for (guint i = 0; i < hg_users_count(users); i++) {
        HgPrincipal *user = hg_users_nth(users, i);
        g_autofree char *groups = g_strjoinv(",", (char **)hg_principal_groups(user));
        fprintf(streams->out, "%s\t%s\n", hg_principal_name(user), groups);
    }
    return HG_CTL_DONE;
}

static gboolean no_such_user(const Arguments *arguments, GError **error)
{
    g_autofree char *quoted = hg_text_quote(hg_slice_from_string(arguments->name));
    g_set_error(error, HG_ERROR, HG_ERROR_NOT_FOUND,
                "%s has no user %s; hivegatectl user list shows who is there", arguments->file,
                quoted);
    return FALSE;
}

static gboolean delete_user(const Arguments *arguments, GError **error)
{
    g_autoptr(HgUsersEdit) edit = NULL;
    if (!hg_users_edit_open(arguments->file, FALSE, &edit, error))
        return FALSE;
    const char *hash = NULL;
    if (hg_users_find(hg_users_edit_users(edit), hg_slice_from_string(arguments->name), &hash) ==
        NULL)
        return no_such_user(arguments, error);
    return hg_users_edit_remove(edit, arguments->name) && hg_users_edit_save(edit, error);
}

HgCtlResult hg_user_delete(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {0};
    g_autoptr(GOptionContext) context = context_new(
        &arguments, TAKES_NAME, "Deletes a user.",
        "Example:\n"
        "  hivegatectl user delete --file users.txt alice\n"
        "\n"
        "A running hivegate reads the file again on SIGHUP; sessions that are open stay open.\n");
    gboolean shown = FALSE;
    HgCtlResult result =
        read_arguments(streams, context, TAKES_NAME, argv, &arguments, &shown, error);
    if (result != HG_CTL_DONE || shown)
        return result;
    if (!delete_user(&arguments, error))
        return HG_CTL_FAILED;
    fprintf(streams->out, "%s: %s deleted\n", arguments.file, arguments.name);
    return HG_CTL_DONE;
}

HgCtlResult hg_user_check(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(Arguments) arguments = {0};
    Takes takes = TAKES_NAME | TAKES_PASSWORD;
    g_autoptr(GOptionContext) context = context_new(
        &arguments, takes,
        "Asks for the user's password and says whether it is right, by exit code too (0 or 1).",
        "Example:\n  hivegatectl user check --file users.txt alice\n");
    g_autoptr(HgUsers) users = NULL;
    g_autoptr(HgSecret) password = NULL;
    const char *hash = NULL;
    gboolean right = FALSE;
    gboolean shown = FALSE;
    HgCtlResult result = read_arguments(streams, context, takes, argv, &arguments, &shown, error);
    if (result != HG_CTL_DONE || shown)
        return result;
    if (!load_users(arguments.file, &users, error))
        return HG_CTL_FAILED;
    if (hg_users_find(users, hg_slice_from_string(arguments.name), &hash) == NULL) {
        no_such_user(&arguments, error);
        return HG_CTL_FAILED;
    }
    if (!get_password(streams, &arguments, FALSE, &password, error) ||
        !hg_password_verify(hg_secret_slice(password), hash, &right, error))
        return HG_CTL_FAILED;
    fprintf(streams->out, "%s: the password is %s\n", arguments.name, right ? "right" : "wrong");
    return right ? HG_CTL_DONE : HG_CTL_NO;
}
