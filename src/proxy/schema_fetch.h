/* Asking an endpoint for the columns of tables: with a session of hivegate's own, one statement
 * after the other, without holding up anybody but those who wait for the outcome.
 *
 * Of one endpoint a worker has one such asking at a time; who asks meanwhile waits for it and asks
 * again. What was learned goes into the schema cache. Worker's thread only. */
#pragma once

#include "proxy/worker.h"

typedef struct HgSchemaFetches HgSchemaFetches;

/* The name of an endpoint in the schema cache: another server at its address has another one.
 * g_free. */
char *hg_schema_place(const HgEndpoint *endpoint);

/* None yet; `worker` outlives it. Freed when none is under way. */
HgSchemaFetches *hg_schema_fetches_new(HgWorker *worker);
void hg_schema_fetches_free(HgSchemaFetches *fetches);

/* Somebody who waits; `told` is called once, on the worker's thread, never within the call that
 * asks: with `why` NULL when the asking is over, else with why it failed (borrowed, for a user). It
 * owns the struct from then on. */
typedef struct HgSchemaWaiter HgSchemaWaiter;
struct HgSchemaWaiter {
    void (*told)(HgSchemaWaiter *waiter, const char *why);
};

/* Asks for these keys (catalog.database.name, folded) and, with `engine`, for the endpoint's
 * version. Takes the waiter. */
void hg_schema_fetch(HgSchemaFetches *fetches, HgEndpoint *endpoint, const GPtrArray *keys,
                     gboolean engine, HgSchemaWaiter *take_waiter);
