/* Drives the method `ldap` for tests/auth: reads a file with what stands below authentication.ldap
 * in a configuration, makes the method from it, and answers one line of JSON to each line of input:
 *
 *   check NAME SECRET                  a login; words are percent-encoded, empty ones written "-"
 *   look-up NAME                       the principal without a login
 *   reload
 *   many THREADS COUNT NAME SECRET     COUNT logins in each of THREADS threads; how many verdicts
 *                                      of each kind, how many principals had another name, and
 *                                      why one was refused
 *
 * A configuration or files that can't be used: one line {"error": ...}, and status 3
 * (1 is what sanitizers end with). */
#include "app/config_read.h"
#include "app/config_yaml.h"
#include "app/options_rows.h"
#include "auth/ldap.h"
#include "base/text.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS_MOST 64

static const char *const verdicts[] = {"not mine", "accepted", "denied", "unavailable"};

static void append_text(GString *out, const char *text)
{
    HgSlice rest = hg_slice_from_string(text);
    char piece[HG_TEXT_ESCAPE_MAX];
    if (text == NULL) {
        g_string_append(out, "null");
        return;
    }
    g_string_append_c(out, '"');
    while (rest.size > 0)
        g_string_append_len(out, piece, (gssize)hg_text_escape_next(&rest, piece));
    g_string_append_c(out, '"');
}

static void append_list(GString *out, const char *name, const char *const *list)
{
    g_string_append_printf(out, ", \"%s\": ", name);
    if (list == NULL) {
        g_string_append(out, "null");
        return;
    }
    for (gsize i = 0; list[i] != NULL; i++) {
        g_string_append(out, i == 0 ? "[" : ", ");
        append_text(out, list[i]);
    }
    g_string_append(out, list[0] == NULL ? "[]" : "]");
}

static void append_principal(GString *out, const HgPrincipal *principal)
{
    g_string_append(out, ", \"realm\": ");
    append_text(out, hg_principal_realm(principal));
    g_string_append(out, ", \"name\": ");
    append_text(out, hg_principal_name(principal));
    append_list(out, "groups", hg_principal_groups(principal));
    append_list(out, "attributes", hg_principal_attributes(principal));
}

static void print_line(GString *take_line)
{
    puts(take_line->str);
    fflush(stdout);
    g_string_free(take_line, TRUE);
}

static void fail(const char *text)
{
    GString *line = g_string_new("{\"error\": ");
    append_text(line, text);
    g_string_append_c(line, '}');
    print_line(line);
}

static void check(HgLdap *ldap, const char *name, const char *secret, HgLogin *out)
{
    HgCredentials credentials = {.name = hg_slice_from_string(name),
                                 .secret = hg_slice_from_string(secret)};
    hg_ldap_method()->check(ldap, &credentials, out);
}

static void run_check(HgLdap *ldap, const char *name, const char *secret)
{
    g_auto(HgLogin) login = {0};
    gint64 begun = g_get_monotonic_time();
    check(ldap, name, secret, &login);
    gint64 took = (g_get_monotonic_time() - begun) / 1000;
    GString *line = g_string_new(NULL);
    g_string_printf(line, "{\"verdict\": \"%s\", \"ms\": %" G_GINT64_FORMAT ", \"why\": ",
                    verdicts[login.verdict], took);
    append_text(line, login.why);
    g_string_append(line, ", \"say\": ");
    append_text(line, login.say);
    if (login.principal != NULL)
        append_principal(line, login.principal);
    g_string_append_c(line, '}');
    print_line(line);
}

static void run_look_up(HgLdap *ldap, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HgPrincipal) principal = hg_ldap_method()->look_up(ldap, name, &error);
    GString *line = g_string_new("{\"error\": ");
    append_text(line, error != NULL ? error->message : NULL);
    g_string_append_printf(line, ", \"found\": %s", principal != NULL ? "true" : "false");
    if (principal != NULL)
        append_principal(line, principal);
    g_string_append_c(line, '}');
    print_line(line);
}

static void run_reload(HgLdap *ldap)
{
    g_autoptr(GError) error = NULL;
    hg_ldap_method()->reload(ldap, &error);
    GString *line = g_string_new("{\"error\": ");
    append_text(line, error != NULL ? error->message : NULL);
    g_string_append_c(line, '}');
    print_line(line);
}

typedef struct {
    HgLdap *ldap;
    const char *name;
    const char *secret;
    guint count;
    atomic_uint seen[4]; /* by verdict */
    atomic_uint others;  /* principals of another name */
    _Atomic(char *) why; /* of one that wasn't accepted */
} Crowd;

