/* A source of discovery: says which endpoints a pool has, now and whenever that changes.
 *
 * There is a constructor for each kind (static_source.h, dns_source.h, kubernetes_source.h,
 * zookeeper_source.h). A started source has one control thread that does all the waiting; a
 * worker's loop is never involved. When the source is away, or what it says is wrong, the last set
 * stays in use and the standing says so. */
#pragma once

#include "discovery/control.h"
#include "discovery/endpoint_set.h"

typedef struct HgSource HgSource;

/* Who is told. All calls come on the source's thread, one after the other, from after
 * hg_source_start() began until hg_source_stop() returns; they must be short and may not stop the
 * source. A set that says the same as the last one isn't told again. */
typedef struct {
    void (*changed)(void *owner, HgEndpointSet *set);          /* borrowed; take a reference */
    void (*standing)(void *owner, const HgStanding *standing); /* borrowed; may be NULL */
    void *owner;
} HgSourceListener;

/* Begins to find endpoints; the listener is copied. Once only. */
gboolean hg_source_start(HgSource *source, const HgSourceListener *listener, GError **error);

/* Ends the thread, at once but for what its kind says, and waits for it. May be called again. Any
 * thread but the source's. */
void hg_source_stop(HgSource *source);

/* Stops and frees it. NULL does nothing. */
void hg_source_free(HgSource *source);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgSource, hg_source_free)

/* The kind's name: "static", "dns", "kubernetes", "zookeeper". Any thread. */
const char *hg_source_kind(const HgSource *source);

/* The last set, of which the caller gets a reference; NULL: there was none yet. Any thread. */
HgEndpointSet *hg_source_set(HgSource *source);

/* How it stands; clear it with hg_standing_clear(). Any thread. */
void hg_source_standing(HgSource *source, HgStanding *out);
