/* The table of metrics: see metric_rows.h. Static data only. */
#include "base/metric_rows.h"

#define US 1000ull
#define MS 1000000ull
#define S  1000000000ull

/* What hivegate itself takes; what a person waits for; what a loop may be late. */
static const guint64 fine_bounds[] = {5 * US,   10 * US, 25 * US, 50 * US, 100 * US, 250 * US,
                                      500 * US, 1 * MS,  5 * MS,  25 * MS, 100 * MS, 0};
static const guint64 wait_bounds[] = {1 * MS,   2 * MS,   5 * MS,   10 * MS, 25 * MS,   50 * MS,
                                      100 * MS, 250 * MS, 500 * MS, 1 * S,   2500 * MS, 5 * S,
                                      10 * S,   30 * S,   60 * S,   0};
static const guint64 query_bounds[] = {10 * MS, 50 * MS,   100 * MS, 250 * MS, 500 * MS,
                                       1 * S,   2500 * MS, 5 * S,    10 * S,   30 * S,
                                       60 * S,  300 * S,   900 * S,  3600 * S, 0};
static const guint64 loop_bounds[] = {100 * US, 500 * US, 1 * MS, 5 * MS, 25 * MS,
                                      100 * MS, 500 * MS, 1 * S,  5 * S,  0};

static const char *const directions[] = {"received", "sent", NULL};
static const char *const connected[] = {"done", "failed", NULL};
static const char *const decisions[] = {"unchanged", "rewritten", "refused", NULL};
static const char *const proofs[] = {"password", "token", "certificate", "cookie", NULL};
static const char *const login_outcomes[] = {"accepted", "denied", "unavailable", NULL};
static const char *const check_methods[] = {"users",     "ldap",  "jwt", "introspection",
                                            "tokeninfo", "other", NULL};
static const char *const check_outcomes[] = {"not_mine", "accepted", "denied", "unavailable", NULL};
static const char *const call_outcomes[] = {"success", "error", "refused", "unavailable", NULL};
static const char *const final_states[] = {"finished", "canceled", "closed", "error",
                                           "timedout", "killed",   NULL};
static const char *const call_methods[] = {"OpenSession",
                                           "CloseSession",
                                           "GetInfo",
                                           "ExecuteStatement",
                                           "GetTypeInfo",
                                           "GetCatalogs",
                                           "GetSchemas",
                                           "GetTables",
                                           "GetTableTypes",
                                           "GetColumns",
                                           "GetFunctions",
                                           "GetPrimaryKeys",
                                           "GetCrossReference",
                                           "GetOperationStatus",
                                           "CancelOperation",
                                           "CloseOperation",
                                           "GetResultSetMetadata",
                                           "FetchResults",
                                           "GetDelegationToken",
                                           "CancelDelegationToken",
                                           "RenewDelegationToken",
                                           "GetQueryId",
                                           "SetClientInfo",
                                           "UploadData",
                                           "DownloadData",
                                           "other",
                                           NULL};

#define COUNTER   .kind = HG_METRIC_COUNTER
#define GAUGE     .kind = HG_METRIC_GAUGE
#define HISTOGRAM .kind = HG_METRIC_HISTOGRAM
#define SAMPLED   .source = HG_METRIC_SAMPLED

