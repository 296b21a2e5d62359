/* Control threads: see control.h. Owns the thread, an eventfd and the standing. */
#include "discovery/control.h"

#include "base/error.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct HgControl {
    int fd;
    gboolean started; /* the starter's thread only */
    atomic_bool stopping;
    pthread_t thread;
    HgControlRun run;
    HgControlTold told;
    void *data;
    pthread_mutex_t lock; /* of the standing */
    HgStanding standing;
};

void hg_standing_clear(HgStanding *standing)
{
    g_clear_pointer(&standing->problem, g_free);
}

gboolean hg_control_new(HgControl **out, GError **error)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) {
        hg_error_set_errno(error, errno, "no event descriptor for a control thread");
        return FALSE;
    }
    HgControl *control = g_new0(HgControl, 1);
    control->fd = fd;
    atomic_init(&control->stopping, FALSE);
    pthread_mutex_init(&control->lock, NULL);
    control->standing.since_us = g_get_monotonic_time();
    *out = control;
    return TRUE;
}

void hg_control_free(HgControl *control)
{
    if (control == NULL)
        return;
    g_assert(!control->started);
    close(control->fd);
    pthread_mutex_destroy(&control->lock);
    hg_standing_clear(&control->standing);
    g_free(control);
}

static void *run(void *data)
{
    HgControl *control = data;
    control->run(control, control->data);
    return NULL;
}

gboolean hg_control_start(HgControl *control, HgControlRun work, HgControlTold told, void *data,
                          GError **error)
{
    g_assert(!control->started && control->run == NULL);
    control->run = work;
    control->told = told;
    control->data = data;
    int errnum = pthread_create(&control->thread, NULL, run, control);
    if (errnum != 0) {
        hg_error_set_errno(error, errnum, "no control thread");
        return FALSE;
    }
    control->started = TRUE;
    return TRUE;
}

void hg_control_stop(HgControl *control)
{
    atomic_store(&control->stopping, TRUE);
    hg_control_wake(control);
    if (control->started)
        pthread_join(control->thread, NULL);
    control->started = FALSE;
}

gboolean hg_control_is_stopping(HgControl *control)
{
    return atomic_load(&control->stopping);
}

void hg_control_wake(HgControl *control)
{
    /* it can only fail when the counter is full, and then the descriptor is readable already */
    if (eventfd_write(control->fd, 1) < 0)
        g_assert(errno == EAGAIN);
}

int hg_control_fd(const HgControl *control)
{
    return control->fd;
}

void hg_control_drain(HgControl *control)
{
    eventfd_t count = 0;
    if (eventfd_read(control->fd, &count) == 0 && hg_control_is_stopping(control))
        hg_control_wake(control);
}

gboolean hg_control_pause(HgControl *control, gint64 ms)
{
    struct pollfd fd = {.fd = control->fd, .events = POLLIN};
    if (!hg_control_is_stopping(control))
        poll(&fd, 1, (int)CLAMP(ms, 0, G_MAXINT));
    hg_control_drain(control);
    return !hg_control_is_stopping(control);
}

static void set_standing(HgControl *control, HgStandingKind kind, const char *problem)
{
    HgStanding *standing = &control->standing;
    pthread_mutex_lock(&control->lock);
    gboolean changed = standing->kind != kind || g_strcmp0(standing->problem, problem) != 0;
    if (standing->kind != kind)
        standing->since_us = g_get_monotonic_time();
    standing->kind = kind;
    if (changed) {
        g_free(standing->problem);
        standing->problem = g_strdup(problem);
    }
    pthread_mutex_unlock(&control->lock);
    /* only this thread changes it, so it may be read here without the lock */
    if (changed && control->told != NULL)
        control->told(control->data, standing);
}

void hg_control_set_fresh(HgControl *control, const char *remark)
{
    set_standing(control, HG_STANDING_FRESH, remark);
}

void hg_control_set_stale(HgControl *control, const char *problem)
{
    set_standing(control, HG_STANDING_STALE, problem);
}

void hg_control_standing(HgControl *control, HgStanding *out)
{
    pthread_mutex_lock(&control->lock);
    out->kind = control->standing.kind;
    out->since_us = control->standing.since_us;
    out->problem = g_strdup(control->standing.problem);
    pthread_mutex_unlock(&control->lock);
}
