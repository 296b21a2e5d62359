/* Sessions and operations as hivegate knows them: apart from any connection.
 *
 * A session pairs the handle that the client was given with the backend's own, and belongs to one
 * principal. An operation does the same for a statement or metadata call of a session. Both are
 * counted references, shared between workers: what never changes is plain, what changes is atomic
 * or under the session's lock. Any thread may call any function. */
#pragma once

#include "auth/principal.h"
#include "base/peer_address.h"
#include "cluster/pool.h"
#include "hs2/dialect.h"
#include "hs2/handle.h"
#include "proxy/session_policy.h"
#include "trace/context.h"

typedef struct HgSession HgSession;
typedef struct HgOperation HgOperation;
typedef struct HgWorker HgWorker;
typedef struct HgStatementRecord HgStatementRecord;
typedef struct HgStatementTrace HgStatementTrace;

typedef enum {
    HG_SESSION_OPEN,   /* lives on its endpoint */
    HG_SESSION_LOST,   /* its backend connection broke: every call gets a clear error */
    HG_SESSION_CLOSED, /* closed by its client, or being closed after its client left */
} HgSessionState;

/* A session in state OPEN with a fresh random handle. `home` is the id of the client connection
 * that opened it, with which it ends; 0 when it ends with none. Takes over the count that
 * hg_pool_choose() made on `endpoint`, and holds a reference to it for as long as it lives. */
HgSession *hg_session_new(HgPrincipal *principal, const char *effective_user, HgEndpoint *endpoint,
                          const HgHandle *backend, guint64 home);

/* Takes another reference, and gives it back. Unref of NULL does nothing. */
HgSession *hg_session_ref(HgSession *session);
void hg_session_unref(HgSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgSession, hg_session_unref)

/* Never change; borrowed. */
const HgHandle *hg_session_handle(const HgSession *session);
const HgHandle *hg_session_backend_handle(const HgSession *session);
HgEndpoint *hg_session_endpoint(const HgSession *session);
HgPrincipal *hg_session_principal(const HgSession *session);
const char *hg_session_effective_user(const HgSession *session);
guint64 hg_session_home(const HgSession *session);

/* The effective user as the client names them, when the directory writes the name otherwise. Before
 * anybody else knows the session. */
void hg_session_set_asked_user(HgSession *session, const char *asked_user);

/* TRUE when a client that names this user means the effective user. */
gboolean hg_session_runs_as(const HgSession *session, const char *name);

/* For a session that doesn't end with a connection (proxy/resident): the worker it lives with.
 * Before anybody else knows the session. */
void hg_session_set_worker(HgSession *session, HgWorker *worker);
HgWorker *hg_session_worker(const HgSession *session); /* NULL: it ends with its home */

/* TRUE once, for a session with a worker: whoever gets it gives its place in the quota back. */
gboolean hg_session_count_out(HgSession *session);

/* Around each call, so that it is known how long nothing was asked of the session. */
void hg_session_begin_call(HgSession *session);
void hg_session_end_call(HgSession *session);

/* TRUE while a call is under way. */
gboolean hg_session_is_busy(const HgSession *session);

/* Milliseconds since the last call ended; 0 while one is under way. */
gint64 hg_session_idle_ms(const HgSession *session);

/* Who opened it from where, and when (seconds since 1970); `listener` is borrowed for as long as
 * the session lives. Set before anybody else knows the session. */
typedef struct {
    HgPeerAddress address;
    const char *listener;
    gint64 opened_at;
} HgSessionOrigin;
void hg_session_set_origin(HgSession *session, const HgSessionOrigin *origin);
const HgSessionOrigin *hg_session_origin(const HgSession *session);

/* How its client speaks; Hive's dialect unless set. Set before anybody else knows the session. */
void hg_session_set_dialect(HgSession *session, HgDialect dialect);
const HgDialect *hg_session_dialect(const HgSession *session);

/* The database that is current, as far as its opening and its USE statements tell; a copy for the
 * caller (g_free). NULL: not known. */
char *hg_session_dup_database(HgSession *session);
void hg_session_set_database(HgSession *session, const char *database);

/* What it is as far as policies go; NULL: none are configured. Takes it; set before anybody else
 * knows the session. */
void hg_session_set_policy(HgSession *session, HgSessionPolicy *take_policy);
HgSessionPolicy *hg_session_policy(const HgSession *session);

/* The trace that its statements belong to unless they say otherwise; copied, before anybody else
 * knows the session. NULL: each has its own. Borrowed. */
void hg_session_set_trace(HgSession *session, const HgTraceContext *trace);
const HgTraceContext *hg_session_trace(const HgSession *session);

/* How it stands at this moment. */
HgSessionState hg_session_state(const HgSession *session);

/* OPEN -> LOST, with the reason in words; TRUE when this call did it. */
gboolean hg_session_lose(HgSession *session, const char *why);

