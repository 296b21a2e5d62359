/* A backend connection: one connection to an endpoint, logged in as one user.
 *
 * It carries one call at a time and hands the reply to its owner in pieces as it arrives. Logging
 * in and the first call travel together: the connection may be called before it is connected. It
 * belongs to one worker's thread; the owner may change between calls. While idle it owns no buffer.
 *
 *   CONNECTING -> LOGGING_IN -> IDLE -> CALLING [-> REPLYING] -> IDLE
 *                           \-> CALLING, when a call waits       any -> LOST -> CLOSED
 */
#pragma once

#include "base/budget.h"
#include "cluster/pool.h"
#include "hs2/method.h"
#include "hs2/reply.h"
#include "net/loop.h"
#include "proxy/options.h"

typedef struct HgBackend HgBackend;

/* What a worker lends to its connections. */
typedef struct {
    HgLoop *loop;
    guint8 *scratch; /* HG_SCRATCH_SIZE bytes; used within one callback only */
    HgBudget *budget;
    const HgProxyOptions *options;
    HgMetricsShard *metrics; /* the worker's own */
} HgBackendContext;

#define HG_SCRATCH_SIZE (256 * 1024)

/* A piece of a reply: Thrift bytes without any frame. */
typedef struct {
    guint8 *bytes; /* HG_BUFFER_HEADROOM bytes in front of them and they may be edited; borrowed */
    gsize size;    /* 0 when the end of a reply of unknown length comes by itself */
    gboolean first;
    gboolean last;
    gint64 total;            /* bytes of the whole reply, or -1 while unknown */
    const HgReplyHead *head; /* with the first piece, else NULL */
} HgReplyPiece;

typedef enum {
    HG_FLOW_GO,
    HG_FLOW_WAIT, /* read no more until hg_backend_resume() */
} HgFlow;

typedef enum {
    HG_LOSS_UNREACHABLE, /* no connection could be made */
    HG_LOSS_LOGIN,       /* the endpoint refused hivegate's login */
    HG_LOSS_CLOSED,      /* the endpoint closed or reset the connection */
    HG_LOSS_PROTOCOL,    /* what came is no answer to the call */
    HG_LOSS_REPLY,       /* the same, behind a reply that so may not have been whole */
    HG_LOSS_TIMEOUT,     /* connecting or logging in took too long */
    HG_LOSS_LIMIT,       /* the memory ceiling */
} HgLoss;

/* The text of HG_LOSS_LIMIT, and of whatever else fails for the same reason. */
#define HG_AT_CEILING "hivegate is at its memory ceiling (limits: memory)"

/* How the owner hears of things; always on the worker's thread. Either may close the connection. */
typedef struct {
    HgFlow (*reply)(void *owner, HgReplyPiece *piece);
    /* The connection is of no use any more: the owner closes it. */
    void (*lost)(void *owner, HgLoss loss, const char *detail);
} HgBackendEvents;

/* Starts to connect to `endpoint` and to log in as `user`. */
HgBackend *hg_backend_new(const HgBackendContext *context, HgEndpoint *endpoint, const char *user,
                          const HgBackendEvents *events, void *owner);

/* Hands the connection to another owner, between calls. */
void hg_backend_set_owner(HgBackend *backend, const HgBackendEvents *events, void *owner);

/* Sends a call. `message` has HG_BUFFER_HEADROOM writable bytes in front, of which the frame's
 * length takes four. `whole`: the reply is handed over in one piece (up to 16 MiB). Only when no
 * call is outstanding. FALSE at the memory ceiling: nothing was sent. */
gboolean hg_backend_call(HgBackend *backend, const HgMethod *method, gint32 seqid, guint8 *message,
                         gsize size, gboolean whole) G_GNUC_WARN_UNUSED_RESULT;

/* Has the time noted at which bytes of the present call's reply are there. */
void hg_backend_measure(HgBackend *backend);

/* The time (hg_metrics_now()) at which the bytes being handed over were there, once; 0: not noted,
 * or asked already. */
guint64 hg_backend_take_ready_at(HgBackend *backend);

/* Goes on reading after HG_FLOW_WAIT. May call the owner at once. */
void hg_backend_resume(HgBackend *backend);

/* TRUE while no call is outstanding (also before the login has ended). */
gboolean hg_backend_is_free(const HgBackend *backend);

/* TRUE while a call is sent whose reply hasn't come whole (behind the login, too: they travel
 * together). */
gboolean hg_backend_is_asked(const HgBackend *backend);

/* The method of the last call; NULL before the first. Static. */
const HgMethod *hg_backend_method(const HgBackend *backend);

/* TRUE when the server ties a session to the connection that opened it: with the one goes the
 * other. Not over HTTP, where a backend connects again when it needs to. */
gboolean hg_backend_holds_session(const HgBackend *backend);

/* Where it goes; borrowed: the connection holds a reference. */
HgEndpoint *hg_backend_endpoint(const HgBackend *backend);

/* The name the connection is (being) logged in with; borrowed. */
const char *hg_backend_user(const HgBackend *backend);

/* Closes the connection; no event comes after it. NULL is fine. */
void hg_backend_close(HgBackend *backend);
