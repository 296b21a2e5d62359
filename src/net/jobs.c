/* A fixed number of job threads over a bounded ring: see jobs.h. Owns threads and ring; one mutex.
 */
#include "net/jobs.h"

#include "base/error.h"

#include <pthread.h>
#include <signal.h>

typedef struct {
    HgJob job;
    void *data;
} Entry;

struct HgJobs {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    Entry *ring;
    guint room;
    guint first;
    guint count;
    gboolean ending;
    pthread_t *threads;
    guint started;
};

static void *work(void *data)
{
    HgJobs *jobs = data;
    pthread_mutex_lock(&jobs->lock);
    for (;;) {
        while (jobs->count == 0 && !jobs->ending)
            pthread_cond_wait(&jobs->filled, &jobs->lock);
        if (jobs->ending)
            break;
        Entry entry = jobs->ring[jobs->first];
        jobs->first = (jobs->first + 1) % jobs->room;
        jobs->count--;
        pthread_mutex_unlock(&jobs->lock);
        entry.job(entry.data, FALSE);
        pthread_mutex_lock(&jobs->lock);
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

HgJobs *hg_jobs_new(guint threads, guint queue, GError **error)
{
    HgJobs *jobs = g_new0(HgJobs, 1);
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->filled, NULL);
    jobs->room = MAX(queue, 1);
    jobs->ring = g_new0(Entry, jobs->room);
    jobs->threads = g_new0(pthread_t, MAX(threads, 1));
    for (guint i = 0; i < MAX(threads, 1); i++) {
        int rc = pthread_create(&jobs->threads[i], NULL, work, jobs);
        if (rc != 0) {
            hg_error_set_errno(error, rc, "can't start a job thread");
            hg_jobs_free(jobs);
            return NULL;
        }
        jobs->started++;
    }
    return jobs;
}

void hg_jobs_free(HgJobs *jobs)
{
    if (jobs == NULL)
        return;
    pthread_mutex_lock(&jobs->lock);
    jobs->ending = TRUE;
    pthread_cond_broadcast(&jobs->filled);
    pthread_mutex_unlock(&jobs->lock);
    for (guint i = 0; i < jobs->started; i++)
        pthread_join(jobs->threads[i], NULL);
    for (; jobs->count > 0; jobs->count--, jobs->first = (jobs->first + 1) % jobs->room)
        jobs->ring[jobs->first].job(jobs->ring[jobs->first].data, TRUE);
    pthread_cond_destroy(&jobs->filled);
    pthread_mutex_destroy(&jobs->lock);
    g_free(jobs->threads);
    g_free(jobs->ring);
    g_free(jobs);
}

gboolean hg_jobs_submit(HgJobs *jobs, HgJob job, void *data)
{
    pthread_mutex_lock(&jobs->lock);
    gboolean taken = jobs->count < jobs->room && !jobs->ending;
    if (taken) {
        jobs->ring[(jobs->first + jobs->count) % jobs->room] = (Entry){job, data};
        jobs->count++;
        pthread_cond_signal(&jobs->filled);
    }
    pthread_mutex_unlock(&jobs->lock);
    return taken;
}

guint hg_jobs_waiting(HgJobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    guint waiting = jobs->count;
    pthread_mutex_unlock(&jobs->lock);
    return waiting;
}