/* Anything -> CLOSED; the count on the endpoint is given back once. TRUE when it wasn't closed yet.
 */
gboolean hg_session_end(HgSession *session);

/* Why it was lost, or NULL; a copy for the caller (g_free). */
char *hg_session_lost_why(HgSession *session);

/* An operation of the session with a fresh random handle, linked to it. The caller has one
 * reference. `began_us`: when the client asked for it, by the monotonic clock; `take_statement`:
 * the beginning of its text, or NULL. */
HgOperation *hg_operation_new(HgSession *session, const HgHandle *backend, gint32 type,
                              gint64 began_us, char *take_statement);

/* Takes another reference, and gives it back. Unref of NULL does nothing. */
HgOperation *hg_operation_ref(HgOperation *operation);
void hg_operation_unref(HgOperation *operation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgOperation, hg_operation_unref)

/* Never change; borrowed. */
const HgHandle *hg_operation_handle(const HgOperation *operation);
const HgHandle *hg_operation_backend_handle(const HgOperation *operation);
HgSession *hg_operation_session(const HgOperation *operation);

/* TOperationHandle.operationType as the backend gave it: part of the handle's identity on Spark. */
gint32 hg_operation_type(const HgOperation *operation);

/* How an operation stands, as far as its client was told. The final ones are in the order of the
 * label of HG_METRIC_OPERATIONS_ENDED. */
typedef enum {
    HG_OPERATION_RUNNING,
    HG_OPERATION_FINISHED,
    HG_OPERATION_CANCELED,
    HG_OPERATION_CLOSED,
    HG_OPERATION_ERROR,
    HG_OPERATION_TIMEDOUT,
    HG_OPERATION_KILLED, /* by an administrator, or by limits: run_time */
} HgOperationState;

/* RUNNING -> a final state; TRUE when this call did it. */
gboolean hg_operation_end(HgOperation *operation, HgOperationState state);
HgOperationState hg_operation_state(const HgOperation *operation);
gboolean hg_operation_has_ended(const HgOperation *operation);

/* What the client of a killed operation hears, a static text; set before it is killed; NULL: that
 * an administrator did it. */
void hg_operation_set_kill_text(HgOperation *operation, const char *text);
const char *hg_operation_kill_text(const HgOperation *operation);

/* When its client asked for it, by the monotonic clock. Never changes. */
gint64 hg_operation_began_us(const HgOperation *operation);

/* The beginning of the statement, for people; NULL for a metadata call. Never changes; borrowed. */
const char *hg_operation_statement(const HgOperation *operation);

/* What is on record of a statement (proxy/recorder), which the operation takes; set once, before
 * the directory knows the operation. NULL: nothing is. */
void hg_operation_set_record(HgOperation *operation, HgStatementRecord *take_record);
HgStatementRecord *hg_operation_record(const HgOperation *operation);

/* Under which policies it was let through, and what follows from them. Set before anybody else
 * knows the operation. */
typedef struct {
    HgPolicyVersion *version; /* NULL: no policies are configured */
    gboolean guarded;         /* policies limit its user: what is said of it is looked through */
    gboolean changes_tables;  /* when it has run, what is known of tables may be wrong */
    GPtrArray *tables;        /* of char *: keys of what it names, when guarded; or NULL */
} HgOperationPolicy;
void hg_operation_set_policy(HgOperation *operation, const HgOperationPolicy *policy);
const HgOperationPolicy *hg_operation_policy(const HgOperation *operation);

/* The same for its spans (proxy/statement_trace). */
void hg_operation_set_trace(HgOperation *operation, HgStatementTrace *take_trace);
HgStatementTrace *hg_operation_trace(const HgOperation *operation);

/* TRUE once for each: its client is told that it has ended; it was asked to be cancelled. */
gboolean hg_operation_take_end(HgOperation *operation);
gboolean hg_operation_take_cancel(HgOperation *operation);

/* TRUE once, for a statement: its first rows are fetched. */
gboolean hg_operation_take_first_fetch(HgOperation *operation, gint64 *began_us);

/* Takes the operation off its session's list; fine when it is off already. */
void hg_operation_unlink(HgOperation *operation);

/* The operations of the session, referenced; g_ptr_array_unref, which unrefs them. */
GPtrArray *hg_session_operations(HgSession *session);

/* Takes all operations off the list and gives them to the caller, referenced (free with
 * g_ptr_array_unref; the array unrefs them). */
GPtrArray *hg_session_take_operations(HgSession *session);

/* How many statements (not metadata calls) of the session are not closed yet. */
guint hg_session_statements(HgSession *session);

/* What the end of hivegate waits for: statements of an open session that aren't closed yet, and one
 * more while a call is under way, as a statement has no handle before it is answered. None when
 * nothing was asked of the session for 10 s: whoever still wants its results would ask. */
guint hg_session_work(HgSession *session);
