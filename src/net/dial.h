/* A dial: one attempt to reach a host and port, without blocking the loop.
 *
 * A host that is no literal address is resolved on libuv's helper threads at every dial, so that an
 * endpoint's name may move. Its addresses are tried in order. Loop's thread. */
#pragma once

#include "net/loop.h"

typedef struct HgDial HgDial;

/* The outcome: a connected non-blocking socket that the callee owns, or -1 and a text (borrowed for
 * the call) such as "Connection refused". The dial is gone when it returns. */
typedef void (*HgDialDone)(void *owner, int take_fd, const char *problem);

/* Starts a dial to `host` (name or literal address; a path when it begins with '/') and `port`,
 * given up after `timeout` ms. `done` is called once, never from inside this function. */
HgDial *hg_dial_start(HgLoop *loop, const char *host, const char *port, guint timeout,
                      HgDialDone done, void *owner);

/* Gives the dial up; `done` isn't called any more. NULL is fine. */
void hg_dial_cancel(HgDial *dial);
