/* Tables and policies for the tests: see world.h. */
#include "world.h"

#include <check.h>
#include <string.h>

static void add(HgSchemas *schemas, const char *name, ...) G_GNUC_NULL_TERMINATED;

/* Column, type, column, type, ..., NULL. */
static void add(HgSchemas *schemas, const char *name, ...)
{
    HgTable *table = hg_schemas_add(schemas, name, NULL);
    const char *column;
    va_list args;
    ck_assert_ptr_nonnull(table);
    va_start(args, name);
    while ((column = va_arg(args, const char *)) != NULL)
        ck_assert(hg_schemas_add_column(table, column, va_arg(args, const char *), NULL));
    va_end(args);
    table->is_view = g_str_has_suffix(name, ".v");
}

HgSchemas *world_schemas(void)
{
    HgSchemas *schemas = hg_schemas_new();
    add(schemas, "hr.emp", "id", "int", "name", "string", "ssn", "string", "salary", "decimal(9,2)",
        "dept", "string", NULL);
    add(schemas, "hr.orders", "id", "int", "region", "string", "amount", "double", "note", "string",
        NULL);
    add(schemas, "hr.map", "region", "string", "usr", "string", NULL);
    add(schemas, "hr.info", "id", "int", "card",
        "struct<no:string,holder:struct<name:string,mail:string>>", "list", "array<string>", NULL);
    add(schemas, "hr.v", "id", "int", NULL);
    add(schemas, "spark_catalog.pub.t", "id", "int", "x", "string", NULL);
    add(schemas, "lake.hr.emp", "id", "int", "dept", "string", NULL);
    return schemas;
}

HgPolicy *world_policy(const char *name, const char *tables)
{
    HgPolicy *policy = hg_policy_new(name, 1);
    g_auto(GStrv) patterns = g_strsplit(tables != NULL ? tables : "", ",", -1);
    if (tables != NULL)
        ck_assert(hg_policy_set_tables(policy, patterns, NULL));
    return policy;
}

void world_filter(HgPolicy *policy, const char *text, const char *reads)
{
    g_autoptr(GError) error = NULL;
    policy->reads = reads != NULL ? g_strsplit(reads, ",", -1) : NULL;
    policy->filter = hg_expression_parse(text, policy->reads, &error);
    ck_assert_msg(policy->filter != NULL, "%s", error != NULL ? error->message : "");
}

void world_mask(HgPolicy *policy, const char *column, const char *mask)
{
    HgMaskKind kind = HG_MASK_SQL;
    gboolean named = hg_mask_kind(mask, &kind);
    HgMaskRule *rule = hg_mask_rule_new(column, kind);
    if (!named)
        rule->expression = hg_expression_parse(mask, NULL, NULL);
    ck_assert(named || rule->expression != NULL);
    g_ptr_array_add(policy->masks, rule);
}

void world_user(HgPolicy *policy, const char *user)
{
    policy->everyone = FALSE;
    policy->subjects.users = g_new0(char *, 2);
    policy->subjects.users[0] = g_strdup(user);
}

char *world_decide(const HgPolicySet *set, const HgSchemas *schemas, const char *user,
                   const char *sql)
{
    static const char *const groups[] = {"staff", "it's", NULL};
    static const char *const attributes[] = {"dept", "it", "many", "a", "many", "b", NULL};
    HgIdentity identity = {.user = user, .groups = groups, .attributes = attributes};
    g_autoptr(HgSubject) subject = hg_subject_new(set, schemas, &identity, 1000);
    HgPolicySession session = {.database = "hr", .nonce = "7"};
    g_auto(HgDecision) decision = {0};
    hg_policy_decide(subject, &session, hg_slice_from_string(sql), &decision);
    if (decision.kind != HG_DECISION_REFUSED) {
        ck_assert_ptr_null(decision.reason);
        return g_strdup(decision.sql);
    }
    ck_assert_ptr_null(decision.sql);
    const char *what = strstr(decision.reason, ": ");
    return g_strdup_printf("refused: %s", what != NULL ? what + 2 : decision.reason);
}
