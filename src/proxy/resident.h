/* Sessions that don't end with a connection: those that were opened over HTTP.
 *
 * Such a session lives with the worker that opened it, which holds the backend connection that the
 * server ties it to, and lends it to one call at a time. It ends when its client closes it, when
 * nothing was asked of it for a while, or with the gateway. Worker's thread, but for
 * hg_residents_forget(). */
#pragma once

#include "proxy/session.h"
#include "proxy/worker.h"

typedef struct HgResidents HgResidents;

/* No residents yet; `worker` outlives it. */
HgResidents *hg_residents_new(HgWorker *worker);

/* Frees what hg_residents_end() has emptied. NULL is fine. */
void hg_residents_free(HgResidents *residents);

/* Takes in a session that was opened on `take_backend` and is counted in the quota. */
void hg_residents_add(HgResidents *residents, HgSession *session, HgBackend *take_backend);

/* The session's own connection for one call, whose owner is then the caller: NULL when the session
 * isn't of this worker, or its connection is lent already. */
HgBackend *hg_residents_borrow(HgResidents *residents, HgSession *session,
                               const HgBackendEvents *events, void *owner);

/* The connection comes back: NULL when it was lost, and the session with it. A call that is still
 * under way on it goes on; what it answers is thrown away, and an operation that it begins closed.
 */
void hg_residents_return(HgResidents *residents, HgSession *session, HgBackend *take_backend);

/* The session was closed: lets go of its connection and its place in the quota, on whichever worker
 * it is. Any worker's thread. */
void hg_residents_forget(HgSession *session);

/* The session is lost to its client, who is told why by every further call, and closed on its
 * endpoint. TRUE when it is here and was open. */
gboolean hg_residents_kill(HgResidents *residents, HgSession *session, const char *why);

/* The work (hg_session_work()) of all sessions here. */
guint hg_residents_work(HgResidents *residents);

/* Ends all sessions: they are closed on their endpoints. */
void hg_residents_end(HgResidents *residents, const char *why);
