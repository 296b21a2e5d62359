/* The source `static`: endpoints that the configuration names. */
#pragma once

#include "discovery/source.h"

typedef struct {
    const char *host; /* a name, an address, or the path of a Unix socket (with any port) */
    guint16 port;
    guint weight;
    const char *zone; /* NULL: none */
} HgStaticEndpoint;

/* A source that tells its one set when it starts; the endpoints are copied. A host with a port that
 * was named before is HG_ERROR_INVALID. */
gboolean hg_static_source_new(const HgStaticEndpoint *endpoints, gsize count, HgSource **out,
                              GError **error);
