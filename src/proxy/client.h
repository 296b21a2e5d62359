/* A client connection: one SQL client's connection, from its first byte to the end of its sessions.
 *
 * It belongs to one worker's thread. Requests are answered in order, one at a time; those that come
 * meanwhile wait. When it ends, its sessions end with it. */
#pragma once

#include "proxy/worker.h"

/* Takes a connected socket in. Frees itself when the connection ends. */
void hg_client_start(HgWorker *worker, guint listener, int take_fd);

/* Tells a client that the gateway is stopping: it ends now, or when what runs for it is done. */
void hg_client_drain(HgClient *client);

/* An administrator ends a session: when this client opened it, it is lost to the client and closed
 * on its endpoint (then TRUE, if it was open); a call of this client on it is answered with an
 * error. */
gboolean hg_client_kill_session(HgClient *client, HgSession *session, const char *why);

/* What a client waits for: a call that has no operation yet. */
typedef struct {
    HgSession *session; /* referenced */
    gint64 began_us;    /* by the monotonic clock */
    char *statement;    /* its beginning; NULL for a metadata call */
    const char *method; /* static */
} HgClientWait;

/* Fills *out, which the caller clears, when the client waits for such a call; else FALSE. */
gboolean hg_client_waits(HgClient *client, HgClientWait *out);
void hg_client_wait_clear(HgClientWait *wait);

/* Ends the client connection now; its sessions are closed on their endpoints. */
void hg_client_end(HgClient *client);
