/* What the tests of pools have in common. */
#pragma once

#include "cluster/pool.h"

/* The member of that index, borrowed from the pool. */
HgEndpoint *kit_endpoint(HgPool *pool, guint index);

/* Sets the pool's endpoints: "host=instance" (or just "host") each, with port 10000; a '!' in front
 * of one that terminates, a '?' in front of one that isn't ready. */
void kit_set(HgPool *pool, guint64 now, const char *const *hosts);

/* A pool of `count` endpoints h0, h1, … */
HgPool *kit_pool(HgBalancing balancing, guint count);

/* Frees a pool, and before that gives back whatever was chosen from it. */
void kit_free(HgPool *pool);

/* The most sessions that an endpoint has, for the mean. */
double kit_unevenness(HgPool *pool);
