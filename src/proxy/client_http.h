/* The inside of HTTP on a client connection, for client_http*.c only.
 *
 *   client_http.c       the body: from bytes to requests, and replies on their way back
 *   client_http_head.c  the head: which requests are taken, and who sends them
 */
#pragma once

#include "proxy/client_private.h"
#include "trace/context.h"
#include "wire/http_chunks.h"
#include "wire/http_text.h"

typedef enum {
    HTTP_HEAD,    /* a head is awaited */
    HTTP_BODY,    /* its body is collected */
    HTTP_DISCARD, /* the request was answered without its body, which is thrown away */
} HttpStage;

/* The exchange that is under way, or the next one. */
struct ClientHttp {
    HttpStage stage;
    HgHttpScan scan;
    HgHttpChunks chunks;
    HgHttpBody body;
    guint64 left;            /* bytes of a body with a length that are still to come */
    HgPeerAddress forwarded; /* the client of the request, as a trusted proxy says; else nobody */
    char *acts_as; /* whom the request's doAs names; "" for nobody that can be; NULL: it has none */
    HgTraceContext trace; /* of the request, if is_traced */
    char *agent;  /* what the client says that it is, with its first request; NULL: nothing */
    guint8 minor; /* of the request's version */
    gboolean keep_alive;
    gboolean expects_continue;
    gboolean known;      /* the request's login has succeeded */
    gboolean has_cookie; /* the request logged in by cookie */
    gboolean is_traced;  /* it has said to which trace it belongs, and somebody asks */
    gboolean chunked;    /* the reply that is going out */
};

/* Looks at a request's head: its body may be taken then, or it was answered, or the answer to its
 * login is awaited (CLIENT_AUTHENTICATING). */
void hg_client_http_take_head(HgClient *client, const HgHttpRequest *request);

/* Answers with a status and a text, and keeps the connection when `keep` and the body that belongs
 * to the request may be thrown away. `fields`: further header lines, each with its CRLF, or "". */
void hg_client_http_refuse(HgClient *client, const char *status, const char *fields,
                           const char *text, gboolean keep);

/* As the table of transports has it. */
void hg_client_http_accepted(HgClient *client);
void hg_client_http_refused(HgClient *client, ClientRefusal refusal, const char *text);
