/* The policies in the order of their file: see set.h. Owns them. */
#include "policy/set.h"

#include "base/error.h"
#include "policy/name.h"

#include <string.h>

struct HgPolicySet {
    char *version;
    char *hash_key;
    gboolean default_allow;
    gboolean uses_time_zone;
    GPtrArray *policies; /* of HgPolicy, owned */
    HgPolicy *trusted;   /* its tables are the views that are trusted */
};

static void subjects_clear(HgSubjects *subjects)
{
    g_strfreev(subjects->users);
    g_strfreev(subjects->groups);
    g_strfreev(subjects->attributes);
}

static void mask_rule_free(gpointer data)
{
    HgMaskRule *mask = data;
    g_free(mask->column);
    g_strfreev(mask->path);
    hg_expression_free(mask->expression);
    g_free(mask);
}

HgPolicy *hg_policy_new(const char *name, guint line)
{
    HgPolicy *policy = g_new0(HgPolicy, 1);
    policy->name = g_strdup(name);
    policy->line = line;
    policy->everyone = TRUE;
    policy->masks = g_ptr_array_new_with_free_func(mask_rule_free);
    policy->valid_from = G_MININT64;
    policy->valid_until = G_MAXINT64;
    return policy;
}

void hg_policy_free(HgPolicy *policy)
{
    if (policy == NULL)
        return;
    subjects_clear(&policy->subjects);
    subjects_clear(&policy->except);
    hg_expression_free(policy->filter);
    g_ptr_array_unref(policy->masks);
    g_strfreev(policy->tables);
    g_free(policy->any_catalog);
    g_strfreev(policy->columns_allow);
    g_strfreev(policy->columns_deny);
    g_strfreev(policy->functions);
    g_strfreev(policy->reads);
    g_free(policy->name);
    g_free(policy);
}

HgMaskRule *hg_mask_rule_new(const char *column, HgMaskKind kind)
{
    HgMaskRule *mask = g_new0(HgMaskRule, 1);
    g_autofree char *folded = hg_policy_fold(column);
    mask->column = g_strdup(column);
    mask->path = g_strsplit(folded, ".", -1);
    mask->kind = kind;
    return mask;
}

/* Three parts from one, two or three. */
static char *full_pattern(const char *written, gboolean *any_catalog, GError **error)
{
    g_autofree char *folded = hg_policy_fold(written);
    g_auto(GStrv) parts = g_strsplit(folded, ".", -1);
    guint count = g_strv_length(parts);
    gboolean good = count == 2 || count == 3 || strcmp(folded, "*") == 0;
    for (guint i = 0; i < count; i++)
        good = good && *parts[i] != '\0' && strpbrk(parts[i], "`'\" ") == NULL;
    if (!good) {
        g_set_error(error, HG_ERROR, HG_ERROR_INVALID,
                    "%s names no tables; expected [catalog.]database.table, * allowed", written);
        return NULL;
    }
    *any_catalog = count == 2;
    if (count == 1)
        return g_strdup("*.*.*");
    return count == 3 ? g_strdup(folded) : g_strdup_printf("*.%s", folded);
}

gboolean hg_policy_set_tables(HgPolicy *policy, char *const *patterns, GError **error)
{
    guint count = g_strv_length((char **)patterns);
    policy->tables = g_new0(char *, count + 1);
    policy->any_catalog = g_new0(gboolean, count + 1);
    for (guint i = 0; i < count; i++) {
        policy->tables[i] = full_pattern(patterns[i], &policy->any_catalog[i], error);
        if (policy->tables[i] == NULL)
            return FALSE;
    }
    return TRUE;
}

HgPolicySet *hg_policy_set_new(const char *version, gboolean default_allow)
{
    HgPolicySet *set = g_new0(HgPolicySet, 1);
    set->version = g_strdup(version);
    set->default_allow = default_allow;
    set->policies = g_ptr_array_new_with_free_func((GDestroyNotify)hg_policy_free);
    set->trusted = hg_policy_new("trusted", 0);
    return set;
}

void hg_policy_set_take(HgPolicySet *set, HgPolicy *policy)
{
    if (policy->filter != NULL)
        set->uses_time_zone |= hg_expression_uses_time_zone(policy->filter);
    for (guint i = 0; i < policy->masks->len; i++) {
        const HgMaskRule *mask = g_ptr_array_index(policy->masks, i);
        set->uses_time_zone |= mask->kind == HG_MASK_YEAR;
        if (mask->expression != NULL)
            set->uses_time_zone |= hg_expression_uses_time_zone(mask->expression);
    }
    g_ptr_array_add(set->policies, policy);
}

