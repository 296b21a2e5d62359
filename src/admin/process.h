/* Figures of the process itself, as Prometheus' own clients have them. Any thread. */
#pragma once

#include "base/metrics.h"

/* Writes the sample of a process_* metric; nothing for another one. Reads /proc. */
void hg_admin_sample_process(HgMetricsText *text, HgMetric metric);