static const HgMetricRow rows[HG_METRIC_COUNT] = {
    [HG_METRIC_CONNECTIONS] = {.name = "hivegate_connections",
                               GAUGE,
                               .labels = {{"listener", NULL}},
                               .help = "Client connections now, by listener."},
    [HG_METRIC_CONNECTIONS_ACCEPTED] = {.name = "hivegate_connections_accepted_total",
                                        COUNTER,
                                        .labels = {{"listener", NULL}},
                                        .help = "Client connections taken, by listener."},
    [HG_METRIC_CONNECTIONS_REFUSED] = {.name = "hivegate_connections_refused_total",
                                       COUNTER,
                                       .help = "Client connections turned away: too many of them "
                                               "(limits: connections), or no descriptor left."},
    [HG_METRIC_TLS_HANDSHAKES] = {.name = "hivegate_tls_handshakes_total",
                                  COUNTER,
                                  .labels = {{"outcome", connected}},
                                  .help = "TLS handshakes with clients that were done, or failed."},
    [HG_METRIC_LOGIN_SECONDS] = {.name = "hivegate_login_seconds",
                                 HISTOGRAM,
                                 .bounds = wait_bounds,
                                 .labels = {{"method", proofs}, {"outcome", login_outcomes}},
                                 .help = "Logins: from the credentials to the verdict, waiting for "
                                         "a job thread and what is kept back from those who guess "
                                         "included. `method` is what was shown. Over HTTP each "
                                         "request logs in."},
    [HG_METRIC_CHECK_SECONDS] = {.name = "hivegate_login_check_seconds",
                                 HISTOGRAM,
                                 .bounds = wait_bounds,
                                 .labels = {{"method", check_methods}, {"outcome", check_outcomes}},
                                 .help = "Checks by one method of the chain, such as a call of a "
                                         "directory (ldap) or a token server (introspection, "
                                         "tokeninfo). Remembered logins need none."},
    [HG_METRIC_CLIENT_BYTES] = {.name = "hivegate_client_bytes_total",
                                COUNTER,
                                .labels = {{"direction", directions}},
                                .help = "Bytes from and to clients, inside of TLS."},
    [HG_METRIC_SESSIONS_OPEN] = {.name = "hivegate_sessions_open",
                                 GAUGE,
                                 SAMPLED,
                                 .help = "Sessions open now."},
    [HG_METRIC_SESSIONS_LOST] = {.name = "hivegate_sessions_lost",
                                 GAUGE,
                                 SAMPLED,
                                 .help = "Sessions that were lost with their endpoint or ended by "
                                         "an administrator, and whose clients are still there."},
    [HG_METRIC_SESSIONS_MAX] = {.name = "hivegate_sessions_max",
                                GAUGE,
                                SAMPLED,
                                .help = "Sessions there may be (limits: sessions)."},
    [HG_METRIC_OPEN_SECONDS] = {.name = "hivegate_open_seconds",
                                HISTOGRAM,
                                .bounds = wait_bounds,
                                .labels = {{"outcome", call_outcomes}},
                                .help = "OpenSession: from the request to its answer, every "
                                        "endpoint that was tried included."},
    [HG_METRIC_OPERATIONS] = {.name = "hivegate_operations",
                              GAUGE,
                              SAMPLED,
                              .labels = {{"state", NULL}},
                              .help = "Statements and metadata calls that aren't closed: `running` "
                                      "as far as the client has asked, or `ended`."},
    [HG_METRIC_OPERATIONS_ENDED] = {.name = "hivegate_operations_ended_total",
                                    COUNTER,
                                    .labels = {{"state", final_states}},
                                    .help = "Operations that came to an end, as their clients were "
                                            "told by GetOperationStatus; `killed` by an "
                                            "administrator."},
    [HG_METRIC_CALLS] = {.name = "hivegate_calls_total",
                         COUNTER,
                         .labels = {{"method", call_methods}, {"outcome", call_outcomes}},
                         .help = "Calls of clients: answered by the endpoint without (`success`) "
                                 "or with an `error`, `refused` by hivegate, or `unavailable`: the "
                                 "endpoint or the session is gone."},
    [HG_METRIC_CALL_ADDED_SECONDS] = {.name = "hivegate_call_added_seconds",
                                      HISTOGRAM,
                                      .bounds = fine_bounds,
                                      .help = "Time that hivegate itself adds to a call: from a "
                                              "request's bytes being there to its being sent on, "
                                              "and the same for the reply. One call in 16 is "
                                              "measured."},
    [HG_METRIC_FIRST_ROW_SECONDS] = {.name = "hivegate_first_row_seconds",
                                     HISTOGRAM,
                                     .bounds = query_bounds,
                                     .help = "From ExecuteStatement to the first rows that are "
                                             "fetched; statements without a fetch don't count."},
    [HG_METRIC_ENDPOINT_STATE] = {.name = "hivegate_endpoint_state",
                                  GAUGE,
                                  SAMPLED,
                                  .labels = {{"pool", NULL}, {"endpoint", NULL}, {"state", NULL}},
                                  .help = "1 for the state that the endpoint is in: `untried`, "
                                          "`up`, `starting` (new: it takes few sessions at first), "
                                          "`down` (it failed lately: others go first), `drained` "
                                          "by an administrator; as its source says: `unready`, "
                                          "`draining` (it is about to end), `gone` (sessions may "
                                          "still use it) or `replaced` (another server has its "
                                          "address)."},
    [HG_METRIC_ENDPOINT_SESSIONS] = {.name = "hivegate_endpoint_sessions",
                                     GAUGE,
                                     SAMPLED,
                                     .labels = {{"pool", NULL}, {"endpoint", NULL}},
                                     .help = "Sessions on the endpoint."},
    [HG_METRIC_ENDPOINT_OPERATIONS] = {.name = "hivegate_endpoint_operations",
                                       GAUGE,
                                       SAMPLED,
                                       .labels = {{"pool", NULL}, {"endpoint", NULL}},
                                       .help = "Statements that run on the endpoint, as far as "
                                               "their clients were told."},
    [HG_METRIC_ENDPOINT_FAILURES] = {.name = "hivegate_endpoint_failures_total",
                                     COUNTER,
                                     SAMPLED,
                                     .labels = {{"pool", NULL}, {"endpoint", NULL}},
                                     .help = "Attempts to open a session that the endpoint failed "
                                             "to answer."},
    [HG_METRIC_POOL_PAUSED] = {.name = "hivegate_pool_paused",
                               GAUGE,
                               SAMPLED,
                               .labels = {{"pool", NULL}},
                               .help = "1 while an administrator keeps new sessions out."},
    [HG_METRIC_POOL_ENDPOINTS] = {.name = "hivegate_pool_endpoints",
                                  GAUGE,
                                  SAMPLED,
                                  .labels = {{"pool", NULL}},
                                  .help = "Endpoints that the pool's source names now."},
    [HG_METRIC_POOL_STALE] = {.name = "hivegate_pool_stale",
                              GAUGE,
                              SAMPLED,
                              .labels = {{"pool", NULL}},
                              .help = "1 while the pool's source of endpoints is away or hasn't "
                                      "answered yet: the last ones stay in use."},
    [HG_METRIC_BACKEND_CONNECTIONS] = {.name = "hivegate_endpoint_connections",
                                       GAUGE,
                                       .help = "Connections to endpoints now, those included that "
                                               "are being made."},
    [HG_METRIC_BACKEND_CONNECTED] = {.name = "hivegate_endpoint_connects_total",
                                     COUNTER,
                                     .labels = {{"outcome", connected}},
                                     .help = "Connections to endpoints that were made, or failed "
                                             "before or in the login."},
    [HG_METRIC_PROBES] = {.name = "hivegate_probes_total",
                          COUNTER,
                          .labels = {{"outcome", connected}},
                          .help = "Probes of endpoints (pools: health) that were answered, or "
                                  "failed."},
    [HG_METRIC_DRAINING] = {.name = "hivegate_stopping",
                            GAUGE,
                            SAMPLED,
                            .help = "1 after SIGTERM, while running work may finish."},
    [HG_METRIC_LOOP_DELAY_SECONDS] = {.name = "hivegate_loop_delay_seconds",
                                      HISTOGRAM,
                                      .bounds = loop_bounds,
                                      .help = "How long a letter waits until a worker's loop takes "
                                              "it: what any event waits. Each worker gets one a "
                                              "second."},
    [HG_METRIC_JOBS_WAITING] = {.name = "hivegate_jobs_waiting",
                                GAUGE,
                                SAMPLED,
                                .help = "Work that waits for a job thread, such as logins."},
    [HG_METRIC_JOBS_MAX] = {.name = "hivegate_jobs_waiting_max",
                            GAUGE,
                            SAMPLED,
                            .help = "Work that may wait (jobs: queue)."},
    [HG_METRIC_BUFFER_BYTES] = {.name = "hivegate_buffer_bytes",
                                GAUGE,
                                SAMPLED,
                                .help = "Memory of messages under way."},
    [HG_METRIC_BUFFER_MAX_BYTES] = {.name = "hivegate_buffer_max_bytes",
                                    GAUGE,
                                    SAMPLED,
                                    .help = "What that may be (limits: memory)."},
    [HG_METRIC_THROTTLED] = {.name = "hivegate_logins_throttled",
                             GAUGE,
                             SAMPLED,
                             .help = "Users and addresses whose logins are refused after too many "
                                     "failures."},
    [HG_METRIC_RELOADS] = {.name = "hivegate_reloads_total",
                           COUNTER,
                           .labels = {{"outcome", connected}},
                           .help = "Reloads by SIGHUP or an administrator that were done, or "
                                   "failed."},
    [HG_METRIC_AUDIT_LAG] = {.name = "hivegate_audit_lag_seconds",
                             GAUGE,
                             SAMPLED,
                             .help = "Age of the oldest event that PostgreSQL doesn't have; 0 when "
                                     "it has all. Only with audit: postgres."},
    [HG_METRIC_AUDIT_SPOOL_BYTES] = {.name = "hivegate_audit_spool_bytes",
                                     GAUGE,
                                     SAMPLED,
                                     .help = "Bytes of the spool's files."},
    [HG_METRIC_AUDIT_SPOOL_MAX_BYTES] = {.name = "hivegate_audit_spool_max_bytes",
                                         GAUGE,
                                         SAMPLED,
                                         .help = "What that may be (audit: limit)."},
    [HG_METRIC_AUDIT_MEMORY_BYTES] = {.name = "hivegate_audit_waiting_bytes",
                                      GAUGE,
                                      SAMPLED,
                                      .help = "Events that aren't written to the spool yet."},
    [HG_METRIC_AUDIT_RECORDED] = {.name = "hivegate_audit_records_total",
                                  COUNTER,
                                  SAMPLED,
                                  .help = "Events that were written to this spool, since it was "
                                          "made."},
    [HG_METRIC_AUDIT_SHIPPED] = {.name = "hivegate_audit_shipped_total",
                                 COUNTER,
                                 SAMPLED,
                                 .help = "Events that PostgreSQL has taken, since the start."},
    [HG_METRIC_AUDIT_REFUSED] = {.name = "hivegate_audit_refused_total",
                                 COUNTER,
                                 SAMPLED,
                                 .help = "Statements, sessions and metadata calls that were "
                                         "refused, as the spool couldn't take their event."},
    [HG_METRIC_AUDIT_LOST] = {.name = "hivegate_audit_lost_total",
                              COUNTER,
                              SAMPLED,
                              .help = "Events that are in no record; a gap event counts them."},
    [HG_METRIC_AUDIT_RUNNING] = {.name = "hivegate_audit_running",
                                 GAUGE,
                                 SAMPLED,
                                 .help = "Statements on record that have no end yet."},
    [HG_METRIC_AUDIT_SYNCS] = {.name = "hivegate_audit_syncs_total",
                               COUNTER,
                               SAMPLED,
                               .help = "Times the spool was made durable (fdatasync)."},
    [HG_METRIC_AUDIT_SYNC_SECONDS] = {.name = "hivegate_audit_sync_seconds_total",
                                      COUNTER,
                                      SAMPLED,
                                      .help = "Time spent in that."},
    [HG_METRIC_AUDIT_SHIP_FAILURES] = {.name = "hivegate_audit_ship_failures_total",
                                       COUNTER,
                                       SAMPLED,
                                       .help = "Tries to ship to PostgreSQL that failed."},
    [HG_METRIC_AUDIT_FAILING] = {.name = "hivegate_audit_refuses",
                                 GAUGE,
                                 SAMPLED,
                                 .help = "1 while nothing new may begin, as the spool is full or "
                                         "its disk fails."},
    [HG_METRIC_POLICY_DECISIONS] = {.name = "hivegate_policy_decisions_total",
                                    COUNTER,
                                    .labels = {{"decision", decisions}},
                                    .help = "Statements, and other calls, that policies let "
                                            "through unchanged or rewritten, or refused."},
    [HG_METRIC_POLICY_INFO] = {.name = "hivegate_policy_info",
                               GAUGE,
                               SAMPLED,
                               .labels = {{"version", NULL}},
                               .help = "Always 1; the version of the policies in force is a "
                                       "label. Not there without policies."},
    [HG_METRIC_TRACE_SPANS] = {.name = "hivegate_trace_spans_total",
                               COUNTER,
                               SAMPLED,
                               .labels = {{"outcome", NULL}},
                               .help = "Spans that the collector has (`exported`) or didn't want "
                                       "(`rejected`), or that found no room while it was away "
                                       "(`dropped`)."},
    [HG_METRIC_TRACE_WAITING] = {.name = "hivegate_trace_spans_waiting",
                                 GAUGE,
                                 SAMPLED,
                                 .help = "Spans that wait for the collector (tracing: queue)."},
    [HG_METRIC_BUILD_INFO] = {.name = "hivegate_build_info",
                              GAUGE,
                              SAMPLED,
                              .labels = {{"version", NULL}},
                              .help = "Always 1; the version is a label."},
    [HG_METRIC_PROCESS_START] = {.name = "process_start_time_seconds",
                                 GAUGE,
                                 SAMPLED,
                                 .help = "When hivegate was started, in seconds since 1970."},
    [HG_METRIC_PROCESS_CPU] = {.name = "process_cpu_seconds_total",
                               COUNTER,
                               SAMPLED,
                               .help = "Processor time, user and system."},
    [HG_METRIC_PROCESS_RESIDENT] = {.name = "process_resident_memory_bytes",
                                    GAUGE,
                                    SAMPLED,
                                    .help = "Resident memory."},
    [HG_METRIC_PROCESS_FDS] = {.name = "process_open_fds",
                               GAUGE,
                               SAMPLED,
                               .help = "Open descriptors."},
    [HG_METRIC_PROCESS_MAX_FDS] = {.name = "process_max_fds",
                                   GAUGE,
                                   SAMPLED,
                                   .help = "Descriptors there may be."},
};

const HgMetricRow *hg_metric_row(HgMetric metric)
{
    g_assert(metric < HG_METRIC_COUNT);
    return &rows[metric];
}
