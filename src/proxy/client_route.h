/* Which pool a client's session goes to, by the rules of routing. */
#pragma once

#include "auth/principal.h"
#include "hs2/request.h"
#include "proxy/gateway.h"

/* Who opens a session how; borrowed. */
typedef struct {
    const HgRequest *request; /* an OpenSession that is OK, over `message` */
    HgSlice message;
    const char *user;             /* whom it runs as */
    const HgPrincipal *principal; /* what is known of them; NULL: nothing */
    const char *listener;
    gboolean databricks;
} HgRouteQuery;

/* Finds the pool, and the one that takes its place while it takes no sessions (*fallback; NULL:
 * none). Without rules that is the one pool. An error is for the user. Worker's thread. */
gboolean hg_client_route(HgGateway *gateway, const HgRouteQuery *query, HgPool **pool,
                         HgPool **fallback, GError **error);
