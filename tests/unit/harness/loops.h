/* Turning a loop by hand in the test's own thread, so that a test decides what happens between two
 * turns. Waiting has no upper limit that a busy machine could pass; what never comes ends the test.
 */
#pragma once

#include "net/loop.h"

#include <check.h>

#define PATIENCE_MS 60000

/* Real milliseconds, whatever the process is told (harness/clock.h). */
gint64 real_now(void);

/* One turn: runs the callbacks of what is ready now, and waits a moment when nothing is. */
void turn(HgLoop *loop);

/* Turns until the loop's clock has moved on by `ms`: for things that must not happen. */
void turn_for(HgLoop *loop, guint64 ms);

/* Turns until the condition holds. */
#define TURN_UNTIL(loop, condition)                                                                \
    do {                                                                                           \
        gint64 patience_ = real_now() + PATIENCE_MS;                                               \
        while (!(condition)) {                                                                     \
            if (real_now() > patience_)                                                            \
                ck_abort_msg("never came: %s", #condition);                                        \
            turn(loop);                                                                            \
        }                                                                                          \
    } while (0)

/* Waits, for something that another thread does, until the condition holds. */
#define WAIT_UNTIL(condition)                                                                      \
    do {                                                                                           \
        gint64 patience_ = real_now() + PATIENCE_MS;                                               \
        while (!(condition)) {                                                                     \
            if (real_now() > patience_)                                                            \
                ck_abort_msg("never came: %s", #condition);                                        \
            g_usleep(500);                                                                         \
        }                                                                                          \
    } while (0)

/* As ck_assert(), for loops that run very often: Check writes a mark for each of its own. */
#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("doesn't hold: %s", #condition);                                          \
    } while (0)
