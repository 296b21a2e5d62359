/* What the proxy is told by the configuration: plain values, set once before the workers start.
 *
 * The strings are borrowed from the configuration snapshot, which outlives the gateway. */
#pragma once

#include "auth/impersonation.h"
#include "auth/method.h"
#include "base/metrics.h"
#include "base/network.h"
#include "base/secret.h"
#include "cluster/pool.h"
#include "net/socket.h"
#include "net/tls.h"
#include "proxy/policies.h"
#include "proxy/routing.h"

typedef struct HgRecorder HgRecorder;
typedef struct HgSqlRedaction HgSqlRedaction;
typedef struct HgTracer HgTracer;

typedef enum {
    HG_LOGIN_AS_USER, /* the backend sees the user's name and hivegate's secret */
    HG_LOGIN_SERVICE, /* a service account that names the user in hive.server2.proxy.user */
} HgLoginMode;

typedef struct {
    const char *name;
    gboolean http;              /* HTTP, else binary Thrift */
    gboolean sasl;              /* SASL PLAIN, else Thrift without SASL */
    const char *http_path;      /* without the '/' in front: "cliservice" */
    HgTls *tls;                 /* borrowed; NULL: plain text */
    guint chain;                /* of the authenticator */
    HgNetworks balancers;       /* whose connections begin with a PROXY header */
    HgNetworks trusted_proxies; /* whose X-Forwarded-For header is believed */
    gboolean needs_xsrf_header; /* requests without X-XSRF-HEADER are refused */
} HgListenerOptions;

typedef struct {
    gboolean http;           /* how hivegate speaks to the pool's endpoints: HTTP, */
    gboolean sasl;           /* or binary Thrift with SASL, or without */
    const char *http_path;   /* without the '/' in front */
    HgTls *tls;              /* borrowed; NULL: plain text */
    const char *server_name; /* whom a certificate must name; NULL: the endpoint's host */
    HgLoginMode login;
    const char *user;       /* login: service */
    HgSecretBox *password;  /* hivegate's own secret at the endpoint; never a client's */
    guint connect_timeout;  /* ms */
    guint login_timeout;    /* ms from the first byte sent to the end of SASL */
    guint open_timeout;     /* ms for OpenSession's answer */
    guint drain_timeout;    /* ms that sessions may stay on an endpoint that leaves; 0: any time */
    guint probe_interval;   /* ms between probes of an endpoint; 0: there are none */
    guint probe_timeout;    /* ms for GetInfo's answer */
    const char *probe_user; /* whom the probe's session runs as, with HG_LOGIN_AS_USER */
} HgPoolOptions;

/* Those of the pool that an endpoint is in: each pool's data (hg_pool_data()) are its options. */
static inline const HgPoolOptions *hg_pool_options(const HgEndpoint *endpoint)
{
    return hg_pool_data(hg_endpoint_pool(endpoint));
}

/* Variables for sessions of some users. Lists end with NULL. */
typedef struct {
    const char *const *users;  /* effective users; NULL with `groups` NULL: everybody */
    const char *const *groups; /* of the effective user */
    const char *const *set;    /* names and values in turns */
} HgSessionDefaults;

typedef struct {
    guint workers;
    gsize memory;               /* bytes of buffers in all; 0 = no ceiling */
    guint connections;          /* client connections at once; 0 = no limit */
    guint sessions;             /* sessions at once; 0 = no limit */
    guint sessions_per_user;    /* of one user; 0 = no limit */
    guint sessions_per_address; /* of one client address; 0 = no limit */
    guint connection_rate;      /* connections a second of one address; 0 = no limit */
    guint run_time;             /* ms that a statement may run; 0 = any time */
    guint statement_size;       /* bytes of a statement; 0 = no limit but message_size */
    guint message_size;         /* bytes of one request */
    guint login_timeout;        /* ms from accept to a finished login */
    guint request_timeout;      /* ms from the first to the last byte of a request */
    guint session_idle; /* ms without a call that end a session without a connection; 0 = never */
    guint http_idle;    /* ms that an HTTP connection may be idle; 0 = any time */
    guint shutdown_timeout; /* ms for running work to finish after SIGTERM */
    guint job_threads;
    guint job_queue;
    HgTcpOptions client_tcp;
    HgTcpOptions endpoint_tcp;
    const HgImpersonation *impersonation; /* who may act as whom */
    const HgSessionDefaults *defaults;    /* variables that sessions are opened with */
    guint n_defaults;
    const char *const *variables_allow; /* as in HgVariableRules */
    const char *const *variables_deny;
    HgTokenExpiry token_expiry; /* what an expired token ends */
    const HgListenerOptions *listeners;
    guint n_listeners;
    const HgPoolOptions *pools;
    guint n_pools;
    const HgRoute *routes; /* none: all sessions go to the first pool */
    guint n_routes;
    HgMetrics *metrics;                    /* with a shard for each worker */
    HgRecorder *recorder;                  /* borrowed; NULL: nothing is put on record */
    HgTracer *tracer;                      /* borrowed; NULL: nothing is traced */
    const HgSqlRedaction *trace_redaction; /* what spans don't hold of statements; NULL: they hold
                                              neither texts nor messages */
    HgPolicies *policies;                  /* borrowed; NULL: none are enforced */
} HgProxyOptions;
