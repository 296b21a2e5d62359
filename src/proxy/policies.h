/* The policies that the gateway enforces: the set in force, which a reload replaces, and what is
 * known of the endpoints' tables.
 *
 * A version is a set that was read from a file: immutable and counted. Any thread. */
#pragma once

#include "policy/set.h"
#include "proxy/schema_cache.h"

typedef struct HgPolicies HgPolicies;
typedef struct HgPolicyVersion HgPolicyVersion;

/* Plain values from the configuration; the texts are borrowed and outlive it. */
typedef struct {
    const char *user;     /* as whom tables are looked up, when users log in as themselves */
    guint schema_ttl;     /* ms for which what was learned of a table is believed */
    guint lookup_time;    /* ms that a statement waits for that */
    guint tables_at_most; /* that are remembered of an endpoint */
} HgPoliciesOptions;

/* Takes the set that is in force first. */
HgPolicies *hg_policies_new(const HgPoliciesOptions *options, HgPolicySet *take_set);

/* NULL is fine; versions may outlive it. */
void hg_policies_free(HgPolicies *policies);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgPolicies, hg_policies_free)

/* Puts another set in force, at once. FALSE when it is of the same version as the one that is: then
 * nothing changes. */
gboolean hg_policies_replace(HgPolicies *policies, HgPolicySet *take_set);

const HgPoliciesOptions *hg_policies_options(const HgPolicies *policies);
HgSchemaCache *hg_policies_schemas(HgPolicies *policies);

/* The version in force; the caller's reference. */
HgPolicyVersion *hg_policies_current(HgPolicies *policies);

/* TRUE when this version is still in force. */
gboolean hg_policies_is_current(HgPolicies *policies, const HgPolicyVersion *version);

const HgPolicySet *hg_policy_version_set(const HgPolicyVersion *version);
HgPolicyVersion *hg_policy_version_ref(HgPolicyVersion *version);
void hg_policy_version_unref(HgPolicyVersion *version); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgPolicyVersion, hg_policy_version_unref)
