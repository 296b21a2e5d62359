/* Servers, their health and their connections: see ldap_pool.h. The lock is around the lists and
 * the counters; nothing that talks to a server happens under it. */
#include "auth/ldap_pool.h"

#include "base/error.h"
#include "base/secret.h"

#include <ldap.h>
#include <pthread.h>

#define BACK_OFF_FIRST (1 * G_USEC_PER_SEC)
#define BACK_OFF_MOST  (30 * G_USEC_PER_SEC)
#define FAIR_TRIAL     (1 * G_USEC_PER_SEC)   /* who got less time isn't blamed for being late */
#define IDLE_MOST      (60 * G_USEC_PER_SEC)  /* servers and firewalls forget idle connections */
#define AGE_MOST       (600 * G_USEC_PER_SEC) /* renewed certificates and addresses get their turn */

/* A connection with what the pool knows about it. */
typedef struct {
    HgLdapConnection *connection;
    HgLdapUse use;
    guint server;
    guint generation;
    gint64 born_us;
    gint64 idle_since_us;
    gboolean fresh; /* made for the present request */
    gboolean probe; /* the one attempt at a server that failed */
} Lease;

typedef struct {
    HgLdapServer where;
    GQueue idle[2]; /* by use, of Lease; the one used last in front */
    guint failures; /* in a row */
    gint64 retry_at_us;
    gboolean probing;
    guint denied_version; /* of the password with which the service account was refused; 0: none */
    char *last_error;
} Server;

struct HgLdapPool {
    const HgLdapConfig *config;
    Server *servers;
    guint n_servers;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a connection was given back or closed */
    guint total[2];         /* connections by use, idle ones too */
    guint generation;       /* connections of an earlier one are closed when they come back */
    HgTls *tls;             /* NULL when no server needs it */
    HgSecret *password;     /* NULL without a service account */
    guint password_version; /* from 1 */
};

static void lease_free(Lease *lease)
{
    hg_ldap_connection_free(lease->connection);
    g_free(lease);
}

/* Reads the password file; with `keep`, a file that can't be read leaves the old password. */
static gboolean load_password(HgLdapPool *pool, gboolean keep, GError **error)
{
    HgFileExposure exposure = HG_FILE_PRIVATE;
    g_autoptr(HgSecret) fresh = NULL;
    if (pool->config->bind_dn == NULL)
        return TRUE;
    if (!hg_secret_load_file(pool->config->password_file, &fresh, &exposure, error))
        return keep;
    pthread_mutex_lock(&pool->lock);
    if (pool->password == NULL ||
        !hg_slice_equal(hg_secret_slice(pool->password), hg_secret_slice(fresh))) {
        HgSecret *old = pool->password;
        pool->password = g_steal_pointer(&fresh);
        pool->password_version++;
        hg_secret_unref(old);
    }
    pthread_mutex_unlock(&pool->lock);
    return TRUE;
}

/* The settings for TLS, when a server is to have it. */
static gboolean make_tls(HgLdapPool *pool, GError **error)
{
    const HgLdapTlsConfig *tls = &pool->config->tls;
    const HgTlsPair pair = {tls->certificate_file, tls->key_file};
    HgTlsOptions options = {
        .pairs = &pair,
        .n_pairs = tls->certificate_file != NULL ? 1 : 0,
        .ca_file = tls->ca_file,
        .min_version = tls->min_version,
        .verify = tls->verify == HG_LDAP_VERIFY_NONE ? HG_TLS_VERIFY_NONE : HG_TLS_VERIFY_FULL,
    };
    gboolean needed = pool->config->start_tls;
    for (guint i = 0; i < pool->n_servers; i++)
        needed = needed || pool->servers[i].where.ldaps;
    if (!needed)
        return TRUE;
    pool->tls = hg_tls_new_client(&options, error);
    return pool->tls != NULL;
}

/* What a connection to the server has to have; renewed files count for new connections, and those
 * that are of no use are as good as not renewed. */
static HgTls *tls_for(HgLdapPool *pool, const Server *server)
{
    gboolean changed = FALSE;
    g_autoptr(GError) error = NULL;
    if (!server->where.ldaps && !pool->config->start_tls)
        return NULL;
    hg_tls_reload(pool->tls, &changed, &error);
    return pool->tls;
}

gboolean hg_ldap_pool_new(const HgLdapConfig *config, HgLdapPool **out, GError **error)
{
    g_autoptr(HgLdapPool) pool = g_new0(HgLdapPool, 1);
    pthread_condattr_t monotonic;
    pool->config = config;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pool->servers = g_new0(Server, config->n_urls);
    for (; pool->n_servers < config->n_urls; pool->n_servers++)
        if (!hg_ldap_server_parse(config->urls[pool->n_servers],
                                  &pool->servers[pool->n_servers].where, error))
            return FALSE;
    if (!make_tls(pool, error) || !load_password(pool, FALSE, error))
        return FALSE;
    *out = g_steal_pointer(&pool);
    return TRUE;
}

