/* Looking at a running gateway from outside its workers: see control.h. Owns only the questions
 * that are under way, which are counted: a worker may answer after the asker has gone. */
#include "proxy/control.h"

#include "proxy/client.h"
#include "proxy/recorder.h"
#include "trace/tracer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* ---- asking all workers ---- */

typedef struct {
    atomic_uint references; /* the asker's, and one for each letter */
    HgControlFunc what;
    void *data;
    GDestroyNotify free_data;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    guint open; /* letters that weren't answered; under the lock */
} Question;

typedef struct {
    HgTask task;
    HgWorker *worker;
    Question *question;
} Letter;

static void unref_question(Question *question)
{
    if (atomic_fetch_sub_explicit(&question->references, 1, memory_order_acq_rel) != 1)
        return;
    if (question->free_data != NULL)
        question->free_data(question->data);
    pthread_cond_destroy(&question->answered);
    pthread_mutex_destroy(&question->lock);
    g_free(question);
}

static void note_answer(Question *question)
{
    pthread_mutex_lock(&question->lock);
    question->open--;
    pthread_cond_signal(&question->answered);
    pthread_mutex_unlock(&question->lock);
    unref_question(question);
}

static void answer(HgTask *task)
{
    Letter *letter = (Letter *)(void *)task;
    letter->question->what(letter->worker, letter->question->data);
    note_answer(letter->question);
    g_free(letter);
}

static Question *question_new(guint workers, HgControlFunc what, void *take_data,
                              GDestroyNotify free_data)
{
    Question *question = g_new0(Question, 1);
    pthread_condattr_t attributes;
    atomic_init(&question->references, workers + 1);
    question->what = what;
    question->data = take_data;
    question->free_data = free_data;
    question->open = workers;
    pthread_mutex_init(&question->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&question->answered, &attributes);
    pthread_condattr_destroy(&attributes);
    return question;
}

static gboolean wait_for_answers(Question *question, guint timeout)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout / 1000;
    until.tv_nsec += (long)(timeout % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&question->lock);
    int rc = 0;
    while (question->open > 0 && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&question->answered, &question->lock, &until);
    gboolean all = question->open == 0;
    pthread_mutex_unlock(&question->lock);
    return all;
}

gboolean hg_control_ask(HgGateway *gateway, HgControlFunc what, void *take_data,
                        GDestroyNotify free_data, guint timeout)
{
    guint workers = hg_gateway_workers(gateway);
    Question *question = question_new(workers, what, take_data, free_data);
    for (guint i = 0; i < workers; i++) {
        Letter *letter = g_new0(Letter, 1);
        letter->task.run = answer;
        letter->worker = hg_gateway_worker(gateway, i);
        letter->question = question;
        if (hg_loop_post(hg_worker_loop(letter->worker), &letter->task))
            continue;
        g_free(letter); /* it has ended: there is nothing to be asked */
        note_answer(question);
    }
    gboolean all = timeout == 0 || wait_for_answers(question, timeout);
    unref_question(question);
    return all;
}

/* ---- health ---- */

static void do_nothing(HgWorker *worker, void *data)
{
}

gboolean hg_control_is_alive(HgGateway *gateway, guint timeout)
{
    return hg_control_ask(gateway, do_nothing, NULL, NULL, timeout);
}

static void measure(HgWorker *worker, void *data)
{
    const guint64 *sent_at = data;
    hg_metrics_observe(hg_worker_metrics(worker), HG_METRIC_LOOP_DELAY_SECONDS, 0,
                       hg_metrics_now() - *sent_at);
}

void hg_control_measure_loops(HgGateway *gateway)
{
    guint64 now = hg_metrics_now();
    (void)hg_control_ask(gateway, measure, g_memdup2(&now, sizeof now), g_free, 0);
}

guint hg_control_connections(HgGateway *gateway)
{
    guint total = 0;
    for (guint i = 0; i < hg_gateway_workers(gateway); i++)
        total += hg_worker_load(hg_gateway_worker(gateway, i));
    return total;
}

/* One pool that takes sessions will do: the others' clients are told when they come. */
static void append_pools(HgGateway *gateway, guint64 now, GString *why)
{
    g_autoptr(GString) problems = g_string_new(NULL);
    for (guint i = 0; i < hg_gateway_pools(gateway); i++) {
        HgPool *pool = hg_gateway_pool_at(gateway, i);
        const char *problem = NULL;
        if (hg_pool_is_ready(pool, now, &problem))
            return;
        g_string_append_printf(problems, "pool %s takes no session: %s\n", hg_pool_name(pool),
                               problem);
    }
    g_string_append(why, problems->str);
}

