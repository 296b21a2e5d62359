/* A closer ends a session on its endpoint after the client has left it.
 *
 * It cancels the statements that may still run and closes the session, on the session's own backend
 * connection when that is free, else on another one, because Spark serves one call at a time on a
 * connection. It gives up after a while: on a binary endpoint the broken connection then ends the
 * session itself, over HTTP the server's own idle time does. Worker's thread. */
#pragma once

#include "proxy/backend.h"
#include "proxy/session.h"

typedef struct HgWorker HgWorker;

/* Starts to close the session, of which it takes a reference. `take_backend` is its own connection,
 * which may be busy, or NULL; `take_operations` are those that it had (referenced by the array). */
void hg_closer_start(HgWorker *worker, HgSession *session, HgBackend *take_backend,
                     GPtrArray *take_operations);

/* Only cancels statements of the session, over another connection than its own: those that run, and
 * those that are killed. */
void hg_closer_cancel(HgWorker *worker, HgSession *session, GPtrArray *take_operations);
