/* The commands about policies: see policy_command.h. Owns nothing; one thread. */
#include "ctl/policy_command.h"

#include "ctl/policy_inputs.h"
#include "policy/check.h"
#include "policy/name.h"
#include "sql/print.h"

#include <string.h>

/* ---- check ---- */

static void print_problem(const HgPolicy *policy, const char *what, gpointer data)
{
    const HgCtlStreams *streams = data;
    fprintf(streams->out, "line %u, policy %s: %s\n", policy->line, policy->name, what);
}

HgCtlResult hg_policy_check(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(HgPolicyInputs) inputs = {0};
    gboolean shown = FALSE;
    HgCtlResult result = hg_policy_inputs_read(
        streams, argv, HG_POLICY_TAKES_SCHEMAS | HG_POLICY_SCHEMAS_OPTIONAL,
        "Reads a policies file and says all that is wrong with it. With schemas it is checked\n"
        "against the tables, too: columns are there, masks fit their types.",
        "Example:\n  hivegatectl policy check --policies policies.yaml --schemas schemas.json\n",
        &inputs, &shown, error);
    if (result != HG_CTL_DONE || shown)
        return result;
    guint problems = inputs.has_schemas ? hg_policy_set_check(inputs.file->set, inputs.schemas,
                                                              print_problem, (gpointer)streams)
                                        : 0;
    if (problems > 0)
        return HG_CTL_NO;
    fprintf(streams->out, "%u policies, %u tests, version %s\n",
            hg_policy_set_count(inputs.file->set), inputs.file->tests->len,
            hg_policy_set_version(inputs.file->set));
    return HG_CTL_DONE;
}

/* ---- test ---- */

/* The nonce of tests: what becomes: is written with. */
#define TEST_NONCE "N"

/* A text as the printer spells it, so that spaces and quotes don't matter; to be freed. */
static char *canonical(const char *text, HgSqlEngine engine)
{
    HgSqlOptions options = {.engine = engine};
    g_autoptr(HgSqlTree) tree = hg_sql_parse(hg_slice_from_string(text), &options, NULL);
    return tree != NULL ? hg_sql_print(tree) : g_strdup(text);
}

/* NULL, or how the decision differs from what the test expects; to be freed. */
static char *difference(const HgPolicyTest *test, const HgDecision *decision, HgSqlEngine engine)
{
    g_autofree char *wanted = NULL, *found = NULL;
    switch (test->kind) {
    case HG_POLICY_TEST_REFUSED:
        if (decision->kind == HG_DECISION_REFUSED)
            return NULL;
        return g_strdup_printf("isn't refused but becomes: %s", decision->sql);
    case HG_POLICY_TEST_UNCHANGED:
        if (decision->kind == HG_DECISION_UNCHANGED)
            return NULL;
        break;
    case HG_POLICY_TEST_BECOMES:
        if (decision->kind == HG_DECISION_REFUSED)
            break;
        wanted = canonical(test->becomes, engine);
        found = canonical(decision->sql, engine);
        if (strcmp(wanted, found) == 0)
            return NULL;
        break;
    }
    if (decision->kind == HG_DECISION_REFUSED)
        return g_strdup_printf("is refused: %s", decision->reason);
    return g_strdup_printf("becomes: %s", decision->sql);
}

static gboolean run_test(const HgCtlStreams *streams, const HgPolicyInputs *inputs,
                         const HgPolicyTest *test)
{
    HgIdentity identity = {.user = test->user,
                           .groups = (const char *const *)test->groups,
                           .attributes = (const char *const *)test->attributes};
    g_autoptr(HgSubject) subject = hg_subject_new(inputs->file->set, inputs->schemas, &identity,
                                                  g_get_real_time() / G_USEC_PER_SEC);
    HgPolicySession session = {
        .database = test->database, .options = {.engine = inputs->engine}, .nonce = TEST_NONCE};
    g_auto(HgDecision) decision = {0};
    hg_policy_decide(subject, &session, hg_slice_from_string(test->sql), &decision);
    g_autofree char *wrong = difference(test, &decision, inputs->engine);
    if (wrong != NULL)
        fprintf(streams->out, "line %u: as %s, %s\n  %s\n", test->line, test->user, test->sql,
                wrong);
    return wrong == NULL;
}

