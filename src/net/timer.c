/* Timers on a hashed wheel: see timer.h. The wheel owns one uv timer that ticks only while
 * something is armed; the timers belong to their owners. Loop's thread only. */
#include "net/timer.h"

#include "net/loop_uv.h"
#include "net/timer_wheel.h"

#define SLOTS 1024 /* a power of two: 51 s a turn; longer deadlines stay for another turn */

struct HgTimerWheel {
    uv_timer_t tick;
    guint64 turn; /* the tick that was handled last */
    guint armed;
    HgTimer slots[SLOTS]; /* list heads */
};

static guint64 tick_of(guint64 ms)
{
    return ms / HG_TIMER_TICK;
}

static void unlink_timer(HgTimer *timer)
{
    timer->previous->next = timer->next;
    timer->next->previous = timer->previous;
    timer->next = timer->previous = NULL;
}

/* Fires what is due in one slot. A callback may start or stop any timer, so due timers are first
 * moved to a list of their own, from which stopping unlinks them safely. */
static void run_slot(HgTimerWheel *wheel, guint64 turn, guint64 now)
{
    HgTimer *slot = &wheel->slots[turn % SLOTS];
    HgTimer due = {.next = &due, .previous = &due};
    for (HgTimer *timer = slot->next, *next; timer != slot; timer = next) {
        next = timer->next;
        if (tick_of(timer->due) > tick_of(now))
            continue;
        unlink_timer(timer);
        timer->next = &due;
        timer->previous = due.previous;
        due.previous->next = timer;
        due.previous = timer;
    }
    while (due.next != &due) {
        HgTimer *timer = due.next;
        unlink_timer(timer);
        wheel->armed--;
        timer->fire(timer);
    }
}

static void on_tick(uv_timer_t *tick)
{
    HgTimerWheel *wheel = tick->data;
    guint64 now = uv_now(tick->loop);
    guint64 target = tick_of(now);
    if (target - wheel->turn > SLOTS)
        wheel->turn = target - SLOTS;
    while (wheel->turn < target && wheel->armed > 0)
        run_slot(wheel, ++wheel->turn, now);
    wheel->turn = target;
    if (wheel->armed == 0)
        uv_timer_stop(tick);
}

HgTimerWheel *hg_timer_wheel_new(uv_loop_t *uv)
{
    HgTimerWheel *wheel = g_new0(HgTimerWheel, 1);
    uv_timer_init(uv, &wheel->tick);
    wheel->tick.data = wheel;
    for (guint i = 0; i < SLOTS; i++)
        wheel->slots[i].next = wheel->slots[i].previous = &wheel->slots[i];
    return wheel;
}

void hg_timer_wheel_close(HgTimerWheel *wheel)
{
    uv_close((uv_handle_t *)&wheel->tick, NULL);
}

void hg_timer_wheel_free(HgTimerWheel *wheel)
{
    g_free(wheel);
}

void hg_timer_init(HgTimer *timer, void (*fire)(HgTimer *timer))
{
    *timer = (HgTimer){.fire = fire};
}

void hg_timer_start(HgLoop *loop, HgTimer *timer, guint64 delay)
{
    hg_timer_stop(loop, timer);
    HgTimerWheel *wheel = hg_loop_wheel(loop);
    if (uv_is_closing((uv_handle_t *)&wheel->tick))
        return;
    guint64 now = uv_now(wheel->tick.loop);
    if (wheel->armed++ == 0) {
        wheel->turn = tick_of(now);
        uv_timer_start(&wheel->tick, on_tick, HG_TIMER_TICK, HG_TIMER_TICK);
    }
    /* one tick later than asked, so that it never fires early, and never in the tick being run */
    timer->due = MAX(now + delay + HG_TIMER_TICK, (wheel->turn + 1) * HG_TIMER_TICK);
    HgTimer *slot = &wheel->slots[tick_of(timer->due) % SLOTS];
    timer->next = slot;
    timer->previous = slot->previous;
    slot->previous->next = timer;
    slot->previous = timer;
}

void hg_timer_stop(HgLoop *loop, HgTimer *timer)
{
    if (timer->next == NULL)
        return;
    unlink_timer(timer);
    hg_loop_wheel(loop)->armed--;
}