void hg_ldap_pool_free(HgLdapPool *pool)
{
    if (pool == NULL)
        return;
    for (guint i = 0; i < pool->n_servers; i++) {
        for (guint use = 0; use < 2; use++)
            g_queue_clear_full(&pool->servers[i].idle[use], (GDestroyNotify)lease_free);
        hg_ldap_server_clear(&pool->servers[i].where);
        g_free(pool->servers[i].last_error);
    }
    hg_tls_unref(pool->tls);
    hg_secret_unref(pool->password);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    g_free(pool->servers);
    g_free(pool);
}

/* TRUE when the server may be asked now. Under the lock. */
static gboolean is_up(const HgLdapPool *pool, const Server *server, gint64 now)
{
    if (server->failures == 0)
        return TRUE;
    if (server->probing)
        return FALSE;
    gboolean new_password =
        server->denied_version != 0 && server->denied_version != pool->password_version;
    return server->retry_at_us <= now || new_password;
}

/* Takes a connection off a list; the caller frees it. Under the lock. */
static Lease *take_off(HgLdapPool *pool, Server *server, HgLdapUse use)
{
    Lease *lease = g_queue_pop_head(&server->idle[use]);
    if (lease != NULL)
        pool->total[use]--;
    return lease;
}

/* An idle connection that still is of use; moves the others to `dead`. Under the lock. */
static Lease *pick_idle(HgLdapPool *pool, Server *server, HgLdapUse use, GPtrArray *dead)
{
    gint64 now = g_get_monotonic_time();
    Lease *lease;
    while ((lease = take_off(pool, server, use)) != NULL) {
        if (now - lease->idle_since_us < IDLE_MOST && now - lease->born_us < AGE_MOST &&
            hg_ldap_connection_is_good(lease->connection)) {
            pool->total[use]++;
            lease->fresh = FALSE;
            return lease;
        }
        g_ptr_array_add(dead, lease);
    }
    return NULL;
}

/* Makes room for one more connection by giving up one that is idle on another server. Under the
 * lock. */
static gboolean make_room(HgLdapPool *pool, HgLdapUse use, GPtrArray *dead)
{
    for (guint i = pool->n_servers; pool->total[use] >= pool->config->connections && i-- > 0;) {
        Lease *lease = take_off(pool, &pool->servers[i], use);
        if (lease != NULL)
            g_ptr_array_add(dead, lease);
    }
    return pool->total[use] < pool->config->connections;
}

/* Waits until something changes; FALSE when the time is over. Under the lock. */
static gboolean wait_for_change(HgLdapPool *pool, gint64 deadline_us)
{
    struct timespec until = {.tv_sec = deadline_us / G_USEC_PER_SEC,
                             .tv_nsec = deadline_us % G_USEC_PER_SEC * 1000};
    return pthread_cond_timedwait(&pool->changed, &pool->lock, &until) == 0;
}

/* Notes how a server fared. Under the lock. */
static void note_failure(Server *server, const char *why, guint denied_version)
{
    gint64 wait = BACK_OFF_FIRST << MIN(server->failures, 10);
    server->failures++;
    server->retry_at_us = g_get_monotonic_time() + MIN(wait, BACK_OFF_MOST);
    server->denied_version = denied_version;
    g_free(server->last_error);
    server->last_error = g_strdup(why);
}

static void note_success(Server *server)
{
    server->failures = 0;
    server->denied_version = 0;
}

/* What keeps each server from being asked. Under the lock. */
static char *explain(const HgLdapPool *pool)
{
    GString *text = g_string_new("no directory server can be asked");
    gint64 now = g_get_monotonic_time();
    for (guint i = 0; i < pool->n_servers; i++) {
        const Server *server = &pool->servers[i];
        gint64 left = MAX(server->retry_at_us - now, 0) / G_USEC_PER_SEC;
        g_string_append_printf(text, "; %s: %s", server->where.url,
                               server->last_error != NULL ? server->last_error : "not tried");
        if (server->probing)
            g_string_append(text, " (being tried again now)");
        else if (server->failures > 0)
            g_string_append_printf(text, " (left alone for %" G_GINT64_FORMAT " s)", left + 1);
    }
    return g_string_free(text, FALSE);
}

