/* Tests of discovery/control: waking, stopping, and what is said of the standing. */
#include "discovery/control.h"
#include "suites.h"

#include <poll.h>
#include <stdatomic.h>

typedef struct {
    atomic_uint rounds;
    guint told; /* the control's thread, then ours */
    char *said[8];
} Work;

static void sleep_long(HgControl *control, void *data)
{
    Work *work = data;
    while (hg_control_pause(control, G_MAXINT))
        atomic_fetch_add(&work->rounds, 1);
}

static void note(void *data, const HgStanding *standing)
{
    Work *work = data;
    ck_assert_uint_lt(work->told, G_N_ELEMENTS(work->said));
    work->said[work->told++] =
        g_strdup_printf("%d %s", standing->kind, standing->problem ? standing->problem : "-");
}

START_TEST(test_wake_and_stop)
{
    Work work = {0};
    g_autoptr(HgControl) control = NULL;
    ck_assert(hg_control_new(&control, NULL));
    ck_assert(hg_control_start(control, sleep_long, NULL, &work, NULL));
    for (guint wanted = 1; wanted <= 3; wanted++) {
        hg_control_wake(control);
        while (atomic_load(&work.rounds) < wanted)
            g_usleep(1000);
    }
    hg_control_stop(control);
    ck_assert(hg_control_is_stopping(control));
    hg_control_stop(control);
}
END_TEST

START_TEST(test_never_started)
{
    g_autoptr(HgControl) control = NULL;
    ck_assert(hg_control_new(&control, NULL));
    hg_control_stop(control);
}
END_TEST

static gboolean is_readable(HgControl *control)
{
    struct pollfd fd = {.fd = hg_control_fd(control), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

START_TEST(test_descriptor)
{
    g_autoptr(HgControl) control = NULL;
    ck_assert(hg_control_new(&control, NULL));
    ck_assert(!is_readable(control));
    hg_control_wake(control);
    hg_control_wake(control);
    ck_assert(is_readable(control));
    hg_control_drain(control);
    ck_assert(!is_readable(control));
    hg_control_stop(control);
    hg_control_drain(control);
    ck_assert_msg(is_readable(control), "whoever polls next wouldn't see the stop");
    ck_assert(!hg_control_pause(control, G_MAXINT));
}
END_TEST

static void stand(HgControl *control, void *data)
{
    g_auto(HgStanding) standing = {0};
    hg_control_set_stale(control, "one");
    hg_control_standing(control, &standing);
    gint64 since = standing.since_us;
    hg_standing_clear(&standing);
    g_usleep(2000);
    hg_control_set_stale(control, "one");
    hg_control_set_stale(control, "two");
    hg_control_standing(control, &standing);
    ck_assert_int_eq(standing.since_us, since);
    hg_control_set_fresh(control, NULL);
    hg_control_set_fresh(control, NULL);
    hg_control_set_fresh(control, "left out");
    hg_control_set_fresh(control, "left out");
}

START_TEST(test_standing)
{
    static const char *const expected[] = {"2 one", "2 two", "1 -", "1 left out"};
    Work work = {0};
    g_auto(HgStanding) standing = {0};
    g_autoptr(HgControl) control = NULL;
    ck_assert(hg_control_new(&control, NULL));
    hg_control_standing(control, &standing);
    ck_assert_int_eq(standing.kind, HG_STANDING_STARTING);
    ck_assert(hg_control_start(control, stand, note, &work, NULL));
    hg_control_stop(control);
    ck_assert_uint_eq(work.told, G_N_ELEMENTS(expected));
    for (guint i = 0; i < work.told; i++) {
        ck_assert_str_eq(work.said[i], expected[i]);
        g_free(work.said[i]);
    }
}
END_TEST

Suite *control_suite(void)
{
    Suite *suite = suite_create("control");
    TCase *tests = tcase_create("threads");
    tcase_add_test(tests, test_wake_and_stop);
    tcase_add_test(tests, test_never_started);
    tcase_add_test(tests, test_descriptor);
    tcase_add_test(tests, test_standing);
    suite_add_tcase(suite, tests);
    return suite;
}
