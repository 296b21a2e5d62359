/* Probes of endpoints: see prober.h. A probe owns its connection and a reference to its endpoint.
 * Worker's thread only. */
#include "proxy/prober.h"

#include "base/container.h"
#include "hs2/answer.h"
#include "hs2/probe.h"
#include "net/timer.h"
#include "proxy/worker.h"

#define LOOK_EVERY     500  /* ms between looks at which endpoints there are */
#define LOST_PAUSE     1000 /* ms until an idle connection that broke is made anew */
#define CLOSE_PATIENCE 2000 /* ms for CloseSession */

typedef enum {
    PROBE_WAITING, /* for its next turn */
    PROBE_OPENING, /* OpenSession is sent */
    PROBE_ASKING,  /* GetInfo is sent */
    PROBE_CLOSING, /* CloseSession is sent: its answer is the end */
} ProbeState;

typedef struct {
    HgProber *prober;
    HgEndpoint *endpoint;
    HgBackend *backend; /* NULL: none */
    HgHandle session;   /* on the backend */
    gboolean has_session;
    ProbeState state;
    gint32 seqid;
    guint64 sent_at; /* hg_metrics_now() */
    guint look;      /* the last one in which its endpoint was seen */
    HgTimer timer;
} Probe;

struct HgProber {
    HgWorker *worker;
    GHashTable *probes; /* HgEndpoint -> Probe, but those that are closing */
    HgTimer timer;
    guint look;
};

static HgFlow on_reply(void *owner, HgReplyPiece *piece);
static void on_lost(void *owner, HgLoss loss, const char *detail);
static const HgBackendEvents probe_events = {on_reply, on_lost};

static void open_session(Probe *probe);

static HgLoop *loop_of(const HgProber *prober)
{
    return hg_worker_loop(prober->worker);
}

static HgLog *log_of(const HgProber *prober)
{
    return hg_gateway_log(hg_worker_gateway(prober->worker));
}

static void drop_backend(Probe *probe)
{
    hg_backend_close(g_steal_pointer(&probe->backend));
    probe->has_session = FALSE;
}

static void wait_for_turn(Probe *probe, guint ms)
{
    probe->state = PROBE_WAITING;
    hg_timer_start(loop_of(probe->prober), &probe->timer, ms);
}

static void count(const Probe *probe, guint outcome)
{
    hg_metrics_add(hg_worker_metrics(probe->prober->worker), HG_METRIC_PROBES, outcome, 1);
}

/* The endpoint stays ejected for longer than the next probe may take: no user shall find out. */
static void fail(Probe *probe, const char *why)
{
    const HgPoolOptions *pool = hg_pool_options(probe->endpoint);
    guint64 now = hg_loop_now(loop_of(probe->prober));
    guint64 least = (guint64)pool->probe_interval + pool->connect_timeout + pool->login_timeout +
                    pool->open_timeout;
    drop_backend(probe);
    count(probe, HG_CONNECTED_FAILED);
    if (hg_endpoint_failed_for(probe->endpoint, now, least))
        hg_log(log_of(probe->prober), HG_LOG_WARN, "endpoint_failed",
               hg_log_text("endpoint", hg_endpoint_name(probe->endpoint)),
               hg_log_text("by", "probe"), hg_log_text("why", why));
    wait_for_turn(probe, pool->probe_interval);
}

static void succeed(Probe *probe)
{
    const HgPoolOptions *pool = hg_pool_options(probe->endpoint);
    count(probe, HG_CONNECTED_DONE);
    if (hg_endpoint_succeeded(probe->endpoint))
        hg_log(log_of(probe->prober), HG_LOG_INFO, "endpoint_recovered",
               hg_log_text("endpoint", hg_endpoint_name(probe->endpoint)),
               hg_log_text("by", "probe"));
    wait_for_turn(probe, pool->probe_interval);
}

/* ---- calls ---- */

static gboolean send_call(Probe *probe, HgMethodId method, gboolean written, HgBuffer *message)
{
    gboolean sent =
        written && hg_backend_call(probe->backend, hg_method_get(method), probe->seqid,
                                   hg_buffer_data(message), hg_buffer_size(message), TRUE);
    probe->sent_at = hg_metrics_now();
    hg_buffer_clear(message);
    return sent;
}