/* Binds the service account; *denied says that the password is wrong. */
static gboolean bind_service(HgLdapPool *pool, HgLdapConnection *connection, gint64 deadline_us,
                             guint *denied_version, GError **error)
{
    g_auto(HgLdapReply) reply = {.policy = HG_LDAP_POLICY_NONE};
    load_password(pool, TRUE, NULL);
    pthread_mutex_lock(&pool->lock);
    g_autoptr(HgSecret) password = hg_secret_ref(pool->password);
    guint version = pool->password_version;
    pthread_mutex_unlock(&pool->lock);
    hg_ldap_connection_bind(connection, pool->config->bind_dn, hg_secret_slice(password),
                            deadline_us, &reply);
    if (reply.status == HG_LDAP_ANSWERED && reply.code == LDAP_SUCCESS)
        return TRUE;
    if (reply.status == HG_LDAP_ANSWERED)
        *denied_version = version;
    g_set_error(error, HG_ERROR, HG_ERROR_UNAVAILABLE,
                "the service account %s can't log in: %s%s%s", pool->config->bind_dn,
                reply.status == HG_LDAP_ANSWERED ? ldap_err2string(reply.code) : reply.text,
                reply.status == HG_LDAP_ANSWERED && *reply.text != '\0' ? ": " : "",
                reply.status == HG_LDAP_ANSWERED ? reply.text : "");
    return FALSE;
}

static gint64 sooner(gint64 deadline_us, gint64 timeout_ms)
{
    return MIN(deadline_us, g_get_monotonic_time() + timeout_ms * 1000);
}

/* Connects what the lease is for; on failure the server is blamed. */
static gboolean connect_lease(HgLdapPool *pool, Lease *lease, gint64 deadline_us)
{
    const HgLdapConfig *config = pool->config;
    Server *server = &pool->servers[lease->server];
    g_autoptr(GError) error = NULL;
    guint denied_version = 0;
    gint64 begun = g_get_monotonic_time();
    gboolean ok =
        hg_ldap_connection_open(&server->where, tls_for(pool, server),
                                sooner(deadline_us, config->connect_timeout_ms), &lease->connection,
                                &error) &&
        (lease->use != HG_LDAP_FOR_SEARCH || config->bind_dn == NULL ||
         bind_service(pool, lease->connection, sooner(deadline_us, config->request_timeout_ms),
                      &denied_version, &error));
    if (ok)
        return TRUE;
    pthread_mutex_lock(&pool->lock);
    if (deadline_us - begun >= MIN(FAIR_TRIAL, config->connect_timeout_ms * 1000))
        note_failure(server, error->message, denied_version);
    if (lease->probe)
        server->probing = FALSE;
    pool->total[lease->use]--;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    return FALSE;
}

/* The first server that may be asked and wasn't tried in this call yet; NULL: none. Under the lock.
 */
static Server *choose(HgLdapPool *pool, const gboolean *tried)
{
    gint64 now = g_get_monotonic_time();
    for (guint i = 0; i < pool->n_servers; i++)
        if (!tried[i] && is_up(pool, &pool->servers[i], now))
            return &pool->servers[i];
    return NULL;
}

/* A lease that is connected, or one that has to be (connection is NULL); NULL with the reason.
 * Under the lock. */
static Lease *reserve(HgLdapPool *pool, HgLdapUse use, const gboolean *tried, gint64 deadline_us,
                      GPtrArray *dead, char **why)
{
    Server *server;
    while ((server = choose(pool, tried)) != NULL) {
        Lease *lease = pick_idle(pool, server, use, dead);
        if (lease == NULL && make_room(pool, use, dead)) {
            lease = g_new0(Lease, 1);
            *lease = (Lease){.use = use,
                             .server = (guint)(server - pool->servers),
                             .generation = pool->generation,
                             .born_us = g_get_monotonic_time(),
                             .fresh = TRUE};
            pool->total[use]++;
        }
        if (lease != NULL) {
            lease->probe = server->failures > 0;
            server->probing = lease->probe;
            return lease;
        }
        if (!wait_for_change(pool, deadline_us)) {
            *why = g_strdup_printf("all %u connections to the directory for %s are in use",
                                   pool->config->connections,
                                   use == HG_LDAP_FOR_SEARCH ? "searches" : "logins");
            return NULL;
        }
    }
    *why = explain(pool);
    return NULL;
}

/* A connected lease, or NULL with the reason. */
static Lease *take(HgLdapPool *pool, HgLdapUse use, gboolean *tried, gint64 deadline_us, char **why)
{
    for (;;) {
        g_autoptr(GPtrArray) dead = g_ptr_array_new_with_free_func((GDestroyNotify)lease_free);
        pthread_mutex_lock(&pool->lock);
        Lease *lease = reserve(pool, use, tried, deadline_us, dead, why);
        pthread_mutex_unlock(&pool->lock);
        if (lease == NULL || lease->connection != NULL)
            return lease;
        tried[lease->server] = TRUE;
        if (connect_lease(pool, lease, deadline_us))
            return lease;
        lease_free(lease);
    }
}

