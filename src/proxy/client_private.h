/* The inside of a client connection, for the client_*.c files only.
 *
 *   client.c         lifecycle: states, reading, writing, the end
 *   client_origin.c  where it comes from: the PROXY header in front of everything else, addresses
 *   client_login.c   first bytes and SASL, checking credentials
 *   client_frame.c   from bytes to requests
 *   client_http.c    from bytes to requests over HTTP, and back; client_http_head.c: their heads
 *   client_request.c what to do with each request
 *   client_audit.c   what is put on record
 *   client_trace.c   what becomes spans
 *   client_hold.c    gates in front of forwarding; requests and replies that wait for a letter
 *   client_open.c    OpenSession: choosing an endpoint until one answers
 *   client_relay.c   leases and replies on their way back
 */
#pragma once

#include "base/buffer.h"
#include "hs2/request.h"
#include "net/stream.h"
#include "net/timer.h"
#include "proxy/client.h"
#include "wire/sasl.h"
#include "wire/walker.h"

/* One row per state; client.c holds which may follow which. */
typedef enum {
    CLIENT_ANNOUNCING,     /* the balancer's PROXY header isn't there in full: TLS is behind it */
    CLIENT_GREETING,       /* nothing has come yet: a balancer's check may leave without a trace */
    CLIENT_NEGOTIATING,    /* SASL has begun */
    CLIENT_AUTHENTICATING, /* a job thread checks the password */
    CLIENT_READY,          /* waits for a request */
    CLIENT_OPENING,        /* OpenSession is on its way to an endpoint */
    CLIENT_HELD,           /* a request waits for a letter before it is forwarded */
    CLIENT_CALLING,        /* a request is forwarded, none of its reply has come */
    CLIENT_REPLY_HELD,     /* a reply, or its beginning, waits for a letter */
    CLIENT_REPLYING,       /* part of a reply has gone out */
    CLIENT_LINGERING,      /* the last word is written; waits for the client to hang up */
    CLIENT_CLOSED,         /* over; freed when no callback runs */
} ClientState;

/* Who the client is: what is known once the login has begun. */
typedef struct {
    HgPrincipal *principal; /* NULL until authenticated */
    HgPeerAddress address;  /* the peer's, or what its PROXY header says */
    HgPeerAddress *via;     /* the connection's own when that is another; else NULL */
    HgTlsPeer *certificate; /* NULL when it showed none */
    gint64 good_until;      /* second since 1970 at which the login expires; 0: never */
} ClientIdentity;

/* A lease: the right to use one backend connection. A home lease lasts as long as its session,
 * which this client opened; any other lasts one call. */
typedef struct Lease Lease;
struct Lease {
    Lease *next; /* among the client's home leases */
    HgClient *client;
    HgSession *session;
    HgBackend *backend; /* NULL once lost */
    gboolean home;
    gboolean lent;        /* the connection belongs to a session that lives with the worker */
    gboolean kept;        /* the connection came from the cache */
    gboolean counted_out; /* a home lease's place in the quota was given back */
};

/* The call that is being served. */
typedef struct {
    const HgMethod *method;
    gint32 seqid;
    HgOperation *operation; /* referenced; NULL when the call names a session */
    Lease *lease;
    gboolean close_succeeded; /* CloseSession or CloseOperation was answered with success */
    gboolean exception;       /* the reply was a TApplicationException */
    gboolean framed;          /* the frame that began with the reply holds all of it */
    gboolean fetches_rows;    /* FetchResults of rows, not of the log */
    gboolean runs_at_once;    /* it has ended when it is answered */
    guint64 added;            /* nanoseconds that hivegate took for it; 0: not measured */
    gint64 began_us;          /* of what begins an operation or fetches rows: monotonic clock */
    char *statement;          /* the beginning of an ExecuteStatement's; owned */
} ClientCall;

typedef struct ClientOpening ClientOpening;         /* client_open.c */
typedef struct ClientHold ClientHold;               /* client_hold.c */
typedef struct ClientHttp ClientHttp;               /* client_http.c */
typedef struct ClientLateRefusal ClientLateRefusal; /* client_login.c */

