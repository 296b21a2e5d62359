/* One policy of a policies file: see policy_file_private.h. */
#include "app/policy_file_private.h"
#include "base/text.h"
#include "policy/name.h"

#include <string.h>

/* A policy that is being read, with what has to wait for other keys. */
typedef struct {
    HgPolicy *policy;
    const HgYaml *filter;
    const HgYaml *masks;
    gboolean named;
    gboolean says; /* it does something */
} Draft;

static void wrong(HgPolicyReader *reader, const HgYaml *node, const char *key, const GError *error)
{
    hg_diagnostics_error(reader->diagnostics, node->mark, "%s: %s", key, error->message);
}

/* ---- who and what ---- */

static void read_name(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    Draft *draft = out;
    const char *text = hg_policy_read_text(reader, node);
    draft->named = TRUE;
    if (text == NULL)
        return;
    g_free(draft->policy->name);
    draft->policy->name = g_strdup(text);
    if (!g_hash_table_add(reader->names, draft->policy->name))
        hg_diagnostics_error(reader->diagnostics, node->mark, "there are two policies %s", text);
}

static void read_tables(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) patterns = hg_policy_read_list(reader, node);
    if (patterns != NULL && !hg_policy_set_tables(((Draft *)out)->policy, patterns, &error))
        wrong(reader, node, "tables", error);
}

static void read_users(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((HgSubjects *)out)->users = hg_policy_read_list(reader, node);
}

static void read_groups(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((HgSubjects *)out)->groups = hg_policy_read_list(reader, node);
}

static void read_attributes(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((HgSubjects *)out)->attributes = hg_policy_read_pairs(reader, node);
}

static const HgPolicyKey subject_keys[] = {
    {"users", read_users},
    {"groups", read_groups},
    {"attributes", read_attributes},
};

static void read_subjects(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    HgPolicy *policy = ((Draft *)out)->policy;
    policy->everyone = FALSE;
    hg_policy_read_map(reader, node, "subjects", subject_keys, G_N_ELEMENTS(subject_keys),
                       &policy->subjects);
    if (node->kind == HG_YAML_MAP && hg_yaml_size(node) == 0)
        hg_diagnostics_error(reader->diagnostics, node->mark,
                             "subjects: nobody is named; leave the key out to mean everybody");
}

static void read_except(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    hg_policy_read_map(reader, node, "except", subject_keys, G_N_ELEMENTS(subject_keys),
                       &((Draft *)out)->policy->except);
}

/* ---- what may be seen ---- */

static void keep_filter(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((Draft *)out)->filter = node;
}

static void keep_masks(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((Draft *)out)->masks = node;
}

static void read_columns_allow(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((HgPolicy *)out)->columns_allow = hg_policy_read_folded(reader, node);
}

static void read_columns_deny(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((HgPolicy *)out)->columns_deny = hg_policy_read_folded(reader, node);
}

static void read_columns(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    static const HgPolicyKey keys[] = {{"allow", read_columns_allow}, {"deny", read_columns_deny}};
    ((Draft *)out)->says = TRUE;
    hg_policy_read_map(reader, node, "columns", keys, G_N_ELEMENTS(keys), ((Draft *)out)->policy);
}

static void read_reads(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((Draft *)out)->policy->reads = hg_policy_read_folded(reader, node);
}

/* ---- what may be done ---- */

/* allow or deny behind an action. */
static void read_access_one(HgPolicyReader *reader, const HgYaml *key, const HgYaml *value,
                            HgPolicy *policy)
{
    guint bits = hg_action_bits(key->text);
    if (bits == 0) {
        g_autofree char *quoted = hg_text_quote(hg_slice_from_string(key->text));
        hg_diagnostics_error(reader->diagnostics, key->mark,
                             "access: there is no action %s; expected select, insert, update, "
                             "delete, write, create, alter, drop, ddl or all",
                             quoted);
    } else if (value->kind == HG_YAML_SCALAR && strcmp(value->text, "allow") == 0) {
        policy->allow |= bits;
    } else if (value->kind == HG_YAML_SCALAR && strcmp(value->text, "deny") == 0) {
        policy->deny |= bits;
    } else {
        hg_diagnostics_error(reader->diagnostics, value->mark, "access: expected allow or deny");
    }
}

