/* The gateway: what all workers share, and the start and end of the whole.
 *
 * It owns the directory, the memory budget, the job threads, the workers and the acceptor. Main
 * thread, but for the accessors. */
#pragma once

#include "auth/authenticator.h"
#include "base/budget.h"
#include "base/log.h"
#include "cluster/pool.h"
#include "net/jobs.h"
#include "proxy/directory.h"
#include "proxy/options.h"
#include "proxy/quota.h"

typedef struct HgGateway HgGateway;
typedef struct HgWorker HgWorker;

/* Starts job threads, workers and the acceptor, which takes clients from the listening sockets
 * `take_fds` (one per listener of the options; taken, also on failure). Options, pools (as many as
 * the options have, in that order), authenticator and log are borrowed and outlive the gateway.
 * NULL with *error when something can't be started. */
HgGateway *hg_gateway_new(const HgProxyOptions *options, HgPool *const *pools,
                          HgAuthenticator *authenticator, HgLog *log, const int *take_fds,
                          GError **error);

/* Stops accepting, lets what runs finish (bounded) and ends all threads. Blocks. Main thread. */
void hg_gateway_stop(HgGateway *gateway);

/* Is not ready for new clients any more, though it still takes them: balancers and Kubernetes see
 * that and lead clients elsewhere. Any thread. */
void hg_gateway_leave(HgGateway *gateway);

/* Frees a stopped gateway. NULL is fine. */
void hg_gateway_free(HgGateway *gateway);

/* Shared by all workers; borrowed. Any thread. */
const HgProxyOptions *hg_gateway_options(const HgGateway *gateway);
HgAuthenticator *hg_gateway_authenticator(HgGateway *gateway);
HgDirectory *hg_gateway_directory(HgGateway *gateway);
HgJobs *hg_gateway_jobs(HgGateway *gateway);
HgQuota *hg_gateway_quota(HgGateway *gateway);
HgQuota *hg_gateway_address_quota(HgGateway *gateway); /* by address; NULL: no limit */
HgRouting *hg_gateway_routing(HgGateway *gateway);
HgBudget *hg_gateway_budget(HgGateway *gateway);
HgLog *hg_gateway_log(HgGateway *gateway);

/* The workers, borrowed until the gateway is freed. Any thread. */
guint hg_gateway_workers(const HgGateway *gateway);
HgWorker *hg_gateway_worker(HgGateway *gateway, guint index);

/* The pools, in the order of the configuration; hg_gateway_pool() is the first. Borrowed. Any
 * thread. */
guint hg_gateway_pools(const HgGateway *gateway);
HgPool *hg_gateway_pool_at(const HgGateway *gateway, guint index);
HgPool *hg_gateway_pool(HgGateway *gateway);

/* The pool of that name; NULL: there is none. Any thread. */
HgPool *hg_gateway_find_pool(const HgGateway *gateway, const char *name);

/* TRUE once hg_gateway_leave() or hg_gateway_stop() was called. Any thread. */
gboolean hg_gateway_is_stopping(const HgGateway *gateway);

/* The limit of the log lines about refused requests, of which one client can cause any number. */
HgLogLimit *hg_gateway_request_limit(HgGateway *gateway);
