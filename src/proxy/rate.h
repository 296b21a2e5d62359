/* How many connections an address may make: a bucket of tokens for each, filled at the set rate.
 *
 * A bucket holds the tokens of two seconds, so that a tool's handful of connections at once passes.
 * Buckets that are full are forgotten: memory goes by the addresses of the last seconds. For one
 * thread. */
#pragma once

#include "base/peer_address.h"

typedef struct HgRate HgRate;

/* `per_second` of one address; from 1. */
HgRate *hg_rate_new(guint per_second);
void hg_rate_free(HgRate *rate); /* NULL is fine */

/* TRUE when the address may have one more; it is counted then. `now` in ms of the monotonic clock.
 * Addresses that aren't IP always may. */
gboolean hg_rate_take(HgRate *rate, const HgPeerAddress *address, guint64 now);

/* Addresses that are remembered. */
guint hg_rate_size(const HgRate *rate);
