/* A tap on recv(), send() and sendmsg() of the code under test (linked with --wrap): what the
 * kernel may do to a socket but seldom does in a test. It makes calls short, has them move nothing,
 * or breaks the connection at the n-th call. Tests themselves use read() and write(), which it
 * doesn't touch. Set it while no other thread works on a socket. */
#pragma once

#include <glib.h>

typedef enum { TAP_RECV, TAP_SEND /* and sendmsg() */, TAP_CALLS } TapCall;

/* Back to what the kernel does; counts from 0. */
void tap_reset(void);

/* A call moves at most `bytes` (0 = as many as it can). */
void tap_cap(TapCall call, gsize bytes);

/* Each n-th call moves nothing (EAGAIN), as after a false alarm; 0 = never. */
void tap_again_every(TapCall call, guint n);

/* The n-th call from now (1 = the next) breaks the connection, with this errno; 0 = none. */
void tap_break_at(TapCall call, guint n, int errnum);

/* Calls since the last reset. */
guint tap_count(TapCall call);
