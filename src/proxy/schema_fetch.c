/* A session of hivegate's own on an endpoint, for the columns of tables: see schema_fetch.h. A
 * fetch owns its connection and its waiters; the worker's end waits for it. Worker's thread only.
 *
 *   OPENING -> ASKING -> FETCHING -> FREEING -> ASKING ... -> CLOSING
 */
#include "proxy/schema_fetch.h"

#include "base/container.h"
#include "hs2/answer.h"
#include "hs2/call.h"
#include "hs2/detail.h"
#include "net/timer.h"
#include "policy/name.h"
#include "proxy/described.h"
#include "proxy/policies.h"
#include "sql/print.h"

#include <string.h>

#define MOST_ROWS 100000 /* of a DESCRIBE; a table with more isn't looked at */

typedef enum {
    FETCH_OPENING,  /* OpenSession is sent */
    FETCH_ASKING,   /* a statement is sent */
    FETCH_FETCHING, /* its rows are asked for */
    FETCH_FREEING,  /* CloseOperation is sent */
    FETCH_CLOSING,  /* CloseSession is sent: its answer is the end */
} FetchState;

typedef struct {
    HgSchemaFetches *fetches;
    HgEndpoint *endpoint; /* referenced */
    char *place;          /* its name in the cache */
    HgBackend *backend;
    gboolean kept;     /* the connection came from the cache: it may have gone stale there */
    gboolean answered; /* something has come on it */
    FetchState state;
    GPtrArray *keys;    /* char *, owned */
    guint next;         /* key to ask for; 0 is the engine when that is wanted */
    gboolean engine;    /* the version is wanted, before any key */
    guint64 generation; /* of the cache when the statement was sent */
    gint32 seqid;
    HgHandle session;
    HgHandle operation;
    gint32 operation_type;
    char *version;     /* the engine's; NULL: not asked */
    GPtrArray *learnt; /* HgLearnt */
    GPtrArray *waiters;
    HgTimer timer;
} Fetch;

struct HgSchemaFetches {
    HgWorker *worker;
    GHashTable *running; /* place -> Fetch */
};

static HgFlow on_reply(void *owner, HgReplyPiece *piece);
static void on_lost(void *owner, HgLoss loss, const char *detail);
static const HgBackendEvents fetch_events = {on_reply, on_lost};

char *hg_schema_place(const HgEndpoint *endpoint)
{
    const char *instance = hg_endpoint_instance(endpoint);
    return g_strdup_printf("%s %s", hg_endpoint_name(endpoint), instance != NULL ? instance : "");
}

HgSchemaFetches *hg_schema_fetches_new(HgWorker *worker)
{
    HgSchemaFetches *fetches = g_new0(HgSchemaFetches, 1);
    fetches->worker = worker;
    fetches->running = g_hash_table_new(g_str_hash, g_str_equal);
    return fetches;
}

void hg_schema_fetches_free(HgSchemaFetches *fetches)
{
    if (fetches == NULL)
        return;
    g_hash_table_unref(fetches->running);
    g_free(fetches);
}

static const HgProxyOptions *options_of(const Fetch *fetch)
{
    return hg_gateway_options(hg_worker_gateway(fetch->fetches->worker));
}

static HgPolicies *policies_of(const Fetch *fetch)
{
    return options_of(fetch)->policies;
}

/* As whom hivegate asks. */
static const char *user_of(const Fetch *fetch)
{
    const HgPoolOptions *pool = hg_pool_options(fetch->endpoint);
    return pool->login == HG_LOGIN_SERVICE ? pool->user
                                           : hg_policies_options(policies_of(fetch))->user;
}

/* ---- the end ---- */

static void free_fetch(Fetch *fetch)
{
    g_ptr_array_unref(fetch->keys);
    g_ptr_array_unref(fetch->waiters);
    if (fetch->learnt != NULL)
        g_ptr_array_unref(fetch->learnt);
    g_free(fetch->version);
    g_free(fetch->place);
    hg_endpoint_unref(fetch->endpoint);
    g_free(fetch);
}

