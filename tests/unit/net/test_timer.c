/* Tests of net/timer, on a clock that stands still unless it is told to go: never early, at most
 * two ticks late, whatever callbacks do to other timers, and no ticking when nothing is armed. */
#include "harness/clock.h"
#include "harness/loops.h"
#include "net/loop_uv.h"
#include "net/timer.h"
#include "suites.h"

/* The latest a timer may be: the tick it is rounded up to, and one more so that it is never early.
 */
#define LATEST (2 * HG_TIMER_TICK)

typedef struct Alarm Alarm;
struct Alarm {
    HgTimer timer;
    HgLoop *loop;
    guint64 started; /* ms of the loop's clock */
    guint64 delay;
    guint fired;
    guint64 fired_at;
    void (*then)(Alarm *alarm);
    Alarm *other;
};

static HgLoop *loop;

static void setup(void)
{
    clock_stop();
    loop = hg_loop_new(NULL);
}

static void teardown(void)
{
    hg_loop_free(loop);
    loop = NULL;
    clock_go();
}

static void on_fire(HgTimer *timer)
{
    Alarm *alarm = (Alarm *)(void *)timer;
    HOLDS(!hg_timer_is_armed(timer));
    alarm->fired++;
    alarm->fired_at = hg_loop_now(alarm->loop);
    if (alarm->then != NULL)
        alarm->then(alarm);
}

static void init(Alarm *alarm, void (*then)(Alarm *alarm))
{
    *alarm = (Alarm){.loop = loop, .then = then};
    hg_timer_init(&alarm->timer, on_fire);
}

static void start(Alarm *alarm, guint64 delay)
{
    alarm->started = hg_loop_now(loop);
    alarm->delay = delay;
    hg_timer_start(loop, &alarm->timer, delay);
}

/* Lets the clock go on in small steps. */
static void pass(guint64 ms)
{
    while (ms > 0) {
        guint64 step = MIN(ms, 10);
        clock_advance(step);
        uv_run(hg_loop_uv(loop), UV_RUN_NOWAIT);
        ms -= step;
    }
}

static gboolean ticks(void)
{
    return uv_backend_timeout(hg_loop_uv(loop)) >= 0;
}

START_TEST(test_fires_once_and_in_time)
{
    static const guint64 delays[] = {0, 1, 49, 50, 51, 99, 100, 101, 1000, 12345};
    Alarm alarm;
    init(&alarm, NULL);
    ck_assert(!hg_timer_is_armed(&alarm.timer));
    start(&alarm, delays[_i]);
    ck_assert(hg_timer_is_armed(&alarm.timer));
    if (delays[_i] > 0)
        pass(delays[_i] - 1);
    ck_assert_uint_eq(alarm.fired, 0);
    pass(LATEST + 11);
    ck_assert_uint_eq(alarm.fired, 1);
    ck_assert_uint_ge(alarm.fired_at, alarm.started + alarm.delay);
    ck_assert_uint_le(alarm.fired_at, alarm.started + alarm.delay + LATEST + 10);
    pass(60000);
    ck_assert_uint_eq(alarm.fired, 1);
}
END_TEST

/* Delays up to four turns of the wheel, started at all times, moved, stopped; on a clock that
 * jumps. */
START_TEST(test_many_timers_with_long_delays)
{
    enum { COUNT = 3000, LONGEST = 200000, STEP = 333 };
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    g_autofree Alarm *alarms = g_new0(Alarm, COUNT);
    g_autofree gboolean *stopped = g_new0(gboolean, COUNT);
    for (guint i = 0; i < COUNT; i++)
        init(&alarms[i], NULL);
    guint64 passed = 0;
    for (guint i = 0; i < COUNT; i++) {
        start(&alarms[i], (guint64)g_rand_int_range(random, 0, LONGEST));
        guint other = (guint)g_rand_int_range(random, 0, (gint32)i + 1);
        if (i % 3 == 0 && hg_timer_is_armed(&alarms[other].timer)) {
            start(&alarms[other], (guint64)g_rand_int_range(random, 0, LONGEST));
        } else if (i % 3 == 1 && hg_timer_is_armed(&alarms[other].timer)) {
            hg_timer_stop(loop, &alarms[other].timer);
            stopped[other] = TRUE;
        }
        if (i % 4 == 0) {
            clock_advance((guint64)g_rand_int_range(random, 0, STEP));
            turn(loop);
        }
    }
    for (passed = 0; passed < LONGEST + LATEST; passed += STEP) {
        clock_advance(STEP);
        turn(loop);
    }
    for (guint i = 0; i < COUNT; i++) {
        HOLDS(!hg_timer_is_armed(&alarms[i].timer));
        HOLDS(alarms[i].fired == (stopped[i] ? 0 : 1));
        if (stopped[i])
            continue;
        HOLDS(alarms[i].fired_at >= alarms[i].started + alarms[i].delay);
        HOLDS(alarms[i].fired_at <= alarms[i].started + alarms[i].delay + LATEST + STEP);
    }
}
END_TEST