gboolean hg_control_is_ready(HgGateway *gateway, GString *why)
{
    const HgProxyOptions *options = hg_gateway_options(gateway);
    guint64 now = (guint64)g_get_monotonic_time() / 1000; /* as the loops count */
    gsize before = why->len;
    if (hg_gateway_is_stopping(gateway))
        g_string_append(why, "hivegate is stopping\n");
    append_pools(gateway, now, why);
    /* a request needs some room, too */
    if (options->memory != 0 &&
        hg_budget_used(hg_gateway_budget(gateway)) >= options->memory - options->memory / 32)
        g_string_append(why, "the memory ceiling is reached (limits: memory)\n");
    if (options->sessions != 0 && hg_quota_used(hg_gateway_quota(gateway)) >= options->sessions)
        g_string_append(why, "all sessions are taken (limits: sessions)\n");
    if (hg_recorder_refuses(options->recorder))
        g_string_append(why, "the audit log takes no more events (audit: limit, or its disk)\n");
    if (options->connections != 0 && hg_control_connections(gateway) >= options->connections)
        g_string_append(why, "all client connections are taken (limits: connections)\n");
    return why->len == before;
}

/* ---- what clients wait for ---- */

typedef struct {
    atomic_uint references; /* the asker's and the question's */
    pthread_mutex_t lock;
    GArray *found; /* under the lock; NULL when the asker has gone */
} WaitList;

static void clear_wait(gpointer wait)
{
    hg_client_wait_clear(wait);
}

static GArray *wait_array(void)
{
    GArray *array = g_array_new(FALSE, FALSE, sizeof(HgClientWait));
    g_array_set_clear_func(array, clear_wait);
    return array;
}