/* Nobody waits any more: they are told, and may begin another asking. */
static void tell(Fetch *fetch, const char *why)
{
    HgSchemaFetches *fetches = fetch->fetches;
    HgWorker *worker = fetches->worker;
    hg_timer_stop(hg_worker_loop(worker), &fetch->timer);
    g_hash_table_remove(fetches->running, fetch->place);
    if (why != NULL)
        hg_log(hg_gateway_log(hg_worker_gateway(worker)), HG_LOG_WARN, "tables_not_looked_up",
               hg_log_text("endpoint", hg_endpoint_name(fetch->endpoint)), hg_log_text("why", why));
    hg_schema_cache_learn(hg_policies_schemas(policies_of(fetch)), fetch->place,
                          g_steal_pointer(&fetch->learnt), fetch->version);
    g_autoptr(GPtrArray) waiters = g_steal_pointer(&fetch->waiters);
    fetch->waiters = g_ptr_array_new();
    for (guint i = 0; i < waiters->len; i++) {
        HgSchemaWaiter *waiter = g_ptr_array_index(waiters, i);
        waiter->told(waiter, why);
    }
}

/* The connection is done with. `why` NULL: all is learned. */
static void end(Fetch *fetch, const char *why)
{
    HgWorker *worker = fetch->fetches->worker;
    if (why == NULL && fetch->backend != NULL && hg_backend_is_free(fetch->backend))
        hg_backend_cache_put(hg_worker_backend_cache(worker), fetch->backend);
    else
        hg_backend_close(fetch->backend);
    fetch->backend = NULL;
    tell(fetch, why);
    free_fetch(fetch);
    hg_worker_closer_ended(worker);
}

/* ---- calls ---- */

static gboolean send_call(Fetch *fetch, HgMethodId method, HgBuffer *message, gboolean written)
{
    gboolean sent =
        written && hg_backend_call(fetch->backend, hg_method_get(method), fetch->seqid,
                                   hg_buffer_data(message), hg_buffer_size(message), TRUE);
    hg_buffer_clear(message);
    return sent;
}

static gboolean open_session(Fetch *fetch)
{
    static const char *const settings[] = {"set:hiveconf:spark.sql.debug.maxToStringFields",
                                           "1000000",
                                           "set:hiveconf:spark.sql.variable.substitute",
                                           "false",
                                           "set:hiveconf:spark.sql.ansi.doubleQuotedIdentifiers",
                                           "false",
                                           NULL};
    HgBuffer message;
    hg_buffer_init(&message, NULL);
    const char *login = hg_worker_login_name(fetch->endpoint, user_of(fetch));
    fetch->state = FETCH_OPENING;
    gboolean written = hg_call_open_session(&message, ++fetch->seqid, login, settings);
    return send_call(fetch, HG_METHOD_OPEN_SESSION, &message, written);
}

static char *describe(const char *key)
{
    g_auto(GStrv) parts = g_strsplit(key, ".", 3);
    GString *sql = g_string_new("DESCRIBE TABLE EXTENDED ");
    for (guint i = 0; parts[i] != NULL; i++) {
        if (i > 0)
            g_string_append_c(sql, '.');
        hg_sql_print_name(sql, parts[i]);
    }
    return g_string_free(sql, FALSE);
}

/* The statement that comes next: one for the version, then one for each key. NULL: that was all. */
static char *next_statement(Fetch *fetch)
{
    if (fetch->engine && fetch->version == NULL)
        return g_strdup("SELECT version()");
    return fetch->next < fetch->keys->len ? describe(g_ptr_array_index(fetch->keys, fetch->next))
                                          : NULL;
}

static gboolean ask_next(Fetch *fetch)
{
    HgBuffer message;
    hg_buffer_init(&message, NULL);
    g_autofree char *statement = next_statement(fetch);
    if (statement == NULL) {
        fetch->state = FETCH_CLOSING;
        gboolean written = hg_call_close_session(&message, ++fetch->seqid, &fetch->session);
        return send_call(fetch, HG_METHOD_CLOSE_SESSION, &message, written);
    }
    fetch->state = FETCH_ASKING;
    fetch->generation = hg_schema_cache_generation(hg_policies_schemas(policies_of(fetch)));
    gboolean written = hg_call_execute(&message, ++fetch->seqid, &fetch->session, statement);
    return send_call(fetch, HG_METHOD_EXECUTE_STATEMENT, &message, written);
}

