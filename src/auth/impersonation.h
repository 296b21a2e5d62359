/* Who may run sessions as whom: rules from the configuration.
 *
 * Without a rule that says so nobody may act as anybody else. Immutable; any thread. */
#pragma once

#include "auth/principal.h"

typedef struct HgImpersonation HgImpersonation;

/* Whom a rule is about, and whom they may act as. NULL, or a list of no members, matches nobody;
 * lists end with NULL. Patterns are regular expressions (PCRE) that the whole name has to match. */
typedef struct {
    const char *realm;             /* of the principal; NULL: any */
    const char *principal;         /* its name, */
    const char *principal_group;   /* or a group that it is in, */
    const char *principal_pattern; /* or a pattern of its name */
    const char *const *users;      /* names that it may act as, */
    const char *const *groups;     /* or members of groups, */
    const char *pattern;           /* or names of a pattern */
} HgImpersonationRule;

typedef enum {
    HG_IMPERSONATION_ALLOWED,
    HG_IMPERSONATION_REFUSED,
    HG_IMPERSONATION_LOOK_UP, /* it depends on what is known of the other user */
} HgImpersonationVerdict;

/* Makes the rules; what they point to is copied. Fails when a pattern can't be read. */
gboolean hg_impersonation_new(const HgImpersonationRule *rules, guint n_rules,
                              HgImpersonation **out, GError **error);
void hg_impersonation_free(HgImpersonation *impersonation); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgImpersonation, hg_impersonation_free)

/* May `who` act as `other`? A name that a rule lists is allowed as it stands there. LOOK_UP: find
 * out what the other user is called and which groups they are in, and ask one of the next
 * functions: patterns are about names as the directory writes them, or DORA would be somebody else
 * than dora. */
HgImpersonationVerdict hg_impersonation_check(const HgImpersonation *impersonation,
                                              const HgPrincipal *who, const char *other);

/* May `who` act as `other`, who was looked up? Groups that nobody knows match no rule. */
gboolean hg_impersonation_check_known(const HgImpersonation *impersonation, const HgPrincipal *who,
                                      const HgPrincipal *other);

/* May `who` act as `other`, a name that nobody knows or can tell anything of? By a pattern only. */
gboolean hg_impersonation_check_unknown(const HgImpersonation *impersonation,
                                        const HgPrincipal *who, const char *other);
