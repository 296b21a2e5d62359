/* What a call makes whose client has given it up: a session at an endpoint that ties none to a
 * connection (HTTP), or an operation. Hanging up doesn't end it, and nobody else knows its handle,
 * so the answer is awaited and what it made is closed. Worker's thread. */
#pragma once

#include "proxy/worker.h"

/* Takes a connection on which a call was sent that gives a session or an operation
 * (hg_backend_is_asked()). It is closed when what the call made is, or after 10 s; the worker's end
 * waits for that. */
void hg_orphan_start(HgWorker *worker, HgBackend *take_backend);

/* From the reply callback of `backend`: closes what this reply to its last call has made. FALSE
 * when it has made nothing. TRUE: the closing call is sent, whose reply comes next; *sent is FALSE
 * when the memory ceiling kept it back. */
gboolean hg_orphan_close(HgBackend *backend, const HgReplyPiece *piece, gboolean *sent);
