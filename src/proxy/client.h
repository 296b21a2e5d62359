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

/* Ends the client connection now; its sessions are closed on their endpoints. */
void hg_client_end(HgClient *client);
