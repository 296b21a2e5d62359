/* What a policy decision costs beside the parse alone: nanoseconds of CPU for each.
 *
 * usage: bench-policy-cost POLICIES SCHEMAS < statements, each ended by a NUL. Prints one line of
 * JSON. One thread. */
#include "app/policy_file.h"
#include "ctl/policy_schemas.h"
#include "policy/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SECONDS 2.0

typedef struct {
    GPtrArray *texts;
    HgSubject *subject;
    HgPolicySession session;
    gsize bytes; /* of what is written anew */
    gsize refused;
} Bench;

static double cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* All of standard input, cut at the NULs. */
static GPtrArray *read_statements(void)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
    char *text = NULL;
    size_t room = 0;
    while (getdelim(&text, &room, '\0', stdin) > 0)
        g_ptr_array_add(all, g_strdup(text));
    free(text);
    return all;
}

static void parse_one(Bench *bench, HgSlice text)
{
    hg_sql_tree_free(hg_sql_parse(text, &bench->session.options, NULL));
}

static void decide_one(Bench *bench, HgSlice text)
{
    g_auto(HgDecision) decision = {0};
    hg_policy_decide(bench->subject, &bench->session, text, &decision);
    bench->refused += decision.kind == HG_DECISION_REFUSED;
    bench->bytes += decision.sql != NULL ? strlen(decision.sql) : 0;
}

/* Nanoseconds per call, over rounds that fill the time. */
static double measure(Bench *bench, void (*call)(Bench *bench, HgSlice text), gsize *rounds)
{
    double began = cpu_now(), spent = 0;
    for (*rounds = 0; spent < SECONDS; ++*rounds) {
        for (guint i = 0; i < bench->texts->len; i++)
            call(bench, hg_slice_from_string(g_ptr_array_index(bench->texts, i)));
        spent = cpu_now() - began;
    }
    return spent * 1e9 / (double)(*rounds * bench->texts->len);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(HgDiagnostics) diagnostics = hg_diagnostics_new(argc > 1 ? argv[1] : "?");
    g_autoptr(HgPolicyFile) file = argc == 3 ? hg_policy_file_load(argv[1], diagnostics) : NULL;
    g_autoptr(HgSchemas) schemas = hg_schemas_new();
    if (file == NULL || !hg_policy_schemas_load(argv[2], schemas, &error)) {
        g_autofree char *said = hg_diagnostics_text(diagnostics);
        fprintf(stderr, "%s%s\n", said, error != NULL ? error->message : "");
        return 2;
    }
    HgIdentity identity = {.user = "bob"};
    Bench bench = {.texts = read_statements(),
                   .subject = hg_subject_new(file->set, schemas, &identity, 0),
                   .session = {.database = "tpcds", .nonce = "0123456789abcdef"}};
    gsize rounds;
    double parse = measure(&bench, parse_one, &rounds);
    double decide = measure(&bench, decide_one, &rounds);
    printf("{\"statements\": %u, \"parse_ns\": %.0f, \"decide_ns\": %.0f, \"refused\": %zu, "
           "\"bytes\": %zu}\n",
           bench.texts->len, parse, decide, bench.refused / rounds, bench.bytes / rounds);
    hg_subject_free(bench.subject);
    g_ptr_array_unref(bench.texts);
    return 0;
}
