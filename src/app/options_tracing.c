/* The rows of `tracing`: see options.h. Static data; any thread. */
#include "app/config.h"
#include "app/options_rows.h"

static const HgOption rows[] = {
    {.name = "url",
     STRING(HgTracingConfig, url, HG_OPTION_TEXT),
     .text =
         "Where spans go, by OTLP over HTTP in JSON: `http://collector:4318/v1/traces`. Without "
         "it nothing is traced."},
    {.name = "one_in",
     COUNT(HgTracingConfig, one_in),
     .fallback = "100",
     .min = 0,
     .max = 1000000000,
     .text = "Of what comes without a traceparent one in so many is traced; 0 = none."},
    {.name = "follow",
     SWITCH(HgTracingConfig, follow),
     .fallback = "true",
     .text = "Whether a client's `traceparent` (the header over HTTP, or a session variable of "
             "that name) decides about its own traces."},
    {.name = "statements",
     SWITCH(HgTracingConfig, statements),
     .fallback = "false",
     .text = "Whether spans hold statements and error messages. `audit: redact` hides literals in "
             "them, too; secrets always are hidden."},
    {.name = "token_file",
     STRING(HgTracingConfig, token_file, HG_OPTION_PATH),
     .text = "File whose first line is sent to the collector as `Authorization: Bearer`."},
    {.name = "ca_file",
     STRING(HgTracingConfig, ca_file, HG_OPTION_PATH),
     .text = "PEM file with the authorities of the collector's certificate; without it, the "
             "system's."},
    {.name = "queue",
     COUNT(HgTracingConfig, queue),
     .fallback = "4096",
     .min = 16,
     .max = 1000000,
     .text = "Spans that wait for the collector at most; what comes then is dropped and counted."},
    {.name = "interval",
     DURATION(HgTracingConfig, interval_ms),
     .fallback = "2s",
     .min = 10,
     .max = MINUTES(10),
     .text = "How long spans are gathered before they are sent."},
    {.name = "timeout",
     DURATION(HgTracingConfig, timeout_ms),
     .fallback = "5s",
     .min = 100,
     .max = MINUTES(1),
     .text = "How long the collector may take to answer."},
};

const HgSection *hg_option_tracing_section(void)
{
    static const HgSection section = DESCRIBE(HgTracingConfig, rows);
    return &section;
}