static void read_access(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    Draft *draft = out;
    draft->says = TRUE;
    if (node->kind != HG_YAML_MAP) {
        hg_diagnostics_error(reader->diagnostics, node->mark,
                             "access: expected {select: allow, write: deny, ...}");
        return;
    }
    for (guint i = 0; i < hg_yaml_size(node); i++)
        read_access_one(reader, hg_yaml_key(node, i), hg_yaml_item(node, i), draft->policy);
}

static void read_capabilities(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    Draft *draft = out;
    g_auto(GStrv) names = hg_policy_read_list(reader, node);
    draft->says = TRUE;
    for (guint i = 0; names != NULL && names[i] != NULL; i++) {
        guint bits = hg_capability_bits(names[i]);
        draft->policy->capabilities |= bits;
        if (bits == 0) {
            g_autofree char *quoted = hg_text_quote(hg_slice_from_string(names[i]));
            hg_diagnostics_error(reader->diagnostics, node->mark,
                                 "capabilities: there is no %s; docs/policies.md lists them",
                                 quoted);
        }
    }
}

static void read_functions(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    ((Draft *)out)->says = TRUE;
    ((Draft *)out)->policy->functions = hg_policy_read_folded(reader, node);
}

static void read_copies(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    Draft *draft = out;
    const char *text = hg_policy_read_text(reader, node);
    draft->says = TRUE;
    draft->policy->refuse_copies = g_strcmp0(text, "allow") != 0;
    if (text != NULL && strcmp(text, "allow") != 0 && strcmp(text, "refuse") != 0)
        hg_diagnostics_error(reader->diagnostics, node->mark, "copies: expected allow or refuse");
}

static void read_priority(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    HgPolicy *policy = ((Draft *)out)->policy;
    if (node->kind != HG_YAML_SCALAR || !hg_text_parse_integer(node->text, &policy->priority, NULL))
        hg_diagnostics_error(reader->diagnostics, node->mark,
                             "priority: expected a whole number; higher ones come first");
}

static void read_time(HgPolicyReader *reader, const HgYaml *node, gint64 *out)
{
    const char *text = hg_policy_read_text(reader, node);
    g_autoptr(GDateTime) time = text != NULL ? g_date_time_new_from_iso8601(text, NULL) : NULL;
    if (time != NULL)
        *out = g_date_time_to_unix(time);
    else if (text != NULL)
        hg_diagnostics_error(reader->diagnostics, node->mark,
                             "expected a time with its zone, such as 2026-05-03T08:00:00Z");
}

static void read_from(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    read_time(reader, node, &((Draft *)out)->policy->valid_from);
}

static void read_until(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    read_time(reader, node, &((Draft *)out)->policy->valid_until);
}

/* For people; nothing depends on them. */
static void read_words(HgPolicyReader *reader, const HgYaml *node, gpointer out)
{
    g_strfreev(hg_policy_read_list(reader, node));
}

static const HgPolicyKey policy_keys[] = {
    {"name", read_name},           {"description", read_words}, {"labels", read_words},
    {"tables", read_tables},       {"subjects", read_subjects}, {"except", read_except},
    {"row_filter", keep_filter},   {"masks", keep_masks},       {"columns", read_columns},
    {"reads", read_reads},         {"access", read_access},     {"capabilities", read_capabilities},
    {"functions", read_functions}, {"copies", read_copies},     {"priority", read_priority},
    {"valid_from", read_from},     {"valid_until", read_until},
};

/* ---- expressions: they need to know what the policy reads ---- */

static HgExpression *parse(HgPolicyReader *reader, const HgYaml *node, const char *key,
                           const HgPolicy *policy)
{
    g_autoptr(GError) error = NULL;
    const char *text = hg_policy_read_text(reader, node);
    HgExpression *expression =
        text != NULL ? hg_expression_parse(text, policy->reads, &error) : NULL;
    if (error != NULL)
        wrong(reader, node, key, error);
    return expression;
}