static gboolean fetch_rows(Fetch *fetch)
{
    HgBuffer message;
    hg_buffer_init(&message, NULL);
    fetch->state = FETCH_FETCHING;
    gboolean written = hg_call_fetch(&message, ++fetch->seqid, &fetch->operation,
                                     fetch->operation_type, MOST_ROWS);
    return send_call(fetch, HG_METHOD_FETCH_RESULTS, &message, written);
}

static gboolean free_operation(Fetch *fetch)
{
    HgBuffer message;
    hg_buffer_init(&message, NULL);
    fetch->state = FETCH_FREEING;
    gboolean written =
        hg_call_close_operation(&message, ++fetch->seqid, &fetch->operation, fetch->operation_type);
    return send_call(fetch, HG_METHOD_CLOSE_OPERATION, &message, written);
}

/* ---- answers ---- */

static gboolean is_error(const HgReplyHead *head)
{
    return head->exception || head->status_code == HG_STATUS_ERROR;
}

/* Is this what Spark says when there is no such table? */
static gboolean says_absent(const char *message)
{
    static const char *const classes[] = {"[TABLE_OR_VIEW_NOT_FOUND]", "[SCHEMA_NOT_FOUND]",
                                          "[NO_SUCH_CATALOG_EXCEPTION]", "[CATALOG_NOT_FOUND]",
                                          "[REQUIRES_SINGLE_PART_NAMESPACE]"};
    for (gsize i = 0; message != NULL && i < G_N_ELEMENTS(classes); i++)
        if (strstr(message, classes[i]) != NULL)
            return TRUE;
    return FALSE;
}

static void learn(Fetch *fetch, GPtrArray *take_columns, gboolean is_view)
{
    HgLearnt *learnt = g_new0(HgLearnt, 1);
    learnt->key = g_strdup(g_ptr_array_index(fetch->keys, fetch->next++));
    learnt->columns = take_columns;
    learnt->is_view = is_view;
    learnt->generation = fetch->generation;
    g_ptr_array_add(fetch->learnt, learnt);
}

/* The rows of DESCRIBE EXTENDED. FALSE when this is no description of a table. */
static gboolean read_table(Fetch *fetch, const GPtrArray *names, const GPtrArray *types)
{
    gboolean is_view = FALSE;
    gboolean own = g_str_has_prefix(g_ptr_array_index(fetch->keys, fetch->next),
                                    HG_POLICY_SESSION_CATALOG ".");
    GPtrArray *columns = hg_described_read(names, types, own, &is_view);
    if (columns == NULL)
        return FALSE;
    learn(fetch, columns, is_view);
    return TRUE;
}

static gboolean take_rows(Fetch *fetch, const HgReplyPiece *piece)
{
    g_autoptr(GPtrArray) columns = hg_detail_texts(hg_slice(piece->bytes, piece->size));
    const GPtrArray *first = columns != NULL && columns->len > 0 ? columns->pdata[0] : NULL;
    if (first == NULL || first->len == 0)
        return FALSE;
    if (fetch->engine && fetch->version == NULL) {
        fetch->version = g_strdup(g_ptr_array_index(first, 0));
        return TRUE;
    }
    const GPtrArray *second = columns->len > 1 ? columns->pdata[1] : NULL;
    return second != NULL && second->len == first->len && first->len < MOST_ROWS &&
           read_table(fetch, first, second);
}

/* The endpoint refused a call. TRUE when that is an answer, too: there is no such table. */
static gboolean take_error(Fetch *fetch, const HgReplyPiece *piece, char **why)
{
    g_autofree char *sql_state = NULL;
    g_autofree char *message = NULL;
    HgMethodId method = hg_backend_method(fetch->backend)->id;
    hg_detail_error(hg_slice(piece->bytes, piece->size), hg_method_get(method), &sql_state,
                    &message);
    gboolean versions = fetch->engine && fetch->version == NULL;
    if (fetch->state == FETCH_ASKING && !versions && says_absent(message)) {
        learn(fetch, NULL, FALSE);
        return TRUE;
    }
    *why = g_strdup_printf("%s was refused: %s", hg_method_get(method)->name,
                           message != NULL ? message : "the endpoint doesn't say why");
    return FALSE;
}

/* Goes on behind a reply. FALSE when a call couldn't be sent, or the reply is of no use: *why may
 * say so. */
