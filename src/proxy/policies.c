/* The set in force, under a lock: see policies.h. */
#include "proxy/policies.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct HgPolicyVersion {
    atomic_uint references;
    HgPolicySet *set;
};

struct HgPolicies {
    HgPoliciesOptions options;
    HgSchemaCache *schemas;
    pthread_mutex_t lock;
    HgPolicyVersion *current; /* under the lock */
};

static HgPolicyVersion *version_new(HgPolicySet *take_set)
{
    HgPolicyVersion *version = g_new0(HgPolicyVersion, 1);
    atomic_init(&version->references, 1);
    version->set = take_set;
    return version;
}

HgPolicyVersion *hg_policy_version_ref(HgPolicyVersion *version)
{
    atomic_fetch_add_explicit(&version->references, 1, memory_order_relaxed);
    return version;
}

void hg_policy_version_unref(HgPolicyVersion *version)
{
    if (version == NULL ||
        atomic_fetch_sub_explicit(&version->references, 1, memory_order_acq_rel) != 1)
        return;
    hg_policy_set_free(version->set);
    g_free(version);
}

const HgPolicySet *hg_policy_version_set(const HgPolicyVersion *version)
{
    return version->set;
}

HgPolicies *hg_policies_new(const HgPoliciesOptions *options, HgPolicySet *take_set)
{
    HgPolicies *policies = g_new0(HgPolicies, 1);
    policies->options = *options;
    policies->schemas = hg_schema_cache_new(options->schema_ttl, options->tables_at_most);
    pthread_mutex_init(&policies->lock, NULL);
    policies->current = version_new(take_set);
    return policies;
}

void hg_policies_free(HgPolicies *policies)
{
    if (policies == NULL)
        return;
    hg_policy_version_unref(policies->current);
    hg_schema_cache_free(policies->schemas);
    pthread_mutex_destroy(&policies->lock);
    g_free(policies);
}

gboolean hg_policies_replace(HgPolicies *policies, HgPolicySet *take_set)
{
    pthread_mutex_lock(&policies->lock);
    HgPolicyVersion *old = policies->current;
    gboolean same = strcmp(hg_policy_set_version(old->set), hg_policy_set_version(take_set)) == 0;
    if (!same)
        policies->current = version_new(take_set);
    pthread_mutex_unlock(&policies->lock);
    if (same)
        hg_policy_set_free(take_set);
    else
        hg_policy_version_unref(old);
    return !same;
}

const HgPoliciesOptions *hg_policies_options(const HgPolicies *policies)
{
    return &policies->options;
}

HgSchemaCache *hg_policies_schemas(HgPolicies *policies)
{
    return policies->schemas;
}

HgPolicyVersion *hg_policies_current(HgPolicies *policies)
{
    pthread_mutex_lock(&policies->lock);
    HgPolicyVersion *version = hg_policy_version_ref(policies->current);
    pthread_mutex_unlock(&policies->lock);
    return version;
}

gboolean hg_policies_is_current(HgPolicies *policies, const HgPolicyVersion *version)
{
    pthread_mutex_lock(&policies->lock);
    gboolean current = policies->current == version;
    pthread_mutex_unlock(&policies->lock);
    return current;
}
