/* load: what the load generator's parts share: the plan (from the command line, never changed)
 * and the counts. One thread. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>

#include "histogram.h"

/* What each connection does, and what is one operation of it. */
typedef enum LoadMode {
    LOAD_STATUS,  /* one operation's status again and again; each call */
    LOAD_FETCH,   /* fetches again and again; each call */
    LOAD_QUERY,   /* execute, status, metadata, fetch, close; the five together */
    LOAD_SESSION, /* connect, log in, open, close a session, hang up; all of it */
    LOAD_IDLE,    /* opens a session and stays silent; none */
    LOAD_STREAM,  /* fetches until a total of bytes has come; each call */
    LOAD_TABLE,   /* execute, fetch until there are no more rows, close; the fetches together */
} LoadMode;

/* How calls travel. */
typedef enum LoadTransport {
    LOAD_SASL, /* in SASL frames, after a PLAIN login */
    LOAD_RAW,  /* one after another, without lengths */
    LOAD_HTTP, /* each as the body of a POST */
} LoadTransport;

typedef struct LoadTls LoadTls; /* load_channel.h */

typedef struct LoadPlan {
    LoadMode mode;
    struct sockaddr_in address;
    const char *user;
    const char *password;
    const char *statement;
    LoadTransport transport;
    const LoadTls *tls;  /* NULL: plain */
    const char *path;    /* HTTP: of the service */
    bool cookies;        /* HTTP: a cookie, once there is one, takes the place of the password */
    uint64_t max_rows;   /* asked for by each fetch */
    unsigned sessions;   /* connections, with one session each */
    unsigned opening;    /* how many may be logging in at a time */
    double warmup;       /* seconds */
    double seconds;      /* longest time measured */
    uint64_t bytes;      /* stream: enough */
    uint64_t operations; /* 0: no limit */
} LoadPlan;

typedef struct LoadCounts {
    bool measuring;      /* `opened` and `errors` count always, the rest only while true */
    unsigned opened;     /* sessions opened */
    uint64_t errors;     /* calls or connections that failed */
    uint64_t operations; /* finished */
    uint64_t bytes;      /* received */
    uint64_t rows;       /* table: fetched */
    Histogram latency;   /* of operations */
} LoadCounts;

#endif
