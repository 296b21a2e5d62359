/* What the methods for tokens share: which credentials they look at, whose token a client may
 * bring, and how a refusal becomes the answer to the chain. Immutable; any thread.
 *
 * A password must never reach a token server: from clients that don't say Bearer only what matches
 * a pattern is a token. */
#pragma once

#include "auth/method.h"
#include "auth/token.h"

typedef struct {
    const char *token_pattern;   /* NULL: without Bearer nothing is a token */
    const char *const *any_user; /* names that say nothing; none: hg_token_any_user() */
    guint n_any_user;
} HgTokenLoginConfig;

typedef struct HgTokenLogin HgTokenLogin;

/* The names that clients send when the token alone says who it is: "anonymous" (Hive's JDBC without
 * a user), "token" (dbt, the drivers of Databricks), "bearer", "jwt". NULL-terminated; static. */
const char *const *hg_token_any_user(void);

/* The pattern is a regular expression (PCRE) that the whole secret has to match. */
gboolean hg_token_login_new(const HgTokenLoginConfig *config, HgTokenLogin **out, GError **error);
void hg_token_login_free(HgTokenLogin *login); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgTokenLogin, hg_token_login_free)

/* TRUE when the secret may go to a token server: it is Bearer or matches the pattern, and is of
 * visible ASCII (RFC 6750, 2.1) and at most 16 KiB. */
gboolean hg_token_login_takes(const HgTokenLogin *login, const HgCredentials *credentials);

/* TRUE when the client may be `principal` under the name that it gave: none, one that says nothing,
 * or the user's own (in any case: the token is what counts). */
gboolean hg_token_login_check_name(const HgTokenLogin *login, const HgCredentials *credentials,
                                   const HgPrincipal *principal, HgTokenRefusal *refusal);

/* Fills `out`: DENIED, with "`who`: why" and what the client may hear. */
void hg_token_login_deny(HgLogin *out, const char *who, const HgTokenRefusal *refusal);

/* Fills `out`: UNAVAILABLE, with "`who`: why"; the client hears that it may try again. */
void hg_token_login_unavailable(HgLogin *out, const char *who, const char *why);

/* Fills `out`: ACCEPTED. */
void hg_token_login_accept(HgLogin *out, HgPrincipal *take_principal, gint64 good_until);