static void read_filter_map(HgPolicyReader *reader, const HgYaml *node, HgPolicy *policy)
{
    for (guint i = 0; i < hg_yaml_size(node); i++) {
        const HgYaml *key = hg_yaml_key(node, i), *value = hg_yaml_item(node, i);
        const char *text = value->kind == HG_YAML_SCALAR ? value->text : "";
        if (strcmp(key->text, "sql") == 0)
            policy->filter = parse(reader, value, "row_filter", policy);
        else if (strcmp(key->text, "combine") == 0 && strcmp(text, "restrictive") == 0)
            policy->restrictive = TRUE;
        else if (strcmp(key->text, "combine") != 0 || strcmp(text, "permissive") != 0)
            hg_diagnostics_error(reader->diagnostics, key->mark,
                                 "row_filter: expected a condition, or {sql: condition, combine: "
                                 "permissive | restrictive}");
    }
}

static void read_filter(HgPolicyReader *reader, const HgYaml *node, HgPolicy *policy)
{
    if (node->kind == HG_YAML_MAP)
        read_filter_map(reader, node, policy);
    else
        policy->filter = parse(reader, node, "row_filter", policy);
    if (policy->filter == NULL && hg_diagnostics_errors(reader->diagnostics) == 0)
        hg_diagnostics_error(reader->diagnostics, node->mark, "row_filter: there is no condition");
}

static HgMaskRule *read_mask(HgPolicyReader *reader, const HgYaml *key, const HgYaml *value,
                             const HgPolicy *policy)
{
    HgMaskKind kind = HG_MASK_SQL;
    if (value->kind == HG_YAML_MAP && hg_yaml_size(value) == 1 &&
        hg_yaml_get(value, "sql") != NULL) {
        HgMaskRule *mask = hg_mask_rule_new(key->text, HG_MASK_SQL);
        mask->expression = parse(reader, hg_yaml_get(value, "sql"), key->text, policy);
        if (mask->expression == NULL)
            mask->kind = HG_MASK_NULL;
        return mask;
    }
    if (value->kind != HG_YAML_SCALAR || !hg_mask_kind(value->text, &kind)) {
        hg_diagnostics_error(reader->diagnostics, value->mark,
                             "masks: %s: expected MASK, MASK_SHOW_LAST_4, MASK_SHOW_FIRST_4, "
                             "MASK_HASH, MASK_NULL, MASK_NONE, MASK_DATE_SHOW_YEAR or {sql: ...}",
                             key->text);
        return NULL;
    }
    reader->uses_hash |= kind == HG_MASK_HASH;
    return hg_mask_rule_new(key->text, kind);
}

static void read_masks(HgPolicyReader *reader, const HgYaml *node, HgPolicy *policy)
{
    if (node->kind != HG_YAML_MAP) {
        hg_diagnostics_error(reader->diagnostics, node->mark,
                             "masks: expected {column: mask, ...}");
        return;
    }
    for (guint i = 0; i < hg_yaml_size(node); i++) {
        HgMaskRule *mask = read_mask(reader, hg_yaml_key(node, i), hg_yaml_item(node, i), policy);
        if (mask != NULL)
            g_ptr_array_add(policy->masks, mask);
    }
}

static void check(HgPolicyReader *reader, const HgYaml *node, const Draft *draft)
{
    const HgPolicy *policy = draft->policy;
    gboolean about_tables = draft->filter != NULL || draft->masks != NULL ||
                            policy->columns_allow != NULL || policy->columns_deny != NULL ||
                            policy->allow != 0 || policy->deny != 0 || policy->refuse_copies;
    if (!draft->named)
        hg_diagnostics_error(reader->diagnostics, node->mark, "the policy has no name");
    if (!draft->says && draft->filter == NULL && draft->masks == NULL)
        hg_diagnostics_error(reader->diagnostics, node->mark, "the policy says nothing");
    if (about_tables && policy->tables == NULL)
        hg_diagnostics_error(reader->diagnostics, node->mark,
                             "the policy names no tables; expected tables: [database.table]");
}

HgPolicy *hg_policy_read_policy(HgPolicyReader *reader, const HgYaml *node)
{
    g_autoptr(HgPolicy) policy = hg_policy_new("?", node->mark.line);
    Draft draft = {.policy = policy};
    if (!hg_policy_read_map(reader, node, "a policy", policy_keys, G_N_ELEMENTS(policy_keys),
                            &draft))
        return NULL;
    if (draft.filter != NULL)
        read_filter(reader, draft.filter, policy);
    if (draft.masks != NULL)
        read_masks(reader, draft.masks, policy);
    check(reader, node, &draft);
    return g_steal_pointer(&policy);
}