START_TEST(test_a_clock_that_jumps_fires_all_that_is_due_and_nothing_else)
{
    static const guint64 delays[] = {10, 1000, 51100, 51200, 51300, 102400, 599000, 601000, 900000};
    Alarm alarms[G_N_ELEMENTS(delays)];
    for (guint i = 0; i < G_N_ELEMENTS(delays); i++) {
        init(&alarms[i], NULL);
        start(&alarms[i], delays[i]);
    }
    clock_advance(600000);
    turn(loop);
    for (guint i = 0; i < G_N_ELEMENTS(delays); i++)
        ck_assert_uint_eq(alarms[i].fired, delays[i] <= 599000);
    clock_advance(301000);
    turn(loop);
    for (guint i = 0; i < G_N_ELEMENTS(delays); i++)
        ck_assert_uint_eq(alarms[i].fired, 1);
}
END_TEST

START_TEST(test_stop_and_start_again)
{
    Alarm alarm;
    init(&alarm, NULL);
    hg_timer_stop(loop, &alarm.timer); /* not armed: nothing to do */
    start(&alarm, 100);
    pass(90);
    hg_timer_stop(loop, &alarm.timer);
    ck_assert(!hg_timer_is_armed(&alarm.timer));
    pass(1000);
    ck_assert_uint_eq(alarm.fired, 0);
    start(&alarm, 100);
    pass(90);
    ck_assert_uint_eq(alarm.fired, 0);
    pass(LATEST + 20);
    ck_assert_uint_eq(alarm.fired, 1);
    start(&alarm, 0);
    pass(LATEST + 10);
    ck_assert_uint_eq(alarm.fired, 2);
}
END_TEST

START_TEST(test_an_armed_timer_is_moved)
{
    Alarm later, sooner, bystander;
    init(&later, NULL);
    init(&sooner, NULL);
    init(&bystander, NULL);
    start(&bystander, 500);
    start(&later, 100);
    start(&sooner, 100000);
    start(&later, 1000);
    start(&sooner, 200);
    pass(990);
    ck_assert_uint_eq(later.fired, 0);
    ck_assert_uint_eq(sooner.fired, 1);
    ck_assert_uint_eq(bystander.fired, 1);
    pass(LATEST + 20);
    ck_assert_uint_eq(later.fired, 1);
    pass(120000);
    ck_assert_uint_eq(sooner.fired, 1);
}
END_TEST

/* A timer moved all the time, as each byte of a connection moves its deadline, never fires. */
START_TEST(test_a_timer_that_is_moved_all_the_time)
{
    Alarm moved, other;
    init(&moved, NULL);
    init(&other, NULL);
    start(&other, 3000);
    for (guint i = 0; i < 1000; i++) {
        start(&moved, 60);
        pass(10);
    }
    ck_assert_uint_eq(moved.fired, 0);
    ck_assert_uint_eq(other.fired, 1);
    pass(60 + LATEST);
    ck_assert_uint_eq(moved.fired, 1);
}
END_TEST

/* ---- callbacks that act on timers ---- */

static void stop_other(Alarm *alarm)
{
    hg_timer_stop(alarm->loop, &alarm->other->timer);
}

START_TEST(test_a_callback_stops_one_that_is_due_in_the_same_tick)
{
    Alarm first, second, third;
    init(&first, stop_other);
    init(&second, NULL);
    init(&third, NULL);
    first.other = &second;
    start(&first, 100);
    start(&second, 100);
    start(&third, 100);
    pass(100 + LATEST);
    ck_assert_uint_eq(first.fired, 1);
    ck_assert_uint_eq(second.fired, 0);
    ck_assert_uint_eq(third.fired, 1);
}
END_TEST

static void move_other(Alarm *alarm)
{
    start(alarm->other, 500);
}

START_TEST(test_a_callback_moves_one_that_is_due_in_the_same_tick)
{
    Alarm first, second;
    init(&first, move_other);
    init(&second, NULL);
    first.other = &second;
    start(&first, 100);
    start(&second, 100);
    pass(100 + LATEST);
    ck_assert_uint_eq(first.fired, 1);
    ck_assert_uint_eq(second.fired, 0);
    pass(500 + LATEST);
    ck_assert_uint_eq(second.fired, 1);
    ck_assert_uint_ge(second.fired_at, first.fired_at + 500);
}
END_TEST

static void start_other_at_once(Alarm *alarm)
{
    start(alarm->other, 0);
}

