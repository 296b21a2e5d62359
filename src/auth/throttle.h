/* Slows down, and then refuses, whoever fails to log in again and again.
 *
 * Failures are counted per user name (in whatever spelling) and address together, so that nobody
 * can lock somebody else out from afar, and, when wanted, per address alone. Bounded; what failed
 * longest ago goes first. Any thread. */
#pragma once

#include "base/peer_address.h"

typedef struct HgThrottle HgThrottle;

typedef struct {
    guint delay_after;          /* failures of a user from an address that cost nothing */
    guint refuse_after;         /* failures of a user from an address; 0 = never refused */
    guint address_refuse_after; /* failures from an address, whoever it says it is; 0 = never */
    gint64 window_ms;           /* failures are forgotten when none came for so long */
    gint64 refuse_for_ms;       /* from the last failure on */
} HgThrottleConfig;

/* Nobody has failed yet. */
HgThrottle *hg_throttle_new(const HgThrottleConfig *config);
void hg_throttle_free(HgThrottle *throttle); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgThrottle, hg_throttle_free)

/* Seconds for which a login of the user from the address is still refused without being looked at;
 * 0: it may be checked. `address` is the client's; its port doesn't count, and of an IPv6 address
 * only the /64. `now_us` is monotonic. */
guint hg_throttle_refused(HgThrottle *throttle, const char *user, const HgPeerAddress *address,
                          gint64 now_us);

/* A login was checked and denied. Returns for how many milliseconds its answer should be kept
 * back. */
guint hg_throttle_failed(HgThrottle *throttle, const char *user, const HgPeerAddress *address,
                         gint64 now_us);

/* A login has succeeded: the user's failures from there are forgotten. */
void hg_throttle_succeeded(HgThrottle *throttle, const char *user, const HgPeerAddress *address);

/* Forgets all failures: everybody may try again. */
void hg_throttle_forget(HgThrottle *throttle);

/* Forgets failures of the user, of whoever comes from the address, or of the user from there; with
 * both NULL, all. Returns how many were forgotten: one for each user and address. */
guint hg_throttle_unlock(HgThrottle *throttle, const char *user, const HgPeerAddress *address);

/* Users and addresses that are refused at `now_us`. */
guint hg_throttle_refused_count(HgThrottle *throttle, gint64 now_us);
