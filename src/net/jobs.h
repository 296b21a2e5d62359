/* Job threads: where blocking work (password hashing, a directory) runs, so that no loop waits.
 *
 * A fixed number of threads serve a bounded queue. A job never holds a pointer into a connection:
 * it owns its input and posts its outcome to a loop as a task. */
#pragma once

#include <glib.h>

typedef struct HgJobs HgJobs;

/* Work to be done on a job thread, exactly once; it owns `data` and disposes of it. `cancelled` is
 * TRUE when the threads are being ended: then it only disposes. */
typedef void (*HgJob)(void *data, gboolean cancelled);

/* Starts `threads` threads with room for `queue` waiting jobs. NULL with *error when the kernel
 * refuses. */
HgJobs *hg_jobs_new(guint threads, guint queue, GError **error);

/* Ends the threads after the jobs that run; those that wait are called with cancelled = TRUE. NULL
 * is fine. */
void hg_jobs_free(HgJobs *jobs);

/* Queues a job. FALSE, at once, when the queue is full: the caller keeps `data` and refuses the
 * work. Any thread. */
gboolean hg_jobs_submit(HgJobs *jobs, HgJob job, void *data) G_GNUC_WARN_UNUSED_RESULT;

/* Jobs that wait for a thread now. Any thread. */
guint hg_jobs_waiting(HgJobs *jobs);
