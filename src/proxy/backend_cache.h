/* A worker's idle backend connections, kept for the next call that can use one.
 *
 * Kept are connections that hold no session any more (its CloseSession succeeded) or never held one
 * (those that carried a call from another client connection). The next OpenSession of the same user
 * on the same endpoint, or the next such call, saves a connect and a login. Few are kept, and not
 * for long: each costs the server a thread. Worker's thread. */
#pragma once

#include "proxy/backend.h"

typedef struct HgBackendCache HgBackendCache;

/* An empty cache. `context` outlives it. */
HgBackendCache *hg_backend_cache_new(const HgBackendContext *context);

/* Closes what is kept. NULL is fine. */
void hg_backend_cache_free(HgBackendCache *cache);

/* A kept connection to `endpoint` for `user`, now the owner's, or NULL. */
HgBackend *hg_backend_cache_take(HgBackendCache *cache, HgEndpoint *endpoint, const char *user,
                                 const HgBackendEvents *events, void *owner);

/* Keeps a connection that is free and clean; when there are enough, the oldest is closed for it. */
void hg_backend_cache_put(HgBackendCache *cache, HgBackend *take_backend);
