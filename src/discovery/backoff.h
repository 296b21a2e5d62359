/* A back-off: how long to wait after a failure before the next try.
 *
 * The wait doubles from a first to a longest one, and each is drawn at random from the upper half
 * of its range, so that many gateways that lost one server don't all come back at the same moment.
 * A value without resources, for one thread. */
#pragma once

#include <glib.h>

typedef struct {
    gint64 first_ms;
    gint64 most_ms;
    guint failures; /* in a row */
} HgBackoff;

/* Counts a failure and says how many ms to wait after it: at least 1. */
gint64 hg_backoff_next(HgBackoff *backoff);

/* Forgets the failures. */
void hg_backoff_reset(HgBackoff *backoff);