static void ask(Probe *probe)
{
    HgBuffer message;
    hg_buffer_init(&message, NULL);
    probe->state = PROBE_ASKING;
    hg_timer_start(loop_of(probe->prober), &probe->timer,
                   hg_pool_options(probe->endpoint)->probe_timeout);
    gboolean written = hg_probe_get_info(&message, ++probe->seqid, &probe->session);
    if (!send_call(probe, HG_METHOD_GET_INFO, written, &message))
        wait_for_turn(probe, hg_pool_options(probe->endpoint)->probe_interval); /* no memory */
}

static const char *user_of(const Probe *probe)
{
    const HgPoolOptions *pool = hg_pool_options(probe->endpoint);
    return hg_worker_login_name(probe->endpoint, pool->probe_user);
}

static void open_session(Probe *probe)
{
    const HgPoolOptions *pool = hg_pool_options(probe->endpoint);
    HgBuffer message;
    hg_buffer_init(&message, NULL);
    drop_backend(probe);
    probe->state = PROBE_OPENING;
    hg_timer_start(loop_of(probe->prober), &probe->timer, pool->open_timeout);
    probe->backend = hg_backend_new(hg_worker_backend_context(probe->prober->worker),
                                    probe->endpoint, user_of(probe), &probe_events, probe);
    gboolean written = hg_probe_open_session(&message, ++probe->seqid, user_of(probe));
    if (!send_call(probe, HG_METHOD_OPEN_SESSION, written, &message)) {
        drop_backend(probe);
        wait_for_turn(probe, pool->probe_interval);
    }
}

/* ---- the end of a probe ---- */

static void free_probe(Probe *probe)
{
    HgWorker *worker = probe->prober->worker;
    hg_timer_stop(loop_of(probe->prober), &probe->timer);
    drop_backend(probe);
    hg_endpoint_unref(probe->endpoint);
    g_free(probe);
    hg_worker_closer_ended(worker);
}

/* Takes the probe from the prober; its session is closed when that can be said. */
static void end(Probe *probe)
{
    HgBuffer message;
    hg_buffer_init(&message, NULL);
    hg_worker_closer_started(probe->prober->worker);
    if (!probe->has_session || !hg_backend_is_free(probe->backend)) {
        free_probe(probe);
        return;
    }
    probe->state = PROBE_CLOSING;
    hg_timer_start(loop_of(probe->prober), &probe->timer, CLOSE_PATIENCE);
    gboolean written = hg_call_close_session(&message, ++probe->seqid, &probe->session);
    if (!send_call(probe, HG_METHOD_CLOSE_SESSION, written, &message))
        free_probe(probe);
}

/* ---- what comes ---- */

static void on_opened(Probe *probe, const HgReplyPiece *piece)
{
    const HgReplyHead *head = piece->head;
    if (!head->has_handle || head->exception || head->status_code == HG_STATUS_ERROR) {
        fail(probe, "it doesn't open a session for the probe");
        return;
    }
    hg_reply_get_handle(head, piece->bytes, &probe->session);
    probe->has_session = TRUE;
    succeed(probe);
}

static void on_answered(Probe *probe, const HgReplyPiece *piece)
{
    if (piece->head->exception || piece->head->status_code == HG_STATUS_ERROR) {
        open_session(probe); /* it speaks, but doesn't know the session any more */
        return;
    }
    hg_endpoint_note_latency(probe->endpoint, (hg_metrics_now() - probe->sent_at) / 1000,
                             hg_loop_now(loop_of(probe->prober)));
    succeed(probe);
}

static HgFlow on_reply(void *owner, HgReplyPiece *piece)
{
    Probe *probe = owner;
    if (!piece->first)
        return HG_FLOW_GO; /* both replies come whole */
    if (probe->state == PROBE_OPENING)
        on_opened(probe, piece);
    else if (probe->state == PROBE_ASKING)
        on_answered(probe, piece);
    else if (probe->state == PROBE_CLOSING)
        free_probe(probe);
    return HG_FLOW_GO;
}