HgCtlResult hg_policy_test(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(HgPolicyInputs) inputs = {0};
    gboolean shown = FALSE;
    guint failed = 0;
    HgCtlResult result = hg_policy_inputs_read(
        streams, argv, HG_POLICY_TAKES_SCHEMAS,
        "Runs the tests that stand under tests: in a policies file: as that user, that statement\n"
        "must become that text, stay unchanged, or be refused.",
        "Example of a test:\n"
        "  tests:\n"
        "    - {user: bob, groups: [analysts], sql: \"SELECT * FROM hr.pay\", expect: refused}\n"
        "\n"
        "Example:\n  hivegatectl policy test --policies policies.yaml --schemas schemas.json\n",
        &inputs, &shown, error);
    if (result != HG_CTL_DONE || shown)
        return result;
    for (guint i = 0; i < inputs.file->tests->len; i++)
        failed += !run_test(streams, &inputs, g_ptr_array_index(inputs.file->tests, i));
    fprintf(streams->out, "%u tests, %u failed\n", inputs.file->tests->len, failed);
    return failed == 0 ? HG_CTL_DONE : HG_CTL_NO;
}

/* ---- explain ---- */

static void explain_use(FILE *out, const char *text, const HgDecisionUse *use)
{
    guint line, column;
    const HgTableAccess *access = use->access;
    hg_policy_locate((const guint8 *)text, use->at, &line, &column);
    fprintf(out, "line %u, column %u: %s: %s\n", line, column, access->table->key,
            access->broken != NULL                        ? access->broken
            : !hg_access_allows(access, HG_ACTION_SELECT) ? "may not be read"
            : access->limited                             ? "is limited"
                                                          : "is seen as it is");
    for (guint i = 0; i < access->policies->len; i++) {
        const HgPolicy *policy = g_ptr_array_index(access->policies, i);
        fprintf(out, "  %s (line %u)", policy->name, policy->line);
        if (policy->filter != NULL)
            fprintf(out, ", %s rows: %s", policy->restrictive ? "only" : "also",
                    hg_expression_text(policy->filter));
        for (guint k = 0; k < policy->masks->len; k++)
            fprintf(out, ", masks %s",
                    ((const HgMaskRule *)g_ptr_array_index(policy->masks, k))->column);
        fputc('\n', out);
    }
}

static void explain(FILE *out, const char *text, const HgSubject *subject,
                    const HgDecision *decision)
{
    fprintf(out, "version   %s\nuser      %s\n", hg_policy_set_version(hg_subject_set(subject)),
            hg_subject_is_covered(subject) ? "policies limit what this user sees or does"
                                           : "no policy limits this user");
    for (guint i = 0; i < decision->uses->len; i++)
        explain_use(out, text, &g_array_index(decision->uses, HgDecisionUse, i));
    fprintf(out, "decision  %s\n", hg_decision_name(decision->kind));
    if (decision->reason != NULL)
        fprintf(out, "the user  %s\n", decision->reason);
    if (decision->detail != NULL)
        fprintf(out, "because   %s\n", decision->detail);
    if (decision->sql != NULL)
        fprintf(out, "runs      %s\n", decision->sql);
}

HgCtlResult hg_policy_explain(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(HgPolicyInputs) inputs = {0};
    gboolean shown = FALSE;
    HgCtlResult result = hg_policy_inputs_read(
        streams, argv, HG_POLICY_TAKES_SCHEMAS | HG_POLICY_TAKES_USER | HG_POLICY_TAKES_TEXT,
        "Says which policies apply to each table that a statement names, and the text that would\n"
        "run for the user.",
        "Example:\n"
        "  hivegatectl policy explain -p policies.yaml -s schemas.json -u bob -g analysts \\\n"
        "    -a dept=it 'SELECT * FROM hr.emp'\n",
        &inputs, &shown, error);
    if (result != HG_CTL_DONE || shown)
        return result;
    HgIdentity identity = hg_policy_inputs_identity(&inputs);
    g_autoptr(HgSubject) subject = hg_subject_new(inputs.file->set, inputs.schemas, &identity,
                                                  g_get_real_time() / G_USEC_PER_SEC);
    g_autofree char *nonce = inputs.nonce != NULL ? g_strdup(inputs.nonce) : hg_policy_nonce();
    HgPolicySession session = {.catalog = inputs.catalog,
                               .database = inputs.database,
                               .options = {.engine = inputs.engine},
                               .nonce = nonce};
    g_auto(HgDecision) decision = {0};
    hg_policy_decide(subject, &session, hg_slice_from_string(inputs.text), &decision);
    explain(streams->out, inputs.text, subject, &decision);
    return HG_CTL_DONE;
}
