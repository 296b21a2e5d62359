/* Routing: which pool a new session goes to.
 *
 * Rules are looked at in order; the first whose conditions all hold decides. A session that names a
 * pool in the variable hivegate.pool meets only rules that say so in `asks_for`: who asks for a
 * pool that they may not have gets an error, not another pool. Rules never change; a rule's share
 * is dealt out by a counter, so that it is kept over any stretch of sessions. */
#pragma once

#include <glib.h>

#define HG_ROUTE_ANY_TIME G_MAXUINT
#define HG_ROUTE_NO_POOL  G_MAXUINT
#define HG_ROUTE_DAY      (24 * 60) /* minutes */
#define HG_ROUTE_WHOLE    100       /* percent */

typedef enum {
    HG_ROUTE_CLIENT_ANY,
    HG_ROUTE_CLIENT_HIVE,       /* speaks as Hive's clients do */
    HG_ROUTE_CLIENT_DATABRICKS, /* of Databricks' family (hs2/dialect.h) */
} HgRouteClient;

/* A rule; lists end with NULL, and NULL for a list means whatever there is. */
typedef struct {
    const char *const *users; /* whom the session runs as; or, of `groups`, one of their groups */
    const char *const *groups;
    const char *const *databases; /* the one asked for when the session is opened */
    const char *const *listeners;
    const char *const *asks_for; /* the value of hivegate.pool */
    HgRouteClient client;
    guint share; /* percent of the sessions that meet the other conditions */
    guint from;  /* minute of the local day; HG_ROUTE_ANY_TIME */
    guint until; /* the first minute after; before `from`: over midnight */
    guint pool;
    guint fallback; /* when that pool takes no sessions; HG_ROUTE_NO_POOL: none */
} HgRoute;

/* What is known of a session that is to be opened. Borrowed; NULL for what isn't there. */
typedef struct {
    const char *user;
    const char *const *groups;
    const char *database;
    const char *listener;
    const char *asked;
    gboolean databricks;
    guint minute; /* of the local day */
} HgRouteFacts;

typedef struct HgRouting HgRouting;

/* The rules, borrowed for as long as it lives. Frees nothing of them. */
HgRouting *hg_routing_new(const HgRoute *routes, guint count);
void hg_routing_free(HgRouting *routing); /* NULL is fine */

/* TRUE when there are rules. Any thread. */
gboolean hg_routing_is_set(const HgRouting *routing);

/* The rule that decides; NULL: none does. Any thread. */
const HgRoute *hg_routing_find(HgRouting *routing, const HgRouteFacts *facts);

/* The minute of the local day now, for the facts. Any thread. */
guint hg_routing_minute(void);
