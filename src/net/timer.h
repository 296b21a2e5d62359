/* A timer: one deadline of one object on a loop.
 *
 * Deadlines here are coarse (HG_TIMER_TICK ms) and many (one a connection), so they live in a
 * wheel: starting and stopping are constant time, and a loop without armed timers doesn't wake up.
 * The struct is embedded in its owner; stop it before the owner is freed. Loop's thread only. */
#pragma once

#include "net/loop.h"

#define HG_TIMER_TICK 50 /* milliseconds */

typedef struct HgTimer HgTimer;
struct HgTimer {
    HgTimer *next; /* NULL while not armed */
    HgTimer *previous;
    guint64 due; /* ms of the loop's clock */
    void (*fire)(HgTimer *timer);
};

/* A timer that isn't armed. `fire` runs on the loop's thread, after which the timer is not armed.
 */
void hg_timer_init(HgTimer *timer, void (*fire)(HgTimer *timer));

/* Arms the timer for `delay` ms from now; one that is armed is moved. */
void hg_timer_start(HgLoop *loop, HgTimer *timer, guint64 delay);

/* Disarms the timer; fine when it isn't armed. */
void hg_timer_stop(HgLoop *loop, HgTimer *timer);

/* TRUE while armed. */
static inline gboolean hg_timer_is_armed(const HgTimer *timer)
{
    return timer->next != NULL;
}