static void on_lost(void *owner, HgLoss loss, const char *detail)
{
    Probe *probe = owner;
    switch (probe->state) {
    case PROBE_WAITING: /* the server may have ended: that is looked into soon */
        drop_backend(probe);
        wait_for_turn(probe, MIN(LOST_PAUSE, hg_pool_options(probe->endpoint)->probe_interval));
        break;
    case PROBE_OPENING:
        fail(probe, detail);
        break;
    case PROBE_ASKING:
        open_session(probe);
        break;
    case PROBE_CLOSING:
        free_probe(probe);
        break;
    }
}

static void on_timer(HgTimer *timer)
{
    Probe *probe = HG_CONTAINER_OF(timer, Probe, timer);
    switch (probe->state) {
    case PROBE_WAITING:
        if (probe->has_session)
            ask(probe);
        else
            open_session(probe);
        break;
    case PROBE_OPENING:
        fail(probe, "it doesn't answer the probe's OpenSession");
        break;
    case PROBE_ASKING:
        fail(probe, "it is silent: it doesn't answer the probe's GetInfo");
        break;
    case PROBE_CLOSING:
        free_probe(probe);
        break;
    }
}

/* ---- which endpoints there are ---- */

static gboolean is_probed(const HgEndpoint *endpoint)
{
    switch (hg_endpoint_state(endpoint)) {
    case HG_ENDPOINT_UNTRIED:
    case HG_ENDPOINT_UP:
    case HG_ENDPOINT_STARTING:
    case HG_ENDPOINT_DOWN:
        return TRUE;
    case HG_ENDPOINT_UNREADY:
    case HG_ENDPOINT_DRAINED:
    case HG_ENDPOINT_DRAINING:
    case HG_ENDPOINT_GONE:
    case HG_ENDPOINT_REPLACED:
        return FALSE;
    }
    g_return_val_if_reached(FALSE);
}

static void look_at(HgProber *prober, HgEndpoint *endpoint)
{
    Probe *probe = g_hash_table_lookup(prober->probes, endpoint);
    if (probe == NULL) {
        probe = g_new0(Probe, 1);
        probe->prober = prober;
        probe->endpoint = hg_endpoint_ref(endpoint);
        hg_timer_init(&probe->timer, on_timer);
        g_hash_table_insert(prober->probes, endpoint, probe);
        /* spread over the interval, so that many don't begin at once */
        wait_for_turn(probe, 1 + g_random_int() % hg_pool_options(endpoint)->probe_interval);
    }
    probe->look = prober->look;
}

static gboolean is_over(gpointer endpoint, gpointer value, gpointer data)
{
    Probe *probe = value;
    if (probe->look == probe->prober->look)
        return FALSE;
    end(probe);
    return TRUE;
}

static void look(HgProber *prober)
{
    const HgGateway *gateway = hg_worker_gateway(prober->worker);
    prober->look++;
    for (guint i = 0; i < hg_gateway_pools(gateway); i++) {
        HgPool *pool = hg_gateway_pool_at(gateway, i);
        const HgPoolOptions *options = hg_pool_data(pool);
        if (options->probe_interval == 0)
            continue;
        g_autoptr(GPtrArray) endpoints = hg_pool_endpoints(pool);
        for (guint k = 0; k < endpoints->len; k++)
            if (is_probed(g_ptr_array_index(endpoints, k)))
                look_at(prober, g_ptr_array_index(endpoints, k));
    }
    g_hash_table_foreach_remove(prober->probes, is_over, NULL);
}

static void on_look_timer(HgTimer *timer)
{
    HgProber *prober = HG_CONTAINER_OF(timer, HgProber, timer);
    look(prober);
    hg_timer_start(loop_of(prober), &prober->timer, LOOK_EVERY);
}

/* ---- the whole ---- */

HgProber *hg_prober_new(HgWorker *worker)
{
    HgProber *prober = g_new0(HgProber, 1);
    prober->worker = worker;
    prober->probes = g_hash_table_new(NULL, NULL);
    hg_timer_init(&prober->timer, on_look_timer);
    return prober;
}

void hg_prober_start(HgProber *prober)
{
    on_look_timer(&prober->timer);
}

void hg_prober_stop(HgProber *prober)
{
    hg_timer_stop(loop_of(prober), &prober->timer);
    prober->look++; /* all are over */
    g_hash_table_foreach_remove(prober->probes, is_over, NULL);
}

void hg_prober_free(HgProber *prober)
{
    if (prober == NULL)
        return;
    g_hash_table_destroy(prober->probes);
    g_free(prober);
}
