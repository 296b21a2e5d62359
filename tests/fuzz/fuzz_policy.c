/* Fuzz target: policies and the rewriting by them.
 *
 * Input: a policies file, a NUL, and a statement; without a NUL, a statement under policies that
 * are always the same. Neither crashes; a file gives a set or says what is wrong; what is rewritten
 * reads again, and its protected tables stand only inside derived tables. */
#include "app/policy_file.h"
#include "fuzz.h"
#include "policy/decide.h"
#include "sql/parser.h"
#include "sql/scope.h"
#include "sql/walk.h"

#define NONCE "zq9"

static const char fixed[] =
    "default_access: allow\n"
    "policies:\n"
    "  - name: a\n"
    "    tables: [hr.emp]\n"
    "    row_filter: \"dept = {attr.dept}\"\n"
    "    masks: {ssn: MASK_SHOW_LAST_4, info.phone: MASK_NULL}\n"
    "    columns: {deny: [salary]}\n"
    "  - name: b\n"
    "    tables: [hr.orders]\n"
    "    reads: [hr.map]\n"
    "    row_filter: \"EXISTS (SELECT 1 FROM hr.map m WHERE m.usr = {user} AND m.r = region)\"\n"
    "  - name: c\n"
    "    tables: [hr.secret]\n"
    "    access: {all: deny}\n";

static void add(HgSchemas *schemas, const char *name, const char *const *columns)
{
    HgTable *table = hg_schemas_add(schemas, name, NULL);
    for (; *columns != NULL; columns += 2)
        hg_schemas_add_column(table, columns[0], columns[1], NULL);
}

static HgSchemas *make_schemas(void)
{
    HgSchemas *schemas = hg_schemas_new();
    add(schemas, "hr.emp",
        (const char *const[]){"id", "int", "ssn", "string", "salary", "int", "info",
                              "struct<phone:string,a:int>", "dept", "string", NULL});
    add(schemas, "hr.orders", (const char *const[]){"id", "int", "region", "string", NULL});
    add(schemas, "hr.map", (const char *const[]){"r", "string", "usr", "string", NULL});
    add(schemas, "hr.secret", (const char *const[]){"id", "int", NULL});
    add(schemas, "hr.t", (const char *const[]){"id", "int", "x", "string", NULL});
    return schemas;
}

/* A protected table as the text names it: only with the alias that nobody else has. */
static void check_reference(const HgSqlTree *tree, const HgSqlReference *reference)
{
    char **parts = hg_sql_reference_parts(tree, reference, NULL);
    FUZZ_CHECK(parts != NULL);
    guint count = g_strv_length(parts);
    char *last = g_ascii_strdown(parts[count - 1], -1);
    gboolean limited = g_str_equal(last, "emp") || g_str_equal(last, "orders");
    FUZZ_CHECK(reference->cte != NULL || count == 3 || !limited);
    FUZZ_CHECK(count != 3 || !g_str_equal(last, "secret"));
    if (reference->role == HG_SQL_ROLE_READ && count == 3 && limited) {
        guint32 at = reference->alias != NULL ? reference->alias->first : 0;
        char *alias =
            reference->alias != NULL ? hg_sql_tree_part(tree, reference->alias, &at) : NULL;
        FUZZ_CHECK(alias != NULL && g_str_equal(alias, "p_" NONCE));
        g_free(alias);
    }
    g_free(last);
    g_strfreev(parts);
}

/* What leaves reads again, and reads what it should. `exact` is for the fixed policies. */
static void check_text(const char *sql, const HgSqlOptions *options, gboolean exact)
{
    HgSqlTree *tree = hg_sql_parse(hg_slice_from_string(sql), options, NULL);
    FUZZ_CHECK(tree != NULL);
    HgSqlScope *scope = hg_sql_scope_new(tree, FALSE);
    guint kind = hg_sql_tree_root(tree)->detail;
    gboolean shows = kind == HG_SQL_STATEMENT_DESCRIBE || kind == HG_SQL_STATEMENT_SHOW;
    for (gsize i = 0; exact && !shows && i < hg_sql_scope_count(scope); i++) {
        const HgSqlReference *reference = hg_sql_scope_at(scope, i);
        if (reference->role == HG_SQL_ROLE_READ)
            check_reference(tree, reference);
    }
    hg_sql_scope_free(scope);
    hg_sql_tree_free(tree);
}

static void decide(const HgPolicySet *set, HgSlice text, HgSqlEngine engine, gboolean exact)
{
    static const char *const groups[] = {"staff", NULL};
    static const char *const attributes[] = {"dept", "i't", NULL};
    HgIdentity identity = {.user = "bob", .groups = groups, .attributes = attributes};
    HgSchemas *schemas = make_schemas();
    HgSubject *subject = hg_subject_new(set, schemas, &identity, 0);
    HgPolicySession session = {.database = "hr", .options = {.engine = engine}, .nonce = NONCE};
    HgDecision decision;
    hg_policy_decide(subject, &session, text, &decision);
    FUZZ_CHECK((decision.kind == HG_DECISION_REFUSED) == (decision.sql == NULL));
    FUZZ_CHECK((decision.kind == HG_DECISION_REFUSED) == (decision.reason != NULL));
    if (decision.sql != NULL && hg_subject_is_covered(subject))
        check_text(decision.sql, &session.options, exact);
    hg_decision_clear(&decision);
    hg_subject_free(subject);
    hg_schemas_free(schemas);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HgSlice all = fuzz_copy(hg_slice(data, size));
    const guint8 *end = size > 0 ? memchr(all.data, 0, all.size) : NULL;
    HgSlice file = end != NULL ? hg_slice(all.data, (gsize)(end - all.data))
                               : hg_slice(fixed, sizeof fixed - 1);
    HgSlice text = end != NULL ? hg_slice(end + 1, all.size - file.size - 1) : all;
    HgDiagnostics *diagnostics = hg_diagnostics_new("policies.yaml");
    HgPolicyFile *policies = hg_policy_file_parse("policies.yaml", file, diagnostics);
    FUZZ_CHECK((policies == NULL) == (hg_diagnostics_errors(diagnostics) > 0));
    FUZZ_CHECK(policies != NULL || end != NULL);
    if (policies != NULL) {
        decide(policies->set, text, HG_SQL_SPARK_35, end == NULL);
        decide(policies->set, text, HG_SQL_SPARK_40, end == NULL);
    }
    hg_policy_file_free(policies);
    hg_diagnostics_free(diagnostics);
    fuzz_free(all);
    return 0;
}
