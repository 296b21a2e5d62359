/* Rewriting line by line: see sql_rewrite.h. One thread. */
#include "ctl/sql_rewrite.h"

#include "ctl/policy_inputs.h"
#include "ctl/sql_conf.h"

typedef struct {
    const HgPolicyInputs *inputs;
    HgSubject *subject;
} Rewriter;

static json_t *refusal(const HgSqlRequest *request, const char *reason)
{
    return json_pack("{s:O?, s:s, s:n, s:s, s:[]}", "id", request->id, "decision", "refused", "sql",
                     "reason", reason, "policies");
}

/* Settings that make a rewritten text mean something else. */
static const char *unsupported(const HgSqlRequest *request)
{
    if (hg_sql_conf_flag(request, "spark.sql.parser.quotedRegexColumnNames", FALSE))
        return "spark.sql.parser.quotedRegexColumnNames changes what names mean";
    if (hg_sql_conf_flag(request, "spark.sql.parser.escapedStringLiterals", FALSE))
        return "spark.sql.parser.escapedStringLiterals changes what strings mean";
    return hg_sql_conf_unsupported(request);
}

static json_t *answer(const HgSqlRequest *request, const char *wrong, gpointer data)
{
    if (wrong != NULL)
        return refusal(request, wrong);
    const Rewriter *rewriter = data;
    const HgPolicyInputs *inputs = rewriter->inputs;
    g_autofree char *nonce = inputs->nonce != NULL ? g_strdup(inputs->nonce) : hg_policy_nonce();
    HgPolicySession session = {.catalog = inputs->catalog,
                               .database = inputs->database,
                               .options = hg_sql_conf_options(request, inputs->engine),
                               .case_sensitive =
                                   hg_sql_conf_flag(request, "spark.sql.caseSensitive", FALSE),
                               .unsupported = unsupported(request),
                               .nonce = nonce};
    g_auto(HgDecision) decision = {0};
    hg_policy_decide(rewriter->subject, &session, request->text, &decision);
    json_t *policies = json_array();
    for (guint i = 0; i < decision.policies->len; i++)
        json_array_append_new(policies, json_string(g_ptr_array_index(decision.policies, i)));
    return json_pack("{s:O?, s:s, s:s?, s:s?, s:o}", "id", request->id, "decision",
                     hg_decision_name(decision.kind), "sql", decision.sql, "reason",
                     decision.reason, "policies", policies);
}

HgCtlResult hg_sql_rewrite(const HgCtlStreams *streams, char ***argv, GError **error)
{
    g_auto(HgPolicyInputs) inputs = {0};
    gboolean shown = FALSE;
    HgCtlResult result = hg_policy_inputs_read(
        streams, argv, HG_POLICY_TAKES_SCHEMAS | HG_POLICY_TAKES_USER,
        "Reads JSON lines {\"id\", \"sql\"} and writes what would run for the user:\n"
        "{\"id\", \"decision\": \"unchanged|rewritten|refused\", \"sql\", \"reason\", "
        "\"policies\"}.",
        "Example:\n"
        "  echo '{\"id\": 1, \"sql\": \"SELECT * FROM emp\"}' |\n"
        "    hivegatectl sql rewrite -p policies.yaml -s schemas.json -u bob -g analysts \\\n"
        "      -a dept=it -d hr\n",
        &inputs, &shown, error);
    if (result != HG_CTL_DONE || shown)
        return result;
    HgIdentity identity = hg_policy_inputs_identity(&inputs);
    g_autoptr(HgSubject) subject = hg_subject_new(inputs.file->set, inputs.schemas, &identity,
                                                  g_get_real_time() / G_USEC_PER_SEC);
    Rewriter rewriter = {.inputs = &inputs, .subject = subject};
    return hg_sql_answer_lines(streams, answer, &rewriter, error);
}
