/* Turning loops by hand: see loops.h. Looks behind src/net's curtain, as only a test may. */
#include "harness/loops.h"

#include "net/loop_uv.h"

#include <poll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

gint64 real_now(void)
{
    struct timespec now = {0, 0};
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return (gint64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void turn(HgLoop *loop)
{
    uv_loop_t *uv = hg_loop_uv(loop);
    uv_run(uv, UV_RUN_NOWAIT);
    struct pollfd ready = {.fd = uv_backend_fd(uv), .events = POLLIN};
    (void)!poll(&ready, 1, uv_backend_timeout(uv) == 0 ? 0 : 1);
}

void turn_for(HgLoop *loop, guint64 ms)
{
    turn(loop);
    guint64 end = hg_loop_now(loop) + ms;
    TURN_UNTIL(loop, hg_loop_now(loop) >= end);
}