/* What policies want of the call under way, or of the request that is held (client_policy.c). */
typedef struct {
    guint rounds;             /* of looking up the tables of the held request */
    HgPolicyVersion *version; /* referenced; under which it was let through */
    gboolean guarded;         /* errors aren't handed on as they come */
    gboolean changes_tables;
    gboolean unanswered; /* a statement that changes tables may be sent and not answered yet */
    GPtrArray *tables;   /* keys of what the statement names; referenced; or NULL */
    HgSession *moving; /* referenced: it stands elsewhere when the call succeeds; NULL: it stays */
    char **names;      /* of the policies that apply, for the record */
    char *catalog;     /* where then */
    char *database;
    gboolean withheld; /* the reply is an error: none of it goes out */
    gboolean exception;
    gint32 operation_state;
    char *sql_state;
    char *message;
} ClientPolicy;

/* A window onto bytes that have come: in the worker's scratch or in client->in, with headroom in
 * front. What is used is taken off its front. */
typedef struct {
    guint8 *at;
    gsize size;
} ClientWindow;

/* What a client in READY is given time for. */
typedef enum {
    PATIENCE_NONE,    /* the timer is stopped, or for something else */
    PATIENCE_LOGIN,   /* to say who it is: over HTTP, where each request logs in */
    PATIENCE_REQUEST, /* to send the rest of a request */
    PATIENCE_IDLE,    /* to begin one, over HTTP */
} ClientPatience;

typedef enum {
    REFUSAL_WRONG,   /* no such user and password */
    REFUSAL_FAILURE, /* they can't be checked at the moment */
} ClientRefusal;

/* How messages travel between the client and hivegate: a table for each way. */
typedef struct {
    /* Takes one request, or a part of it, from the window. FALSE when more bytes are needed. */
    gboolean (*take_request)(HgClient *client, ClientWindow *window);
    /* Bytes that surely belong to what has begun, and are not there yet: how much room a read
     * should have. */
    gsize (*room_wanted)(const HgClient *client);
    /* Sends one message of hivegate's own; it has headroom in front. */
    void (*answer)(HgClient *client, guint8 *message, gsize size);
    /* Hands a piece of a backend's reply to the client. */
    HgFlow (*write_piece)(HgClient *client, HgReplyPiece *piece);
    /* The login that the client asked for has succeeded (identity.principal) or not. */
    void (*accepted)(HgClient *client);
    void (*refused)(HgClient *client, ClientRefusal refusal, const char *text);
    /* What came can't be followed any more: says why, as far as the client can be told. */
    void (*broken)(HgClient *client, HgSlice method, gint32 seqid, const char *why);
    gboolean has_sasl;       /* the login is a SASL exchange in front of the first request */
    gboolean logs_in_raw;    /* the login is in each OpenSession */
    gboolean keeps_sessions; /* sessions end with the connection that opened them */
} ClientTransport;

/* The tables; static. */
const ClientTransport *hg_client_framed(void); /* SASL frames */
const ClientTransport *hg_client_raw(void);    /* bare Thrift */
const ClientTransport *hg_client_http(void);

struct HgClient {
    HgWorker *worker;
    guint64 id;
    const HgListenerOptions *listener;
    const ClientTransport *transport;
    ClientHttp *http; /* NULL on a binary listener */
    HgStream *stream;
    ClientIdentity identity;
    HgBuffer in;             /* read, not looked at */
    HgBuffer message;        /* a request that came in parts, without frames */
    HgBuffer out;            /* to be written */
    HgWalker *walker;        /* over `message` */
    HgTimer timer;           /* the deadline of the present state */
    ClientPatience patience; /* what the timer was started for */
    HgMetricsShard *metrics; /* the worker's */
    guint64 ready_at;        /* when the bytes to be read were there; 0: not measured */
    guint64 login_began;     /* hg_metrics_now(); 0: the login took no time */
    HgProof login_proof;     /* what was shown last */
    Lease *leases;           /* home leases */
    ClientCall call;
    ClientOpening *opening;
    ClientPolicy policy;
    ClientHold *hold;                /* what waits for a letter; NULL: nothing does */
    guint64 holds;                   /* that were named so far */
    HgStatementRecord *record;       /* of the statement that is held or called; NULL: none */
    HgStatementTrace *trace;         /* of the same; NULL: it isn't traced */
    ClientLateRefusal *late_refusal; /* of a login, kept back; NULL without */
    const char *end_reason; /* why hivegate ends the client; NULL when it leaves by itself */
    gsize lingered;         /* bytes thrown away while lingering */
    guint pins;             /* callbacks that are running */
    ClientState state;
    gboolean input_ended; /* the client sends no more: what is under way gets a moment */
    gboolean in_request;  /* part of a request was taken that lies in no buffer */
    gboolean last_answer; /* the connection ends behind the answer to the present request */
    gboolean working;     /* hg_client_work() runs: no second one inside */
    gboolean without_tls; /* it spoke no TLS to a listener that has it */
    gboolean tls_counted; /* its handshake is */
    gboolean more;        /* what waits in `in` could be served: it was only another's turn */
};

