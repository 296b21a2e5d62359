/* The inside of a backend connection, for the backend*.c files only.
 *
 *   backend.c        life: connecting, logging in, calling, reading, writing, the end
 *   backend_reply.c  binary Thrift, in SASL frames or bare: from bytes to replies
 *   backend_http.c   the same over HTTP, and the heads of its requests
 */
#pragma once

#include "base/buffer.h"
#include "net/dial.h"
#include "net/stream.h"
#include "net/timer.h"
#include "proxy/backend.h"
#include "wire/http_chunks.h"
#include "wire/walker.h"

#define WHOLE_REPLY  (64 * 1024)        /* replies up to this size are handed over in one piece */
#define LARGEST_HELD (16 * 1024 * 1024) /* the most that is collected when all of it is wanted */
#define HEAD_PEEK    1024               /* bytes that surely hold a large reply's head */

typedef enum {
    BACKEND_CONNECTING, /* a dial is under way */
    BACKEND_LOGGING_IN, /* the SASL exchange is sent, its outcome not read */
    BACKEND_IDLE,       /* no call outstanding */
    BACKEND_CALLING,    /* a call is sent, none of its reply handed over */
    BACKEND_REPLYING,   /* part of a large reply is handed over */
    BACKEND_LOST,       /* of no use; waits to be closed by its owner */
    BACKEND_CLOSED,     /* closed by its owner; freed when no callback runs */
} BackendState;

/* Unread bytes: in scratch or in the buffer, always with headroom in front. */
typedef struct {
    guint8 *at;
    gsize size;
} Window;

/* Where the body of an HTTP response stands. */
typedef struct {
    HgSecret *password; /* that `request` was made with */
    char *request;      /* the head of a request, up to the value of Content-Length */
    gsize request_size;
    HgHttpScan scan;  /* of a response's head */
    gboolean in_body; /* the head was read */
    HgHttpBody body;  /* how its end is known */
    guint64 left;     /* bytes of a body with a length that are still to come */
    HgHttpChunks chunks;
    gsize decoded;     /* bytes of the body at the front of the window, in no piece yet */
    gboolean over;     /* all of the body is decoded */
    gboolean whole;    /* body without a length: what was handed over is one whole message */
    gboolean spent;    /* the endpoint ends the connection behind this response */
    guint64 idle_from; /* by the loop's clock: when the last response ended */
} BackendHttp;

/* How calls and replies travel to and from the endpoint: a table for each way. */
typedef struct {
    /* Takes what it can of a reply from the window, in CALLING and in REPLYING. FALSE when more
     * bytes are needed. */
    gboolean (*take)(HgBackend *backend, Window *window);
    gboolean (*take_more)(HgBackend *backend, Window *window);
    /* Appends to `out`, or returns for sending, a call's bytes; FALSE at the memory ceiling. */
    gboolean (*frame)(HgBackend *backend, guint8 *message, gsize size, HgSlice *rest);
    /* Bytes of the reply that has begun which are sure to come; 0 while nobody knows. */
    gsize (*expected)(const HgBackend *backend);
    gboolean logs_in;    /* with a SASL exchange before the first call */
    gboolean reconnects; /* connections come and go under one backend, which is never lost idle */
} BackendTransport;

/* The tables; static. */
const BackendTransport *hg_backend_framed(void); /* SASL frames */
const BackendTransport *hg_backend_raw(void);    /* bare Thrift */
const BackendTransport *hg_backend_http(void);

struct HgBackend {
    HgBackendContext context;
    const BackendTransport *transport;
    HgEndpoint *endpoint;
    char *user;
    const HgBackendEvents *events;
    void *owner;
    HgDial *dial;
    HgStream *stream;
    HgTimer timer; /* connecting and logging in */
    HgBuffer in;   /* read, not handed over */
    HgBuffer out;  /* to be written */
    HgWalker *walker;
    BackendHttp *http; /* NULL on a binary pool */
    gsize walked;      /* bytes of the window that the walker has seen (bare Thrift, CALLING) */
    gint64 remaining;  /* bytes of the frame still to come (SASL, REPLYING) */
    const HgMethod *method;
    gint32 seqid;
    guint pins; /* callbacks that are running */
    BackendState state;
    guint64 ready_at;   /* see hg_backend_take_ready_at() */
    gboolean measured;  /* the present call's reply is */
    gboolean logged_in; /* the present connection is */
    gboolean called;    /* a call waits behind the login */
    gboolean whole;
    gboolean unchecked;  /* the last reply was large: its frame was believed to hold all of it */
    gboolean answered;   /* the last piece of a reply has just been handed over */
    gboolean waiting;    /* the owner wants no more for now */
    gboolean speechless; /* the memory ceiling left no room for the login: it takes no call */
};

/* Changes the state; asserts that the change is legal. */
void hg_backend_set_state(HgBackend *backend, BackendState state);

/* The connection is of no use any more: tells the owner, once. */
void hg_backend_lose(HgBackend *backend, HgLoss loss, const char *detail);

/* ---- backend_reply.c ---- */

/* Hands a piece to the owner. The first one only when it answers the call. */
void hg_backend_hand_over(HgBackend *backend, HgReplyPiece *piece);
void hg_backend_hand_over_first(HgBackend *backend, HgReplyPiece *piece);

/* Where the Thrift message at the start of these bytes ends. */
HgWireStatus hg_backend_message_size(HgSlice bytes, gsize *out);

/* ---- backend_http.c ---- */

/* Makes the connection ready for HTTP, and frees that (NULL is fine). */
BackendHttp *hg_backend_http_new(const HgBackend *backend);
void hg_backend_http_free(BackendHttp *http);

/* The endpoint has closed the connection: TRUE when that ends a reply without a length, whose last
 * piece was handed over. */
gboolean hg_backend_http_end(HgBackend *backend);
