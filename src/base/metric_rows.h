/* The metrics there are: one documented row each.
 *
 * The rows drive the registry (base/metrics), /metrics and the reference page docs/metrics.md
 * (`hivegate --help-metrics-markdown`). Names follow Prometheus' conventions: base units, `_total`
 * for counters. Labels have few values, all known when hivegate starts. Static; any thread. */
#pragma once

#include <glib.h>

typedef enum {
    HG_METRIC_COUNTER,
    HG_METRIC_GAUGE,
    HG_METRIC_HISTOGRAM, /* of nanoseconds, told in seconds */
} HgMetricKind;

/* Where the values come from. */
typedef enum {
    HG_METRIC_RECORDED, /* cells of the registry, written as things happen */
    HG_METRIC_SAMPLED,  /* asked for when somebody looks */
} HgMetricSource;

typedef struct {
    const char *name;
    const char *const *values; /* NULL-terminated; NULL: given when hivegate starts, or SAMPLED */
} HgMetricLabel;

#define HG_METRIC_LABELS 3

typedef struct {
    const char *name;
    HgMetricKind kind;
    HgMetricSource source;
    HgMetricLabel labels[HG_METRIC_LABELS]; /* ends with a name NULL, or full */
    const guint64 *bounds;                  /* HISTOGRAM: ascending nanoseconds; ends with 0 */
    const char *help;
} HgMetricRow;

typedef enum {
    /* what clients do */
    HG_METRIC_CONNECTIONS,
    HG_METRIC_CONNECTIONS_ACCEPTED,
    HG_METRIC_CONNECTIONS_REFUSED,
    HG_METRIC_TLS_HANDSHAKES,
    HG_METRIC_LOGIN_SECONDS,
    HG_METRIC_CHECK_SECONDS,
    HG_METRIC_CLIENT_BYTES,
    /* sessions and operations */
    HG_METRIC_SESSIONS_OPEN,
    HG_METRIC_SESSIONS_LOST,
    HG_METRIC_SESSIONS_MAX,
    HG_METRIC_OPEN_SECONDS,
    HG_METRIC_OPERATIONS,
    HG_METRIC_OPERATIONS_ENDED,
    HG_METRIC_CALLS,
    HG_METRIC_CALL_ADDED_SECONDS,
    HG_METRIC_FIRST_ROW_SECONDS,
    /* endpoints */
    HG_METRIC_ENDPOINT_STATE,
    HG_METRIC_ENDPOINT_SESSIONS,
    HG_METRIC_ENDPOINT_OPERATIONS,
    HG_METRIC_ENDPOINT_FAILURES,
    HG_METRIC_POOL_PAUSED,
    HG_METRIC_POOL_ENDPOINTS,
    HG_METRIC_POOL_STALE,
    HG_METRIC_BACKEND_CONNECTIONS,
    HG_METRIC_BACKEND_CONNECTED,
    HG_METRIC_PROBES,
    /* hivegate itself */
    HG_METRIC_DRAINING,
    HG_METRIC_LOOP_DELAY_SECONDS,
    HG_METRIC_JOBS_WAITING,
    HG_METRIC_JOBS_MAX,
    HG_METRIC_BUFFER_BYTES,
    HG_METRIC_BUFFER_MAX_BYTES,
    HG_METRIC_THROTTLED,
    HG_METRIC_RELOADS,
    /* the audit log; without one there are no samples */
    HG_METRIC_AUDIT_LAG,
    HG_METRIC_AUDIT_SPOOL_BYTES,
    HG_METRIC_AUDIT_SPOOL_MAX_BYTES,
    HG_METRIC_AUDIT_MEMORY_BYTES,
    HG_METRIC_AUDIT_RECORDED,
    HG_METRIC_AUDIT_SHIPPED,
    HG_METRIC_AUDIT_REFUSED,
    HG_METRIC_AUDIT_LOST,
    HG_METRIC_AUDIT_RUNNING,
    HG_METRIC_AUDIT_SYNCS,
    HG_METRIC_AUDIT_SYNC_SECONDS,
    HG_METRIC_AUDIT_SHIP_FAILURES,
    HG_METRIC_AUDIT_FAILING,
    HG_METRIC_POLICY_DECISIONS,
    HG_METRIC_POLICY_INFO,
    /* traces; without a tracer there are no samples */
    HG_METRIC_TRACE_SPANS,
    HG_METRIC_TRACE_WAITING,
    HG_METRIC_BUILD_INFO,
    HG_METRIC_PROCESS_START,
    HG_METRIC_PROCESS_CPU,
    HG_METRIC_PROCESS_RESIDENT,
    HG_METRIC_PROCESS_FDS,
    HG_METRIC_PROCESS_MAX_FDS,
    HG_METRIC_COUNT,
} HgMetric;

/* Indices of label values, in the order of the rows. */
typedef enum { HG_CALL_SUCCESS, HG_CALL_ERROR, HG_CALL_REFUSED, HG_CALL_UNAVAILABLE } HgCallOutcome;
typedef enum { HG_PROOF_PASSWORD, HG_PROOF_TOKEN, HG_PROOF_CERTIFICATE, HG_PROOF_COOKIE } HgProof;
typedef enum { HG_OUTCOME_ACCEPTED, HG_OUTCOME_DENIED, HG_OUTCOME_UNAVAILABLE } HgLoginOutcome;
typedef enum { HG_CONNECTED_DONE, HG_CONNECTED_FAILED } HgConnectOutcome;
typedef enum { HG_POLICY_UNCHANGED, HG_POLICY_REWRITTEN, HG_POLICY_REFUSED } HgPolicyDecision;
typedef enum { HG_BYTES_RECEIVED, HG_BYTES_SENT } HgBytesDirection;

/* How many outcomes a call, and a login, can have: series of such rows are
 * first * outcomes + outcome. */
#define HG_CALL_OUTCOMES  4
#define HG_LOGIN_OUTCOMES 3

/* The number in label `method` of HG_METRIC_CALLS for a method that the service doesn't have; those
 * it has stand in the order of hs2/method, which a unit test sees to. */
#define HG_CALL_METHOD_OTHER 25

/* The row of a metric. */
const HgMetricRow *hg_metric_row(HgMetric metric);
