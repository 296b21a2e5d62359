/* The tracer and the thread that exports: see tracer.h. Owns the spans that wait, and the HTTP
 * client. */
#include "trace/tracer.h"

#include "base/error.h"
#include "net/http_client.h"
#include "trace/otlp.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define BATCH          512
#define ANSWER_MAX     (64 * 1024)
#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS  30000

struct HgTracer {
    char *url;
    const char *const *headers;
    guint one_in;
    gboolean follow;
    guint queue;
    gint64 interval_ms;
    HgLog *log;
    HgOtlpResource resource;
    char *texts[3]; /* of the resource */
    HgHttpClient *client;
    pthread_t thread;
    _Atomic guint64 roots; /* traces that have begun here, recorded or not */
    pthread_mutex_t lock;  /* of all that follows */
    pthread_cond_t changed;
    gboolean stopping;
    GPtrArray *waiting;
    HgTracerCounts counts; /* but for `waiting` */
    gboolean failing;      /* the last request failed: it is told once */
};

/* ---- what is recorded ---- */

HgTraceSpan *hg_tracer_begin(HgTracer *tracer, const char *name, HgTraceSpanKind kind,
                             const HgTraceContext *parent, gint64 start_us)
{
    if (tracer == NULL)
        return NULL;
    if (parent != NULL && tracer->follow)
        return parent->sampled ? hg_trace_span_new(name, kind, parent, start_us) : NULL;
    if (tracer->one_in == 0 ||
        atomic_fetch_add_explicit(&tracer->roots, 1, memory_order_relaxed) % tracer->one_in != 0)
        return NULL;
    return hg_trace_span_new(name, kind, NULL, start_us);
}

void hg_tracer_end(HgTracer *tracer, HgTraceSpan *take_span, gint64 end_us)
{
    if (take_span == NULL)
        return;
    hg_trace_span_set_end(take_span, end_us);
    pthread_mutex_lock(&tracer->lock);
    gboolean room = tracer->waiting->len < tracer->queue;
    if (room)
        g_ptr_array_add(tracer->waiting, take_span);
    else
        tracer->counts.dropped++;
    if (tracer->waiting->len == BATCH)
        pthread_cond_signal(&tracer->changed);
    pthread_mutex_unlock(&tracer->lock);
    if (!room)
        hg_trace_span_free(take_span);
}

void hg_tracer_count(HgTracer *tracer, HgTracerCounts *out)
{
    pthread_mutex_lock(&tracer->lock);
    *out = tracer->counts;
    out->waiting = tracer->waiting->len;
    pthread_mutex_unlock(&tracer->lock);
}

/* ---- the thread ---- */

static void free_span(gpointer span)
{
    hg_trace_span_free(span);
}

typedef enum {
    EXPORT_DONE,
    EXPORT_AGAIN,
    EXPORT_REJECTED,
} Export;

/* OTLP/HTTP: these may be sent again ("Retryable Response Codes"). */
static gboolean is_temporary(guint status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static Export export_batch(HgTracer *tracer, GPtrArray *batch, gint64 *rejected, GError **error)
{
    g_autofree char *body =
        hg_otlp_request(&tracer->resource, (HgTraceSpan *const *)batch->pdata, batch->len);
    g_autoptr(HgHttpAnswer) answer = NULL;
    HgHttpRequest request = {.url = tracer->url,
                             .headers = tracer->headers,
                             .content_type = "application/json",
                             .body = hg_slice_from_string(body)};
    *rejected = 0;
    if (!hg_http_client_send(tracer->client, &request, &answer, error))
        return EXPORT_AGAIN;
    if (answer->status / 100 == 2) {
        *rejected = MIN(hg_otlp_rejected(answer->body), (gint64)batch->len);
        return EXPORT_DONE;
    }
    g_set_error(error, HG_ERROR, HG_ERROR_FAILED, "the collector answers %u", answer->status);
    return is_temporary(answer->status) ? EXPORT_AGAIN : EXPORT_REJECTED;
}

/* The first spans that wait, or NULL. Under the lock. */
static GPtrArray *take_batch(HgTracer *tracer)
{
    guint count = MIN(tracer->waiting->len, BATCH);
    if (count == 0)
        return NULL;
    GPtrArray *batch = g_ptr_array_new_full(count, free_span);
    for (guint i = 0; i < count; i++)
        g_ptr_array_add(batch, tracer->waiting->pdata[i]);
    g_ptr_array_set_free_func(tracer->waiting, NULL);
    g_ptr_array_remove_range(tracer->waiting, 0, count);
    g_ptr_array_set_free_func(tracer->waiting, free_span);
    return batch;
}

/* Waits until something is to be done or `ms` are over. Under the lock. */
static void wait_for(HgTracer *tracer, gint64 ms, gboolean for_batch)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!tracer->stopping && !(for_batch && tracer->waiting->len >= BATCH))
        if (pthread_cond_timedwait(&tracer->changed, &tracer->lock, &until) == ETIMEDOUT)
            return;
}