static void unref_list(gpointer data)
{
    WaitList *list = data;
    if (atomic_fetch_sub_explicit(&list->references, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&list->lock);
    g_free(list);
}

static void collect_waits(HgWorker *worker, void *data)
{
    WaitList *list = data;
    g_autoptr(GArray) own = wait_array();
    g_autoptr(GList) clients = hg_worker_clients(worker);
    for (GList *link = clients; link != NULL; link = link->next) {
        HgClientWait wait;
        if (hg_client_waits(link->data, &wait))
            g_array_append_val(own, wait);
    }
    pthread_mutex_lock(&list->lock);
    if (list->found != NULL && own->len > 0) {
        g_array_append_vals(list->found, own->data, own->len);
        g_array_set_clear_func(own, NULL); /* they are the list's now */
    }
    pthread_mutex_unlock(&list->lock);
}

GArray *hg_control_waits(HgGateway *gateway, guint timeout)
{
    WaitList *list = g_new0(WaitList, 1);
    atomic_init(&list->references, 2);
    pthread_mutex_init(&list->lock, NULL);
    list->found = wait_array();
    (void)hg_control_ask(gateway, collect_waits, list, unref_list, timeout);
    pthread_mutex_lock(&list->lock);
    GArray *found = g_steal_pointer(&list->found);
    pthread_mutex_unlock(&list->lock);
    unref_list(list);
    return found;
}

/* ---- figures ---- */

static void sample_one(HgMetricsText *text, HgMetric metric, double value)
{
    hg_metrics_sample(text, metric, NULL, value);
}

static void sample_endpoint(HgMetricsText *text, HgMetric metric, const char *pool,
                            const HgEndpoint *endpoint)
{
    const char *values[HG_METRIC_LABELS] = {pool, hg_endpoint_name(endpoint), NULL};
    if (metric == HG_METRIC_ENDPOINT_SESSIONS) {
        hg_metrics_sample(text, metric, values, hg_endpoint_sessions(endpoint));
    } else if (metric == HG_METRIC_ENDPOINT_OPERATIONS) {
        hg_metrics_sample(text, metric, values, hg_endpoint_operations(endpoint));
    } else if (metric == HG_METRIC_ENDPOINT_FAILURES) {
        hg_metrics_sample(text, metric, values, (double)hg_endpoint_failures(endpoint));
    } else {
        HgEndpointState now = hg_endpoint_state(endpoint);
        for (guint state = 0; state < HG_ENDPOINT_STATES; state++) {
            values[2] = hg_endpoint_state_name(state);
            hg_metrics_sample(text, metric, values, state == now);
        }
    }
}

static void sample_pool(HgMetricsText *text, HgMetric metric, HgPool *pool)
{
    const char *name = hg_pool_name(pool);
    if (metric == HG_METRIC_POOL_PAUSED) {
        hg_metrics_sample(text, metric, &name, hg_pool_is_paused(pool));
    } else if (metric == HG_METRIC_POOL_ENDPOINTS) {
        hg_metrics_sample(text, metric, &name, hg_pool_size(pool));
    } else if (metric == HG_METRIC_POOL_STALE) {
        g_auto(HgStanding) standing = {0};
        hg_pool_standing(pool, &standing);
        hg_metrics_sample(text, metric, &name, standing.kind != HG_STANDING_FRESH);
    } else {
        g_autoptr(GPtrArray) endpoints = hg_pool_endpoints(pool);
        for (guint i = 0; i < endpoints->len; i++)
            sample_endpoint(text, metric, name, g_ptr_array_index(endpoints, i));
    }
}

static void sample_operations(HgGateway *gateway, HgMetricsText *text)
{
    static const char *const running[] = {"running"};
    static const char *const ended[] = {"ended"};
    HgDirectoryCounts counts;
    hg_directory_count(hg_gateway_directory(gateway), &counts);
    hg_metrics_sample(text, HG_METRIC_OPERATIONS, running, counts.operations_running);
    hg_metrics_sample(text, HG_METRIC_OPERATIONS, ended, counts.operations_ended);
}

static void sample_policies(HgMetricsText *text, HgPolicies *policies)
{
    if (policies == NULL)
        return;
    g_autoptr(HgPolicyVersion) current = hg_policies_current(policies);
    const char *version = hg_policy_set_version(hg_policy_version_set(current));
    hg_metrics_sample(text, HG_METRIC_POLICY_INFO, &version, 1);
}

static void sample_traces(HgTracer *tracer, HgMetricsText *text, HgMetric metric)
{
    static const char *const outcomes[] = {"exported", "rejected", "dropped"};
    HgTracerCounts counts;
    if (tracer == NULL)
        return;
    hg_tracer_count(tracer, &counts);
    const guint64 spans[] = {counts.exported, counts.rejected, counts.dropped};
    if (metric == HG_METRIC_TRACE_WAITING)
        sample_one(text, metric, counts.waiting);
    else
        for (gsize i = 0; i < G_N_ELEMENTS(outcomes); i++)
            hg_metrics_sample(text, metric, &outcomes[i], (double)spans[i]);
}

void hg_control_sample(HgGateway *gateway, HgMetricsText *text, HgMetric metric)
{
    const HgProxyOptions *options = hg_gateway_options(gateway);
    HgDirectoryCounts counts;
    switch (metric) {
    case HG_METRIC_SESSIONS_OPEN:
    case HG_METRIC_SESSIONS_LOST:
        hg_directory_count(hg_gateway_directory(gateway), &counts);
        sample_one(text, metric,
                   metric == HG_METRIC_SESSIONS_OPEN ? counts.sessions_open : counts.sessions_lost);
        break;
    case HG_METRIC_SESSIONS_MAX:
        sample_one(text, metric, options->sessions);
        break;
    case HG_METRIC_OPERATIONS:
        sample_operations(gateway, text);
        break;
    case HG_METRIC_ENDPOINT_STATE:
    case HG_METRIC_ENDPOINT_SESSIONS:
    case HG_METRIC_ENDPOINT_OPERATIONS:
    case HG_METRIC_ENDPOINT_FAILURES:
    case HG_METRIC_POOL_PAUSED:
    case HG_METRIC_POOL_ENDPOINTS:
    case HG_METRIC_POOL_STALE:
        for (guint i = 0; i < hg_gateway_pools(gateway); i++)
            sample_pool(text, metric, hg_gateway_pool_at(gateway, i));
        break;
    case HG_METRIC_DRAINING:
        sample_one(text, metric, hg_gateway_is_stopping(gateway));
        break;
    case HG_METRIC_JOBS_WAITING:
        sample_one(text, metric, hg_jobs_waiting(hg_gateway_jobs(gateway)));
        break;
    case HG_METRIC_JOBS_MAX:
        sample_one(text, metric, options->job_queue);
        break;
    case HG_METRIC_BUFFER_BYTES:
        sample_one(text, metric, (double)hg_budget_used(hg_gateway_budget(gateway)));
        break;
    case HG_METRIC_BUFFER_MAX_BYTES:
        sample_one(text, metric, (double)options->memory);
        break;
    case HG_METRIC_AUDIT_LAG ... HG_METRIC_AUDIT_FAILING:
        hg_recorder_sample(options->recorder, text, metric);
        break;
    case HG_METRIC_TRACE_SPANS:
    case HG_METRIC_TRACE_WAITING:
        sample_traces(options->tracer, text, metric);
        break;
    case HG_METRIC_THROTTLED:
        sample_one(text, metric, hg_authenticator_throttled(hg_gateway_authenticator(gateway)));
        break;
    case HG_METRIC_POLICY_INFO:
        sample_policies(text, options->policies);
        break;
    default:
        break;
    }
}
