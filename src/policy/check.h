/* Does a set of policies fit the tables that it is about? Pure; any thread. */
#pragma once

#include "policy/subject.h"

/* Called for each thing that doesn't fit. */
typedef void (*HgPolicyProblemFunc)(const HgPolicy *policy, const char *what, gpointer data);

/* Looks at each policy with each table that it covers: columns exist, expressions can be rendered,
 * masks keep something. Returns how many problems there are. */
guint hg_policy_set_check(const HgPolicySet *set, const HgSchemas *schemas,
                          HgPolicyProblemFunc problem, gpointer data);