static void *run_one_of_many(void *data)
{
    Crowd *crowd = data;
    for (guint i = 0; i < crowd->count; i++) {
        g_auto(HgLogin) login = {0};
        check(crowd->ldap, crowd->name, crowd->secret, &login);
        atomic_fetch_add(&crowd->seen[login.verdict], 1);
        if (login.verdict != HG_VERDICT_ACCEPTED)
            g_free(atomic_exchange(&crowd->why, g_strdup(login.why)));
        if (login.principal != NULL && strcmp(hg_principal_name(login.principal), crowd->name) != 0)
            atomic_fetch_add(&crowd->others, 1);
    }
    return NULL;
}

static void run_many(HgLdap *ldap, char **words)
{
    guint threads = (guint)CLAMP(atoi(words[1]), 1, THREADS_MOST);
    Crowd crowd = {
        .ldap = ldap, .name = words[3], .secret = words[4], .count = (guint)MAX(atoi(words[2]), 1)};
    pthread_t running[THREADS_MOST];
    gint64 begun = g_get_monotonic_time();
    for (guint i = 0; i < threads; i++)
        if (pthread_create(&running[i], NULL, run_one_of_many, &crowd) != 0)
            abort();
    for (guint i = 0; i < threads; i++)
        pthread_join(running[i], NULL);
    GString *line = g_string_new("{");
    for (guint i = 0; i < G_N_ELEMENTS(verdicts); i++)
        g_string_append_printf(line, "\"%s\": %u, ", verdicts[i], atomic_load(&crowd.seen[i]));
    g_string_append_printf(line, "\"others\": %u, \"ms\": %" G_GINT64_FORMAT ", \"why\": ",
                           atomic_load(&crowd.others), (g_get_monotonic_time() - begun) / 1000);
    append_text(line, atomic_load(&crowd.why));
    g_string_append_c(line, '}');
    g_free(atomic_load(&crowd.why));
    print_line(line);
}

static void decode(char **words)
{
    for (gsize i = 0; words[i] != NULL; i++) {
        char *plain = g_uri_unescape_string(strcmp(words[i], "-") == 0 ? "" : words[i], NULL);
        g_free(words[i]);
        words[i] = plain != NULL ? plain : g_strdup("");
    }
}

static void answer(HgLdap *ldap, char *input)
{
    g_auto(GStrv) words = g_strsplit(g_strchomp(input), " ", -1);
    guint count = g_strv_length(words);
    decode(words);
    if (count == 3 && strcmp(words[0], "check") == 0)
        run_check(ldap, words[1], words[2]);
    else if (count == 2 && strcmp(words[0], "look-up") == 0)
        run_look_up(ldap, words[1]);
    else if (count == 1 && strcmp(words[0], "reload") == 0)
        run_reload(ldap);
    else if (count == 5 && strcmp(words[0], "many") == 0)
        run_many(ldap, words);
    else
        fail("no such command");
}

/* The method of the section in the file; NULL and what is wrong. */
static HgLdap *make(const char *path, char **wrong)
{
    g_autofree char *text = NULL;
    gsize size = 0;
    HgLdapConfig config = {0};
    HgLdap *ldap = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) owned = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new(path);
    g_autofree char *folder = g_path_get_dirname(path);
    HgConfigReader reader = {folder, diagnostics, owned};
    if (!g_file_get_contents(path, &text, &size, &error)) {
        *wrong = g_strdup(error->message);
        return NULL;
    }
    g_autoptr(HgYaml) root = hg_yaml_parse(hg_slice(text, size), diagnostics);
    if (root != NULL)
        hg_config_read(&reader, hg_option_ldap_section(), root, "", &config);
    if (hg_diagnostics_errors(diagnostics) > 0)
        *wrong = hg_diagnostics_text(diagnostics);
    else if (!hg_ldap_new(&config, &ldap, &error))
        *wrong = g_strdup(error->message);
    return ldap;
}

int main(int argc, char **argv)
{
    char input[4096];
    g_autofree char *wrong = NULL;
    signal(SIGPIPE, SIG_IGN);
    g_autoptr(HgLdap) ldap = argc == 2 ? make(argv[1], &wrong) : NULL;
    if (ldap == NULL) {
        fail(argc == 2 ? wrong : "usage: ldap-driver FILE");
        return 3;
    }
    while (fgets(input, sizeof input, stdin) != NULL)
        answer(ldap, input);
    return 0;
}
