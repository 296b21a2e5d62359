/* Which policies mean an identity, and the memory of what they make of tables: see subject.h. */
#include "policy/subject.h"

#include "policy/name.h"

#include <string.h>

struct HgSubject {
    const HgPolicySet *set;
    const HgSchemas *schemas;
    const HgIdentity *identity;
    GPtrArray *policies;  /* of const HgPolicy: those that apply, most important first */
    GPtrArray *uncertain; /* those of which it can't be told, since something isn't known */
    guint capabilities;
    gboolean covered;
    gboolean misses_tables;
    gboolean misses_columns;
    GHashTable *accesses; /* const HgTable -> HgTableAccess */
};

static gboolean fits(const HgSubjects *subjects, const HgIdentity *identity)
{
    char **pair = subjects->attributes;
    if (hg_policy_glob_any(subjects->users, identity->user) ||
        hg_identity_in_group(identity, subjects->groups))
        return TRUE;
    for (; pair != NULL && pair[0] != NULL; pair += 2)
        if (hg_identity_has(identity, pair[0], pair[1]))
            return TRUE;
    return FALSE;
}

static gboolean applies(const HgPolicy *policy, const HgIdentity *identity)
{
    return (policy->everyone || fits(&policy->subjects, identity)) &&
           !fits(&policy->except, identity);
}

/* TRUE when whether the policy applies depends on what isn't known of the identity. */
static gboolean is_uncertain(const HgPolicy *policy, const HgIdentity *identity)
{
    const HgSubjects *subjects = &policy->subjects, *except = &policy->except;
    return (identity->groups_unknown && (subjects->groups != NULL || except->groups != NULL)) ||
           (identity->attributes_unknown &&
            (subjects->attributes != NULL || except->attributes != NULL));
}

static gboolean limits(const HgPolicy *policy)
{
    return policy->filter != NULL || policy->masks->len > 0 || policy->columns_allow != NULL ||
           policy->columns_deny != NULL || policy->deny != 0 || policy->refuse_copies;
}

static int by_priority(gconstpointer a, gconstpointer b, gpointer data)
{
    const HgPolicy *one = *(const HgPolicy *const *)a, *other = *(const HgPolicy *const *)b;
    const GPtrArray *order = data;
    if (one->priority != other->priority)
        return one->priority > other->priority ? -1 : 1;
    guint at = 0, behind = 0;
    g_ptr_array_find((GPtrArray *)order, one, &at);
    g_ptr_array_find((GPtrArray *)order, other, &behind);
    return at < behind ? -1 : at > behind;
}

static void sort(GPtrArray *policies)
{
    g_autoptr(GPtrArray) order = g_ptr_array_copy(policies, NULL, NULL);
    g_ptr_array_sort_with_data(policies, by_priority, order);
}

/* What there may be that a policy hides altogether. */
static void note_missing(HgSubject *subject, const HgPolicy *policy)
{
    subject->misses_tables |= (policy->deny & HG_ACTION_SELECT) != 0;
    subject->misses_columns |= policy->columns_allow != NULL || policy->columns_deny != NULL;
}

/* What a policy that applies means for everything but one table. */
static void take(HgSubject *subject, const HgPolicy *policy)
{
    g_ptr_array_add(subject->policies, (gpointer)policy);
    subject->capabilities |= policy->capabilities;
    subject->covered |= limits(policy);
    note_missing(subject, policy);
}

HgSubject *hg_subject_new(const HgPolicySet *set, const HgSchemas *schemas,
                          const HgIdentity *identity, gint64 now)
{
    HgSubject *subject = g_new0(HgSubject, 1);
    subject->set = set;
    subject->schemas = schemas;
    subject->identity = identity;
    subject->policies = g_ptr_array_new();
    subject->uncertain = g_ptr_array_new();
    subject->covered = !hg_policy_set_default_allow(set);
    subject->misses_tables = subject->covered;
    subject->accesses = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)hg_access_free);
    for (guint i = 0; i < hg_policy_set_count(set); i++) {
        const HgPolicy *policy = hg_policy_set_nth(set, i);
        if (now < policy->valid_from || now > policy->valid_until)
            continue;
        if (is_uncertain(policy, identity)) {
            g_ptr_array_add(subject->uncertain, (gpointer)policy);
            subject->covered = TRUE;
            note_missing(subject, policy);
        } else if (applies(policy, identity)) {
            take(subject, policy);
        }
    }
    sort(subject->policies);
    return subject;
}

const HgPolicySet *hg_subject_set(const HgSubject *subject)
{
    return subject->set;
}

const HgSchemas *hg_subject_schemas(const HgSubject *subject)
{
    return subject->schemas;
}

const HgIdentity *hg_subject_identity(const HgSubject *subject)
{
    return subject->identity;
}

gboolean hg_subject_is_covered(const HgSubject *subject)
{
    return subject->covered;
}

gboolean hg_subject_misses_tables(const HgSubject *subject)
{
    return subject->misses_tables;
}

gboolean hg_subject_misses_columns(const HgSubject *subject)
{
    return subject->misses_tables || subject->misses_columns;
}

gboolean hg_subject_can(const HgSubject *subject, guint capabilities)
{
    return (subject->capabilities & capabilities) == capabilities;
}

gboolean hg_subject_may_call(const HgSubject *subject, const char *function)
{
    for (guint i = 0; i < subject->policies->len; i++) {
        const HgPolicy *policy = g_ptr_array_index(subject->policies, i);
        if (hg_policy_glob_any(policy->functions, function))
            return TRUE;
    }
    return FALSE;
}

/* A table of which it can't be told who may see what. */
static void check_uncertain(const HgSubject *subject, HgTableAccess *access)
{
    gboolean elsewhere;
    for (guint i = 0; access->broken == NULL && i < subject->uncertain->len; i++) {
        const HgPolicy *policy = g_ptr_array_index(subject->uncertain, i);
        if (hg_policy_covers(policy, access->table, &elsewhere))
            access->broken = g_strdup_printf(
                "policy %s: the user's groups or attributes, on which it depends, aren't known",
                policy->name);
    }
}

HgTableAccess *hg_subject_access_new(const HgSubject *subject, const HgTable *table)
{
    HgRendering rendering = {
        .schemas = subject->schemas, .table = table, .identity = subject->identity};
    HgTableAccess *access = hg_access_new(subject->set, subject->policies, &rendering);
    check_uncertain(subject, access);
    if (table->is_view && access->broken == NULL && subject->covered &&
        !hg_policy_set_trusts(subject->set, table))
        access->broken = g_strdup("it is a view, and not among the trusted ones");
    return access;
}

const HgTableAccess *hg_subject_access(HgSubject *subject, const HgTable *table)
{
    HgTableAccess *access = g_hash_table_lookup(subject->accesses, table);
    if (access == NULL) {
        access = hg_subject_access_new(subject, table);
        g_hash_table_insert(subject->accesses, (gpointer)table, access);
    }
    return access;
}

void hg_subject_free(HgSubject *subject)
{
    if (subject == NULL)
        return;
    g_hash_table_unref(subject->accesses);
    g_ptr_array_unref(subject->policies);
    g_ptr_array_unref(subject->uncertain);
    g_free(subject);
}
