/* Back-off with jitter: see backoff.h. */
#include "discovery/backoff.h"

#define DOUBLINGS_MAX 20 /* more would only overflow */

gint64 hg_backoff_next(HgBackoff *backoff)
{
    gint64 wait = backoff->first_ms << MIN(backoff->failures, DOUBLINGS_MAX);
    wait = MAX(MIN(wait, backoff->most_ms), 2);
    backoff->failures++;
    return wait / 2 + g_random_int_range(0, (gint32)(wait / 2) + 1);
}

void hg_backoff_reset(HgBackoff *backoff)
{
    backoff->failures = 0;
}
