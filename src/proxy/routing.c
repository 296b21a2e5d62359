/* Routing: see routing.h. Owns the counters from which shares are dealt out; they are atomics. */
#include "proxy/routing.h"

#include <stdatomic.h>
#include <time.h>

struct HgRouting {
    const HgRoute *routes;
    guint count;
    atomic_uint *turns; /* of each rule: sessions that met its other conditions */
};

HgRouting *hg_routing_new(const HgRoute *routes, guint count)
{
    HgRouting *routing = g_new0(HgRouting, 1);
    routing->routes = routes;
    routing->count = count;
    routing->turns = g_new0(atomic_uint, count + 1);
    return routing;
}

void hg_routing_free(HgRouting *routing)
{
    if (routing == NULL)
        return;
    g_free(routing->turns);
    g_free(routing);
}

gboolean hg_routing_is_set(const HgRouting *routing)
{
    return routing->count > 0;
}

static gboolean has(const char *const *list, const char *text)
{
    return list == NULL || (text != NULL && g_strv_contains(list, text));
}

/* `users` and `groups` are two ways to say who: either will do. */
static gboolean is_meant(const HgRoute *route, const HgRouteFacts *facts)
{
    if (route->users == NULL && route->groups == NULL)
        return TRUE;
    if (route->users != NULL && has(route->users, facts->user))
        return TRUE;
    for (gsize i = 0; route->groups != NULL && facts->groups != NULL && facts->groups[i] != NULL;
         i++)
        if (has(route->groups, facts->groups[i]))
            return TRUE;
    return FALSE;
}

static gboolean is_time(const HgRoute *route, guint minute)
{
    if (route->from == HG_ROUTE_ANY_TIME)
        return TRUE;
    if (route->from < route->until)
        return minute >= route->from && minute < route->until;
    return minute >= route->from || minute < route->until;
}

/* Steps through the parts of a hundred in an order that keeps any stretch of sessions even: 61 is
 * the hundred's golden section, and has no divisor in common with it. */
static gboolean is_in_share(HgRouting *routing, guint index)
{
    guint share = routing->routes[index].share;
    if (share >= HG_ROUTE_WHOLE)
        return TRUE;
    guint turn = atomic_fetch_add_explicit(&routing->turns[index], 1, memory_order_relaxed);
    return turn % HG_ROUTE_WHOLE * 61 % HG_ROUTE_WHOLE < share;
}

static gboolean holds(const HgRoute *route, const HgRouteFacts *facts)
{
    if ((route->asks_for != NULL) != (facts->asked != NULL))
        return FALSE;
    if (route->client != HG_ROUTE_CLIENT_ANY &&
        (route->client == HG_ROUTE_CLIENT_DATABRICKS) != facts->databricks)
        return FALSE;
    return has(route->asks_for, facts->asked) && has(route->databases, facts->database) &&
           has(route->listeners, facts->listener) && is_time(route, facts->minute) &&
           is_meant(route, facts);
}

const HgRoute *hg_routing_find(HgRouting *routing, const HgRouteFacts *facts)
{
    for (guint i = 0; i < routing->count; i++)
        if (holds(&routing->routes[i], facts) && is_in_share(routing, i))
            return &routing->routes[i];
    return NULL;
}

guint hg_routing_minute(void)
{
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    return (guint)(local.tm_hour * 60 + local.tm_min);
}