START_TEST(test_what_a_callback_starts_waits_for_a_later_tick)
{
    Alarm first, second;
    init(&first, start_other_at_once);
    init(&second, NULL);
    first.other = &second;
    start(&first, 100);
    clock_advance(120000); /* more than a turn of the wheel in one go */
    turn(loop);
    ck_assert_uint_eq(first.fired, 1);
    ck_assert_uint_eq(second.fired, 0);
    turn(loop);
    ck_assert_uint_eq(second.fired, 0);
    pass(LATEST);
    ck_assert_uint_eq(second.fired, 1);
}
END_TEST

static void start_again(Alarm *alarm)
{
    if (alarm->fired < 20)
        hg_timer_start(alarm->loop, &alarm->timer, alarm->delay);
}

START_TEST(test_a_timer_starts_itself_again)
{
    Alarm alarm;
    init(&alarm, start_again);
    start(&alarm, 200);
    pass(20 * 200 - 10);
    ck_assert_uint_lt(alarm.fired, 20);
    pass(20 * (LATEST + 10) + 10);
    ck_assert_uint_eq(alarm.fired, 20);
    ck_assert(!hg_timer_is_armed(&alarm.timer));
}
END_TEST

static void free_owner(Alarm *alarm)
{
    *(guint *)(void *)alarm->other += 1;
    g_free(alarm);
}

START_TEST(test_a_callback_frees_the_owner)
{
    guint freed = 0;
    for (guint i = 0; i < 10; i++) {
        Alarm *alarm = g_new0(Alarm, 1);
        init(alarm, free_owner);
        alarm->other = (Alarm *)(void *)&freed;
        start(alarm, i * 20);
    }
    pass(1000);
    ck_assert_uint_eq(freed, 10);
}
END_TEST

/* ---- the wheel ---- */

START_TEST(test_the_wheel_rests_when_nothing_is_armed)
{
    Alarm first, second;
    init(&first, NULL);
    init(&second, NULL);
    turn(loop);
    ck_assert(!ticks());
    start(&first, 100);
    start(&second, 300);
    ck_assert(ticks());
    pass(100 + LATEST);
    ck_assert(ticks());
    pass(200 + LATEST);
    ck_assert_uint_eq(second.fired, 1);
    ck_assert(!ticks());
    start(&first, 60000);
    hg_timer_stop(loop, &first.timer);
    pass(LATEST);
    ck_assert(!ticks());
    pass(100000); /* rested for more than a turn */
    start(&first, 100);
    pass(90);
    ck_assert_uint_eq(first.fired, 1);
    pass(LATEST + 20);
    ck_assert_uint_eq(first.fired, 2);
    ck_assert(!ticks());
}
END_TEST

START_TEST(test_timers_of_a_loop_that_ends_never_fire)
{
    Alarm armed, late;
    init(&armed, NULL);
    init(&late, NULL);
    start(&armed, 100);
    hg_loop_stop(loop);
    hg_timer_start(loop, &late.timer, 0);
    ck_assert(!hg_timer_is_armed(&late.timer));
    pass(1000);
    hg_loop_run(loop);
    ck_assert_uint_eq(armed.fired, 0);
    ck_assert_uint_eq(late.fired, 0);
    hg_timer_stop(loop, &armed.timer);
    hg_timer_stop(loop, &late.timer);
}
END_TEST

Suite *timer_suite(void)
{
    Suite *suite = suite_create("net/timer");
    TCase *times = tcase_create("times");
    tcase_add_checked_fixture(times, setup, teardown);
    tcase_add_loop_test(times, test_fires_once_and_in_time, 0, 10);
    tcase_add_test(times, test_many_timers_with_long_delays);
    tcase_add_test(times, test_a_clock_that_jumps_fires_all_that_is_due_and_nothing_else);
    tcase_add_test(times, test_stop_and_start_again);
    tcase_add_test(times, test_an_armed_timer_is_moved);
    tcase_add_test(times, test_a_timer_that_is_moved_all_the_time);
    suite_add_tcase(suite, times);
    TCase *callbacks = tcase_create("callbacks");
    tcase_add_checked_fixture(callbacks, setup, teardown);
    tcase_add_test(callbacks, test_a_callback_stops_one_that_is_due_in_the_same_tick);
    tcase_add_test(callbacks, test_a_callback_moves_one_that_is_due_in_the_same_tick);
    tcase_add_test(callbacks, test_what_a_callback_starts_waits_for_a_later_tick);
    tcase_add_test(callbacks, test_a_timer_starts_itself_again);
    tcase_add_test(callbacks, test_a_callback_frees_the_owner);
    suite_add_tcase(suite, callbacks);
    TCase *wheel = tcase_create("wheel");
    tcase_add_checked_fixture(wheel, setup, teardown);
    tcase_add_test(wheel, test_the_wheel_rests_when_nothing_is_armed);
    tcase_add_test(wheel, test_timers_of_a_loop_that_ends_never_fire);
    suite_add_tcase(suite, wheel);
    return suite;
}
