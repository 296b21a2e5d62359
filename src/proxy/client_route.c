/* Routing a client's session: see client_route.h. Worker's thread only. */
#include "proxy/client_route.h"

#include "base/error.h"
#include "base/text.h"
#include "hs2/open.h"

/* No rule takes the session: says what it asked for, so that the user can tell why. */
static void refuse(const HgRouteFacts *facts, GError **error)
{
    if (facts->asked != NULL) {
        g_autofree char *asked = hg_text_quote(hg_slice_from_string(facts->asked));
        g_set_error(error, HG_ERROR, HG_ERROR_DENIED,
                    "hivegate: no rule lets user %s into pool %s, which " HG_VARIABLE_POOL
                    " asks for; leave the variable out or name another pool.",
                    facts->user, asked);
        return;
    }
    g_autofree char *database =
        facts->database != NULL ? hg_text_quote(hg_slice_from_string(facts->database)) : NULL;
    g_set_error(
        error, HG_ERROR, HG_ERROR_DENIED,
        "hivegate: no rule says which pool a session of user %s%s%s by listener %s goes to; "
        "an operator can add one (routing).",
        facts->user, database != NULL ? " with database " : "", database != NULL ? database : "",
        facts->listener);
}

gboolean hg_client_route(HgGateway *gateway, const HgRouteQuery *query, HgPool **pool,
                         HgPool **fallback, GError **error)
{
    HgRouting *routing = hg_gateway_routing(gateway);
    g_auto(HgOpenWishes) wishes = {0};
    *pool = hg_gateway_pool(gateway);
    *fallback = NULL;
    if (!hg_routing_is_set(routing))
        return TRUE;
    if (!hg_open_read_wishes(query->request, query->message, &wishes, error))
        return FALSE;
    HgRouteFacts facts = {.user = query->user,
                          .groups = query->principal != NULL ? hg_principal_groups(query->principal)
                                                             : NULL,
                          .database = wishes.database,
                          .listener = query->listener,
                          .asked = wishes.pool,
                          .databricks = query->databricks,
                          .minute = hg_routing_minute()};
    const HgRoute *route = hg_routing_find(routing, &facts);
    if (route == NULL) {
        refuse(&facts, error);
        return FALSE;
    }
    *pool = hg_gateway_pool_at(gateway, route->pool);
    if (route->fallback != HG_ROUTE_NO_POOL)
        *fallback = hg_gateway_pool_at(gateway, route->fallback);
    return TRUE;
}
