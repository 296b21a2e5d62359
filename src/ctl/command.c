/* Choosing hivegatectl's command: see command.h. Owns nothing; one thread. */
#include "ctl/command.h"

#include "base/text.h"
#include "ctl/audit_archive.h"
#include "ctl/audit_command.h"
#include "ctl/audit_hold.h"
#include "ctl/audit_key.h"
#include "ctl/auth_command.h"
#include "ctl/control_command.h"
#include "ctl/policy_command.h"
#include "ctl/sql_command.h"
#include "ctl/sql_rewrite.h"
#include "ctl/user_command.h"

#include <string.h>

#define EXIT_FAILED 1
#define EXIT_USAGE  2

typedef struct {
    const char *noun;
    const char *verb; /* NULL: there is only the noun */
    HgCtlCommandFunc run;
    const char *arguments; /* for the list of commands */
    const char *text;
} Command;

static const Command commands[] = {
    {"user", "add", hg_user_add, "--file FILE NAME", "add a user, or change the password"},
    {"user", "list", hg_user_list, "--file FILE", "list users and their groups"},
    {"user", "delete", hg_user_delete, "--file FILE NAME", "delete a user"},
    {"user", "check", hg_user_check, "--file FILE NAME", "is this the user's password?"},
    {"auth", "test", hg_auth_test, "--config FILE USER", "who would this login be, and why?"},
    {"auth", "unlock", hg_ctl_unlock, "[USER] [--address A]", "let who failed too often try again"},
    {"sessions", NULL, hg_ctl_sessions, "", "list sessions"},
    {"operations", NULL, hg_ctl_operations, "", "list statements and metadata calls"},
    {"endpoints", NULL, hg_ctl_endpoints, "", "list endpoints and how they stand"},
    {"pools", NULL, hg_ctl_pools, "", "list pools"},
    {"users", NULL, hg_ctl_users, "", "list users who have sessions"},
    {"limits", NULL, hg_ctl_limits, "", "what is used of each limit"},
    {"config", NULL, hg_ctl_config, "", "the configuration in effect"},
    {"top", NULL, hg_ctl_top, "", "a live view"},
    {"kill", "operation", hg_ctl_kill_operation, "ID", "cancel a statement"},
    {"kill", "session", hg_ctl_kill_session, "ID", "end a session"},
    {"kill", "user", hg_ctl_kill_user, "USER", "end all sessions of a user"},
    {"drain", "endpoint", hg_ctl_drain, "ENDPOINT", "send no new sessions there"},
    {"undrain", "endpoint", hg_ctl_undrain, "ENDPOINT", "send new sessions there again"},
    {"pause", "pool", hg_ctl_pause, "POOL", "let no session be opened there"},
    {"resume", "pool", hg_ctl_resume, "POOL", "let sessions be opened there again"},
    {"reload", NULL, hg_ctl_reload, "", "read users and certificates again"},
    {"audit", "migrate", hg_audit_migrate, "--postgres CONNINFO", "make or update the schema"},
    {"audit", "search", hg_audit_search, "[FILTER...]", "find events in database and spool"},
    {"audit", "verify", hg_audit_verify, "[OPTION...]", "was anything changed or removed?"},
    {"audit", "status", hg_audit_status, "[OPTION...]", "what spool and database hold"},
    {"audit", "archive", hg_audit_archive, "--to WHERE --older TIME", "write days into an archive"},
    {"audit", "restore", hg_audit_restore, "--from WHERE --day DAY", "bring an archived day back"},
    {"audit", "hold", hg_audit_hold, "add|list|release", "days that must not be dropped"},
    {"audit", "key", hg_audit_key, "new|show|pseudonyms FILE", "keys of the audit"},
    {"audit", "pseudonym", hg_audit_pseudonym, "--key FILE NAME", "what a name is in the audit"},
    {"audit", "prune", hg_audit_prune, "--keep TIME", "drop days that are older"},
    {"sql", "tokens", hg_sql_tokens, "[--engine ENGINE]", "the tokens of statements (JSON lines)"},
    {"sql", "inspect", hg_sql_inspect, "[--engine ENGINE]", "what statements touch (JSON lines)"},
    {"sql", "rewrite", hg_sql_rewrite, "-p FILE -s FILE -u USER",
     "what policies make of statements (JSON lines)"},
    {"policy", "check", hg_policy_check, "-p FILE [-s FILE]", "is the policies file sound?"},
    {"policy", "test", hg_policy_test, "-p FILE -s FILE", "run the tests in a policies file"},
    {"policy", "explain", hg_policy_explain, "-p FILE -s FILE -u USER 'SQL'",
     "what would run for a user, and why?"},
};

