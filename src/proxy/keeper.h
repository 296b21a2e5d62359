/* The keeper: what has to end because its time is over.
 *
 * Sessions on an endpoint that is being drained (by an administrator, by its source, or because its
 * source doesn't name it any more) end at the pool's drain_timeout, and it says in the log when
 * such an endpoint is empty. Statements end at limits: run_time. It looks twice a second, on one
 * worker. */
#pragma once

#include <glib.h>

typedef struct HgWorker HgWorker;
typedef struct HgKeeper HgKeeper;

/* A keeper; it begins when it is started. */
HgKeeper *hg_keeper_new(HgWorker *worker);

/* Begins, and ends. The worker's thread. */
void hg_keeper_start(HgKeeper *keeper);
void hg_keeper_stop(HgKeeper *keeper);

/* Frees it once the worker's thread has ended. NULL is fine. */
void hg_keeper_free(HgKeeper *keeper);
