/* The wheel behind the timers of one loop; for loop.c and timer.c only. */
#pragma once

#include <uv.h>

typedef struct HgTimerWheel HgTimerWheel;

/* A wheel on this uv loop. */
HgTimerWheel *hg_timer_wheel_new(uv_loop_t *uv);

/* Closes its handle; timers that are armed never fire. */
void hg_timer_wheel_close(HgTimerWheel *wheel);

/* Frees it, after the uv loop has run its closing callbacks. */
void hg_timer_wheel_free(HgTimerWheel *wheel);
