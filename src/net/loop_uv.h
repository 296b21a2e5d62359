/* The inside of a loop, for the other files of src/net only. */
#pragma once

#include "net/loop.h"

#include <uv.h>

/* The libuv loop underneath. */
uv_loop_t *hg_loop_uv(HgLoop *loop);

/* The timer wheel of this loop (net/timer.c). */
struct HgTimerWheel *hg_loop_wheel(HgLoop *loop);
