/* What the kinds of sources are made of. Seen by src/discovery only. */
#pragma once

#include "discovery/source.h"

/* A kind: its work and its own part, `self`. */
typedef struct {
    const char *name;
    void (*run)(HgSource *source, void *self); /* on the thread, until the control is stopping */
    void (*free)(void *self);
} HgSourceKind;

/* A source that takes `take_self` in any case. */
gboolean hg_source_new(const HgSourceKind *kind, void *take_self, HgSource **out, GError **error);

/* Its control, for waiting. The source's thread. */
HgControl *hg_source_control(HgSource *source);

/* Takes in a set: it is the last one now, the listener hears of it when it says something new, and
 * the source is fresh, with `remark` (or NULL) for what was left out. The source's thread. */
void hg_source_publish(HgSource *source, HgEndpointSet *take_set, const char *remark);

/* Makes a set of the infos and publishes it; when that can't be done, the source becomes stale, and
 * FALSE is returned. The source's thread. */
gboolean hg_source_publish_infos(HgSource *source, GPtrArray *take_infos, const char *remark);

/* The source is stale because of `problem`; the last set stays. The source's thread. */
void hg_source_fail(HgSource *source, const char *problem);
