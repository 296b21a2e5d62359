/* An OpenSession whose client has given it up, at an endpoint that ties no session to a connection
 * (HTTP): hanging up doesn't end what it may still open, so its answer is awaited and the session
 * closed. Worker's thread. */
#pragma once

#include "proxy/worker.h"

/* Takes a connection on which an OpenSession was sent (hg_backend_is_asked()). It is closed when
 * the session is, or after 10 s; the worker's end waits for that. */
void hg_orphan_start(HgWorker *worker, HgBackend *take_backend);
