/* A clock that tests can hold: see clock.h. Any thread may read it; one thread sets it. */
#include "harness/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S  1000000000
#define NS_PER_MS 1000000

static _Atomic gint64 ahead;   /* ns before the real clock */
static _Atomic gint64 stopped; /* ns at which the clock stands; 0 = it runs */

static gint64 real_ns(void)
{
    struct timespec now = {0, 0};
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return (gint64)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    if (id != CLOCK_MONOTONIC && id != CLOCK_MONOTONIC_COARSE)
        return (int)syscall(SYS_clock_gettime, id, out);
    gint64 now = atomic_load(&stopped);
    if (now == 0)
        now = real_ns() + atomic_load(&ahead);
    out->tv_sec = now / NS_PER_S;
    out->tv_nsec = now % NS_PER_S;
    return 0;
}

void clock_stop(void)
{
    atomic_store(&stopped, real_ns() + atomic_load(&ahead));
}

void clock_advance(guint64 ms)
{
    gint64 ns = (gint64)ms * NS_PER_MS;
    if (atomic_load(&stopped) != 0)
        atomic_fetch_add(&stopped, ns);
    else
        atomic_fetch_add(&ahead, ns);
}

void clock_go(void)
{
    gint64 now = atomic_load(&stopped);
    if (now == 0)
        return;
    atomic_store(&ahead, now - real_ns());
    atomic_store(&stopped, 0);
}
