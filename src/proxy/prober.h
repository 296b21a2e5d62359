/* Probes: whether endpoints answer, found out before a user does.
 *
 * Each endpoint of a pool with probes has a connection with one kept session, on which GetInfo is
 * asked every now and then, with a deadline of its own. Only when that is in doubt (the connection
 * broke, the session isn't known any more) a session is opened anew. What fails or is silent is
 * ejected until a probe, or a user's session, succeeds. All probes live on one worker: they are few
 * and small. */
#pragma once

#include <glib.h>

typedef struct HgWorker HgWorker;
typedef struct HgProber HgProber;

/* A prober for the pools that have probes; it begins when it is started. */
HgProber *hg_prober_new(HgWorker *worker);

/* Begins to probe, and ends: the sessions are closed, for which the worker's end waits. The
 * worker's thread. */
void hg_prober_start(HgProber *prober);
void hg_prober_stop(HgProber *prober);

/* Frees it once the worker's thread has ended. NULL is fine. */
void hg_prober_free(HgProber *prober);
