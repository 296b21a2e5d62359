/* The method `introspection`: tokens that a server is asked about (OAuth 2.0 Token Introspection,
 * RFC 7662). See method.h for the threads. */
#pragma once

#include "auth/claims.h"
#include "auth/token_login.h"
#include "auth/token_server.h"

typedef enum {
    HG_CLIENT_AUTH_BASIC, /* client id and secret in the Authorization header (RFC 6749, 2.3.1) */
    HG_CLIENT_AUTH_POST,  /* in the body */
} HgClientAuth;

typedef struct {
    const char *name; /* the realm of its users */
    HgTokenServerConfig server;
    HgClientAuth client_auth;
    const char *client_id;
    const char *client_secret_file; /* read again on reload, and when the server refuses it */
    const char *issuer;             /* what `iss` must be; NULL: not looked at */
    HgClaimsConfig claims;
    HgTokenLoginConfig login;
} HgIntrospectionConfig;

typedef struct HgIntrospection HgIntrospection;

/* The method's object, for hg_introspection_method(). Reads the secret; asks nobody. `config` is
 * only read during the call. */
gboolean hg_introspection_new(const HgIntrospectionConfig *config, HgIntrospection **out,
                              GError **error);

/* Its functions; static. */
const HgMethodTable *hg_introspection_method(void);
