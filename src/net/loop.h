/* A loop: one thread's event loop, and the letter box through which other threads reach it.
 *
 * Everything that watches sockets or time on a thread hangs from its loop. Nothing but
 * hg_loop_post() may be called from another thread. libuv is seen only inside src/net. */
#pragma once

#include <glib.h>

typedef struct HgLoop HgLoop;

/* A task sent to a loop's thread. Embed it first in a larger struct; `run` owns that struct. */
typedef struct HgTask HgTask;
struct HgTask {
    HgTask *next;              /* the loop's */
    void (*run)(HgTask *task); /* on the loop's thread, exactly once */
};

/* A loop that isn't running yet. NULL with *error when the kernel refuses. */
HgLoop *hg_loop_new(GError **error);

/* Frees a loop that has returned from hg_loop_run() (or never ran), with all handles of src/net on
 * it closed by their owners before. NULL is fine. */
void hg_loop_free(HgLoop *loop);

/* Runs until hg_loop_stop(), then until every handle is closed. On the loop's own thread. */
void hg_loop_run(HgLoop *loop);

/* Makes hg_loop_run() return once the handles that are left are closed. Loop's thread. Tasks posted
 * before still run; later ones are refused. */
void hg_loop_stop(HgLoop *loop);

/* Sends a task to the loop's thread. FALSE when the loop is stopping: the caller keeps the task.
 * Any thread. */
gboolean hg_loop_post(HgLoop *loop, HgTask *task) G_GNUC_WARN_UNUSED_RESULT;

/* Milliseconds of the monotonic clock, as of the start of this round of the loop. Loop's thread. */
guint64 hg_loop_now(const HgLoop *loop);
