/* What an administrator sees of a running gateway: does it live, is it ready, its figures.
 *
 * Nothing here waits for a worker longer than it is told, and nothing blocks one: what needs a
 * worker's own state is asked through its letter box. Any thread but a loop's. */
#pragma once

#include "base/metrics.h"
#include "proxy/gateway.h"

/* Runs `what` on each worker's thread, in no order, and waits for all of them for `timeout` ms.
 * `data` is freed by `free_data` (may be NULL) when the last has run, which may be later. FALSE
 * when one didn't get to it in time; workers that have ended don't count. */
typedef void (*HgControlFunc)(HgWorker *worker, void *data);
gboolean hg_control_ask(HgGateway *gateway, HgControlFunc what, void *take_data,
                        GDestroyNotify free_data, guint timeout);

/* TRUE when each worker's loop turns: it has answered within `timeout` ms. */
gboolean hg_control_is_alive(HgGateway *gateway, guint timeout);

/* Has each worker count how late it takes a letter (HG_METRIC_LOOP_DELAY_SECONDS). Returns at
 * once. */
void hg_control_measure_loops(HgGateway *gateway);

/* TRUE when a new session can be taken now; else the reasons, one a line, are added to `why`. */
gboolean hg_control_is_ready(HgGateway *gateway, GString *why);

/* What clients wait for that has no operation yet, such as a statement that isn't run
 * asynchronously: HgClientWait, each cleared by hg_client_wait_clear() with the array
 * (g_array_unref). Those of workers that don't answer within `timeout` ms are left out. */
GArray *hg_control_waits(HgGateway *gateway, guint timeout);

/* Client connections now. */
guint hg_control_connections(HgGateway *gateway);

/* Writes the samples of a SAMPLED metric that is about the gateway; nothing for another one. */
void hg_control_sample(HgGateway *gateway, HgMetricsText *text, HgMetric metric);
