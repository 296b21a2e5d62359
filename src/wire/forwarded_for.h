/* X-Forwarded-For: the addresses through which a request came, as each proxy on its way adds that
 * of whom it heard it from, behind those that came with it.
 *
 * What stands left of the first address that no trusted proxy wrote may be anybody's invention, so
 * the list is read from its right end. Pure functions over slices; any thread. */
#pragma once

#include "base/network.h"

#define HG_FORWARDED_HOPS_MAX 32 /* proxies that a request may have passed */

typedef enum {
    HG_FORWARDED_NONE,   /* there is no such header, or nothing in it */
    HG_FORWARDED_CLIENT, /* it says who the client is */
    HG_FORWARDED_BAD,    /* a trusted proxy has written something else than an address */
} HgForwarded;

/* Reads the X-Forwarded-For lines of a head (HgHttpHead.fields) that a trusted proxy has sent:
 * several lines are one list (RFC 9110, 5.3). *client gets the last address that isn't in
 * `trusted`, or the first of all when each is. On BAD *why gets a static text in words fit to be
 * sent back. *client is untouched on another result than CLIENT. An address may have a port, and
 * IPv6 brackets; what stands left of the client's isn't looked at. */
HgForwarded hg_forwarded_for_read(HgSlice fields, HgNetworks trusted, HgPeerAddress *client,
                                  const char **why) G_GNUC_WARN_UNUSED_RESULT;