static inline HgLog *hg_client_log(HgClient *client)
{
    return hg_gateway_log(hg_worker_gateway(client->worker));
}

static inline const HgProxyOptions *hg_client_options(HgClient *client)
{
    return hg_gateway_options(hg_worker_gateway(client->worker));
}

/* What a call came to when hivegate itself answers it with an error of that SQL state: class 08 is
 * a connection exception. */
static inline HgCallOutcome hg_client_outcome(const char *sql_state)
{
    return sql_state[0] == '0' && sql_state[1] == '8' ? HG_CALL_UNAVAILABLE : HG_CALL_REFUSED;
}

/* Counts a call; `method` NULL: one that the service doesn't have. */
static inline void hg_client_count_call(HgClient *client, const HgMethod *method,
                                        HgCallOutcome outcome)
{
    guint id = method != NULL ? (guint)method->id : HG_CALL_METHOD_OTHER;
    hg_metrics_add(client->metrics, HG_METRIC_CALLS, id * HG_CALL_OUTCOMES + outcome, 1);
}

/* ---- client.c ---- */

/* Changes the state; asserts that the change is legal. */
void hg_client_set_state(HgClient *client, ClientState state);

/* Around everything that comes to a client from outside (its socket, a timer, a reply, a job):
 * enter keeps the memory, leave brings timers and what is wanted of the socket into line with the
 * state. */
void hg_client_enter(HgClient *client);
void hg_client_leave(HgClient *client);

/* Writes bytes, or queues what the socket doesn't take. HG_FLOW_WAIT while something is queued. */
HgFlow hg_client_write(HgClient *client, HgSlice bytes);

/* The same for up to HG_STREAM_PARTS runs of bytes that follow each other. */
HgFlow hg_client_write_parts(HgClient *client, const HgSlice *parts, guint count);

/* Sends one Thrift message as the transport has it, and clears it. */
void hg_client_answer(HgClient *client, HgBuffer *take_message);

/* Ends a client that the memory ceiling leaves no room for, and says so in the log. */
void hg_client_drop(HgClient *client);

/* Stops taking requests, flushes what was written, and waits a moment for the client to hang up, so
 * that the last word isn't lost in a reset. */
void hg_client_linger(HgClient *client);

/* The present request is done: back to READY, or the end when client or gateway are leaving. */
void hg_client_done(HgClient *client);

/* Looks at what waits in client->in. */
void hg_client_work(HgClient *client);

/* ---- client_origin.c ---- */

/* Where the client's present request comes from, as far as trusted balancers and proxies say: what
 * logs, audit and limits by address go by. Over HTTP each request on a connection may be another
 * client's; it is that of the last one until another begins. Borrowed until then. */
const HgPeerAddress *hg_client_address(const HgClient *client);

/* The connection's own address when it is another than that; else NULL. */
const HgPeerAddress *hg_client_via(const HgClient *client);

/* Whose the present request is; NULL while that isn't known. Borrowed. */
const char *hg_client_user(const HgClient *client);

/* Both addresses as fields of a log line. */
#define HG_CLIENT_ADDRESS_FIELDS(client)                                                           \
    hg_log_peer("client", hg_client_address(client)), hg_log_peer("via", hg_client_via(client))

/* TRUE when the peer is one of the listener's balancers: a PROXY header must come first. */
gboolean hg_client_needs_proxy_header(const HgClient *client);

/* Takes what has come of the PROXY header, and nothing behind it. TRUE when all of it is there: the
 * client is in GREETING, and its own bytes may be read. */
gboolean hg_client_take_proxy_header(HgClient *client);

/* The header didn't come in time: ends the connection. */
void hg_client_proxy_header_timed_out(HgClient *client);

/* ---- client_login.c ---- */

/* Counts the TLS handshake, once: it is done when bytes have come. */
void hg_client_count_handshake(HgClient *client, HgConnectOutcome outcome);

/* Reading has failed before anything came. TRUE when the client spoke no TLS to a listener that has
 * it: it can be read as it is now, to be told. */
gboolean hg_client_read_without_tls(HgClient *client);

