/* A set of endpoints as a source of discovery found them: immutable, counted, in a fixed order.
 *
 * A set never holds one address and port twice. Sources make sets on their own threads; whoever has
 * a reference may read it on any thread. */
#pragma once

#include <glib.h>

#define HG_ENDPOINT_SET_MAX 16384 /* endpoints; a source that finds more keeps its last set */

/* One replica of a backend. An open value; the texts belong to the set that holds it. */
typedef struct {
    char *host;       /* a literal address, or a name to be looked up when it is dialled */
    char *other_host; /* the address of the other family of the same instance, or NULL */
    char *name;       /* the name that it was found by (an SRV record's target), or NULL */
    char *instance;   /* what is new when another server has the address: "pod:UID", "node:NAME",
                         "zookeeper:CZXID"; NULL: the source doesn't know */
    char *zone;       /* or NULL */
    guint weight;     /* its share among those of the same priority; 0: next to nothing,
                         but an equal share when all are 0 (RFC 2782) */
    guint priority;   /* the lowest that works is used (SRV); else 0 */
    guint16 port;     /* never 0 */
    gboolean ready;   /* takes new sessions */
    gboolean serving; /* answers; may be TRUE while it is terminating */
    gboolean terminating; /* is about to end: no new sessions */
} HgEndpointInfo;

typedef struct HgEndpointSet HgEndpointSet;

/* Which addresses a source looks for. */
typedef enum {
    HG_FAMILY_ANY,  /* both; IPv4 comes first where one endpoint has both */
    HG_FAMILY_IPV4, /* only */
    HG_FAMILY_IPV6, /* only */
} HgFamily;

/* An info with copies of host and instance (which may be NULL), ready, serving, of weight 1. Free
 * it with hg_endpoint_info_free(), or give it to hg_endpoint_set_new(). */
HgEndpointInfo *hg_endpoint_info_new(const char *host, guint16 port, const char *instance);

/* Frees an info and its texts. NULL does nothing. */
void hg_endpoint_info_free(HgEndpointInfo *info);

/* An array for infos, which it owns: for hg_endpoint_set_new(). */
GPtrArray *hg_endpoint_infos_new(void);

/* Makes a set of an array of infos, which the set takes in any case. Of two with the same host and
 * port the better one stays: ready before serving before neither, and then the later in the array.
 * FALSE with HG_ERROR_LIMIT when there are more than HG_ENDPOINT_SET_MAX. */
gboolean hg_endpoint_set_new(GPtrArray *take_infos, HgEndpointSet **out, GError **error);

/* Takes another reference, and gives it back. Unref of NULL does nothing. Any thread. */
HgEndpointSet *hg_endpoint_set_ref(HgEndpointSet *set);
void hg_endpoint_set_unref(HgEndpointSet *set);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgEndpointSet, hg_endpoint_set_unref)

/* How many there are, and the one at `index`, ordered by host and port; borrowed. Any thread. */
guint hg_endpoint_set_count(const HgEndpointSet *set);
const HgEndpointInfo *hg_endpoint_set_get(const HgEndpointSet *set, guint index);

/* TRUE when both say the same of the same endpoints. Either may be NULL. Any thread. */
gboolean hg_endpoint_set_equal(const HgEndpointSet *a, const HgEndpointSet *b);