/* The words of the command, as they are typed; g_free. */
static char *name_of(const Command *command)
{
    return command->verb != NULL ? g_strdup_printf("%s %s", command->noun, command->verb)
                                 : g_strdup(command->noun);
}

/* The list of commands: all, or those of one noun. */
static void print_help(FILE *out, const char *noun)
{
    fprintf(out, "Usage:\n  hivegatectl %s%sCOMMAND [OPTION...]\n\nCommands:\n",
            noun != NULL ? noun : "", noun != NULL ? " " : "");
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        const Command *command = &commands[i];
        if (noun != NULL && strcmp(noun, command->noun) != 0)
            continue;
        g_autofree char *name = name_of(command);
        g_autofree char *left = g_strdup_printf("%s %s", name, command->arguments);
        fprintf(out, "  %-32s  %s\n", left, command->text);
    }
    if (noun == NULL)
        fprintf(out, "  %-32s  %s\n  %-32s  %s\n", "version", "show the version", "help",
                "show this help");
    fprintf(out, "\nExamples:\n"
                 "  hivegatectl user add --file users.txt --group analysts alice\n"
                 "  hivegatectl user list --file users.txt\n"
                 "  hivegatectl auth test --config hivegate.yaml alice\n"
                 "  hivegatectl sessions\n"
                 "  hivegatectl kill session --help\n"
                 "\n"
                 "Exit codes: 0 success (or yes), 1 failure (or no), 2 wrong command line.\n");
}

static int refuse(const HgCtlStreams *streams, const char *what, const char *word)
{
    g_autofree char *quoted = hg_text_quote(hg_slice_from_string(word));
    fprintf(streams->err, "hivegatectl: %s %s; hivegatectl --help shows what there is\n", what,
            quoted);
    return EXIT_USAGE;
}

static gboolean is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* Runs a command on the arguments behind its words. */
static int run_command(const Command *command, int argc, char *const *argv,
                       const HgCtlStreams *streams)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) rest = g_new0(char *, (gsize)argc);
    g_autofree char *name = name_of(command);
    int words = command->verb != NULL ? 3 : 2; /* with the program's own */
    rest[0] = g_strdup_printf("hivegatectl %s", name);
    for (int i = words; i < argc; i++)
        rest[i - words + 1] = g_strdup(argv[i]);
    g_set_prgname(rest[0]); /* what the command's help calls itself */
    HgCtlResult result = command->run(streams, &rest, &error);
    switch (result) {
    case HG_CTL_FAILED:
        fprintf(streams->err, "hivegatectl: %s\n", error->message);
        return EXIT_FAILED;
    case HG_CTL_USAGE:
        fprintf(streams->err, "hivegatectl: %s; hivegatectl %s --help shows how\n", error->message,
                name);
        return EXIT_USAGE;
    case HG_CTL_NO:
        return EXIT_FAILED;
    case HG_CTL_DONE:
        break;
    }
    return 0;
}

/* The command of a noun that has no verbs; NULL when there is none. */
static const Command *find_single(const char *noun)
{
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        if (commands[i].verb == NULL && strcmp(commands[i].noun, noun) == 0)
            return &commands[i];
    return NULL;
}

static gboolean is_noun(const char *word)
{
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        if (strcmp(commands[i].noun, word) == 0)
            return TRUE;
    return FALSE;
}

int hg_ctl_run(int argc, char *const *argv, const HgCtlStreams *streams)
{
    if (argc < 2) {
        print_help(streams->err, NULL);
        return EXIT_USAGE;
    }
    const char *noun = argv[1];
    if (is_help(noun)) {
        print_help(streams->out, NULL);
        return 0;
    }
    if (strcmp(noun, "version") == 0 || strcmp(noun, "--version") == 0) {
        fprintf(streams->out, "hivegatectl %s\n", streams->version);
        return 0;
    }
    if (!is_noun(noun))
        return refuse(streams, "there is no command", noun);
    const Command *single = find_single(noun);
    if (single != NULL)
        return run_command(single, argc, argv, streams);
    if (argc < 3 || is_help(argv[2])) {
        print_help(argc < 3 ? streams->err : streams->out, noun);
        return argc < 3 ? EXIT_USAGE : 0;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        if (strcmp(commands[i].noun, noun) == 0 && g_strcmp0(commands[i].verb, argv[2]) == 0)
            return run_command(&commands[i], argc, argv, streams);
    g_autofree char *what = g_strdup_printf("there is no command %s", noun);
    return refuse(streams, what, argv[2]);
}
