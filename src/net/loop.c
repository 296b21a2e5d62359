/* A thread's event loop over libuv: see loop.h. Owns the uv loop, the wake-up handle and the letter
 * box. Only the letter box is shared between threads. */
#include "net/loop.h"

#include "base/error.h"
#include "net/loop_uv.h"
#include "net/timer_wheel.h"

#include <pthread.h>

struct HgLoop {
    uv_loop_t uv;
    uv_async_t wake;
    HgTimerWheel *wheel;
    HgTask *running;      /* taken out of the letter box; loop's thread only */
    pthread_mutex_t lock; /* guards the three below */
    HgTask *first;
    HgTask **last;
    gboolean stopping;
};

/* Runs what is in the letter box, in order. A task may stop the loop, which comes here again: then
 * the tasks that the outer call still has go first. */
static void run_tasks(HgLoop *loop)
{
    HgTask **behind = &loop->running;
    while (*behind != NULL)
        behind = &(*behind)->next;
    pthread_mutex_lock(&loop->lock);
    *behind = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    pthread_mutex_unlock(&loop->lock);
    while (loop->running != NULL) {
        HgTask *task = loop->running;
        loop->running = task->next;
        task->run(task);
    }
}

static void on_wake(uv_async_t *wake)
{
    run_tasks(wake->data);
}

HgLoop *hg_loop_new(GError **error)
{
    HgLoop *loop = g_new0(HgLoop, 1);
    pthread_mutex_init(&loop->lock, NULL);
    loop->last = &loop->first;
    int rc = uv_loop_init(&loop->uv);
    if (rc == 0) {
        rc = uv_async_init(&loop->uv, &loop->wake, on_wake);
        if (rc != 0)
            uv_loop_close(&loop->uv);
    }
    if (rc != 0) {
        g_set_error(error, HG_ERROR, HG_ERROR_IO, "can't make an event loop: %s", uv_strerror(rc));
        pthread_mutex_destroy(&loop->lock);
        g_free(loop);
        return NULL;
    }
    loop->wake.data = loop;
    loop->wheel = hg_timer_wheel_new(&loop->uv);
    return loop;
}

void hg_loop_free(HgLoop *loop)
{
    if (loop == NULL)
        return;
    if (!uv_is_closing((uv_handle_t *)&loop->wake)) {
        hg_timer_wheel_close(loop->wheel);
        uv_close((uv_handle_t *)&loop->wake, NULL);
    }
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    if (uv_loop_close(&loop->uv) != 0)
        g_error("a loop was freed while handles were open on it");
    hg_timer_wheel_free(loop->wheel);
    pthread_mutex_destroy(&loop->lock);
    g_free(loop);
}

void hg_loop_run(HgLoop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void hg_loop_stop(HgLoop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->stopping = TRUE;
    pthread_mutex_unlock(&loop->lock);
    run_tasks(loop);
    if (!uv_is_closing((uv_handle_t *)&loop->wake)) {
        hg_timer_wheel_close(loop->wheel);
        uv_close((uv_handle_t *)&loop->wake, NULL);
    }
}

gboolean hg_loop_post(HgLoop *loop, HgTask *task)
{
    pthread_mutex_lock(&loop->lock);
    gboolean taken = !loop->stopping;
    gboolean was_empty = loop->first == NULL;
    if (taken) {
        task->next = NULL;
        *loop->last = task;
        loop->last = &task->next;
        /* under the lock: the wake-up handle can't be closed between the check and this */
        if (was_empty)
            uv_async_send(&loop->wake);
    }
    pthread_mutex_unlock(&loop->lock);
    return taken;
}

guint64 hg_loop_now(const HgLoop *loop)
{
    return uv_now(&loop->uv);
}

uv_loop_t *hg_loop_uv(HgLoop *loop)
{
    return &loop->uv;
}

HgTimerWheel *hg_loop_wheel(HgLoop *loop)
{
    return loop->wheel;
}
