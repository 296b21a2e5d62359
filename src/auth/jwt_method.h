/* The method `jwt`: signed tokens of issuers that are trusted, checked here with their public keys.
 * See method.h for the threads. */
#pragma once

#include "auth/claims.h"
#include "auth/issuer.h"
#include "auth/method.h"
#include "auth/token_login.h"

typedef struct {
    HgIssuerConfig keys;
    const char *const *algorithms; /* names; none: all that there are */
    guint n_algorithms;
    HgClaimsConfig claims;
} HgJwtIssuerConfig;

typedef struct {
    const HgJwtIssuerConfig *issuers;
    guint n_issuers;
    HgTokenLoginConfig login; /* without a pattern: a JWT is known by its form */
} HgJwtMethodConfig;

typedef struct HgJwtMethod HgJwtMethod;

/* The method's object, for hg_jwt_method(). Reads key files; fetches nothing, but its issuers'
 * threads begin to. `config` is only read during the call. */
gboolean hg_jwt_method_new(const HgJwtMethodConfig *config, HgJwtMethod **out, GError **error);

/* Its functions; static. */
const HgMethodTable *hg_jwt_method(void);

/* What stands with the keys of each issuer, a line each, for the operator. Free with g_free. Any
 * thread. */
char *hg_jwt_method_describe(const HgJwtMethod *method);

/* The parts of a configuration that concern one issuer, checked without a file or the network. */
gboolean hg_jwt_method_check(const HgJwtIssuerConfig *config, GError **error);
