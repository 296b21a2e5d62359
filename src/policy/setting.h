/* The settings of a session that users whom policies limit may change, by SET or when the session
 * is opened, and those that it must have. Pure; any thread. */
#pragma once

#include "policy/set.h"

/* TRUE when a user whom the set limits may set this key (folded): it changes how fast something
 * runs, never what it means. */
gboolean hg_policy_may_set(const HgPolicySet *set, const char *key);

/* TRUE for the key (folded) of the session's time zone, which may be set as long as no policy
 * depends on it. */
gboolean hg_policy_is_time_zone(const char *key);

/* TRUE for the key (folded) that says what double quotes mean, a string or a name. A text can be
 * read in two ways then, so it takes a grant to set it, whether a policy limits the user or not. */
gboolean hg_policy_is_quoting(const char *key);

/* What such a session is opened with, so that Spark reads texts as hivegate does: names and values
 * in turns, ending with NULL. Static. */
const char *const *hg_policy_pinned_settings(void);
