/* An endpoint: one server of a pool, and what is known of it.
 *
 * Endpoints come and go while sessions still use them, so they are counted references: a session, a
 * backend connection and the pool hold one each. Who an endpoint is never changes; its counters and
 * its standing do, from all threads. The pool outlives its endpoints. */
#pragma once

#include <glib.h>

typedef struct HgPool HgPool;
typedef struct HgEndpoint HgEndpoint;

/* Takes another reference, and gives it back. Unref of NULL does nothing. Any thread. */
HgEndpoint *hg_endpoint_ref(HgEndpoint *endpoint);
void hg_endpoint_unref(HgEndpoint *endpoint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgEndpoint, hg_endpoint_unref)

/* "host:port", host, port, and what tells it from another server at that address (or NULL); never
 * change; borrowed. Any thread. */
const char *hg_endpoint_name(const HgEndpoint *endpoint);
const char *hg_endpoint_host(const HgEndpoint *endpoint);
const char *hg_endpoint_port(const HgEndpoint *endpoint);
const char *hg_endpoint_instance(const HgEndpoint *endpoint);

/* The pool that it is, or was, in. Any thread. */
HgPool *hg_endpoint_pool(const HgEndpoint *endpoint);

/* Sessions and running statements counted in now. Any thread. */
guint hg_endpoint_sessions(const HgEndpoint *endpoint);
guint hg_endpoint_operations(const HgEndpoint *endpoint);

/* A statement has begun, or has ended, on it. Any thread. */
void hg_endpoint_operation_began(HgEndpoint *endpoint);
void hg_endpoint_operation_ended(HgEndpoint *endpoint);

/* Gives back a session that hg_pool_choose() counted, and its reference. Any thread. */
void hg_endpoint_release(HgEndpoint *endpoint);

/* Tells how a connection went: after a failure the endpoint is ejected for a time that grows with
 * every further one, after a success it is as good as any. `now` in ms of the monotonic clock. TRUE
 * when that changed its standing (worth a log line). Any thread. */
gboolean hg_endpoint_failed(HgEndpoint *endpoint, guint64 now);
gboolean hg_endpoint_succeeded(HgEndpoint *endpoint);

/* The same as hg_endpoint_failed(), for at least `ms`: what a probe found stays ejected until the
 * next probe had its time. */
gboolean hg_endpoint_failed_for(HgEndpoint *endpoint, guint64 now, guint64 ms);

/* Notes how long it took to answer, for HG_BALANCING_LATENCY. `now` as above. Any thread. */
void hg_endpoint_note_latency(HgEndpoint *endpoint, guint64 us, guint64 now);

/* The moving mean of that; 0: none was noted. Any thread. */
guint64 hg_endpoint_latency_us(const HgEndpoint *endpoint);

/* How an endpoint stands. */
typedef enum {
    HG_ENDPOINT_UNTRIED,  /* nothing was asked of it yet */
    HG_ENDPOINT_UP,       /* it answered the last time */
    HG_ENDPOINT_STARTING, /* new: it takes few sessions at first */
    HG_ENDPOINT_DOWN,     /* it failed the last time */
    HG_ENDPOINT_UNREADY,  /* its source says that it takes no sessions yet, or no more */
    HG_ENDPOINT_DRAINED,  /* kept out of the choice by an administrator */
    HG_ENDPOINT_DRAINING, /* its source says that it is about to end */
    HG_ENDPOINT_GONE,     /* its source doesn't name it any more; sessions may still use it */
    HG_ENDPOINT_REPLACED, /* the same, and another server has its address: never connected to */
} HgEndpointState;
#define HG_ENDPOINT_STATES 9
HgEndpointState hg_endpoint_state(const HgEndpoint *endpoint);

/* "untried", "up", … Static. */
const char *hg_endpoint_state_name(HgEndpointState state);

/* TRUE when a connection to its address may reach another server than it: nothing that belongs to
 * it (a handle, a cancel) may go there. Any thread. */
gboolean hg_endpoint_is_replaced(const HgEndpoint *endpoint);

/* TRUE while it is drained, draining, gone or replaced: what is there shall end. Any thread. */
gboolean hg_endpoint_is_leaving(const HgEndpoint *endpoint);

/* Failures that hg_endpoint_failed() was told of since the start. Any thread. */
guint64 hg_endpoint_failures(const HgEndpoint *endpoint);

/* Keeps new sessions away from an endpoint, or lets them come again; those there stay. TRUE when
 * that is a change. Any thread. */
gboolean hg_endpoint_drain(HgEndpoint *endpoint, gboolean drained);