/* Takes what it can of a login from the window. FALSE when more bytes are needed. */
gboolean hg_client_take_login(HgClient *client, ClientWindow *window);

/* Checks credentials: the login is accepted or refused now or later. */
void hg_client_check(HgClient *client, const HgCredentials *credentials);

/* Drops a refusal that is being kept back. */
void hg_client_login_cancel(HgClient *client);

/* On a listener without SASL: checks the name and password inside an OpenSession, which waits in
 * client->message. */
void hg_client_login_raw(HgClient *client, const HgRequest *request, const guint8 *message);

/* The login has taken too long: says so to a client that speaks SASL, and ends it. */
void hg_client_login_timed_out(HgClient *client);

/* Answers a login attempt: the client is `principal` from now on (borrowed), until the second
 * `good_until` since 1970 (0: for ever), or is told `text`. */
void hg_client_login_accepted(HgClient *client, HgPrincipal *principal, gint64 good_until);
void hg_client_login_refused(HgClient *client, const char *name, ClientRefusal refusal,
                             const char *text, const char *why);

/* What follows from that on the binary transports. */
void hg_client_sasl_accepted(HgClient *client);
void hg_client_sasl_refused(HgClient *client, ClientRefusal refusal, const char *text);
void hg_client_raw_accepted(HgClient *client);
void hg_client_raw_refused(HgClient *client, ClientRefusal refusal, const char *text);

/* Sends a SASL frame with a text. */
void hg_client_send_sasl(HgClient *client, HgSaslStatus status, const char *text);

/* ---- client_frame.c ---- */

/* The stream can't be followed any more: notes it in the log, says why where a client would look,
 * and ends. `method` and `seqid` as far as they are known. */
void hg_client_give_up(HgClient *client, HgSlice method, gint32 seqid, const char *why);

/* ---- client_http.c ---- */

/* Makes the client ready for HTTP, and frees that (NULL is fine). */
ClientHttp *hg_client_http_new(void);
void hg_client_http_free(ClientHttp *http);

/* Whom the present request asks to act as by doAs; NULL: it doesn't, or isn't HTTP. Borrowed. */
const char *hg_client_http_acts_as(const HgClient *client);

/* ---- client_request.c ---- */

/* Serves one request. `message` may be edited and has headroom; it is not used after the return. */
void hg_client_serve(HgClient *client, const HgRequest *request, guint8 *message);

/* Notes in the log that a request was refused. */
void hg_client_log_refused(HgClient *client, const char *why);

/* A TStatus error as the answer to the present call or request. */
void hg_client_answer_error(HgClient *client, const HgMethod *method, gint32 seqid,
                            const char *sql_state, const char *message);

/* ---- client_hold.c ---- */

/* Forgets what is held; nobody is told. */
void hg_client_hold_cancel(HgClient *client);

/* ---- client_open.c ---- */

/* Serves an OpenSession of an authenticated client; `message` is copied. */
void hg_client_open(HgClient *client, const HgRequest *request, HgSlice message);

/* Gives up an OpenSession that is under way. */
void hg_client_open_cancel(HgClient *client);

/* ---- client_relay.c ---- */

/* TRUE when an administrator has killed the operation, and this call of it gets an error that says
 * so: all but closing it. */
gboolean hg_client_is_killed(const HgOperation *operation, const HgMethod *method);
const char *hg_client_killed_text(const HgOperation *operation);

/* Makes a home lease for a session that was opened on `backend`. The session is counted in the
 * quota; the lease counts it out when it ends. */
void hg_client_add_home(HgClient *client, HgSession *session, HgBackend *take_backend);

/* A lease for one call of the session: its home lease when this client opened it and its connection
 * lives, else one on another connection. NULL when the session is lost. */
Lease *hg_client_lease(HgClient *client, HgSession *session);

/* Forwards the request that client->call describes. */
void hg_client_forward(HgClient *client, guint8 *message, gsize size);

/* The reply that was held goes on to the client. */
void hg_client_release_reply(HgClient *client);

/* Edits the first piece of a reply for the dialect of the session; nothing looks at the piece's
 * head after that. */
void hg_client_speak(const HgSession *session, const HgMethod *method, HgReplyPiece *piece);

/* The client has read what was queued: its reply may go on. */
void hg_client_resume_reply(HgClient *client);

/* Ends all leases: sessions are closed on their endpoints. */
void hg_client_end_leases(HgClient *client);

/* Statements of this client's sessions that aren't closed yet. */
guint hg_client_statements(HgClient *client);
