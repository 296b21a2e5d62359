/* The event that says which configuration, or which set of policies, took effect.
 *
 * It holds the text, its hash, and the difference to the one before as lines with "-" and "+" in
 * front. PostgreSQL keeps them in hivegate.config_set and hivegate.config_load, also when the event
 * itself was dropped. Pure; any thread. */
#pragma once

#include "audit/event.h"

typedef struct HgConfigEvent HgConfigEvent;

/* `what` ("configuration", "policies"), the text that took effect and the one before (NULL: none)
 * are borrowed for its life. */
HgConfigEvent *hg_config_event_new(const char *what, HgSlice text, const HgSlice *before);
void hg_config_event_free(HgConfigEvent *event);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgConfigEvent, hg_config_event_free)

/* Makes *out the event; the caller sets its stamp and, as principal, who loaded it. What it shows
 * is borrowed from `event`. */
void hg_config_event_fill(const HgConfigEvent *event, HgAuditEvent *out);

/* The lines that differ, each with "-" (only before) or "+" (only after) and its line end, in
 * order; where the texts differ in too many lines, all of those. Free with g_free. */
char *hg_config_difference(HgSlice before, HgSlice after);