/* A server that answers, but with these, is as good as away (RFC 4511 A.1). */
static gboolean is_ailing(const HgLdapReply *reply)
{
    return reply->status != HG_LDAP_ANSWERED || reply->code == LDAP_BUSY ||
           reply->code == LDAP_UNAVAILABLE;
}

/* Closes what is idle on a server whose connections turned out to be dead. Under the lock. */
static void drop_idle(HgLdapPool *pool, Server *server, GPtrArray *dead)
{
    for (guint use = 0; use < 2; use++) {
        Lease *lease;
        while ((lease = take_off(pool, server, use)) != NULL)
            g_ptr_array_add(dead, lease);
    }
}

/* Takes the lease back after a request that began at `begun` and had `given_us` to finish. */
static void give_back(HgLdapPool *pool, Lease *take_lease, const HgLdapReply *reply,
                      gint64 given_us)
{
    g_autoptr(GPtrArray) dead = g_ptr_array_new_with_free_func((GDestroyNotify)lease_free);
    Server *server = &pool->servers[take_lease->server];
    gboolean ailing = is_ailing(reply);
    gint64 fair = MIN(FAIR_TRIAL, pool->config->request_timeout_ms * 1000);
    gboolean fault =
        ailing && (reply->status == HG_LDAP_LATE ? given_us >= fair : take_lease->fresh);
    pthread_mutex_lock(&pool->lock);
    if (take_lease->probe)
        server->probing = FALSE;
    if (fault)
        note_failure(server, reply->text, 0);
    else if (!ailing)
        note_success(server);
    if (ailing)
        drop_idle(pool, server, dead);
    take_lease->probe = FALSE;
    take_lease->idle_since_us = g_get_monotonic_time();
    if (ailing || take_lease->generation != pool->generation ||
        !hg_ldap_connection_is_good(take_lease->connection)) {
        pool->total[take_lease->use]--;
        g_ptr_array_add(dead, take_lease);
    } else {
        g_queue_push_head(&server->idle[take_lease->use], take_lease);
    }
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
}

/* Where all servers wait because their password was refused, a new one in the file is worth a look.
 */
static void look_for_password(HgLdapPool *pool)
{
    gboolean denied = FALSE;
    pthread_mutex_lock(&pool->lock);
    for (guint i = 0; i < pool->n_servers; i++)
        denied = denied || pool->servers[i].denied_version != 0;
    pthread_mutex_unlock(&pool->lock);
    if (denied)
        load_password(pool, TRUE, NULL);
}

void hg_ldap_pool_run(HgLdapPool *pool, HgLdapUse use, gint64 deadline_us, HgLdapRequest request,
                      void *data, HgLdapReply *reply)
{
    g_autofree gboolean *tried = g_new0(gboolean, pool->n_servers);
    if (use == HG_LDAP_FOR_SEARCH)
        look_for_password(pool);
    for (;;) {
        char *why = NULL;
        Lease *lease = take(pool, use, tried, deadline_us, &why);
        hg_ldap_reply_clear(reply);
        if (lease == NULL) {
            reply->status = HG_LDAP_LOST;
            reply->text = why;
            return;
        }
        gint64 begun = g_get_monotonic_time();
        gint64 until = sooner(deadline_us, pool->config->request_timeout_ms);
        request(lease->connection, until, reply, data);
        reply->server = g_strdup(pool->servers[lease->server].where.url);
        gboolean done = !is_ailing(reply);
        /* a broken connection that had been idle says nothing of its server */
        tried[lease->server] = lease->fresh || reply->status == HG_LDAP_LATE;
        give_back(pool, lease, reply, until - begun);
        if (done)
            return;
    }
}

gboolean hg_ldap_pool_reload(HgLdapPool *pool, GError **error)
{
    g_autoptr(GPtrArray) dead = g_ptr_array_new_with_free_func((GDestroyNotify)lease_free);
    gboolean changed = FALSE;
    if ((pool->tls != NULL && !hg_tls_reload(pool->tls, &changed, error)) ||
        !load_password(pool, FALSE, error))
        return FALSE;
    pthread_mutex_lock(&pool->lock);
    pool->generation++;
    for (guint i = 0; i < pool->n_servers; i++) {
        drop_idle(pool, &pool->servers[i], dead);
        note_success(&pool->servers[i]);
    }
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    return TRUE;
}
