/* The monotonic clock as the code under test sees it: it can be stopped, and set forward.
 *
 * The program's own clock_gettime() takes the C library's place for libuv and GLib, so that minutes
 * pass in no time and upper limits can be asserted on any machine. All threads see the same clock.
 */
#pragma once

#include <glib.h>

/* Stops the clock where it is. */
void clock_stop(void);

/* Sets the clock forward, stopped or not. */
void clock_advance(guint64 ms);

/* Lets it run again, on from where it stands. */
void clock_go(void);
