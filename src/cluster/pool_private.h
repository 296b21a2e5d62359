/* The inside of pools and endpoints, for the files of src/cluster only.
 *
 *   endpoint.c   an endpoint: its counters, its standing
 *   pool.c       life of a pool, its members, following a source
 *   choice.c     the score of an endpoint, and the choice by the pool's policy
 */
#pragma once

#include "cluster/pool.h"

#include <pthread.h>
#include <stdatomic.h>

#define NO_SLOT G_MAXUINT

/* What the source says of an endpoint. */
typedef enum {
    PLACE_MEMBER,
    PLACE_UNREADY,
    PLACE_TERMINATING,
    PLACE_GONE,
    PLACE_REPLACED,
} Place;

struct HgEndpoint {
    atomic_uint references;
    HgPool *pool;
    char *name;
    char *host;
    char *port;
    char *instance; /* or NULL */
    guint64 hash;   /* of who it is */
    /* under the pool's lock */
    guint slot; /* in the pool; NO_SLOT: gone */
    guint weight;
    guint level;           /* of its priority: 0 goes first */
    guint64 starting_from; /* ms */
    guint64 starting_until;
    guint64 ejected_until; /* ms */
    guint64 latency_at;    /* ms: when it was noted */
    gboolean timed;        /* in pool->timed */
    /* written under the lock, read by anybody */
    atomic_uint sessions;
    atomic_uint operations;         /* written by anybody */
    atomic_uint failures;           /* in a row */
    atomic_uint_least64_t failed;   /* in all */
    atomic_uint_least64_t set_back; /* ms: until when the last failure counts; 0: there was none */
    atomic_uint_least64_t latency;  /* us; 0: none */
    atomic_bool tried;              /* it has succeeded or failed once */
    atomic_bool drained;
    atomic_bool ejected;
    atomic_bool starting;
    atomic_int place; /* Place */
};

/* What the choice looks at, side by side in memory. */
typedef struct {
    guint64 score; /* see choice.c */
    guint64 hash;
    guint32 sessions;
    guint32 share; /* of 1024: less than that while it is starting */
} Slot;

struct HgPool {
    char *name;
    HgPoolSettings settings;
    HgSource *source; /* or NULL */
    HgPoolListener listener;
    const void *data; /* the user's */
    atomic_bool paused;
    pthread_mutex_t lock; /* around all below */
    GPtrArray *members;   /* of HgEndpoint, referenced; by slot */
    GPtrArray *gone;      /* the same: no members any more, but maybe still used */
    Slot *slots;
    GPtrArray *timed; /* members, borrowed, whose score changes with time */
    guint ejected;    /* members that are */
    guint sessions;   /* on all endpoints, those that are gone too */
    guint turn;       /* where the search starts, so that equals take turns */
    guint64 random;
    guint64 now;      /* ms: the latest that was heard of */
    gboolean was_set; /* it had a set: what comes now is new */
};

/* A new endpoint, outside any slot. */
HgEndpoint *hg_endpoint_new(HgPool *pool, const char *host, const char *port, const char *instance);

/* ---- choice.c; with the pool's lock held ---- */

/* Works out the endpoint's score anew, and whether it has to be looked at again as time passes. */
void hg_choice_update(HgPool *pool, HgEndpoint *endpoint);

/* Ejects a member until then, if the pool's share allows one more. */
void hg_choice_eject(HgPool *pool, HgEndpoint *endpoint, guint64 until, guint64 now);

/* Ends an ejection; fine when there is none. */
void hg_choice_restore(HgPool *pool, HgEndpoint *endpoint);

/* The endpoint leaves its slot: it is no member any more. */
void hg_choice_forget(HgPool *pool, HgEndpoint *endpoint);

/* The slot for a session of `user`; NO_SLOT: none is left. */
guint hg_choice_make(HgPool *pool, const char *user, const GPtrArray *tried, guint64 now);
