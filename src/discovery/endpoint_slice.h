/* EndpointSlices of Kubernetes: read from JSON, and merged into endpoints.
 *
 * The facts are from the API reference of discovery.k8s.io/v1 (staging/src/k8s.io/api/discovery/v1/
 * types.go of Kubernetes 1.34) and from the page "EndpointSlices" of its documentation. Pure; any
 * thread. */
#pragma once

#include "base/slice.h"
#include "discovery/endpoint_set.h"

#include <jansson.h>

typedef struct HgEndpointSlice HgEndpointSlice;

/* Which of a Service's ports is meant. */
typedef struct {
    const char *name; /* NULL: any name */
    guint16 number;   /* 0: any number; it is the port of the pod, not of the Service */
    HgFamily family;
} HgSlicePort;

/* Reads an object of kind EndpointSlice (in a list, its kind may be missing). HG_ERROR_INVALID says
 * what is wrong with which slice. Unknown fields are passed over. */
gboolean hg_endpoint_slice_read(const json_t *object, HgEndpointSlice **out, GError **error);

/* Frees it. NULL does nothing. */
void hg_endpoint_slice_free(HgEndpointSlice *slice);

/* metadata.name of it; borrowed. */
const char *hg_endpoint_slice_name(const HgEndpointSlice *slice);

/* The endpoints of all slices (of HgEndpointSlice) of one Service. An address that is in several is
 * taken once, the better conditions winning; the two addresses of one pod of a dual-stack Service
 * become one endpoint. *remark says what was left out (g_free), or is NULL. HG_ERROR_INVALID when
 * there are endpoints, but none has the port that is wanted. */
gboolean hg_endpoint_slices_merge(const GPtrArray *slices, const HgSlicePort *port,
                                  GPtrArray **infos, char **remark, GError **error);