static void tell(HgTracer *tracer, Export outcome, const GError *error)
{
    gboolean failing = outcome != EXPORT_DONE;
    if (failing && !tracer->failing)
        hg_log(tracer->log, HG_LOG_WARN, "traces_not_exported", hg_log_text("why", error->message));
    else if (!failing && tracer->failing)
        hg_log(tracer->log, HG_LOG_INFO, "traces_exported_again");
    tracer->failing = failing;
}

/* Sends a batch until it is sent, rejected, or hivegate ends. Under the lock, but not while it
 * sends. */
static void deliver(HgTracer *tracer, GPtrArray *batch)
{
    gint64 retry_ms = RETRY_FIRST_MS;
    for (;;) {
        g_autoptr(GError) error = NULL;
        gint64 rejected = 0;
        pthread_mutex_unlock(&tracer->lock);
        Export outcome = export_batch(tracer, batch, &rejected, &error);
        tell(tracer, outcome, error);
        pthread_mutex_lock(&tracer->lock);
        if (outcome == EXPORT_DONE) {
            tracer->counts.exported += batch->len - (guint)rejected;
            tracer->counts.rejected += (guint64)rejected;
            return;
        }
        if (outcome == EXPORT_REJECTED || tracer->stopping) {
            *(outcome == EXPORT_REJECTED ? &tracer->counts.rejected : &tracer->counts.dropped) +=
                batch->len;
            return;
        }
        wait_for(tracer, retry_ms, FALSE);
        retry_ms = MIN(retry_ms * 2, RETRY_MOST_MS);
    }
}

static void *run(void *data)
{
    HgTracer *tracer = data;
    pthread_mutex_lock(&tracer->lock);
    for (;;) {
        wait_for(tracer, tracer->interval_ms, TRUE);
        GPtrArray *batch = take_batch(tracer);
        gboolean last = tracer->stopping && (batch == NULL || tracer->failing);
        if (batch != NULL && last)
            tracer->counts.dropped += batch->len;
        else if (batch != NULL)
            deliver(tracer, batch);
        if (batch != NULL)
            g_ptr_array_unref(batch);
        if (last)
            break;
    }
    tracer->counts.dropped += tracer->waiting->len;
    pthread_mutex_unlock(&tracer->lock);
    return NULL;
}

/* ---- life ---- */

static void name_resource(HgTracer *tracer, const char *version)
{
    char host[256] = "";
    tracer->texts[0] = g_strdup(version);
    tracer->texts[1] = g_uuid_string_random();
    if (gethostname(host, sizeof host - 1) == 0 && *host != '\0')
        tracer->texts[2] = g_utf8_make_valid(host, -1);
    tracer->resource = (HgOtlpResource){.service = "hivegate",
                                        .version = tracer->texts[0],
                                        .instance = tracer->texts[1],
                                        .host = tracer->texts[2]};
}

static void free_all(HgTracer *tracer)
{
    g_ptr_array_unref(tracer->waiting);
    hg_http_client_free(tracer->client);
    pthread_cond_destroy(&tracer->changed);
    pthread_mutex_destroy(&tracer->lock);
    for (gsize i = 0; i < G_N_ELEMENTS(tracer->texts); i++)
        g_free(tracer->texts[i]);
    g_free(tracer->url);
    g_free(tracer);
}

gboolean hg_tracer_new(const HgTracerConfig *config, HgTracer **out, GError **error)
{
    HgHttpClientConfig http = {.ca_file = config->ca_file,
                               .connect_timeout_ms = config->timeout_ms,
                               .timeout_ms = config->timeout_ms,
                               .answer_max = ANSWER_MAX,
                               .requests = 1};
    HgHttpClient *client = NULL;
    pthread_condattr_t attributes;
    if (!hg_http_client_new(&http, &client, error))
        return FALSE;
    HgTracer *tracer = g_new0(HgTracer, 1);
    tracer->url = g_strdup(config->url);
    tracer->headers = config->headers;
    tracer->one_in = config->one_in;
    tracer->follow = config->follow;
    tracer->queue = config->queue;
    tracer->interval_ms = config->interval_ms;
    tracer->log = config->log;
    tracer->client = client;
    tracer->waiting = g_ptr_array_new_with_free_func(free_span);
    name_resource(tracer, config->version);
    pthread_mutex_init(&tracer->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&tracer->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int rc = pthread_create(&tracer->thread, NULL, run, tracer);
    if (rc != 0) {
        hg_error_set_errno(error, rc, "can't start the thread that exports traces");
        free_all(tracer);
        return FALSE;
    }
    *out = tracer;
    return TRUE;
}

void hg_tracer_free(HgTracer *tracer)
{
    if (tracer == NULL)
        return;
    pthread_mutex_lock(&tracer->lock);
    tracer->stopping = TRUE;
    pthread_cond_signal(&tracer->changed);
    pthread_mutex_unlock(&tracer->lock);
    pthread_join(tracer->thread, NULL);
    free_all(tracer);
}