static gboolean step(Fetch *fetch, const HgReplyPiece *piece, char **why)
{
    const HgReplyHead *head = piece->head;
    if (is_error(head))
        return take_error(fetch, piece, why) && ask_next(fetch);
    switch (fetch->state) {
    case FETCH_OPENING:
        if (!head->has_handle)
            return FALSE;
        hg_reply_get_handle(head, piece->bytes, &fetch->session);
        return ask_next(fetch);
    case FETCH_ASKING:
        if (!head->has_handle)
            return FALSE;
        hg_reply_get_handle(head, piece->bytes, &fetch->operation);
        fetch->operation_type = head->operation_type;
        return fetch_rows(fetch);
    case FETCH_FETCHING:
        return take_rows(fetch, piece) && free_operation(fetch);
    case FETCH_FREEING:
        return ask_next(fetch);
    case FETCH_CLOSING:
        return TRUE;
    }
    g_return_val_if_reached(FALSE);
}

static HgFlow on_reply(void *owner, HgReplyPiece *piece)
{
    Fetch *fetch = owner;
    g_autofree char *why = NULL;
    gboolean over = fetch->state == FETCH_CLOSING;
    fetch->answered = TRUE;
    if (!step(fetch, piece, &why))
        end(fetch, why != NULL ? why : "the endpoint's answer can't be understood");
    else if (over)
        end(fetch, NULL);
    return HG_FLOW_GO;
}

static void on_lost(void *owner, HgLoss loss, const char *detail)
{
    Fetch *fetch = owner;
    HgWorker *worker = fetch->fetches->worker;
    if (!fetch->kept || fetch->answered || loss == HG_LOSS_TIMEOUT) {
        end(fetch, detail);
        return;
    }
    fetch->kept = FALSE; /* gone stale while it was kept */
    hg_backend_close(fetch->backend);
    fetch->backend =
        hg_backend_new(hg_worker_backend_context(worker), fetch->endpoint,
                       hg_worker_login_name(fetch->endpoint, user_of(fetch)), &fetch_events, fetch);
    if (!open_session(fetch))
        end(fetch, HG_AT_CEILING);
}

static void on_timeout(HgTimer *timer)
{
    end(HG_CONTAINER_OF(timer, Fetch, timer), "the endpoint didn't answer in time");
}

/* ---- asking ---- */

static void start(HgSchemaFetches *fetches, Fetch *fetch)
{
    HgWorker *worker = fetches->worker;
    g_hash_table_insert(fetches->running, fetch->place, fetch);
    hg_worker_closer_started(worker);
    hg_timer_init(&fetch->timer, on_timeout);
    hg_timer_start(hg_worker_loop(worker), &fetch->timer,
                   hg_policies_options(policies_of(fetch))->lookup_time);
    if (!hg_endpoint_is_replaced(fetch->endpoint))
        fetch->backend = hg_worker_take_backend(worker, fetch->endpoint, user_of(fetch),
                                                &fetch_events, fetch, &fetch->kept);
    if (fetch->backend == NULL ||
        !open_session(fetch)) /* the waiters hear of it by the timer: never within this call */
        hg_timer_start(hg_worker_loop(worker), &fetch->timer, 1);
}

void hg_schema_fetch(HgSchemaFetches *fetches, HgEndpoint *endpoint, const GPtrArray *keys,
                     gboolean engine, HgSchemaWaiter *take_waiter)
{
    g_autofree char *place = hg_schema_place(endpoint);
    Fetch *fetch = g_hash_table_lookup(fetches->running, place);
    gboolean runs = fetch != NULL;
    if (!runs) {
        fetch = g_new0(Fetch, 1);
        fetch->fetches = fetches;
        fetch->endpoint = hg_endpoint_ref(endpoint);
        fetch->place = g_steal_pointer(&place);
        fetch->engine = engine;
        fetch->keys = g_ptr_array_new_with_free_func(g_free);
        fetch->waiters = g_ptr_array_new();
        fetch->learnt = g_ptr_array_new_with_free_func((GDestroyNotify)hg_learnt_free);
        for (guint i = 0; keys != NULL && i < keys->len; i++)
            g_ptr_array_add(fetch->keys, g_strdup(g_ptr_array_index(keys, i)));
    }
    g_ptr_array_add(fetch->waiters, take_waiter);
    if (!runs)
        start(fetches, fetch);
}
