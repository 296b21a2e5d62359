/* From what an issuer says of a token's owner to a principal: the rules that a token's claims, or
 * the answer of a token server, have to meet, and which of them name the user, the groups and the
 * attributes. Pure: the time is given; any thread. */
#pragma once

#include "auth/principal.h"
#include "auth/token.h"

#include <jansson.h>

/* One attribute of the principal and the claim that it is taken from. */
typedef struct {
    const char *name;
    const char *claim;
} HgClaimAttribute;

/* A claim that must have one of these values. */
typedef struct {
    const char *claim;
    const char *const *values;
    guint n_values;
} HgClaimRequirement;

/* Lists end where their counts say; claims are named as hg_json_find() reads them. */
typedef struct {
    const char *const *audience; /* one of them is in `aud`; none: not looked at */
    guint n_audience;
    const char *const *authorized_parties; /* one of them is `azp` or `client_id`; none: likewise */
    guint n_authorized_parties;
    const char *const *required_scopes; /* all are in `scope` or `scp` */
    guint n_required_scopes;
    const HgClaimRequirement *required_claims;
    guint n_required_claims;
    const char *user_claim;
    const char *user_pattern; /* NULL: the claim is the name */
    const char *groups_claim; /* NULL: nobody knows the groups */
    const HgClaimAttribute *attributes;
    guint n_attributes;
    gint64 clock_skew_ms;
} HgClaimsConfig;

typedef struct HgClaimsRules HgClaimsRules;

/* Rules with copies of everything. Fails with HG_ERROR_INVALID when a claim can't name anything or
 * the pattern is of no use: it is a regular expression (PCRE) that the whole claim has to match,
 * and whose first group, if it has one, is the name. */
gboolean hg_claims_rules_new(const HgClaimsConfig *config, HgClaimsRules **out, GError **error);
void hg_claims_rules_free(HgClaimsRules *rules); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgClaimsRules, hg_claims_rules_free)

/* Checks `exp`, `nbf` and `iat` at `now` (seconds since 1970). *good_until is the second from which
 * the token is expired, skew and all; 0 when there is no `exp`, which is refused when it is
 * `needed`. */
gboolean hg_claims_check_times(const HgClaimsRules *rules, const json_t *claims, gint64 now,
                               gboolean needed, gint64 *good_until, HgTokenRefusal *refusal);

/* Checks that it isn't a refresh token, and audience, authorized party, scopes and required claims.
 */
gboolean hg_claims_check(const HgClaimsRules *rules, json_t *claims, HgTokenRefusal *refusal);

/* The principal. Groups that can't be a group's name are left out (no policy can name them); when
 * the claim isn't there, or is something else than texts, the groups are unknown. With `email` as
 * the user claim, `email_verified` may not be false. */
gboolean hg_claims_principal(const HgClaimsRules *rules, json_t *claims, const char *realm,
                             HgPrincipal **out, HgTokenRefusal *refusal);