gboolean hg_policy_set_trust(HgPolicySet *set, char *const *patterns, GError **error)
{
    return hg_policy_set_tables(set->trusted, patterns, error);
}

void hg_policy_set_hash_key(HgPolicySet *set, const char *key)
{
    g_free(set->hash_key);
    set->hash_key = g_strdup(key);
}

const char *hg_policy_set_version(const HgPolicySet *set)
{
    return set->version;
}

gboolean hg_policy_set_default_allow(const HgPolicySet *set)
{
    return set->default_allow;
}

const char *hg_policy_set_key(const HgPolicySet *set)
{
    return set->hash_key;
}

guint hg_policy_set_count(const HgPolicySet *set)
{
    return set->policies->len;
}

const HgPolicy *hg_policy_set_nth(const HgPolicySet *set, guint index)
{
    return g_ptr_array_index(set->policies, index);
}

gboolean hg_policy_set_uses_time_zone(const HgPolicySet *set)
{
    return set->uses_time_zone;
}

/* A part at a time: a * doesn't reach over a dot. */
static gboolean covers(const char *pattern, const HgTable *table)
{
    g_auto(GStrv) parts = g_strsplit(pattern, ".", 3);
    for (guint i = 0; i < 3; i++)
        if (!hg_policy_glob(parts[i], table->folded[i]))
            return FALSE;
    return TRUE;
}

gboolean hg_policy_covers(const HgPolicy *policy, const HgTable *table, gboolean *elsewhere)
{
    gboolean session = strcmp(table->folded[0], HG_POLICY_SESSION_CATALOG) == 0;
    *elsewhere = FALSE;
    for (guint i = 0; policy->tables != NULL && policy->tables[i] != NULL; i++) {
        if (!covers(policy->tables[i], table))
            continue;
        if (session || !policy->any_catalog[i]) {
            *elsewhere = FALSE;
            return TRUE;
        }
        *elsewhere = TRUE;
    }
    return *elsewhere;
}

gboolean hg_policy_set_trusts(const HgPolicySet *set, const HgTable *table)
{
    gboolean elsewhere;
    return hg_policy_covers(set->trusted, table, &elsewhere) && !elsewhere;
}

gboolean hg_policy_set_protects(const HgPolicySet *set, const HgTable *table)
{
    gboolean elsewhere;
    if (!set->default_allow)
        return TRUE;
    for (guint i = 0; i < set->policies->len; i++) {
        const HgPolicy *policy = g_ptr_array_index(set->policies, i);
        gboolean hides = policy->filter != NULL || policy->masks->len > 0 ||
                         policy->columns_allow != NULL || policy->columns_deny != NULL ||
                         (policy->deny & HG_ACTION_SELECT) != 0;
        if (hides && hg_policy_covers(policy, table, &elsewhere))
            return TRUE;
    }
    return FALSE;
}

gboolean hg_policy_set_reads(const HgPolicySet *set, const HgTable *table)
{
    g_autofree char *two = g_strdup_printf("%s.%s", table->folded[1], table->folded[2]);
    for (guint i = 0; i < set->policies->len; i++) {
        const HgPolicy *policy = g_ptr_array_index(set->policies, i);
        for (guint k = 0; policy->reads != NULL && policy->reads[k] != NULL; k++)
            if (strcmp(policy->reads[k], two) == 0 || strcmp(policy->reads[k], table->key) == 0)
                return TRUE;
    }
    return FALSE;
}

void hg_policy_set_missing_reads(const HgPolicySet *set, const HgSchemas *schemas,
                                 const GHashTable *absent, GPtrArray *out)
{
    for (guint i = 0; i < set->policies->len; i++) {
        const HgPolicy *policy = g_ptr_array_index(set->policies, i);
        for (guint k = 0; policy->reads != NULL && policy->reads[k] != NULL; k++) {
            const char *read = policy->reads[k];
            gboolean full = strchr(read, '.') != strrchr(read, '.');
            g_autofree char *key =
                full ? g_strdup(read) : g_strconcat(HG_POLICY_SESSION_CATALOG, ".", read, NULL);
            if (hg_schemas_find(schemas, key) == NULL &&
                !g_hash_table_contains((GHashTable *)absent, key) &&
                !g_ptr_array_find_with_equal_func(out, key, g_str_equal, NULL))
                g_ptr_array_add(out, g_steal_pointer(&key));
        }
    }
}

void hg_policy_set_free(HgPolicySet *set)
{
    if (set == NULL)
        return;
    g_ptr_array_unref(set->policies);
    hg_policy_free(set->trusted);
    g_free(set->version);
    g_free(set->hash_key);
    g_free(set);
}
