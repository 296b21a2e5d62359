/* A worker: one thread, one loop, and the connections that live on it.
 *
 * It owns the loop, the scratch memory that its connections read into, and the idle backend
 * connections. Each function says whose thread it is for. */
#pragma once

#include "proxy/backend.h"
#include "proxy/backend_cache.h"
#include "proxy/gateway.h"

typedef struct HgWorker HgWorker;
typedef struct HgClient HgClient;
typedef struct HgResidents HgResidents;
typedef struct HgSchemaFetches HgSchemaFetches;

/* Starts a worker's thread; `index` tells the workers of a gateway apart. NULL with *error when the
 * kernel refuses. Main thread, as join and free. */
HgWorker *hg_worker_new(HgGateway *gateway, guint index, GError **error);

/* Waits for the thread's end; hg_worker_drain() comes before. */
void hg_worker_join(HgWorker *worker);

/* Frees a worker whose thread has been joined. NULL is fine. */
void hg_worker_free(HgWorker *worker);

/* Gives a connected client to the worker. FALSE when it is stopping: the caller keeps the socket.
 * Any thread. */
gboolean hg_worker_give(HgWorker *worker, guint listener, int take_fd);

/* Client connections that the worker has or was given. Any thread. */
guint hg_worker_load(const HgWorker *worker);

/* Lets what runs finish and ends the thread: idle clients go at once, busy ones when their
 * statements are closed, all of them after limits: shutdown_timeout. Any thread, once. */
void hg_worker_drain(HgWorker *worker);

/* ---- for what lives on the worker, on its thread ---- */

/* Borrowed; as long as the worker. hg_worker_loop(): any thread, to post to it. */
HgGateway *hg_worker_gateway(HgWorker *worker);
HgLoop *hg_worker_loop(HgWorker *worker);
const HgBackendContext *hg_worker_backend_context(HgWorker *worker);
HgBackendCache *hg_worker_backend_cache(HgWorker *worker);
HgMetricsShard *hg_worker_metrics(HgWorker *worker);
gboolean hg_worker_is_draining(const HgWorker *worker);

/* TRUE one time in 16: what is about to be done is measured. */
gboolean hg_worker_measures(HgWorker *worker);

/* While it is stopping: the work that was left, not long ago, of all sessions that don't end with a
 * connection, this worker's and the others'. */
guint hg_worker_work_left(const HgWorker *worker);

/* The name under which hivegate logs in at an endpoint for this user (HgPoolOptions.login). */
const char *hg_worker_login_name(const HgEndpoint *endpoint, const char *effective_user);

/* A connection for a user to an endpoint, the caller's: a kept one (*kept TRUE) or a new one. */
HgBackend *hg_worker_take_backend(HgWorker *worker, HgEndpoint *endpoint,
                                  const char *effective_user, const HgBackendEvents *events,
                                  void *owner, gboolean *kept);

/* Puts a client into the worker's books under a new id, which is written to `id` inside the client,
 * and takes it out. An id is never used twice. */
void hg_worker_add_client(HgWorker *worker, HgClient *client, guint64 *id);
void hg_worker_remove_client(HgWorker *worker, guint64 id);
HgClient *hg_worker_find_client(HgWorker *worker, guint64 id);

/* All clients; g_list_free(). */
GList *hg_worker_clients(HgWorker *worker);

/* The index of the worker that gave the id. Any thread. */
guint hg_worker_of_client(guint64 id);

/* The sessions that live with the worker (proxy/resident.h); borrowed. */
HgResidents *hg_worker_residents(HgWorker *worker);

/* Looking tables up for policies; borrowed, NULL when none are configured. */
HgSchemaFetches *hg_worker_schema_fetches(HgWorker *worker);

/* Counts such sessions, which the end of the worker waits for. */
void hg_worker_resident_began(HgWorker *worker);
void hg_worker_resident_ended(HgWorker *worker);

/* Counts closers, which the end of the worker waits for. */
void hg_worker_closer_started(HgWorker *worker);
void hg_worker_closer_ended(HgWorker *worker);
